/* The PROXY protocol: whole headers, each beginning of them, and bad ones. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "net/addr.h"
#include "net/forwarded.h"
#include "tap.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static const char *
name(const struct sockaddr_storage *ss, socklen_t len)
{
	static char buf[ADDR_TEXT_MAX];

	if (len == 0)
		return "none";
	return addr_name((const struct sockaddr *)(const void *)ss, len, buf);
}

/* The header is `len` bytes of `wire`; behind it stands data. */
static void
test_good(const char *what, const char *wire, size_t len, const char *from,
    const char *to)
{
	struct guard g = {0};
	struct forwarded p;
	struct fail f;
	char all[600];
	size_t used, n, wrong = 0;

	memcpy(all, wire, len);
	memcpy(all + len, "GET", 3);
	is_num(forwarded_read(slice_of(guard_end(&g, all, len + 3), len + 3),
		   &p, &used, &f),
	    FORWARDED_DONE, "%s is a header", what);
	is_num(used, len, "%s: what stands behind it is not of it", what);
	is_text(name(&p.from, p.from_len), from, "%s: from whom", what);
	is_text(name(&p.to, p.to_len), to, "%s: to whom", what);
	for (n = 0; n < len; n++)
		wrong += forwarded_read(slice_of(guard_end(&g, all, n), n), &p,
			     &used, &f) != FORWARDED_MORE;
	is_num(wrong, 0, "%s: each beginning of it asks for more", what);
	guard_free(&g);
}

static void
test_bad(const char *what, const char *wire, size_t len)
{
	struct guard g = {0};
	struct forwarded p;
	struct fail f = {0};
	size_t used;

	is_num(forwarded_read(
		   slice_of(guard_end(&g, wire, len), len), &p, &used, &f),
	    FORWARDED_BAD, "%s is refused", what);
	ok(f.status == STATUS_MALFORMED && strstr(f.what, "expected") != NULL,
	    "%s: with what was expected", what);
	guard_free(&g);
}

#define BAD(what, text) test_bad(what, text, sizeof(text) - 1)
#define GOOD(what, text, from, to)                                             \
	test_good(what, text, sizeof(text) - 1, from, to)

static void
test_v1(void)
{
	char line[107];

	GOOD("TCP4", "PROXY TCP4 192.0.2.7 198.51.100.1 50000 80\r\n",
	    "192.0.2.7:50000", "198.51.100.1:80");
	GOOD("TCP6", "PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n",
	    "[2001:db8::7]:1", "[2001:db8::1]:65535");
	GOOD("UNKNOWN", "PROXY UNKNOWN\r\n", "none", "none");
	GOOD("UNKNOWN with more", "PROXY UNKNOWN ff:: a b c\r\n", "none",
	    "none");
	BAD("another word", "GET / HTTP/1.0\r\n");
	BAD("a small letter", "pROXY UNKNOWN\r\n");
	BAD("another family", "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n");
	BAD("an address of the other family", "PROXY TCP4 ::1 1.2.3.4 1 1\r\n");
	BAD("a port that is too large",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n");
	BAD("a zero in front", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n");
	BAD("a word too many", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n");
	BAD("a word too few", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n");
	BAD("two blanks", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n");
	BAD("LF alone", "PROXY UNKNOWN\n");
	BAD("a NUL", "PROXY UNKNOWN\0x\r\n");
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	test_bad("a line that does not end in 107 bytes", line, 107);
	memcpy(line + 105, "\r\n", 2);
	test_good("a line of 107 bytes", line, 107, "none", "none");
}

static void
test_v2(void)
{
	char un[16 + 216] = SIG "\x21\x31\0\xd8", big[16] = SIG "\x21\x11";

	GOOD("IPv4", SIG "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xc3\x50\0\x50",
	    "192.0.2.7:50000", "198.51.100.1:80");
	GOOD("IPv4 with extensions",
	    SIG "\x21\x11\0\x0f\xc0\0\2\7\xc6\x33\x64\1\xc3\x50\0\x50\4\0\0",
	    "192.0.2.7:50000", "198.51.100.1:80");
	GOOD("IPv6",
	    SIG "\x21\x21\0\x24"
		"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
		"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\xff\xff",
	    "[2001:db8::7]:1", "[2001:db8::1]:65535");
	GOOD("LOCAL", SIG "\x20\0\0\0", "none", "none");
	GOOD("LOCAL with addresses that are not looked at", SIG "\x20\x11\0\1x",
	    "none", "none");
	GOOD("a family that we do not know", SIG "\x21\x12\0\2xx", "none",
	    "none");
	memcpy(un + 16, "/from", 5);
	memcpy(un + 16 + 108, "\0to", 3);
	test_good("Unix", un, sizeof(un), "unix:/from", "unix:@to");
	BAD("version 1 in the form of 2", SIG "\x11\x11\0\x0c");
	BAD("a command that is none", SIG "\x22\x11\0\x0c");
	BAD("IPv4 in 11 bytes", SIG "\x21\x11\0\x0bxxxxxxxxxxx");
	BAD("another signature", "\r\n\r\n\0\r\nQUIT\r");
	big[14] = 0x10;
	test_bad("a header over 4096 bytes", big, 16);
}

int
main(void)
{
	test_v1();
	test_v2();
	return done_testing();
}
