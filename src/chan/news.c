/*
 * What is said to many, as one channel sends it: its place in the ring, behind
 * its own queue. What is sent to it alone comes behind the news that it has not
 * sent yet, which become its own then.
 */

#include <stdlib.h>
#include <string.h>

#include "chan/parts.h"

bool
chan_hear(struct chan *c, struct ring *ring)
{
	if (c->news != NULL || c->writing != CHAN_WRITING)
		return true;
	c->news = calloc(1, sizeof(*c->news));
	if (c->news == NULL)
		return false;
	c->news->ring = ring;
	if (ring_join(ring, &c->news->at))
		return true;
	free(c->news);
	c->news = NULL;
	return false;
}

void
chan_told(struct chan *c, uint64_t messages)
{
	if (c->news != NULL)
		c->news->told += messages;
	c->counts.messages_out += messages;
	c->unsaid = true;
	chan_mark_dirty(c);
}

void
chan_mute(struct chan *c)
{
	if (c->news == NULL)
		return;
	ring_leave(c->news->ring, &c->news->at);
	free(c->news);
	c->news = NULL;
}

/* Copies what it has not sent of the news behind its queue. */
static bool
take_news(struct chan *c)
{
	size_t left = chan_news_len(c);
	struct iovec v[4];
	int i, n;

	c->news->told = 0;
	if (left == 0)
		return true;
	if (!chan_queue_room(c, left))
		return false;
	while ((n = ring_peek(&c->news->at, v, 4)) > 0)
		for (i = 0; i < n; i++) {
			chan_queue_add(c, v[i].iov_base, v[i].iov_len);
			ring_advance(c->news->ring, &c->news->at, v[i].iov_len);
		}
	return true;
}

bool
chan_news_settle(struct chan *c)
{
	return c->news == NULL || take_news(c);
}

bool
chan_hear_not(struct chan *c)
{
	if (!chan_news_settle(c))
		return false;
	chan_mute(c);
	return true;
}

uint64_t
chan_skip(struct chan *c)
{
	struct chan_news *news = c->news;
	uint64_t n;

	if (news == NULL)
		return 0;
	if (chan_queue_len(c) == 0)
		n = ring_skip(news->ring, &news->at);
	else {
		/* They are behind the queue, so none of them has begun. */
		n = news->told;
		news->told = 0;
		ring_skip_all(news->ring, &news->at);
	}
	c->counts.messages_out -= n;
	return n;
}

void
chan_tell_low(struct chan *c, size_t low)
{
	c->low = low;
	chan_mark_dirty(c);
}

void
chan_hold(struct chan_loop *l, bool held)
{
	l->held = held;
}
