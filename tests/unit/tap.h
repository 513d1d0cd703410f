/*
 * A test program says what it checks in TAP: one line for each sentence about
 * behaviour, and behind one that is not true, what was seen. Chance is here
 * too, because what failed by chance must be found again: a program that
 * throws dice says the seed, and takes it back from the environment (SEED).
 * With STOP in the environment the first sentence that does not hold ends it.
 */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One sentence, and whether it holds; gives that back. */
bool ok(bool holds, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line for whoever looks into a failure. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with bytes, escaped, behind it. */
void diag_bytes(const char *what, const void *p, size_t len);

bool is_bytes(const void *got, size_t got_len, const void *want,
    size_t want_len, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
bool is_text(const char *got, const char *want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Any two integers or enums, compared as 64 bits. */
#define is_num(got, want, ...)                                                 \
	is_int64((int64_t)(got), (int64_t)(want), __VA_ARGS__)
bool is_int64(int64_t got, int64_t want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the plan; returns the status to exit with. */
int done_testing(void);

/* The seed of this run, said once. */
uint64_t dice_seed(void);

/* The next of a stream of numbers that its first state decides. */
uint64_t dice(uint64_t *state);

/* One of [0, n); n is not 0. */
size_t dice_below(uint64_t *state, size_t n);

/* How often to try: n times, less with QUICK in the environment. */
unsigned rounds(unsigned n);

#endif
