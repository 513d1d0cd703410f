/* One conversation; see talk.h. The rules themselves are in life.c. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "talk/explain.h"
#include "talk/parts.h"

#define SETTLE_MS 2
#define SETTLE_LEAST_MS 5000 /* without any progress */
#define LINGER_AGAIN_MS 50

void
talk_clock(struct talk *t, enum talk_clock which, uint64_t ms, uv_timer_cb cb)
{
	uv_timer_start(&t->clock[which], cb, ms, 0);
}

/*
 * The end, told once the turn is over: what else goes wrong in this turn may
 * weigh more, and then it names the status.
 */
static void on_end_clock(uv_timer_t *);

void
talk_end(struct talk *t, enum status s, const char *why)
{
	if (t->over || t->judged)
		return;
	if (t->ending && status_worse(t->status, s) != s)
		return;
	t->status = s;
	snprintf(t->why, sizeof(t->why), "%s", why);
	if (!t->ending)
		chan_deafen(&t->chan); /* nobody would see it any more */
	if (!t->ending && t->handler != NULL)
		talk_end_handler(t);
	if (!t->ending)
		talk_end_soon(t);
	t->ending = true;
}

void
talk_end_soon(struct talk *t)
{
	if (!t->over)
		talk_clock(t, TALK_END, 0, on_end_clock);
}

/* The same with a text. */
void
talk_end_with(struct talk *t, const struct fail *f, const char *why)
{
	if (t->judged ||
	    (t->ending && status_worse(t->status, f->status) != f->status))
		return;
	t->fail = *f;
	talk_end(t, f->status, why);
}

/* One of its parts is gone; the last one tells the owner. */
void
talk_gone(struct talk *t)
{
	if (t->clocks_open > 0 || t->chan.stream != NULL)
		return;
	if (t->handler != NULL && t->handler->state != HANDLER_NONE)
		return;
	if (t->handler != NULL)
		talk_judge_handler(t);
	t->on_over(t);
}

static void
on_clock_closed(uv_handle_t *h)
{
	struct talk *t = h->data;

	t->clocks_open--;
	talk_gone(t);
}

static void
on_chan_closed(struct chan *c)
{
	struct talk *t = c->owner;

	talk_pass_end(t);
	talk_gone(t);
}

/* All of ours has been said and shown: its parts go. */
static void
close_all(struct talk *t)
{
	int i;

	t->over = true;
	feed_rest(t->feed);
	talk_wire_end(t, false, false);
	talk_wire_end(t, true, false);
	talk_last_words(t);
	talk_reply_end(t);
	if (t->plan->track)
		talk_count_untaken(t);
	chan_close(&t->chan, false);
	for (i = 0; i < TALK_CLOCKS; i++)
		uv_close((uv_handle_t *)&t->clock[i], on_clock_closed);
	if (t->handler != NULL)
		handler_leave(t->handler);
}

/*
 * Lines of the input that were refused, each of which has been told, and a
 * pattern that nothing has met are failures of their own.
 */
static void
judge(struct talk *t)
{
	/* What went wrong since weighs more, unless it only followed. */
	if (t->cut.what[0] != '\0' &&
	    (t->status == STATUS_DONE || t->status == STATUS_CLOSED)) {
		t->fail = t->cut;
		t->status = t->fail.status;
		snprintf(t->why, sizeof(t->why), "truncated");
	}
	if (t->status == STATUS_DONE && t->refused > 0)
		fail_set(&t->fail, t->status = STATUS_MALFORMED,
		    "%s: %" PRIu64 " line%s of standard input could not be "
		    "sent",
		    t->name, t->refused, t->refused == 1 ? "" : "s");
	if (t->status == STATUS_DONE && t->plan->expect != NULL && !t->met)
		fail_set(&t->fail, t->status = STATUS_UNMET,
		    "%s: expected a message that matches '%s', saw none in "
		    "%" PRIu64,
		    t->name, t->plan->expect_text, t->heard);
}

static void
on_end_clock(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	if (t->over)
		return;
	t->judged = true;
	outlet_flush(t->outlet);
	if (!outlet_is_empty(t->outlet))
		return; /* on_empty comes back here */
	judge(t);
	if (talk_tell_close(t))
		close_all(t);
}

/* Did stdout fail? Then how it failed is how we end. */
static void
on_outlet_error(struct outlet *o, int err)
{
	struct talk *t = o->owner;
	struct fail f;

	if (t->handler != NULL && err == EPIPE) {
		talk_drop(t);
		return;
	}
	fail_set(&f, STATUS_IO, "%s: %s",
	    t->handler != NULL ? "the handler's input" : "stdout",
	    strerror(err));
	if (t->handler == NULL && (err == EPIPE || err == ENXIO))
		f.signal = SIGPIPE;
	/* What was heard before the end is lost: that is never too late. */
	t->judged = false;
	talk_end_with(t, &f, "what came could not be written");
	/* Whoever waited for it to be empty need not wait any more. */
	talk_end_soon(t);
}

