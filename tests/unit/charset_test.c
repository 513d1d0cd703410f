/*
 * Batches from one charset to another. What is converted lies before a
 * forbidden page; what comes out is compared with tables that are written
 * down here, or with iconv, asked one message at a time.
 */

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "guard.h"
#include "io/charset.h"
#include "tap.h"

#define BATCH_MAX 8

static struct guard page;

/* What a batch of messages became, as text: "[a][b]", and behind it why not. */
struct out {
	char text[8192];
	size_t len;
	size_t n;
	int result;
	struct fail fail;
};

static void
show(struct out *o, const struct batch *b)
{
	size_t i, k;

	o->len = 0;
	for (i = 0; i < b->n; i++) {
		o->text[o->len++] = '[';
		for (k = 0; k < b->v[i].len; k++) {
			uint8_t c = b->v[i].p[k];

			if (c > 0x20 && c < 0x7f)
				o->text[o->len++] = (char)c;
			else
				o->len += (size_t)snprintf(o->text + o->len,
				    sizeof(o->text) - o->len, "\\x%02x", c);
		}
		o->text[o->len++] = ']';
	}
	o->text[o->len] = '\0';
	o->n = b->n;
}

static struct charset
opened(const char *name, enum charset_errors errors, enum charset_way way,
    bool stream)
{
	struct charset_plan p = {name, errors};
	struct charset cs;
	struct fail f;

	if (charset_open(&cs, &p, way, stream, &f) == -1)
		ok(false, "%s can be opened: %s", name, f.what);
	return cs;
}

static void
run(struct charset *cs, const struct slice *v, size_t n, struct out *o)
{
	struct slice copy[BATCH_MAX];
	struct batch in = {copy, n, BATCH_MAX}, out;
	size_t i;

	for (i = 0; i < n; i++)
		copy[i] = v[i];
	o->fail.what[0] = '\0';
	o->result = charset_convert(cs, &in, &out, &o->fail);
	show(o, &out);
}

/* One message, by itself. */
static void
gives(enum charset_way way, const char *name, enum charset_errors errors,
    const char *in, size_t len, const char *want, const char *what)
{
	static struct out o;
	struct charset cs = opened(name, errors, way, false);
	struct slice m = slice_of(guard_end(&page, in, len), len);

	run(&cs, &m, 1, &o);
	is_text(
	    o.result == 0 ? o.text : o.fail.what, want, "%s: %s", name, what);
	charset_release(&cs);
}

#define SENDS(name, errors, in, want, what)                                    \
	gives(CHARSET_SEND, name, errors, in, sizeof(in) - 1, want, what)
#define RECEIVES(name, errors, in, want, what)                                 \
	gives(CHARSET_RECEIVE, name, errors, in, sizeof(in) - 1, want, what)

/* The table of Windows as Unicode's own file BestFit has it. */
static uint32_t
cp1252_point(unsigned byte)
{
	static const uint32_t upper[] = {0x20ac, 0x81, 0x201a, 0x0192, 0x201e,
	    0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152,
	    0x8d, 0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
	    0x017e, 0x0178};

	return byte >= 0x80 && byte < 0xa0 ? upper[byte - 0x80] : byte;
}

static void
test_cp1252(void)
{
	static const char *const names[] = {
	    "CP1252", "cp1252", "WINDOWS-1252", "windows-1252", "MS-ANSI"};
	struct charset to = opened("CP1252", CHARSET_STOP, CHARSET_SEND, false);
	struct charset from =
	    opened("CP1252", CHARSET_STOP, CHARSET_RECEIVE, false);
	struct batch in, out, back;
	unsigned i, bad = 0;
	struct slice s;
	struct fail f;
	uint32_t cp;
	uint8_t byte;

	for (i = 0; i < 256; i++) {
		byte = (uint8_t)i;
		s = slice_of(&byte, 1);
		in = (struct batch){&s, 1, 1};
		if (charset_convert(&from, &in, &out, &f) == -1 || out.n != 1 ||
		    utf8_next(out.v[0].p, out.v[0].len, &cp) !=
			(int)out.v[0].len ||
		    cp != cp1252_point(i) ||
		    charset_convert(&to, &out, &back, &f) == -1 ||
		    back.n != 1 || back.v[0].len != 1 || back.v[0].p[0] != i) {
			bad++;
			diag("byte %02x", i);
		}
	}
	is_num(bad, 0, "each byte of Windows-1252 is its character, both ways");
	charset_release(&to);
	charset_release(&from);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		RECEIVES(names[i], CHARSET_STOP, "\x81\x80",
		    "[\\xc2\\x81\\xe2\\x82\\xac]", "is Windows-1252");
	SENDS("CP1252", CHARSET_STOP, "\xc2\x80",
	    "message 1: byte 0: expected a character that CP1252 has, saw "
	    "U+0080 (\"\\xc2\\x80\")",
	    "a control that is no hole is refused");
}

