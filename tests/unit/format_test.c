/*
 * Formats: what each directive says, what is refused and where, and that a
 * message is written the same however little room there is.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "io/format.h"
#include "tap.h"

#define OUT_MAX 65536

/* The least room in which a format is to get on. */
#define STEP 16

struct written {
	uint8_t p[OUT_MAX];
	size_t len;
	size_t larges;
};

static struct guard page;

/* 2026-01-31 12:00:00.000001 UTC, 12.5 s behind the beginning. */
static struct about
an_about(struct about_of *of)
{
	struct about a;

	about_begin(of, 7, "127.0.0.1:50000");
	about_init(&a, of);
	of->time_us = 1769860800000001;
	of->since_us = 10250000;
	about_next(&a);
	of->since_us = 12500000;
	about_next(&a);
	return a;
}

static void
add(struct written *w, const void *p, size_t len)
{
	if (w->len + len > OUT_MAX)
		len = OUT_MAX - w->len;
	memcpy(w->p + w->len, p, len);
	w->len += len;
}

/* Through a buffer of `room` bytes that ends at a forbidden page. */
static void
write_all(const struct format *f, struct slice m, enum format_for whom,
    size_t room, struct written *w)
{
	struct format_at at = {0};
	struct about_of of;
	struct about a = an_about(&of);
	enum format_result r;
	struct span out;

	w->len = w->larges = 0;
	do {
		out = (struct span){guard_room(&page, room), 0, room};
		r = format_put(f, &at, &a, m, whom, &out);
		add(w, out.p, out.len);
		if (r == FORMAT_LARGE) {
			add(w, m.p, m.len);
			w->larges++;
		}
		if (r == FORMAT_FULL && out.len == 0) {
			add(w, "(stuck)", 7);
			return;
		}
	} while (r != FORMAT_DONE);
}

static void
says_for(enum format_for whom, const char *format, struct slice m,
    const char *want, size_t want_len, const char *name)
{
	static struct written whole, tight;
	struct format f;
	struct fail fail;

	if (!ok(format_init(&f, format, &fail) == 0, "%s: it is a format",
		name)) {
		diag("%s", fail.what);
		return;
	}
	write_all(&f, m, whom, 32768, &whole);
	is_bytes(whole.p, whole.len, want, want_len, "%s", name);
	write_all(&f, m, whom, STEP, &tight);
	is_bytes(tight.p, tight.len, want, want_len,
	    "%s: the same in little room", name);
	format_release(&f);
}

#define SAYS(format, message, want, name)                                      \
	says_for(FORMAT_FOR_PIPE, format,                                      \
	    slice_of(message, sizeof(message) - 1), want, sizeof(want) - 1,    \
	    name)
#define SHOWS(format, message, want, name)                                     \
	says_for(FORMAT_FOR_TERMINAL, format,                                  \
	    slice_of(message, sizeof(message) - 1), want, sizeof(want) - 1,    \
	    name)

static void
test_directives(void)
{
	SAYS("%m", "Hello", "Hello", "%m is the message");
	SAYS("%m", "a\0\xff\n\x1b", "a\0\xff\n\x1b", "whatever its bytes");
	SAYS("%e", "a\\\n\0\xc3\xa9\xff", "a\\\\\\n\\x00\xc3\xa9\\xff",
	    "%e is escaped in one line");
	SAYS("%x", "a\0\xff", "6100ff", "%x is hexadecimal");
	SAYS("%b", "a\0\xff!", "YQD/IQ==", "%b is base64");
	SAYS("{%j}", "a\"\n\xc3\xa9", "{\"text\":\"a\\\"\\n\xc3\xa9\"}",
	    "%j is text in JSON");
	SAYS("{%j}", "a\xff", "{\"b64\":\"Yf8=\"}",
	    "and base64 where it is not UTF-8");
	SAYS("{%j}", "", "{\"text\":\"\"}", "an empty one is a text");
	SAYS("%l", "Hello", "5", "%l is the length");
	SAYS("%l", "\xc3\xa9", "2", "in bytes");
	SAYS("%n", "", "2", "%n is the number");
	SAYS("%c", "", "c7", "%c is the channel");
	SAYS("%p", "", "127.0.0.1:50000", "%p is the peer");
	SAYS("%d", "", "in", "%d is the direction");
	SAYS("%t", "", "2026-01-31T12:00:00.000001Z", "%t is the time");
	SAYS("%T", "", "1769860800.000001", "%T is seconds since the epoch");
	SAYS("%r", "", "12.500000", "%r is seconds since the beginning");
	SAYS("%D", "", "2.250000", "%D is seconds since the message before");
	SAYS("%%", "", "%", "%% is a percent sign");
	SAYS("", "Hello", "", "an empty format writes nothing");
	SAYS("%n %m\\n%m|%%n\\n", "Hi", "2 Hi\nHi|%n\n",
	    "text and directives stand in any order");
}

