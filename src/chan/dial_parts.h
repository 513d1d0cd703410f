/*
 * Between the parts of the dialer, and for nobody else: dial.c dials,
 * dial_words.c finds the words.
 */
#ifndef CHAN_DIAL_PARTS_H
#define CHAN_DIAL_PARTS_H

#include "chan/dial.h"

/* What is dialled: the peer, or the proxy in front of it. */
const struct addr *dial_target(const struct dial *);

/* Is it one address, of which no resolver knows? */
bool dial_is_one(const struct addr *);

/* Why nothing answered, with all that was tried: dial->fail. */
void dial_explain(struct dial *);

#endif
