/*
 * What a terminal is shown. The input is a kind of output and what goes with
 * it, how much room a buffer has, two modes (modes.h) and the lengths of
 * messages, and then the bytes of these. Whatever they are, nothing of what is
 * written drives a terminal, in the judgement of harmless.c.
 */
#include "base/text.h"
#include "check.h"
#include "harmless.h"
#include "io/sink.h"
#include "modes.h"
#include "talk/dump.h"

#define MESSAGES_MAX 8

enum {
	KINDS = 7,
	STAMPED = 64,
	COLORED = 128,
};

struct screen {
	uint8_t *p;
	size_t len, cap;
};

static void
show(struct screen *s, const void *p, size_t len)
{
	if (s->len + len > s->cap) {
		s->cap = (s->len + len) * 2;
		s->p = realloc(s->p, s->cap);
		if (s->p == NULL)
			abort();
	}
	if (len > 0)
		memcpy(s->p + s->len, p, len);
	s->len += len;
}

static void
check_screen(struct screen *s, const char *controls)
{
	const char *what;
	size_t at = 0;

	what = harm_in(s->p, s->len, controls, &at);
	CHECK(what == NULL, "nothing shown drives a terminal: %s at %zu", what,
	    at);
	free(s->p);
}

static void
check_sink(uint8_t how, size_t room, const struct batch *b)
{
	const enum sink_kind kind = (enum sink_kind)(how % KINDS);
	uint8_t *buf = check_alloc(room);
	struct span out = {buf, 0, room};
	struct screen screen = {0};
	enum sink_result r;
	struct stamp stamp;
	struct about_of of;
	struct sink s;
	size_t next = 0;

	sink_init(&s, kind, true);
	about_begin(&of, 0, "");
	s.about.of = &of;
	if (how & STAMPED && kind != SINK_JSON) {
		stamp_init(&stamp, STAMP_DELTA);
		s.stamp = &stamp;
	}
	do {
		r = sink_put(&s, b, &next, &out);
		CHECK(r != SINK_LARGE, "a terminal gets no bytes as they are");
		show(&screen, out.p, out.len);
		out.len = 0;
	} while (r != SINK_OK);
	CHECK(next == b->n && of.n == b->n, "all of it is shown");
	check_screen(&screen, "\n\t");
	free(buf);
}

/* As errors and -v show what a peer has sent: on one line. */
static void
check_text(struct slice m)
{
	uint8_t buf[TEXT_STEP + 5];
	struct span out = {buf, 0, sizeof(buf)};
	struct screen screen = {0};
	size_t pos = 0;
	bool done;

	do {
		done = text_escape(TEXT_LINE, m, &pos, &out);
		show(&screen, out.p, out.len);
		out.len = 0;
	} while (!done);
	check_screen(&screen, "");
}

/* Our colours are ESC [ 0, 1;31, 32, 33, 35 or 36, m. */
static size_t
color_len(const char *p)
{
	size_t n = strspn(p, "\033[01;2356");

	return p[0] == '\033' && p[1] == '[' && n <= 6 && p[n] == 'm' ? n + 1
								      : 0;
}

static void
take_line(void *owner, const char *line)
{
	const bool *colored = owner;
	struct screen screen = {0};
	size_t n;

	CHECK(strlen(line) < DUMP_LINE_MAX, "a line is kept to its length");
	for (; *line != '\0'; line += n) {
		n = *colored ? color_len(line) : 0;
		if (n == 0)
			show(&screen, line, n = 1);
	}
	check_screen(&screen, "");
}

static void
check_dump(uint8_t how, const struct framing *in, const struct framing *out,
    const struct batch *b)
{
	bool colored = how & COLORED;
	struct dump d;
	size_t i;

	dump_init(&d, in, out, colored, take_line, &colored);
	for (i = 0; i < b->n; i++)
		dump_bytes(&d, i % 3 == 2, b->v[i], i + 1);
	dump_end(&d, false, how & 1);
	dump_end(&d, true, how & 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size}, lengths;
	uint8_t how = check_byte(&in);
	size_t room = SINK_STEP + check_byte(&in), cuts[MESSAGES_MAX], i;
	size_t at = 0;
	struct slice v[MESSAGES_MAX];
	struct batch b = {v, 0, MESSAGES_MAX};
	struct framing fr_in, fr_out;

	modes_pick(&in, &fr_in);
	modes_pick(&in, &fr_out);
	lengths = slice_of(in.p, in.len < MESSAGES_MAX ? in.len : MESSAGES_MAX);
	in = slice_of(in.p + lengths.len, in.len - lengths.len);
	check_cuts(&lengths, in.len, 1, cuts, MESSAGES_MAX);
	cuts[MESSAGES_MAX - 1] = in.len;
	for (i = 0; i < MESSAGES_MAX; at = cuts[i++])
		batch_add(&b, in.p + at, cuts[i] - at);
	check_sink(how, room, &b);
	check_dump(how, &fr_in, &fr_out, &b);
	check_text(in);
	return 0;
}
