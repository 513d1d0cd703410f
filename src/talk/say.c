/*
 * What we say: the feed's messages, --on-open and --echo, as fast as the
 * queue, --ask and --interval let them go.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "talk/explain.h"
#include "talk/parts.h"

/*
 * Input that ended badly: what was said before it still goes out, and then it
 * is over.
 */
static void
feed_failed(struct talk *t, const struct fail *f, uint64_t line)
{
	t->feed_ended = true;
	t->input_failed = true;
	talk_words(t)->input = *f;
	talk_tell_error(t, f, line);
	chan_flush(&t->chan);
	if (chan_queued(&t->chan) == 0)
		talk_input_failed(t);
}

/* What makes replies, made itself when the first one is due. */
static bool
reply_ready(struct talk *t, struct fail *f)
{
	const struct talk_plan *p = t->plan;
	struct talk_extra *extra = talk_extra(t);
	struct reply *r;

	if (extra != NULL && extra->reply != NULL)
		return true;
	r = extra == NULL ? NULL : malloc(sizeof(*r));
	if (r == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return false;
	}
	if (reply_begin(r, p->reply, &p->charset, p->out.max, t->about, f) ==
	    -1) {
		free(r);
		return false;
	}
	extra->reply = r;
	return true;
}

void
talk_reply_end(struct talk *t)
{
	struct reply *r = talk_has(t)->reply;

	if (r == NULL)
		return;
	reply_end(r);
	free(r);
	t->extra->reply = NULL;
}

/* What --reply makes of what has come, as far as the queue takes it. */
static enum chan_sent
send_replies(struct talk *t, struct fail *f)
{
	struct talk_owed *o = t->owed;
	struct reply *r;
	enum chan_sent sent = CHAN_SENT;
	size_t before;
	int made = 0;

	if (!reply_ready(t, f))
		return CHAN_REFUSED;
	r = t->extra->reply;

	for (;;) {
		before = r->next;
		if (before < r->batch.n)
			sent = chan_send(&t->chan, &r->batch, &r->next);
		o->echo_next += r->next - before;
		if (sent != CHAN_SENT || made == -1 ||
		    o->echo_next == o->echo.n)
			break;
		made = reply_make(r, &o->echo, o->echo_next, f);
	}
	/* What was refused is shown, so it must still be there. */
	if (sent == CHAN_REFUSED)
		talk_refused_text(t, f);
	if (sent != CHAN_FULL)
		reply_drop(r);
	return made == -1 && sent == CHAN_SENT ? CHAN_REFUSED : sent;
}

static enum chan_sent
send_back(struct talk *t, struct fail *f)
{
	enum chan_sent sent;

	if (t->plan->reply != NULL)
		return send_replies(t, f);
	sent = chan_send(&t->chan, &t->owed->echo, &t->owed->echo_next);
	if (sent == CHAN_REFUSED)
		talk_refused_text(t, f);
	return sent;
}

/* A role answers what has come. False: the rest waits for on_low. */
bool
talk_echo(struct talk *t)
{
	struct talk_owed *o = t->owed;
	size_t before = o->echo_next;
	enum chan_sent r;
	struct fail f;

	t->echoing = true;
	r = send_back(t, &f);
	t->echoing = false;
	if (o->echo_next > before) {
		t->has_spoken = true;
		t->life.queued = true;
	}
	if (r == CHAN_REFUSED) {
		fail_prefix(&f, t->plan->reply == NULL ? "--echo" : "--reply");
		talk_end_with(t, &f, "it cannot be sent back");
	}
	if (r == CHAN_REFUSED || r == CHAN_LOST)
		o->echo_next = o->echo.n;
	return r != CHAN_FULL;
}

void
talk_on_reply_clock(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	talk_timed_out(t, "--reply-timeout", t->plan->reply_ms);
}

static void
on_interval(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	t->pacing = false;
	talk_pump(t);
}

