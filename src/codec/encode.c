/* From messages to bytes; see encode.h. */

#include <string.h>

#include "base/copy.h"
#include "base/utf8.h"
#include "codec/encode.h"

/* Called twice, and worth it: once for each message. */
#define HOT static inline __attribute__((always_inline))

void
encoder_init(struct encoder *e, const struct framing *fr)
{
	memset(e, 0, sizeof(*e));
	e->fr = fr;
}

static enum encode_result
refuse(struct encoder *e, enum encode_error code, struct slice m, size_t at,
    uint64_t limit)
{
	e->fault = (struct encode_fault){
	    .code = code,
	    .message = e->messages + 1,
	    .offset = at,
	    .len = m.len,
	    .limit = limit,
	    .look = {m.p + at, m.len - at},
	};
	return ENCODE_BAD;
}

/*
 * Does the tag begin at m.p[at] if the message is followed by its tag? Only
 * asked near the end, where the two overlap.
 */
static bool
tag_overlaps(const struct framing *fr, struct slice m, size_t at)
{
	size_t inside = m.len - at;

	return memcmp(m.p + at, fr->tag, inside) == 0 &&
	    memcmp(fr->tag, fr->tag + inside, fr->tag_len - inside) == 0;
}

/* Where in the message a reader would find the first tag; m.len: behind it. */
static size_t
find_tag(const struct framing *fr, struct slice m)
{
	const uint8_t *hit, *from = m.p, *end = m.p + m.len;
	size_t at;

	for (;;) {
		if (fr->tag_len == 1)
			hit = memchr(from, fr->tag[0], (size_t)(end - from));
		else
			hit = memmem(
			    from, (size_t)(end - from), fr->tag, fr->tag_len);
		if (hit == NULL)
			break;
		at = (size_t)(hit - m.p);
		if ((at & fr->tag_align) == 0)
			return at;
		from = hit + 1;
	}
	at = m.len < fr->tag_len ? 0 : m.len - fr->tag_len + 1;
	while (at < m.len &&
	    ((at & fr->tag_align) != 0 || !tag_overlaps(fr, m, at)))
		at++;
	return at;
}

/* The largest length that the header can say. */
static uint64_t
header_limit(const struct framing *fr)
{
	uint64_t limit = 1;
	unsigned i;

	if (fr->mode == FRAMING_BINARY)
		return (UINT64_C(1) << (8 * fr->width)) - 1;
	if (fr->mode != FRAMING_FIXED_HEADER || fr->width > 18)
		return UINT64_MAX;
	for (i = 0; i < fr->width; i++)
		limit *= 10;
	return limit - 1;
}

HOT enum encode_result
check(struct encoder *e, struct slice m)
{
	const struct framing *fr = e->fr;
	size_t at;

	if (m.len > fr->max)
		return refuse(e, ENCODE_ERR_LONG, m, 0, fr->max);
	switch (fr->mode) {
	case FRAMING_END_TAG:
	case FRAMING_LINES:
		at = find_tag(fr, m);
		if (at < m.len)
			return refuse(e, ENCODE_ERR_TAG, m, at, 0);
		break;
	case FRAMING_WINDEV:
		if (fr->count == FRAMING_COUNT_UTF16 && m.len % 2 != 0)
			return refuse(e, ENCODE_ERR_UNITS, m, 0, 0);
		break;
	case FRAMING_FIXED_HEADER:
	case FRAMING_BINARY:
		if (m.len > header_limit(fr))
			return refuse(
			    e, ENCODE_ERR_HEADER, m, 0, header_limit(fr));
		break;
	case FRAMING_UNTIL_CLOSE:
		/* Without a byte there is no message that a peer could see. */
		if (e->messages > 0 && m.len > 0)
			return refuse(e, ENCODE_ERR_SECOND, m, 0, 1);
		break;
	default:
		break;
	}
	return ENCODE_OK;
}

