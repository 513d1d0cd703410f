/*
 * What bytes say by themselves, before any decoder runs: the marks of other
 * protocols, headers of windev, the plain ones and those that are nearly
 * right, and what kind of bytes they are.
 */
#ifndef CODEC_MARKS_H
#define CODEC_MARKS_H

#include "codec/diagnose.h"

/* A length may be over any --max-message in use; over this it is none. */
#define MARKS_LENGTH_MAX (UINT32_MAX / 2)

/* Does it begin with the byte order mark of UTF-8? */
bool marks_bom(struct slice in);

/*
 * Does the stream begin with the mark of TLS, HTTP, SSH, or of a decimal
 * length in UTF-16? Sets kind and big_endian of the guess.
 */
bool marks_find(struct slice in, struct diagnose_guess *);

/*
 * The header of windev at in.p: its length, or 0 if none stands there.
 * *announced stays at some number over MARKS_LENGTH_MAX where it would be
 * larger.
 */
size_t marks_header(struct slice in, uint64_t *announced);

/*
 * windev, but for lengths that are `off` too large; the grade is NOTHING where
 * they are not.
 */
struct diagnose_guess marks_off(struct slice in, int off, bool at_end);

/*
 * windev, but for a header that people write and a decoder refuses: "+5",
 * "0x5", " 5", "5 ", 21 digits, no CR. The grade is NOTHING also if the bytes
 * begin with no such header; a plain one must not stand there.
 */
struct diagnose_guess marks_near(struct slice in, bool at_end);

/* Is there a byte that text has not, and that is not `but` either? LF: any. */
bool marks_binary(struct slice in, uint8_t but);

/* Blanks and NULs alone. */
bool marks_hollow(struct slice in);

/* Lines that hold numbers and nothing else, whatever their lengths say. */
bool marks_numbers(struct slice in);

/* Of two neighbours always one is a NUL: Western text in UTF-16. */
bool marks_utf16_text(struct slice in);

/* How often a byte stands in the bytes. */
size_t marks_count(struct slice in, uint8_t c);

/* Text between control characters: a tag, and what may open a message. */
bool marks_control_tagged(struct slice in, uint8_t tag);

/* Blanks that go on behind w columns, or may, say that a header is wider. */
bool marks_wider(struct slice in, size_t w);

/* Is a header padded by two or more? One blank is what words have. */
bool marks_padded(struct slice header);

#endif
