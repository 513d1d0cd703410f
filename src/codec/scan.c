/*
 * What each byte of a stream is; see scan.h.
 *
 *	between --> header --> body --> between ...
 *	               \_________\____> refused
 *
 * Headers are read by the decoder itself, which is given nothing but their
 * bytes. Behind them bytes are counted. Tags are found by the automaton of
 * Knuth, Morris and Pratt, which needs no byte that has passed.
 */

#include <string.h>

#include "base/utf8.h"
#include "codec/scan.h"

void
scan_init(struct scan *s, const struct framing *fr)
{
	size_t i, k = 0;

	memset(s, 0, sizeof(*s));
	s->fr = fr;
	decoder_init(&s->header, fr);
	for (i = 1; i < fr->tag_len; i++) {
		while (k > 0 && fr->tag[i] != fr->tag[k])
			k = s->border[k];
		if (fr->tag[i] == fr->tag[k])
			k++;
		s->border[i + 1] = (uint8_t)k;
	}
}

/* Of len bytes, no more than n. */
static size_t
at_most(size_t len, uint64_t n)
{
	return n < len ? (size_t)n : len;
}

/* How far a lies beyond b; 0 if it does not. */
static uint64_t
beyond(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* The first byte of a message. */
static void
begin(struct scan *s)
{
	const uint64_t number = s->last.number + 1;

	s->inside = true;
	memset(&s->last, 0, sizeof(s->last));
	s->last.number = number;
	s->last.start = s->offset - s->behind;
	decoder_init(&s->header, s->fr);
	s->header.offset = s->last.start;
	s->size = s->counted = 0;
	s->matched = s->part_len = 0;
	s->odd = SIZE_MAX;
}

/*
 * The message is refused because of its byte `at`. Of the `len` bytes that
 * are left to be taken, and of the header that the piece has already, those
 * from there on are no message's.
 */
static size_t
refuse(struct scan *s, enum decode_error code, uint64_t at, size_t len,
    struct scan_piece *piece)
{
	const uint64_t offset = s->last.start + at;
	const uint64_t from = s->offset - piece->head;
	const size_t good = (size_t)beyond(offset, from);

	s->refused = true;
	s->fault = (struct decode_fault){
	    .code = code,
	    .offset = offset,
	    .start = s->last.start,
	    .announced = s->header.announced,
	};
	piece->refused = piece->head + len - good;
	piece->head = s->last.has_head ? at_most(piece->head, good) : good;
	piece->payload = good - piece->head;
	s->offset += len;
	return len;
}

static void
end_message(struct scan *s, struct scan_piece *piece)
{
	s->inside = false;
	piece->ends = true;
}

/* Bytes of a payload, and of what may be or is behind it. */
static size_t
pass(struct scan *s, struct scan_piece *piece, size_t len, size_t maybe,
    size_t tail)
{
	piece->payload = len - maybe - tail;
	piece->maybe = maybe;
	piece->tail = tail;
	s->offset += len;
	s->last.payload = s->size - s->last.tail;
	return len;
}

/* A header, byte by byte; the message may be complete with it. */
static size_t
take_header(struct scan *s, struct slice in, struct scan_piece *piece)
{
	struct scan_message *m = &s->last;
	struct slice empty;
	struct batch batch = {&empty, 0, 1};
	size_t used = 0, n;

	while (!m->has_head && used < in.len) {
		m->head[m->head_len++] = in.p[used++];
		if (decode(&s->header, slice_of(m->head, m->head_len), &batch,
			&n) == DECODE_BAD)
			return refuse(s, s->header.fault.code,
			    s->header.fault.offset - m->start, in.len, piece);
		m->has_head = s->header.head > 0 || batch.n > 0;
	}
	piece->head = used;
	s->offset += used;
	if (batch.n > 0)
		end_message(s, piece);
	else if (m->has_head && s->fr->count != FRAMING_COUNT_CHARS)
		m->need = decode_need(&s->header, m->head_len) - m->head_len;
	return used;
}

/* Where byte i of the trailer should stand there is c. */
static void
compare_byte(struct scan *s, size_t i, uint8_t c)
{
	if (s->odd == SIZE_MAX && s->fr->tag[i] != c)
		s->odd = i;
}

/* A payload and a trailer of a length that is known. */
static size_t
take_counted(struct scan *s, struct slice in, struct scan_piece *piece)
{
	const uint64_t total = s->last.need;
	const uint64_t payload = total - s->fr->tag_len;
	const size_t len = at_most(in.len, total - s->size);
	const size_t body = at_most(len, beyond(payload, s->size));
	const size_t tail = len - body;
	size_t i;

	for (i = 0; i < tail; i++)
		compare_byte(s, s->last.tail + i, in.p[body + i]);
	if (s->size + len == total && s->odd != SIZE_MAX)
		return refuse(s, DECODE_ERR_TRAILER,
		    s->last.head_len + payload + s->odd, in.len, piece);
	s->size += len;
	s->last.tail += tail;
	if (s->size == total)
		end_message(s, piece);
	return pass(s, piece, len, 0, tail);
}

/* n bytes of `part` are one code point: they are counted and remembered. */
static void
count_one(struct scan *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		s->past[s->size++ % sizeof(s->past)] = s->part[i];
	s->part_len -= n;
	memmove(s->part, s->part + n, s->part_len);
	s->counted++;
}

/*
 * count=chars: one more byte. True: so many have been counted that the message
 * is complete. What is left in `part` then follows it.
 */
static bool
count_byte(struct scan *s, uint8_t c)
{
	uint32_t cp;
	int n;

	s->part[s->part_len++] = c;
	while (s->part_len > 0 && s->counted < s->header.announced) {
		n = utf8_next(s->part, s->part_len, &cp);
		if (n == UTF8_PARTIAL)
			break;
		count_one(s, n == UTF8_BAD ? 1 : (size_t)n);
	}
	return s->counted == s->header.announced;
}

/* A message of count=chars, as far as it has been counted: is it in order? */
static enum decode_error
judge_chars(struct scan *s)
{
	const size_t tag_len = s->fr->tag_len;
	size_t i;

	if (s->size > s->fr->max + tag_len)
		return DECODE_ERR_LONG;
	if (s->counted < s->header.announced)
		return DECODE_OK;
	if (s->size < tag_len)
		return DECODE_ERR_TAIL;
	for (i = 0; i < tag_len; i++)
		compare_byte(
		    s, i, s->past[(s->size - tag_len + i) % sizeof(s->past)]);
	s->last.tail = tag_len;
	return s->odd == SIZE_MAX ? DECODE_OK : DECODE_ERR_TRAILER;
}

/* Where in the message the fault is that judge_chars has found. */
static uint64_t
place_of(const struct scan *s, enum decode_error code)
{
	if (code != DECODE_ERR_TRAILER)
		return 0;
	return s->last.head_len + s->size - s->fr->tag_len + s->odd;
}

/*
 * A code point that was begun and is not finished counts a character for each
 * of its bytes. So the message may have ended among bytes that have passed:
 * then the next one has begun there.
 */
static size_t
end_chars(struct scan *s, struct scan_piece *piece)
{
	const uint64_t end = s->last.start + s->last.head_len + s->size;
	const size_t len = (size_t)beyond(end, s->offset);

	end_message(s, piece);
	s->behind = (size_t)beyond(s->offset, end);
	return pass(s, piece, len, 0, at_most(len, s->last.tail));
}

static size_t
take_chars(struct scan *s, struct slice in, struct scan_piece *piece)
{
	enum decode_error code;
	bool done = false;
	size_t len = 0;

	while (!done && len < in.len)
		done = count_byte(s, in.p[len++]);
	code = judge_chars(s);
	if (code != DECODE_OK)
		return refuse(s, code, place_of(s, code), in.len, piece);
	if (done)
		return end_chars(s, piece);
	piece->payload = len;
	s->offset += len;
	s->last.payload = s->size + s->part_len;
	return len;
}

static size_t
take_length(struct scan *s, struct slice in, struct scan_piece *piece)
{
	size_t used = 0;

	if (!s->last.has_head)
		used = take_header(s, in, piece);
	in = slice_of(in.p + used, in.len - used);
	if (in.len == 0 || !s->inside)
		return used;
	return used +
	    (s->fr->count == FRAMING_COUNT_CHARS ? take_chars(s, in, piece)
						 : take_counted(s, in, piece));
}

/* One more byte: how much of the tag, from its beginning, stands there now? */
static void
match_byte(struct scan *s, uint8_t c)
{
	const struct framing *fr = s->fr;

	while (s->matched > 0 &&
	    (s->matched == fr->tag_len || fr->tag[s->matched] != c))
		s->matched = s->border[s->matched];
	if (fr->tag[s->matched] == c)
		s->matched++;
	s->size++;
}

/* The tag that stands there ends the message, or the read does not. */
static size_t
take_tag(struct scan *s, struct slice in, struct scan_piece *piece)
{
	const struct framing *fr = s->fr;
	const bool at_end = fr->mode == FRAMING_END_TAG_BUFFER;
	size_t len = 0, seen;
	bool ends = false;

	while (!ends && len < in.len) {
		match_byte(s, in.p[len++]);
		ends = s->matched == fr->tag_len &&
		    ((s->size - fr->tag_len) & fr->tag_align) == 0 &&
		    (!at_end || len == in.len);
	}
	if (s->size >= fr->max + fr->tag_len + ends)
		return refuse(s, DECODE_ERR_LONG, 0, in.len, piece);
	seen = at_most(len, s->matched);
	if (!ends)
		return pass(s, piece, len, seen, 0);
	s->last.tail = fr->tag_len;
	end_message(s, piece);
	return pass(s, piece, len, 0, seen);
}

static size_t
take_all(struct scan *s, struct slice in, struct scan_piece *piece)
{
	s->size += in.len;
	if (s->fr->mode == FRAMING_RAW)
		end_message(s, piece);
	else if (s->size > s->fr->max)
		return refuse(s, DECODE_ERR_LONG, 0, in.len, piece);
	return pass(s, piece, in.len, 0, 0);
}

size_t
scan_take(struct scan *s, struct slice in, struct scan_piece *piece)
{
	memset(piece, 0, sizeof(*piece));
	if (s->refused) {
		piece->refused = in.len;
		s->offset += in.len;
		return in.len;
	}
	if (!s->inside)
		begin(s);
	if (s->behind > 0) {
		/* The rest of a code point: no header begins so. */
		s->behind = 0;
		return refuse(s, DECODE_ERR_LENGTH, 0, in.len, piece);
	}
	switch (s->fr->mode) {
	case FRAMING_END_TAG:
	case FRAMING_END_TAG_BUFFER:
	case FRAMING_LINES:
		return take_tag(s, in, piece);
	case FRAMING_RAW:
	case FRAMING_UNTIL_CLOSE:
		return take_all(s, in, piece);
	default:
		return take_length(s, in, piece);
	}
}

/* What is left of a code point at the end counts byte by byte. */
static void
end_part(struct scan *s, struct scan_piece *piece)
{
	enum decode_error code;

	while (s->part_len > 0 && s->counted < s->header.announced)
		count_one(s, 1);
	code = judge_chars(s);
	if (code != DECODE_OK)
		refuse(s, code, place_of(s, code), 0, piece);
	else if (s->counted == s->header.announced)
		end_chars(s, piece);
}

bool
scan_end(struct scan *s)
{
	const struct framing *fr = s->fr;
	struct scan_piece none = {0};

	if (!s->inside || s->refused)
		return false;
	if (s->part_len > 0)
		end_part(s, &none);
	else if (fr->mode == FRAMING_UNTIL_CLOSE || fr->open_end) {
		/* What might have become a tag is payload now. */
		if (s->size > fr->max)
			refuse(s, DECODE_ERR_LONG, 0, 0, &none);
		else
			end_message(s, &none);
	}
	return none.ends;
}
