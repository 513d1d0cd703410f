/*
 * Which framing do these bytes speak? The samples of tests/vectors hold what
 * is right, what is misleading, and what nobody could tell; long ones are made
 * here. The bytes always end at a forbidden page.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "codec/decode.h"
#include "codec/diagnose.h"
#include "guard.h"
#include "tap.h"

#define VERDICT_MAX (2 * FRAMING_TEXT_MAX + 64)

static void
name_guess(const struct diagnose_guess *g, char *buf, size_t cap)
{
	char mode[FRAMING_TEXT_MAX];

	switch (g->kind) {
	case DIAGNOSE_FRAMING:
		snprintf(buf, cap, "%s", framing_print(&g->fr, mode));
		return;
	case DIAGNOSE_WINDEV_OFF:
		snprintf(buf, cap, "off%+d", g->off);
		return;
	case DIAGNOSE_WINDEV_NEAR:
		snprintf(buf, cap, "near");
		return;
	case DIAGNOSE_WINDEV_UTF16:
		snprintf(buf, cap, "utf16%s", g->big_endian ? "be" : "le");
		return;
	case DIAGNOSE_BOM:
		snprintf(buf, cap, "bom:%s", framing_print(&g->fr, mode));
		return;
	case DIAGNOSE_TLS:
		snprintf(buf, cap, "tls");
		return;
	case DIAGNOSE_HTTP:
		snprintf(buf, cap, "http");
		return;
	case DIAGNOSE_SSH:
		snprintf(buf, cap, "ssh");
		return;
	}
	snprintf(buf, cap, "guess of kind %d", (int)g->kind);
}

static void
name_verdict(const struct diagnosis *d, char *buf, size_t cap)
{
	char one[FRAMING_TEXT_MAX + 16] = "", two[FRAMING_TEXT_MAX + 16] = "";

	if (d->n > 0)
		name_guess(&d->guess[0], one, sizeof(one));
	if (d->n > 1)
		name_guess(&d->guess[1], two, sizeof(two));
	if (d->n == 0)
		snprintf(buf, cap, d->sure ? "sure of nothing" : "unknown");
	else if (d->sure || d->n == 1)
		snprintf(buf, cap, "%s:%s", d->sure ? "sure" : "unsure", one);
	else
		snprintf(buf, cap, "unsure:%s|%s", one, two);
}

/* The rules for any diagnosis; what is broken, or NULL. */
static const char *
broken_rule(const struct diagnosis *d)
{
	unsigned i;

	if (d->n > 2)
		return "more than two guesses";
	for (i = 0; i < d->n; i++) {
		const struct diagnose_guess *g = &d->guess[i];

		if (g->grade < DIAGNOSE_FAINT || g->grade > DIAGNOSE_CERTAIN)
			return "a guess without a grade";
		if (g->kind == DIAGNOSE_WINDEV_OFF &&
		    (g->off < -2 || g->off > 2 || g->off == 0))
			return "an offset outside of -2 to 2";
	}
	if (d->n == 2 && d->guess[0].grade < d->guess[1].grade)
		return "the better guess is the second";
	if (d->n == 0 && d->sure)
		return "sure of nothing";
	return NULL;
}

static void
diagnose_at_page(
    struct guard *g, struct slice in, bool at_end, struct diagnosis *d)
{
	const uint8_t *p = guard_end(g, in.p, in.len);

	memset(d, 0xa5, sizeof(*d)); /* nothing may be left as it was */
	diagnose(slice_of(p, in.len), at_end, d);
}

static void
check(struct guard *g, const char *name, struct slice in, bool at_end,
    const char *want)
{
	struct diagnosis d;
	char got[VERDICT_MAX];
	const char *broken;
	unsigned i;

	diagnose_at_page(g, in, at_end, &d);
	name_verdict(&d, got, sizeof(got));
	broken = broken_rule(&d);
	if (is_text(broken != NULL ? broken : got, want, "%s", name))
		return;
	for (i = 0; i < d.n && i < 2; i++) {
		name_guess(&d.guess[i], got, sizeof(got));
		diag("guess %u: %s, grade %u, %u messages", i, got,
		    d.guess[i].grade, d.guess[i].messages);
	}
}

