/* What bytes say by themselves; see marks.h. */

#include <limits.h>
#include <string.h>

#include "codec/marks.h"

static bool
starts(struct slice in, const char *text, size_t len)
{
	return in.len >= len && memcmp(in.p, text, len) == 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool
marks_bom(struct slice in)
{
	return starts(in, "\xef\xbb\xbf", 3);
}

/*
 * The first record of TLS, SSL 3.0 to TLS 1.3: a handshake that begins with a
 * hello, or the alert with which a TLS server answers what is none.
 */
static bool
is_tls(struct slice in)
{
	if (in.len < 3 || in.p[1] != 3 || in.p[2] > 4)
		return false;
	if (in.p[0] == 0x15)
		return in.len >= 5 && in.p[3] == 0 && in.p[4] == 2;
	return in.p[0] == 0x16 && (in.len < 6 || in.p[5] == 1 || in.p[5] == 2);
}

/* A request or a response line of HTTP; a mere "GET" at its start is none. */
static bool
is_http(struct slice in)
{
	static const char *const methods[] = {"GET ", "POST ", "PUT ", "HEAD ",
	    "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI "};
	const uint8_t *line_end;
	size_t i;

	if (starts(in, "HTTP/1.", 7))
		return true;
	line_end = memchr(in.p, '\n', in.len);
	if (line_end != NULL)
		in.len = (size_t)(line_end - in.p);
	if (memmem(in.p, in.len, " HTTP/", 6) == NULL)
		return false;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (starts(in, methods[i], strlen(methods[i])))
			return true;
	return false;
}

/* Digits, CR, LF in 16 bits each, perhaps behind a byte order mark. */
static bool
is_utf16_windev(struct slice in, bool big_endian)
{
	const unsigned high = big_endian ? 0 : 1;
	bool digits = false;

	if (starts(in, big_endian ? "\xfe\xff" : "\xff\xfe", 2)) {
		in.p += 2;
		in.len -= 2;
	}
	while (in.len >= 2 && in.p[high] == 0 && is_digit(in.p[1 - high])) {
		in.p += 2;
		in.len -= 2;
		digits = true;
	}
	return digits && starts(in, big_endian ? "\0\r\0\n" : "\r\0\n\0", 4);
}

bool
marks_find(struct slice in, struct diagnose_guess *g)
{
	if (is_tls(in)) {
		g->kind = DIAGNOSE_TLS;
	} else if (starts(in, "SSH-2.0-", 8) || starts(in, "SSH-1.", 6)) {
		g->kind = DIAGNOSE_SSH;
	} else if (is_http(in)) {
		g->kind = DIAGNOSE_HTTP;
	} else if (is_utf16_windev(in, false) || is_utf16_windev(in, true)) {
		g->kind = DIAGNOSE_WINDEV_UTF16;
		g->big_endian = is_utf16_windev(in, true);
	} else {
		return false;
	}
	return true;
}

/* The value of a digit in any base; it has none if it is the base or more. */
static unsigned
digit_of(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' ? c - 'a' + 10u : UINT_MAX;
}

/* Reads digits from in.p[i] on; returns where they end. */
static size_t
read_number(struct slice in, size_t i, unsigned base, uint64_t *value)
{
	unsigned digit;
	uint64_t v = 0;

	for (; i < in.len && (digit = digit_of(in.p[i])) < base; i++)
		if (v <= MARKS_LENGTH_MAX)
			v = v * base + digit;
	*value = v;
	return i;
}

static size_t
skip_blanks(struct slice in, size_t i)
{
	while (i < in.len && (in.p[i] == ' ' || in.p[i] == '\t'))
		i++;
	return i;
}

static bool
stands_at(struct slice in, size_t i, uint8_t c)
{
	return i < in.len && in.p[i] == c;
}

size_t
marks_header(struct slice in, uint64_t *announced)
{
	size_t n = read_number(in, 0, 10, announced);

	if (n == 0 || n > FRAMING_DIGITS_MAX || !stands_at(in, n, '\r') ||
	    !stands_at(in, n + 1, '\n'))
		return 0;
	return n + 2;
}

/*
 * The same of a header that a decoder refuses, and people take for one: with
 * a sign, blanks, hexadecimal digits behind 0x, more than 20 digits, no CR.
 */
static size_t
near_header(struct slice in, uint64_t *announced)
{
	size_t i = skip_blanks(in, 0), digits;
	unsigned base = 10;

	if (stands_at(in, i, '+') || stands_at(in, i, '-'))
		i++;
	if (stands_at(in, i, '0') &&
	    (stands_at(in, i + 1, 'x') || stands_at(in, i + 1, 'X'))) {
		base = 16;
		i += 2;
	}
	digits = i;
	i = read_number(in, i, base, announced);
	if (i == digits)
		return 0;
	i = skip_blanks(in, i);
	i += stands_at(in, i, '\r');
	return stands_at(in, i, '\n') ? i + 1 : 0;
}

/* Might these bytes be a header that goes on behind their end? */
static bool
begins_header(struct slice in)
{
	size_t n = 0;

	while (n < in.len && is_digit(in.p[n]))
		n++;
	return n <= FRAMING_DIGITS_MAX &&
	    (n == in.len || (n > 0 && n + 1 == in.len && in.p[n] == '\r'));
}

bool
marks_binary(struct slice in, uint8_t but)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] < 0x20 && in.p[i] != but &&
		    memchr("\t\n\r", in.p[i], 3) == NULL)
			return true;
	return false;
}

