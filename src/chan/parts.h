/*
 * Between the parts of a channel, and for nobody else: chan.c reads and has
 * the states, send.c writes, packet.c does both where there are datagrams.
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

/* One receive and what is in it. False: no more now. */
bool packet_read(struct chan *, struct inbox *);

/* What is left of it. False: paused, or over. */
bool packet_deliver(struct chan *, struct inbox *);

/* As chan_send; what cannot go makes the channel `stalled`. */
enum chan_sent packet_send(struct chan *, const struct batch *, size_t *next);

/* stream->on_undelivered */
void packet_undelivered(struct stream *, const struct stream_peer *, int err);

#endif