/* NAME END BYTES VERDICT */
static void
check_sample(struct guard *g, char *line, const char *path, unsigned n)
{
	char *field[4];
	uint8_t *p;
	size_t i, len, pos;

	for (i = 0; i < 4; i++)
		field[i] = strsep(&line, "\t");
	if (field[3] == NULL || line != NULL)
		errx(1, "%s:%u: expected four fields", path, n);
	if (strcmp(field[1], "end") != 0 && strcmp(field[1], "more") != 0)
		errx(1, "%s:%u: expected end or more", path, n);
	p = (uint8_t *)field[2];
	if (text_unescape(slice_of(p, strlen(field[2])), p, &len, &pos) !=
	    TEXT_OK)
		errx(1, "%s:%u: bad escape", path, n);
	check(g, field[0], slice_of(p, len), strcmp(field[1], "end") == 0,
	    field[3]);
}

static void
test_samples(struct guard *g)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], *line = NULL;
	unsigned n = 0, samples = 0;
	size_t cap = 0;
	ssize_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/vectors/diagnose.samples",
	    srcdir == NULL ? "." : srcdir);
	f = fopen(path, "r");
	if (f == NULL)
		err(1, "%s", path);
	while ((len = getline(&line, &cap, f)) > 0) {
		n++;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		check_sample(g, line, path, n);
		samples++;
	}
	free(line);
	fclose(f);
	ok(samples >= 55, "there are enough samples (%u)", samples);
}

/* `head`, and then `unit` again and again until there are len bytes. */
static struct slice
fill(uint8_t *buf, size_t len, const char *head, size_t head_len,
    const char *unit, size_t unit_len)
{
	size_t i;

	memcpy(buf, head, head_len);
	for (i = head_len; i < len; i++)
		buf[i] = (uint8_t)unit[(i - head_len) % unit_len];
	return slice_of(buf, len);
}

#define FILL(len, head, unit)                                                  \
	fill(buf, len, head, sizeof(head) - 1, unit, sizeof(unit) - 1)

static void
test_long(struct guard *g)
{
	static uint8_t buf[DIAGNOSE_LOOK * 2];
	const size_t look = DIAGNOSE_LOOK;

	check(g, "a long windev message that is cut",
	    FILL(look, "5000\r\n", "x"), false, "sure:windev");
	check(g, "a long windev message with lines in it is not sure",
	    FILL(look, "5000\r\n", "Hello\r\n"), false,
	    "unsure:windev|end-tag=CRLF");
	check(g,
	    "a stream is not looked at behind 4 KiB, so its end is not seen",
	    FILL(2 * look, "9000\r\n", "x"), true, "sure:windev");
	check(g, "many windev messages, the last one cut by the look",
	    FILL(look, "", "11\r\nHello World"), false, "sure:windev");
	check(g, "many of the vendor's samples, cut by the look",
	    FILL(look, "", "11\r\nHelloWord"), false, "sure:off+2");
	check(g, "a long netstring that is cut", FILL(look, "5000:", "x"),
	    false, "sure:netstring");
	check(g, "a long fixed header message that is cut",
	    FILL(look,
		"5000                                                        "
		"    ",
		"x"),
	    false, "sure:fixed-header=64");
	check(g, "many lines, the last one cut",
	    FILL(look, "", "Hello World!\n"), false, "sure:lines");
	check(g, "a long u32be message that is cut",
	    FILL(look, "\0\0\x13\x88", "Hello "), false, "sure:u32be");
	check(g, "many u32le messages, the last one cut",
	    FILL(look, "", "\x7\0\0\0abc\0\xff\1z"), false, "sure:u32le");
	check(g, "many u8 messages, the last one cut",
	    FILL(look, "", "\5Hello"), false, "unsure:u8");
	check(g, "UTF-16 text", FILL(look, "", "H\0e\0l\0l\0o\0 \0"), false,
	    "unknown");
	FILL(look, "", "11\r\nHello World");
	memset(buf + look, '?', look);
	check(g, "what stands behind 4 KiB refutes nothing",
	    slice_of(buf, 2 * look), true, "sure:windev");
	check(g, "a long word", FILL(look, "", "x"), false, "unknown");
	check(g, "NULs", FILL(look, "", "\0"), false, "unknown");
}

