/* The run of the standard server; see many.h. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/many_parts.h"

/* Those that wait go on, one after the other, while there is room. */
static void
go_on(struct many *m)
{
	struct member *mem;

	if (m->going_on)
		return;
	m->going_on = true;
	while (m->hold == 0 && (mem = TAILQ_FIRST(&m->waiting)) != NULL) {
		TAILQ_REMOVE(&m->waiting, mem, waiting);
		mem->waits = false;
		talk_outlet_room(&mem->talk);
	}
	m->going_on = false;
}

void
many_hold(struct many *m, enum many_hold why, bool on)
{
	const unsigned before = m->hold;
	size_t i;

	m->hold = on ? m->hold | why : m->hold & ~(unsigned)why;
	if ((before == 0) == (m->hold == 0))
		return;
	chan_hold(&m->run.chans, m->hold != 0);
	for (i = 0; m->peers != NULL && i < m->run.plan->door.places_n; i++)
		if (m->peers[i].open && m->hold != 0)
			peers_pause(&m->peers[i].peers);
		else if (m->peers[i].open)
			peers_resume(&m->peers[i].peers);
	if (m->hold == 0) {
		m->read_ms = uv_now(&m->run.loop);
		go_on(m);
	}
}

static void
on_outlet_room(struct outlet *o)
{
	struct many *m = o->owner;

	if (!many_tell_due(m))
		return; /* which brings us here again */
	many_hold(m, MANY_HOLD_OUTPUT, false);
	many_pump(m);
}

static void
on_outlet_empty(struct outlet *o)
{
	struct many *m = o->owner;

	if (m->each.state != HANDLER_NONE)
		handler_on_empty(&m->each);
	many_stop_if_done(m);
}

/* stdout, or the input of the one that filters, takes nothing any more. */
static void
on_outlet_error(struct outlet *o, int err)
{
	struct many *m = o->owner;

	many_hold(m, MANY_HOLD_OUTPUT, false);
	many_stop_if_done(m);
	if (m->stopping || (m->plan->each && err == EPIPE))
		return; /* how it ends, and what it says, is still to come */
	fail_set(m->run.fail, STATUS_IO, "%s: %s",
	    m->plan->each ? "the input of --each" : "stdout", strerror(err));
	if (!m->plan->each && (err == EPIPE || err == ENXIO))
		m->run.fail->signal = SIGPIPE;
	run_end(&m->run, STATUS_IO);
}

/* The process of --each. */

/* What ended the run is its status, unless that was the process. */
static int
each_status(const struct many *m)
{
	if (m->run.fail->signal != 0 ||
	    (m->run.over && m->run.status != STATUS_DONE))
		return 0;
	return handler_status(&m->each);
}

static void
on_each_end(struct handler *h)
{
	struct many *m = h->owner;
	char text[160];
	struct fail f;

	handler_describe(h, text, sizeof(text));
	if (h->told == 0 && each_status(m) != 0) {
		fail_set(&f, STATUS_IO, "--each: %s", text);
		m->run.plan->complain(&f);
	} else
		log_say(&m->run.plan->log, LOG_VERBOSE, "%s", text);
	many_hold(m, MANY_HOLD_OUTPUT, false);
}

static void
on_each_gone(struct handler *h)
{
	struct many *m = h->owner;

	m->run.fail->exit = each_status(m);
	many_stop_if_done(m);
}

/* It has said all: that is the end of the server. */
void
many_on_input_over(struct many *m)
{
	if (m->plan->each)
		run_end(&m->run, STATUS_DONE);
}

static int
start_each(struct many *m)
{
	const struct framing raw = {.mode = FRAMING_RAW};
	struct ucspi about = {.fd = -1, .peer = "", .in = &raw, .out = &raw};
	bool again;

	m->each.owner = m;
	m->each.on_end = on_each_end;
	m->each.on_gone = on_each_gone;
	if (handler_start(&m->each, &m->run.plan->handler, &m->run.loop,
		&m->run.origin, &about, &again, m->run.fail) == -1)
		return fail_prefix(m->run.fail, "--each");
	m->feed = &m->each.feed;
	m->feed->name = "the output of --each";
	m->outlet = &m->each.outlet;
	return 0;
}

/* The door. */

/* Which machine this is, for whoever wants to connect to it. */
static void
say_where(const struct log *log)
{
	char host[256] = "?", text[512] = "", one[INET6_ADDRSTRLEN];
	uv_interface_address_t *v;
	size_t len = 0;
	int i, n = 0;

	if (log->level < LOG_VERBOSE)
		return;
	gethostname(host, sizeof(host) - 1);
	if (uv_interface_addresses(&v, &n) != 0)
		n = 0;
	for (i = 0; i < n && len < sizeof(text) - sizeof(one) - 2; i++) {
		if (v[i].is_internal)
			continue;
		if (v[i].address.address4.sin_family == AF_INET6)
			uv_ip6_name(&v[i].address.address6, one, sizeof(one));
		else
			uv_ip4_name(&v[i].address.address4, one, sizeof(one));
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, ", %s", one);
	}
	if (n > 0)
		uv_free_interface_addresses(v, n);
	log_say(log, LOG_VERBOSE, "process %ld on %s%s", (long)getpid(), host,
	    text);
}

static void
on_open(struct door *d)
{
	struct many *m = many_at_door(d);

	say_where(&m->run.plan->log);
	door_resume(d);
	many_pump(m);
}

/* The end. */