static void
on_outlet_room(struct outlet *o)
{
	struct talk *t = o->owner;

	t->kept = false;
	if (t->over)
		return;
	if (t->error.due && talk_tell_due(t))
		talk_pump(t);
	if (!t->ending && t->echo_next >= t->echo.n)
		chan_resume(&t->chan);
}

static void
on_outlet_empty(struct outlet *o)
{
	struct talk *t = o->owner;

	if (t->handler != NULL)
		handler_on_empty(t->handler);
	if (t->ending)
		talk_end_soon(t);
	talk_pass_resume(t);
}

/*
 * Ours is done, and the peer has closed its half or is to be left: are our last
 * bytes taken? A peer that no longer reads answers them by a reset, so the
 * kernel is asked until it has nothing of ours left, for as long as --linger at
 * the most.
 */
static void
on_settle(uv_timer_t *timer)
{
	struct talk *t = timer->data;
	int64_t left = stream_unacked(t->chan.stream);
	bool broken = stream_broken(t->chan.stream);
	struct fail f;

	if (broken ||
	    (left > 0 && t->settle_ms > t->plan->linger_ms + SETTLE_LEAST_MS)) {
		talk_lost_text(t, &f);
		talk_end_with(t, &f, "closed by the peer");
		return;
	}
	if (left <= 0) {
		talk_end(t, STATUS_DONE,
		    t->closing ? "closed by us" : "closed by the peer");
		return;
	}
	/* As long as it becomes less, the peer is only slow. */
	t->settle_ms = left < t->settle_left ? 0 : t->settle_ms + SETTLE_MS;
	t->settle_left = left;
	talk_clock(t, TALK_SETTLE, SETTLE_MS, on_settle);
}

/* life.h said that it is over. */
static void
end_of_life(struct talk *t)
{
	struct fail f;

	if (t->life.status == STATUS_CLOSED) {
		if (t->life.ours == LIFE_LOST)
			talk_lost_text(t, &f);
		else
			fail_set(&f, STATUS_CLOSED,
			    "%s: closed by the peer while %s", t->name,
			    t->handler != NULL ? "its handler was at work"
					       : "standard input was open");
		talk_end_with(t, &f, "closed by the peer");
		return;
	}
	if (t->life.ours != LIFE_LOST && t->said > 0 &&
	    (t->closing || (t->life.theirs_closed && !t->life.enough))) {
		snprintf(t->why, sizeof(t->why), "%s",
		    t->closing ? "closed by us" : "closed by the peer");
		t->settle_ms = 0;
		t->settle_left = INT64_MAX;
		on_settle(&t->clock[TALK_SETTLE]);
		return;
	}
	talk_end(t, STATUS_DONE,
	    t->closing			? "closed by us"
		: t->life.enough	? "as many messages as asked for"
		: t->life.theirs_closed ? "closed by the peer"
					: "closed by us");
}

static void peer_closed(struct talk *);

static void
on_linger(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	if (t->waiting_reply) {
		peer_closed(t); /* nobody is there to give it */
		return;
	}

	/* What there is to say is not yet all on its way. */
	if (chan_queued(&t->chan) > 0 || t->chan.pass_stuck ||
	    t->feed->next < t->feed->batch.n ||
	    (t->feed->plan->sends_n > 0 && !t->feed_ended))
		talk_clock(t, TALK_LINGER, LINGER_AGAIN_MS + t->plan->linger_ms,
		    on_linger);
	else
		talk_act(t, life_step(&t->life, LIFE_LINGERED));
}

void
talk_on_quit(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	/* It is the peer that is waited for, and not whoever reads from us. */
	if (t->handler == NULL && t->outlet->waiting)
		talk_clock(t, TALK_QUIT, t->quit_ms, talk_on_quit);
	else
		talk_act(t, life_step(&t->life, LIFE_QUIT));
}

/*
 * Does -q begin? What speaks may be something else than an input that has
 * nothing to say, or nothing would tell that it is over; and what is still
 * queued comes first.
 */
static bool
waits(const struct talk *t)
{
	return t->life.input != LIFE_QUIET || t->life.ours != LIFE_OPEN ||
	    (!t->plan->echo && !stream_has_datagrams(t->chan.stream) &&
		!t->life.queued);
}

