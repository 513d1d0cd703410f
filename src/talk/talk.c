/* One conversation; see talk.h. The rules themselves are in life.c. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "talk/explain.h"
#include "talk/parts.h"

#define LINGER_AGAIN_MS 50

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

void
talk_outlet_room(struct talk *t)
{
	const bool refused = t->words != NULL && t->words->error.due;
	const bool shown = talk_show_kept(t);

	if (t->over)
		return;
	if (talk_tell_due(t) && refused)
		talk_pump(t);
	if (shown && !t->ending && !talk_owes(t))
		chan_resume(&t->chan);
	talk_owed_rest(t);
	if (t->ending && t->shared)
		talk_end_soon(t);
}

static void
on_outlet_room(struct outlet *o)
{
	talk_outlet_room(o->owner);
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
	if (t->life.ours != LIFE_LOST && t->has_spoken &&
	    (t->closing || (t->life.theirs_closed && !t->life.enough))) {
		talk_settle(t);
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
	if (chan_queued(&t->chan) > 0 || chan_is_stuck(&t->chan) ||
	    (t->feed != NULL &&
		(t->feed->next < t->feed->batch.n ||
		    (t->feed->plan->sends_n > 0 && !t->feed_ended))))
		talk_clock(t, TALK_LINGER, LINGER_AGAIN_MS + t->plan->linger_ms,
		    on_linger);
	else
		talk_act(t, life_step(&t->life, LIFE_LINGERED));
}

/* -q */
static uint64_t
quit_ms(const struct talk *t)
{
	return t->handler == NULL ? t->plan->quit_ms : t->handler->quit_ms;
}

void
talk_on_quit(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	/* It is the peer that is waited for, and not whoever reads from us. */
	if (t->handler == NULL && t->outlet->waiting)
		talk_clock(t, TALK_QUIT, quit_ms(t), talk_on_quit);
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
		log_say(t->home->log, LOG_CHATTY,
		    "%s: our half closes when all is sent", t->name);
		chan_shut(&t->chan);
	}
	if (todo & LIFE_DO_LINGER && t->handler != NULL)
		talk_look(t);
	if (todo & LIFE_DO_LINGER && !t->closing &&
	    (t->handler == NULL || t->plan->linger_given))
		talk_clock(t, TALK_LINGER,
		    t->feed != NULL && t->feed->terminal &&
			    !t->plan->linger_given
			? 0
			: t->plan->linger_ms,
		    on_linger);
	if (todo & LIFE_DO_WAIT && quit_ms(t) != UINT64_MAX && waits(t))
		talk_clock(t, TALK_QUIT, quit_ms(t), talk_on_quit);
	if (todo & LIFE_DO_END)
		end_of_life(t);
}

/* The input made no sense, and what came before that is out. */
void
talk_input_failed(struct talk *t)
{
	talk_end_with(t, &talk_words(t)->input, "the input cannot be sent");
}

/* --idle looks at the last byte of either side, and sets itself again. */
static void
on_idle(uv_timer_t *timer)
{
	struct talk *t = timer->data;
	const struct chan_counts *n = &t->chan.counts;
	uint64_t last =
	    n->last_in_ms > n->last_out_ms ? n->last_in_ms : n->last_out_ms;
	uint64_t quiet = talk_now(t) - last;

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
	log_say(t->home->log, LOG_CHATTY, "%s: the peer has closed its half",
	    t->name);
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
	    t, &f, f.status == STATUS_RESET ? "reset by the peer" : "failed");
}

