/*
 * A conversation that a handler holds: its feed and its outlet are that
 * process's, so the rules of life hold for what it says, and what follows is
 * how its end and the peer's are told to one another.
 *
 *	the process ends	all it has written is sent, our half closes,
 *				the peer has --grace (-q) to close its own
 *	the peer's half closes	end of file; it may take its time to answer
 *	the peer has gone	it has --grace to end, too, once it has all
 *	it closes its input	what comes is dropped
 *	the peer reads no more	its next write fails
 */

#include "talk/parts.h"

/* How often a peer that is not read from is asked whether it has gone. */
#define LOOK_MS 250

static void
talk_say_handler(const struct talk *t)
{
	char text[160];

	handler_describe(t->handler, text, sizeof(text));
	log_say(t->home->log, LOG_VERBOSE, "%s: %s", t->name, text);
}

/* It does not read any more, which is no failure: what comes is dropped. */
void
talk_drop(struct talk *t)
{
	t->deaf = true;
	if (t->kept) {
		t->kept = false;
		if (!t->over)
			chan_resume(&t->chan);
	}
	talk_pass_resume(t);
	if (t->ending)
		talk_end_soon(t);
}

static void
on_end(struct handler *h)
{
	struct talk *t = h->owner;

	talk_say_handler(t);
	talk_drop(t);
	talk_pass_plainly(t);
	if (h->quit_ms > h->plan->grace_ms && t->plan->quit_ms == UINT64_MAX)
		h->quit_ms = h->plan->grace_ms;
	/* The clock that began without it. */
	if (t->life.ours == LIFE_CLOSED || t->life.ours == LIFE_LOST)
		talk_act(t, LIFE_DO_WAIT);
}

static void
on_gone(struct handler *h)
{
	talk_gone(h->owner);
}

void
talk_take_handler(struct talk *t)
{
	t->handler_first = t->deaf = false;
	if (t->handler == NULL)
		return;
	t->handler->quit_ms = t->plan->quit_ms;
	t->handler->owner = t;
	t->handler->on_end = on_end;
	t->handler->on_gone = on_gone;
	talk_say_handler(t);
}

/* Changes as long as the handler takes something, whichever way it comes. */
static uint64_t
taken_by_it(const struct talk *t)
{
	return t->outlet->written + t->chan.counts.bytes_in -
	    handler_unread(t->handler);
}

/*
 * Has the peer gone altogether? Nobody tells while it is not read from, and a
 * handler that says nothing would never meet it. All that it has left is still
 * the handler's; but one that takes nothing of it is not waited for.
 */
static void
on_look(uv_timer_t *timer)
{
	struct talk *t = timer->data;
	uint64_t taken = taken_by_it(t);

	if (t->chan.reading == CHAN_READING)
		return;
	talk_clock(t, TALK_LOOK, LOOK_MS, on_look);
	if (taken != t->handler->taken || !stream_gone(t->chan.stream)) {
		t->handler->taken = taken;
		t->handler->taken_ms = talk_now(t);
	} else if ((!t->outlet->taken && handler_unread(t->handler) == 0) ||
	    talk_now(t) - t->handler->taken_ms >= t->plan->linger_ms)
		handler_hurry(t->handler);
}

void
talk_look(struct talk *t)
{
	if (talk_clock_runs(t, TALK_LOOK))
		return;
	t->handler->taken = taken_by_it(t);
	t->handler->taken_ms = talk_now(t);
	talk_clock(t, TALK_LOOK, LOOK_MS, on_look);
}

/* As many messages as were asked for: it may answer them. */
void
talk_handle_enough(struct talk *t)
{
	t->deaf = true;
	handler_shut(t->handler);
}

/*
 * Has it said all? What ends by itself closes its output, which may be known
 * before its end is.
 */
bool
talk_handler_done(const struct talk *t)
{
	return t->handler->state != HANDLER_RUNS ||
	    (t->feed->over && !t->feed->bad);
}

/*
 * The conversation is ending. Was it the handler that ended it, by closing its
 * output, as what ends by itself does?
 */
void
talk_end_handler(struct talk *t)
{
	struct handler *h = t->handler;

	t->handler_first =
	    h->told == 0 && !t->cut_first && talk_handler_done(t);
	handler_hurry(h);
}

/*
 * What came first names the end: a handler that failed by itself, or what went
 * wrong with the conversation.
 */
void
talk_judge_handler(struct talk *t)
{
	int status = handler_status(t->handler);

	if (t->status == STATUS_DONE || (t->handler_first && status != 0))
		talk_words(t)->fail.exit = status;
}

bool
talk_stop(struct talk *t)
{
	if (t->handler == NULL || t->handler->state == HANDLER_NONE)
		return false;
	handler_stop(t->handler);
	t->handler->quit_ms = 0;
	if (t->handler->state == HANDLER_ENDED && t->feed->over) {
		talk_finish(t); /* all it has said is on its way */
		return true;
	}
	/* The last that it says is for a peer that takes it. */
	if (!t->over)
		talk_clock(
		    t, TALK_QUIT, 2 * t->handler->plan->grace_ms, talk_on_quit);
	return true;
}
