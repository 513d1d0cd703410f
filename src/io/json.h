/*
 * Messages as JSON lines, read. Untrusted text is parsed by jansson; nothing
 * of it is kept.
 */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "base/fail.h"
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

#endif
