/*
 * Messages as JSON lines, read. Untrusted text is parsed by jansson; nothing
 * of it is kept. It is an optional part of the program (base/module.h): whoever
 * reads such lines is handed a json_face.
 */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "base/module.h"
#include "base/slice.h"

enum json_result {
	JSON_LINE_MESSAGE, /* out holds its bytes */
	JSON_LINE_IGNORED, /* not one to be sent, and in order */
	JSON_LINE_BAD,	   /* fail says why; it names no line and no file */
};

/* Values in one line: a guard against lines that are made to take memory. */
#define JSON_VALUES_MAX 65536

/*
 * Reads one line. A message is an object with "text" or "b64"; ignored are
 * blank lines, objects with an "event" that is not "message" or whose "dir" is
 * "out", and those that only ask for something ("close", "mode"). out has room
 * for line.len bytes, which always suffices.
 */
enum json_result json_line(
    struct slice line, uint8_t *out, size_t *out_len, struct fail *);

/* What the part is reached by; a change of it raises MODULE_VERSION. */
struct json_face {
	enum json_result (*line)(
	    struct slice line, uint8_t *out, size_t *out_len, struct fail *);
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
