/*
 * Bytes as text and back: whatever the bytes, and however little room the
 * writer is given each time.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "guard.h"
#include "tap.h"

#define IN_MAX 200
#define OUT_MAX (IN_MAX * 8)

typedef bool writer(struct slice in, size_t *pos, struct span *out);
typedef enum text_error reader(
    struct slice in, uint8_t *out, size_t *out_len, size_t *pos);

static bool
escape(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_ESCAPED, in, pos, out);
}

static bool
terminal(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_TERMINAL, in, pos, out);
}

static bool
one_line(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_LINE, in, pos, out);
}

static bool
of_record(struct slice in, size_t *pos, struct span *out)
{
	return text_escape(TEXT_RECORD, in, pos, out);
}

static bool
record(struct slice in, size_t *pos, struct span *out)
{
	return text_escape_record(false, in, pos, out);
}

static bool
nul_record(struct slice in, size_t *pos, struct span *out)
{
	return text_escape_record(true, in, pos, out);
}

/* Writes it all through buffers of `room` bytes that end at the page. */
static size_t
write_all(writer *w, struct slice in, size_t room, uint8_t *all)
{
	struct guard g = {0};
	size_t pos = 0, len = 0, before;
	struct span out;
	bool done;

	do {
		out = (struct span){guard_room(&g, room), 0, room};
		before = pos;
		done = w(in, &pos, &out);
		memcpy(all + len, out.p, out.len);
		len += out.len;
		if (!done && pos == before)
			break;
	} while (!done);
	guard_free(&g);
	return pos == in.len ? len : SIZE_MAX;
}

static void
check_writer(
    writer *w, const char *name, const char *in, size_t len, const char *want)
{
	uint8_t all[OUT_MAX];
	size_t n = write_all(w, slice_of(in, len), TEXT_STEP, all);

	is_bytes(all, n, want, strlen(want), "%s writes %s", name, want);
}

static void
test_writers(void)
{
	check_writer(escape, "escaped", "a\n\r\t\\\0z\x1b\x7f", 9,
	    "a\\n\\r\\t\\\\\\x00z\\x1b\\x7f");
	check_writer(escape, "escaped", "h\xc3\xa9\xe2\x82\xac", 6,
	    "h\xc3\xa9\xe2\x82\xac");
	check_writer(
	    escape, "escaped", "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80");
	check_writer(
	    escape, "escaped", "\xff\xc3\xe2\x82", 4, "\\xff\\xc3\\xe2\\x82");
	check_writer(escape, "escaped", "\xe2\x80\xae\xc2\x9b", 5,
	    "\\xe2\\x80\\xae\\xc2\\x9b");
	check_writer(escape, "escaped", "", 0, "");
	check_writer(
	    terminal, "for a terminal", "a\n\tb\r\\", 6, "a\n\tb\\r\\");
	check_writer(
	    terminal, "for a terminal", "\x1b[31m\x07", 6, "\\x1b[31m\\x07");
	check_writer(terminal, "for a terminal", "\xc2\x9b\xe2\x80\xae", 5,
	    "\\xc2\\x9b\\xe2\\x80\\xae");
	check_writer(
	    one_line, "in one line", "a\n\tb\r\\x\0", 8, "a\\n\\tb\\r\\x\\x00");
	check_writer(one_line, "in one line",
	    "\x1b[31m\xc2\x9b\xe2\x80\xae\xff\xc3\xa9", 13,
	    "\\x1b[31m\\xc2\\x9b\\xe2\\x80\\xae\\xff\xc3\xa9");
	check_writer(of_record, "in one line, unmistakably,",
	    "a\n\tb\r\\x\0\xc3\xa9", 10, "a\\n\tb\\r\\\\x\\x00\xc3\xa9");
	check_writer(record, "a record", "a\n\r\t\\n\x1b\xff", 8,
	    "a\\n\r\t\\\\n\x1b\xff");
	check_writer(nul_record, "a record with a NUL", "a\n\0\\0\x1b\xff", 7,
	    "a\n\\0\\\\0\x1b\xff");
	check_writer(record, "a record", "", 0, "");
	check_writer(text_hex, "hex", "\x00\x9f\xa0\xff", 4, "009fa0ff");
	check_writer(text_base64, "base64", "", 0, "");
	check_writer(text_base64, "base64", "f", 1, "Zg==");
	check_writer(text_base64, "base64", "fo", 2, "Zm8=");
	check_writer(text_base64, "base64", "foo", 3, "Zm9v");
	check_writer(text_base64, "base64", "foob", 4, "Zm9vYg==");
	check_writer(text_base64, "base64", "fooba", 5, "Zm9vYmE=");
	check_writer(text_base64, "base64", "foobar", 6, "Zm9vYmFy");
	check_writer(text_base64, "base64", "\xfb\xff\xfe\x00", 4, "+//+AA==");
	check_writer(text_json, "JSON", "a\"b\\c/\n\r\t\b", 10,
	    "a\\\"b\\\\c/\\n\\r\\t\\u0008");
	check_writer(
	    text_json, "JSON", "\0\x1f \x7f", 4, "\\u0000\\u001f \\u007f");
	check_writer(text_json, "JSON", "\xc3\xa9\xe2\x82\xac", 5,
	    "\xc3\xa9\xe2\x82\xac");
	check_writer(text_json_terminal, "JSON for a terminal",
	    "a\"\\\n\0\x1b\x7f\xc3\xa9", 9,
	    "a\\\"\\\\\\n\\u0000\\u001b\\u007f\xc3\xa9");
	check_writer(text_json_terminal, "JSON for a terminal",
	    "\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80", 9,
	    "\\u009b\\u202e\xf0\x9f\x98\x80");
	check_writer(text_json_terminal, "JSON for a terminal",
	    "\xf3\xa0\x81\x81", 4, "\\udb40\\udc41");
}

