/*
 * From bytes to messages; see decode.h. Three families of modes:
 *
 *	a length first	windev, fixed-header, netstring, binary
 *	an end behind	end-tag, lines: the first tag; end-tag-buffer: at the
 *			end of a read
 *	none		raw: what a read brought; until-close: all of it
 *
 * A message is `start` (where it begins in the bytes given), `head` (length
 * of its header), payload, trailer.
 */

#include <string.h>

#include "base/utf8.h"
#include "codec/decode.h"
#include "codec/mask.h"

enum step {
	STEP_OK,
	STEP_MORE,
	STEP_BAD,
};

void
decoder_init(struct decoder *d, const struct framing *fr)
{
	memset(d, 0, sizeof(*d));
	d->fr = fr;
}

/* The message at in.p is refused because of its byte `at`. */
static enum step
refuse(struct decoder *d, enum decode_error code, struct slice in, size_t at)
{
	d->fault = (struct decode_fault){
	    .code = code,
	    .offset = d->offset + at,
	    .start = d->offset,
	    .look = {in.p + at, in.len - at},
	    .announced = d->announced,
	};
	return STEP_BAD;
}

/* v * 10 + digit, staying at the top where it would overflow. */
static inline uint64_t
add_digit(uint64_t v, uint8_t digit)
{
	if (v > (UINT64_MAX - digit) / 10)
		return UINT64_MAX;
	return v * 10 + digit;
}

/* Reads digits from in.p on; returns how many there are, 21 at the most. */
static inline size_t
read_digits(struct slice in, uint64_t *value)
{
	uint64_t v = 0;
	size_t i;
	uint8_t c;

	for (i = 0; i < in.len && i <= FRAMING_DIGITS_MAX; i++) {
		c = (uint8_t)(in.p[i] - '0');
		if (c > 9)
			break;
		v = i < 19 ? v * 10 + c : add_digit(v, c);
	}
	*value = v;
	return i;
}

/*
 * Digits and what must end them: the header of windev and of netstring. A
 * netstring's length has no zero in front.
 */
static inline enum step
read_decimal(struct decoder *d, struct slice in)
{
	const bool windev = d->fr->mode == FRAMING_WINDEV;
	const char *end = windev ? "\r\n" : ":";
	size_t n = read_digits(in, &d->announced), i;

	if (!windev && n > 1 && in.p[0] == '0') {
		d->announced = 0; /* however many digits have come */
		return refuse(d, DECODE_ERR_ZERO, in, 0);
	}
	if (n > FRAMING_DIGITS_MAX)
		return refuse(d, DECODE_ERR_DIGITS, in, n - 1);
	for (i = 0; end[i] != '\0'; i++) {
		if (n + i == in.len)
			return STEP_MORE;
		if (n == 0)
			return refuse(d, DECODE_ERR_LENGTH, in, 0);
		if (in.p[n + i] != (uint8_t)end[i])
			return refuse(d, DECODE_ERR_HEADER, in, n + i);
	}
	d->head = n + i;
	return STEP_OK;
}

/* Blanks, digits, blanks; refused as early as it can be told. */
static enum step
read_fixed(struct decoder *d, struct slice in)
{
	const size_t width = d->fr->width;
	size_t i, digits = 0, seen = in.len < width ? in.len : width;
	uint64_t v = 0;
	bool over = false;

	for (i = 0; i < seen; i++) {
		uint8_t c = (uint8_t)(in.p[i] - '0');

		if (c <= 9 && !over) {
			v = add_digit(v, c);
			digits++;
		} else if (in.p[i] == ' ') {
			over = digits > 0;
		} else {
			return refuse(d,
			    digits > 0 ? DECODE_ERR_HEADER : DECODE_ERR_LENGTH,
			    in, i);
		}
	}
	if (seen < width)
		return STEP_MORE;
	if (digits == 0)
		return refuse(d, DECODE_ERR_BLANK, in, 0);
	d->announced = v;
	d->head = width;
	return STEP_OK;
}

static enum step
read_binary(struct decoder *d, struct slice in)
{
	const unsigned width = d->fr->width;
	uint64_t v = 0;
	unsigned i;

	if (in.len < width)
		return STEP_MORE;
	for (i = 0; i < width; i++)
		v = v << 8 | in.p[d->fr->big_endian ? i : width - 1 - i];
	d->announced = v;
	d->head = width;
	return STEP_OK;
}

