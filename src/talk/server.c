/*
 * The simplified server: one client at a time.
 *
 *	door --> talk --> over --> door (-k) ...
 *
 * Over datagrams there is nobody to let in: the conversation begins as soon as
 * the socket is bound, and is one with whoever speaks.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk/run.h"

static void
on_client(struct door *d, const struct door_client *c)
{
	struct run *run = d->owner;
	char name[ADDR_TEXT_MAX];

	if (run->talking) {
		door_deny(d, c, "another client is served");
		return;
	}
	uv_timer_stop(&run->clock);
	if (!run->plan->refuse_others)
		door_pause(d);
	run->guest = c->guest;
	run_talk(
	    run, c->fd, c->borrowed, c->stream, door_client_name(d, c, name));
}

static void
on_datagrams(struct door *d, size_t which, int fd, bool borrowed)
{
	struct run *run = d->owner;

	run_talk_datagrams(run, fd, borrowed, NULL, door_name(d, which));
}

static void
on_accept_timeout(uv_timer_t *t)
{
	struct run *run = t->data;
	const char *name = door_name(&run->door, 0);

	/* Nobody stops it for datagrams. */
	if (run->talking && run->talk.heard > 0)
		return;
	fail_set(run->fail, STATUS_TIMEOUT,
	    "%s: timeout: --accept-timeout of %g s has run out, waiting for a "
	    "client",
	    name[0] != '\0' ? name : run->place.listen.at.host,
	    (double)run->plan->accept_ms / 1000);
	run_end(run, STATUS_TIMEOUT);
}

static void
start_clock(struct run *run)
{
	if (run->plan->accept_ms > 0 &&
	    !uv_is_active((uv_handle_t *)&run->clock))
		uv_timer_start(
		    &run->clock, on_accept_timeout, run->plan->accept_ms, 0);
}

static void
await_client(struct run *run)
{
	start_clock(run);
	door_resume(&run->door);
}

static void
on_open(struct door *d)
{
	struct run *run = d->owner;

	snprintf(run->dial.doing, sizeof(run->dial.doing), "for a client on %s",
	    door_name(d, 0));
	await_client(run);
}

static void
on_over(struct run *run)
{
	run_take_outcome(run);
	/* A connection that was handed over has no next one behind it. */
	if (!run->plan->keep || !door_listens(&run->door) ||
	    run->fail->signal != 0 ||
	    (run->talk.status == STATUS_IO && !run->may_come_back)) {
		run_end(run, run->talk.status);
		return;
	}
	if (run->talk.status != STATUS_DONE)
		run->plan->complain(run->fail);
	memset(run->fail, 0, sizeof(*run->fail));
	door_left(&run->door, run->guest);
	await_client(run);
}

static void
on_stop(struct run *run)
{
	door_close(&run->door);
}

static void
start(struct run *run)
{
	const struct run_plan *plan = run->plan;
	struct door *d = &run->door;

	run->on_over = on_over;
	run->on_stop = on_stop;
	run->on_hangup = run_reload;
	run->place =
	    (struct door_place){plan->listen, plan->talk.in, plan->talk.out};
	run->door_plan = plan->door;
	run->door_plan.places = &run->place;
	run->door_plan.places_n = 1;
	run_set_door(run);
	d->on_open = on_open;
	d->on_client = on_client;
	d->on_datagrams = on_datagrams;
	if (plan->listen.at.host[0] != '\0') {
		snprintf(run->dial.doing, sizeof(run->dial.doing),
		    "for the address of %s", plan->listen.at.host);
		start_clock(run);
	}
	door_start(d, &run->door_plan, &run->loop, &run->resolver);
}

int
run_server(const struct run_plan *plan, struct fail *f)
{
	struct run *run = malloc(sizeof(*run));
	int r = -1;

	if (run == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	if (run_init(run, plan, f) == 0) {
		start(run);
		r = run_loop(run);
	}
	/* A thread that hangs may still look at its loop. */
	if (!f->leave_now)
		free(run);
	return r;
}