/* 17000000 bytes are over the usual limit, which is not diagnosed here. */
static void
test_over_limit(struct guard *g)
{
	static uint8_t buf[DIAGNOSE_LOOK];
	const size_t look = DIAGNOSE_LOOK;

	check(g, "a windev message over the usual limit",
	    FILL(look, "17000000\r\n", "a"), false, "sure:windev");
	check(g, "a windev message over the usual limit behind a short one",
	    FILL(1000, "5\r\nhello17000000\r\n", "a"), true, "sure:windev");
	check(g, "a windev message over the usual limit, with lines in it",
	    FILL(look, "17000000\r\n", "a\r\n"), false,
	    "unsure:end-tag=CRLF|windev");
	check(g, "a netstring over the usual limit",
	    FILL(look, "17000000:", "a"), false, "sure:netstring");
	check(g, "a netstring over the usual limit, with lines in it",
	    FILL(look, "17000000:", "Hello World\n"), false,
	    "unsure:lines|netstring");
	check(g, "lines behind the seconds of a clock",
	    FILL(look, "", "1769860800: Hello\n"), false, "sure:lines");
	check(g, "a fixed header over the usual limit",
	    FILL(look,
		"17000000                                                    "
		"    ",
		"a"),
	    false, "sure:fixed-header=64");
	check(g, "u32be over the usual limit", FILL(look, "\1\3\x66\x40", "a"),
	    false, "sure:u32be");
	check(g, "u32le over the usual limit", FILL(look, "\x40\x66\3\1", "a"),
	    false, "sure:u32le");
	check(g, "u32be over the usual limit and the end",
	    FILL(1000, "\1\3\x66\x40", "a"), true, "sure:u32be");
	check(g, "u32be over the usual limit, no text",
	    FILL(look, "\1\3\x66\x40", "\xff\xfe\xfd\5"), false,
	    "unsure:u32be");
	check(g, "a length of four bytes that both orders may read",
	    FILL(look, "\1\0\0\2", "a"), false, "unsure:u32be|u32le");
	check(g, "a length of four bytes that one order proves right",
	    FILL(265, "\0\0\1\5", "a"), false, "sure:u32be");
	check(g, "four letters are no length", FILL(look, "\2Hel", "a"), false,
	    "unsure:u8|u16be");
}

#define BLANKS_63                                                              \
	"                                                               "

/* What is a little more or less than it should be. */
static void
test_edges(struct guard *g)
{
	static uint8_t buf[DIAGNOSE_LOOK];
	const size_t look = DIAGNOSE_LOOK;

	check(g, "128 bytes without a line's end are no line",
	    FILL(134, "5000\r\n", "x"), false, "sure:windev");
	check(g, "127 bytes without a line's end may be one",
	    FILL(133, "5000\r\n", "x"), false, "unsure:windev|end-tag=CRLF");
	check(g, "a stream that ends behind 4 KiB is seen to end",
	    FILL(look, "5000\r\n", "x"), true, "unsure:windev|end-tag=CRLF");
	check(g, "a length that lines may have in front is no netstring's",
	    FILL(300, "4096:", "Hello World\n"), false, "sure:lines");
	check(g, "a length that lines rarely have in front may be one",
	    FILL(300, "4097:", "Hello World\n"), false,
	    "unsure:lines|netstring");
	check(g, "128 bytes are enough to say so",
	    FILL(128, "4097:", "Hello World\n"), false,
	    "unsure:lines|netstring");
	check(g, "127 bytes are not", FILL(127, "4097:", "Hello World\n"),
	    false, "sure:lines");
	check(g, "a netstring of 2^28 bytes may be",
	    FILL(300, "268435456:", "Hello World\n"), false,
	    "unsure:lines|netstring");
	check(g, "a longer one is not believed",
	    FILL(300, "268435457:", "Hello World\n"), false, "sure:lines");
	check(g, "a u16 whose payload has every second byte a NUL, but for one",
	    FILL(259, "\1\1", "\0a"), true, "unsure:u16be|u16le");
	check(g, "64 columns, and a payload that begins with a blank",
	    slice_of("6" BLANKS_63 " Hello", 70), true, "sure:fixed-header=64");
}