static void
test_text(void)
{
	SAYS("\\n\\r\\t\\\\\\0\\x41\\xfF", "", "\n\r\t\\\0A\xff",
	    "escapes stand for a byte");
	SAYS("\\01", "", "\0001", "and \\0 for one NUL alone");
	SAYS("\xc3\xa9\xff", "", "\xc3\xa9\xff", "any other byte for itself");
}

static void
test_widths(void)
{
	SAYS("%6n|", "", "     2|", "a width fills up in front");
	SAYS("%-6n|", "", "2     |", "and with - behind");
	SAYS("%06n|", "", "000002|", "0 fills up with zeros");
	SAYS("%015r|", "", "00000012.500000|", "also before a fraction");
	SAYS("%2m|", "Hello", "Hello|", "what is wider stays whole");
	SAYS("%5m|%-5m|",
	    "\xc3\xa9"
	    "a",
	    "   \xc3\xa9"
	    "a|\xc3\xa9"
	    "a   |",
	    "a width counts characters");
	SAYS(
	    "%3m|", "\xff\xfe", " \xff\xfe|", "and a byte that is none as one");
	SAYS("%6x|%-6x|", "ab", "  6162|6162  |", "hex has its width");
	SAYS("%6e|", "\n\xc3\xa9", "   \\n\xc3\xa9|", "what is escaped, too");
	SAYS("%6b|", "a", "  YQ==|", "and base64");
	SAYS("%14j|", "ab", "   \"text\":\"ab\"|", "and JSON");
	SAYS("%-20p|%5c|", "", "127.0.0.1:50000     |   c7|", "and words");
}

static void
test_lengths(void)
{
	SAYS("%.3m|", "Hello", "Hel|", "a length shows the first bytes");
	SAYS("%.9m|", "Hello", "Hello|", "all where there are no more");
	SAYS("%.0m|", "Hello", "|", "or none");
	SAYS("%.m|", "Hello", "|", "nothing behind the dot is none");
	SAYS("%.2m|%.3m|", "a\xc3\xa9", "a|a\xc3\xa9|",
	    "no character is cut in two");
	SAYS("%.3m|%.4m|", "\xf0\x9f\x98\x80", "|\xf0\x9f\x98\x80|",
	    "however long it is");
	SAYS("%.2m|", "\xff\xfe\xfd", "\xff\xfe|", "what is none is cut");
	SAYS("%.2m|", "a\xc3z", "a\xc3|", "as is a beginning of none");
	SAYS("%.2x %.2e %.2b {%.2j} %l", "abc",
	    "6162 ab YWI= {\"text\":\"ab\"} 3",
	    "it is so for all that show the message");
	SAYS("%5.2m|%-5.2m|", "abc", "   ab|ab   |", "with a width");
}

static void
test_terminal(void)
{
	SHOWS("%m|",
	    "\x1b[2J\xc2\x9b\xe2\x80\xae"
	    "a\n",
	    "\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae"
	    "a\n|",
	    "on a terminal what could drive it is escaped");
	SHOWS("{%j}", "\x1b\xc2\x9b\xe2\x80\xae",
	    "{\"text\":\"\\u001b\\u009b\\u202e\"}", "in JSON by its code");
	SHOWS("%8m|", "\x1b", "    \\x1b|", "and that has its width");
	SHOWS("\\x1b[1m%m", "a", "\x1b[1ma", "the format's own text may");
}

static void
is_refused(const char *format, const char *what, const char *hint)
{
	struct format f;
	struct fail fail;

	if (!ok(format_init(&f, format, &fail) == -1, "'%s' is refused",
		format)) {
		format_release(&f);
		return;
	}
	is_num(fail.status, STATUS_USAGE, "'%s': with status 2", format);
	is_text(fail.what, what, "'%s': with its place", format);
	is_text(fail.hint, hint, "'%s': and what to try", format);
	ok(f.v == NULL && f.text == NULL, "'%s': nothing is held", format);
}

#define THERE_ARE "%m %e %x %b %j %l %n %c %p %d %t %T %r %D and %%"

