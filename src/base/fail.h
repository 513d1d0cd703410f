/*
 * An error as a value, for the cold path: the status that it leads to, what
 * is said of it, and what the user can try. The caller owns the struct, which
 * holds its own text, so it can be returned, kept and compared. Only src/cmd
 * prints it. Hot paths return small enums and make a fail of them at the edge.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include <stdbool.h>

#include "base/status.h"

struct fail {
	enum status status;
	int signal;	/* if not 0: die by it, as it would have been, and say
		       nothing */
	int exit;	/* if not 0: exit with it in place of the status, for
		       it is that of a process that we have started */
	bool leave_now; /* a thread of ours hangs: the process ends by _exit */
	char what[768];
	char hint[512]; /* empty if there is nothing to try */
};

/*
 * Replaces what the fail said and drops its hint. Always returns -1, so that
 * a function can end in `return fail_set(...)`.
 */
int fail_set(struct fail *, enum status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds what to try; a line of its own, without a full stop. Always -1. */
int fail_hint(struct fail *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Puts "PREFIX: " before what was said. Where both do not fit, "..." takes the
 * place of the prefix's middle; what was said loses its end only if it leaves
 * less than FAIL_PREFIX_MIN bytes. Always returns -1.
 */
#define FAIL_PREFIX_MIN 64
int fail_prefix(struct fail *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