/* Four bytes at the beginning of a long message. */
static void
test_four_bytes(struct guard *g)
{
	static const struct {
		const char *name, *four;
		size_t len;
		const char *verdict;
	} cases[] = {
	    {"u32le that the other order refutes", "\5\1\0\0", 265,
		"sure:u32le"},
	    {"four bytes with a blank among letters are text", "\1 AB", 300,
		"unsure:u16be"},
	    {"four bytes with a unit separator are none", "\1\x1f\x41\x42", 300,
		"sure:u32be"},
	    {"four bytes with a tilde among letters are text", "\1~AB", 300,
		"unsure:u8"},
	    {"four bytes with a DEL are none", "\1\x7f\x41\x42", 300,
		"sure:u32be"},
	    {"128 bytes behind four that both orders may read", "\0\x13\x88\1",
		132, "unsure:u32be|u32le"},
	    {"127 bytes behind them tell nothing", "\0\x13\x88\1", 131,
		"unknown"},
	    {"u32be of 65535 bytes", "\0\0\xff\xff", 50, "unsure:u32be"},
	    {"u32be of 65536 bytes is too long to be told early", "\0\1\0\0",
		50, "unsure:u32le"},
	};
	static uint8_t buf[300];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(g, cases[i].name,
		    fill(buf, cases[i].len, cases[i].four, 4, "a", 1), false,
		    cases[i].verdict);
}

static enum diagnose_grade
grade_of(const struct diagnosis *d, const char *guess)
{
	char name[VERDICT_MAX];
	unsigned i;

	for (i = 0; i < d->n; i++) {
		name_guess(&d->guess[i], name, sizeof(name));
		if (strcmp(name, guess) == 0)
			return d->guess[i].grade;
	}
	return DIAGNOSE_NOTHING;
}

static void
check_grade(struct guard *g, struct slice in, bool at_end, const char *guess,
    enum diagnose_grade want)
{
	struct diagnosis d;

	diagnose_at_page(g, in, at_end, &d);
	if (!is_num(grade_of(&d, guess), want, "%zu bytes %s speak for %s",
		in.len, at_end ? "and the end" : "of more", guess))
		diag_bytes("bytes", in.p, in.len);
}

#define BYTES(s) s, sizeof(s) - 1

struct graded {
	const char *bytes;
	size_t len;
	bool at_end;
	const char *guess;
	enum diagnose_grade grade;
};

