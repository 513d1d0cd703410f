/*
 * How people write messages: bytes from stdin become batches.
 *
 * A source is a framing of people's own (lines, NUL, the whole input) and,
 * behind it, what the record stands for (itself, an escaped or hexadecimal
 * text, a JSON object). It reads nothing itself: it is given what has been
 * read, as a decoder is, and its slices are valid until the next call.
 */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include "base/fail.h"
#include "codec/decode.h"
#include "io/json.h"
#include "io/target.h"

enum source_kind {
	SOURCE_LINES,
	SOURCE_NULL,
	SOURCE_WHOLE, /* one message, even if it is empty */
	SOURCE_RAW,   /* a message is what one read brought */
	SOURCE_JSON,
	SOURCE_ESCAPED,
	SOURCE_HEX,
};

enum source_result {
	SOURCE_MORE, /* all that is complete is in the batch */
	SOURCE_FULL, /* use the batch, call with the rest */
	SOURCE_BAD,  /* what follows the batch is no message: fail says why */
	SOURCE_COMMAND, /* behind the batch something is asked for: command */
};

/* Where a message of the batch stood, and for whom it is. */
struct source_note {
	uint64_t record; /* its line, from 1 on */
	struct target to;
};

/* SOURCE_JSON: what a line asks for, behind its message if it has one. */
struct source_command {
	struct source_note note;
	struct json_beside asks;
};

struct source {
	enum source_kind kind;
	bool crlf; /* a CR before a line's LF is not part of it */
	bool addressed;
	struct framing fr;
	struct decoder decoder;
	const struct json_face *json; /* SOURCE_JSON */
	size_t max;		      /* --max-message */
	uint64_t records; /* looked at so far; of them, some make no message */
	/* For each message of a batch, or NULL; not of what is only framed. */
	struct source_note *notes;
	struct source_command command;
	bool spent; /* SOURCE_BAD came of the input, not of one record */

	/* The source's own. */
	bool skipping;	/* the record has been refused, up to its end */
	size_t stride;	/* records that are framed before one is looked at */
	uint8_t *arena; /* what the records of one call stand for */
	size_t arena_cap;
	uint64_t *lists; /* and for whom they are */
	size_t lists_cap;
};

/*
 * Release it when done; a source may then be initialised again. `json` reads
 * the lines of SOURCE_JSON and may be NULL with any other kind.
 */
void source_init(struct source *, enum source_kind, bool crlf, size_t max,
    const struct json_face *json);
void source_release(struct source *);

/*
 * Behind source_init: for whom a message is matters. Each record of lines,
 * null, escaped and hex begins with a channel and a tab (target.h), and one
 * that does not is SOURCE_BAD, as is a line of JSON whose channels are none. A
 * message of lines is then written as text_unescape_record reads it, one of
 * null the same with \0.
 */
void source_set_addressed(struct source *);

/* Nothing of a batch is needed any more: its memory is given back. */
void source_rest(struct source *);

/* The same source for another input that begins now. */
void source_restart(struct source *);

/*
 * Cuts `in`, of which *used bytes have then been consumed, into messages
 * behind out->v[out->n); they and the lists of their targets are good until
 * the next call. On SOURCE_BAD and SOURCE_COMMAND the batch holds what came
 * before; called with the rest, it goes on behind that record, unless
 * SOURCE_BAD has left it `spent`.
 */
enum source_result source_cut(struct source *, struct slice in,
    struct batch *out, size_t *used, struct fail *);

/*
 * The input has ended and `in` is what was left: nothing follows, whatever
 * this returns. Never SOURCE_FULL.
 */
enum source_result source_end(
    struct source *, struct slice in, struct batch *out, struct fail *);

/* "lines", "null", ...; false if there is no such kind. */
bool source_kind_of(const char *name, enum source_kind *);

#endif
