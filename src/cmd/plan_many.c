/* From options to a plan: what only serve-multi has; see plan.h. */

#include <stdlib.h>
#include <string.h>

#include "cmd/plan.h"
#include "net/dgram.h"

#define QUEUE (8u << 20)
#define MEMORY (UINT64_C(1) << 30)
#define PEERS 10000
#define PEER_IDLE_MS 60000

void
plan_many_init(struct plan *p)
{
	p->queue = QUEUE;
	p->memory = MEMORY;
}

int
set_slow(struct plan *p, const char *value, struct fail *f)
{
	static const char *const names[] = {"close", "drop", "wait"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			p->run.many.slow = (enum many_slow)i;
			p->has_slow = true;
			return 0;
		}
	fail_set(f, STATUS_USAGE, "is no such way");
	return fail_hint(f, "try: close, drop or wait");
}

static int
set_big(const char *value, uint64_t *to, struct fail *f)
{
	enum num_result r = num_size(value, 1, SIZE_MAX / 2, to);

	if (r == NUM_OK)
		return 0;
	plan_refuse_number("size", r, value, f);
	return fail_hint(f, "try: 8M");
}

int
set_queue(struct plan *p, const char *value, struct fail *f)
{
	return set_big(value, &p->queue, f);
}

int
set_memory(struct plan *p, const char *value, struct fail *f)
{
	return set_big(value, &p->memory, f);
}

int
set_each(struct plan *p, const char *value, struct fail *f)
{
	p->run.many.each = true;
	if (set_exec(p, value, f) == -1)
		return -1;
	p->handler_option = "--each";
	return 0;
}

/* A message's, and that of a balancer's. */
int
set_header_timeout(struct plan *p, const char *value, struct fail *f)
{
	enum num_result r = num_duration(value, &p->run.door.header_ms);

	if (r != NUM_OK) {
		plan_refuse_number("duration", r, value, f);
		return fail_hint(f, "try: 500ms, 10s or 2m");
	}
	p->run.many.message_ms = p->run.door.header_ms;
	return 0;
}

static int
both(const char *a, const char *b, const char *hint, struct fail *f)
{
	fail_set(
	    f, STATUS_USAGE, "%s and %s: expected one of them, saw both", a, b);
	return fail_hint(f, "try: without %s", hint);
}

/* One role at a time, and an input that a channel can stand in. */
static int
check(const struct plan *p, struct fail *f)
{
	const struct run_plan *r = &p->run;
	const bool handler = r->handler.command.argv != NULL;
	const char *echo = p->has_reply ? "--reply" : "--echo";

	if (r->many.relay && r->talk.echo)
		return both("--relay", echo, "--relay", f);
	if (r->many.relay && handler)
		return both("--relay", p->handler_option, "--relay", f);
	if (p->has_slow && (r->talk.echo || (handler && !r->many.each))) {
		fail_set(f, STATUS_USAGE,
		    "--slow: expected something that is said to many, saw %s",
		    handler ? p->handler_option : echo);
		return fail_hint(f,
		    "a client that takes no answers is not read; try: "
		    "without --slow");
	}
	if (r->many.handlers_max > 0 && (!handler || r->many.each)) {
		fail_set(f, STATUS_USAGE,
		    "--max-handlers: expected a process for each channel, saw "
		    "none");
		return fail_hint(f, "try: --exec COMMAND");
	}
	if (p->addressed &&
	    (p->filter.input == SOURCE_RAW ||
		p->filter.input == SOURCE_WHOLE)) {
		fail_set(f, STATUS_USAGE,
		    "--addressed: expected records that a channel can stand "
		    "before, saw --input %s",
		    p->filter.input == SOURCE_RAW ? "raw" : "whole");
		return fail_hint(f, "try: --input lines, null, escaped or hex");
	}
	if (p->addressed && p->filter.sends_n > 0)
		return both("--addressed", "--send", "--send", f);
	return 0;
}

/* What a process writes and reads that answers for all. */
static void
finish_each(struct plan *p)
{
	struct handler_plan *h = &p->run.handler;

	h->feed.whom = FEED_MANY;
	h->feed.addressed = true;
	h->feed.sends_n = 0;
	h->tagged = true;
}

/* What is spoken at each place. */
static int
make_talks(struct plan *p, struct fail *f)
{
	const struct door_plan *d = &p->run.door;
	struct talk_plan *t;
	size_t i;

	p->talks = calloc(d->places_n, sizeof(*p->talks));
	if (p->talks == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	for (i = 0; i < d->places_n; i++) {
		const struct addr *at = &d->places[i].listen.at;
		const bool datagrams = addr_is_datagrams(at) ||
		    (at->kind == ADDR_FD && dgram_is(at->fd));

		t = &p->talks[i];
		*t = p->run.talk;
		t->in = d->places[i].in;
		t->out = d->places[i].out;
		t->stream = t->in.mode == FRAMING_RAW && !datagrams &&
		    !p->run.listen.seqpacket;
		t->answers = false;
		if (datagrams && t->idle_ms == 0)
			t->idle_ms = PEER_IDLE_MS;
	}
	p->run.many.talks = p->talks;
	return 0;
}

int
plan_many_finish(struct plan *p, struct fail *f)
{
	struct run_plan *r = &p->run;
	struct talk_plan *t = &r->talk;
	const bool handler = r->handler.command.argv != NULL;

	if (check(p, f) == -1)
		return -1;
	r->many.queue_max = (size_t)p->queue;
	r->many.memory_max = (size_t)p->memory;
	r->many.interval_ms = t->interval_ms;
	r->many.grace_ms = r->handler.grace_ms; /* --grace is of both */
	r->many.peers_max =
	    r->door.clients_max > 0 && r->door.clients_max < PEERS
	    ? (size_t)r->door.clients_max
	    : PEERS;
	t->interval_ms = 0;
	t->pass_in = t->pass_out = false;
	if (handler && !r->many.each) {
		r->feed.quiet = true;
	} else {
		/* Who ends is the client, or we when we are told to. */
		t->stay = true;
		r->feed.whom = FEED_MANY;
		r->feed.addressed = p->addressed;
		r->feed.quiet = r->feed.quiet || t->echo || handler;
		if (!t->echo)
			t->queue_max = SIZE_MAX; /* --queue and --slow decide */
		r->tagged = !p->no_channel;
	}
	if (r->many.each)
		finish_each(p);
	return make_talks(p, f);
}
