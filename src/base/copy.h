/* Copying what is short, many million times a second. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define COPY_PIECE 32

static inline size_t
copy_smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * memcpy without a call and without a branch that depends on the length, for
 * the lengths that most messages have: four pieces that overlap as much as
 * they must. Never touches anything outside of [p, p + n) and [to, to + n).
 */
static inline void
copy_short(uint8_t *to, const uint8_t *p, size_t n)
{
	size_t last, second, third;

	if (n < COPY_PIECE || n > 4 * COPY_PIECE) {
		memcpy(to, p, n);
		return;
	}
	last = n - COPY_PIECE;
	second = copy_smaller(COPY_PIECE, last);
	third = copy_smaller(2 * COPY_PIECE, last);
	memcpy(to, p, COPY_PIECE);
	memcpy(to + second, p + second, COPY_PIECE);
	memcpy(to + third, p + third, COPY_PIECE);
	memcpy(to + last, p + last, COPY_PIECE);
}

/* Not 0 if a byte of v is c, which stands in each byte of `all`. */
static inline uint64_t
copy_has(uint64_t v, uint64_t all)
{
	v ^= all;
	return (v - UINT64_C(0x0101010101010101)) & ~v &
	    UINT64_C(0x8080808080808080);
}

/* 8 bytes; not 0 if a or b is among them. So do those below. */
static inline uint64_t
copy_8_look(uint8_t *to, const uint8_t *p, uint8_t a, uint8_t b)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	memcpy(to, &v, sizeof(v));
	return copy_has(v, a * each) | copy_has(v, b * each);
}

static inline uint64_t
copy_16_look(uint8_t *to, const uint8_t *p, uint8_t a, uint8_t b)
{
#ifdef __SSE2__
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);

	_mm_storeu_si128((__m128i *)(void *)to, v);
	return (uint32_t)_mm_movemask_epi8(
	    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)a)),
		_mm_cmpeq_epi8(v, _mm_set1_epi8((char)b))));
#else
	return copy_8_look(to, p, a, b) | copy_8_look(to + 8, p + 8, a, b);
#endif
}

/* n is at least 16; in pieces that overlap, as above. */
static inline uint64_t
copy_pieces_look(uint8_t *to, const uint8_t *p, size_t n, uint8_t a, uint8_t b)
{
	const size_t last = n - 16;
	size_t second, third, i;
	uint64_t found = 0;

	for (i = 0; n - i > 64; i += 16)
		found |= copy_16_look(to + i, p + i, a, b);
	second = copy_smaller(i + 16, last);
	third = copy_smaller(i + 32, last);
	i = copy_smaller(i, last);
	return found | copy_16_look(to + i, p + i, a, b) |
	    copy_16_look(to + second, p + second, a, b) |
	    copy_16_look(to + third, p + third, a, b) |
	    copy_16_look(to + last, p + last, a, b);
}

/*
 * Copies, and looks at what passes: true if neither a nor b is among the
 * bytes. Touches nothing outside either.
 */
static inline bool
copy_without(uint8_t *to, const uint8_t *p, size_t n, uint8_t a, uint8_t b)
{
	uint64_t found = 0;
	size_t i;

	if (n >= 16)
		return copy_pieces_look(to, p, n, a, b) == 0;
	if (n >= 8)
		return (copy_8_look(to, p, a, b) |
			   copy_8_look(to + n - 8, p + n - 8, a, b)) == 0;
	for (i = 0; i < n; i++) {
		to[i] = p[i];
		found |= p[i] == a || p[i] == b;
	}
	return found == 0;
}

#endif