static const struct graded grades[] = {
    {BYTES("SSH-2.0-"), false, "ssh", DIAGNOSE_CERTAIN},
    {BYTES("5\r\nHello5\r\nWor"), true, "windev", DIAGNOSE_STRONG},
    {BYTES("5\r\nHell"), true, "windev", DIAGNOSE_FAIR},
    {BYTES("11\r\nHelloWord11\r\nHel"), false, "off+2", DIAGNOSE_STRONG},
    {BYTES("+5\r\nhel"), false, "near", DIAGNOSE_STRONG},
    {BYTES("5\nHello"), false, "near", DIAGNOSE_STRONG},
    {BYTES("5\nHello6\nWor"), false, "near", DIAGNOSE_NOTHING},
    {BYTES("5\nHel"), false, "near", DIAGNOSE_NOTHING},
    {BYTES(" 5\r\n"), true, "near", DIAGNOSE_LIKELY},
    {BYTES("5:hello,"), true, "netstring", DIAGNOSE_CERTAIN},
    {BYTES("5:hello,5:wor"), true, "netstring", DIAGNOSE_STRONG},
    {BYTES("5:hello,5-wor"), true, "netstring", DIAGNOSE_FAINT},
    {BYTES("5" BLANKS_63 "Hello"), true, "fixed-header=64", DIAGNOSE_CERTAIN},
    {BYTES("5" BLANKS_63 "Hel"), true, "fixed-header=64", DIAGNOSE_LIKELY},
    {BYTES("5" BLANKS_63 "Hel"), false, "fixed-header=64", DIAGNOSE_LIKELY},
    {BYTES("0005Hello0005World"), true, "fixed-header=4", DIAGNOSE_STRONG},
    {BYTES("0005Hello0005World00"), true, "fixed-header=4", DIAGNOSE_LIKELY},
    {BYTES("0005Hello00"), true, "fixed-header=4", DIAGNOSE_NOTHING},
    {BYTES("0005Hello00"), false, "fixed-header=4", DIAGNOSE_FAINT},
    {BYTES("0005Hell"), true, "fixed-header=4", DIAGNOSE_NOTHING},
    {BYTES("0005Hell"), false, "fixed-header=4", DIAGNOSE_FAINT},
    {BYTES("0005Hello"), true, "fixed-header=4", DIAGNOSE_POSSIBLE},
    {BYTES("00000005Hello"), true, "fixed-header=8", DIAGNOSE_STRONG},
    {BYTES("\0\0\0\5Hello\0\0\0\5World"), true, "u32be", DIAGNOSE_CERTAIN},
    {BYTES("\5\0\0\0Hello\5\0\0\0World"), true, "u32le", DIAGNOSE_CERTAIN},
    {BYTES("\0\5Hello\0\5World"), true, "u16be", DIAGNOSE_CLEAR},
    {BYTES("\5\0Hello\5\0World"), true, "u16le", DIAGNOSE_CLEAR},
    {BYTES("\5Hello\5World"), true, "u8", DIAGNOSE_STRONG},
    {BYTES("\0\5He\1lo"), true, "u16be", DIAGNOSE_FAIR},
    {BYTES("\0\0\0\5Hello\0\0\0\5World\0\0"), false, "u32be", DIAGNOSE_STRONG},
    {BYTES("\0\0\0\5Hello\0\0\0\5World\0\0"), true, "u32be", DIAGNOSE_LIKELY},
    {BYTES("\0\0\0\5Hello"), true, "u32be", DIAGNOSE_STRONG},
    {BYTES("\0\0\0\5Hello\0\0"), false, "u32be", DIAGNOSE_POSSIBLE},
    {BYTES("\5\0\0\0Hello\5\0\0\0World\5\0"), false, "u32le", DIAGNOSE_STRONG},
    {BYTES("\5\0\0\0Hello\5\0\0\0World\5\0"), true, "u32le", DIAGNOSE_LIKELY},
    {BYTES("\5\0\0\0Hello"), true, "u32le", DIAGNOSE_STRONG},
    {BYTES("\5\0\0\0Hello\5\0"), false, "u32le", DIAGNOSE_POSSIBLE},
    {BYTES("\0\0\x13\x88Hello"), false, "u32be", DIAGNOSE_POSSIBLE},
    {BYTES("\x88\x13\0\0Hello"), false, "u32le", DIAGNOSE_POSSIBLE},
    {BYTES("\0\5Hello\0\5World\0\5"), false, "u16be", DIAGNOSE_LIKELY},
    {BYTES("\0\5Hello\0\5World\0\5"), true, "u16be", DIAGNOSE_NOTHING},
    {BYTES("\0\5Hello"), true, "u16be", DIAGNOSE_STRONG},
    {BYTES("\0\5Hello\0\5"), false, "u16be", DIAGNOSE_FAINT},
    {BYTES("\0\5Hel"), false, "u16be", DIAGNOSE_NOTHING},
    {BYTES("\5\0Hello\5\0World\5\0"), false, "u16le", DIAGNOSE_LIKELY},
    {BYTES("\5\0Hello\5\0World\5\0"), true, "u16le", DIAGNOSE_NOTHING},
    {BYTES("\5\0Hello"), true, "u16le", DIAGNOSE_STRONG},
    {BYTES("\5\0Hello\5\0"), false, "u16le", DIAGNOSE_FAINT},
    {BYTES("\5\0Hel"), false, "u16le", DIAGNOSE_NOTHING},
    {BYTES("\5\0He\1lo"), true, "u16le", DIAGNOSE_FAIR},
    {BYTES("\5Hello\5World\5"), false, "u8", DIAGNOSE_POSSIBLE},
    {BYTES("\5Hello\5World\5"), true, "u8", DIAGNOSE_NOTHING},
    {BYTES("\5Hello"), true, "u8", DIAGNOSE_POSSIBLE},
    {BYTES("\5Hello\5"), false, "u8", DIAGNOSE_FAINT},
    {BYTES("\5Hel"), false, "u8", DIAGNOSE_NOTHING},
    {BYTES("\5He\1lo\5World"), true, "u8", DIAGNOSE_FAINT},
    {BYTES("Hello<EOF>"), true, "end-tag=<EOF>", DIAGNOSE_STRONG},
    {BYTES("Hello<EOF>Wor"), false, "end-tag=<EOF>", DIAGNOSE_STRONG},
    {BYTES("Hello\3"), true, "end-tag=\\x03", DIAGNOSE_STRONG},
    {BYTES("Hello\3Wor"), false, "end-tag=\\x03", DIAGNOSE_FAIR},
    {BYTES("Hello\4"), true, "end-tag=\\x04", DIAGNOSE_STRONG},
    {BYTES("Hello\4Wor"), false, "end-tag=\\x04", DIAGNOSE_FAIR},
    {BYTES("Hello\n"), true, "lines", DIAGNOSE_LIKELY},
    {BYTES("Hello\nWorld\n"), true, "lines", DIAGNOSE_STRONG},
};

