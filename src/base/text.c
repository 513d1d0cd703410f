/*
 * Bytes as text and back; see text.h. Calls memory functions alone, so that
 * the codec may use it.
 */

#include <string.h>

#include "base/copy.h"
#include "base/text.h"
#include "base/utf8.h"

/* So much of a record is copied before it is looked at what was in it. */
#define RECORD_PIECE 64

static const char hex_digits[] = "0123456789abcdef";

static void
put(struct span *out, const void *p, size_t len)
{
	memcpy(out->p + out->len, p, len);
	out->len += len;
}

static void
put_hex(struct span *out, uint8_t c)
{
	out->p[out->len++] = (uint8_t)hex_digits[c >> 4];
	out->p[out->len++] = (uint8_t)hex_digits[c & 15];
}

/* The letter that stands behind a backslash for this byte, or 0. */
static char
letter_of(uint8_t c)
{
	switch (c) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\\':
		return '\\';
	}
	return 0;
}

/*
 * How many bytes at p stand for themselves, `room` at the most; 0 if the first
 * one does not. ASCII is taken in runs, anything else one sequence at a time.
 */
static size_t
plain(enum text_style style, const uint8_t *p, size_t len, size_t room)
{
	const bool slash = style == TEXT_TERMINAL || style == TEXT_LINE;
	size_t i = 0;
	uint32_t cp;
	int n;

	if (room > len)
		room = len;
	while (
	    i < room && p[i] >= 0x20 && p[i] < 0x7f && (p[i] != '\\' || slash))
		i++;
	if (i > 0)
		return i;
	if (p[0] == '\n' && style == TEXT_TERMINAL)
		return 1;
	if (p[0] == '\t' && (style == TEXT_TERMINAL || style == TEXT_RECORD))
		return 1;
	if (p[0] < 0x80)
		return 0;
	n = utf8_next(p, len, &cp);
	return n > 0 && utf8_is_safe(cp) ? (size_t)n : 0;
}

bool
text_escape(
    enum text_style style, struct slice in, size_t *pos, struct span *out)
{
	size_t n, room;
	char c[2] = {'\\', 0};

	while (*pos < in.len) {
		room = span_room(out);
		if (room < TEXT_STEP)
			return false;
		n = plain(style, in.p + *pos, in.len - *pos, room);
		if (n > 0) {
			put(out, in.p + *pos, n);
			*pos += n;
			continue;
		}
		c[1] = letter_of(in.p[*pos]);
		if (c[1] == 0) {
			put(out, "\\x", 2);
			put_hex(out, in.p[*pos]);
		} else
			put(out, c, 2);
		(*pos)++;
	}
	return true;
}

/* A piece of a record in which something is escaped; how long it becomes. */
static size_t
escape_piece(uint8_t *to, const uint8_t *p, size_t n, uint8_t end)
{
	uint8_t *const begin = to;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] != end && p[i] != '\\') {
			*to++ = p[i];
			continue;
		}
		*to++ = '\\';
		*to++ = p[i] == '\\' ? '\\' : end == '\n' ? 'n' : '0';
	}
	return (size_t)(to - begin);
}

bool
text_escape_record(bool nul, struct slice in, size_t *pos, struct span *out)
{
	const uint8_t end = nul ? '\0' : '\n';
	const uint8_t *p;
	uint8_t *to;
	size_t n;

	while (*pos < in.len) {
		if (span_room(out) < TEXT_STEP)
			return false;
		/* As much as surely fits. */
		n = copy_smaller(in.len - *pos, RECORD_PIECE);
		n = copy_smaller(n, span_room(out) / 2);
		p = in.p + *pos;
		to = out->p + out->len;
		out->len += copy_without(to, p, n, end, '\\')
		    ? n
		    : escape_piece(to, p, n, end);
		*pos += n;
	}
	return true;
}

bool
text_hex(struct slice in, size_t *pos, struct span *out)
{
	for (; *pos < in.len; (*pos)++) {
		if (span_room(out) < 2)
			return false;
		put_hex(out, in.p[*pos]);
	}
	return true;
}

