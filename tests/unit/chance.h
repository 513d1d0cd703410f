/* Framings and messages by chance, for the tests that throw dice. */
#ifndef UNIT_CHANCE_H
#define UNIT_CHANCE_H

#include "codec/framing.h"

/* Any mode with any parameters, such as framing_parse could have read. */
void chance_framing(uint64_t *state, struct framing *);

/*
 * At most cap bytes that this framing may find hard: pieces of its tag,
 * headers, code points, NUL. Gives their number.
 */
size_t chance_message(
    uint64_t *state, const struct framing *, uint8_t *p, size_t cap);

/* Rising places in [0, len], n of them. */
void chance_cuts(uint64_t *state, size_t len, size_t *cuts, size_t n);

#endif
