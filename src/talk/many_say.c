/*
 * What the input says, and to whom: lines for all, for some or for one, and
 * what a program asks for in JSON lines.
 *
 * Before anybody has come there is nobody to say news to, so a plain input is
 * not read; later, what is said while nobody is there is said to nobody.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/event.h"
#include "talk/many_parts.h"

/* Batches in one turn; then clients, clocks and signals have theirs. */
#define BATCHES_A_TURN 8

/* The record that is looked at, for what is said of it. */
static uint64_t
record(const struct many *m)
{
	return m->feed->note.record;
}

static void
prefix(const struct many *m, struct fail *f)
{
	if (record(m) > 0)
		fail_prefix(f, "%s: line %" PRIu64, m->feed->name, record(m));
	else
		fail_prefix(f, "%s", m->feed->name);
}

static void
refuse(struct many *m, const struct many_whose *whose, const struct fail *f)
{
	if (!many_tell_error(m, f, record(m), whose))
		m->run.plan->complain(f);
}

/* v[at] of the batch cannot be said to somebody. */
static void
fault(struct many *m, size_t at, const struct many_whose *whose,
    const struct fail *f)
{
	struct fail told = *f;

	feed_look(m->feed, at);
	prefix(m, &told);
	refuse(m, whose, &told);
}

static void
no_such(struct many *m, uint64_t number)
{
	const struct many_whose whose = {number, NULL};
	const bool never = number > m->begun;
	struct fail f;

	if (number == 0)
		fail_set(&f, STATUS_MALFORMED,
		    "expected a channel that is there, saw the name of none");
	else
		fail_set(&f, never ? STATUS_MALFORMED : STATUS_DONE,
		    "expected a channel that is there, saw c%" PRIu64
		    ", which %s",
		    number,
		    never					? "never was"
			: crowd_find(&m->crowd, number) == NULL ? "has gone"
								: "is closed");
	if (never && m->begun == 0)
		fail_hint(&f, "nobody has come so far");
	else if (never)
		fail_hint(&f, "the last one was c%" PRIu64, m->begun);
	prefix(m, &f);
	refuse(m, &whose, &f);
}

static void
say_to_one(struct many *m, uint64_t number, const struct batch *b)
{
	struct crowd_link *l = crowd_find(&m->crowd, number);
	size_t i;

	if (l != NULL && many_hears(many_member(l))) {
		many_tell(m, many_member(l), b, m->feed->next, fault);
		return;
	}
	for (i = m->feed->next; i < b->n; i++) {
		feed_look(m->feed, i);
		no_such(m, number);
	}
}

static void
on_pace(uv_timer_t *t)
{
	struct many *m = t->data;

	m->pacing = false;
	many_pump(m);
}

static void
say(struct many *m)
{
	struct feed *f = m->feed;
	struct batch b = {f->batch.v, f->until, f->batch.cap};
	const struct target to = f->to;
	uint32_t i;

	if (m->plan->interval_ms > 0) {
		b.n = f->next + 1;
		m->pacing = true;
		uv_timer_start(&m->pace, on_pace, m->plan->interval_ms, 0);
	}

	switch (to.kind) {
	case TARGET_ALL:
		many_tell_all(m, &b, f->next, NULL, fault);
		break;
	case TARGET_BUT:
		many_tell_all(m, &b, f->next, &to, fault);
		break;
	case TARGET_ONE:
	case TARGET_SOME:
		for (i = 0; i < to.n; i++)
			say_to_one(m, target_list(&to)[i], &b);
		break;
	case TARGET_NOBODY:
		say_to_one(m, 0, &b);
		break;
	}
	f->next = b.n;
}

/* What is asked for, of one. */
static void
obey_for(struct many *m, struct member *mem, const struct json_beside *asks)
{
	struct talk *t = &mem->talk;
	const struct many_whose whose = {mem->link.number, NULL};
	struct fail f;

	if (t->ending || t->over)
		return;
	switch (asks->what) {
	case JSON_CLOSE:
		talk_finish(t);
		m->parting = true;
		break;
	case JSON_CLOSE_NOW:
		many_part(mem);
		talk_end(t, STATUS_DONE, "closed by us");
		break;
	case JSON_SHUT:
		talk_shut(t);
		m->parting = true;
		break;
	case JSON_MODE:
		if (talk_change_mode(t, asks->mode, &f))
			many_part(mem); /* it hears what others do no more */
		else {
			prefix(m, &f);
			refuse(m, &whose, &f);
		}
		break;
	case JSON_LIST:
	case JSON_NOTHING:
		break;
	}
}

static void
obey(struct many *m)
{
	const struct source_command *c = &m->feed->source.command;
	const struct target to = m->feed->to;
	struct crowd_link *l;
	struct member *mem;
	size_t i;

	m->feed->note = c->note;
	if (c->asks.what == JSON_LIST) {
		many_list(m, record(m));
		return;
	}
	if (to.kind == TARGET_ALL || to.kind == TARGET_BUT) {
		for (i = 0; i < m->crowd.n; i++) {
			mem = many_at(m, i);
			if (to.kind == TARGET_ALL ||
			    target_has(&to, mem->link.number))
				obey_for(m, mem, &c->asks);
		}
		return;
	}
	for (i = 0; i < to.n; i++) {
		l = crowd_find(&m->crowd, target_list(&to)[i]);
		if (l == NULL)
			no_such(m, target_list(&to)[i]);
		else
			obey_for(m, many_member(l), &c->asks);
	}
	if (to.kind == TARGET_NOBODY)
		no_such(m, 0);
}

/* Nothing more is said; whoever is there stays as long as he likes. */
static void
input_over(struct many *m)
{
	size_t i;

	m->input_over = m->run.home.said_all = true;
	feed_rest(m->feed);
	for (i = 0; i < m->crowd.n; i++)
		talk_said_all(&many_at(m, i)->talk);
	many_on_input_over(m);
}

static void
on_more_idle(uv_idle_t *idle)
{
	struct many *m = idle->data;

	uv_idle_stop(idle);
	if (m->go_on_due && m->late == 0) {
		m->paused = false;
		many_hold(m, MANY_HOLD_NEWS, false);
	}
	m->go_on_due = false;
	many_pump(m);
}

void
many_pump_soon(struct many *m)
{
	uv_idle_start(&m->more, on_more_idle);
}

/* Is there anybody to say something to, or something to be asked? */
static bool
is_wanted(const struct many *m)
{
	return !m->stopping && !m->input_over && !m->paused && !m->pacing &&
	    !many_tells(m) && (m->met_anybody || m->talks_to_some);
}

void
many_pump(struct many *m)
{
	struct feed *f = m->feed;
	unsigned batches;

	m->turn_over = false;
	for (batches = 0; is_wanted(m); batches++) {
		if (batches == BATCHES_A_TURN || m->turn_over) {
			many_pump_soon(m);
			return;
		}
		switch (feed_next(f)) {
		case FEED_LATER:
			return;
		case FEED_OVER:
			input_over(m);
			return;
		case FEED_BAD:
			*m->run.fail = *f->fail;
			run_end(&m->run, f->fail->status);
			return;
		case FEED_REFUSED:
			refuse(m, NULL, f->fail);
			break;
		case FEED_COMMAND:
			obey(m);
			break;
		case FEED_READY:
			say(m);
			break;
		}
	}
	feed_rest(f);
}

void
many_on_more(struct feed *f)
{
	many_pump(f->owner);
}
