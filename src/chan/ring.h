/*
 * What is said to many: encoded once, kept once, and sent to each at its own
 * pace.
 *
 *	ring_room, ring_added -->  [block] --> [block] --> [block]
 *	                              ^                       ^
 *	                           a reader             most readers
 *
 * A block holds whole frames, and is freed when nobody stands in it or will
 * come through it; so what is kept is how far the slowest reader is behind.
 * Whoever owns the readers bounds that: a reader that is too far behind skips
 * or leaves, and one that has skipped and reads nothing keeps its own block
 * alone, as soon as a new one is begun.
 */
#ifndef CHAN_RING_H
#define CHAN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/slice.h"

#define RING_BLOCK (256u << 10)

struct ring_block;

struct ring {
	struct ring_block *first, *last;
	uint64_t bytes;	   /* ever added */
	uint64_t messages; /* ever added */
	size_t held;	   /* memory of all blocks */
	struct ring_block *spare;
};

/* Where one reader stands. */
struct ring_reader {
	struct ring_block *block; /* NULL: it has not joined */
	size_t at;		  /* in that block */
	struct ring_block *then;  /* where it goes on behind it; or NULL */
	size_t then_at;
	uint64_t then_messages; /* of ring.messages: before that place */
};

void ring_init(struct ring *);

/* Nobody may be reading any more. */
void ring_release(struct ring *);

/*
 * Room for n bytes of whole frames, behind what is there; NULL: out of
 * memory. The caller appends to the span, and then says how many messages.
 */
struct span *ring_room(struct ring *, size_t n);
void ring_added(struct ring *, uint64_t messages);

/* From here on; what was said before is not for it. False: out of memory. */
bool ring_join(struct ring *, struct ring_reader *);
void ring_leave(struct ring *, struct ring_reader *);

/* Bytes that it has still to read. */
uint64_t ring_behind(const struct ring *, const struct ring_reader *);

/*
 * The next bytes, in at most n pieces; returns how many. They stay where they
 * are until ring_advance.
 */
int ring_peek(const struct ring_reader *, struct iovec *v, int n);
void ring_advance(struct ring *, struct ring_reader *, size_t bytes);

/*
 * Leaves out all blocks but the one in which it has begun, which it must read
 * to its end, since a peer cannot be left inside a frame. Returns how many
 * messages it will not see.
 */
uint64_t ring_skip(struct ring *, struct ring_reader *);

/* The same of one that has begun no frame: it leaves out all. */
void ring_skip_all(struct ring *, struct ring_reader *);

#endif