/* Digits of v at `to`; returns how many. */
HOT size_t
put_decimal(uint8_t *to, uint64_t v)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	uint64_t top = v;
	size_t n = 1, i;

	if (v < 100) { /* most messages */
		memcpy(to, pairs + (v < 10 ? v * 2 + 1 : v * 2), 2);
		return v < 10 ? 1 : 2;
	}
	for (; top >= 10; top /= 10)
		n++;
	for (i = n; i >= 2; v /= 100) {
		i -= 2;
		memcpy(to + i, pairs + v % 100 * 2, 2);
	}
	if (i == 1)
		to[0] = (uint8_t)('0' + v);
	return n;
}

/*
 * The code points of the message and its tail. A sequence that the message
 * leaves unfinished is judged together with the tail, as a reader will.
 */
static uint64_t
count_chars(const struct framing *fr, struct slice m)
{
	uint8_t join[4 + FRAMING_TAG_MAX];
	size_t used, rest;
	uint64_t n;

	n = utf8_count(m.p, m.len, UINT64_MAX, false, &used);
	rest = m.len - used;
	memcpy(join, m.p + used, rest);
	memcpy(join + rest, fr->tag, fr->tag_len);
	return n +
	    utf8_count(join, rest + fr->tag_len, UINT64_MAX, true, &used);
}

HOT uint64_t
windev_length(const struct framing *fr, struct slice m)
{
	switch (fr->count) {
	case FRAMING_COUNT_CHARS:
		return count_chars(fr, m);
	case FRAMING_COUNT_UTF16:
		return (m.len + fr->tag_len) / 2;
	default:
		return m.len + fr->tag_len;
	}
}

static size_t
put_binary(const struct framing *fr, uint64_t v, uint8_t *to)
{
	unsigned i;

	for (i = 0; i < fr->width; i++) {
		to[fr->big_endian ? fr->width - 1 - i : i] = (uint8_t)v;
		v >>= 8;
	}
	return fr->width;
}

/* The header at `to`, of ENCODE_HEAD_MAX bytes at the most; its length. */
HOT size_t
put_head(const struct framing *fr, struct slice m, uint8_t *to)
{
	size_t n;

	switch (fr->mode) {
	case FRAMING_WINDEV:
		n = put_decimal(to, windev_length(fr, m));
		memcpy(to + n, "\r\n", 2);
		return n + 2;
	case FRAMING_FIXED_HEADER:
		n = put_decimal(to, m.len);
		memset(to + n, ' ', fr->width - n);
		return fr->width;
	case FRAMING_NETSTRING:
		n = put_decimal(to, m.len);
		to[n] = ':';
		return n + 1;
	case FRAMING_BINARY:
		return put_binary(fr, m.len, to);
	default:
		return 0;
	}
}

static inline void
count(struct encoder *e, struct slice m)
{
	if (m.len > 0 || e->fr->mode != FRAMING_UNTIL_CLOSE)
		e->messages++;
}

enum encode_result
encode_wrap(struct encoder *e, struct slice m, struct encode_frame *frame)
{
	enum encode_result r = check(e, m);

	if (r != ENCODE_OK)
		return r;
	frame->head_len = put_head(e->fr, m, frame->head);
	frame->tail = slice_of(e->fr->tag, e->fr->tag_len);
	count(e, m);
	return ENCODE_OK;
}

enum encode_result
encode(struct encoder *e, const struct batch *batch, size_t *next,
    struct span *out)
{
	const struct framing *fr = e->fr;
	uint8_t *to = out->p + out->len;
	enum encode_result r = ENCODE_OK;

	for (; *next < batch->n; ++*next) {
		struct slice m = batch->v[*next];

		if (m.len >= ENCODE_LARGE_MIN)
			r = ENCODE_LARGE;
		else if ((size_t)(out->p + out->cap - to) <
		    ENCODE_HEAD_MAX + m.len + FRAMING_TAG_MAX)
			r = ENCODE_FULL;
		else
			r = check(e, m);
		if (r != ENCODE_OK)
			break;
		to += put_head(fr, m, to);
		copy_short(to, m.p, m.len);
		to += m.len;
		if (fr->tag_len > 0)
			memcpy(to, fr->tag, fr->tag_len);
		to += fr->tag_len;
		count(e, m);
	}
	out->len = (size_t)(to - out->p);
	return r;
}
