/*
 * How people see messages: a batch becomes bytes for stdout.
 *
 * A sink formats into the caller's buffer and is resumable at any byte, so a
 * message of any size goes through a buffer of any size above SINK_STEP.
 */
#ifndef IO_SINK_H
#define IO_SINK_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/stamp.h"

#define SINK_STEP 512	     /* the least room in which a sink gets on */
#define SINK_LARGE_MIN 16384 /* from here on a message is not copied */

enum sink_kind {
	SINK_LINES,   /* message, LF */
	SINK_NULL,    /* message, NUL */
	SINK_RAW,     /* message */
	SINK_JSON,    /* one object in a line */
	SINK_ESCAPED, /* escaped, LF */
	SINK_HEX,     /* hexadecimal, LF */
	SINK_NONE,    /* counted alone */
};

enum sink_result {
	SINK_OK,    /* the whole batch is in the buffer */
	SINK_FULL,  /* no room; empty the buffer and come again */
	SINK_LARGE, /* write the buffer, then batch->v[*next]; come again */
};

struct sink {
	enum sink_kind kind;
	bool terminal;	     /* escape what could drive a terminal */
	struct stamp *stamp; /* set by the owner; the time before a message,
				for lines, escaped and hex; NULL: none */
	uint64_t count;	     /* messages begun, the current one included */
	int stage;	     /* of the current message */
	size_t pos;	     /* how much of it has been formatted */
};

/*
 * `terminal`: the bytes are for eyes, so what could drive a terminal is
 * escaped in every kind.
 */
void sink_init(struct sink *, enum sink_kind, bool terminal);

/* Formats batch->v[*next...] behind out->p[out->len), moving both. */
enum sink_result sink_put(
    struct sink *, const struct batch *, size_t *next, struct span *out);

/* "lines", "null", ...; false if there is no such kind. */
bool sink_kind_of(const char *name, enum sink_kind *);

#endif
