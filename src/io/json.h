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

enum json_result {
	JSON_LINE_MESSAGE, /* out holds its bytes */
	JSON_LINE_COMMAND, /* something is asked for, and no message sent */
	JSON_LINE_IGNORED, /* not one to be sent, and in order */
	JSON_LINE_BAD,	   /* fail says why; it names no line and no file */
};

/* Values in one line: a guard against lines that are made to take memory. */
#define JSON_VALUES_MAX 65536

#define JSON_MODE_MAX 512
#define JSON_ANYONE 0	       /* no "chan", or "*" */
#define JSON_NOBODY UINT64_MAX /* a "chan" that is no name of a channel */

/* What stands in a line beside a message. */
struct json_beside {
	uint64_t chan;		  /* 7 for "c7", or one of those above */
	bool close;		  /* COMMAND: close the channel, or ... */
	char mode[JSON_MODE_MAX]; /* ... change to this mode, as typed */
};

/*
 * Reads one line. A message is an object with "text" or "b64"; a command has
 * neither, but "close" that is true or "mode". Ignored are blank lines, and
 * objects with an "event" that is not "message" or whose "dir" is "out". out
 * has room for line.len bytes, which always suffices.
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
