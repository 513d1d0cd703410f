/*
 * The names of the modes, read and written.
 *
 *	MODE[=VALUE][,PARAMETER=VALUE ...]
 *
 * A comma always separates; one inside a tag is written \x2c.
 */

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/utf8.h"
#include "codec/framing.h"

const struct framing_name framing_names[] = {
    {"windev", "[,count=bytes|chars|utf16][,tail=BYTES]", NULL,
	"SocketTailleD\xc3\xa9"
	"but",
	"decimal length, CR LF, payload"},
    {"end-tag", "[=TAG]", "SocketEndTag", "SocketMarqueurFin",
	"payload, tag (default <EOF>)"},
    {"end-tag-buffer", "[=TAG]", "SocketEndTagBuffer",
	"SocketMarqueurFinBuffer",
	"the same; a tag ends a message where it "
	"ends a read"},
    {"raw", "", "SocketNoEndTag", "SocketSansMarqueurFin",
	"bytes, no boundaries"},
    {"fixed-header", "[=WIDTH]", NULL, NULL,
	"decimal length padded with blanks to WIDTH (64), payload"},
    {"until-close", "", NULL, NULL, "the whole stream is one message"},
    {"lines", "", NULL, NULL, "payload, LF"},
    {"netstring", "", NULL, NULL, "decimal length, colon, payload, comma"},
    {"u8", "", NULL, NULL, "length in one byte, payload"},
    {"u16be", "", NULL, NULL, "length in two bytes, high one first, payload"},
    {"u16le", "", NULL, NULL, "length in two bytes, low one first, payload"},
    {"u32be", "", NULL, NULL, "length in four bytes, high one first, payload"},
    {"u32le", "", NULL, NULL, "length in four bytes, low one first, payload"},
};

const size_t framing_names_count =
    sizeof(framing_names) / sizeof(framing_names[0]);

