/*
 * What a channel has only as long as something of it is unfinished, the bytes
 * of a message among it; see chan.h.
 */

#include <stdlib.h>
#include <string.h>

#include "chan/parts.h"

/* What an empty slice points to. */
static const uint8_t nothing[1];

struct chan_work *
chan_work(struct chan *c)
{
	struct chan_loop *l = c->loop;
	struct chan_work *w = c->work;

	if (w != NULL)
		return w;
	/* One that was given back is as good as new, but for these. */
	w = l->work != NULL ? l->work : calloc(1, sizeof(*w));
	l->work = NULL;
	if (w == NULL)
		return NULL;
	decoder_init(&w->decoder, c->in);
	encoder_init(&w->encoder, c->out);
	return c->work = w;
}

/* A fault stays, for whoever asks how it ended. */
void
chan_rest(struct chan *c)
{
	struct chan_work *w = c->work;

	if (w == NULL || w->part != NULL || w->held != NULL ||
	    w->decoder.fault.code != DECODE_OK || chan_queue_len(c) > 0)
		return;
	if (w->queue.p != NULL)
		chan_queue_give(c);
	c->work = NULL;
	if (c->loop->work == NULL)
		c->loop->work = w;
	else
		free(w);
}

void
chan_part_drop(struct chan *c)
{
	struct chan_work *w = c->work;

	c->loop->bytes -= w->part_cap;
	free(w->part);
	w->part = NULL;
	w->part_len = w->part_cap = 0;
}

bool
chan_part_keep(struct chan *c, struct slice rest)
{
	struct chan_work *w = c->work;
	uint8_t *p;

	if (rest.len == 0) {
		chan_part_drop(c);
		return true;
	}
	if (w->part != NULL && rest.p >= w->part &&
	    rest.p < w->part + w->part_cap) {
		memmove(w->part, rest.p, rest.len);
		w->part_len = rest.len;
		return true;
	}
	p = malloc(rest.len);
	if (p == NULL)
		return false;
	memcpy(p, rest.p, rest.len);
	chan_part_drop(c);
	w->part = p;
	w->part_len = w->part_cap = rest.len;
	c->loop->bytes += w->part_cap;
	return true;
}

struct slice
chan_part_bytes(const struct chan *c)
{
	const struct chan_work *w = c->work;

	if (w == NULL || w->part == NULL)
		return slice_of(nothing, 0);
	return slice_of(w->part, w->part_len);
}

size_t
chan_partial(const struct chan *c)
{
	if (c->work == NULL || c->work->held != NULL)
		return 0; /* what is behind the batch has not been looked at */
	return c->work->part_len;
}

size_t
chan_part_memory(const struct chan *c)
{
	return c->work == NULL ? 0 : c->work->part_cap;
}

uint64_t
chan_part_ms(const struct chan *c)
{
	return c->work == NULL ? 0 : c->work->part_ms;
}

void
chan_work_end(struct chan *c)
{
	struct chan_work *w = c->work;

	if (w == NULL)
		return;
	chan_part_drop(c);
	chan_inbox_free(w->held);
	/* Not for others: the loop may have given up what it had to spare. */
	c->loop->bytes -= w->queue.cap;
	free(w->queue.p);
	free(w);
	c->work = NULL;
}