static void
test_units(void)
{
	SENDS("UTF-16LE", CHARSET_STOP, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "[a\\x00\\xe9\\x00\\xac\\x20=\\xd8\\x00\\xde]",
	    "a character above U+FFFF is a pair");
	SENDS("UTF-16BE", CHARSET_STOP, "a\xf0\x9f\x98\x80",
	    "[\\x00a\\xd8=\\xde\\x00]", "in the other order as well");
	RECEIVES("UTF-16LE", CHARSET_STOP, "=\xd8\0\xde",
	    "[\\xf0\\x9f\\x98\\x80]", "a pair is a character");
	RECEIVES("UTF-16BE", CHARSET_STOP, "\xd8=\xde\0",
	    "[\\xf0\\x9f\\x98\\x80]", "in the other order as well");
	RECEIVES("UTF-16LE", CHARSET_STOP, "a\0b",
	    "message 1: byte 2: expected UTF-16LE, saw \"b\"",
	    "half a unit is refused");
	RECEIVES("UTF-16LE", CHARSET_STOP, "a\0\0\xd8",
	    "message 1: byte 2: expected UTF-16LE, saw \"\\x00\\xd8\"",
	    "half a pair at the end is refused");
	RECEIVES("UTF-16LE", CHARSET_STOP,
	    "a\0\0\xdc"
	    "b\0",
	    "message 1: byte 2: expected UTF-16LE, saw \"\\x00\\xdcb\\x00\"",
	    "the other half by itself too");
	RECEIVES("UTF-16LE", CHARSET_REPLACE,
	    "\0\xdc"
	    "b\0\0\xd8"
	    "c\0d",
	    "[\\xef\\xbf\\xbdb\\xef\\xbf\\xbdc\\xef\\xbf\\xbd]",
	    "each of these can be replaced");
	RECEIVES("UTF-16LE", CHARSET_ESCAPE,
	    "\0\xdc"
	    "b\0c",
	    "[\\x00\\xdcb\\x63]", "or written as its bytes");
	RECEIVES("UTF-32BE", CHARSET_REPLACE, "\0\0\0a\0\x11\0\0\0\0\0",
	    "[a\\xef\\xbf\\xbd\\xef\\xbf\\xbd]",
	    "four bytes are one, and so is what is left of them");
	RECEIVES(
	    "UTF-16LE", CHARSET_STOP, "", "[]", "an empty message stays one");
	SENDS("UTF-16LE", CHARSET_STOP, "", "[]", "an empty message stays one");
}

static void
test_marks(void)
{
	SENDS("UTF-16", CHARSET_STOP, "", "[]", "nothing is put into nothing");
	SENDS("UTF-16LE", CHARSET_STOP,
	    "\xef\xbb\xbf"
	    "a",
	    "[\\xff\\xfea\\x00]", "a mark that is there stays");
	RECEIVES("UTF-16LE", CHARSET_STOP,
	    "\xff\xfe"
	    "a\0",
	    "[\\xef\\xbb\\xbfa]", "a mark that is there stays");
	RECEIVES("UTF-16", CHARSET_STOP, "\xfe\xff\0a", "[a]",
	    "where a mark tells the order, it is read");
	RECEIVES("UTF-16", CHARSET_STOP,
	    "\xff\xfe"
	    "a\0",
	    "[a]", "whichever it tells");
}