/* Further names of a mode that are taken without being offered. */
static const struct {
	const char *alias;
	const char *name;
} aliases[] = {
    {"SocketTailleDebut", "windev"},
    {"SocketTailleD\xc3\x89"
     "but",
	"windev"},
};

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
} tag_names[] = {
    {"CRLF", "\r\n", 2},
    {"LF", "\n", 1},
    {"NUL", "\0", 1},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A piece of the text: [p, p + len), never owned. */
struct word {
	const char *p;
	size_t len;
};

static bool
word_is(struct word w, const char *name)
{
	return strlen(name) == w.len && strncasecmp(w.p, name, w.len) == 0;
}

/* Cuts the word that ends at the first of `stops`, or at the end. */
static struct word
word_cut(const char **text, const char *stops)
{
	struct word w = {*text, strcspn(*text, stops)};

	*text += w.len;
	return w;
}

static const struct framing_name *
find_name(struct word w)
{
	size_t i;

	for (i = 0; i < COUNT(aliases); i++)
		if (word_is(w, aliases[i].alias))
			w = (struct word){
			    aliases[i].name, strlen(aliases[i].name)};
	for (i = 0; i < framing_names_count; i++) {
		const struct framing_name *n = &framing_names[i];

		if (word_is(w, n->name) ||
		    (n->english != NULL && word_is(w, n->english)) ||
		    (n->french != NULL && word_is(w, n->french)))
			return n;
	}
	return NULL;
}

static void
set_tag(struct framing *fr, const char *bytes, size_t len)
{
	memcpy(fr->tag, bytes, len);
	fr->tag_len = len;
	fr->tag_bytes = 0;
}

/* Which of the bytes that w stands for are written \xHH. */
static uint64_t
written_as_bytes(struct word w)
{
	uint64_t bit = 1, bits = 0;
	size_t i;

	for (i = 0; i < w.len; i++, bit <<= 1) {
		if (w.p[i] != '\\')
			continue;
		i++;
		if (w.p[i] != 'x')
			continue;
		bits |= bit;
		i += 2;
	}
	return bits;
}

/* Sets what the name alone says. The table's order is the enum's, but for
 * the binary lengths, whose width and order of bytes are in the name. */
static void
set_mode(struct framing *fr, const struct framing_name *n)
{
	size_t i = (size_t)(n - framing_names);

	memset(fr, 0, sizeof(*fr));
	fr->max = FRAMING_MAX_DEFAULT;
	fr->mode = i < FRAMING_BINARY ? (enum framing_mode)i : FRAMING_BINARY;
	switch (fr->mode) {
	case FRAMING_END_TAG:
	case FRAMING_END_TAG_BUFFER:
		set_tag(fr, "<EOF>", 5);
		break;
	case FRAMING_FIXED_HEADER:
		fr->width = 64;
		break;
	case FRAMING_LINES:
		set_tag(fr, "\n", 1);
		fr->open_end = true;
		break;
	case FRAMING_NETSTRING:
		set_tag(fr, ",", 1);
		break;
	case FRAMING_BINARY:
		fr->width = n->name[1] == '8' ? 1 : n->name[1] == '1' ? 2 : 4;
		fr->big_endian = strstr(n->name, "be") != NULL;
		break;
	default:
		break;
	}
}

static enum framing_error
parse_tag(struct framing *fr, struct word w)
{
	uint8_t bytes[FRAMING_TAG_MAX * 4];
	size_t i, len;

	if (w.len == 0)
		return FRAMING_ERR_EMPTY;
	for (i = 0; i < COUNT(tag_names); i++)
		if (strlen(tag_names[i].name) == w.len &&
		    memcmp(w.p, tag_names[i].name, w.len) == 0) {
			set_tag(fr, tag_names[i].bytes, tag_names[i].len);
			return FRAMING_OK;
		}
	if (w.len > sizeof(bytes))
		return FRAMING_ERR_TAG_LONG;
	if (text_unescape(slice_of(w.p, w.len), bytes, &len, &i) != TEXT_OK)
		return FRAMING_ERR_ESCAPE;
	if (len > FRAMING_TAG_MAX)
		return FRAMING_ERR_TAG_LONG;
	set_tag(fr, (const char *)bytes, len);
	fr->tag_bytes = written_as_bytes(w);
	return FRAMING_OK;
}

static enum framing_error
parse_width(struct framing *fr, struct word w)
{
	unsigned v = 0;
	size_t i;

	if (w.len == 0)
		return FRAMING_ERR_EMPTY;
	for (i = 0; i < w.len; i++) {
		if (w.p[i] < '0' || w.p[i] > '9')
			return FRAMING_ERR_WIDTH;
		v = v * 10 + (unsigned)(w.p[i] - '0');
		if (v > FRAMING_WIDTH_MAX)
			return FRAMING_ERR_WIDTH;
	}
	if (v == 0)
		return FRAMING_ERR_WIDTH;
	fr->width = v;
	return FRAMING_OK;
}

static enum framing_error
parse_count(struct framing *fr, struct word w)
{
	static const char *const names[] = {"bytes", "chars", "utf16"};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (word_is(w, names[i])) {
			fr->count = (enum framing_count)i;
			return FRAMING_OK;
		}
	return FRAMING_ERR_COUNT;
}

/* The value behind the mode's own name. */
static enum framing_error
parse_value(struct framing *fr, struct word w)
{
	switch (fr->mode) {
	case FRAMING_END_TAG:
	case FRAMING_END_TAG_BUFFER:
		return parse_tag(fr, w);
	case FRAMING_FIXED_HEADER:
		return parse_width(fr, w);
	default:
		return FRAMING_ERR_NO_VALUE;
	}
}

/* One NAME=VALUE behind a comma; only windev has any. */
static enum framing_error
parse_param(struct framing *fr, struct word w, unsigned *seen)
{
	const char *rest = w.p;
	struct word name, value;
	unsigned bit;

	name = word_cut(&rest, "=,");
	if (fr->mode != FRAMING_WINDEV || *rest != '=')
		return FRAMING_ERR_PARAM;
	value = (struct word){rest + 1, w.len - name.len - 1};
	bit = word_is(name, "count") ? 1 : word_is(name, "tail") ? 2 : 0;
	if (bit == 0)
		return FRAMING_ERR_PARAM;
	if (*seen & bit)
		return FRAMING_ERR_TWICE;
	*seen |= bit;
	return bit == 1 ? parse_count(fr, value) : parse_tag(fr, value);
}

enum framing_error
framing_parse(const char *text, struct framing *out, size_t *at)
{
	const char *s = text;
	const struct framing_name *n;
	enum framing_error err = FRAMING_OK;
	struct framing fr;
	unsigned seen = 0;

	*at = 0;
	n = find_name(word_cut(&s, "=,"));
	if (n == NULL)
		return FRAMING_ERR_MODE;
	set_mode(&fr, n);
	if (*s == '=') {
		s++;
		*at = (size_t)(s - text);
		err = parse_value(&fr, word_cut(&s, ","));
	}
	while (err == FRAMING_OK && *s == ',') {
		s++;
		*at = (size_t)(s - text);
		err = parse_param(&fr, word_cut(&s, ","), &seen);
	}
	if (err == FRAMING_OK)
		*out = fr;
	return err;
}

bool
framing_tail_fits(const struct framing *fr)
{
	return fr->count != FRAMING_COUNT_UTF16 || fr->tag_len % 2 == 0;
}

const struct framing_name *
framing_name_of(const struct framing *fr)
{
	size_t i = (size_t)fr->mode;

	if (fr->mode == FRAMING_BINARY && fr->width > 1)
		i += fr->width - 1u + (fr->big_endian ? 0u : 1u);
	return &framing_names[i];
}

/* Appends a string; the caller's FRAMING_TEXT_MAX holds them all. */
static char *
add(char *to, const char *s)
{
	size_t n = strlen(s);

	memcpy(to, s, n + 1);
	return to + n;
}

/* Is the tag these bytes, and was it written as characters? */
static bool
tag_is(const struct framing *fr, const char *bytes, size_t len)
{
	return fr->tag_len == len && fr->tag_bytes == 0 &&
	    memcmp(fr->tag, bytes, len) == 0;
}

/*
 * How many bytes of the tag, from i on, are a character that stands for
 * itself; 0: it is to be written in another way. A comma divides, @ stands
 * between a mode and an address, and a blank is easily lost.
 */
static size_t
plain_at(const struct framing *fr, size_t i)
{
	uint32_t cp;
	int n = utf8_next(fr->tag + i, fr->tag_len - i, &cp);

	if (n <= 0 || !utf8_is_safe(cp) || cp == ' ' || cp == ',' ||
	    cp == '@' || cp == '\\')
		return 0;
	/* Half a character cannot be a byte and the other half not. */
	if ((fr->tag_bytes >> i & ((UINT64_C(1) << n) - 1)) != 0)
		return 0;
	return (size_t)n;
}

/* One byte that does not stand for itself. */
static char *
add_escape(char *to, uint8_t c, bool is_byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "\r\n\t\\", names[] = "rnt\\";
	const char *letter = memchr(letters, c, sizeof(letters) - 1);

	*to++ = '\\';
	if (letter != NULL && !is_byte) {
		*to++ = names[letter - letters];
		return to;
	}
	*to++ = 'x';
	*to++ = hex[c >> 4];
	*to++ = hex[c & 15];
	return to;
}

static char *
add_tag(char *to, const struct framing *fr)
{
	size_t i, n;
	bool is_name = false;

	for (i = 0; i < COUNT(tag_names); i++) {
		if (tag_is(fr, tag_names[i].bytes, tag_names[i].len))
			return add(to, tag_names[i].name);
		if (tag_is(fr, tag_names[i].name, strlen(tag_names[i].name)))
			is_name = true;
	}
	for (i = 0; i < fr->tag_len; i += n) {
		n = plain_at(fr, i);
		if (n > 0 && !(is_name && i == 0)) {
			memcpy(to, fr->tag + i, n);
			to += n;
			continue;
		}
		n = 1;
		to = add_escape(to, fr->tag[i], (fr->tag_bytes >> i & 1) != 0);
	}
	*to = '\0';
	return to;
}

char *
framing_print(const struct framing *fr, char *buf)
{
	char *to = add(buf, framing_name_of(fr)->name);
	unsigned w = fr->width;

	switch (fr->mode) {
	case FRAMING_WINDEV:
		if (fr->count == FRAMING_COUNT_CHARS)
			to = add(to, ",count=chars");
		if (fr->count == FRAMING_COUNT_UTF16)
			to = add(to, ",count=utf16");
		if (fr->tag_len > 0)
			add_tag(add(to, ",tail="), fr);
		break;
	case FRAMING_END_TAG:
	case FRAMING_END_TAG_BUFFER:
		add_tag(add(to, "="), fr);
		break;
	case FRAMING_FIXED_HEADER:
		to = add(to, "=");
		if (w >= 10)
			*to++ = (char)('0' + w / 10);
		*to++ = (char)('0' + w % 10);
		*to = '\0';
		break;
	default:
		break;
	}
	return buf;
}