/* What had come of a message that no end was told of. */
static void
add_tail(struct slice seen, struct fail *f)
{
	const struct fail before = *f;
	char text[160];
	struct span out = {(uint8_t *)text, 0, sizeof(text) - 1};
	size_t pos = 0;

	if (seen.len == 0)
		return;
	text_escape(TEXT_ESCAPED,
	    slice_of(seen.p, seen.len < 32 ? seen.len : 32), &pos, &out);
	text[out.len] = '\0';
	fail_set(f, before.status,
	    "%s; %zu bytes of a message had come: \"%s\"%s", before.what,
	    seen.len, text, seen.len > 32 ? "..." : "");
	if (before.hint[0] != '\0')
		fail_hint(f, "%s", before.hint);
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	const struct fail *known = stream_fail(c->stream);
	struct talk *t = talk_of(c);
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
		explain_decode(&c->work->decoder.fault, c->in,
		    c->work->decoder.messages, seen, why == CHAN_END_CUT, &f);
		break;
	case CHAN_END_TRUNCATED:
		fail_set(&f, STATUS_TRUNCATED,
		    "the stream ended without being closed");
		if (known != NULL)
			f = *known;
		add_tail(seen, &f);
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
		talk_words(t)->cut = f;
		t->cut_first = t->handler != NULL && !talk_handler_done(t);
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
	struct talk *t = talk_of(c);

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
	struct talk *t = talk_of(c);
	int err = c->stream->err;

	if (t->feed != NULL)
		feed_rest(t->feed);
	if (t->input_failed)
		talk_input_failed(t);
	if (stream_fail(c->stream) != NULL ||
	    (err != EPIPE && err != ECONNRESET)) {
		stream_failed(t, err);
		return;
	}
	/* After the peer's FIN both mean closed. */
	t->was_reset = err == ECONNRESET && !t->life.theirs_closed;
	if (t->owed != NULL) /* nothing of it is, any more */
		t->owed->echo_next = t->owed->echo.n;
	if (t->handler != NULL) {
		t->feed_ended = true;
		handler_mute(t->handler);
	}
	talk_act(t, life_step(&t->life, LIFE_SEND_FAILED));
	/* Whoever waits for it to take something would wait for ever. */
	if (t->home->on_low != NULL)
		t->home->on_low(t);
	if (!t->over && !t->kept)
		chan_resume(c);
}

static void
on_chan_closed(struct chan *c)
{
	struct talk *t = talk_of(c);

	talk_pass_end(t);
	talk_gone(t);
}

static const struct chan_events quiet_events = {
    .on_batch = talk_on_batch,
    .on_end = on_end,
    .on_low = talk_on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_paused = talk_on_paused,
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
    .on_paused = talk_on_paused,
    .on_peer = talk_on_peer,
    .on_trouble = talk_on_trouble,
    .on_wire = talk_on_wire,
    .on_closed = on_chan_closed,
};

/* stdout, or a handler's input: what befalls it is ours to hear of. */
static void
own_outlet(struct talk *t)
{
	t->outlet->owner = t;
	t->outlet->on_room = on_outlet_room;
	t->outlet->on_error = on_outlet_error;
	t->outlet->on_empty = on_outlet_empty;
}

void
talk_begin(struct talk *t, struct stream *stream, const char *name)
{
	const struct talk_plan *p = t->plan;
	const bool quiet =
	    p->echo || (t->feed == NULL ? t->home->said_all : t->feed->quiet);
	unsigned todo;

	t->status = STATUS_DONE;
	talk_name(t, name);
	if (talk_has(t)->charset != NULL)
		charset_restart(talk_has(t)->charset);
	if (t->feed != NULL) {
		t->feed->owner = t;
		t->feed->on_more = talk_on_more;
	}
	if (!t->shared)
		own_outlet(t);
	talk_wire_begin(t);
	talk_take_handler(t);
	chan_open(&t->chan, t->home->chans, stream, &p->in, &p->out,
	    p->queue_max,
	    talk_has(t)->dump != NULL ? &dumped_events : &quiet_events);
	if (t->home->lost != NULL) {
		t->home->lost->untaken = 0;
		sent_init(&t->home->lost->sent);
		t->home->chans->sent = &t->home->lost->sent;
	}
	talk_pass_begin(t);
	t->life.stay = p->stay;
	t->life.half_quiet = p->half_quiet && !p->echo;
	t->life.unminded =
	    t->feed == NULL || t->feed->terminal || t->feed->plan->sends_n > 0;
	todo = life_begin(&t->life, quiet);
	talk_tell_open(t);
	talk_greet(t);
	talk_say_unsent(t);
	talk_act(t, todo);
	if (p->idle_ms > 0 && !t->home->sweeps)
		talk_clock(t, TALK_IDLE, p->idle_ms, on_idle);
	if (p->reply_ms > 0 && !p->ask)
		talk_clock(t, TALK_REPLY, p->reply_ms, talk_on_reply_clock);
	if (quiet)
		t->feed_ended = true;
	talk_pump(t);
}
