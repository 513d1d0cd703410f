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
	"the peer seems to speak end-tag; try: -m end-tag=CRLF   "
	"(SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"a blank behind the length", "windev", BYTES("5 \r\nHello"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\" \\r\\nHello\" (8 bytes)",
	"the peer seems to speak end-tag; try: -m end-tag=CRLF   "
	"(SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"an empty header", "windev", BYTES("\r\nHello"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\r\\nHello\" (7 "
	"bytes)",
	""},
    {"a bare LF behind the length", "windev", BYTES("5\nHello"), false,
	STATUS_MALFORMED,
	"byte 1: expected a digit, or CR LF behind the length, saw "
	"\"\\nHello\" (6 bytes)",
	"the peer seems to speak lines; try: -m lines"},
    {"21 digits", "windev", BYTES("000000000000000000005\r\nHello"), false,
	STATUS_MALFORMED,
	"byte 20: expected a length of at most 20 digits, saw \"5\\r\\nHello\" "
	"(8 bytes)",
	"the peer seems to speak end-tag; try: -m end-tag=CRLF   "
	"(SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"a length over the limit", "windev", BYTES("99999999999\r\nHello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw "
	"one of 99999999999 announced: \"99999999999\\r\\nHello\"",
	"the peer seems to speak end-tag; try: -m end-tag=CRLF   "
	"(SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"the end inside a header", "windev", BYTES("5\r\nHello1"), true,
	STATUS_TRUNCATED,
	"byte 9: the stream ended inside a header, behind \"1\" (1 "
	"bytes)",
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
	"try: -m 'end-tag=<EOF>'   (SocketChangeModeTransmission(..., "
	"SocketMarqueurFin)), or -m lines"},
    {"one guess that is not sure", "windev", BYTES("\005Hello"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"\\x05Hello\" (6 "
	"bytes)",
	"the peer seems to speak u8; try: -m u8"},
    {"an end tag that a shell must quote", "windev",
	BYTES("Hello\003World\003"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"Hello\\x03World\\x03\" "
	"(12 bytes)",
	"the peer seems to speak end-tag; try: -m 'end-tag=\\x03' "
	"  (SocketChangeModeTransmission(..., SocketMarqueurFin))"},
    {"what nobody knows", "windev", BYTES("x"), false, STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"x\" (1 bytes)", ""},
    {"a long look", "windev",
	BYTES("A line of text that is longer than what an error shows"), false,
	STATUS_MALFORMED,
	"byte 0: expected a decimal length, saw \"A line of text "
	"that is longer th\"... (54 bytes)",
	""},
    {"another byte than the tail", "windev,tail=NUL", BYTES("6\r\nHello!"),
	false, STATUS_MALFORMED,
	"byte 8: expected the tail behind the payload, saw \"!\" "
	"(1 bytes)",
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
	"bytes)",
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
	"byte 2: the stream ended inside a header, behind \"5 \" "
	"(2 bytes)",
	""},
    {"HTTP in place of a binary length", "u32be",
	BYTES("GET / HTTP/1.1\r\n\r\n"), false, STATUS_MALFORMED,
	"byte 0: expected a message of at most 16777216 bytes, saw "
	"one of 1195725856 announced: \"GET / HTTP/1.1\\r\\n\\r\\n\"",
	"this is HTTP; try: -m raw to see all of it"},
    {"the end inside a binary message", "u16be", BYTES("\0\005Hel"), true,
	STATUS_TRUNCATED,
	"byte 5: the stream ended inside a message: expected 5 bytes, "
	"saw 3: \"\\x00\\x05Hel\"",
	""},
};

static const struct mode_refused modes[] = {
    {"a mode that there is not", "windef", "expected a mode, saw \"windef\"",
	"try: one of windev end-tag end-tag-buffer raw fixed-header "
	"until-close lines netstring u8 u16be u16le u32be u32le"},
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
    {"half a unit", "windev,count=utf16,tail=NUL",
	"expected a tail of whole 16-bit units, saw \"windev,count=utf16,tail=NUL\"",
	"try: tail=\\x00\\x00"},
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
	return explain_decode(&d.fault, fr, wire, at_end, f) == -1;
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
	explain_decode(&d.fault, &fr, second, false, &f);
	is_text(f.what,
	    "byte 8: expected a decimal length, saw \"x\" (1 bytes)",
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
	    "byte 0: expected a message of at most 4 bytes, saw no end of it: "
	    "\"Hello, World\"",
	    "try: a larger --max-message", "a message without an end");
	fr = framing_of("windev");
	fr.max = 4;
	ok(explain(&fr, slice_of("5\r\nHello", 8), false, &f),
	    "a message over the limit is refused");
	is_fail(&f, STATUS_MALFORMED,
	    "byte 0: expected a message of at most 4 bytes, saw one of 5 "
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
	    "try: text in UTF-16, or count=bytes", "half a unit");
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
		"try: -m windev   (SocketChangeModeTransmission(..., "
		"SocketTailleD\xc3\xa9"
		"but)), or -m end-tag=CRLF   (SocketChangeModeTransmission("
		"..., SocketMarqueurFin))"},
	    {"12:30 meeting", false,
		"byte 0: expected bytes that tell their mode, saw \"12:30 "
		"meeting\" (13 bytes)",
		"the peer seems to speak netstring; try: -m netstring"},
	    {"5\r\nHello\r\n", true,
		"byte 0: expected bytes that tell their mode, saw "
		"\"5\\r\\nHello\\r\\n\" (10 bytes)",
		"try: -m end-tag=CRLF   (SocketChangeModeTransmission(..., "
		"SocketMarqueurFin)), or -m windev   ("
		"SocketChangeModeTransmission(..., SocketTailleD\xc3\xa9"
		"but)) with lengths corrected by 2"},
	    {"\xef\xbb\xbf"
	     "11\r\nHello",
		false,
		"byte 0: expected bytes that tell their mode, saw "
		"\"\\xef\\xbb\\xbf11\\r\\nHello\" (12 bytes)",
		"try: -m windev   (SocketChangeModeTransmission(..., "
		"SocketTailleD\xc3\xa9"
		"but)) without the byte order mark, or -m end-tag=CRLF   "
		"(SocketChangeModeTransmission(..., SocketMarqueurFin)) "
		"without the byte order mark"},
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

int
main(void)
{
	test_decode();
	test_modes();
	test_offset();
	test_limit();
	test_encode();
	test_unsure();
	return done_testing();
}
