/*
 * Where a byte stands in a block of 64, as a bitmap: bit i tells of p[i].
 * Finding several short messages in one block costs one look at it.
 */
#ifndef CODEC_MASK_H
#define CODEC_MASK_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MASK_BLOCK 64

#ifdef __SSE2__
static inline uint64_t
mask_16(const uint8_t *p, __m128i what)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, what));
}

static inline uint64_t
mask_64(const uint8_t *p, uint8_t c)
{
	const __m128i what = _mm_set1_epi8((char)c);

	return mask_16(p, what) | mask_16(p + 16, what) << 16 |
	    mask_16(p + 32, what) << 32 | mask_16(p + 48, what) << 48;
}
#else
static inline uint64_t
mask_64(const uint8_t *p, uint8_t c)
{
	uint64_t m = 0;
	unsigned i;

	for (i = 0; i < MASK_BLOCK; i++)
		m |= (uint64_t)(p[i] == c) << i;
	return m;
}
#endif

#endif