static void
test_room(void)
{
	static const struct {
		writer *w;
		const char *name;
		size_t needs;
	} rows[] = {
	    {escape, "escaped", TEXT_STEP},
	    {terminal, "for a terminal", TEXT_STEP},
	    {one_line, "in one line", TEXT_STEP},
	    {of_record, "in one line, unmistakably,", TEXT_STEP},
	    {record, "a record", TEXT_STEP},
	    {nul_record, "a record with a NUL", TEXT_STEP},
	    {text_json, "JSON", TEXT_STEP},
	    {text_json_terminal, "JSON for a terminal", TEXT_STEP},
	    {text_hex, "hex", 2},
	    {text_base64, "base64", 4},
	};
	struct guard g = {0};
	struct span out;
	size_t i, pos;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = (struct span){
		    guard_room(&g, 39 + rows[i].needs), 40, 39 + rows[i].needs};
		pos = 0;
		ok(!rows[i].w(slice_of("\x01", 1), &pos, &out) && pos == 0 &&
			out.len == 40,
		    "%s: without room nothing is written", rows[i].name);
		out = (struct span){
		    guard_room(&g, 40 + rows[i].needs), 40, 40 + rows[i].needs};
		ok(rows[i].w(slice_of("\x01", 1), &pos, &out) && pos == 1 &&
			out.len > 40,
		    "%s: a little room is enough for a step", rows[i].name);
		ok(rows[i].w(slice_of("\x01", 1), &pos, &out) && pos == 1,
		    "%s: when all is written no room is needed", rows[i].name);
	}
	guard_free(&g);
}

struct refused {
	const char *text;
	size_t len;
	enum text_error error;
	size_t pos;
};

static void
check_refused(reader *r, const char *name, const struct refused *row)
{
	struct guard g = {0};
	uint8_t out[OUT_MAX];
	size_t len, pos = 99;
	uint8_t *p = guard_end(&g, row->text, row->len);

	is_num(r(slice_of(p, row->len), out, &len, &pos), row->error,
	    "%s: '%s' is refused", name, row->text);
	is_num(
	    pos, row->pos, "%s: '%s' is refused at its place", name, row->text);
	guard_free(&g);
}

static void
check_read(reader *r, const char *name, const char *text, const char *want,
    size_t want_len)
{
	struct guard in = {0}, out = {0};
	const size_t len = strlen(text);
	uint8_t *p = guard_end(&in, text, len);
	uint8_t *to = guard_room(&out, len);
	size_t n = 99, pos;

	is_num(r(slice_of(p, len), to, &n, &pos), TEXT_OK, "%s: '%s' is read",
	    name, text);
	is_bytes(to, n, want, want_len, "%s: '%s' has its bytes", name, text);
	n = 99;
	r(slice_of(p, len), p, &n, &pos);
	is_bytes(
	    p, n, want, want_len, "%s: '%s' is read in its place", name, text);
	guard_free(&in);
	guard_free(&out);
}

static enum text_error
unescape_line(struct slice in, uint8_t *out, size_t *out_len, size_t *pos)
{
	return text_unescape_record(in, false, out, out_len, pos);
}

static enum text_error
unescape_null(struct slice in, uint8_t *out, size_t *out_len, size_t *pos)
{
	return text_unescape_record(in, true, out, out_len, pos);
}

