/*
 * A conversation among several, whose owner says what is said to each, and to
 * whom stdout belongs.
 */

#include "talk/explain.h"
#include "talk/parts.h"

/* It could have read, but nobody's messages are wanted now. */
void
talk_on_paused(struct chan *c)
{
	struct talk *t = talk_of(c);

	if (t->home->on_wait != NULL)
		t->home->on_wait(t);
}

enum chan_sent
talk_say(struct talk *t, const struct batch *b, size_t *next)
{
	const size_t before = *next;
	enum chan_sent r = chan_send(&t->chan, b, next);

	if (*next > before)
		talk_said(t);
	return r;
}

void
talk_told(struct talk *t, uint64_t n)
{
	if (n == 0)
		return;
	talk_said(t);
	chan_told(&t->chan, n);
}

void
talk_said_all(struct talk *t)
{
	if (t->feed_ended || t->ending || t->over || t->feed != NULL)
		return;
	t->feed_ended = true;
	t->life.stay = true;
	talk_act(t, life_step(&t->life, LIFE_INPUT_END));
}

void
talk_shut(struct talk *t)
{
	t->feed_ended = true;
	t->life.stay = false;
	talk_act(t, life_step(&t->life, LIFE_INPUT_END));
}

void
talk_finish(struct talk *t)
{
	if (t->ending || t->over)
		return;
	t->closing = true;
	talk_act(t, life_step(&t->life, LIFE_ENOUGH));
}

bool
talk_change_mode(struct talk *t, const char *mode, struct fail *f)
{
	enum framing_error err;
	struct framing fr;
	size_t at;

	err = framing_parse(mode, &fr, &at);
	if (stream_has_datagrams(t->chan.stream))
		fail_set(f, STATUS_MALFORMED,
		    "expected none, since each datagram is a message");
	else if (err != FRAMING_OK)
		explain_mode(err, mode, at, f);
	else if (charset_framing(&t->plan->charset, &fr, f) == 0) {
		fr.max = t->chan.out->max;
		talk_wire_change(t, &fr);
		if (chan_change(&t->chan, &fr))
			return true;
		fail_set(f, STATUS_IO, "out of memory");
	}
	if (f->status != STATUS_IO)
		f->status = STATUS_MALFORMED;
	fail_prefix(f, "\"mode\"");
	return false;
}