/* Bytes behind the payload: those that its length counts, and the others. */
static size_t
counted_tail(const struct framing *fr)
{
	return fr->mode == FRAMING_WINDEV ? fr->tag_len : 0;
}

static size_t
uncounted_tail(const struct framing *fr)
{
	return fr->tag_len - counted_tail(fr);
}

/* The header at in.p: sets head and announced, and holds them to the limit. */
static inline enum step
read_header(struct decoder *d, struct slice in)
{
	const struct framing *fr = d->fr;
	const uint64_t unit = fr->count == FRAMING_COUNT_UTF16 ? 2 : 1;
	enum step r;

	switch (fr->mode) {
	case FRAMING_WINDEV:
	case FRAMING_NETSTRING:
		r = read_decimal(d, in);
		break;
	case FRAMING_FIXED_HEADER:
		r = read_fixed(d, in);
		break;
	default:
		r = read_binary(d, in);
	}
	if (r != STEP_OK)
		return r;
	/* A code point has at least one byte, so its limit holds as well. */
	if (d->announced > (fr->max + counted_tail(fr)) / unit)
		return refuse(d, DECODE_ERR_LONG, in, 0);
	if (fr->count != FRAMING_COUNT_CHARS &&
	    d->announced * unit < counted_tail(fr))
		return refuse(d, DECODE_ERR_TAIL, in, 0);
	return STEP_OK;
}

/* count=chars: walks on over the code points; *size is the payload's. */
static enum step
count_chars(struct decoder *d, struct slice in, bool at_end, size_t *size)
{
	const struct framing *fr = d->fr;
	size_t from = d->head + d->scanned, used;

	d->counted += utf8_count(in.p + from, in.len - from,
	    d->announced - d->counted, at_end, &used);
	d->scanned += used;
	*size = d->scanned;
	if (*size > fr->max + fr->tag_len)
		return refuse(d, DECODE_ERR_LONG, in, 0);
	if (d->counted < d->announced)
		return STEP_MORE;
	if (*size < fr->tag_len)
		return refuse(d, DECODE_ERR_TAIL, in, 0);
	return STEP_OK;
}

/* The payload behind the header, and what stands behind it in turn. */
static inline enum step
read_body(struct decoder *d, struct slice in, bool at_end, size_t *payload,
    size_t *total)
{
	const struct framing *fr = d->fr;
	size_t size = (size_t)d->announced, i;

	if (fr->count == FRAMING_COUNT_CHARS) {
		enum step r = count_chars(d, in, at_end, &size);

		if (r != STEP_OK)
			return r;
	} else if (fr->count == FRAMING_COUNT_UTF16)
		size *= 2;
	*total = d->head + size + uncounted_tail(fr);
	if (in.len < *total)
		return STEP_MORE;
	for (i = 0; i < fr->tag_len; i++)
		if (in.p[*total - fr->tag_len + i] != fr->tag[i])
			return refuse(d, DECODE_ERR_TRAILER, in,
			    *total - fr->tag_len + i);
	*payload = size - counted_tail(fr);
	return STEP_OK;
}

/* A message has been consumed: nothing is known of the next one. */
static inline void
advance(struct decoder *d, size_t total)
{
	d->offset += total;
	d->messages++;
	d->scanned = 0;
	d->head = 0;
	d->announced = 0;
	d->counted = 0;
}

/*
 * Frames like the one before: as long as the header's bytes are the same, so
 * is all else, and nothing has to be read from one frame to find the next. The
 * frame before stands in front of `in`. Returns how many there were.
 */
