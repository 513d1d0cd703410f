/*
 * What the channels of one loop share: the spare inbox, the spare queue, and
 * the list of those that have something to do when the turn is over.
 *
 *	poll --> again (idle) --> prepare: each that is dirty is flushed
 */

#include <stdlib.h>
#include <string.h>

#include "chan/parts.h"

static void on_prepare(uv_prepare_t *);

int
chan_loop_init(struct chan_loop *l, uv_loop_t *uv)
{
	memset(l, 0, sizeof(*l));
	l->uv = uv;
	uv_prepare_init(uv, &l->prepare);
	l->prepare.data = l;
	uv_prepare_start(&l->prepare, on_prepare);
	uv_unref((uv_handle_t *)&l->prepare);
	uv_idle_init(uv, &l->again);
	l->again.data = l;
	return 0;
}

void
chan_inbox_free(struct inbox *b)
{
	if (b != NULL)
		free(b->buf);
	free(b);
}

void
chan_loop_release(struct chan_loop *l)
{
	chan_inbox_free(l->inbox);
	free(l->queue.p);
	free(l->work);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->again, NULL);
}

void
chan_mark_dirty(struct chan *c)
{
	if (c->is_dirty || c->closing)
		return;
	c->is_dirty = true;
	c->next_dirty = c->loop->dirty;
	c->loop->dirty = c;
	/* Nothing else may keep the loop going: it is not waited for room. */
	uv_ref((uv_handle_t *)&c->loop->prepare);
}

static bool
take_off(struct chan **at, const struct chan *c)
{
	for (; *at != NULL; at = &(*at)->next_dirty)
		if (*at == c) {
			*at = c->next_dirty;
			return true;
		}
	return false;
}

void
chan_unmark_dirty(struct chan *c)
{
	if (!take_off(&c->loop->dirty, c))
		take_off(&c->loop->flushing, c);
	c->is_dirty = false;
}

struct inbox *
chan_inbox_take(struct chan_loop *l)
{
	struct inbox *b = l->inbox;

	l->inbox = NULL;
	if (b != NULL)
		return b;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	b->cap = CHAN_INBOX;
	b->buf = malloc(b->cap);
	if (b->buf == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
chan_inbox_give(struct chan_loop *l, struct inbox *b)
{
	/* One that has grown for a large packet is not kept. */
	if (l->inbox == NULL && b != NULL && b->cap == CHAN_INBOX)
		l->inbox = b;
	else
		chan_inbox_free(b);
}

/*
 * Another turn, which does not sleep. Before it is flushed, what has changed
 * is looked at: who hears of it may have something to write then, too.
 */
static void
on_again(uv_idle_t *idle)
{
	struct chan_loop *l = idle->data;
	struct chan *c = l->dirty;

	/* Once somebody was told, the list may be another one. */
	while (c != NULL)
		c = chan_look_again(c) ? l->dirty : c->next_dirty;
}

void
chan_loop_again(struct chan_loop *l)
{
	uv_idle_start(&l->again, on_again);
}

/*
 * The turn is over. What gets dirty by being flushed has its turn in the next
 * one, so that a peer that reads fast cannot hold up clocks and signals.
 */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct chan_loop *l = prepare->data;
	struct chan *c;

	l->flushing = l->dirty;
	l->dirty = NULL;
	while ((c = l->flushing) != NULL) {
		l->flushing = c->next_dirty;
		c->is_dirty = false;
		chan_flush(c);
		chan_rest(c);
	}
	if (l->dirty != NULL) {
		chan_loop_again(l);
		return;
	}
	uv_idle_stop(&l->again);
	uv_unref((uv_handle_t *)&l->prepare);
}