static void
test_record_escapes(void)
{
	static const struct refused records[] = {
	    {"a\\", 2, TEXT_CUT, 1},
	    {"a\\\\\\", 4, TEXT_CUT, 3},
	    {"ab\\r", 4, TEXT_BAD, 2},
	    {"\\x41", 4, TEXT_BAD, 0},
	    {"\\N", 2, TEXT_BAD, 0},
	    {"\\n\\t", 4, TEXT_BAD, 2},
	};
	static const struct refused in_lines = {"\\n\\0", 4, TEXT_BAD, 2};
	size_t i;

	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		check_refused(unescape_line, "a line's escapes", &records[i]);
		check_refused(
		    unescape_null, "escapes before a NUL", &records[i]);
	}
	check_refused(unescape_line, "a line's escapes", &in_lines);
	check_read(unescape_line, "a line's escapes", "", "", 0);
	check_read(unescape_line, "a line's escapes", "a\\nb\\\\nc\t\xff",
	    "a\nb\\nc\t\xff", 8);
	check_read(unescape_null, "escapes before a NUL", "\\0\\n\\\\0\n",
	    "\0\n\\0\n", 5);
}

static void
test_readers(void)
{
	static const struct refused escapes[] = {
	    {"\\", 1, TEXT_CUT, 0},
	    {"abc\\", 4, TEXT_CUT, 3},
	    {"\\x", 2, TEXT_CUT, 0},
	    {"a\\n\\x4", 6, TEXT_CUT, 3},
	    {"\\q", 2, TEXT_BAD, 0},
	    {"ab\\0", 4, TEXT_BAD, 2},
	    {"\\xg0", 4, TEXT_BAD, 0},
	    {"\\x0g", 4, TEXT_BAD, 0},
	    {"\\xg", 3, TEXT_BAD, 0},
	    {"\\x0\\n", 5, TEXT_BAD, 0},
	    {"\\N", 2, TEXT_BAD, 0},
	    {"\\X41", 4, TEXT_BAD, 0},
	    {"\\x:0", 4, TEXT_BAD, 0},
	    {"\\x/0", 4, TEXT_BAD, 0},
	    {"\\x@0", 4, TEXT_BAD, 0},
	    {"\\xG0", 4, TEXT_BAD, 0},
	    {"\\x`0", 4, TEXT_BAD, 0},
	};
	static const struct refused hex[] = {
	    {"4", 1, TEXT_CUT, 0},
	    {"41 4", 4, TEXT_CUT, 3},
	    {"4 1", 3, TEXT_BAD, 0},
	    {"41 g1", 5, TEXT_BAD, 3},
	    {"41 1g", 5, TEXT_BAD, 3},
	    {"41\n42", 5, TEXT_BAD, 2},
	    {"0x41", 4, TEXT_BAD, 0},
	};
	static const struct refused base64[] = {
	    {"Z", 1, TEXT_CUT, 0},
	    {"Zm9vZg", 6, TEXT_CUT, 4},
	    {"Zm9vZg=", 7, TEXT_CUT, 4},
	    {"Zm 9", 4, TEXT_BAD, 2},
	    {"Zm9\n", 4, TEXT_BAD, 3},
	    {"====", 4, TEXT_BAD, 0},
	    {"Z===", 4, TEXT_BAD, 1},
	    {"Zg=v", 4, TEXT_BAD, 2},
	    {"Zg==Zg==", 8, TEXT_BAD, 2},
	    {"Zh==", 4, TEXT_BAD, 1},
	    {"Zm9=", 4, TEXT_BAD, 2},
	    {"Zm-_", 4, TEXT_BAD, 2},
	    {"Z@==", 4, TEXT_BAD, 1},
	    {"Z[==", 4, TEXT_BAD, 1},
	    {"Z`==", 4, TEXT_BAD, 1},
	    {"Z{==", 4, TEXT_BAD, 1},
	    {"Z:==", 4, TEXT_BAD, 1},
	    {"Z.==", 4, TEXT_BAD, 1},
	};
	size_t i;

	for (i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
		check_refused(text_unescape, "escapes", &escapes[i]);
	for (i = 0; i < sizeof(hex) / sizeof(hex[0]); i++)
		check_refused(text_unhex, "hex", &hex[i]);
	for (i = 0; i < sizeof(base64) / sizeof(base64[0]); i++)
		check_refused(text_unbase64, "base64", &base64[i]);
	check_read(text_unescape, "escapes", "", "", 0);
	check_read(text_unescape, "escapes", "a\\n\\r\\t\\\\b\\x00\\xfF",
	    "a\n\r\t\\b\0\xff", 8);
	check_read(text_unescape, "escapes", "\\x4A\\x6b", "Jk", 2);
	check_read(text_unescape, "escapes", "caf\xc3\xa9", "caf\xc3\xa9", 5);
	check_read(text_unhex, "hex", "", "", 0);
	check_read(text_unhex, "hex", "  \t ", "", 0);
	check_read(text_unhex, "hex", "00fF 9A\ta9", "\0\xff\x9a\xa9", 4);
	check_read(text_unbase64, "base64", "", "", 0);
	check_read(text_unbase64, "base64", "Zg==", "f", 1);
	check_read(text_unbase64, "base64", "Zm8=", "fo", 2);
	check_read(text_unbase64, "base64", "Zm9vYmFy", "foobar", 6);
	check_read(text_unbase64, "base64", "+/+/AZaz09Az",
	    "\xfb\xff\xbf\x01\x96\xb3\xd3\xd0\x33", 9);
}

/* Any byte: mostly what means something. */
static size_t
some_bytes(uint64_t *state, uint8_t *p)
{
	size_t i, len = dice_below(state, IN_MAX);

	for (i = 0; i < len; i++)
		p[i] = dice_below(state, 2)
		    ? (uint8_t)dice(state)
		    : (uint8_t) "\\\n\r\t\"x41 a\xc3\xa9\xe2\x82\xac"
			  [dice_below(state, 16)];
	return len;
}

static void
round_trip(const char *name, writer *w, reader *r, uint64_t *state)
{
	unsigned i, n = rounds(3000), bad = 0, bad_room = 0;
	uint8_t in[IN_MAX], once[OUT_MAX], text[OUT_MAX], back[OUT_MAX];
	size_t len, text_len, once_len, back_len, pos;
	struct guard g = {0};
	uint8_t *p;

	for (i = 0; i < n; i++) {
		len = some_bytes(state, in);
		p = guard_end(&g, in, len);
		once_len = write_all(w, slice_of(p, len), OUT_MAX, once);
		text_len = write_all(w, slice_of(p, len),
		    TEXT_STEP + dice_below(state, 20), text);
		if (once_len != text_len || memcmp(once, text, text_len) != 0)
			bad_room++;
		p = guard_end(&g, text, text_len);
		if (r(slice_of(p, text_len), back, &back_len, &pos) !=
			TEXT_OK ||
		    back_len != len || memcmp(back, in, len) != 0) {
			bad++;
			diag_bytes("bytes", in, len);
		}
	}
	guard_free(&g);
	is_num(bad, 0, "%s: any bytes come back as they were", name);
	is_num(bad_room, 0, "%s: the room makes no difference", name);
}

/* The escaped form is one line that no terminal can be harmed by. */
static void
test_escaped_is_harmless(uint64_t *state)
{
	unsigned i, n = rounds(3000), bad = 0;
	uint8_t in[IN_MAX], text[OUT_MAX];
	size_t len, at;
	uint32_t cp;
	int step;

	for (i = 0; i < n; i++) {
		len = some_bytes(state, in);
		len = write_all(
		    i % 2 ? escape : terminal, slice_of(in, len), 40, text);
		for (at = 0; at < len; at += (size_t)step) {
			step = utf8_next(text + at, len - at, &cp);
			if (step > 0 &&
			    (utf8_is_safe(cp) ||
				(i % 2 == 0 && (cp == '\n' || cp == '\t'))))
				continue;
			bad++;
			break;
		}
	}
	is_num(bad, 0, "what is shown is safe UTF-8, whatever the bytes are");
}

static void
check_look(
    const char *in, size_t len, size_t show, size_t cap, const char *want)
{
	struct guard g = {0};
	char *buf = (char *)guard_room(&g, cap);
	char *got = text_look(slice_of(in, len), show, buf, cap);

	ok(got == buf, "a look is given back, of %zu bytes", len);
	is_text(got, want, "a look at %zu of %zu bytes in %zu is %s", show, len,
	    cap, want);
	guard_free(&g);
}

static void
test_look(void)
{
	check_look("", 0, 10, 40, "\"\"");
	check_look("hello", 5, 10, 40, "\"hello\"");
	check_look("hello", 5, 5, 40, "\"hello\"");
	check_look("hello", 5, 4, 40, "\"hell\"...");
	check_look("hello", 5, 0, 40, "\"\"...");
	check_look("a\r\n\0b", 5, 10, 40, "\"a\\r\\n\\x00b\"");
	check_look("a\"b", 3, 10, 40, "\"a\"b\"");
	check_look("0123456789abcdefghijklmnopqrstuvwxyz", 36, 99, 60,
	    "\"0123456789abcdefghijklmnopqrstuvwxyz\"");
	check_look("\0\0\0\0\0\0\0\0", 8, 8, 30, "\"\\x00\\x00\\x00\"...");
	check_look("hello", 5, 5, 6, "\"\"...");
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_writers();
	test_room();
	test_readers();
	test_record_escapes();
	round_trip("escapes", escape, text_unescape, &state);
	round_trip("hex", text_hex, text_unhex, &state);
	round_trip("base64", text_base64, text_unbase64, &state);
	test_escaped_is_harmless(&state);
	test_look();
	return done_testing();
}
