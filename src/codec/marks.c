/* The marks of other protocols; see marks.h. */

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
	size_t high = big_endian ? 0 : 1, low = 1 - high, i;

	if (starts(in, big_endian ? "\xfe\xff" : "\xff\xfe", 2)) {
		in.p += 2;
		in.len -= 2;
	}
	for (i = 0; i + 1 < in.len && in.p[i + high] == 0; i += 2)
		if (!is_digit(in.p[i + low]))
			break;
	return i > 0 && i + 3 < in.len && in.p[i + high] == 0 &&
	    in.p[i + low] == '\r' && in.p[i + 2 + high] == 0 &&
	    in.p[i + 2 + low] == '\n';
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
