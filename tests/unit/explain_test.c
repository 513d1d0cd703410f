/*
 * What people read when bytes are not what was expected: the golden text of
 * each fault and of each hint. Faults come from the real decoder, so a text
 * and the offset in it are checked together.
 */

#include <stdio.h>
#include <string.h>

#include "talk/explain.h"
#include "tap.h"

#define BATCH_MAX 16
#define BYTES(s) s, sizeof(s) - 1

struct decoded {
	const char *name;
	const char *mode;
	const char *wire;
	size_t len;
	bool at_end;
	enum status status;
	const char *what, *hint;
};

struct mode_refused {
	const char *name;
	const char *text;
	const char *what, *hint;
};

static const struct decoded decodes[] = {
    {"an end tag in place of a length", "windev", BYTES("Hello world<EOF>"),
	false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello world<EOF>\" "
	"(16 bytes)",
	"the peer seems to speak end-tag; try: -m 'end-tag=<EOF>' "
	"  (SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"a sign in front of the length", "windev", BYTES("+5\r\nHello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"+5\\r\\nHello\" "
	"(9 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"a blank behind the length", "windev", BYTES("5 \r\nHello"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\" \\r\\nHello\" (8 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"an empty header", "windev", BYTES("\r\nHello"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\r\\nHello\" (7 "
	"bytes)",
	""},
    {"a bare LF behind the length", "windev", BYTES("5\nHello"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\"\\nHello\" (6 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"21 digits", "windev", BYTES("000000000000000000005\r\nHello"), false,
	STATUS_MALFORMED,
	"byte 20: expected a length of at most 20 digits, saw \"5\\r\\nHello\" "
	"(8 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"a length over the limit", "windev", BYTES("99999999999\r\nHello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw "
	"one of 99999999999 bytes announced: \"99999999999\\r\\nHello\"",
	"try: a larger --max-message"},
    {"the end inside a header", "windev", BYTES("5\r\nHello1"), true,
	STATUS_TRUNCATED,
	"byte 9: the stream ended inside a header, behind \"1\" (1 "
	"byte)",
	""},
    {"the end inside a payload", "windev", BYTES("5\r\nHello5\r\nW"), true,
	STATUS_TRUNCATED,
	"byte 12: the stream ended inside a message: expected 5 bytes, "
	"saw 1: \"5\\r\\nW\"",
	""},
    {"the vendor's sample, nine letters", "windev", BYTES("11\r\nHelloWord"),
	true, STATUS_TRUNCATED,
	"byte 13: the stream ended inside a message: expected 11 "
	"bytes, saw 9: \"11\\r\\nHelloWord\"",
	"the peer seems to announce 2 bytes too many; try: have it "
	"send the length of what it sends"},
    {"the vendor's sample, ten letters", "windev", BYTES("11\r\nHelloWorld"),
	true, STATUS_TRUNCATED,
	"byte 14: the stream ended inside a message: expected 11 "
	"bytes, saw 10: \"11\\r\\nHelloWorld\"",
	"the peer seems to announce 1 byte too many; try: have it "
	"send the length of what it sends"},
    {"the vendor's sample twice", "windev",
	BYTES("11\r\nHelloWord11\r\nHelloWord"), false, STATUS_MALFORMED,
	"byte 15: expected a decimal length, saw \"\\r\\nHelloWord\" "
	"(11 bytes)",
	"the peer seems to announce 2 bytes too many; try: have it "
	"send the length of what it sends"},
    {"lengths that are one too small", "windev",
	BYTES("10\r\nHello World10\r\nHello World"), false, STATUS_MALFORMED,
	"byte 14: expected a decimal length, saw \"d10\\r\\nHello "
	"World\" (16 bytes)",
	"the peer seems to announce 1 byte too few; try: have it "
	"send the length of what it sends"},
    {"a CRLF that is not counted", "windev", BYTES("11\r\nHello World\r\n"),
	true, STATUS_MALFORMED,
	"byte 15: expected a decimal length, saw \"\\r\\n\" (2 bytes)",
	"the peer seems to announce 2 bytes too few; try: have it "
	"send the length of what it sends"},
    {"digits in UTF-16LE", "windev", BYTES("1\0001\0\r\0\n\0H\0e\0"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\"\\x001\\x00\\r\\x00\\n\\x00H\\x00e\\x00\" (11 bytes)",
	"the length is written in UTF-16LE; try: have the peer send "
	"it as ANSI or UTF-8 text"},
    {"digits in UTF-16BE", "windev", BYTES("\0005\0\r\0\n\0H"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\x005\\x00\\r\\x00\\n\\x00H\" "
	"(8 bytes)",
	"the length is written in UTF-16BE; try: have the peer send "
	"it as ANSI or UTF-8 text"},
    {"a byte order mark", "windev",
	BYTES("\xef\xbb\xbf"
	      "5\r\nHello"),
	false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\xef\\xbb\\xbf5\\r\\nHello\" "
	"(11 bytes)",
	"a UTF-8 byte order mark stands before what seems to be windev; "
	"try: have the peer leave it out"},
    {"TLS", "windev", BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03\" "
	"(11 bytes)",
	"this is a TLS handshake; try: a tls: address, or switch "
	"TLS off at the peer"},
    {"HTTP", "windev", BYTES("GET / HTTP/1.1\r\n\r\n"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"GET / HTTP/1.1\\r\\n\\r\\n\" "
	"(18 bytes)",
	"this is HTTP; try: -m raw to see all of it"},
    {"SSH", "windev", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"SSH-2.0-OpenSSH_9.2\\r\\n\" "
	"(21 bytes)",
	"this is an SSH server; try: another port"},
    {"lines in place of a length", "windev", BYTES("Hello\r\n"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello\\r\\n\" (7 "
	"bytes)",
	"the peer seems to speak end-tag; try: -m end-tag=CRLF   "
	"(SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"lines of LF", "windev", BYTES("Hello\nWorld\n"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello\\nWorld\\n\" "
	"(12 bytes)",
	"the peer seems to speak lines; try: -m lines"},
    {"a netstring", "windev", BYTES("5:hello,"), false, STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\":hello,\" (7 bytes)",
	"the peer seems to speak netstring; try: -m netstring"},
    {"a binary length", "windev", BYTES("\0\0\0\005Hello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\x00\\x00\\x00\\x05Hello\" "
	"(9 bytes)",
	"the peer seems to speak u32be; try: -m u32be"},
    {"two framings that may both be right", "windev",
	BYTES("Hello<EOF>\nWorld<EOF>\n"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello<EOF>\\nWorld<EOF>\\n\" "
	"(22 bytes)",
	"it is not clear what the peer speaks; try: -m 'end-tag=<EOF>'   (SocketChangeModeTransmission(..., SocketMarqueurFin)), or -m lines"},
    {"one guess that is not sure", "windev", BYTES("\005Hello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\x05Hello\" (6 "
	"bytes)",
	"the peer may speak u8; try: -m u8"},
    {"an end tag that a shell must quote", "windev",
	BYTES("Hello\003World\003"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello\\x03World\\x03\" "
	"(12 bytes)",
	"the peer seems to speak end-tag; try: -m 'end-tag=\\x03' "
	"  (SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"what nobody knows", "windev", BYTES("x"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"x\" (1 byte)", ""},
    {"a long look", "windev",
	BYTES("A line of text that is longer than what an error shows"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"A line of text "
	"that is longer th\"... (54 bytes)",
	""},
    {"another byte than the tail", "windev,tail=NUL", BYTES("6\r\nHello!"),
	false, STATUS_MALFORMED,
	"byte 8: expected the tail behind the payload, saw \"!\" "
	"(1 byte)",
	"the peer seems to speak windev; try: -m windev   (SocketChangeModeTransmission(..., "
	"SocketTailleDébut))"},
    {"a length too short for its tail", "windev,tail=CRLF", BYTES("1\r\nH"),
	false, STATUS_MALFORMED,
	"byte 0: expected a length that counts the tail, saw \"1\\r\\nH\" "
	"(4 bytes)",
	"the peer seems to speak windev; try: -m windev   (SocketChangeModeTransmission(..., "
	"SocketTailleDébut))"},
    {"the end inside counted characters", "windev,count=chars",
	BYTES("5\r\nH\xc3\xa9ll"), true, STATUS_TRUNCATED,
	"byte 8: the stream ended inside a message: expected 5 characters, "
	"saw 4: \"5\\r\\nH\xc3\xa9ll\"",
	"the peer seems to speak windev; try: -m windev   "
	"(SocketChangeModeTransmission(..., SocketTailleD\xc3\xa9"
	"but))"},
    {"the end inside counted units", "windev,count=utf16",
	BYTES("5\r\nH\0e\0l\0l\0"), true, STATUS_TRUNCATED,
	"byte 11: the stream ended inside a message: expected 10 "
	"bytes, saw 8: \"5\\r\\nH\\x00e\\x00l\\x00l\\x00\"",
	""},
    {"the end before a tag", "end-tag", BYTES("Hello<EOF>World"), true,
	STATUS_TRUNCATED,
	"byte 15: expected the end tag \"<EOF>\", saw the end of "
	"the stream behind \"World\" (5 bytes)",
	""},
    {"the end before a NUL", "end-tag=\\x00", BYTES("Hello"), true,
	STATUS_TRUNCATED,
	"byte 5: expected the end tag \"\\x00\", saw the end of the "
	"stream behind \"Hello\" (5 bytes)",
	""},
    {"the end before a tag of a block", "end-tag-buffer=CRLF", BYTES("Hello"),
	true, STATUS_TRUNCATED,
	"byte 5: expected the end tag \"\\r\\n\", saw the end of "
	"the stream behind \"Hello\" (5 bytes)",
	""},
    {"a zero in front of a netstring", "netstring", BYTES("05:hello,"), false,
	STATUS_MALFORMED,
	"byte 0: expected a length without a zero in front, saw \"05:hello,\" "
	"(9 bytes)",
	""},
    {"no comma behind a netstring", "netstring", BYTES("5:hello;"), false,
	STATUS_MALFORMED,
	"byte 7: expected a comma behind the payload, saw \";\" (1 "
	"byte)",
	""},
    {"no colon in a netstring", "netstring", BYTES("5;hello"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or a colon behind the length, "
	"saw \";hello\" (6 bytes)",
	""},
    {"the end before a comma", "netstring", BYTES("5:hello"), true,
	STATUS_TRUNCATED,
	"byte 7: the stream ended inside a message: expected 6 bytes, "
	"saw 5: \"5:hello\"",
	""},
    {"a header of blanks", "fixed-header=4", BYTES("    Hello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a header with a length in it, saw \"   "
	" Hello\" (9 bytes)",
	""},
    {"a letter in a header", "fixed-header=4", BYTES("5  xHello"), false,
	STATUS_MALFORMED,
	"byte 3: expected nothing but blanks behind the length, saw "
	"\"xHello\" (6 bytes)",
	""},
    {"two numbers in a header", "fixed-header=4", BYTES("5 5 World!"), false,
	STATUS_MALFORMED,
	"byte 2: expected nothing but blanks behind the length, saw "
	"\"5 World!\" (8 bytes)",
	""},
    {"the end inside a fixed header", "fixed-header=4", BYTES("5 "), true,
	STATUS_TRUNCATED,
	"byte 2: the stream ended inside a header: expected 4 bytes, saw 2: \"5 \"",
	""},
    {"HTTP in place of a binary length", "u32be",
	BYTES("GET / HTTP/1.1\r\n\r\n"), false, STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw "
	"one of 1195725856 bytes announced: \"GET / HTTP/1.1\\r\\n\\r\\n\"",
	"this is HTTP; try: -m raw to see all of it"},
    {"the end inside a binary message", "u16be", BYTES("\0\005Hel"), true,
	STATUS_TRUNCATED,
	"byte 5: the stream ended inside a message: expected 5 bytes, "
	"saw 3: \"\\x00\\x05Hel\"",
	""},
    {"a hexadecimal length", "windev", BYTES("0x5\r\nhello"), true,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw \"x5\\r\\nhello\" (9 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"a blank in front of a length and nothing more", "windev", BYTES(" 5\r\n"),
	true, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \" 5\\r\\n\" (4 bytes)",
	"the peer may speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"lines where a netstring was expected, which lead to windev with a sign",
	"netstring", BYTES("+5\r\nhello"), true, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"+5\\r\\nhello\" (9 bytes)",
	"the peer seems to speak windev with a header that is not a plain decimal length; try: -m windev, and have it send digits alone, then CR LF"},
    {"lengths that are off, seen in another mode: windev is named", "netstring",
	BYTES("11\r\nHelloWord"), true, STATUS_MALFORMED,
	"byte 2: expected a digit, or a colon behind the length, saw \"\\r\\nHelloWord\" (11 bytes)",
	"the peer seems to speak windev and announce 2 bytes too many; try: -m windev, and have it send the length of what it sends"},
    {"lengths that are off may be counted in other units", "windev,count=utf16",
	BYTES("3\r\nabcde"), true, STATUS_TRUNCATED,
	"byte 8: the stream ended inside a message: expected 6 bytes, saw 5: \"3\\r\\nabcde\"",
	""},
    {"a length of one byte less, or an early end", "windev", BYTES("5\r\nHell"),
	true, STATUS_TRUNCATED,
	"byte 7: the stream ended inside a message: expected 5 bytes, saw 4: \"5\\r\\nHell\"",
	"the peer may announce 1 byte too many; try: have it send the length of what it sends"},
    {"a long message that ends too early is in no other mode", "windev",
	BYTES("20\r\nHello"), true, STATUS_TRUNCATED,
	"byte 9: the stream ended inside a message: expected 20 bytes, saw 5: \"20\\r\\nHello\"",
	""},
    {"an early end behind a good message accuses nobody", "windev",
	BYTES("3\r\nabc3\r\nab"), true, STATUS_TRUNCATED,
	"byte 11: the stream ended inside a message: expected 3 bytes, saw 2: \"3\\r\\nab\"",
	""},
    {"a line behind good messages", "windev",
	BYTES("5\r\nhello5\r\nworldoops\n"), true, STATUS_MALFORMED,
	"byte 16: expected a decimal length, saw \"oops\\n\" (5 bytes)",
	"behind 2 good messages, what follows seems to speak lines; try: have the peer keep to one mode"},
    {"two guesses behind a good message", "windev",
	BYTES("5\r\nhelloA<EOF>\nB<EOF>\n"), true, STATUS_MALFORMED,
	"byte 8: expected a decimal length, saw \"A<EOF>\\nB<EOF>\\n\" (14 bytes)",
	"behind 1 good message, what follows may speak lines, or 'end-tag=<EOF>'; try: have the peer keep to one mode"},
    {"a sign behind a good message", "windev", BYTES("1\r\na+5\r\nxxxxx"), true,
	STATUS_MALFORMED,
	"byte 4: expected a decimal length, saw \"+5\\r\\nxxxxx\" (9 bytes)",
	"behind 1 good message, what follows seems to speak windev with a header that is not a plain decimal length; try: have it send digits alone, then CR LF"},
    {"lengths that count characters, which good messages hid", "windev",
	BYTES("2\r\nHi5\r\nH\xc3\xa9llo2\r\nHi"), true, STATUS_MALFORMED,
	"byte 13: expected a decimal length, saw \"o2\\r\\nHi\" (6 bytes)",
	"the peer seems to speak windev; try: -m windev,count=chars   (SocketChangeModeTransmission(..., SocketTailleD\xc3\xa9"
	"but))"},
    {"a CRLF that is not counted, seen once", "windev", BYTES("5\r\nHello\r\n"),
	true, STATUS_MALFORMED,
	"byte 8: expected a decimal length, saw \"\\r\\n\" (2 bytes)",
	"the peer may announce 2 bytes too few; try: have it send the length of what it sends"},
    {"a length of 64 bits", "windev", BYTES("18446744073709551615\r\nHi"),
	false, STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw one of 18446744073709551615 bytes announced: \"18446744073709551615\\r\\nHi\"",
	"no --max-message takes that; try: see what the peer sends for a length"},
    {"a length over 64 bits", "windev", BYTES("18446744073709551616\r\nHi"),
	false, STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw a length of more than 64 bits: \"18446744073709551616\\r\\nHi\"",
	"no --max-message takes that; try: see what the peer sends for a length"},
    {"a fixed header that begins as a length of 64 bits", "fixed-header=24",
	BYTES(" 00184467440737095516150"), false, STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw a length of more than 64 bits: \" 00184467440737095516150\"",
	"no --max-message takes that; try: see what the peer sends for a length"},
    {"a length over the limit behind a good message", "windev",
	BYTES("5\r\nhello17000000\r\naaaaaaaa"), true, STATUS_MALFORMED,
	"byte 8: expected a message of at most 16777216 bytes, saw one of 17000000 bytes announced: \"17000000\\r\\naaaaaaaa\"",
	"try: a larger --max-message"},
    {"the end inside a binary header", "u32be", BYTES("\0\0\0"), true,
	STATUS_TRUNCATED,
	"byte 3: the stream ended inside a header: expected 4 bytes, saw 3: \"\\x00\\x00\\x00\"",
	""},
    {"a quote among the bytes", "windev", BYTES("say \"x\" (9 bytes)"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"say \\x22x\\x22 (9 bytes)\" (17 bytes)",
	""},
    {"a quote at the end of a long look", "windev",
	BYTES("A line of text, and a quote in: \"x\" or so"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"A line of text, and a quote in: \"... (41 bytes)",
	""},
};

static const struct mode_refused modes[] = {
    {"a mode that there is not", "telnet", "expected a mode, saw \"telnet\"",
	"try: one of windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le"},
    {"a letter too many: the nearest mode is offered", "windevv",
	"expected a mode, saw \"windevv\"",
	"try: windev; the modes are windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le"},
    {"a letter too many, in other letters", "NetStrings",
	"expected a mode, saw \"NetStrings\"",
	"try: netstring; the modes are windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le"},
    {"a letter too few in a name of WLanguage", "SocketMarqueurFi=LF",
	"expected a mode, saw \"SocketMarqueurFi=LF\"",
	"try: SocketMarqueurFin; the modes are windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le"},
    {"a word that is longer than any name",
	"windevwindevwindevwindevwindevwindev",
	"expected a mode, saw \"windevwindevwindevwindevwindevwi\"...",
	"try: one of windev end-tag end-tag-buffer raw fixed-header until-close lines netstring u8 u16be u16le u32be u32le"},
    {"no width",
	"fixed-header=", "expected a value that is not empty, saw \"\"",
	"try: a width from 1 to 64, such as fixed-header=64"},
    {"a parameter of another mode", "lines,count=chars",
	"expected a parameter of this mode, saw \"count=chars\"",
	"try: wdsock help modes"},
    {"a value for a mode without", "lines=5",
	"expected no value, which this mode does not take, saw \"5\"",
	"try: wdsock help modes"},
    {"an empty tag", "end-tag=", "expected a value that is not empty, saw \"\"",
	"try: a comma inside a tag is written \\x2c"},
    {"a bad escape", "end-tag=\\q",
	"expected \\n, \\r, \\t, \\\\ or \\xHH, saw \"\\\\q\"",
	"try: wdsock help modes"},
    {"a tag that is too long",
	"end-tag=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	"expected at most 64 bytes, saw \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"...",
	"try: wdsock help modes"},
    {"a width that is too large", "fixed-header=65",
	"expected a width from 1 to 64, saw \"65\"", "try: wdsock help modes"},
    {"an unknown count", "windev,count=words",
	"expected count=bytes, count=chars or count=utf16, saw \"count=words\"",
	"try: wdsock help modes"},
    {"a parameter twice", "windev,count=chars,count=chars",
	"expected each parameter once, saw \"count=chars\"",
	"try: wdsock help modes"},
};

static struct framing
framing_of(const char *mode)
{
	struct framing fr;
	size_t at;

	if (framing_parse(mode, &fr, &at) != FRAMING_OK)
		diag("mode %s is refused at %zu", mode, at);
	return fr;
}

/* Decodes until the fault and explains it, as the filter does. */
static bool
explain(
    const struct framing *fr, struct slice wire, bool at_end, struct fail *f)
{
	struct slice v[BATCH_MAX], in = wire;
	struct batch b = {v, 0, BATCH_MAX};
	enum decode_result r;
	struct decoder d;
	size_t used;

	memset(f, 0xa5, sizeof(*f));
	decoder_init(&d, fr);
	r = decode(&d, in, &b, &used);
	in.p += used;
	in.len -= used;
	if (r == DECODE_MORE && at_end) {
		b.n = 0;
		r = decode_end(&d, in, &b);
	}
	if (r != DECODE_BAD && r != DECODE_CUT)
		return false;
	return explain_decode(&d.fault, fr, d.messages, wire, at_end, f) == -1;
}

static void
is_fail(const struct fail *f, enum status status, const char *what,
    const char *hint, const char *name)
{
	is_num(f->status, status, "%s: the status", name);
	is_text(f->what, what, "%s: what was seen", name);
	is_text(f->hint, hint, "%s: what to try", name);
}

static void
test_decode(void)
{
	struct framing fr;
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(decodes) / sizeof(decodes[0]); i++) {
		const struct decoded *c = &decodes[i];

		fr = framing_of(c->mode);
		if (!explain(&fr, slice_of(c->wire, c->len), c->at_end, &f)) {
			ok(false, "%s: is refused", c->name);
			continue;
		}
		is_fail(&f, c->status, c->what, c->hint, c->name);
	}
}

static void
test_modes(void)
{
	enum framing_error err;
	struct framing fr;
	struct fail f;
	size_t i, at;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct mode_refused *c = &modes[i];

		err = framing_parse(c->text, &fr, &at);
		ok(err != FRAMING_OK, "%s: is refused", c->name);
		is_num(explain_mode(err, c->text, at, &f), -1, "%s: gives -1",
		    c->name);
		is_fail(&f, STATUS_USAGE, c->what, c->hint, c->name);
	}
}

/* The offset counts from the stream's beginning, not from the last read. */
static void
test_offset(void)
{
	struct framing fr = framing_of("windev");
	struct slice v[BATCH_MAX], first = slice_of("5\r\nHello", 8),
				   second = slice_of("x", 1);
	struct batch b = {v, 0, BATCH_MAX};
	struct decoder d;
	struct fail f;
	size_t used;

	decoder_init(&d, &fr);
	decode(&d, first, &b, &used);
	is_num(decode(&d, second, &b, &used), DECODE_BAD,
	    "the second read is refused");
	explain_decode(&d.fault, &fr, d.messages, second, false, &f);
	is_text(f.what, "byte 8: expected a decimal length, saw \"x\" (1 byte)",
	    "its byte is counted from the first one of the stream");
}

static void
test_limit(void)
{
	struct framing fr = framing_of("end-tag");
	struct fail f;

	fr.max = 4;
	ok(explain(&fr, slice_of("Hello, World", 12), false, &f),
	    "a message without an end is refused at the limit");
	is_fail(&f, STATUS_MALFORMED,
	    "byte 0: expected a message of at most 4 bytes, saw a longer one: "
	    "\"Hello, World\"",
	    "try: a larger --max-message", "a message without an end");
	fr.max = 3;
	ok(explain(&fr, slice_of("hello<EOF>", 10), false, &f),
	    "a message whose end is there is refused over the limit");
	is_text(f.what,
	    "byte 0: expected a message of at most 3 bytes, saw a longer one: \"hello<EOF>\"",
	    "nothing is said of an end that is missing");
	fr = framing_of("windev,count=chars");
	fr.max = 4;
	ok(explain(&fr,
	       slice_of("3\r\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 12), false,
	       &f),
	    "characters that take more bytes than the limit are refused");
	is_text(f.what,
	    "byte 0: expected a message of at most 4 bytes, saw one of 3 characters announced, which take more: \"3\\r\\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"",
	    "the length is said to be of characters");
	ok(explain(&fr, slice_of("5\r\nHello", 8), false, &f),
	    "more characters than the limit has bytes are refused");
	is_text(f.what,
	    "byte 0: expected a message of at most 4 bytes, saw one of 5 characters announced: \"5\\r\\nHello\"",
	    "again as characters");
	fr = framing_of("windev,count=utf16");
	fr.max = 1;
	ok(explain(&fr, slice_of("6\r\nHello", 8), false, &f),
	    "units over the limit are refused");
	is_text(f.what,
	    "byte 0: expected a message of at most 1 byte, saw one of 6 units of 16 bits announced: \"6\\r\\nHello\"",
	    "the length is said to be of units");
	fr = framing_of("windev");
	fr.max = 4;
	ok(explain(&fr, slice_of("5\r\nHello", 8), false, &f),
	    "a message over the limit is refused");
	is_fail(&f, STATUS_MALFORMED,
	    "byte 0: expected a message of at most 4 bytes, saw one of 5 bytes "
	    "announced: \"5\\r\\nHello\"",
	    "try: a larger --max-message", "a message over the limit");
}

static void
encode_one(const char *mode, size_t max, const char *const *texts, size_t n,
    struct fail *f)
{
	struct framing fr = framing_of(mode);
	uint8_t buf[32768];
	struct span out = {buf, 0, sizeof(buf)};
	struct slice v[BATCH_MAX];
	struct batch b = {v, 0, BATCH_MAX};
	struct encoder e;
	size_t i, next = 0;

	if (max > 0)
		fr.max = max;
	for (i = 0; i < n; i++)
		batch_add(&b, (const uint8_t *)texts[i], strlen(texts[i]));
	encoder_init(&e, &fr);
	is_num(encode(&e, &b, &next, &out), ENCODE_BAD,
	    "what %s cannot say is refused", mode);
	memset(f, 0xa5, sizeof(*f));
	is_num(explain_encode(&e.fault, &fr, f), -1, "and explained");
}

static void
test_encode(void)
{
	static const char *const texts[] = {"Hi", "Hello<EOF>World"};
	static char wide[301];
	const char *const wides[] = {wide};
	struct fail f;

	encode_one("windev", 4, texts, 2, &f);
	is_fail(&f, STATUS_MALFORMED,
	    "message 2: expected at most 4 bytes, saw 15: \"Hello<EOF>World\"",
	    "try: a larger --max-message", "a message over the limit");
	encode_one("end-tag", 0, texts, 2, &f);
	is_fail(&f, STATUS_MALFORMED,
	    "message 2: byte 5: expected no end tag (end-tag=<EOF>) inside a "
	    "message, saw \"<EOF>World\": the peer would take it for two",
	    "try: a mode that sends a length, or another tag",
	    "a tag inside a message");
	encode_one("windev,count=utf16", 0, texts, 2, &f);
	is_fail(&f, STATUS_MALFORMED,
	    "message 2: expected units of 16 bits (count=utf16), saw 15 "
	    "bytes: \"Hello<EOF>World\"",
	    "try: --charset UTF-16LE, or count=bytes", "half a unit");
	encode_one("until-close", 0, texts, 2, &f);
	is_fail(&f, STATUS_MALFORMED,
	    "message 2: expected one message, which is what until-close "
	    "carries, saw another: \"Hello<EOF>World\"",
	    "try: --input whole", "a second message");
	memset(wide, 'x', sizeof(wide) - 1);
	encode_one("u8", 0, wides, 1, &f);
	is_fail(&f, STATUS_MALFORMED,
	    "message 1: expected at most 255 bytes, which is what a header of "
	    "u8 can say, saw 300: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"...",
	    "try: a mode with a wider header", "a header that is too narrow");
}

static void
test_unsure(void)
{
	static const struct {
		const char *bytes;
		bool at_end;
		const char *what, *hint;
	} cases[] = {
	    {"Hello", false,
		"byte 0: expected bytes that tell their mode, saw \"Hello\" (5 "
		"bytes)",
		"try: -m with a mode, or -m raw to see the bytes"},
	    {"11\r\nHello", false,
		"byte 0: expected bytes that tell their mode, saw "
		"\"11\\r\\nHello\" (9 bytes)",
		"it is not clear what the peer speaks; try: -m windev   (SocketChangeModeTransmission(..., "
		"SocketTailleD\xc3\xa9"
		"but)), or -m end-tag=CRLF   (SocketChangeModeTransmission("
		"..., SocketMarqueurFin))"},
	    {"12:30 meeting", false,
		"byte 0: expected bytes that tell their mode, saw \"12:30 "
		"meeting\" (13 bytes)",
		"the peer may speak netstring; try: -m netstring"},
	    {"5\r\nHello\r\n", true,
		"byte 0: expected bytes that tell their mode, saw "
		"\"5\\r\\nHello\\r\\n\" (10 bytes)",
		"it is not clear what the peer speaks; try: -m end-tag=CRLF   (SocketChangeModeTransmission(..., SocketMarqueurFin)), or -m windev, whose lengths would be 2 bytes too small"},
	    {"\xef\xbb\xbf"
	     "11\r\nHello",
		false,
		"byte 0: expected bytes that tell their mode, saw "
		"\"\\xef\\xbb\\xbf11\\r\\nHello\" (12 bytes)",
		"it is not clear what the peer speaks; try: -m windev   (SocketChangeModeTransmission(..., SocketTailleD\xc3\xa9"
		"but)), once the peer leaves the byte order mark out, or -m end-tag=CRLF   (SocketChangeModeTransmission(..., SocketMarqueurFin)), once the peer leaves the byte order mark out"},
	};
	struct diagnosis d;
	struct slice in;
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in = slice_of(cases[i].bytes, strlen(cases[i].bytes));
		diagnose(in, cases[i].at_end, &d);
		ok(!d.sure, "'%s' is not sure", cases[i].bytes);
		is_num(explain_unsure(&d, in, &f), -1, "and told so");
		is_fail(&f, STATUS_MALFORMED, cases[i].what, cases[i].hint,
		    "bytes that do not tell");
	}
}

/* The bytes tell what they are, and -m auto has no mode for it. */
static void
test_auto_in_the_way(void)
{
	static const struct {
		const char *bytes, *what, *hint;
	} cases[] = {
	    {"\xef\xbb\xbfHello\nWorld\n",
		"byte 0: expected no byte order mark before the first message, saw \"\\xef\\xbb\\xbfHello\\nWorld\\n\" (15 bytes)",
		"a UTF-8 byte order mark stands before what seems to be lines; try: have the peer leave it out"},
	    {"11\r\nHelloWord",
		"byte 0: expected lengths that fit their messages, saw \"11\\r\\nHelloWord\" (13 bytes)",
		"the peer seems to speak windev and announce 2 bytes too many; try: -m windev, and have it send the length of what it sends"},
	    {"+5\r\nhello",
		"byte 0: expected a plain decimal length, saw \"+5\\r\\nhello\" (9 bytes)",
		"the peer seems to speak windev with a header that is not a plain decimal length; try: -m windev, and have it send digits alone, then CR LF"},
	    {"SSH-2.0-x\r\n",
		"byte 0: expected a mode of wdsock, saw \"SSH-2.0-x\\r\\n\" (11 bytes)",
		"this is an SSH server; try: another port"},
	};
	struct diagnosis d;
	struct slice in;
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in = slice_of(cases[i].bytes, strlen(cases[i].bytes));
		diagnose(in, true, &d);
		ok(d.sure, "'%s' is sure", cases[i].bytes);
		is_num(explain_unsure(&d, in, &f), -1, "and told so");
		is_fail(&f, STATUS_MALFORMED, cases[i].what, cases[i].hint,
		    "bytes that tell what is in the way");
	}
}

/* Other reads brought them, so that only their number is known. */
static void
test_behind_good(void)
{
	struct framing fr = framing_of("windev");
	struct slice v[BATCH_MAX], in;
	struct batch b = {v, 0, BATCH_MAX};
	struct decoder d, other;
	struct fail f;
	unsigned i;
	size_t used;

	decoder_init(&d, &fr);
	for (i = 0; i < 1000; i++) {
		b.n = 0;
		decode(&d, slice_of("5\r\nhello", 8), &b, &used);
	}
	other = d;
	in = slice_of("5\r\nhel", 6);
	b.n = 0;
	is_num(decode_end(&d, in, &b), DECODE_CUT, "the end comes too early");
	explain_decode(&d.fault, &fr, d.messages, in, true, &f);
	is_text(f.hint, "",
	    "an early end behind 1000 good messages is no sign of another mode");
	in = slice_of("oops\n", 5);
	is_num(decode(&other, in, &b, &used), DECODE_BAD, "a line is refused");
	explain_decode(&other.fault, &fr, other.messages, in, true, &f);
	is_text(f.hint,
	    "behind 1000 good messages, what follows seems to speak lines; try: have the peer keep to one mode",
	    "what follows good messages is told apart from them");
}

int
main(void)
{
	test_decode();
	test_behind_good();
	test_auto_in_the_way();
	test_modes();
	test_offset();
	test_limit();
	test_encode();
	test_unsure();
	return done_testing();
}
