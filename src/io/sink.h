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
#include "io/about.h"
#include "io/format.h"

#define SINK_STEP 512	/* the least room in which a sink gets on */
#define SINK_TAG_MAX 32 /* room for the name of a channel, and a TAB */
/* From here on a message is not copied. */
#define SINK_LARGE_MIN FORMAT_LARGE_MIN

enum sink_kind {
	SINK_LINES,   /* message, LF */
	SINK_NULL,    /* message, NUL */
	SINK_RAW,     /* message */
	SINK_JSON,    /* one object in a line */
	SINK_ESCAPED, /* escaped, LF */
	SINK_HEX,     /* hexadecimal, LF */
	SINK_NONE,    /* counted alone */
	SINK_FORMAT,  /* as a format says it; see sink_set_format */
};

enum sink_result {
	SINK_OK,    /* the whole batch is in the buffer */
	SINK_FULL,  /* no room; empty the buffer and come again */
	SINK_LARGE, /* write the buffer, then batch->v[*next]; come again */
};

struct sink {
	enum sink_kind kind;
	bool terminal;		/* escape what could drive a terminal */
	bool tagged;		/* see sink_set_tagged */
	struct stamp *stamp;	/* set by the owner; the time before a message,
				for lines, escaped and hex; NULL: none */
	struct about about;	/* of whose batch is written */
	char tag[SINK_TAG_MAX]; /* its channel and a TAB */
	size_t tag_len;
	const struct format *format; /* SINK_FORMAT */
	struct slice before, behind; /* what stands around a plain message */
	bool plain;
	int stage;  /* of the current message */
	size_t pos; /* how much of it has been formatted */
	struct format_at at;
};

/*
 * `terminal`: the bytes are for eyes, so what could drive a terminal is
 * escaped in every kind.
 */
void sink_init(struct sink *, enum sink_kind, bool terminal);

/* Makes it one of SINK_FORMAT; the format outlives it. */
void sink_set_format(struct sink *, const struct format *);

/*
 * Each record of lines, null, escaped and hex begins with the channel and a
 * TAB; a time (stamp) stands in front of both. So that no message can forge
 * the record of another channel, what would end its own is escaped: in lines
 * LF is written \n, in null NUL is written \0, and in both backslash \\; on a
 * terminal LF is written \n in null too. JSON has its own "chan"; raw, none
 * and formats stay as they are.
 */
void sink_set_tagged(struct sink *);

/*
 * Whose messages are written from here on; once at least, and only between
 * batches. Where it has no channel, JSON lines have neither "chan" nor "t".
 */
void sink_set_whose(struct sink *, struct about_of *);

/* Formats batch->v[*next...] behind out->p[out->len), moving both. */
enum sink_result sink_put(
    struct sink *, const struct batch *, size_t *next, struct span *out);

/* "lines", "null", ...; false if there is no such kind. */
bool sink_kind_of(const char *name, enum sink_kind *);

#endif
