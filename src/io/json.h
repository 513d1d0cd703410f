/*
 * Messages as JSON lines, read. Untrusted text is parsed by jansson; nothing
 * of it is kept. It is an optional part of the program (base/module.h): whoever
 * reads such lines is handed a json_face.
 */
#ifndef IO_JSON_H
#define IO_JSON_H

#include <stdbool.h>

#include "base/module.h"
#include "base/slice.h"
#include "io/target.h"

enum json_result {
	JSON_LINE_MESSAGE, /* out holds its bytes; more may be asked for */
	JSON_LINE_COMMAND, /* something is asked for, and no message sent */
	JSON_LINE_IGNORED, /* not one to be sent, and in order */
	JSON_LINE_BAD,	   /* fail says why; it names no line and no file */
};

/* Values in one line: a guard against lines that are made to take memory. */
#define JSON_VALUES_MAX 65536

#define JSON_MODE_MAX 512

/* What a line asks for. */
enum json_asked {
	JSON_NOTHING,
	JSON_CLOSE,	/* "close":true: the channel, when all is sent */
	JSON_CLOSE_NOW, /* "close":"now": whatever is queued */
	JSON_SHUT,	/* "shut":true: our half of it, when all is sent */
	JSON_MODE,	/* "mode" */
	JSON_LIST,	/* "list":true: what channels there are */
};

/* What stands in a line beside a message. */
struct json_beside {
	/* Set by the caller. */
	uint64_t *list; /* room for TARGET_ROOM of the line; NULL: no '[' is
			   in it */
	bool strict;	/* channels that are none are JSON_LINE_BAD */

	struct target to; /* NOBODY: "chan" or "except" is no channel */
	enum json_asked what;
	char mode[JSON_MODE_MAX]; /* JSON_MODE: as typed */
};

/*
 * Reads one line. A message is an object with "text" or "b64"; what else it
 * asks for is asked for behind the message. A command has neither. "chan" and
 * "except" are the name of a channel or a list of names; "chan" may also be
 * "*", which is what it is if it is missing, and only then there is "except".
 *
 * Ignored are blank lines, and objects with an "event" that is not "message"
 * or whose "dir" is "out". out has room for line.len bytes, which always
 * suffices.
 */
enum json_result json_line(struct slice line, uint8_t *out, size_t *out_len,
    struct json_beside *, struct fail *);

/* What the part is reached by; a change of it raises MODULE_VERSION. */
struct json_face {
	enum json_result (*line)(struct slice line, uint8_t *out,
	    size_t *out_len, struct json_beside *, struct fail *);
};

/* In json.c, so never named but where that is linked. */
extern const struct json_face json_face;
extern const struct module json_module;

/* How this program has the part. */
extern const struct part json_part;

/*
 * The face, loaded if need be; NULL and the fail of part_open. Who may want it
 * is handed the function, and so only loads it if he does.
 */
typedef const struct json_face *json_opener(struct fail *);
json_opener json_open;

#endif
