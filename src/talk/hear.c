/*
 * What we hear: messages are counted, converted, matched, echoed and shown.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "talk/parts.h"

/* --expect: with --ask each reply must match, otherwise one message must. */
static bool
matches(struct talk *t, struct slice m)
{
	regmatch_t at = {.rm_so = 0, .rm_eo = (regoff_t)m.len};

	return regexec(t->plan->expect, (const char *)m.p, 0, &at,
		   REG_STARTEND) == 0;
}

static void
look_at_messages(struct talk *t, const struct batch *b)
{
	struct fail f;
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (matches(t, b->v[i]))
			t->met = true;
		else if (t->plan->ask) {
			fail_set(&f, STATUS_UNMET,
			    "%s: expected a reply that matches '%s', saw the "
			    "one printed last",
			    t->name, t->plan->expect_text);
			talk_end_with(t, &f, "a reply that was not expected");
		}
	}
}

/* The reply that --ask waits for is there. */
static void
got_reply(struct talk *t)
{
	talk_clock_stop(t, TALK_REPLY);
	if (!t->waiting_reply)
		return;
	t->waiting_reply = false;
	talk_pump(t);
}

/*
 * The batch becomes what we show of it, which is the charset's until the next
 * one comes; that is as long as the channel keeps its own. -1 and the fail:
 * that is all that is good of it.
 */
static int
to_text(
    struct talk *t, const struct batch *b, struct batch *text, struct fail *f)
{
	*text = *b;
	if (talk_has(t)->charset == NULL ||
	    (t->plan->no_output && t->plan->expect == NULL &&
		t->plan->reply == NULL))
		return 0;
	if (charset_convert(talk_has(t)->charset, b, text, f) == 0)
		return 0;
	return fail_prefix(f, "%s", t->name);
}

/* What is owed; NULL: out of memory, and the conversation ends. */
static struct talk_owed *
talk_owed(struct talk *t)
{
	struct fail f;

	if (t->owed == NULL)
		t->owed = calloc(1, sizeof(*t->owed));
	if (t->owed == NULL) {
		fail_set(&f, STATUS_IO, "%s: out of memory", t->name);
		talk_end_with(t, &f, "failed");
	}
	return t->owed;
}

void
talk_owed_rest(struct talk *t)
{
	if (t->echoing || talk_owes(t) || t->owed == NULL ||
	    t->owed->unshown.n > 0)
		return;
	free(t->owed);
	t->owed = NULL;
}

/*
 * Shows messages, behind what is due before them. False: the channel keeps
 * them, until the outlet has taken them or until it has room for them.
 */
static bool
show(struct talk *t, const struct batch *b)
{
	enum outlet_result r = OUTLET_BUSY;

	if (talk_tell_due(t))
		r = outlet_put(t->outlet, t->about, b);
	t->kept = r == OUTLET_WAIT || r == OUTLET_BUSY;
	if (r == OUTLET_BUSY) {
		if (talk_owed(t) == NULL) {
			t->kept = false;
			return true;
		}
		t->owed->unshown = *b;
	} else if (t->owed != NULL)
		t->owed->unshown.n = 0;
	if (t->kept && t->shared)
		t->home->on_wait(t);
	return !t->kept;
}

/*
 * The outlet has room again: true once it has taken all that was kept for it,
 * so that the channel may go on.
 */
bool
talk_show_kept(struct talk *t)
{
	struct batch b = {NULL, 0, 0};

	if (t->about != NULL && outlet_keeps(t->outlet, t->about))
		return false;
	t->kept = false;
	if (t->owed != NULL) {
		b = t->owed->unshown;
		t->owed->unshown.n = 0;
	}
	return b.n == 0 || t->deaf || show(t, &b);
}

/* Messages have come. False: they are kept until stdout takes them. */
bool
talk_on_batch(struct chan *c, struct batch *b)
{
	struct talk *t = talk_of(c);
	uint64_t left = t->plan->count - t->heard;
	struct batch text;
	struct fail f;
	bool go = true, good;

	if (t->ending)
		return true;
	if (t->plan->count > 0 && b->n > left)
		b->n = (size_t)left;
	good = to_text(t, b, &text, &f) == 0;
	t->heard += text.n;
	if ((!t->plan->no_output || t->plan->reply != NULL) && !talk_stamp(t))
		return true;
	if (t->plan->expect != NULL)
		look_at_messages(t, &text);
	if (t->plan->echo) {
		/* A format speaks UTF-8; what goes back as it is need not. */
		if (talk_owed(t) == NULL)
			return true;
		t->owed->echo = t->plan->reply == NULL ? *b : text;
		t->owed->echo_next = 0;
		go = talk_echo(t);
	}
	if (t->home->on_heard != NULL)
		t->home->on_heard(t, b);
	if (!t->plan->no_output && !t->deaf) {
		go = show(t, &text) && go;
		if (t->kept && t->handler != NULL)
			talk_look(t);
		if (t->outlet->err != 0 && !t->deaf)
			return true;
	}
	if (!good)
		talk_end_with(t, &f, "malformed");
	if (t->plan->count > 0 && t->heard >= t->plan->count) {
		if (t->handler != NULL)
			talk_handle_enough(t);
		else
			talk_act(t, life_step(&t->life, LIFE_ENOUGH));
	}
	got_reply(t);
	talk_owed_rest(t);
	return go;
}

/* The peer's half is closed; false: inside a character, and so we end. */
bool
talk_ends_in_text(struct talk *t)
{
	struct fail f;

	if (talk_has(t)->charset == NULL ||
	    charset_end(talk_has(t)->charset, &f) == 0)
		return true;
	fail_prefix(&f, "%s", t->name);
	talk_end_with(t, &f, "truncated");
	return false;
}