void
talk_act(struct talk *t, unsigned todo)
{
	if (t->over)
		return;
	if (todo & LIFE_DO_SHUT) {
		log_say(t->log, LOG_CHATTY,
		    "%s: our half closes when all is sent", t->name);
		chan_shut(&t->chan);
	}
	if (todo & LIFE_DO_LINGER && t->handler != NULL)
		talk_look(t);
	if (todo & LIFE_DO_LINGER && !t->closing &&
	    (t->handler == NULL || t->plan->linger_given))
		talk_clock(t, TALK_LINGER,
		    t->feed->terminal && !t->plan->linger_given
			? 0
			: t->plan->linger_ms,
		    on_linger);
	if (todo & LIFE_DO_WAIT && t->quit_ms != UINT64_MAX && waits(t))
		talk_clock(t, TALK_QUIT, t->quit_ms, talk_on_quit);
	if (todo & LIFE_DO_END)
		end_of_life(t);
}

/* The input made no sense, and what came before that is out. */
void
talk_input_failed(struct talk *t)
{
	talk_end_with(t, &t->input_fail, "the input cannot be sent");
}

/* --idle looks at the last byte of either side, and sets itself again. */
static void
on_idle(uv_timer_t *timer)
{
	struct talk *t = timer->data;
	const struct chan_counts *n = &t->chan.counts;
	uint64_t last =
	    n->last_in_ms > n->last_out_ms ? n->last_in_ms : n->last_out_ms;
	uint64_t quiet = uv_now(t->loop) - last;

	if (t->chan.reading == CHAN_PAUSED || t->outlet->waiting)
		quiet = 0; /* it is our stdout that stalls, not the peer */
	if (quiet >= t->plan->idle_ms)
		talk_timed_out(t, "--idle", t->plan->idle_ms);
	else
		talk_clock(t, TALK_IDLE, t->plan->idle_ms - quiet, on_idle);
}

/* The peer's half is closed, in order or not. */
static void
peer_closed(struct talk *t)
{
	struct fail f;

	if (t->first_fin == TALK_FIN_NONE)
		t->first_fin = TALK_FIN_THEIRS;
	if (t->waiting_reply) {
		fail_set(&f, STATUS_CLOSED,
		    "%s: closed by the peer before its reply had come",
		    t->name);
		talk_end_with(t, &f, "closed by the peer");
		return;
	}
	if (t->plan->count > t->heard) {
		fail_set(&f, STATUS_CLOSED,
		    "%s: closed by the peer: expected %" PRIu64
		    " messages, saw %" PRIu64,
		    t->name, t->plan->count, t->heard);
		talk_end_with(t, &f, "closed by the peer");
		return;
	}
	log_say(
	    t->log, LOG_CHATTY, "%s: the peer has closed its half", t->name);
	if (t->handler != NULL)
		handler_shut(t->handler);
	talk_act(t, life_step(&t->life, LIFE_PEER_CLOSED));
}

static void
stream_failed(struct talk *t, int err)
{
	struct fail f;

	talk_broken_text(t, err, &f);
	talk_end_with(
	    t, &f, err == ECONNRESET ? "reset by the peer" : "failed");
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	struct talk *t = c->owner;
	struct fail f;

	talk_wire_end(t, false, why == CHAN_END_CLOSED || why == CHAN_END_CUT);
	/* A write has met the reset first, and taken it away from the read. */
	if (t->was_reset && (why == CHAN_END_CLOSED || why == CHAN_END_CUT)) {
		stream_failed(t, ECONNRESET);
		return;
	}
	switch (why) {
	case CHAN_END_CLOSED:
		if (talk_ends_in_text(t))
			peer_closed(t);
		return;
	case CHAN_END_FAILED:
		stream_failed(t, c->stream->err);
		return;
	case CHAN_END_CUT:
	case CHAN_END_BAD:
		explain_decode(&c->decoder.fault, c->in, c->decoder.messages,
		    seen, why == CHAN_END_CUT, &f);
		break;
	case CHAN_END_TRUNCATED:
		fail_set(&f, STATUS_TRUNCATED,
		    "the stream ended without being closed");
		break;
	case CHAN_END_PACKET:
		fail_set(&f, STATUS_MALFORMED,
		    "expected a packet of at most %zu bytes, saw one of %zu",
		    chan_packet_max(c), stream_pending(c->stream));
		fail_hint(&f, "try: a larger --max-message");
		break;
	case CHAN_END_MEMORY:
		fail_set(&f, STATUS_IO, "out of memory");
		break;
	}
	fail_prefix(&f, "%s", t->name);
	if (why == CHAN_END_CUT) {
		/* A FIN all the same: what we have to say is still sent. */
		t->cut = f;
		t->cut_first =
		    t->handler != NULL && t->handler->state == HANDLER_RUNS;
		peer_closed(t);
		return;
	}
	talk_end_with(t, &f,
	    why == CHAN_END_BAD || why == CHAN_END_PACKET ? "malformed"
							  : "truncated");
}

