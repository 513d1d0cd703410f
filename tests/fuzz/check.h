/*
 * What every fuzz target needs: to say which property did not hold and to
 * stop there, to bite choices off the front of the input, and to lay bytes
 * where a sanitizer sees the first one read too far.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/slice.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The property in words, as printf takes them. Does not return. */
static inline void __attribute__((noreturn, format(printf, 3, 4)))
check_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: does not hold: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

#define CHECK(holds, ...)                                                      \
	do {                                                                   \
		if (!(holds))                                                  \
			check_failed(__FILE__, __LINE__, __VA_ARGS__);         \
	} while (0)

/* The next byte of the input, or 0 behind its end. */
static inline uint8_t
check_byte(struct slice *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->p++;
}

static inline void *
check_alloc(size_t len)
{
	void *p = malloc(len);

	if (p == NULL)
		abort();
	return p;
}

/* A copy that is as large as the bytes; to be freed. */
static inline uint8_t *
check_copy(struct slice s)
{
	uint8_t *p = check_alloc(s.len);

	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return p;
}

static inline bool
check_same(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* `n` rising places in [0, len], each so many bytes behind the last one. */
static inline void
check_cuts(struct slice *in, size_t len, size_t unit, size_t *cuts, size_t n)
{
	size_t at = 0, i;

	for (i = 0; i < n; i++) {
		at += check_byte(in) * unit;
		cuts[i] = at < len ? at : len;
		at = cuts[i];
	}
}

/* A line of an error: ended, and nothing in it that drives a terminal. */
static inline void
check_line(const char *text, size_t cap)
{
	const char *end = memchr(text, '\0', cap), *s;

	CHECK(end != NULL, "an error text ends in NUL");
	CHECK(utf8_valid((const uint8_t *)text, (size_t)(end - text)),
	    "an error text is UTF-8: %s", text);
	for (s = text; s < end; s++)
		CHECK((uint8_t)*s >= 0x20 && *s != 0x7f,
		    "an error text has no control in it: %s", text);
}

static inline void
check_fail(const struct fail *f)
{
	check_line(f->what, sizeof(f->what));
	check_line(f->hint, sizeof(f->hint));
	CHECK(f->what[0] != '\0', "an error says something");
	CHECK(f->status > STATUS_DONE && f->status < STATUS_COUNT,
	    "an error has a status, not %d", (int)f->status);
}

#endif
