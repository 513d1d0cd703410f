/* The names of the modes: read in every spelling, refused, and written. */

#include <string.h>

#include "chance.h"
#include "codec/framing.h"
#include "guard.h"
#include "tap.h"

#define E_ACUTE "\xc3\xa9"

/* What a text means; `print` is its canonical form. */
static const struct row {
	const char *text;
	const char *print;
	enum framing_mode mode;
	enum framing_count count;
	const char *tag;
	size_t tag_len;
	unsigned width;
	bool big_endian, open_end;
	uint64_t tag_bytes;
} rows[] = {
    {"windev", "windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0, 0},
    {"WINDEV", "windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0, 0},
    {"SocketTailleD" E_ACUTE "but", "windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0,
	0},
    {"sockettailled" E_ACUTE "BUT", "windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0,
	0},
    {"SOCKETTAILLED\xc3\x89"
     "BUT",
	"windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0, 0},
    {"SocketTailleDebut", "windev", FRAMING_WINDEV, 0, "", 0, 0, 0, 0, 0},
    {"windev,count=bytes", "windev", FRAMING_WINDEV, FRAMING_COUNT_BYTES, "", 0,
	0, 0, 0, 0},
    {"windev,count=chars", "windev,count=chars", FRAMING_WINDEV,
	FRAMING_COUNT_CHARS, "", 0, 0, 0, 0, 0},
    {"windev,count=utf16", "windev,count=utf16", FRAMING_WINDEV,
	FRAMING_COUNT_UTF16, "", 0, 0, 0, 0, 0},
    {"windev,Count=UTF16", "windev,count=utf16", FRAMING_WINDEV,
	FRAMING_COUNT_UTF16, "", 0, 0, 0, 0, 0},
    {"SocketTailleDebut,count=utf16", "windev,count=utf16", FRAMING_WINDEV,
	FRAMING_COUNT_UTF16, "", 0, 0, 0, 0, 0},
    {"windev,tail=NUL", "windev,tail=NUL", FRAMING_WINDEV, 0, "\0", 1, 0, 0, 0,
	0},
    {"windev,TAIL=CRLF", "windev,tail=CRLF", FRAMING_WINDEV, 0, "\r\n", 2, 0, 0,
	0, 0},
    {"windev,tail=\\x0a", "windev,tail=\\x0a", FRAMING_WINDEV, 0, "\n", 1, 0, 0,
	0, 1},
    {"windev,tail=\\n", "windev,tail=LF", FRAMING_WINDEV, 0, "\n", 1, 0, 0, 0,
	0},
    {"windev,tail=a=b", "windev,tail=a=b", FRAMING_WINDEV, 0, "a=b", 3, 0, 0, 0,
	0},
    {"windev,tail==", "windev,tail==", FRAMING_WINDEV, 0, "=", 1, 0, 0, 0, 0},
    {"windev,tail=NUL,count=chars", "windev,count=chars,tail=NUL",
	FRAMING_WINDEV, FRAMING_COUNT_CHARS, "\0", 1, 0, 0, 0, 0},
    {"windev,count=utf16,tail=NUL", "windev,count=utf16,tail=NUL",
	FRAMING_WINDEV, FRAMING_COUNT_UTF16, "\0", 1, 0, 0, 0, 0},
    {"windev,count=utf16,tail=CRLF", "windev,count=utf16,tail=CRLF",
	FRAMING_WINDEV, FRAMING_COUNT_UTF16, "\r\n", 2, 0, 0, 0, 0},
    {"end-tag", "end-tag=<EOF>", FRAMING_END_TAG, 0, "<EOF>", 5, 0, 0, 0, 0},
    {"End-Tag=<EOF>", "end-tag=<EOF>", FRAMING_END_TAG, 0, "<EOF>", 5, 0, 0, 0,
	0},
    {"SocketEndTag", "end-tag=<EOF>", FRAMING_END_TAG, 0, "<EOF>", 5, 0, 0, 0,
	0},
    {"SocketMarqueurFin=CRLF", "end-tag=CRLF", FRAMING_END_TAG, 0, "\r\n", 2, 0,
	0, 0, 0},
    {"end-tag=\\r\\n", "end-tag=CRLF", FRAMING_END_TAG, 0, "\r\n", 2, 0, 0, 0,
	0},
    {"end-tag=LF", "end-tag=LF", FRAMING_END_TAG, 0, "\n", 1, 0, 0, 0, 0},
    {"end-tag=NUL", "end-tag=NUL", FRAMING_END_TAG, 0, "\0", 1, 0, 0, 0, 0},
    {"end-tag=crlf", "end-tag=crlf", FRAMING_END_TAG, 0, "crlf", 4, 0, 0, 0, 0},
    {"end-tag=CRL", "end-tag=CRL", FRAMING_END_TAG, 0, "CRL", 3, 0, 0, 0, 0},
    {"end-tag=\\x4eUL", "end-tag=\\x4eUL", FRAMING_END_TAG, 0, "NUL", 3, 0, 0,
	0, 1},
    {"end-tag=\\x43RLF", "end-tag=\\x43RLF", FRAMING_END_TAG, 0, "CRLF", 4, 0,
	0, 0, 1},
    {"end-tag=a\\x2cb", "end-tag=a\\x2cb", FRAMING_END_TAG, 0, "a,b", 3, 0, 0,
	0, 2},
    {"end-tag=\\\\", "end-tag=\\\\", FRAMING_END_TAG, 0, "\\", 1, 0, 0, 0, 0},
    {"end-tag=@", "end-tag=\\x40", FRAMING_END_TAG, 0, "@", 1, 0, 0, 0, 0},
    {"end-tag=a b", "end-tag=a\\x20b", FRAMING_END_TAG, 0, "a b", 3, 0, 0, 0,
	0},
    {"end-tag=!~", "end-tag=!~", FRAMING_END_TAG, 0, "!~", 2, 0, 0, 0, 0},
    {"end-tag=\\x7f\\xfF", "end-tag=\\x7f\\xff", FRAMING_END_TAG, 0, "\x7f\xff",
	2, 0, 0, 0, 3},
    {"end-tag=\\t", "end-tag=\\t", FRAMING_END_TAG, 0, "\t", 1, 0, 0, 0, 0},
    {"end-tag=\\x09\\x0d\\x0a\\x5c", "end-tag=\\x09\\x0d\\x0a\\x5c",
	FRAMING_END_TAG, 0, "\t\r\n\\", 4, 0, 0, 0, 15},
    {"end-tag=\\x0d\\x0a", "end-tag=\\x0d\\x0a", FRAMING_END_TAG, 0, "\r\n", 2,
	0, 0, 0, 3},
    {"end-tag=\\r\\x0a\\t\\\\\\n", "end-tag=\\r\\x0a\\t\\\\\\n",
	FRAMING_END_TAG, 0, "\r\n\t\\\n", 5, 0, 0, 0, 2},
    {"end-tag=\\x41B\\x43", "end-tag=\\x41B\\x43", FRAMING_END_TAG, 0, "ABC", 3,
	0, 0, 0, 5},
    {"end-tag=" E_ACUTE, "end-tag=" E_ACUTE, FRAMING_END_TAG, 0, E_ACUTE, 2, 0,
	0, 0, 0},
    {"end-tag=\\xc3\\xa9" E_ACUTE, "end-tag=\\xc3\\xa9" E_ACUTE,
	FRAMING_END_TAG, 0, E_ACUTE E_ACUTE, 4, 0, 0, 0, 3},
    {"end-tag=\xc3\\xa9", "end-tag=\\xc3\\xa9", FRAMING_END_TAG, 0, E_ACUTE, 2,
	0, 0, 0, 2},
    {"end-tag=\xc3", "end-tag=\\xc3", FRAMING_END_TAG, 0, "\xc3", 1, 0, 0, 0,
	0},
    {"end-tag=\xe2\x80\xae", "end-tag=\\xe2\\x80\\xae", FRAMING_END_TAG, 0,
	"\xe2\x80\xae", 3, 0, 0, 0, 0},
    {"end-tag=\x01", "end-tag=\\x01", FRAMING_END_TAG, 0, "\x01", 1, 0, 0, 0,
	0},
    {"end-tag==", "end-tag==", FRAMING_END_TAG, 0, "=", 1, 0, 0, 0, 0},
    {"end-tag-buffer", "end-tag-buffer=<EOF>", FRAMING_END_TAG_BUFFER, 0,
	"<EOF>", 5, 0, 0, 0, 0},
    {"SocketEndTagBuffer=;", "end-tag-buffer=;", FRAMING_END_TAG_BUFFER, 0, ";",
	1, 0, 0, 0, 0},
    {"socketmarqueurfinbuffer", "end-tag-buffer=<EOF>", FRAMING_END_TAG_BUFFER,
	0, "<EOF>", 5, 0, 0, 0, 0},
    {"raw", "raw", FRAMING_RAW, 0, "", 0, 0, 0, 0, 0},
    {"SocketNoEndTag", "raw", FRAMING_RAW, 0, "", 0, 0, 0, 0, 0},
    {"SOCKETSANSMARQUEURFIN", "raw", FRAMING_RAW, 0, "", 0, 0, 0, 0, 0},
    {"fixed-header", "fixed-header=64", FRAMING_FIXED_HEADER, 0, "", 0, 64, 0,
	0, 0},
    {"fixed-header=1", "fixed-header=1", FRAMING_FIXED_HEADER, 0, "", 0, 1, 0,
	0, 0},
    {"fixed-header=9", "fixed-header=9", FRAMING_FIXED_HEADER, 0, "", 0, 9, 0,
	0, 0},
    {"fixed-header=10", "fixed-header=10", FRAMING_FIXED_HEADER, 0, "", 0, 10,
	0, 0, 0},
    {"fixed-header=0064", "fixed-header=64", FRAMING_FIXED_HEADER, 0, "", 0, 64,
	0, 0, 0},
    {"until-close", "until-close", FRAMING_UNTIL_CLOSE, 0, "", 0, 0, 0, 0, 0},
    {"lines", "lines", FRAMING_LINES, 0, "\n", 1, 0, 0, 1, 0},
    {"netstring", "netstring", FRAMING_NETSTRING, 0, ",", 1, 0, 0, 0, 0},
    {"u8", "u8", FRAMING_BINARY, 0, "", 0, 1, 0, 0, 0},
    {"u16be", "u16be", FRAMING_BINARY, 0, "", 0, 2, 1, 0, 0},
    {"U16LE", "u16le", FRAMING_BINARY, 0, "", 0, 2, 0, 0, 0},
    {"u32be", "u32be", FRAMING_BINARY, 0, "", 0, 4, 1, 0, 0},
    {"u32le", "u32le", FRAMING_BINARY, 0, "", 0, 4, 0, 0, 0},
};

#define FIFTEEN "0123456789abcde"
#define SIXTY FIFTEEN FIFTEEN FIFTEEN FIFTEEN
#define ESCAPES_8 "\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08"
#define ESCAPES_64                                                             \
	ESCAPES_8 ESCAPES_8 ESCAPES_8 ESCAPES_8 ESCAPES_8 ESCAPES_8 ESCAPES_8  \
	    ESCAPES_8

static const struct refused {
	const char *text;
	enum framing_error error;
	size_t at;
} refused[] = {
    {"", FRAMING_ERR_MODE, 0},
    {"=", FRAMING_ERR_MODE, 0},
    {",count=bytes", FRAMING_ERR_MODE, 0},
    {"windew", FRAMING_ERR_MODE, 0},
    {"winde", FRAMING_ERR_MODE, 0},
    {"windev ", FRAMING_ERR_MODE, 0},
    {" windev", FRAMING_ERR_MODE, 0},
    {"end_tag=x", FRAMING_ERR_MODE, 0},
    {"u16", FRAMING_ERR_MODE, 0},
    {"u64be", FRAMING_ERR_MODE, 0},
    {"Socket", FRAMING_ERR_MODE, 0},
    {"SocketEndTags", FRAMING_ERR_MODE, 0},
    {"auto", FRAMING_ERR_MODE, 0},
    {"windev,", FRAMING_ERR_PARAM, 7},
    {"windev,count", FRAMING_ERR_PARAM, 7},
    {"windev,tail", FRAMING_ERR_PARAM, 7},
    {"windev,colour=red", FRAMING_ERR_PARAM, 7},
    {"windev,=x", FRAMING_ERR_PARAM, 7},
    {"windev,tails=x", FRAMING_ERR_PARAM, 7},
    {"windev,count=bytes,", FRAMING_ERR_PARAM, 19},
    {"windev,count,count=bytes", FRAMING_ERR_PARAM, 7},
    {"windev,,count=bytes", FRAMING_ERR_PARAM, 7},
    {"windev,count=chars,oops=1", FRAMING_ERR_PARAM, 19},
    {"end-tag=a,b", FRAMING_ERR_PARAM, 10},
    {"end-tag=a,tail=b", FRAMING_ERR_PARAM, 10},
    {"end-tag,count=bytes", FRAMING_ERR_PARAM, 8},
    {"raw,count=bytes", FRAMING_ERR_PARAM, 4},
    {"lines,tail=x", FRAMING_ERR_PARAM, 6},
    {"u8,count=bytes", FRAMING_ERR_PARAM, 3},
    {"windev=x", FRAMING_ERR_NO_VALUE, 7},
    {"windev=", FRAMING_ERR_NO_VALUE, 7},
    {"SocketTailleDebut=5", FRAMING_ERR_NO_VALUE, 18},
    {"raw=x", FRAMING_ERR_NO_VALUE, 4},
    {"lines=x", FRAMING_ERR_NO_VALUE, 6},
    {"netstring=x", FRAMING_ERR_NO_VALUE, 10},
    {"until-close=x", FRAMING_ERR_NO_VALUE, 12},
    {"u8=1", FRAMING_ERR_NO_VALUE, 3},
    {"u32le=1", FRAMING_ERR_NO_VALUE, 6},
    {"end-tag=", FRAMING_ERR_EMPTY, 8},
    {"end-tag-buffer=", FRAMING_ERR_EMPTY, 15},
    {"fixed-header=", FRAMING_ERR_EMPTY, 13},
    {"windev,tail=", FRAMING_ERR_EMPTY, 7},
    {"windev,count=chars,tail=", FRAMING_ERR_EMPTY, 19},
    {"end-tag=,", FRAMING_ERR_EMPTY, 8},
    {"end-tag=\\q", FRAMING_ERR_ESCAPE, 8},
    {"end-tag=ab\\", FRAMING_ERR_ESCAPE, 8},
    {"end-tag=\\x", FRAMING_ERR_ESCAPE, 8},
    {"end-tag=\\x4", FRAMING_ERR_ESCAPE, 8},
    {"end-tag=\\xg0", FRAMING_ERR_ESCAPE, 8},
    {"end-tag=\\x0,", FRAMING_ERR_ESCAPE, 8},
    {"windev,tail=\\x", FRAMING_ERR_ESCAPE, 7},
    {"end-tag=" SIXTY "01234", FRAMING_ERR_TAG_LONG, 8},
    {"end-tag=" ESCAPES_64 "x", FRAMING_ERR_TAG_LONG, 8},
    {"windev,tail=" SIXTY SIXTY, FRAMING_ERR_TAG_LONG, 7},
    {"end-tag=" SIXTY SIXTY SIXTY SIXTY SIXTY, FRAMING_ERR_TAG_LONG, 8},
    {"end-tag=" SIXTY SIXTY SIXTY SIXTY FIFTEEN "01\\", FRAMING_ERR_TAG_LONG,
	8},
    {"fixed-header=0", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=000", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=65", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=100", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=4294967297", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=18446744073709551617", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=6x", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=x6", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=+6", FRAMING_ERR_WIDTH, 13},
    {"fixed-header= 6", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=6/", FRAMING_ERR_WIDTH, 13},
    {"fixed-header=6:", FRAMING_ERR_WIDTH, 13},
    {"windev,count=letters", FRAMING_ERR_COUNT, 7},
    {"windev,count=utf", FRAMING_ERR_COUNT, 7},
    {"windev,count=utf16le", FRAMING_ERR_COUNT, 7},
    {"windev,tail=NUL,count=x", FRAMING_ERR_COUNT, 16},
    {"windev,count=bytes,count=bytes", FRAMING_ERR_TWICE, 19},
    {"windev,tail=NUL,tail=LF", FRAMING_ERR_TWICE, 16},
    {"windev,tail=a,count=bytes,tail=b", FRAMING_ERR_TWICE, 26},
};

static bool
same_framing(const struct framing *a, const struct framing *b)
{
	return a->mode == b->mode && a->count == b->count &&
	    a->tag_len == b->tag_len &&
	    memcmp(a->tag, b->tag, a->tag_len) == 0 && a->width == b->width &&
	    a->big_endian == b->big_endian && a->open_end == b->open_end &&
	    a->max == b->max;
}

static void
test_row(const struct row *row)
{
	struct framing fr;
	char buf[FRAMING_TEXT_MAX];
	size_t at = 99;

	memset(&fr, 0xee, sizeof(fr));
	if (!is_num(framing_parse(row->text, &fr, &at), FRAMING_OK,
		"'%s' is a mode", row->text))
		return;
	is_num(fr.mode, row->mode, "'%s' has its mode", row->text);
	is_num(fr.count, row->count, "'%s' counts its units", row->text);
	is_bytes(fr.tag, fr.tag_len, row->tag, row->tag_len, "'%s' has its tag",
	    row->text);
	is_num(fr.width, row->width, "'%s' has its width", row->text);
	ok(fr.big_endian == row->big_endian && fr.open_end == row->open_end,
	    "'%s' has its order of bytes and its end", row->text);
	is_num(fr.max, 16 << 20, "'%s' has the default maximum", row->text);
	is_num(fr.tag_bytes, row->tag_bytes, "'%s' knows what is a byte",
	    row->text);
	is_num(fr.tag_align, 0, "'%s' has its tag anywhere", row->text);
	is_text(framing_print(&fr, buf), row->print, "'%s' is written '%s'",
	    row->text, row->print);
}

static void
test_tail_fits(void)
{
	static const struct {
		const char *text;
		bool fits;
	} cases[] = {
	    {"windev,count=utf16,tail=NUL", false},
	    {"windev,tail=abc,count=utf16", false},
	    {"windev,tail=ab,count=utf16", true},
	    {"windev,count=utf16", true},
	    {"windev,count=chars,tail=a", true},
	    {"windev,tail=a", true},
	    {"end-tag=a", true},
	};
	struct framing fr;
	size_t i, at;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		framing_parse(cases[i].text, &fr, &at);
		ok(framing_tail_fits(&fr) == cases[i].fits,
		    "'%s' has a tail that fits, or not", cases[i].text);
	}
}

static void
test_refused(const struct refused *row)
{
	struct framing fr, old;
	size_t at = 99;

	memset(&fr, 0xee, sizeof(fr));
	old = fr;
	is_num(framing_parse(row->text, &fr, &at), row->error,
	    "'%s' is refused", row->text);
	is_num(at, row->at, "'%s' is refused at its place", row->text);
	ok(memcmp(&fr, &old, sizeof(fr)) == 0, "'%s' leaves the framing alone",
	    row->text);
}

static void
test_longest(void)
{
	struct framing fr;
	struct guard g = {0};
	char *buf = (char *)guard_room(&g, FRAMING_TEXT_MAX);
	size_t at;

	is_num(framing_parse("end-tag=" ESCAPES_64, &fr, &at), FRAMING_OK,
	    "a tag of 64 escapes is read");
	is_num(fr.tag_len, 64, "a tag of 64 escapes has 64 bytes");
	is_text(framing_print(&fr, buf), "end-tag=" ESCAPES_64,
	    "a tag of 64 escapes is written");
	ok(fr.tag_bytes == UINT64_MAX, "and each of them is a byte");
	is_num(framing_parse("windev,count=utf16,tail=" ESCAPES_64, &fr, &at),
	    FRAMING_OK, "a tail of 64 escapes is read");
	is_text(framing_print(&fr, buf), "windev,count=utf16,tail=" ESCAPES_64,
	    "a tail of 64 escapes is written");
	is_num(framing_parse("end-tag=" SIXTY "0123", &fr, &at), FRAMING_OK,
	    "a tag of 64 letters is read");
	is_text(framing_print(&fr, buf), "end-tag=" SIXTY "0123",
	    "a tag of 64 letters is written");
	guard_free(&g);
}

/* Tags that nobody has typed are written so that they can be. */
static void
test_odd_tags(void)
{
	static const struct {
		const char *tag;
		size_t len;
		const char *print;
	} cases[] = {
	    {"LF", 2, "end-tag=\\x4cF"},
	    {"NUL", 3, "end-tag=\\x4eUL"},
	    {"a\0b", 3, "end-tag=a\\x00b"},
	    {"a\xc3\xa9", 2, "end-tag=a\\xc3"},
	    {"\xc3\xa9"
	     "a",
		2, "end-tag=" E_ACUTE},
	};
	struct framing fr;
	char buf[FRAMING_TEXT_MAX];
	size_t i, at;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		framing_parse("end-tag", &fr, &at);
		/* What stands behind the tag is none of it. */
		memcpy(fr.tag, cases[i].tag, 3);
		fr.tag_len = cases[i].len;
		is_text(framing_print(&fr, buf), cases[i].print,
		    "a tag that is not what was typed, %zu", i);
	}
}

static void
test_every_width(void)
{
	char text[32] = "fixed-header=", buf[FRAMING_TEXT_MAX];
	struct framing fr;
	unsigned w, bad = 0;
	size_t at;

	for (w = 1; w <= FRAMING_WIDTH_MAX; w++) {
		text[13] = (char)('0' + w / 10);
		text[14] = (char)('0' + w % 10);
		if (framing_parse(text, &fr, &at) != FRAMING_OK ||
		    fr.width != w ||
		    strcmp(framing_print(&fr, buf) + 13,
			text + (w < 10 ? 14 : 13)) != 0)
			bad++;
	}
	is_num(bad, 0, "every width from 1 to 64 is read and written");
}

static void
test_by_chance(uint64_t *state)
{
	unsigned i, n = rounds(5000), bad = 0, bad_name = 0;
	char buf[FRAMING_TEXT_MAX];
	struct framing fr, back;
	size_t at;

	for (i = 0; i < n; i++) {
		const struct framing_name *name;

		chance_framing(state, &fr);
		framing_print(&fr, buf);
		if (framing_parse(buf, &back, &at) != FRAMING_OK ||
		    !same_framing(&fr, &back)) {
			bad++;
			diag("written as %s", buf);
		}
		name = framing_name_of(&fr);
		if (strncmp(name->name, buf, strlen(name->name)) != 0 ||
		    strchr("=,", buf[strlen(name->name)]) == NULL)
			bad_name++;
	}
	is_num(bad, 0, "what is written is read as the same framing");
	is_num(bad_name, 0, "what is written begins with the framing's name");
}

static void
test_names(void)
{
	struct framing fr, same;
	size_t i, at;

	is_num(framing_names_count, 13, "there are thirteen modes");
	for (i = 0; i < framing_names_count; i++) {
		const struct framing_name *n = &framing_names[i];

		framing_parse(n->name, &fr, &at);
		ok(framing_name_of(&fr) == n, "%s is found by its framing",
		    n->name);
		ok(n->param != NULL && n->wire[0] != '\0',
		    "%s says what stands on the wire", n->name);
		if (n->english != NULL)
			ok(framing_parse(n->english, &same, &at) ==
				    FRAMING_OK &&
				same_framing(&fr, &same),
			    "%s is %s in English", n->name, n->english);
		if (n->french != NULL)
			ok(framing_parse(n->french, &same, &at) == FRAMING_OK &&
				same_framing(&fr, &same),
			    "%s is %s in French", n->name, n->french);
	}
}

int
main(void)
{
	uint64_t state = dice_seed();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(&rows[i]);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		test_refused(&refused[i]);
	test_tail_fits();
	test_longest();
	test_odd_tags();
	test_every_width();
	test_names();
	test_by_chance(&state);
	return done_testing();
}
