/*
 * Between the parts of a channel, and for nobody else: chan.c reads and has
 * the states, send.c writes, work.c has what is unfinished, news.c is what is
 * said to many, packet.c does both where there are datagrams, loop.c has what
 * the channels of a loop share.
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
	return c->work == NULL ? 0 : c->work->queue.len - c->work->queue_at;
}

/*
 * After a change of the framing: what has come and is no message yet may be
 * one now. False: there is nothing to look at.
 */
bool chan_look_again(struct chan *);

/* What is said to many, and where this one stands in it. */
struct chan_news {
	struct ring *ring;
	struct ring_reader at;
	uint64_t told; /* messages, since it was settled */
};

static inline size_t
chan_news_len(const struct chan *c)
{
	return c->news == NULL ? 0 : ring_behind(c->news->ring, &c->news->at);
}

/* What it has not sent of it is queued. False: out of memory. */
bool chan_news_settle(struct chan *);

/* The one it has, or one of the loop's. NULL: out of memory. */
struct chan_work *chan_work(struct chan *);

/*
 * Gives it back if nothing is unfinished: when the loop's call is over, since
 * whoever works with it may have called the owner.
 */
void chan_rest(struct chan *);

/* The stream is gone. */
void chan_work_end(struct chan *);

/* The bytes of an unfinished message; they need the channel's work. */
void chan_part_drop(struct chan *);
/* `rest` may lie in those that are kept. False: out of memory. */
bool chan_part_keep(struct chan *, struct slice rest);
/* Empty if there are none. */
struct slice chan_part_bytes(const struct chan *);

/* Room for n bytes behind the queue; false: out of memory. */
bool chan_queue_room(struct chan *, size_t n);
void chan_queue_add(struct chan *, const void *p, size_t len);
/* There is nothing in it: its buffer goes to whoever sends next. */
void chan_queue_give(struct chan *);

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
