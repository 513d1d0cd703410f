/*
 * What options mean for datagrams, and which have no meaning there; see
 * plan.h.
 */

#include <stdio.h>

#include "cmd/plan.h"
#include "net/dgram.h"

#define QUIT_MS 1000 /* nothing ends but we; an answer has so long to come */

static const struct addr *
address(const struct plan *p)
{
	return p->serving ? &p->run.listen.at : &p->run.dial.to;
}

int
set_join(struct plan *p, const char *value, struct fail *f)
{
	struct dgram_opts *o = &p->run.dial.dgram;

	if (o->joins_n == DGRAM_JOINS_MAX)
		return fail_set(f, STATUS_USAGE,
		    "expected at most %d of them, saw one more",
		    DGRAM_JOINS_MAX);
	if (dgram_join_parse(value, &o->joins[o->joins_n], f) == -1)
		return -1;
	o->joins_n++;
	return 0;
}

int
set_ttl(struct plan *p, const char *value, struct fail *f)
{
	uint64_t v;
	enum num_result r = num_parse(value, 1, 255, &v);

	if (r != NUM_OK) {
		plan_refuse_number("number", r, value, f);
		return fail_hint(f, "try: a number from 1 to 255");
	}
	p->run.dial.opts.ttl = (int)v;
	return 0;
}

static const struct addr *
nth_address(const struct plan *p, size_t i)
{
	return p->many ? &p->places[i].listen.at : address(p);
}

bool
plan_is_datagrams(const struct addr *a)
{
	return addr_is_datagrams(a) || (a->kind == ADDR_FD && dgram_is(a->fd));
}

bool
plan_has_datagrams(const struct plan *p)
{
	return plan_is_datagrams(address(p));
}

static int
refuse_at(const struct addr *at, const char *option, const char *expected,
    const char *hint, struct fail *f)
{
	char name[ADDR_TEXT_MAX];

	fail_set(f, STATUS_USAGE, "%s: expected %s, saw %s", option, expected,
	    addr_print(at, name));
	return fail_hint(f, "%s", hint);
}

/* Refuses what is for others than this address. */
static int
refuse(const struct plan *p, const char *option, const char *expected,
    const char *hint, struct fail *f)
{
	return refuse_at(address(p), option, expected, hint, f);
}

/* What a stream has no use for. */
static int
check_stream(const struct plan *p, struct fail *f)
{
	const struct dgram_opts *o = &p->run.dial.dgram;
	const char *option = o->broadcast ? "--broadcast"
	    : o->joins_n > 0		  ? "--join"
	    : o->no_loop		  ? "--no-loop"
					  : NULL;
	size_t i;

	if (option == NULL)
		return 0;
	for (i = 0; i < plan_addresses_n(p); i++)
		if (nth_address(p, i)->kind == ADDR_UDP)
			return 0;
	return refuse(
	    p, option, "an address of UDP", "try: udp:HOST:PORT, or -u", f);
}

static int
check_mode(const char *option, const char *mode, const struct framing *fr,
    struct fail *f)
{
	if (mode == NULL || fr->mode == FRAMING_RAW)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "%s '%.64s': expected raw, the one mode of datagrams", option,
	    mode);
	return fail_hint(
	    f, "each is a message by itself; try: without %s", option);
}

/* A process for each client is told when that has gone, which none says. */
static int
check_handler(const struct plan *p, struct fail *f)
{
	size_t i;

	if (p->run.handler.command.argv == NULL || p->run.many.each)
		return 0;
	for (i = 0; i < plan_addresses_n(p); i++)
		if (plan_is_datagrams(nth_address(p, i)))
			return refuse_at(nth_address(p, i), p->handler_option,
			    "an address of a stream",
			    "a process has one peer; try: a stream", f);
	return 0;
}

static int
check_datagrams(const struct plan *p, struct fail *f)
{
	const struct run_plan *r = &p->run;

	if (check_mode("-m", p->mode, &p->filter.fr, f) == -1 ||
	    check_mode("--mode-in", p->mode_in, &r->talk.in, f) == -1 ||
	    check_mode("--mode-out", p->mode_out, &r->talk.out, f) == -1)
		return -1;
	if (r->dial.seqpacket)
		return refuse(p, "--seqpacket", "a Unix address of a stream",
		    "try: unix:PATH", f);
	if (r->refuse_others)
		return refuse(p, "--refuse-others", "an address of a stream",
		    "whoever speaks is heard; try: without it", f);
	if (r->door.proxied)
		return refuse(p, "--proxy-protocol", "an address of a stream",
		    "a balancer's header begins a connection; try: without it",
		    f);
	if (r->door.ask.command.argv != NULL)
		return refuse(p, "--accept-cmd", "an address of a stream",
		    "who sends datagrams is not asked about; try: --allow", f);
	if (p->serving && !p->many && r->talk.on_open_n > 0)
		return refuse(p, "--on-open", "an address of a stream",
		    "nobody is there before he speaks; try: standard input, "
		    "which waits until then",
		    f);
	return 0;
}

/* UDP connects to anything: only a datagram finds out who listens. */
static void
probe(struct plan *p)
{
	static const char *const empty[] = {""};
	struct talk_plan *t = &p->run.talk;

	p->run.only_connect = false;
	p->run.feed.sends = empty;
	p->run.feed.sends_n = 1;
	p->run.output = SINK_NONE;
	p->run.talk.count = 1;
	/* No answer is no error, however long it was waited for. */
	if (t->idle_ms > 0 && t->idle_ms < t->quit_ms)
		t->quit_ms = t->idle_ms;
	if (t->reply_ms > 0 && t->reply_ms < t->quit_ms)
		t->quit_ms = t->reply_ms;
	t->idle_ms = t->reply_ms = 0;
}

int
plan_check_datagrams(struct plan *p, struct fail *f)
{
	p->run.listen.dgram = p->run.dial.dgram;
	if (check_stream(p, f) == -1 || check_handler(p, f) == -1)
		return -1;
	return p->datagrams ? check_datagrams(p, f) : 0;
}

void
plan_settle_datagrams(struct plan *p)
{
	struct talk_plan *t = &p->run.talk;

	if (!p->datagrams || p->many)
		return;
	if (p->serving) {
		/* There is no half of ours to close, nor an end of a client. */
		t->answers = t->stay = true;
		p->run.keep = false;
	} else {
		if (t->quit_ms == UINT64_MAX)
			t->quit_ms = QUIT_MS;
		/* A question or its answer may be lost. */
		if (t->ask && t->reply_ms == 0)
			t->reply_ms = QUIT_MS;
	}
	if (p->run.only_connect && address(p)->kind == ADDR_UDP)
		probe(p);
}