/* A mark says nothing of the next message. */
static void
test_orders(void)
{
	static struct out o;
	struct slice v[4] = {slice_of("\xfe\xff\0a", 4), slice_of("b\0", 2),
	    slice_of("\xff\xfe"
		     "c\0",
		4),
	    slice_of("\xfe\xff\0\xff", 4)};
	struct charset cs =
	    opened("UTF-16", CHARSET_STOP, CHARSET_RECEIVE, false);

	run(&cs, v, 4, &o);
	is_text(
	    o.text, "[a][b][c][\\xc3\\xbf]", "each message has its own mark");
	charset_release(&cs);
	SENDS("UTF-16", CHARSET_STOP, "a", "[a\\x00]", "none is invented");
	SENDS("utf32", CHARSET_STOP, "a", "[a\\x00\\x00\\x00]",
	    "none is invented");
	RECEIVES("UTF-32", CHARSET_STOP, "\0\0\xfe\xff\0\0\0a", "[a]",
	    "a mark is read");
	RECEIVES("UTF-32", CHARSET_STOP, "\xff\xfe\0\0a\0\0\0", "[a]",
	    "in either order");
	RECEIVES("UTF-32", CHARSET_STOP, "a\0\0\0", "[a]", "or is not there");
}

static void
test_utf8(void)
{
	RECEIVES(
	    "UTF-8", CHARSET_STOP, "\xc3\xa9", "[\\xc3\\xa9]", "is looked at");
	RECEIVES("utf8", CHARSET_STOP, "a\xc3",
	    "message 1: byte 1: expected utf8, saw \"\\xc3\"",
	    "a cut sequence is refused");
	RECEIVES("UTF-8", CHARSET_REPLACE, "\xed\xa0\x80|\xf5|\xc0\x80",
	    "[\\xef\\xbf\\xbd\\xef\\xbf\\xbd\\xef\\xbf\\xbd|\\xef\\xbf\\xbd|"
	    "\\xef\\xbf\\xbd\\xef\\xbf\\xbd]",
	    "each byte that is none is replaced");
	SENDS("UTF-8", CHARSET_ESCAPE, "a\xff\xc3\xa9", "[a\\xff\\xc3\\xa9]",
	    "a byte is escaped");
	SENDS("UTF-8", CHARSET_STOP, "a\xff",
	    "message 1: byte 1: expected UTF-8, saw \"\\xff\"",
	    "what we say is UTF-8 too");
}

static void
test_policies(void)
{
	SENDS("ISO-8859-1", CHARSET_STOP, "na\xc3\xafve\xe2\x82\xac",
	    "message 1: byte 6: expected a character that ISO-8859-1 has, saw "
	    "U+20AC (\"\xe2\x82\xac\")",
	    "a character that it lacks is named, and its place");
	SENDS("ISO-8859-1", CHARSET_REPLACE, "\xe2\x82\xac|\xff|\xc3\xa9",
	    "[?|?|\\xe9]", "there is no U+FFFD, so it is ?");
	SENDS("ISO-8859-1", CHARSET_ESCAPE,
	    "\xe2\x82\xac|\xf0\x9f\x98\x80|\xff",
	    "[\\u{20AC}|\\u{1F600}|\\xff]",
	    "a character is escaped by its number, a byte by its own");
	SENDS("UTF-16LE", CHARSET_REPLACE, "a\xff", "[a\\x00\\xfd\\xff]",
	    "where there is U+FFFD it is that");
	SENDS("UTF-16LE", CHARSET_ESCAPE, "\xff", "[\\\\x00x\\x00f\\x00f\\x00]",
	    "an escape is in the peer's charset");
	RECEIVES("CP932", CHARSET_REPLACE, "\x82\xa0\x82",
	    "[\\xe3\\x81\\x82\\xef\\xbf\\xbd]", "a cut pair is replaced");
	RECEIVES("CP932", CHARSET_ESCAPE,
	    "\xff"
	    "a",
	    "[\\xffa]", "what is no character is escaped");
}