static size_t
decode_same(const struct decoder *d, struct slice in, size_t total,
    size_t payload, struct batch *out)
{
	static const uint8_t bits[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\0\0\0\0\0\0\0";
	const size_t head = total - payload;
	uint64_t mask, want, saw;
	size_t n = 0;

	if (d->fr->tag_len > 0 || d->fr->count == FRAMING_COUNT_CHARS ||
	    head > sizeof(mask) || total < sizeof(mask))
		return 0;
	memcpy(&mask, bits + sizeof(mask) - head, sizeof(mask));
	memcpy(&want, in.p - total, sizeof(want));
	want &= mask;
	for (; in.len >= total && out->n < out->cap; n++) {
		memcpy(&saw, in.p, sizeof(saw));
		if ((saw & mask) != want)
			break;
		batch_add(out, in.p + head, payload);
		in.p += total;
		in.len -= total;
	}
	return n;
}

static enum decode_result
decode_lengths(struct decoder *d, struct slice in, bool at_end,
    struct batch *out, size_t *used)
{
	size_t payload = 0, total = 0, same;
	enum step r;

	*used = 0;
	while (in.len > 0) {
		r = d->head == 0 ? read_header(d, in) : STEP_OK;
		if (r == STEP_OK)
			r = read_body(d, in, at_end, &payload, &total);
		if (r == STEP_BAD)
			return DECODE_BAD;
		if (r == STEP_MORE)
			break;
		if (out->n == out->cap)
			return DECODE_FULL;
		batch_add(out, in.p + d->head, payload);
		advance(d, total);
		*used += total;
		in.p += total;
		in.len -= total;
		same = decode_same(d, in, total, payload, out);
		d->offset += same * total;
		d->messages += same;
		*used += same * total;
		in.p += same * total;
		in.len -= same * total;
	}
	return DECODE_MORE;
}

/* Does the tag stand at p? Its first and last byte have been seen. */
static bool
tag_stands(const struct framing *fr, const uint8_t *p)
{
	return fr->tag_len <= 2 ||
	    memcmp(p + 1, fr->tag + 1, fr->tag_len - 2) == 0;
}

/* Bits for the places in the block at p where the tag may begin. */
static uint64_t
tag_mask(const struct framing *fr, const uint8_t *p)
{
	const size_t last = fr->tag_len - 1;
	uint64_t m = mask_64(p, fr->tag[0]);

	return last == 0 ? m : m & mask_64(p + last, fr->tag[last]);
}

/* What the search for tags is doing, in registers as far as it goes. */
struct search {
	size_t from;  /* no tag begins before this one */
	size_t start; /* of the message whose end is looked for */
	size_t taken; /* messages put into the batch */
};

/*
 * Takes the tag that begins at `at`: the message before it goes into the
 * batch. A place inside the tag taken last is none, nor is one inside a
 * character. STEP_MORE: that filled the batch.
 */
static inline enum step
take_tag(const struct framing *fr, struct slice in, size_t at, struct search *s,
    struct batch *out)
{
	if (at < s->start || ((at - s->start) & fr->tag_align) != 0)
		return STEP_OK;
	if (at - s->start > fr->max)
		return STEP_BAD;
	batch_add(out, in.p + s->start, at - s->start);
	s->start = at + fr->tag_len;
	s->taken++;
	return out->n == out->cap ? STEP_MORE : STEP_OK;
}

/*
 * Every tag that begins in [s->from, end): by blocks, and what is less than a
 * block byte by byte.
 */
static enum step
take_tags(const struct framing *fr, struct slice in, size_t end,
    struct search *s, struct batch *out)
{
	const size_t last = fr->tag_len - 1;
	const uint8_t *hit;
	enum step r = STEP_OK;
	uint64_t m;

	for (; end - s->from >= MASK_BLOCK; s->from += MASK_BLOCK) {
		for (m = tag_mask(fr, in.p + s->from); m != 0; m &= m - 1) {
			hit = in.p + s->from + __builtin_ctzll(m);
			if (tag_stands(fr, hit))
				r = take_tag(
				    fr, in, (size_t)(hit - in.p), s, out);
			if (r != STEP_OK)
				return r;
		}
	}
	while (s->from < end &&
	    (hit = memchr(in.p + s->from, fr->tag[0], end - s->from))) {
		s->from = (size_t)(hit - in.p);
		if (hit[last] == fr->tag[last] && tag_stands(fr, hit))
			r = take_tag(fr, in, s->from, s, out);
		if (r != STEP_OK)
			return r;
		s->from++;
	}
	s->from = end;
	return STEP_OK;
}

static enum decode_result
decode_tags(struct decoder *d, struct slice in, struct batch *out, size_t *used)
{
	const struct framing *fr = d->fr;
	struct search s = {.from = d->scanned};
	struct slice rest;
	enum step r = STEP_OK;

	*used = 0;
	if (out->n == out->cap)
		return DECODE_FULL;
	if (in.len >= fr->tag_len)
		r = take_tags(fr, in, in.len - fr->tag_len + 1, &s, out);
	*used = s.start;
	rest = slice_of(in.p + s.start, in.len - s.start);
	d->offset += s.start;
	d->messages += s.taken;
	d->scanned = r == STEP_OK && s.from > s.start ? s.from - s.start : 0;
	if (r == STEP_BAD ||
	    (r == STEP_OK && rest.len >= fr->max + fr->tag_len)) {
		refuse(d, DECODE_ERR_LONG, rest, 0);
		return DECODE_BAD;
	}
	return r == STEP_MORE && rest.len > 0 ? DECODE_FULL : DECODE_MORE;
}

/* Delivers in.p[0..len) as one message of `total` bytes on the wire. */
static enum decode_result
deliver(struct decoder *d, struct slice in, size_t len, size_t total,
    struct batch *out, size_t *used)
{
	if (len > d->fr->max) {
		refuse(d, DECODE_ERR_LONG, in, 0);
		return DECODE_BAD;
	}
	batch_add(out, in.p, len);
	advance(d, total);
	*used = total;
	return DECODE_MORE;
}

static enum decode_result
decode_tag_at_end(
    struct decoder *d, struct slice in, struct batch *out, size_t *used)
{
	const struct framing *fr = d->fr;

	*used = 0;
	if (in.len >= fr->tag_len &&
	    ((in.len - fr->tag_len) & fr->tag_align) == 0 &&
	    memcmp(in.p + in.len - fr->tag_len, fr->tag, fr->tag_len) == 0)
		return out->n == out->cap
		    ? DECODE_FULL
		    : deliver(d, in, in.len - fr->tag_len, in.len, out, used);
	if (in.len >= fr->max + fr->tag_len) {
		refuse(d, DECODE_ERR_LONG, in, 0);
		return DECODE_BAD;
	}
	return DECODE_MORE;
}

static enum decode_result
decode_raw(struct decoder *d, struct slice in, struct batch *out, size_t *used)
{
	*used = 0;
	if (in.len == 0)
		return DECODE_MORE;
	if (out->n == out->cap)
		return DECODE_FULL;
	batch_add(out, in.p, in.len);
	advance(d, in.len);
	*used = in.len;
	return DECODE_MORE;
}

enum decode_result
decode(struct decoder *d, struct slice in, struct batch *out, size_t *used)
{
	switch (d->fr->mode) {
	case FRAMING_END_TAG:
	case FRAMING_LINES:
		return decode_tags(d, in, out, used);
	case FRAMING_END_TAG_BUFFER:
		return decode_tag_at_end(d, in, out, used);
	case FRAMING_RAW:
		return decode_raw(d, in, out, used);
	case FRAMING_UNTIL_CLOSE:
		*used = 0;
		if (in.len <= d->fr->max)
			return DECODE_MORE;
		refuse(d, DECODE_ERR_LONG, in, 0);
		return DECODE_BAD;
	default:
		return decode_lengths(d, in, false, out, used);
	}
}

/* The end came inside a message: how much of it there is. */
static enum decode_result
cut(struct decoder *d, struct slice in)
{
	const struct framing *fr = d->fr;
	struct decode_fault *f = &d->fault;

	refuse(d, DECODE_ERR_CUT, in, 0);
	f->offset = d->offset + in.len;
	if (fr->mode == FRAMING_END_TAG || fr->mode == FRAMING_END_TAG_BUFFER) {
		f->have = in.len;
	} else if (d->head == 0) {
		f->in_header = true;
		f->announced = 0;
		f->have = in.len;
		f->need = fr->width;
	} else {
		f->need = d->announced;
		f->have = fr->count == FRAMING_COUNT_CHARS ? d->counted
							   : in.len - d->head;
		if (fr->count == FRAMING_COUNT_UTF16)
			f->need *= 2;
		f->need += uncounted_tail(fr);
	}
	return DECODE_CUT;
}

enum decode_result
decode_end(struct decoder *d, struct slice in, struct batch *out)
{
	const struct framing *fr = d->fr;
	enum decode_result r;
	size_t used = 0;

	if (in.len == 0 || fr->mode == FRAMING_RAW)
		return DECODE_MORE;
	if (fr->mode == FRAMING_UNTIL_CLOSE || fr->open_end)
		return deliver(d, in, in.len, in.len, out, &used);
	if (fr->mode == FRAMING_END_TAG || fr->mode == FRAMING_END_TAG_BUFFER)
		return cut(d, in);
	r = decode_lengths(d, in, true, out, &used);
	if (r != DECODE_MORE || used == in.len)
		return r;
	return cut(d, slice_of(in.p + used, in.len - used));
}

uint64_t
decode_need(const struct decoder *d, size_t have)
{
	const struct framing *fr = d->fr;
	uint64_t size = d->announced;

	if (d->head == 0 || fr->count == FRAMING_COUNT_CHARS)
		return (uint64_t)have + 1;
	if (fr->count == FRAMING_COUNT_UTF16)
		size *= 2;
	return d->head + size + uncounted_tail(fr);
}
