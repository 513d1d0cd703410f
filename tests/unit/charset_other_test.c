/*
 * An iconv as some systems have it, which puts a * for what a charset lacks,
 * and counts it. It knows two charsets: UTF-8 itself, and ASCII.
 */

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "io/charset.h"
#include "tap.h"

static const char to_ascii, to_utf8;

iconv_t
iconv_open(const char *to, const char *from)
{
	if (strcasecmp(to, "ASCII") == 0 && strcmp(from, "UTF-8") == 0)
		return (iconv_t)(uintptr_t)&to_ascii;
	if (strcasecmp(from, "ASCII") == 0 && strcmp(to, "UTF-8") == 0)
		return (iconv_t)(uintptr_t)&to_utf8;
	errno = strcmp(to, "NOMEM") == 0 ? ENOMEM : EINVAL;
	return (iconv_t)-1;
}

int
iconv_close(iconv_t cd)
{
	(void)cd;
	return 0;
}

size_t
iconv(iconv_t cd, char **from, size_t *left, char **to, size_t *room)
{
	size_t other = 0;

	if (from == NULL)
		return 0;
	for (; *left > 0; ++*from, --*left) {
		unsigned char c = (unsigned char)**from;

		if (c >= 0x80 && cd == (iconv_t)(uintptr_t)&to_utf8) {
			errno = EILSEQ;
			return (size_t)-1;
		}
		if (c >= 0x80 && c < 0xc0)
			continue; /* the rest of what is a * already */
		if (*room == 0) {
			errno = E2BIG;
			return (size_t)-1;
		}
		other += c >= 0x80;
		*(*to)++ = c >= 0x80 ? '*' : (char)c;
		--*room;
	}
	return other;
}

static void
gives(enum charset_errors errors, const char *text, size_t len,
    const char *want, const char *what)
{
	struct charset_plan p = {"ASCII", errors};
	struct slice s = slice_of(text, len);
	struct batch in = {&s, 1, 1}, out;
	struct charset cs;
	struct fail f;
	int r;

	r = charset_open(&cs, &p, CHARSET_SEND, false, &f);
	is_num(r, 0, "ASCII is there");
	if (charset_convert(&cs, &in, &out, &f) == -1)
		is_text(f.what, want, "%s", what);
	else
		is_bytes(
		    out.v[0].p, out.v[0].len, want, strlen(want), "%s", what);
	charset_release(&cs);
}

#define GIVES(errors, text, want, what)                                        \
	gives(errors, text, sizeof(text) - 1, want, what)

int
main(void)
{
	struct charset_plan p = {"NOMEM", CHARSET_STOP};
	struct charset cs;
	struct fail f;

	GIVES(CHARSET_STOP, "na\xc3\xafve",
	    "message 1: byte 2: expected a character that ASCII has, saw U+00EF "
	    "(\"\xc3\xaf\")",
	    "what iconv puts for a character is not taken");
	GIVES(CHARSET_STOP, "a\xffz",
	    "message 1: byte 1: expected UTF-8, saw \"\\xffz\"",
	    "nor what it puts for a byte");
	GIVES(CHARSET_ESCAPE, "na\xc3\xafve \xe2\x98\x83\xe2\x82",
	    "na\\u{EF}ve \\u{2603}\\xe2\\x82", "an escape is ours");
	GIVES(CHARSET_REPLACE, "*\xe2\x98\x83*", "*?*",
	    "U+FFFD is lacking as well");
	GIVES(CHARSET_ESCAPE,
	    "\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83"
	    "\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83"
	    "\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83\xe2\x98\x83",
	    "\\u{2603}\\u{2603}\\u{2603}\\u{2603}\\u{2603}\\u{2603}"
	    "\\u{2603}\\u{2603}\\u{2603}\\u{2603}\\u{2603}\\u{2603}"
	    "\\u{2603}\\u{2603}\\u{2603}",
	    "and finds its room");
	is_num(charset_open(&cs, &p, CHARSET_SEND, false, &f), -1,
	    "an iconv without memory");
	is_num(f.status, STATUS_IO, "is status 10");
	return done_testing();
}