/* A charset that shifts is in its first state where a message begins. */
static void
test_shifts(void)
{
	static struct out o;
	struct slice v[2] = {slice_of("\xe3\x81\x82", 3), slice_of("a", 1)};
	struct charset cs =
	    opened("ISO-2022-JP", CHARSET_STOP, CHARSET_SEND, false);

	run(&cs, v, 2, &o);
	is_text(o.text, "[\\x1b$B$\"\\x1b(B][a]",
	    "each message ends in the state it began in");
	charset_release(&cs);
	cs = opened("ISO-2022-JP", CHARSET_STOP, CHARSET_RECEIVE, false);
	v[0] = slice_of("\x1b$B$\"", 5);
	v[1] = slice_of("$\"", 2);
	run(&cs, v, 2, &o);
	is_text(o.text, "[\\xe3\\x81\\x82][$\"]",
	    "and does not begin where the last one ended");
	ok(!cs.ascii, "nor is its ASCII let through");
	charset_release(&cs);
}

static void
test_batches(void)
{
	static struct out o;
	struct slice v[4] = {slice_of("plain", 5), slice_of("\xe9", 1),
	    slice_of("", 0), slice_of("also plain", 10)};
	struct batch in = {v, 4, 4}, out;
	struct charset cs =
	    opened("CP1252", CHARSET_STOP, CHARSET_RECEIVE, false);
	struct fail f;

	is_num(charset_convert(&cs, &in, &out, &f), 0, "a batch is converted");
	show(&o, &out);
	is_text(o.text, "[plain][\\xc3\\xa9][][also\\x20plain]",
	    "in its order, and empty ones are kept");
	ok(out.v[0].p == v[0].p && out.v[3].p == v[3].p,
	    "what stays the same is not copied");
	is_num(cs.messages, 4, "each is counted");
	in.n = 1;
	is_num(charset_convert(&cs, &in, &out, &f), 0, "ASCII alone");
	ok(out.v == in.v, "is the batch that was given");
	is_num(cs.messages, 5, "and counted");
	in.n = 0;
	is_num(charset_convert(&cs, &in, &out, &f), 0, "an empty batch");
	is_num(out.n, 0, "is one");
	charset_release(&cs);

	cs = opened("UTF-8", CHARSET_STOP, CHARSET_RECEIVE, false);
	v[0] = slice_of("a\xc3\xa9", 3);
	v[1] = slice_of("b", 1);
	v[2] = slice_of("c\xff", 2);
	in.n = 4;
	is_num(charset_convert(&cs, &in, &out, &o.fail), -1,
	    "one that cannot be converted ends it");
	show(&o, &out);
	is_text(o.text, "[a\\xc3\\xa9][b]", "those before it are there");
	is_text(o.fail.what, "message 3: byte 1: expected UTF-8, saw \"\\xff\"",
	    "it is named by its number");
	is_num(o.fail.status, STATUS_MALFORMED, "that is status 8");
	ok(o.fail.hint[0] != '\0', "with something to try");
	charset_restart(&cs);
	v[0] = v[2];
	in.n = 1;
	charset_convert(&cs, &in, &out, &o.fail);
	ok(strncmp(o.fail.what, "message 1: ", 11) == 0,
	    "another input is counted from 1");
	charset_release(&cs);

	cs = opened(NULL, CHARSET_STOP, CHARSET_SEND, false);
	is_num(charset_convert(&cs, &in, &out, &f), 0, "without a charset");
	ok(out.v == in.v && out.n == in.n, "bytes pass as they are");
	charset_release(&cs);
}

/* Large messages one after the other: what is converted is right, and the
 * arena is given up when it is not needed any more. */
static void
test_large(void)
{
	const size_t n = 3u << 20;
	struct charset cs =
	    opened("UTF-16LE", CHARSET_STOP, CHARSET_RECEIVE, false);
	uint8_t *p = malloc(n);
	struct slice v[2] = {slice_of(p, n), slice_of("x\0", 2)};
	struct batch in = {v, 2, 2}, out;
	size_t i, bad = 0;
	struct fail f;

	for (i = 0; i < n; i += 2)
		memcpy(p + i, "\xac\x20", 2);
	is_num(charset_convert(&cs, &in, &out, &f), 0, "3 MiB are converted");
	is_num(out.n, 2, "and what stands behind them");
	is_num(out.v[0].len, n / 2 * 3, "to all that they become");
	for (i = 0; i < out.v[0].len; i += 3)
		bad += memcmp(out.v[0].p + i, "\xe2\x82\xac", 3) != 0;
	is_num(bad, 0, "each character of them");
	is_bytes(out.v[1].p, out.v[1].len, "x", 1, "the next one too");
	in = (struct batch){v + 1, 1, 1};
	is_num(charset_convert(&cs, &in, &out, &f), 0, "then a short one");
	ok(cs.arena.cap <= 1u << 20,
	    "the memory of the long one is given back");
	free(p);
	charset_release(&cs);
}