static void
test_grades(struct guard *g)
{
	static uint8_t buf[300];
	const struct graded *c;
	size_t i;

	for (i = 0; i < sizeof(grades) / sizeof(grades[0]); i++) {
		c = &grades[i];
		check_grade(g, slice_of(c->bytes, c->len), c->at_end, c->guess,
		    c->grade);
	}
	check_grade(
	    g, FILL(300, "5000\r\n", "x"), false, "windev", DIAGNOSE_STRONG);
	check_grade(
	    g, FILL(300, "5000:", "x"), false, "netstring", DIAGNOSE_FAIR);
	check_grade(
	    g, FILL(300, "\1\3\x66\x40", "a"), false, "u32be", DIAGNOSE_STRONG);
	check_grade(
	    g, FILL(300, "\1\3\x66\x40", "a"), true, "u32be", DIAGNOSE_LIKELY);
	check_grade(g, FILL(300, "\1\3\x66\x40", "\xff\xfe\xfd\5"), false,
	    "u32be", DIAGNOSE_FAINT);
}

/* Framings that say so by themselves must be found, whatever they carry. */
static void
test_messages_counted(struct guard *g)
{
	struct diagnosis d;

	diagnose_at_page(g, slice_of("5\r\nHello5\r\nWorld", 16), true, &d);
	is_num(d.guess[0].messages, 2, "a guess counts whole messages");
	diagnose_at_page(
	    g, slice_of("11\r\nHelloWord11\r\nHelloWord", 26), true, &d);
	is_num(d.guess[0].messages, 2, "and also those of wrong lengths");
	ok(d.guess[0].fr.mode == FRAMING_WINDEV,
	    "wrong lengths are those of windev");
}

struct refused {
	const char *name, *mode, *bytes;
	size_t len;
	bool at_end;
	const char *verdict;
};