static void
on_drained(struct chan *c)
{
	struct talk *t = c->owner;

	if (c->writing == CHAN_CLOSED)
		talk_wire_end(t, true, true);
	if (t->input_failed) {
		talk_input_failed(t);
		return;
	}
	if (c->writing == CHAN_CLOSED && t->first_fin == TALK_FIN_NONE)
		t->first_fin = TALK_FIN_OURS;
	talk_act(t, life_step(&t->life, LIFE_DRAINED));
}

/*
 * Nothing more can be sent. If the peer has not closed its half in order, what
 * it has sent is read first, and how that ends says what it was.
 */
static void
on_failed(struct chan *c)
{
	struct talk *t = c->owner;
	int err = c->stream->err;

	feed_rest(t->feed);
	if (t->input_failed)
		talk_input_failed(t);
	if (err != EPIPE && err != ECONNRESET) {
		stream_failed(t, err);
		return;
	}
	/* After the peer's FIN both mean closed. */
	t->was_reset = err == ECONNRESET && !t->life.theirs_closed;
	t->echo_next = t->echo.n; /* nothing of it is owed any more */
	if (t->handler != NULL) {
		t->feed_ended = true;
		handler_mute(t->handler);
	}
	talk_act(t, life_step(&t->life, LIFE_SEND_FAILED));
	if (!t->over && !t->kept)
		chan_resume(c);
}

static const struct chan_events quiet_events = {
    .on_batch = talk_on_batch,
    .on_end = on_end,
    .on_low = talk_on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_peer = talk_on_peer,
    .on_trouble = talk_on_trouble,
    .on_closed = on_chan_closed,
};

static const struct chan_events dumped_events = {
    .on_batch = talk_on_batch,
    .on_end = on_end,
    .on_low = talk_on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_peer = talk_on_peer,
    .on_trouble = talk_on_trouble,
    .on_wire = talk_on_wire,
    .on_closed = on_chan_closed,
};

void
talk_begin(struct talk *t, struct chan_loop *loop, struct stream *stream,
    const char *name)
{
	const struct talk_plan *p = t->plan;
	unsigned todo;
	int i;

	t->loop = loop->uv;
	t->status = STATUS_DONE;
	memset(&t->fail, 0, sizeof(t->fail));
	t->why[0] = '\0';
	t->begun_ms = uv_now(loop->uv);
	t->said = 0;
	/* Over several connections in turn one count and one pattern hold. */
	if (!p->track) {
		t->heard = 0;
		t->met = false;
	}
	t->waiting_reply = t->pacing = t->feed_ended = false;
	t->ending = t->judged = t->over = t->kept = t->was_reset = false;
	t->input_failed = false;
	t->cut.what[0] = '\0';
	t->cut_first = false;
	t->first_fin = TALK_FIN_NONE;
	t->untaken = 0;
	sent_init(&t->sent);
	t->echo.n = t->echo_next = 0;
	if (t->charset != NULL)
		charset_restart(t->charset);
	t->closing = t->told_close = t->error.due = false;
	t->refused = 0;
	talk_name(t, name);
	for (i = 0; i < TALK_CLOCKS; i++) {
		uv_timer_init(loop->uv, &t->clock[i]);
		t->clock[i].data = t;
	}
	t->clocks_open = TALK_CLOCKS;
	t->feed->owner = t;
	t->feed->on_more = talk_on_more;
	t->outlet->owner = t;
	t->outlet->on_room = on_outlet_room;
	t->outlet->on_error = on_outlet_error;
	t->outlet->on_empty = on_outlet_empty;
	talk_wire_begin(t);
	talk_take_handler(t);
	chan_open(&t->chan, loop, stream, &p->in, &p->out, p->queue_max,
	    p->dump ? &dumped_events : &quiet_events, t);
	if (p->track)
		t->chan.sent = &t->sent;
	talk_pass_begin(t);
	t->life.stay = p->stay;
	t->life.half_quiet = p->half_quiet && !p->echo;
	t->life.unminded = t->feed->terminal || t->feed->plan->sends_n > 0;
	todo = life_begin(&t->life, t->feed->quiet || p->echo);
	talk_reply_begin(t);
	talk_tell_open(t);
	talk_greet(t);
	talk_say_unsent(t);
	talk_act(t, todo);
	if (p->idle_ms > 0)
		talk_clock(t, TALK_IDLE, p->idle_ms, on_idle);
	if (p->reply_ms > 0 && !p->ask)
		talk_clock(t, TALK_REPLY, p->reply_ms, talk_on_reply_clock);
	if (t->feed->quiet || p->echo)
		t->feed_ended = true;
	talk_pump(t);
}