/* What grows by more than was thought finds its room. */
static void
test_growth(void)
{
	static const struct {
		const char *name, *piece, *want;
		enum charset_errors errors;
		enum charset_way way;
	} cases[] = {
	    {"CP1252", "\x80", "\xe2\x82\xac", CHARSET_STOP, CHARSET_RECEIVE},
	    {"CP1252", "\xff", "\\xff", CHARSET_ESCAPE, CHARSET_SEND},
	    {"CP1252",
		"\xe2\x98\x83"
		"ab",
		"\\u{2603}ab", CHARSET_ESCAPE, CHARSET_SEND},
	    {"UTF-8",
		"\xff"
		"a",
		"\xef\xbf\xbd"
		"a",
		CHARSET_REPLACE, CHARSET_RECEIVE},
	    {"ISO-8859-1", "\xff", "\\xff", CHARSET_ESCAPE, CHARSET_SEND},
	    {"ISO-8859-15", "\xa4", "\xe2\x82\xac", CHARSET_STOP,
		CHARSET_RECEIVE},
	};
	static char in[4000], want[40000];
	struct batch b, out;
	struct fail f;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct charset cs =
		    opened(cases[i].name, cases[i].errors, cases[i].way, false);
		struct slice s;

		in[0] = want[0] = '\0';
		for (k = 0; k < 700; k++) {
			strcat(in, cases[i].piece);
			strcat(want, cases[i].want);
		}
		s = slice_of(in, strlen(in));
		b = (struct batch){&s, 1, 1};
		charset_convert(&cs, &b, &out, &f);
		is_bytes(out.v[0].p, out.v[0].len, want, strlen(want),
		    "%s: 700 times %zu bytes for %zu", cases[i].name,
		    strlen(cases[i].want), strlen(cases[i].piece));
		charset_release(&cs);
	}
}

/* In a stream a message is what a read brought: every cut gives the same. */
static void
test_stream(void)
{
	static const struct {
		const char *name, *bytes, *want;
		size_t len;
		enum charset_way way;
	} cases[] = {
	    {"UTF-16LE",
		"a\0=\xd8\0\xde"
		"b\0",
		"a\xf0\x9f\x98\x80"
		"b",
		8, CHARSET_RECEIVE},
	    {"UTF-8", "\xe2\x82\xac\xf0\x9f\x98\x80", NULL, 7, CHARSET_RECEIVE},
	    {"CP1252",
		"\xe2\x82\xac\xc3\xa9"
		"a",
		"\x80\xe9"
		"a",
		6, CHARSET_SEND},
	    {"UTF-16", "\xfe\xff\0a\xd8=\xde\0", "a\xf0\x9f\x98\x80", 8,
		CHARSET_RECEIVE},
	    {"UTF-16", "a\0\xff\xfe", "a\xef\xbb\xbf", 4, CHARSET_RECEIVE},
	    {"ISO-2022-JP", "\x1b$B$\"\x1b(Ba",
		"\xe3\x81\x82"
		"a",
		9, CHARSET_RECEIVE},
	    {"GB18030",
		"\x81\x30\x84\x36"
		"a",
		"\xc2\xa5"
		"a",
		5, CHARSET_RECEIVE},
	};
	struct batch in, out;
	struct fail f;
	size_t i, cut, k, len;
	char got[64];

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want =
		    cases[i].want == NULL ? cases[i].bytes : cases[i].want;
		unsigned bad = 0;

		for (cut = 0; cut <= cases[i].len; cut++) {
			struct charset cs = opened(
			    cases[i].name, CHARSET_STOP, cases[i].way, true);
			/* Byte by byte up to there, then the rest at once. */
			for (k = len = 0; k < cases[i].len;) {
				size_t n = k < cut ? 1 : cases[i].len - k;
				struct slice s = slice_of(
				    guard_end(&page, cases[i].bytes + k, n), n);

				in = (struct batch){&s, 1, 1};
				if (charset_convert(&cs, &in, &out, &f) == -1)
					bad++;
				if (out.n > 0) {
					memcpy(got + len, out.v[0].p,
					    out.v[0].len);
					len += out.v[0].len;
					bad += out.v[0].len == 0;
				}
				k += n;
			}
			bad += charset_end(&cs, &f) != 0 ||
			    len != strlen(want) || memcmp(got, want, len) != 0;
			charset_release(&cs);
		}
		is_num(bad, 0, "%s: a character may be cut in a stream",
		    cases[i].name);
	}
}

