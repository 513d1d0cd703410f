/*
 * Pass phrases of our own files: from --tls-pass-file, from the environment
 * (WDSOCK_TLS_PASS), or asked for on the terminal. Never from the command line,
 * which others can read.
 *
 * What was asked for is remembered: when a server reads its files again nobody
 * may be there to be asked, and its clients must not wait for that.
 */
#ifndef CMD_PHRASE_H
#define CMD_PHRASE_H

#include <sys/types.h>

#include "base/fail.h"

#define PHRASE_ENV "WDSOCK_TLS_PASS"
#define PHRASE_MAX 1024

struct phrase; /* one that was asked for */

struct phrases {
	const char *path; /* --tls-pass-file, or NULL */
	struct phrase *asked;
	struct phrase *read; /* of what can be read but once */
};

/* Can the file be read? 0, or -1 and a fail. */
int phrases_check(struct phrases *, struct fail *);

/*
 * The phrase for this file, without a NUL behind it: its length, or -1 if
 * there is none or it does not fit.
 */
ssize_t phrases_get(struct phrases *, const char *file, char *buf, size_t cap);

/* Forgets all of them. */
void phrases_release(struct phrases *);

#endif