bool
text_base64(struct slice in, size_t *pos, struct span *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t v;
	size_t n;

	while (*pos < in.len) {
		if (span_room(out) < 4)
			return false;
		n = in.len - *pos < 3 ? in.len - *pos : 3;
		v = (uint32_t)in.p[*pos] << 16;
		if (n > 1)
			v |= (uint32_t)in.p[*pos + 1] << 8;
		if (n > 2)
			v |= in.p[*pos + 2];
		out->p[out->len++] = (uint8_t)digits[v >> 18];
		out->p[out->len++] = (uint8_t)digits[v >> 12 & 63];
		out->p[out->len++] =
		    n > 1 ? (uint8_t)digits[v >> 6 & 63] : (uint8_t)'=';
		out->p[out->len++] =
		    n > 2 ? (uint8_t)digits[v & 63] : (uint8_t)'=';
		*pos += n;
	}
	return true;
}

/* How many bytes at p a JSON string takes as they are. */
static size_t
json_plain(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' &&
	    p[i] != 0x7f)
		i++;
	return i;
}

/* What a byte becomes that json_plain does not take. */
static void
put_json_escape(struct span *out, uint8_t c)
{
	switch (c) {
	case '\n':
		put(out, "\\n", 2);
		break;
	case '\r':
		put(out, "\\r", 2);
		break;
	case '\t':
		put(out, "\\t", 2);
		break;
	case '"':
		put(out, "\\\"", 2);
		break;
	case '\\':
		put(out, "\\\\", 2);
		break;
	default:
		put(out, "\\u00", 4);
		put_hex(out, c);
	}
}

bool
text_json(struct slice in, size_t *pos, struct span *out)
{
	size_t n, room;

	while (*pos < in.len) {
		room = span_room(out);
		if (room < TEXT_STEP)
			return false;
		n = in.len - *pos < room ? in.len - *pos : room;
		n = json_plain(in.p + *pos, n);
		if (n > 0) {
			put(out, in.p + *pos, n);
			*pos += n;
			continue;
		}
		put_json_escape(out, in.p[(*pos)++]);
	}
	return true;
}

/* A unit of UTF-16. */
static void
put_json_unit(struct span *out, uint32_t unit)
{
	put(out, "\\u", 2);
	put_hex(out, (uint8_t)(unit >> 8));
	put_hex(out, (uint8_t)unit);
}

static void
put_json_point(struct span *out, uint32_t cp)
{
	if (cp < 0x10000) {
		put_json_unit(out, cp);
		return;
	}
	put_json_unit(out, 0xd800 + ((cp - 0x10000) >> 10));
	put_json_unit(out, 0xdc00 + ((cp - 0x10000) & 0x3ff));
}