static const struct refused faults[] = {
    {"lines that begin with a blank and a number are lines", "windev",
	BYTES(" 5\r\nfoo\r\nbar\r\n"), true, "sure:end-tag=CRLF"},
    {"near windev is one of two for who speaks another mode", "netstring",
	BYTES(" 5\r\n"), true, "unsure:near|end-tag=CRLF"},
    {"near windev is all there is for who speaks windev", "windev",
	BYTES(" 5\r\n"), true, "unsure:near"},
    {"near windev is preferred to what may as well be", "windev",
	BYTES(" 9\r\nfoo\nb"), true, "unsure:near"},
    {"lines of numbers are no lengths that are off", "windev",
	BYTES("2\r\n2\r\n2\r\n"), false, "sure:lines behind 1"},
    {"two guesses at what follows a good message", "windev",
	BYTES("5\r\nhelloA<EOF>\nB<EOF>\n"), true,
	"unsure:lines|end-tag=<EOF> behind 1"},
    {"a tail in use, and lengths that are off", "windev,tail=NUL",
	BYTES("4\r\nHello"), false, "unsure:off-1|end-tag=CRLF"},
    {"a length one too small, which a good message hid", "windev",
	BYTES("4\r\nHello"), false, "unsure:off-1"},
    {"a byte order mark is no kin", "u16be", BYTES("\xef\xbb\xbf\5Hello"), true,
	"unknown"},
    {"a message over the limit hides no lengths that are off", "windev",
	BYTES("4\r\nabcd9999999999\r\nxyz"), false, "unknown behind 1"},
    {"a message over the limit is UTF-16", "u32be", BYTES("1\0\r\0\n\0H\0"),
	false, "sure:utf16le"},
    {"an end inside a header may be in any mode", "u32be", BYTES("a\0b"), true,
	"unsure:end-tag=NUL"},
    {"an end before a tag may be in any mode", "end-tag", BYTES("\5Hello"),
	true, "unsure:u8"},
    {"an end inside a message of one byte is none of a line", "windev",
	BYTES("1\r\n"), true, "unknown"},
    {"another width is news", "fixed-header=4", BYTES("5       Hello"), true,
	"sure:fixed-header=8"},
    {"the mode in use is no news", "end-tag=CRLF", BYTES("Hello\r\nWorld"),
	true, "unknown"},
};

/* What is left of a diagnosis for who decoded the bytes in another mode. */
static void
check_fault(struct guard *g, const struct refused *c, struct slice in)
{
	struct slice v[8];
	struct batch b = {v, 0, 8};
	char got[VERDICT_MAX], behind[32] = "";
	enum decode_result r;
	struct guard room = {0};
	struct diagnosis *d;
	struct framing fr;
	struct decoder dec;
	size_t used;

	framing_parse(c->mode, &fr, &used);
	decoder_init(&dec, &fr);
	in.p = guard_end(g, in.p, in.len);
	r = decode(&dec, in, &b, &used);
	if (r == DECODE_MORE && c->at_end)
		r = decode_end(&dec, slice_of(in.p + used, in.len - used), &b);
	if (!ok(r == DECODE_BAD || r == DECODE_CUT, "%s: refused", c->name))
		return;
	d = (struct diagnosis *)(void *)guard_room(&room, sizeof(*d));
	memset(d, 0xa5, sizeof(*d));
	diagnose_fault(&dec.fault, &fr, dec.messages, in, c->at_end, d);
	name_verdict(d, got, sizeof(got));
	if (d->behind > 0)
		snprintf(behind, sizeof(behind), " behind %llu",
		    (unsigned long long)d->behind);
	guard_free(&room);
	strlcat(got, behind, sizeof(got));
	is_text(got, c->verdict, "%s", c->name);
}

static void
test_faults(struct guard *g)
{
	static uint8_t buf[259];
	const struct refused *c;
	struct refused kin = {.name = "two that are kin, and the end",
	    .mode = "u32le",
	    .at_end = true,
	    .verdict = "unsure:u16be|u16le"};
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		c = &faults[i];
		check_fault(g, c, slice_of(c->bytes, c->len));
	}
	check_fault(g, &kin, FILL(259, "\1\1\0\0", "\5"));
}

