/*
 * The clocks of a conversation. Most of them are never set, so each is made
 * when it is, and stays until the end.
 */

#include <stdlib.h>

#include "talk/parts.h"

struct talk_timer {
	struct talk_timer *next;
	struct talk *talk;
	enum talk_clock which;
	uv_timer_t timer;
};

static struct talk_timer *
find(const struct talk *t, enum talk_clock which)
{
	struct talk_timer *c = t->timers;

	while (c != NULL && c->which != which)
		c = c->next;
	return c;
}

static struct talk_timer *
make(struct talk *t, enum talk_clock which)
{
	struct talk_timer *c = malloc(sizeof(*c));
	struct fail f;

	if (c == NULL) {
		fail_set(&f, STATUS_IO, "%s: out of memory", t->name);
		talk_end_with(t, &f, "failed");
		return NULL;
	}
	c->talk = t;
	c->which = which;
	c->next = t->timers;
	t->timers = c;
	t->timers_open++;
	uv_timer_init(t->home->chans->uv, &c->timer);
	c->timer.data = t;
	return c;
}

void
talk_clock(struct talk *t, enum talk_clock which, uint64_t ms, uv_timer_cb cb)
{
	struct talk_timer *c = find(t, which);

	if (c == NULL)
		c = make(t, which);
	if (c != NULL)
		uv_timer_start(&c->timer, cb, ms, 0);
}

void
talk_clock_stop(struct talk *t, enum talk_clock which)
{
	struct talk_timer *c = find(t, which);

	if (c != NULL)
		uv_timer_stop(&c->timer);
}

bool
talk_clock_runs(const struct talk *t, enum talk_clock which)
{
	const struct talk_timer *c = find(t, which);

	return c != NULL && uv_is_active((const uv_handle_t *)&c->timer);
}

static void
on_closed(uv_handle_t *h)
{
	struct talk_timer *c =
	    (void *)((char *)h - offsetof(struct talk_timer, timer));
	struct talk *t = c->talk;

	free(c);
	t->timers_open--;
	talk_gone(t);
}

void
talk_clocks_close(struct talk *t)
{
	struct talk_timer *c, *next;

	for (c = t->timers; c != NULL; c = next) {
		next = c->next;
		uv_close((uv_handle_t *)&c->timer, on_closed);
	}
	t->timers = NULL;
}
