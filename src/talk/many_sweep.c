/*
 * What is looked at for all members together: how long they have been silent,
 * every now and then; and memory, at the end of each turn.
 */

#include <inttypes.h>
#include <stdio.h>

#include "talk/many_parts.h"

#define SWEEP_MIN_MS 20
#define SWEEP_MAX_MS 1000

static void
timed_out(struct member *mem, const char *option, uint64_t ms, bool quiet)
{
	if (quiet) {
		talk_end(&mem->talk, STATUS_DONE, "it was silent");
		return;
	}
	talk_timed_out(&mem->talk, option, ms);
}

/* How long it has been so, less the time in which nobody was read. */
static uint64_t
since(const struct many *m, uint64_t then)
{
	const uint64_t now = uv_now(&m->run.loop);

	if (then < m->read_ms)
		then = m->read_ms;
	return now > then ? now - then : 0;
}

static void
look_at(struct many *m, struct member *mem)
{
	const struct many_plan *p = m->plan;
	struct talk *t = &mem->talk;
	const struct chan *c = &t->chan;
	const struct chan_counts *n = &c->counts;
	const uint64_t last =
	    n->last_in_ms > n->last_out_ms ? n->last_in_ms : n->last_out_ms;
	const uint64_t idle = t->plan->idle_ms;

	if (t->ending || t->over || mem->waits)
		return;
	if (p->first_ms > 0 && n->messages_in == 0 &&
	    c->reading == CHAN_READING &&
	    since(m, talk_now(t) - talk_age_ms(t)) >= p->first_ms)
		timed_out(mem, "--first-message-timeout", p->first_ms, false);
	else if (p->message_ms > 0 && chan_partial(c) > 0 &&
	    c->reading == CHAN_READING &&
	    since(m, chan_part_ms(c)) >= p->message_ms)
		timed_out(mem, "--header-timeout", p->message_ms, false);
	else if (idle > 0 && since(m, last) >= idle)
		timed_out(mem, "--idle", idle, stream_has_datagrams(c->stream));
}

static void
on_sweep(uv_timer_t *timer)
{
	struct many *m = timer->data;
	size_t i;

	if (m->hold != 0)
		return; /* it is not they who are silent */
	for (i = 0; i < m->crowd.n; i++)
		look_at(m, many_at(m, i));
}

/* Of a ring one block is there in any case. */
size_t
many_memory(const struct many *m)
{
	size_t n = m->run.chans.bytes, i;

	for (i = 0; i < m->news_n; i++)
		n += m->news[i].ring.held > RING_BLOCK
		    ? m->news[i].ring.held - RING_BLOCK
		    : 0;
	return n;
}

/* What would be free without it, nearly. */
static size_t
weight(const struct member *mem)
{
	const struct chan *c = &mem->talk.chan;

	return chan_queued(c) + chan_part_memory(c);
}

/*
 * Of those who stay, whoever weighs most. What those weigh who are about to go
 * is taken off *n.
 */
static struct member *
find_worst(const struct many *m, size_t *n)
{
	struct member *mem, *worst = NULL;
	size_t i, going = 0;

	for (i = 0; i < m->crowd.n; i++) {
		mem = many_at(m, i);
		if (mem->talk.ending || mem->talk.over)
			going += weight(mem);
		else if (worst == NULL || weight(mem) > weight(worst))
			worst = mem;
	}
	*n -= going < *n ? going : *n;
	return worst;
}

/* The worst of all goes first. */
static void
on_weigh(uv_prepare_t *prepare)
{
	struct many *m = prepare->data;
	size_t n = many_memory(m);
	struct member *worst;
	struct fail f;

	if (n <= m->plan->memory_max)
		return;
	worst = find_worst(m, &n);
	if (worst == NULL || n <= m->plan->memory_max)
		return;
	fail_set(&f, STATUS_IO,
	    "%s: closed, since it takes most of the memory: expected at most "
	    "%zu bytes in all, saw %zu, and %zu of its own",
	    worst->talk.name, m->plan->memory_max, n, weight(worst));
	fail_hint(&f,
	    "try: a larger --memory, a smaller --queue or "
	    "--max-message");
	many_close(worst, STATUS_IO, "it takes too much memory", &f);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a == 0 || (b > 0 && b < a) ? b : a;
}

void
many_sweep_begin(struct many *m)
{
	const struct many_plan *p = m->plan;
	uint64_t ms = least(p->first_ms, p->message_ms);
	size_t i;

	for (i = 0; i < m->run.plan->door.places_n; i++)
		ms = least(ms, p->talks[i].idle_ms);
	uv_timer_init(&m->run.loop, &m->sweep);
	uv_prepare_init(&m->run.loop, &m->weigh);
	m->sweep.data = m->weigh.data = m;
	uv_prepare_start(&m->weigh, on_weigh);
	uv_unref((uv_handle_t *)&m->weigh);
	if (ms == 0)
		return;
	ms /= 8;
	ms = ms < SWEEP_MIN_MS	? SWEEP_MIN_MS
	    : ms > SWEEP_MAX_MS ? SWEEP_MAX_MS
				: ms;
	uv_timer_start(&m->sweep, on_sweep, ms, ms);
	uv_unref((uv_handle_t *)&m->sweep);
}