/* Pieces that protocols are made of, put together by chance. */
static size_t
throw_bytes(uint64_t *state, uint8_t *buf, size_t cap)
{
	static const char *const pieces[] = {"5\r\n", "11\r\n", "Hello",
	    "<EOF>", "\r\n", "\n", "12:", ",", "0005", "   ", "\x03", "\x05",
	    " HTTP/1.1", "GET ", "\xef\xbb\xbf", "\xff\xfe", "HelloWord",
	    "\xc3\xa9", "SSH-", "\x16\x03\x01", "00000000000000000000", "9"};
	size_t len = 0, want = dice_below(state, cap), n;
	const char *piece;

	while (len < want) {
		piece = pieces[dice_below(
		    state, sizeof(pieces) / sizeof(pieces[0]))];
		n = strlen(piece);
		if (n > want - len || dice_below(state, 8) == 0) {
			buf[len++] = (uint8_t)dice_below(
			    state, dice_below(state, 2) ? 256 : 4);
			continue;
		}
		memcpy(buf + len, piece, n);
		len += n;
	}
	return len;
}

static void
test_any_bytes(struct guard *g, uint64_t *state)
{
	static uint8_t buf[300];
	const char *broken = NULL;
	struct diagnosis d;
	size_t len = 0;
	unsigned i;

	for (i = 0; i < rounds(20000) && broken == NULL; i++) {
		len = throw_bytes(state, buf, i % 4 ? 30 : sizeof(buf));
		diagnose_at_page(g, slice_of(buf, len), i % 2, &d);
		broken = broken_rule(&d);
	}
	ok(broken == NULL,
	    "any bytes give at most two guesses, the better one first");
	if (broken != NULL) {
		diag("%s", broken);
		diag_bytes("bytes", buf, len);
	}
}

static void
test_behind_look(struct guard *g, uint64_t *state)
{
	static uint8_t buf[DIAGNOSE_LOOK + 64];
	char one[VERDICT_MAX], two[VERDICT_MAX];
	struct diagnosis d;
	unsigned i, bad = 0;
	size_t len, k;

	for (i = 0; i < rounds(300) && bad == 0; i++) {
		for (len = 0; len < DIAGNOSE_LOOK + 1; len += k)
			k = throw_bytes(state, buf + len,
			    sizeof(buf) - len < 40 ? sizeof(buf) - len : 40);
		diagnose_at_page(g, slice_of(buf, DIAGNOSE_LOOK), false, &d);
		name_verdict(&d, one, sizeof(one));
		buf[DIAGNOSE_LOOK] = (uint8_t)dice_below(state, 256);
		diagnose_at_page(g, slice_of(buf, len), i % 2, &d);
		name_verdict(&d, two, sizeof(two));
		bad += strcmp(one, two) != 0;
	}
	ok(bad == 0,
	    "bytes behind DIAGNOSE_LOOK, and their end, do not matter");
	if (bad > 0)
		diag("%s, then %s", one, two);
}

/* Bytes without a plan must not be taken for certain messages. */
static void
test_noise(struct guard *g, uint64_t *state)
{
	static uint8_t buf[512];
	char name[VERDICT_MAX];
	struct diagnosis d;
	unsigned i, n = rounds(5000), sure = 0;
	size_t k, len;

	name[0] = '\0';
	for (i = 0; i < n; i++) {
		len = 32 + dice_below(state, sizeof(buf) - 32);
		for (k = 0; k < len; k++)
			buf[k] = (uint8_t)dice_below(state, 256);
		diagnose_at_page(g, slice_of(buf, len), i % 2, &d);
		if (!d.sure)
			continue;
		sure++;
		name_verdict(&d, name, sizeof(name));
	}
	ok(sure * 100 <= n,
	    "noise is taken for certain once in a hundred at most");
	diag("%u of %u%s%s", sure, n, sure ? ", such as " : "", name);
}

int
main(void)
{
	uint64_t state = dice_seed();
	struct guard g = {0};

	test_samples(&g);
	test_long(&g);
	test_over_limit(&g);
	test_edges(&g);
	test_four_bytes(&g);
	test_grades(&g);
	test_faults(&g);
	test_messages_counted(&g);
	test_any_bytes(&g, &state);
	test_behind_look(&g, &state);
	test_noise(&g, &state);
	guard_free(&g);
	return done_testing();
}
