/* A conversation; see chan.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan/parts.h"

/* Reads of one channel in one turn: a flood must not starve the others. */
#define READS_A_TURN 8

/* What an empty slice points to. */
static const uint8_t nothing[1];

/*
 * What the stream should wait for, from the two states. What is still to be
 * written in this turn is not waited for: most often it goes.
 */
void
chan_set_want(struct chan *c)
{
	int want = 0;

	if (c->reading == CHAN_READING)
		want |= STREAM_READABLE;
	if (!c->is_dirty && c->writing != CHAN_CLOSED &&
	    c->writing != CHAN_FAILED &&
	    (chan_queued(c) > 0 || chan_is_stuck(c) ||
		c->writing == CHAN_CLOSING ||
		(c->stalled && stream_peer(c->stream) != NULL)))
		want |= STREAM_WRITABLE;
	stream_want(c->stream, want);
}

/* Reading is over; nothing of it stays but what the owner was shown. */
static void
end_reading(struct chan *c, enum chan_end why, struct slice seen)
{
	c->reading = CHAN_READ_ENDED;
	c->on->on_end(c, why, seen);
}

/*
 * Decodes what is left of the inbox, batch by batch, and keeps what makes no
 * message yet. False: paused, or over.
 */
static bool
decode_rest(struct chan *c, struct inbox *b)
{
	struct chan_work *w = c->work;
	struct slice seen = w->rest;
	uint64_t before = c->counts.messages_in;
	enum decode_result r;
	size_t used;

	do {
		c->changed = false;
		w->batch = (struct batch){b->v, 0, CHAN_BATCH};
		r = decode(&w->decoder, w->rest, &w->batch, &used);
		w->rest.p += used;
		w->rest.len -= used;
		c->counts.messages_in += w->batch.n;
		if (w->batch.n > 0 && !c->on->on_batch(c, &w->batch)) {
			w->held = b;
			if (c->reading == CHAN_READING)
				c->reading = CHAN_PAUSED;
			if (r == DECODE_BAD && c->reading == CHAN_PAUSED &&
			    !c->changed)
				break;
			return false;
		}
		if (c->reading == CHAN_READ_ENDED)
			return false;
		/* What was bad may be good as something else. */
	} while (r == DECODE_FULL || (c->changed && r == DECODE_BAD));
	if (r == DECODE_BAD) {
		end_reading(c, CHAN_END_BAD, seen);
		return false;
	}
	if (w->part_len == 0 || c->counts.messages_in > before)
		w->part_ms = uv_now(c->loop->uv);
	if (!chan_part_keep(c, w->rest)) {
		end_reading(c, CHAN_END_MEMORY, seen);
		return false;
	}
	w->rest.len = 0;
	return true;
}

/* Nobody's messages are wanted now. */
static void
pause_held(struct chan *c)
{
	c->reading = CHAN_PAUSED;
	if (c->on->on_paused != NULL)
		c->on->on_paused(c);
}

bool
chan_look_again(struct chan *c)
{
	struct inbox *b;

	if (!c->changed || c->reading != CHAN_READING ||
	    chan_part_bytes(c).len == 0)
		return false;
	if (c->loop->held) {
		pause_held(c);
		chan_set_want(c);
		return true;
	}
	b = chan_inbox_take(c->loop);
	if (b == NULL) {
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return true;
	}
	c->work->rest = chan_part_bytes(c);
	decode_rest(c, b);
	if (c->work->held == NULL)
		chan_inbox_give(c->loop, b);
	chan_mark_dirty(c);
	chan_set_want(c);
	return true;
}

/* What the decoder knows beside its framing, wherever it stands. */
static void
decoder_at(struct decoder *d, uint64_t offset, uint64_t messages)
{
	d->offset = offset;
	d->messages = messages;
}

static void
drop_framing(struct chan *c)
{
	if (c->owns_framing)
		free((void *)(uintptr_t)c->in);
	c->owns_framing = false;
}