static void
test_refused(void)
{
	static const char sign[] = "try: a percent sign is written %%",
			  slash[] = "try: a backslash is written \\\\";

	is_refused("ab%N", "byte 2: expected a directive, saw \"%N\"",
	    "try: %n; there are " THERE_ARE);
	is_refused("%s\\n", "byte 0: expected a directive, saw \"%s\\\\n\"",
	    "try: %m; there are " THERE_ARE);
	is_refused("%S", "byte 0: expected a directive, saw \"%S\"",
	    "try: %l; there are " THERE_ARE);
	is_refused("%-8!", "byte 0: expected a directive, saw \"%-8!\"",
	    "try: one of " THERE_ARE);
	is_refused("%3%", "byte 0: expected a directive, saw \"%3%\"",
	    "try: one of " THERE_ARE);
	is_refused("abc%", "byte 4: expected a directive, saw the end", sign);
	is_refused("%-08", "byte 4: expected a directive, saw the end", sign);
	is_refused("%4097n",
	    "byte 1: expected a number of at most 4096, saw \"4097n\"",
	    "try: a smaller one");
	is_refused("%.99999999999999999999m",
	    "byte 2: expected a number of at most 4096, saw "
	    "\"99999999\"...",
	    "try: a smaller one");
	is_refused("a\\q",
	    "byte 1: expected \\n, \\r, \\t, \\\\, \\0 or \\xHH, saw "
	    "\"\\\\q\"",
	    slash);
	is_refused("\\",
	    "byte 0: expected \\n, \\r, \\t, \\\\, \\0 or \\xHH, saw \"\\\\\"",
	    slash);
	is_refused("\\x4",
	    "byte 0: expected \\n, \\r, \\t, \\\\, \\0 or \\xHH, saw "
	    "\"\\\\x4\"",
	    slash);
	is_refused("%05m",
	    "byte 0: expected zeros in front of a number alone, saw \"%05m\"",
	    "try: without the 0");
	is_refused("%-05n",
	    "byte 0: expected zeros in front of a number alone, saw \"%-05n\"",
	    "try: without the 0");
	is_refused("%.3n",
	    "byte 0: expected a dot for what shows the message alone, saw "
	    "\"%.3n\"",
	    "try: without the dot");
}

/* Who is not known is a dash, and the other direction has its word. */
static void
test_nobody(void)
{
	uint8_t buf[64];
	struct span out = {buf, 0, sizeof(buf)};
	struct format_at at = {0};
	struct format f;
	struct fail fail;
	struct about_of of;
	struct about a;

	about_begin(&of, 0, "");
	about_init(&a, &of);
	a.out = true;
	of.time_us = 0;
	of.since_us = 7;
	about_next(&a);
	format_init(&f, "%c %p %d %D %t", &fail);
	format_put(&f, &at, &a, slice_of("", 0), FORMAT_FOR_PIPE, &out);
	is_bytes(buf, out.len, "- - out 0.000007 1970-01-01T00:00:00.000000Z",
	    44, "what is not known is a dash");
	format_release(&f);
}

/* The time in words follows the time. */
static void
test_time(void)
{
	static const struct {
		uint64_t us;
		const char *text;
	} times[] = {
	    {0, "1970-01-01T00:00:00.000000Z"},
	    {1, "1970-01-01T00:00:00.000001Z"},
	    {999999, "1970-01-01T00:00:00.999999Z"},
	    {1000000, "1970-01-01T00:00:01.000000Z"},
	    {1000000, "1970-01-01T00:00:01.000000Z"},
	    {UINT64_C(951782399999999), "2000-02-28T23:59:59.999999Z"},
	    {UINT64_C(951868800000000), "2000-03-01T00:00:00.000000Z"},
	    {UINT64_C(253402300799123456), "9999-12-31T23:59:59.123456Z"},
	    {UINT64_C(253402300800000000), "10000-01-01T00:00:00.000000Z"},
	    {1, "1970-01-01T00:00:00.000001Z"},
	};
	struct about_of of;
	struct about a;
	struct slice t;
	size_t i;

	about_begin(&of, 0, "");
	about_init(&a, &of);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		of.time_us = times[i].us;
		t = about_time(&a);
		is_bytes(t.p, t.len, times[i].text, strlen(times[i].text),
		    "%s is the time in words", times[i].text);
	}
	of.time_us = UINT64_MAX;
	t = about_time(&a);
	ok(t.len < ABOUT_TIME_MAX && t.p[t.len - 1] == 'Z',
	    "no time is too long for its words");
}

