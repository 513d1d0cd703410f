/*
 * Could these bytes drive a terminal, or deceive whoever looks at it? Judged
 * by other means than the program has: a list of what is forbidden, typed from
 * the tables of Unicode, and a reader of UTF-8 that writes each code point
 * again to see whether it was in its one form.
 */
#ifndef UNIT_HARMLESS_H
#define UNIT_HARMLESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * NULL if all of it may be shown; otherwise what is wrong, and at which byte.
 * Of the C0 controls, those of `controls` may stand there.
 */
const char *harm_in(
    const uint8_t *p, size_t len, const char *controls, size_t *at);

#endif
