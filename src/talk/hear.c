/*
 * What we hear: messages are counted, converted, matched, echoed and shown.
 */

#include <inttypes.h>

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
	if (t->charset == NULL ||
	    (t->plan->no_output && t->plan->expect == NULL &&
		t->plan->reply == NULL))
		return 0;
	if (charset_convert(t->charset, b, text, f) == 0)
		return 0;
	return fail_prefix(f, "%s", t->name);
}

/* Messages have come. False: they are kept until stdout takes them. */
bool
talk_on_batch(struct chan *c, struct batch *b)
{
	struct talk *t = c->owner;
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
	if (!t->plan->no_output || t->plan->reply != NULL)
		talk_stamp(t);
	if (t->plan->expect != NULL)
		look_at_messages(t, &text);
	if (t->plan->echo) {
		/* A format speaks UTF-8; what goes back as it is need not. */
		t->echo = t->plan->reply == NULL ? *b : text;
		t->echo_next = 0;
		go = talk_echo(t);
	}
	if (!t->plan->no_output && !t->deaf) {
		switch (outlet_put(t->outlet, &t->of, &text)) {
		case OUTLET_DONE:
			break;
		case OUTLET_WAIT:
			t->kept = true;
			go = false;
			if (t->handler != NULL)
				talk_look(t);
			break;
		case OUTLET_FAILED:
			if (!t->deaf)
				return true;
			break;
		}
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
	return go;
}

/* The peer's half is closed; false: inside a character, and so we end. */
bool
talk_ends_in_text(struct talk *t)
{
	struct fail f;

	if (t->charset == NULL || charset_end(t->charset, &f) == 0)
		return true;
	fail_prefix(&f, "%s", t->name);
	talk_end_with(t, &f, "truncated");
	return false;
}