/* A large message is left to the caller, unless it is cut or shown. */
static void
test_large(void)
{
	static uint8_t big[FORMAT_LARGE_MIN + 1];
	static struct written w;
	struct format f;
	struct fail fail;

	memset(big, 'x', sizeof(big));
	format_init(&f, "[%m|%.3m|%20000m]", &fail);
	ok(f.v == NULL, "a width has its maximum");
	format_init(&f, "[%m|%.3m]", &fail);
	write_all(
	    &f, slice_of(big, FORMAT_LARGE_MIN), FORMAT_FOR_PIPE, 600, &w);
	is_num(w.larges, 1, "a large message is not copied for a pipe");
	is_num(w.len, FORMAT_LARGE_MIN + 6, "and stands in its place");
	ok(memcmp(w.p + w.len - 5, "|xxx]", 5) == 0,
	    "before what is behind it");
	write_all(
	    &f, slice_of(big, FORMAT_LARGE_MIN - 1), FORMAT_FOR_PIPE, 600, &w);
	is_num(w.larges, 0, "a smaller one is");
	write_all(&f, slice_of(big, sizeof(big)), FORMAT_FOR_PEER, 600, &w);
	is_num(w.larges, 0, "for a peer all are");
	is_num(w.len, sizeof(big) + 6, "and whole");
	format_release(&f);
}

static void
is_plain(const char *format, bool plain, const char *before, const char *behind)
{
	struct slice a, b;
	struct format f;
	struct fail fail;

	format_init(&f, format, &fail);
	if (ok(format_is_plain(&f, &a, &b) == plain, "'%s' is %splain", format,
		plain ? "" : "not ") &&
	    plain) {
		is_bytes(a.p, a.len, before, strlen(before), "with its front");
		is_bytes(b.p, b.len, behind, strlen(behind), "and its end");
	}
	format_release(&f);
}

static void
test_plain(void)
{
	char longer[70];

	is_plain("%m\\n", true, "", "\n");
	is_plain("[%m]\\r\\n", true, "[", "]\r\n");
	is_plain("a%m", true, "a", "");
	is_plain("%m", true, "", "");
	is_plain("", false, "", "");
	is_plain("a", false, "", "");
	is_plain("%5m", false, "", "");
	is_plain("%.5m", false, "", "");
	is_plain("%e\\n", false, "", "");
	is_plain("%m%m", false, "", "");
	is_plain("%m %n", false, "", "");
	is_plain("%n%m", false, "", "");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "%m", 2);
	longer[2 + 65] = '\0';
	is_plain(longer, false, "", "");
	longer[2 + 64] = '\0';
	is_plain(longer, true, "", longer + 2);
}

/* Long text, a long fill, any room: the same bytes. */
static void
test_any_room(uint64_t *state)
{
	static struct written whole, tight;
	static const char *const formats[] = {"%m", "%300m", "%-300e|", "%x",
	    "%b", "{%j}", "%400n", "%-4096p", "%04000T", "%t%r%D%l", "%.100m",
	    "%.77x", "%1000j", "%-50b"};
	static uint8_t bytes[2000];
	char text[600];
	unsigned i, bad = 0;
	size_t n, k, room = 0;
	struct format f;
	struct fail fail;
	enum format_for whom;

	for (i = 0; i < rounds(3000) && bad == 0; i++) {
		for (n = dice_below(state, 5), text[0] = '\0'; n > 0; n--) {
			strcat(text,
			    formats[dice_below(
				state, sizeof(formats) / sizeof(formats[0]))]);
			strcat(text,
			    dice_below(state, 2) ? " and some text " : "");
		}
		n = dice_below(state, sizeof(bytes));
		for (k = 0; k < n; k++)
			bytes[k] =
			    (uint8_t)dice_below(state, i % 2 ? 128 : 256);
		format_init(&f, text, &fail);
		whom = (enum format_for)dice_below(state, 3);
		room = STEP + dice_below(state, 200);
		write_all(&f, slice_of(bytes, n), whom, 60000, &whole);
		write_all(&f, slice_of(bytes, n), whom, room, &tight);
		bad += whole.len != tight.len ||
		    memcmp(whole.p, tight.p, whole.len) != 0;
		format_release(&f);
	}
	ok(bad == 0, "any format is written the same in any room");
	if (bad > 0)
		diag("'%s' in %zu bytes", text, room);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_directives();
	test_text();
	test_widths();
	test_lengths();
	test_terminal();
	test_refused();
	test_nobody();
	test_time();
	test_large();
	test_plain();
	test_any_room(&state);
	guard_free(&page);
	return done_testing();
}
