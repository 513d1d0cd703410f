/*
 * The lines of --dump, where the wire does odd things; what it usually does is
 * in tests/bats/talk_dump.bats.
 */

#include <stdio.h>
#include <string.h>

#include "talk/dump.h"
#include "tap.h"

/* All that is said, a line behind the other. */
static char said[8192];

static void
show(void *owner, const char *line)
{
	(void)owner;
	strlcat(said, line, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static struct framing in_mode, out_mode;

static void
begin(struct dump *d, const char *in, const char *out, bool color)
{
	size_t at;

	framing_parse(in, &in_mode, &at);
	framing_parse(out, &out_mode, &at);
	dump_init(d, &in_mode, &out_mode, color, show, NULL);
	said[0] = '\0';
}

#define IN(d, text, number)                                                    \
	dump_bytes(d, false, slice_of(text, sizeof(text) - 1), number)
#define OUT(d, text, number)                                                   \
	dump_bytes(d, true, slice_of(text, sizeof(text) - 1), number)

static void
test_empty_packet(void)
{
	struct dump d;

	begin(&d, "raw", "raw", false);
	IN(&d, "ab", 1);
	IN(&d, "", 2);
	IN(&d, "c", 3);
	is_text(said,
	    "< 00000000  61 62                                            "
	    " ab\n"
	    "< read 1 at 0: 2 bytes\n"
	    "< read 2 at 2: 0 bytes\n"
	    "< 00000002  63                                               "
	    " c\n"
	    "< read 3 at 2: 1 byte\n",
	    "an empty packet is a read of nothing");
}

static void
test_two_ways(void)
{
	struct dump d;

	begin(&d, "u8", "lines", false);
	IN(&d, "\2a", 1);
	OUT(&d, "hi", 1);
	OUT(&d, "\n", 2);
	IN(&d, "b", 2);
	dump_end(&d, true, true);
	dump_end(&d, false, true);
	is_text(said,
	    "< 00000000  02|61                                            "
	    " .a\n"
	    "> 00000000  68 69                                            "
	    " hi\n"
	    "> 00000002 |0a                                               "
	    " .\n"
	    "> message 1 at 0: payload 2 bytes, trailer 1 byte \"\\n\"; "
	    "2 writes (1-2)\n"
	    "< 00000002  62                                               "
	    " b\n"
	    "< message 1 at 0: header 1 byte \"\\x02\", payload 2 bytes; "
	    "2 reads (1-2)\n",
	    "each way has its own offsets, numbers and counts");
}

static void
test_what_may_be_a_tag(void)
{
	struct dump d;

	begin(&d, "end-tag=aab", "raw", false);
	IN(&d, "xa", 1);
	IN(&d, "xaab", 2);
	is_text(said,
	    "< 00000000  78?61                                            "
	    " xa\n"
	    "< 00000002  78|61 61 62                                      "
	    " xaab\n"
	    "< message 1 at 0: payload 3 bytes, trailer 3 bytes \"aab\"; "
	    "2 reads (1-2)\n",
	    "what looked like a tag and was none is payload");
}

static void
test_long_row(void)
{
	struct dump d;

	begin(&d, "windev,tail=CRLF", "raw", false);
	IN(&d, "16\r\n0123456789abcd\r\n", 7);
	is_text(said,
	    "< 00000000  31 36 0d 0a|30 31 32 33  34 35 36 37 38 39 61 62  "
	    "16..0123456789ab\n"
	    "< 00000010  63 64|0d 0a                                      "
	    " cd..\n"
	    "< message 1 at 0: header 4 bytes \"16\\r\\n\", payload 14 bytes, "
	    "trailer 2 bytes \"\\r\\n\"; 1 read (7)\n",
	    "a row has sixteen bytes, and marks wherever they fall");
}

static void
test_refused(void)
{
	struct dump d;

	begin(&d, "netstring", "raw", false);
	IN(&d, "1:a;1:b,", 1);
	IN(&d, "more", 2);
	dump_end(&d, false, true);
	is_text(said,
	    "< 00000000  31 3a|61!3b 31 3a 62 2c                          "
	    " 1:a;1:b,\n"
	    "< message 1 at 0: malformed at byte 3; 1 read (1)\n"
	    "< 00000008  6d 6f 72 65                                      "
	    " more\n",
	    "behind what is malformed nothing is a message, said once");
}

/* Bytes that are no whole character count one each, as the decoder has it. */
static void
test_characters(void)
{
	struct dump d;

	begin(&d, "windev,count=chars", "raw", false);
	IN(&d, "1\r\n\xe2\x82", 1);
	dump_end(&d, false, true);
	ok(strstr(said,
	       "< message 1 at 0: header 3 bytes \"1\\r\\n\", "
	       "payload 1 byte; 1 read (1)\n"
	       "< message 2 at 4: malformed at byte 4; ") != NULL,
	    "what is left of a character is the next message: %s", said);
}

static void
test_ends(void)
{
	struct dump d;

	begin(&d, "until-close", "until-close", false);
	IN(&d, "a", 1);
	OUT(&d, "b", 1);
	said[0] = '\0';
	dump_end(&d, false, true);
	dump_end(&d, true, false);
	dump_end(&d, true, true);
	is_text(said,
	    "< message 1 at 0: payload 1 byte until the close; 1 read (1)\n"
	    "> message 1 at 0: unfinished: payload 1 byte; 1 write (1)\n",
	    "a close completes, any other end does not, and is the last word");
	begin(&d, "lines", "netstring", false);
	IN(&d, "a", 4);
	OUT(&d, "0:", 1);
	said[0] = '\0';
	dump_end(&d, false, true);
	dump_end(&d, true, false);
	is_text(said,
	    "< message 1 at 0: payload 1 byte, no trailer; 1 read (4)\n"
	    "> message 1 at 0: unfinished: header 2 bytes \"0:\", "
	    "payload 0 of 0 bytes; 1 write (1)\n",
	    "a last line without LF is one; what misses its comma is not");
}

static void
test_color(void)
{
	struct dump d;

	begin(&d, "netstring", "raw", true);
	IN(&d, "1:a,", 1);
	is_text(said,
	    "\033[32m<\033[0m 00000000 \033[36m 31 3a\033[0m|61"
	    "\033[33m|2c\033[0m                                     "
	    "  \033[36m1:\033[0ma\033[33m,\033[0m\n"
	    "\033[32m<\033[0m message 1 at 0: header 2 bytes \"1:\", "
	    "payload 1 byte, trailer 1 byte \",\"; 1 read (1)\n",
	    "colours come on top of the marks and end with the row");
}

/* A change in the midst of what one write takes. */
static void
test_change(void)
{
	struct framing netstring;
	struct dump d;
	size_t at;

	framing_parse("netstring", &netstring, &at);
	begin(&d, "u8", "lines", false);
	OUT(&d, "a", 1);
	dump_change(&d, true, &netstring, 2);
	OUT(&d, "\n1:b,", 2);
	is_text(said,
	    "> 00000000  61                                               "
	    " a\n"
	    "> 00000001 |0a                                               "
	    " .\n"
	    "> message 1 at 0: payload 1 byte, trailer 1 byte \"\\n\"; "
	    "2 writes (1-2)\n"
	    "> 00000002  31 3a|62|2c                                      "
	    " 1:b,\n"
	    "> message 2 at 2: header 2 bytes \"1:\", payload 1 byte, "
	    "trailer 1 byte \",\"; 1 write (2)\n",
	    "a change of the framing holds from its byte on");
}

int
main(void)
{
	test_empty_packet();
	test_two_ways();
	test_what_may_be_a_tag();
	test_long_row();
	test_refused();
	test_characters();
	test_ends();
	test_color();
	test_change();
	return done_testing();
}
