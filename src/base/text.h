/*
 * Bytes as text and back: escapes, hexadecimal, base64, JSON strings.
 *
 * Writers are resumable: each appends to *out what fits of in[*pos..), moves
 * *pos, and returns true once all of `in` has been written. A caller with a
 * full buffer empties it and calls again, so any length goes through any
 * buffer of at least TEXT_STEP bytes. Readers need out[0..in.len) and never
 * write more than they read; `out` may be where `in` lies.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>

#include "base/slice.h"

#define TEXT_STEP 16 /* the most that one step of a writer appends */

enum text_style {
	TEXT_ESCAPED,  /* one line, read back by text_unescape unchanged */
	TEXT_TERMINAL, /* for eyes: LF and TAB stay, backslash stays */
	TEXT_LINE,     /* for eyes, in one line: backslash stays */
	TEXT_RECORD, /* for eyes, in one line: TAB stays, backslash does not */
};

enum text_error {
	TEXT_OK = 0,
	TEXT_CUT = -1, /* an escape, a pair or a group that is not complete */
	TEXT_BAD = -2, /* a character that does not belong there */
};

bool text_escape(
    enum text_style, struct slice in, size_t *pos, struct span *out);
bool text_hex(struct slice in, size_t *pos, struct span *out);

/*
 * What is in a record does not end it: LF is written \n, or if `nul` NUL is
 * written \0, and backslash \\. All other bytes stay.
 */
bool text_escape_record(
    bool nul, struct slice in, size_t *pos, struct span *out);
bool text_base64(struct slice in, size_t *pos, struct span *out);

/* The inside of a JSON string; `in` is valid UTF-8. */
bool text_json(struct slice in, size_t *pos, struct span *out);

/* The same for a terminal: what could drive it is written \uXXXX. */
bool text_json_terminal(struct slice in, size_t *pos, struct span *out);

/*
 * Undoes \n \r \t \\ \xHH; any other byte stands for itself. Otherwise *pos is
 * where the backslash stands that begins what was refused.
 */
enum text_error text_unescape(
    struct slice in, uint8_t *out, size_t *out_len, size_t *pos);

/*
 * The same of \n and \\ alone, and of \0 if `nul`: what stands for a byte that
 * would end the record that it is in.
 */
enum text_error text_unescape_record(
    struct slice in, bool nul, uint8_t *out, size_t *out_len, size_t *pos);

/* Pairs of hexadecimal digits, blanks between pairs; *pos as above. */
enum text_error text_unhex(
    struct slice in, uint8_t *out, size_t *out_len, size_t *pos);

/* Base64 of RFC 4648, padded, nothing else in it; *pos as above. */
enum text_error text_unbase64(
    struct slice in, uint8_t *out, size_t *out_len, size_t *pos);

/*
 * A short look at bytes for an error text, escaped and between double quotes,
 * at most `show` bytes of `in`, then "..." if there were more. Always ends in
 * a NUL within cap, which is at least 6; returns buf.
 */
char *text_look(struct slice in, size_t show, char *buf, size_t cap);

#endif
