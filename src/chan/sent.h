/*
 * What became of the messages that were sent, for whoever has to tell when a
 * connection is lost: those that the peer had not taken, and those that never
 * left and can be sent over another one.
 *
 * Offsets are bytes since the connection began, of frames. An entry is one
 * message; those that the peer has taken are forgotten, so the ledger is as
 * long as the kernel's buffers and the queue together.
 */
#ifndef CHAN_SENT_H
#define CHAN_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct sent {
	uint64_t *end; /* where each message ends */
	size_t n, cap;
	uint64_t begin; /* of the first of them */
};

void sent_init(struct sent *);
void sent_release(struct sent *);

/* A message that ends there. False: out of memory. */
bool sent_add(struct sent *, uint64_t end);

/* Is it time to ask what has been taken, and sent_taken to be called? */
bool sent_is_full(const struct sent *);

/* Everything below the offset has been taken. */
void sent_taken(struct sent *, uint64_t offset);

/* How many messages reach beyond the offset. */
size_t sent_beyond(const struct sent *, uint64_t offset);

/*
 * Frames that nothing of has left, as they would have gone out: slices of one
 * block of memory that is theirs.
 */
struct unsent {
	struct batch frames;
	uint8_t *bytes;
};

/*
 * Takes them from `queue`, whose first byte has the offset `at`. None is no
 * error, and nothing to free. False: out of memory.
 */
bool sent_unsent(
    const struct sent *, struct slice queue, uint64_t at, struct unsent *);

void unsent_free(struct unsent *);

#endif
