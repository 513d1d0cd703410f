/*
 * Host names with letters beyond ASCII, as DNS and proxies know them: each such
 * label in lower case and in Punycode behind "xn--" (RFC 5891, RFC 3492).
 */
#ifndef NET_IDN_H
#define NET_IDN_H

#include <stddef.h>

#define IDN_MAX 255 /* 253 bytes, perhaps a dot behind them, and a NUL */

/*
 * Writes the ASCII form of a name in UTF-8 to out[IDN_MAX]; a name in ASCII
 * stays as it is. NULL, or what is wrong with it: "label 2: expected ..., saw
 * ...", in `why`.
 *
 * Letters are folded as the C library knows them, and full-width forms and the
 * ideographic full stops become ASCII. Nothing is composed: a letter and an
 * accent behind it stay two.
 */
const char *idn_to_ascii(const char *name, char *out, char *why, size_t cap);

#endif
