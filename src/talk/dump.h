/*
 * --dump: bytes as they passed on the wire, for people: offset, hexadecimal
 * and text, sixteen in a line, with the direction in front.
 */
#ifndef TALK_DUMP_H
#define TALK_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Calls say for each line; `offset` is that of the first byte. */
void dump_bytes(bool out, uint64_t offset, struct slice bytes,
    void (*say)(void *, const char *line), void *owner);

#endif
