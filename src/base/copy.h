/* Copying what is short, many million times a second. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

#endif