static void
test_stream_end(void)
{
	struct slice s = slice_of("a\xe2\x82", 3);
	struct batch in = {&s, 1, 1}, out;
	struct charset cs =
	    opened("UTF-8", CHARSET_REPLACE, CHARSET_RECEIVE, true);
	struct fail f;

	is_num(charset_convert(&cs, &in, &out, &f), 0, "a stream is cut");
	is_bytes(out.v[0].p, out.v[0].len, "a", 1, "what is whole is there");
	is_num(charset_end(&cs, &f), -1, "an end inside a character is none");
	is_num(f.status, STATUS_TRUNCATED, "the stream is truncated");
	is_text(f.what,
	    "the stream ends inside a character: expected UTF-8, saw "
	    "\"\\xe2\\x82\"",
	    "and that is said with the bytes");
	charset_restart(&cs);
	is_num(charset_end(&cs, &f), 0, "another stream begins without it");
	charset_release(&cs);
	cs = opened("UTF-16LE", CHARSET_STOP, CHARSET_SEND, true);
	charset_convert(&cs, &in, &out, &f);
	is_num(charset_end(&cs, &f), -1, "an input may end so too");
	is_num(f.status, STATUS_MALFORMED, "which is one that cannot be one");
	charset_release(&cs);
	cs = opened("UTF-8", CHARSET_STOP, CHARSET_RECEIVE, true);
	s = slice_of("\xff", 1);
	is_num(charset_convert(&cs, &in, &out, &f), -1,
	    "what can be no beginning is refused at once");
	charset_release(&cs);
	cs = opened("UTF-8", CHARSET_STOP, CHARSET_RECEIVE, true);
	s = slice_of("\xe2\x82", 2);
	charset_convert(&cs, &in, &out, &f);
	s = slice_of("\xac\xff", 2);
	is_num(charset_convert(&cs, &in, &out, &f), -1, "or a little later");
	ok(strncmp(f.what, "message 2: byte 1: ", 19) == 0,
	    "and its place counts from the message: %s", f.what);
	charset_release(&cs);
}

static void
refused(const char *name, const char *hint)
{
	struct charset_plan p = {name, CHARSET_STOP};
	struct charset cs;
	struct fail f;

	is_num(charset_open(&cs, &p, CHARSET_SEND, false, &f), -1,
	    "'%s' is no charset", name);
	is_num(f.status, STATUS_USAGE, "'%s' is wrong usage", name);
	ok(strstr(f.hint, hint) != NULL, "'%s': the hint says %s: %s", name,
	    hint, f.hint);
}

static void
test_names(void)
{
	enum charset_errors e = CHARSET_STOP;

	refused("ANSI", "CP1252");
	refused("", "iconv -l");
	refused("nosuch-charset-anywhere", "iconv -l");
	refused("UTF16-LE", "UTF-16LE");
	refused("CP1522", "CP1252");
	refused("CP1252//TRANSLIT", "CP1252");
	refused("ISO-8859-1//IGNORE", "iconv -l");
	refused("UNICODE", "UTF-16LE");
	refused("wchar_t", "iconv -l");
	ok(charset_errors_of("escape", &e) && e == CHARSET_ESCAPE &&
		charset_errors_of("replace", &e) && e == CHARSET_REPLACE &&
		charset_errors_of("stop", &e) && e == CHARSET_STOP,
	    "policies have names");
	ok(!charset_errors_of("Stop", &e) && !charset_errors_of("", &e),
	    "and no others");
}

