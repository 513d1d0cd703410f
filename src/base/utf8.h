/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
 * above U+10FFFF. Whatever the locale says, our side is UTF-8.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0	/* no well-formed sequence begins here */
#define UTF8_PARTIAL -1 /* one may begin here; more bytes would tell */

/*
 * The length (1 to 4) of the sequence at p, or UTF8_BAD or UTF8_PARTIAL.
 * *cp is written for a length; len is at least 1.
 */
int utf8_next(const uint8_t *p, size_t len, uint32_t *cp);

/* How many bytes at p are ASCII, up to the first that is not. */
size_t utf8_ascii(const uint8_t *p, size_t len);

/* Is every byte of p[0..len) part of a well-formed sequence? */
bool utf8_valid(const uint8_t *p, size_t len);

/*
 * Advances over at most `limit` code points and returns how many there were;
 * *used is the number of bytes they take. A byte that begins no well-formed
 * sequence counts one. A sequence that is cut by the end of the bytes stops
 * the count unless at_end says that no more will come; then each of its bytes
 * counts one.
 */
uint64_t utf8_count(
    const uint8_t *p, size_t len, uint64_t limit, bool at_end, size_t *used);

/*
 * May this code point be shown on a terminal? An allow-list (safe.c): what can
 * be seen, or is a blank, or stands on what can be seen. No control, no bidi
 * mark, nothing invisible, nothing private, nothing unassigned.
 */
bool utf8_is_safe(uint32_t cp);

#endif