bool
text_json_terminal(struct slice in, size_t *pos, struct span *out)
{
	const uint8_t *p;
	uint32_t cp;
	int n;

	while (*pos < in.len) {
		if (span_room(out) < TEXT_STEP)
			return false;
		p = in.p + *pos;
		n = utf8_next(p, in.len - *pos, &cp);
		if (n <= 0)
			put(out, "\\ufffd", 6);
		else if (n == 1 && json_plain(p, 1) == 0)
			put_json_escape(out, *p);
		else if (utf8_is_safe(cp))
			put(out, p, (size_t)n);
		else
			put_json_point(out, cp);
		*pos += n > 0 ? (size_t)n : 1;
	}
	return true;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Two hexadecimal digits at p, or an error. */
static enum text_error
hex_pair(const uint8_t *p, size_t len, uint8_t *out)
{
	int high, low;

	if (len < 1)
		return TEXT_CUT;
	high = hex_value(p[0]);
	if (high < 0)
		return TEXT_BAD;
	if (len < 2)
		return TEXT_CUT;
	low = hex_value(p[1]);
	if (low < 0)
		return TEXT_BAD;
	*out = (uint8_t)(high << 4 | low);
	return TEXT_OK;
}

/* What stands behind a backslash at p; *used counts its bytes. */
static enum text_error
escape_value(const uint8_t *p, size_t len, uint8_t *out, size_t *used)
{
	if (len == 0)
		return TEXT_CUT;
	*used = 1;
	switch (p[0]) {
	case 'n':
		*out = '\n';
		return TEXT_OK;
	case 'r':
		*out = '\r';
		return TEXT_OK;
	case 't':
		*out = '\t';
		return TEXT_OK;
	case '\\':
		*out = '\\';
		return TEXT_OK;
	case 'x':
		*used = 3;
		return hex_pair(p + 1, len - 1, out);
	}
	return TEXT_BAD;
}

enum text_error
text_unescape(struct slice in, uint8_t *out, size_t *out_len, size_t *pos)
{
	const uint8_t *slash;
	enum text_error err;
	size_t i = 0, n, used;

	*out_len = 0;
	while (i < in.len) {
		slash = memchr(in.p + i, '\\', in.len - i);
		n = slash == NULL ? in.len - i : (size_t)(slash - in.p) - i;
		memmove(out + *out_len, in.p + i, n);
		*out_len += n;
		i += n;
		if (i == in.len)
			break;
		err = escape_value(
		    in.p + i + 1, in.len - i - 1, out + *out_len, &used);
		if (err != TEXT_OK) {
			*pos = i;
			return err;
		}
		++*out_len;
		i += 1 + used;
	}
	return TEXT_OK;
}

/* The byte behind the backslash at in.p, and what both stand for. */
static enum text_error
record_value(struct slice in, bool nul, uint8_t *value)
{
	if (in.len < 2)
		return TEXT_CUT;
	if (in.p[1] == '0' && nul)
		*value = '\0';
	else if (in.p[1] == 'n')
		*value = '\n';
	else if (in.p[1] == '\\')
		*value = '\\';
	else
		return TEXT_BAD;
	return TEXT_OK;
}

enum text_error
text_unescape_record(
    struct slice in, bool nul, uint8_t *out, size_t *out_len, size_t *pos)
{
	const uint8_t *slash;
	enum text_error err;
	size_t i = 0, n;

	*out_len = 0;
	while (i < in.len) {
		slash = memchr(in.p + i, '\\', in.len - i);
		n = slash == NULL ? in.len - i : (size_t)(slash - in.p) - i;
		memmove(out + *out_len, in.p + i, n);
		*out_len += n;
		i += n;
		if (i == in.len)
			break;
		err = record_value(
		    slice_of(in.p + i, in.len - i), nul, out + *out_len);
		if (err != TEXT_OK) {
			*pos = i;
			return err;
		}
		++*out_len;
		i += 2;
	}
	return TEXT_OK;
}

enum text_error
text_unhex(struct slice in, uint8_t *out, size_t *out_len, size_t *pos)
{
	enum text_error err;
	size_t i = 0;

	*out_len = 0;
	while (i < in.len) {
		if (in.p[i] == ' ' || in.p[i] == '\t') {
			i++;
			continue;
		}
		err = hex_pair(in.p + i, in.len - i, out + *out_len);
		if (err != TEXT_OK) {
			*pos = i;
			return err;
		}
		++*out_len;
		i += 2;
	}
	return TEXT_OK;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum text_error
text_unbase64(struct slice in, uint8_t *out, size_t *out_len, size_t *pos)
{
	size_t i, k, pad;
	uint32_t v;
	int d;

	*out_len = 0;
	for (i = 0; i < in.len; i += 4) {
		*pos = i;
		if (in.len - i < 4)
			return TEXT_CUT;
		pad = 0;
		if (i + 4 == in.len && in.p[i + 3] == '=')
			pad = in.p[i + 2] == '=' ? 2 : 1;
		for (v = 0, k = 0; k < 4 - pad; k++) {
			*pos = i + k;
			d = base64_value(in.p[i + k]);
			if (d < 0)
				return TEXT_BAD;
			v = v << 6 | (uint32_t)d;
		}
		v <<= 6 * pad;
		/* Bits that nobody would read must be zero. */
		if (pad > 0 && (v & (pad == 2 ? 0xffff : 0xff)) != 0)
			return TEXT_BAD;
		for (k = 0; k < 3 - pad; k++)
			out[(*out_len)++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return TEXT_OK;
}

char *
text_look(struct slice in, size_t show, char *buf, size_t cap)
{
	struct span out = {(uint8_t *)buf, 1, cap - sizeof("\"...")};
	struct slice part = {in.p, in.len < show ? in.len : show};
	size_t pos = 0;
	bool all;

	buf[0] = '"';
	all = text_escape(TEXT_ESCAPED, part, &pos, &out);
	out.cap = cap;
	if (all && part.len == in.len)
		put(&out, "\"", 2);
	else
		put(&out, "\"...", 5);
	return buf;
}