static void
tag(const char *name, const char *mode, const char *want, size_t len,
    size_t align, enum framing_count count)
{
	struct charset_plan p = {name, CHARSET_REPLACE};
	struct framing fr;
	struct fail f;
	size_t at;

	framing_parse(mode, &fr, &at);
	if (!is_num(charset_framing(&p, &fr, &f), 0, "%s in %s", mode,
		name == NULL ? "no charset" : name))
		diag("%s", f.what);
	is_bytes(fr.tag, fr.tag_len, want, len, "%s: its tag", mode);
	is_num(fr.tag_align, align, "%s: where it may begin", mode);
	is_num(fr.count, count, "%s: what is counted", mode);
}

static void
no_tag(const char *name, const char *mode, const char *what, const char *hint)
{
	struct charset_plan p = {name, CHARSET_REPLACE};
	struct framing fr;
	struct fail f;
	size_t at;

	framing_parse(mode, &fr, &at);
	is_num(charset_framing(&p, &fr, &f), -1, "%s in %s is refused", mode,
	    name == NULL ? "no charset" : name);
	is_num(f.status, STATUS_USAGE, "as wrong usage");
	is_text(f.what, what, "saying why");
	is_text(f.hint, hint, "and what to try");
}

#define TAG(name, mode, want, align)                                           \
	tag(name, mode, want, sizeof(want) - 1, align, FRAMING_COUNT_BYTES)
#define COUNTS(name, mode, want, align, count)                                 \
	tag(name, mode, want, sizeof(want) - 1, align, count)

static void
test_tags(void)
{
	char buf[FRAMING_TEXT_MAX];
	struct charset_plan p = {"CP1252", CHARSET_STOP};
	struct framing fr;
	struct fail f;
	size_t at;

	TAG(NULL, "end-tag", "<EOF>", 0);
	TAG("CP1252", "end-tag", "<EOF>", 0);
	TAG("CP1252", "end-tag=\xc2\xa7", "\xa7", 0);
	TAG("CP1252", "end-tag=\\xc2\\xa7", "\xc2\xa7", 0);
	TAG("UTF-16LE", "end-tag", "<\0E\0O\0F\0>\0", 1);
	TAG("UTF-16BE", "end-tag-buffer=CRLF", "\0\r\0\n", 1);
	TAG("UTF-16LE", "end-tag=\\x0d\\x0a", "\r\n", 1);
	TAG("UTF-16LE", "end-tag=a\\x00\\xc3\xc3\xa9\\\\\\xff",
	    "a\0\0\xc3\xe9\0\\\0\xff", 1);
	TAG("UTF-16LE", "windev,tail=NUL", "\0\0", 1);
	TAG("UTF-32LE", "lines", "\n\0\0\0", 3);
	TAG("UTF-16LE", "netstring", ",", 0);
	TAG("UTF-16LE", "raw", "", 0);
	COUNTS("UTF-16LE", "windev,count=utf16,tail=NUL", "\0\0", 1,
	    FRAMING_COUNT_UTF16);
	COUNTS("UTF-8", "windev,count=chars", "", 0, FRAMING_COUNT_CHARS);
	COUNTS(NULL, "windev,count=chars", "", 0, FRAMING_COUNT_CHARS);
	COUNTS("CP1252", "windev,count=chars", "", 0, FRAMING_COUNT_BYTES);
	COUNTS("ISO-8859-15", "windev,count=chars", "", 0, FRAMING_COUNT_BYTES);
	no_tag("UTF-16LE", "windev,count=chars",
	    "count=chars: expected UTF-8 or a charset of one byte for each "
	    "character, saw UTF-16LE",
	    "try: count=utf16");
	no_tag("CP932", "windev,count=chars",
	    "count=chars: expected UTF-8 or a charset of one byte for each "
	    "character, saw CP932",
	    "try: count=bytes");
	no_tag("ISO-2022-JP", "windev,count=chars",
	    "count=chars: expected UTF-8 or a charset of one byte for each "
	    "character, saw ISO-2022-JP",
	    "try: count=bytes");
	no_tag(NULL, "windev,count=utf16,tail=NUL",
	    "expected a tail of whole 16-bit units, saw one of 1 byte",
	    "try: -m 'windev,count=utf16,tail=\\x00\\x00'");
	no_tag("ISO-8859-1", "end-tag=\xe2\x82\xac",
	    "expected characters that are in ISO-8859-1, saw the tag "
	    "\"\xe2\x82\xac\"",
	    "try: its bytes, written \\xHH");
	no_tag("CP1252", "end-tag=\xff",
	    "expected characters that are in CP1252, saw the tag \"\\xff\"",
	    "try: its bytes, written \\xHH");
	no_tag("UTF-16LE", "end-tag=123456789012345678901234567890123",
	    "expected at most 64 bytes in UTF-16LE, saw the tag "
	    "\"123456789012345678901234567890123\"",
	    "try: its bytes, written \\xHH");

	framing_parse("end-tag", &fr, &at);
	charset_framing(&p, &fr, &f);
	is_text(framing_print(&fr, buf), "end-tag=<EOF>",
	    "a tag that stays the same is written as it was");
	p.name = "UTF-16LE";
	framing_parse("end-tag=a", &fr, &at);
	charset_framing(&p, &fr, &f);
	is_text(framing_print(&fr, buf), "end-tag=\\x61\\x00",
	    "and one that does not, as its bytes");
}