bool
chan_change(struct chan *c, const struct framing *fr)
{
	struct framing *own = malloc(sizeof(*own));
	struct chan_work *w = c->work;
	struct decoder was;

	if (own == NULL)
		return false;
	*own = *fr;
	drop_framing(c);
	c->owns_framing = true;
	c->in = c->out = own;
	if (w != NULL) {
		was = w->decoder;
		decoder_init(&w->decoder, c->in);
		decoder_at(&w->decoder, was.offset, was.messages);
		encoder_init(&w->encoder, c->out);
	}
	c->changed = true;
	chan_mark_dirty(c);
	chan_loop_again(c->loop);
	return true;
}

/* Where to read to: behind the part, in the inbox or in the part itself. */
static bool
read_place(struct chan *c, struct inbox *b, struct span *to)
{
	struct chan_work *w = c->work;
	size_t cap;
	uint8_t *p;

	if (w->part_len <= CHAN_PART_SMALL) {
		if (w->part_len > 0)
			memcpy(b->buf, w->part, w->part_len);
		*to = (struct span){b->buf, w->part_len, b->cap};
		return true;
	}
	if (w->part_cap - w->part_len < CHAN_PART_SMALL) {
		cap = w->part_cap * 2;
		p = realloc(w->part, cap);
		if (p == NULL)
			return false;
		w->part = p;
		c->loop->bytes += cap - w->part_cap;
		w->part_cap = cap;
	}
	*to = (struct span){w->part, w->part_len, w->part_cap};
	return true;
}

/* The stream's end: is it the end of a message too? */
static void
finish_reading(struct chan *c, ssize_t n, struct inbox *b)
{
	struct chan_work *w = c->work;
	struct slice in = chan_part_bytes(c);
	enum chan_end why = CHAN_END_CLOSED;
	enum decode_result r;

	if (n == STREAM_FAILED || n == STREAM_TRUNCATED) {
		end_reading(c,
		    n == STREAM_FAILED ? CHAN_END_FAILED : CHAN_END_TRUNCATED,
		    in);
		return;
	}
	c->reading = CHAN_READ_ENDED;
	w->batch = (struct batch){b->v, 0, CHAN_BATCH};
	r = decode_end(&w->decoder, in, &w->batch);
	c->counts.messages_in += w->batch.n;
	if (r == DECODE_CUT)
		why = CHAN_END_CUT;
	if (r == DECODE_BAD)
		why = CHAN_END_BAD;
	if (w->batch.n > 0 && !c->on->on_batch(c, &w->batch)) {
		/* Kept: the inbox and the part stay until chan_resume. */
		w->held = b;
	}
	end_reading(c, why, in);
}

size_t
chan_packet_max(const struct chan *c)
{
	size_t frame = ENCODE_HEAD_MAX + FRAMING_TAG_MAX;

	return c->in->max > SIZE_MAX - frame ? SIZE_MAX : c->in->max + frame;
}

/* Room for a packet that waits, in the place where it was to be read. */
static ssize_t
read_large(struct chan *c, struct inbox *b, struct span *to)
{
	struct chan_work *w = c->work;
	uint8_t **at = to->p == w->part ? &w->part : &b->buf;
	size_t n = stream_pending(c->stream), cap = to->len + n;
	uint8_t *p;

	if (n > chan_packet_max(c)) {
		end_reading(c, CHAN_END_PACKET, slice_of(nothing, 0));
		return STREAM_AGAIN;
	}
	p = realloc(*at, cap);
	if (p == NULL) {
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return STREAM_AGAIN;
	}
	*at = p;
	if (at == &w->part) {
		c->loop->bytes += cap - w->part_cap;
		w->part_cap = cap;
	} else
		b->cap = cap;
	*to = (struct span){p, to->len, cap};
	return stream_read(c->stream, p + to->len, n);
}

/*
 * A packet without bytes: where a message is what a read brings, it is one.
 * False: paused, or over.
 */
static bool
take_empty(struct chan *c, struct inbox *b)
{
	struct chan_work *w = c->work;

	c->fresh = true;
	if (c->on->on_wire != NULL)
		c->on->on_wire(c, false, slice_of(nothing, 0), false);
	if (c->in->mode != FRAMING_RAW)
		return true;
	w->batch = (struct batch){b->v, 0, CHAN_BATCH};
	batch_add(&w->batch, nothing, 0);
	c->counts.messages_in++;
	w->rest = slice_of(nothing, 0);
	if (c->on->on_batch(c, &w->batch))
		return c->reading == CHAN_READING;
	w->held = b;
	if (c->reading == CHAN_READING)
		c->reading = CHAN_PAUSED;
	return false;
}

