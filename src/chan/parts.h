/*
 * Between the parts of a channel, and for nobody else: chan.c reads and has
 * the states, send.c writes.
 */
#ifndef CHAN_PARTS_H
#define CHAN_PARTS_H

#include "chan/chan.h"

/* Tells the stream what to wait for, from the two states. */
void chan_set_want(struct chan *);

/* The part of chan_queued that is in the queue itself. */
static inline size_t
chan_queue_len(const struct chan *c)
{
	return c->queue.len - c->queue_at;
}

/* It has something to flush when the turn is over. */
void chan_mark_dirty(struct chan *);

#endif
