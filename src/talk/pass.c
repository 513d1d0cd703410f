/*
 * What passes unseen: raw bytes between stdin or stdout and the stream, by the
 * raw pump (pump.h), each direction for itself.
 *
 *	inlet ... on_ready --> pump_out --> stream	in place of say.c's loop
 *	stream ... pass_in --> pump_in --> outlet	in place of hear.c's
 *
 * A direction begins so if the plan allows it, the stream has a descriptor for
 * it, and nothing is left of an earlier conversation; and for any reason goes
 * on in the plain way, once and for all. The end of stdin and of the stream
 * are met there, and so is all that fails but the connection.
 *
 * What one splice brings, or takes, is counted as a message, as what one read
 * brings is.
 */

#include <errno.h>
#include <stdlib.h>

#include "talk/parts.h"

/* In one turn, of a pipeful each: clocks and signals have their turn too. */
#define MOVES_A_TURN 8
/* Who brought less had no more, most likely: what comes is announced. */
#define LITTLE (16u << 10)

static enum chan_pass
stop_pump_in(struct talk *t)
{
	uint8_t *p;
	size_t len;
	bool spilt = pump_spill(&t->extra->pumps->in, &p, &len);

	if (!spilt)
		t->chan.stream->err = errno;
	t->pumps_in = false;
	pump_release(&t->extra->pumps->in);
	if (!spilt)
		return CHAN_PASS_FAILED;
	if (len > 0)
		chan_put_in(&t->chan, p, len);
	return CHAN_PASS_OVER;
}

/* The stream has something. */
static enum chan_pass
pass_in(struct chan *c)
{
	struct talk *t = talk_of(c);
	size_t n;

	if (t->ending || t->deaf)
		return stop_pump_in(t);
	switch (pump_move(&t->extra->pumps->in, &n)) {
	case PUMP_MOVED:
		chan_passed_in(c, n);
		t->heard++;
		talk_clock_stop(t, TALK_REPLY);
		if (t->extra->pumps->in.held > 0)
			return stop_pump_in(t);
		return n < LITTLE ? CHAN_PASS_EMPTY : CHAN_PASS_MOVED;
	case PUMP_EMPTY:
		return CHAN_PASS_EMPTY;
	case PUMP_FULL:
		outlet_wait(t->outlet);
		if (t->handler != NULL)
			talk_look(t);
		return CHAN_PASS_FULL;
	case PUMP_FAILED:
		c->stream->err = t->extra->pumps->in.err;
		return CHAN_PASS_FAILED;
	case PUMP_PLAIN:
		break;
	}
	return stop_pump_in(t);
}

/* stdout has room again. */
void
talk_pass_resume(struct talk *t)
{
	if (t->pumps_in && !t->over && !t->ending)
		chan_resume(&t->chan);
}

static void
stop_pump_out(struct talk *t)
{
	struct slice held = {NULL, 0};
	struct batch b = {&held, 1, 1};
	size_t next = 0;
	struct fail f;
	uint8_t *p;

	t->pumps_out = false;
	t->feed->inlet.on_ready = NULL;
	chan_passed_out(&t->chan, 0, 0, false);
	if (!pump_spill(&t->extra->pumps->out, &p, &held.len)) {
		fail_set(
		    &f, STATUS_IO, "%s: %s", t->feed->name, strerror(errno));
		talk_end_with(t, &f, "the input cannot be sent");
	} else if (held.len > 0) {
		held.p = p;
		chan_send(&t->chan, &b, &next);
		talk_said(t);
	}
	free(p);
	pump_release(&t->extra->pumps->out);
}

void
talk_pass_plainly(struct talk *t)
{
	if (!t->pumps_out || t->over)
		return;
	stop_pump_out(t);
	talk_pump(t);
}

/* One move. False: no more of them now. */
static bool
move_out(struct talk *t)
{
	struct pump *p = &t->extra->pumps->out;
	enum pump_result r;
	size_t n;

	r = pump_move(p, &n);
	if (r == PUMP_PLAIN) {
		stop_pump_out(t);
		return false;
	}
	chan_passed_out(
	    &t->chan, r == PUMP_MOVED ? n : 0, p->held, r == PUMP_FULL);
	if (r == PUMP_FAILED) {
		chan_pass_failed(&t->chan, p->err);
		return false;
	}
	if (r == PUMP_MOVED)
		talk_said(t);
	inlet_flow(&t->feed->inlet, r != PUMP_FULL);
	return r == PUMP_MOVED && n >= LITTLE;
}

bool
talk_pass_out(struct talk *t)
{
	struct chan *c = &t->chan;
	int i;

	if (t->ending || t->over || c->writing != CHAN_WRITING) {
		feed_rest(t->feed);
		return true;
	}
	/* --on-open is said first. */
	if (chan_queued(c) > t->extra->pumps->out.held) {
		chan_passed_out(c, 0, t->extra->pumps->out.held, true);
		return true;
	}
	for (i = 0; i < MOVES_A_TURN; i++)
		if (!move_out(t))
			return t->pumps_out;
	return true; /* there may be more, but others have their turn first */
}

static void
on_stdin(struct inlet *in)
{
	struct feed *f = in->owner;

	f->on_more(f);
}

static void
on_stream_room(struct chan *c)
{
	talk_pump(talk_of(c));
}

static bool
is_fresh(const struct feed *f)
{
	return f->plan->sends_n == 0 && !f->quiet && !f->input_over &&
	    f->next == f->batch.n && f->used == 0 &&
	    reader_bytes(&f->inlet.reader).len == 0;
}

void
talk_pass_begin(struct talk *t)
{
	const struct talk_plan *p = t->plan;
	struct talk_extra *extra;
	int sock = -1;

	if (p->pass_in || p->pass_out)
		sock = stream_splice_fd(t->chan.stream);
	if (sock == -1)
		return;
	extra = talk_extra(t);
	if (extra != NULL)
		extra->pumps = malloc(sizeof(*extra->pumps));
	if (extra == NULL || extra->pumps == NULL)
		return; /* the plain way will do */
	t->pumps_in = p->pass_in && t->outlet->err == 0 &&
	    pump_init(&t->extra->pumps->in, sock, &t->outlet->fd, true);
	t->pumps_out = p->pass_out && is_fresh(t->feed) &&
	    pump_init(&t->extra->pumps->out, sock, &t->feed->inlet.fd, false);
	if ((t->pumps_in || t->pumps_out) &&
	    !chan_pass(&t->chan, t->pumps_in ? pass_in : NULL, on_stream_room))
		talk_pass_end(t);
	if (t->pumps_out)
		t->feed->inlet.on_ready = on_stdin;
}

void
talk_pass_end(struct talk *t)
{
	if (t->pumps_in)
		pump_release(&t->extra->pumps->in);
	if (t->pumps_out)
		pump_release(&t->extra->pumps->out);
	if (talk_has(t)->pumps != NULL)
		t->feed->inlet.on_ready = NULL;
	t->pumps_in = t->pumps_out = false;
}