bool
marks_hollow(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] != ' ' && in.p[i] != '\0')
			return false;
	return true;
}

bool
marks_numbers(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (!is_digit(in.p[i]) && in.p[i] != '\r' && in.p[i] != '\n')
			return false;
	return true;
}

bool
marks_utf16_text(struct slice in)
{
	size_t i;

	for (i = 0; i + 1 < in.len; i++)
		if ((in.p[i] == 0) == (in.p[i + 1] == 0))
			return false;
	return in.len >= 4;
}

size_t
marks_count(struct slice in, uint8_t c)
{
	size_t i, n = 0;

	for (i = 0; i < in.len; i++)
		n += in.p[i] == c;
	return n;
}

bool
marks_control_tagged(struct slice in, uint8_t tag)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] != tag && in.p[i] != 1 && in.p[i] != 2 &&
		    marks_binary(slice_of(in.p + i, 1), '\n'))
			return false;
	return true;
}

bool
marks_wider(struct slice in, size_t w)
{
	return in.p[w - 1] == ' ' && w < FRAMING_WIDTH_MAX &&
	    (in.len == w || in.p[w] == ' ');
}

bool
marks_padded(struct slice header)
{
	const uint8_t *p = header.p, *last = p + header.len - 1;

	if (*p == ' ' || *p == '0')
		return p[1] == *p;
	return *last == ' ' && last[-1] == ' ';
}

/* What a walk from header to header found. */
struct walk {
	unsigned n;
	bool filled; /* a payload that is not empty */
	bool wide;   /* a length of two digits or more */
	bool glued;  /* a header stands right behind a payload, in its line */
	bool exact;
};

/*
 * windev whose lengths are `off` larger than the payloads, as if they were
 * right otherwise; `near`: and whose headers need not be plain. False if that
 * does not add up either.
 */
static bool
walk(struct slice in, int off, bool near, bool at_end, struct walk *w)
{
	uint64_t announced, length;
	size_t head;

	memset(w, 0, sizeof(*w));
	for (; in.len > 0; w->n++) {
		head = marks_header(in, &announced);
		if (head == 0 && near)
			head = near_header(in, &announced);
		if (head == 0)
			return !at_end && begins_header(in);
		length = announced - (uint64_t)off; /* wraps under zero */
		if (length > MARKS_LENGTH_MAX)
			return false;
		w->glued = w->glued || (w->n > 0 && in.p[-1] != '\n');
		if (in.len - head < length)
			return !at_end;
		w->wide = w->wide || head > 3;
		w->filled = w->filled || length > 0;
		in.p += head + length;
		in.len -= head + length;
	}
	w->exact = true;
	return true;
}

static struct diagnose_guess
windev_guess(enum diagnose_kind kind, unsigned messages)
{
	struct diagnose_guess g = {.kind = kind, .messages = messages};
	size_t at;

	framing_parse("windev", &g.fr, &at);
	return g;
}

static enum diagnose_grade
grade_off(const struct walk *w, struct slice in)
{
	if (marks_numbers(in))
		return DIAGNOSE_FAINT;
	if (w->exact)
		return w->n > 1 || w->wide ? DIAGNOSE_CERTAIN : DIAGNOSE_LIKELY;
	return w->n > 1 || w->glued ? DIAGNOSE_STRONG : DIAGNOSE_POSSIBLE;
}

struct diagnose_guess
marks_off(struct slice in, int off, bool at_end)
{
	struct walk w;
	bool fits = walk(in, off, false, at_end, &w);
	struct diagnose_guess g = windev_guess(DIAGNOSE_WINDEV_OFF, w.n);

	g.off = off;
	g.grade = fits ? grade_off(&w, in) : DIAGNOSE_NOTHING;
	return g;
}

/* `bare`: its line ends in LF alone, as a number in a line of its own does. */
static enum diagnose_grade
grade_near(const struct walk *w, bool fits, bool bare, struct slice rest)
{
	if (bare)
		return fits && w->exact && w->filled && !marks_numbers(rest)
		    ? DIAGNOSE_STRONG
		    : DIAGNOSE_NOTHING;
	if (rest.len == 0)
		return DIAGNOSE_LIKELY;
	return fits || memchr(rest.p, '\n', rest.len) == NULL
	    ? DIAGNOSE_STRONG
	    : DIAGNOSE_POSSIBLE;
}

struct diagnose_guess
marks_near(struct slice in, bool at_end)
{
	uint64_t announced;
	struct walk w;
	bool fits = walk(in, 0, true, at_end, &w);
	struct diagnose_guess g = windev_guess(DIAGNOSE_WINDEV_NEAR, w.n);
	size_t head = near_header(in, &announced);

	if (head > 0)
		g.grade = grade_near(&w, fits, in.p[head - 2] != '\r',
		    slice_of(in.p + head, in.len - head));
	return g;
}