/*
 * Is another read worth its call? One that filled its room has left more; what
 * the stream holds itself would not be announced; of the next packet the size
 * of this one tells nothing.
 */
static bool
may_have_more(const struct chan *c, size_t n)
{
	return n >= CHAN_READ || c->stream->packets ||
	    stream_pending(c->stream) > 0;
}

/* n bytes have come behind those in `to`. */
static void
take_bytes(struct chan *c, const struct span *to, size_t n)
{
	struct chan_work *w = c->work;

	c->fresh = true;
	if (c->on->on_wire != NULL)
		c->on->on_wire(c, false, slice_of(to->p + to->len, n), false);
	c->counts.bytes_in += n;
	c->counts.last_in_ms = uv_now(c->loop->uv);
	if (to->p == w->part)
		w->part_len += n;
	w->rest = slice_of(to->p, to->len + n);
}

/* The same where bytes pass unseen. */
static bool
pass_once(struct chan *c)
{
	switch (c->pass->in(c)) {
	case CHAN_PASS_MOVED:
		return c->reading == CHAN_READING;
	case CHAN_PASS_EMPTY:
		return false;
	case CHAN_PASS_FULL:
		if (c->reading == CHAN_READING)
			c->reading = CHAN_PAUSED;
		return false;
	case CHAN_PASS_FAILED:
		end_reading(c, CHAN_END_FAILED, slice_of(nothing, 0));
		return false;
	case CHAN_PASS_OVER:
		break;
	}
	c->pass->in = NULL;
	return c->reading == CHAN_READING;
}

/* What there is to read with. NULL: no memory, and reading is over. */
static struct inbox *
begin_read(struct chan *c)
{
	struct chan_work *w = chan_work(c);
	struct inbox *b = w == NULL ? NULL : chan_inbox_take(c->loop);

	if (b == NULL) {
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return NULL;
	}
	decoder_at(&w->decoder, c->counts.bytes_in - w->part_len,
	    c->counts.messages_in);
	return b;
}

static void
end_read(struct chan *c, struct inbox *b)
{
	if (c->work->held == NULL)
		chan_inbox_give(c->loop, b);
}

/* Of a stream of bytes, as read_once. */
static bool
read_bytes(struct chan *c, struct inbox *b)
{
	struct span to;
	ssize_t n;

	if (!read_place(c, b, &to)) {
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return false;
	}
	n = stream_read(c->stream, to.p + to.len,
	    span_room(&to) < CHAN_READ ? span_room(&to) : CHAN_READ);
	if (n == STREAM_LARGE)
		n = read_large(c, b, &to);
	if (n > 0) {
		take_bytes(c, &to, (size_t)n);
		return decode_rest(c, b) && may_have_more(c, (size_t)n);
	}
	if (n == STREAM_EMPTY)
		return take_empty(c, b);
	if (n != STREAM_AGAIN)
		finish_reading(c, n, b);
	return false;
}

/* One read and what is in it. False: no more now. */
static bool
read_once(struct chan *c)
{
	struct inbox *b;
	bool more;

	if (c->pass != NULL && c->pass->in != NULL)
		return pass_once(c);
	b = begin_read(c);
	if (b == NULL)
		return false;
	more = stream_has_datagrams(c->stream) ? packet_read(c, b)
					       : read_bytes(c, b);
	end_read(c, b);
	return more;
}

static void
on_ready(struct stream *s, int what)
{
	struct chan *c = s->owner;
	int i;

	chan_look_again(c);
	if (what & STREAM_READABLE && c->reading == CHAN_READING &&
	    c->loop->held)
		pause_held(c);
	if (what & STREAM_READABLE && c->reading == CHAN_READING)
		for (i = 0; i < READS_A_TURN && read_once(c); i++)
			if (c->loop->held)
				break;
	/* An answer goes at once: it has the buffer that the next one needs. */
	if (what & STREAM_READABLE && c->is_dirty && c->news == NULL &&
	    c->writing == CHAN_WRITING) {
		chan_unmark_dirty(c);
		chan_flush(c);
	}
	if (what & STREAM_WRITABLE) {
		c->stalled = c->stalled && stream_peer(s) == NULL;
		chan_flush(c);
		if (chan_is_stuck(c) && c->writing == CHAN_WRITING)
			c->pass->out(c);
	}
	chan_rest(c);
	chan_set_want(c);
}

