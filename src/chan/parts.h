/*
 * Between the parts of a channel, and for nobody else: chan.c reads and has
 * the states, send.c writes, packet.c does both where there are datagrams,
 * loop.c has what the channels of a loop share.
 */
#ifndef CHAN_PARTS_H
#define CHAN_PARTS_H

#include "chan/chan.h"

/* A part of a message that is moved into the inbox rather than grown. */
#define CHAN_PART_SMALL (64u << 10)
#define CHAN_INBOX (CHAN_READ + CHAN_PART_SMALL)

/* Tells the stream what to wait for, from the two states. */
void chan_set_want(struct chan *);

/* The part of chan_queued that is in the queue itself. */
static inline size_t
chan_queue_len(const struct chan *c)
{
	return c->queue.len - c->queue_at;
}

/*
 * After a change of the framing: what has come and is no message yet may be
 * one now. False: there is nothing to look at.
 */
bool chan_look_again(struct chan *);

/* It has something to flush when the turn is over; or no longer. */
void chan_mark_dirty(struct chan *);
void chan_unmark_dirty(struct chan *);

/* The loop does not sleep before the next turn. */
void chan_loop_again(struct chan_loop *);

/* The spare inbox, or a new one; NULL: out of memory. */
struct inbox *chan_inbox_take(struct chan_loop *);
void chan_inbox_give(struct chan_loop *, struct inbox *);
void chan_inbox_free(struct inbox *);

/* One receive and what is in it. False: no more now. */
bool packet_read(struct chan *, struct inbox *);

/* What is left of it. False: paused, or over. */
bool packet_deliver(struct chan *, struct inbox *);

/* As chan_send; what cannot go makes the channel `stalled`. */
enum chan_sent packet_send(struct chan *, const struct batch *, size_t *next);

/* stream->on_undelivered */
void packet_undelivered(struct stream *, const struct stream_peer *, int err);

#endif