/* Any text through any charset that has all of Unicode comes back. */
static void
test_by_chance(uint64_t *state)
{
	static const char *const names[] = {"UTF-16LE", "UTF-16BE", "UTF-16",
	    "UTF-32LE", "GB18030", "UTF-8", "UTF-7"};
	unsigned i, n = rounds(2000), bad = 0;
	uint8_t text[300];
	struct batch in, wire, back;
	struct fail f;
	size_t len, k;

	for (i = 0; i < n; i++) {
		const char *name = names[i % 7];
		struct charset to =
		    opened(name, CHARSET_STOP, CHARSET_SEND, false);
		struct charset from =
		    opened(name, CHARSET_STOP, CHARSET_RECEIVE, false);
		struct slice v[3];

		for (k = len = 0; k < 3; k++) {
			size_t start = len, end = start + dice_below(state, 90);

			while (len < end) {
				uint32_t cp = (uint32_t)(dice_below(state, 2)
					? 0x20 + dice_below(state, 0x5f)
					: 0xa0 + dice_below(state, 0xd000));

				if (cp < 0x80)
					text[len++] = (uint8_t)cp;
				else if (cp < 0x800) {
					text[len++] = (uint8_t)(0xc0 | cp >> 6);
					text[len++] =
					    (uint8_t)(0x80 | (cp & 0x3f));
				} else {
					text[len++] =
					    (uint8_t)(0xe0 | cp >> 12);
					text[len++] =
					    (uint8_t)(0x80 | (cp >> 6 & 0x3f));
					text[len++] =
					    (uint8_t)(0x80 | (cp & 0x3f));
				}
			}
			v[k] = slice_of(text + start, len - start);
		}
		in = (struct batch){v, 3, 3};
		if (charset_convert(&to, &in, &wire, &f) == -1 ||
		    charset_convert(&from, &wire, &back, &f) == -1 ||
		    back.n != 3)
			bad++;
		else
			for (k = 0; k < 3; k++)
				bad += back.v[k].len != v[k].len ||
				    memcmp(back.v[k].p, v[k].p, v[k].len) != 0;
		charset_release(&to);
		charset_release(&from);
	}
	is_num(bad, 0, "%u batches by chance come back as they were", n);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_cp1252();
	test_units();
	test_marks();
	test_orders();
	test_utf8();
	test_policies();
	test_shifts();
	test_batches();
	test_large();
	test_growth();
	test_stream();
	test_stream_end();
	test_names();
	test_tags();
	test_by_chance(&state);
	guard_free(&page);
	return done_testing();
}