static void
on_stream_closed(struct stream *s)
{
	struct chan *c = s->owner;

	c->stream = NULL;
	chan_work_end(c);
	chan_mute(c);
	free(c->pass);
	c->pass = NULL;
	drop_framing(c);
	c->in = c->out = NULL;
	c->on->on_closed(c);
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_stream_closed,
    .on_undelivered = packet_undelivered,
};

void
chan_open(struct chan *c, struct chan_loop *loop, struct stream *stream,
    const struct framing *in, const struct framing *out, size_t queue_max,
    const struct chan_events *on)
{
	memset(c, 0, sizeof(*c));
	c->loop = loop;
	c->stream = stream;
	c->on = on;
	c->in = in;
	c->out = out;
	c->queue_max = queue_max;
	c->low = SIZE_MAX;
	c->counts.last_in_ms = c->counts.last_out_ms = uv_now(loop->uv);
	stream->owner = c;
	stream->on = &stream_events;
	chan_set_want(c);
}

void
chan_resume(struct chan *c)
{
	struct chan_work *w = c->work;
	struct inbox *b = w == NULL ? NULL : w->held;

	if (b == NULL && c->reading != CHAN_PAUSED)
		return;
	if (b != NULL)
		w->held = NULL;
	if (c->reading == CHAN_PAUSED) {
		c->reading = CHAN_READING;
		if (b != NULL && stream_has_datagrams(c->stream))
			packet_deliver(c, b);
		else if (b != NULL)
			decode_rest(c, b);
		else
			chan_look_again(c);
	} else
		chan_part_drop(c);
	if (b != NULL)
		end_read(c, b);
	if (w != NULL)
		chan_mark_dirty(c); /* it may rest */
	chan_set_want(c);
}

bool
chan_pass(struct chan *c, enum chan_pass (*in)(struct chan *),
    void (*out)(struct chan *))
{
	struct chan_passing *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return false;
	p->in = in;
	p->out = out;
	free(c->pass);
	c->pass = p;
	return true;
}

bool
chan_is_stuck(const struct chan *c)
{
	return c->pass != NULL && c->pass->stuck;
}

void
chan_passed_in(struct chan *c, size_t n)
{
	c->counts.messages_in++;
	c->counts.bytes_in += n;
	c->counts.last_in_ms = uv_now(c->loop->uv);
}

void
chan_put_in(struct chan *c, uint8_t *p, size_t len)
{
	struct inbox *b = begin_read(c);
	struct chan_work *w = c->work;

	if (b == NULL) {
		free(p);
		return;
	}
	chan_part_drop(c);
	w->part = p;
	w->part_len = w->part_cap = len;
	c->loop->bytes += len;
	w->decoder.offset = c->counts.bytes_in - len;
	w->rest = slice_of(p, len);
	decode_rest(c, b);
	end_read(c, b);
}

void
chan_deafen(struct chan *c)
{
	if (c->reading == CHAN_READ_ENDED)
		return;
	c->reading = CHAN_READ_ENDED;
	chan_set_want(c);
}

size_t
chan_queued(const struct chan *c)
{
	return chan_queue_len(c) + (c->pass == NULL ? 0 : c->pass->taken) +
	    chan_news_len(c);
}

struct slice
chan_queue(const struct chan *c)
{
	const struct chan_work *w = c->work;

	if (w == NULL || w->queue.p == NULL)
		return slice_of(nothing, 0);
	return slice_of(w->queue.p + w->queue_at, chan_queue_len(c));
}

void
chan_close(struct chan *c, bool reset)
{
	if (c->is_dirty)
		chan_unmark_dirty(c);
	c->closing = true;
	c->reading = CHAN_READ_ENDED;
	c->writing = CHAN_CLOSED;
	if (c->stream != NULL)
		stream_close(c->stream, reset);
}