/* Something of ours has been said. */
void
talk_said(struct talk *t)
{
	t->has_spoken = true;
	t->life.queued = true;
	if (t->plan->ask)
		t->waiting_reply = true;
	if (t->plan->reply_ms > 0 && !talk_clock_runs(t, TALK_REPLY))
		talk_clock(
		    t, TALK_REPLY, t->plan->reply_ms, talk_on_reply_clock);
	if (t->plan->interval_ms > 0) {
		t->pacing = true;
		talk_clock(t, TALK_INTERVAL, t->plan->interval_ms, on_interval);
	}
	if (talk_clock_runs(t, TALK_LINGER))
		talk_act(t, LIFE_DO_LINGER);
}

static void
feed_over(struct talk *t)
{
	if (t->feed_ended || t->waiting_reply)
		return; /* our half closes behind the last reply */
	t->feed_ended = true;
	talk_act(t, life_step(&t->life, LIFE_INPUT_END));
	/* The last of what it was asked for has its answer. */
	if (t->handler != NULL && t->plan->count > 0 &&
	    t->heard >= t->plan->count)
		talk_act(t, life_step(&t->life, LIFE_ENOUGH));
}

/* One portion: all of the batch, or one message where each has its turn. */
static enum chan_sent
send_portion(struct talk *t)
{
	struct feed *f = t->feed;
	struct batch one = {f->batch.v, f->until, f->batch.cap};
	size_t before = f->next;
	enum chan_sent r;

	if (t->plan->ask || t->plan->interval_ms > 0)
		one.n = f->next + 1;
	r = chan_send(&t->chan, &one, &f->next);
	if (f->next > before)
		talk_said(t);
	return r;
}

/*
 * A line of the input is refused. Where each answers for itself that ends
 * nothing, and the status will tell unless only its channel had gone.
 */
static void
refuse_line(struct talk *t, const struct fail *f, uint64_t line)
{
	if (t->feed->plan->whom == FEED_PEER) {
		feed_failed(t, f, line);
		return;
	}
	if (f->status != STATUS_DONE)
		talk_words(t)->refused++;
	if (!talk_tell_error(t, f, line))
		t->home->on_refused(t, f);
}

/* batch.v[next] cannot be sent; the others may. */
static void
refuse_message(struct talk *t)
{
	struct fail f;

	talk_refused_text(t, &f);
	feed_skip(t->feed);
	refuse_line(t, &f, t->feed->note.record);
}

/* {"mode":...} */
static void
change_mode(struct talk *t, const struct source_command *c)
{
	struct fail f;

	if (talk_change_mode(t, c->asks.mode, &f))
		return;
	fail_prefix(&f, "%s: line %" PRIu64, t->feed->name, c->note.record);
	refuse_line(t, &f, c->note.record);
}

/* What only makes sense where there are many. */
static void
refuse_command(struct talk *t, uint64_t line)
{
	struct fail f;

	fail_set(&f, STATUS_MALFORMED,
	    "%s: line %" PRIu64 ": expected \"close\":true or \"mode\", saw "
	    "what is for many channels",
	    t->feed->name, line);
	fail_hint(&f, "try: wdsock serve-multi");
	refuse_line(t, &f, line);
}

static void
obey(struct talk *t, const struct source_command *c)
{
	switch (c->asks.what) {
	case JSON_CLOSE:
		t->closing = true;
		talk_act(t, life_step(&t->life, LIFE_ENOUGH));
		break;
	case JSON_MODE:
		change_mode(t, c);
		break;
	default:
		refuse_command(t, c->note.record);
	}
}

/* May the input be asked for more? */
static bool
may_say(const struct talk *t)
{
	return !t->ending && !t->over && !t->life.enough && !t->waiting_reply &&
	    !t->feed_ended && (t->words == NULL || !t->words->error.due) &&
	    t->chan.writing == CHAN_WRITING;
}

/* Sends what is there. False: no more now. */
static bool
say_portion(struct talk *t)
{
	/* Asked for first: an end need not wait for the interval. */
	if (t->pacing)
		return false;
	switch (send_portion(t)) {
	case CHAN_SENT:
		return true;
	case CHAN_REFUSED:
		refuse_message(t);
		return true;
	default:
		return false;
	}
}