void
many_stop_if_done(struct many *m)
{
	size_t i;

	if (!m->stopping || m->crowd.n > 0 || m->each.state != HANDLER_NONE ||
	    many_tells(m) || !outlet_is_empty(m->outlet))
		return;
	for (i = 0; m->peers != NULL && i < m->run.plan->door.places_n; i++)
		if (m->peers[i].open)
			return;
	uv_stop(&m->run.loop);
}

static void
on_grace(uv_timer_t *t)
{
	struct many *m = t->data;

	uv_stop(&m->run.loop);
}

static void
on_stop(struct run *run)
{
	struct many *m = run->owner;
	size_t i;

	m->stopping = true;
	many_tell_unrelayed(m);
	door_close(&run->door);
	many_status_close(m);
	for (i = 0; m->peers != NULL && i < m->run.plan->door.places_n; i++)
		if (m->peers[i].open)
			peers_close(&m->peers[i].peers);
}

/* What is queued is for whoever takes it in time, and handlers end. */
static void
on_end(struct run *run)
{
	struct many *m = run->owner;
	uint64_t ms = m->plan->grace_ms;
	size_t i;

	for (i = 0; i < m->crowd.n; i++) {
		struct talk *t = &many_at(m, i)->talk;

		if (!talk_stop(t))
			talk_finish(t);
	}
	if (m->each.state != HANDLER_NONE) {
		if (m->input_over)
			handler_shut(&m->each);
		else
			handler_stop(&m->each);
		handler_leave(&m->each);
	}
	if (run->plan->handler.command.argv != NULL)
		ms += 2 * run->plan->handler.grace_ms;
	uv_timer_start(&m->grace, on_grace, ms, 0);
	many_stop_if_done(m);
}

/* Whoever is still there is cut off. */
static void
on_leave(struct run *run)
{
	struct many *m = run->owner;
	struct talk *t;
	size_t i;

	for (i = 0; i < m->crowd.n; i++) {
		t = &many_at(m, i)->talk;
		if (!t->over) {
			talk_cut(t, STATUS_DONE, run->fail);
			log_say(
			    &run->plan->log, LOG_VERBOSE, "%s", talk_last(t));
		}
		talk_abandon(t);
	}
	outlet_flush(m->outlet);
	handler_release(&m->each);
	poller_free(m->poller);
}

static void
on_describe(struct run *run)
{
	many_print_table(run->owner);
}

static void
on_dump(struct talk *t, const char *line)
{
	log_show(t->home->log, line);
}

static void
set_home(struct many *m)
{
	struct talk_home *h = &m->run.home;

	h->on_over = many_on_over;
	h->on_dump = on_dump;
	h->on_wait = many_on_wait;
	h->on_low = many_on_low;
	if (m->plan->relay)
		h->on_heard = many_on_heard;
}

static void
set_door(struct many *m)
{
	struct door *d = &m->run.door;

	run_set_door(&m->run);
	d->on_open = on_open;
	d->on_client = many_on_client;
	d->on_datagrams = many_on_datagrams;
}

static int
start(struct many *m)
{
	struct run *run = &m->run;

	m->peers = calloc(m->run.plan->door.places_n, sizeof(*m->peers));
	if (m->peers == NULL || !many_news_init(m))
		return fail_set(run->fail, STATUS_IO, "out of memory");
	if (m->plan->each && start_each(m) == -1)
		return -1;
	m->feed->owner = m;
	m->feed->on_more = many_on_more;
	m->outlet->owner = m;
	m->outlet->on_room = on_outlet_room;
	m->outlet->on_empty = on_outlet_empty;
	m->outlet->on_error = on_outlet_error;
	if (m->feed->quiet)
		m->input_over = run->home.said_all = true;
	if (m->plan->status_path != NULL &&
	    many_status_open(m, run->fail) == -1)
		return -1;
	door_start(&run->door, &m->run.plan->door, &run->loop, &run->resolver);
	return 0;
}

static void
set_up(struct many *m)
{
	struct run *run = &m->run;

	run->owner = m;
	run->on_stop = on_stop;
	run->on_end = on_end;
	run->on_leave = on_leave;
	run->on_hangup = run_reload;
	run->on_describe = on_describe;
	snprintf(run->dial.doing, sizeof(run->dial.doing), "for clients");
	m->feed = &run->feed;
	m->outlet = &run->outlet;
	TAILQ_INIT(&m->waiting);
	uv_idle_init(&run->loop, &m->more);
	uv_timer_init(&run->loop, &m->grace);
	uv_timer_init(&run->loop, &m->pace);
	uv_timer_init(&run->loop, &m->again);
	m->more.data = m->grace.data = m->pace.data = m->again.data = m;
	m->talks_to_some = m->plan->each || run->plan->feed.addressed ||
	    run->plan->feed.input == SOURCE_JSON;
	set_home(m);
	set_door(m);
	run->home.sweeps = true;
	many_sweep_begin(m);
}

int
run_many(const struct run_plan *plan, struct fail *f)
{
	struct many *m = calloc(1, sizeof(*m));
	int r = -1;

	if (m == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	m->plan = &plan->many;
	if (run_init(&m->run, plan, f) == 0) {
		fd_limit_raise(); /* what we start has what we had */
		set_up(m);
		m->poller = poller_new(&m->run.loop);
		if (m->poller == NULL)
			fail_set(f, STATUS_IO, "out of memory");
		if (m->poller == NULL || start(m) == -1)
			run_end(&m->run, f->status);
		r = run_loop(&m->run);
		many_release_members(m);
		many_news_release(m);
		many_status_release(m);
		free(m->due.p);
	}
	free(m->peers);
	/* A thread that hangs may still look at its loop. */
	if (!f->leave_now)
		free(m);
	return r;
}
