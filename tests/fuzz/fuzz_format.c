/*
 * Formats. The input is
 *
 *	whom, room, length of the format, format, messages divided by 0xfe
 *
 * A format is refused in words, or taken. What is taken writes the same in a
 * small buffer as in a large one, by itself and through a sink; a terminal is
 * shown nothing that could drive it, unless the format itself says it; and
 * {%j} is a line that is read back unchanged.
 */
#include <jansson.h>

#include "check.h"
#include "io/json.h"
#include "strain.h"

#define MESSAGES_MAX 16
#define LARGE_ROOM 65536

static struct strain tight, wide;
static struct slice v[MESSAGES_MAX];

/* Does the format's own text drive a terminal? */
static bool
is_safe(struct slice s)
{
	uint32_t cp;
	size_t i;
	int n;

	for (i = 0; i < s.len; i += (size_t)n) {
		n = utf8_next(s.p + i, s.len - i, &cp);
		if (n <= 0 || (!utf8_is_safe(cp) && cp != '\n' && cp != '\t'))
			return false;
	}
	return true;
}

static bool
text_is_safe(const struct format *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (!is_safe(f->v[i].text))
			return false;
	return true;
}

static void
begin(struct about_of *of)
{
	about_begin(of, 1, "unix:p");
	of->time_us = 1769860800000001;
	of->since_us = 77;
}

static void
run_sink(struct strain *s, const struct format *f, bool terminal, size_t room,
    const struct batch *b)
{
	struct about_of of;
	struct sink sink;

	sink_init(&sink, SINK_LINES, terminal);
	begin(&of);
	sink.about.of = &of;
	sink_set_format(&sink, f);
	strain_through(s, &sink, room, b);
}

/* For a peer there is no large message, and the bytes are the same. */
static void
check_peer(const struct format *f, const struct batch *b, struct slice want)
{
	struct span out = {check_alloc(want.len + 16), 0, want.len + 16};
	struct format_at at = {0};
	struct about_of of;
	struct about a;
	size_t i;

	begin(&of);
	about_init(&a, &of);
	for (i = 0; i < b->n; i++) {
		about_next(&a);
		CHECK(format_put(f, &at, &a, b->v[i], FORMAT_FOR_PEER, &out) ==
			FORMAT_DONE,
		    "what fits is written at once");
	}
	CHECK(check_same(slice_of(out.p, out.len), want),
	    "a peer gets what a pipe gets");
	free(out.p);
}

static void
check_format(
    const struct format *f, const struct batch *b, bool terminal, size_t room)
{
	run_sink(&tight, f, terminal, room, b);
	run_sink(&wide, f, terminal, LARGE_ROOM, b);
	CHECK(check_same(slice_of(tight.bytes, tight.len),
		  slice_of(wide.bytes, wide.len)),
	    "a format is written the same in %zu bytes", room);
	if (!terminal)
		check_peer(f, b, slice_of(wide.bytes, wide.len));
	else if (text_is_safe(f))
		CHECK(is_safe(slice_of(wide.bytes, wide.len)),
		    "a terminal is shown nothing that drives it");
}

/* {%j} of a message is an object of one member, and the message again. */
static void
check_member(struct slice m, bool terminal, size_t room)
{
	struct batch b = {&m, 1, 1};
	struct json_beside beside = {0};
	struct format f;
	struct fail fail;
	json_error_t err;
	json_t *o;
	uint8_t *out;
	size_t len;

	CHECK(format_init(&f, "{%j}", &fail) == 0, "it is a format");
	run_sink(&tight, &f, terminal, room, &b);
	o = json_loadb((const char *)tight.bytes, tight.len,
	    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &err);
	CHECK(json_object_size(o) == 1, "it is JSON, and of one member");
	json_decref(o);
	out = check_alloc(tight.len);
	CHECK(json_line(slice_of(tight.bytes, tight.len), out, &len, &beside,
		  &fail) == JSON_LINE_MESSAGE &&
		check_same(slice_of(out, len), m),
	    "it is the message again");
	free(out);
	format_release(&f);
}

static struct batch
split(struct slice in)
{
	struct batch b = {v, 0, MESSAGES_MAX};
	const uint8_t *end;
	size_t n;

	while (b.n < MESSAGES_MAX) {
		end = in.len == 0 ? NULL : memchr(in.p, 0xfe, in.len);
		n = end == NULL ? in.len : (size_t)(end - in.p);
		batch_add(&b, in.p, n);
		if (end == NULL)
			break;
		in.p += n + 1;
		in.len -= n + 1;
	}
	return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	bool terminal = check_byte(&in) & 1;
	size_t room = SINK_STEP + check_byte(&in), len = check_byte(&in);
	struct format f;
	struct fail fail;
	struct batch b;
	char *text;

	len = len < in.len ? len : in.len;
	text = check_alloc(len + 1);
	memcpy(text, in.p, len);
	text[len] = '\0';
	in.p += len;
	in.len -= len;
	b = split(in);
	memset(&fail, 0x5a, sizeof(fail));
	if (format_init(&f, text, &fail) == 0) {
		check_format(&f, &b, terminal, room);
		format_release(&f);
	} else {
		check_fail(&fail);
		CHECK(fail.status == STATUS_USAGE, "a format is refused by 2");
	}
	check_member(v[0], terminal, room);
	free(text);
	return 0;
}
