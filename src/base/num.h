/*
 * Numbers, sizes and durations as people type them. Nothing but digits is a
 * number: no sign, no blank, no hexadecimal, never empty.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

enum num_result {
	NUM_OK = 0,
	NUM_EMPTY = -1,
	NUM_BAD = -2,	/* a character that does not belong there */
	NUM_SMALL = -3, /* under the minimum */
	NUM_LARGE = -4, /* over the maximum */
};

/* A decimal number in [min, max]; *out is written on NUM_OK alone. */
enum num_result num_parse(
    const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* The same with an optional unit, powers of 1024: K M G, or KiB MiB GiB. */
enum num_result num_size(
    const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* 2^53: a number of milliseconds that JSON can say too. */
#define NUM_DURATION_MAX (UINT64_C(1) << 53)

/*
 * A duration in milliseconds, at most NUM_DURATION_MAX: digits, perhaps with
 * a decimal fraction, and a unit, ms s m h; without a unit it is seconds. What
 * is finer than a millisecond is rounded up, so that only 0 is 0.
 */
enum num_result num_duration(const char *text, uint64_t *ms);

/* The digits of v, at most NUM_DIGITS and no NUL behind; how many. */
#define NUM_DIGITS 20
size_t num_print(uint64_t v, char *to);

#endif
