/*
 * Bytes as text and back. The input is how much room a buffer has, a choice
 * for text_look, and the bytes. Whatever was written is read back unchanged,
 * through any buffer, and what is for a terminal cannot drive it.
 */
#include <jansson.h>

#include "base/text.h"
#include "check.h"

typedef bool writer(struct slice, size_t *, struct span *);
typedef enum text_error reader(struct slice, uint8_t *, size_t *, size_t *);

static bool
write_escaped(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_ESCAPED, in, pos, out);
}

static bool
write_terminal(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_TERMINAL, in, pos, out);
}

/* All that the writer makes of the bytes, through a buffer; to be freed. */
static struct span
write_all(writer *w, struct slice in, size_t room)
{
	struct span all = {check_alloc(in.len * 6 + 16), 0, in.len * 6 + 16};
	struct span out = {check_alloc(room), 0, room};
	size_t pos = 0;
	bool done;

	do {
		out.len = 0;
		done = w(in, &pos, &out);
		CHECK(out.len <= room && pos <= in.len, "a buffer is kept to");
		CHECK(done == (pos == in.len), "a writer is done at the end");
		CHECK(done || out.len > 0, "a writer gets on in %zu", room);
		CHECK(out.len <= span_room(&all), "a byte is six at the most");
		if (out.len > 0)
			memcpy(all.p + all.len, out.p, out.len);
		all.len += out.len;
	} while (!done);
	free(out.p);
	return all;
}

static void
check_back(writer *w, reader *r, struct slice in, size_t room)
{
	struct span text = write_all(w, in, room), other;
	uint8_t *copy, *out;
	size_t len, pos = 0;

	other = write_all(w, in, in.len * 6 + TEXT_STEP);
	CHECK(check_same(
		  slice_of(text.p, text.len), slice_of(other.p, other.len)),
	    "a small buffer changes nothing");
	free(other.p);
	CHECK(utf8_valid(text.p, text.len), "what is written is UTF-8");
	CHECK(text.len == 0 || memchr(text.p, '\n', text.len) == NULL,
	    "what is written is one line");
	copy = check_copy(slice_of(text.p, text.len));
	out = check_alloc(text.len);
	CHECK(r(slice_of(copy, text.len), out, &len, &pos) == TEXT_OK,
	    "what was written can be read");
	CHECK(check_same(slice_of(out, len), in), "it is read unchanged");
	/* `out` may be where `in` lies. */
	CHECK(r(slice_of(copy, text.len), copy, &len, &pos) == TEXT_OK &&
		check_same(slice_of(copy, len), in),
	    "it is read unchanged in its place");
	free(out);
	free(copy);
	free(text.p);
}

/* Any bytes: read in their place and elsewhere, or refused in them. */
static void
check_reader(reader *r, writer *w, struct slice in, size_t room)
{
	uint8_t *copy = check_copy(in), *out = check_alloc(in.len);
	enum text_error err;
	size_t len, pos = SIZE_MAX;

	err = r(slice_of(copy, in.len), out, &len, &pos);
	CHECK(len <= in.len, "a reader never writes more than it reads");
	CHECK(err == TEXT_OK || pos < in.len, "what is refused is in it");
	if (err == TEXT_OK)
		check_back(w, r, slice_of(out, len), room);
	free(out);
	free(copy);
}

static bool
is_bidi(uint32_t cp)
{
	return cp == 0x61c || cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

static void
check_harmless(const struct span *text, const char *also)
{
	size_t i;
	uint32_t cp;
	int n;

	for (i = 0; i < text->len; i += (size_t)n) {
		n = utf8_next(text->p + i, text->len - i, &cp);
		CHECK(n > 0, "what is shown is UTF-8");
		CHECK(cp >= 0x20 || (cp > 0 && strchr(also, (int)cp) != NULL),
		    "no control is shown, not %u", (unsigned)cp);
		CHECK(cp < 0x7f || cp > 0x9f, "neither DEL nor C1 is shown");
		CHECK(!is_bidi(cp), "no bidi control is shown");
	}
}

static void
check_shown(struct slice in, size_t room)
{
	struct span text = write_all(write_terminal, in, room);

	check_harmless(&text, "\n\t");
	free(text.p);
	text = write_all(write_escaped, in, room);
	check_harmless(&text, "");
	free(text.p);
}

static void
check_json(struct slice in, size_t room)
{
	struct span text, line;
	json_error_t err;
	json_t *value;

	if (!utf8_valid(in.p, in.len))
		return;
	text = write_all(text_json, in, room);
	line = (struct span){check_alloc(text.len + 2), 0, text.len + 2};
	line.p[0] = '"';
	if (text.len > 0)
		memcpy(line.p + 1, text.p, text.len);
	line.p[text.len + 1] = '"';
	value = json_loadb((const char *)line.p, line.cap,
	    JSON_ALLOW_NUL | JSON_DECODE_ANY, &err);
	CHECK(json_is_string(value), "jansson reads it: %s", err.text);
	CHECK(check_same(
		  slice_of(json_string_value(value), json_string_length(value)),
		  in),
	    "jansson reads what was written");
	CHECK(memchr(line.p, '\n', line.cap) == NULL, "it is one line");
	json_decref(value);
	free(line.p);
	free(text.p);
}

/* Room for quotes, dots and NUL is the least that makes sense: 6 bytes. */
static void
check_look(struct slice in, size_t show, size_t cap)
{
	uint8_t *copy = check_copy(in);
	char *buf = check_alloc(cap);
	struct span text = {(uint8_t *)buf, 0, cap};
	size_t len;

	memset(buf, 0x5a, cap);
	CHECK(text_look(slice_of(copy, in.len), show, buf, cap) == buf,
	    "text_look returns its buffer");
	check_line(buf, cap);
	text.len = len = strlen(buf);
	check_harmless(&text, "");
	CHECK(len >= 2 && buf[0] == '"', "a look begins with a quote");
	CHECK(buf[len - 1] == '"' ||
		(len >= 5 && strcmp(buf + len - 4, "\"...") == 0),
	    "a look ends with a quote, or with dots behind it: %s", buf);
	CHECK(in.len <= show || buf[len - 1] == '.',
	    "a look that is not all says so: %s", buf);
	free(buf);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	size_t room = TEXT_STEP + check_byte(&in) % 32u;
	size_t cap = 6 + check_byte(&in) % 64u, show = check_byte(&in);

	check_back(write_escaped, text_unescape, in, room);
	check_back(text_hex, text_unhex, in, room);
	check_back(text_base64, text_unbase64, in, room);
	check_reader(text_unescape, write_escaped, in, room);
	check_reader(text_unhex, text_hex, in, room);
	check_reader(text_unbase64, text_base64, in, room);
	check_shown(in, room);
	check_json(in, room);
	check_look(in, show, cap);
	return 0;
}