/* Says what can be said now. */
void
talk_pump(struct talk *t)
{
	struct feed *f = t->feed;
	bool more = true;

	if (f == NULL || (t->pumps_out && talk_pass_out(t)))
		return;
	while (more && may_say(t)) {
		switch (feed_next(f)) {
		case FEED_LATER:
			return;
		case FEED_OVER:
			feed_over(t);
			return;
		case FEED_BAD:
			feed_failed(t, f->fail, f->note.record);
			return;
		case FEED_REFUSED:
			refuse_line(t, f->fail, f->note.record);
			break;
		case FEED_COMMAND:
			obey(t, &f->source.command);
			break;
		case FEED_READY:
			more = say_portion(t);
			break;
		}
	}
	feed_rest(f);
}

void
talk_on_more(struct feed *f)
{
	struct talk *t = f->owner;

	if (t != NULL)
		talk_pump(t);
}

void
talk_on_low(struct chan *c)
{
	struct talk *t = talk_of(c);

	if (t->plan->echo && talk_owes(t) && talk_echo(t) && !t->kept)
		chan_resume(c);
	talk_owed_rest(t);
	talk_pump(t);
	if (t->home->on_low != NULL)
		t->home->on_low(t);
}

/* --on-open as far as it goes at once: nothing of it is kept for later. */
static void
greet_with(struct talk *t, const struct batch *b)
{
	size_t next = 0;
	struct fail f;

	switch (chan_send(&t->chan, b, &next)) {
	case CHAN_SENT:
	case CHAN_LOST:
		break;
	case CHAN_FULL:
		fail_set(&f, STATUS_IO,
		    "--on-open: expected room for %zu messages, saw it for %zu",
		    b->n, next);
		fail_hint(&f, "try: fewer of them, and the rest as input");
		feed_failed(t, &f, 0);
		break;
	case CHAN_REFUSED:
		talk_refused_text(t, &f);
		fail_prefix(&f, "--on-open");
		feed_failed(t, &f, 0);
		break;
	}
	t->life.queued = next > 0;
	t->has_spoken = t->has_spoken || next > 0;
}

/* What a connection that is about to go leaves behind. */
void
talk_count_untaken(struct talk *t)
{
	const struct chan *c = &t->chan;
	int64_t left = stream_unacked(c->stream);
	uint64_t out = c->counts.bytes_out;

	if (left > 0)
		out -= (uint64_t)left < out ? (uint64_t)left : out;
	t->home->lost->untaken = sent_beyond(&t->home->lost->sent, out);
	if (sent_unsent(&t->home->lost->sent, chan_queue(c),
		c->counts.bytes_out, &t->home->lost->unsent))
		t->home->lost->untaken -= t->home->lost->unsent.frames.n;
	sent_release(&t->home->lost->sent);
}

/* What an earlier connection had not sent. */
void
talk_say_unsent(struct talk *t)
{
	if (t->home->lost == NULL)
		return;
	if (t->home->lost->unsent.frames.n > 0) {
		t->has_spoken = true;
		t->life.queued = true;
		chan_send_frames(&t->chan, &t->home->lost->unsent.frames);
	}
	unsent_free(&t->home->lost->unsent);
}

/*
 * --on-open: said first, each time. What the feed has in hand is not touched,
 * so this has a charset of its own.
 */
void
talk_greet(struct talk *t)
{
	struct slice v[64];
	struct batch b = {v, 0, 64}, text;
	struct charset charset;
	struct fail f;
	size_t i;
	int r;

	for (i = 0; i < t->plan->on_open_n && b.n < b.cap; i++)
		batch_add(&b, (const uint8_t *)t->plan->on_open[i],
		    strlen(t->plan->on_open[i]));
	if (b.n == 0)
		return;
	r = charset_open(&charset, &t->plan->charset, CHARSET_SEND, false, &f);
	if (r == 0) {
		r = charset_convert(&charset, &b, &text, &f);
		greet_with(t, &text);
		charset_release(&charset);
	}
	if (r == -1) {
		fail_prefix(&f, "--on-open");
		feed_failed(t, &f, 0);
	}
}
