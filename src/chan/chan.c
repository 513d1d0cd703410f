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
	    (chan_queued(c) > 0 || c->pass_stuck ||
		c->writing == CHAN_CLOSING ||
		(c->stalled && c->stream->peer != NULL)))
		want |= STREAM_WRITABLE;
	stream_want(c->stream, want);
}

static void
part_drop(struct chan *c)
{
	c->loop->bytes -= c->part_cap;
	free(c->part);
	c->part = NULL;
	c->part_len = c->part_cap = 0;
}

/* Keeps the bytes of an unfinished message. */
static bool
part_keep(struct chan *c, struct slice rest)
{
	uint8_t *p;

	if (rest.len == 0) {
		part_drop(c);
		return true;
	}
	if (c->part != NULL && rest.p >= c->part &&
	    rest.p < c->part + c->part_cap) {
		memmove(c->part, rest.p, rest.len);
		c->part_len = rest.len;
		return true;
	}
	p = malloc(rest.len);
	if (p == NULL)
		return false;
	memcpy(p, rest.p, rest.len);
	part_drop(c);
	c->part = p;
	c->part_len = c->part_cap = rest.len;
	c->loop->bytes += c->part_cap;
	return true;
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
	struct slice seen = c->rest;
	uint64_t before = c->counts.messages_in;
	enum decode_result r;
	size_t used;

	do {
		c->changed = false;
		c->batch = (struct batch){b->v, 0, CHAN_BATCH};
		r = decode(&c->decoder, c->rest, &c->batch, &used);
		c->rest.p += used;
		c->rest.len -= used;
		c->counts.messages_in += c->batch.n;
		if (c->batch.n > 0 && !c->on->on_batch(c, &c->batch)) {
			c->held = b;
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
	if (c->part_len == 0 || c->counts.messages_in > before)
		c->part_ms = uv_now(c->loop->uv);
	if (!part_keep(c, c->rest)) {
		end_reading(c, CHAN_END_MEMORY, seen);
		return false;
	}
	c->rest.len = 0;
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

	if (!c->changed || c->reading != CHAN_READING || c->part_len == 0)
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
	c->rest = slice_of(c->part, c->part_len);
	decode_rest(c, b);
	if (c->held == NULL)
		chan_inbox_give(c->loop, b);
	chan_set_want(c);
	return true;
}

bool
chan_change(struct chan *c, const struct framing *fr)
{
	const struct decoder was = c->decoder;
	uint64_t messages = c->encoder.messages;
	struct framing *own = malloc(sizeof(*own));

	if (own == NULL)
		return false;
	*own = *fr;
	free(c->own);
	c->own = own;
	c->in = c->out = own;
	decoder_init(&c->decoder, c->in);
	c->decoder.offset = was.offset;
	c->decoder.messages = was.messages;
	encoder_init(&c->encoder, c->out);
	c->encoder.messages = messages;
	c->changed = true;
	chan_mark_dirty(c);
	chan_loop_again(c->loop);
	return true;
}

/* Where to read to: behind the part, in the inbox or in the part itself. */
static bool
read_place(struct chan *c, struct inbox *b, struct span *to)
{
	size_t cap;
	uint8_t *p;

	if (c->part_len <= CHAN_PART_SMALL) {
		if (c->part_len > 0)
			memcpy(b->buf, c->part, c->part_len);
		*to = (struct span){b->buf, c->part_len, b->cap};
		return true;
	}
	if (c->part_cap - c->part_len < CHAN_PART_SMALL) {
		cap = c->part_cap * 2;
		p = realloc(c->part, cap);
		if (p == NULL)
			return false;
		c->part = p;
		c->loop->bytes += cap - c->part_cap;
		c->part_cap = cap;
	}
	*to = (struct span){c->part, c->part_len, c->part_cap};
	return true;
}

/* The stream's end: is it the end of a message too? */
static void
finish_reading(struct chan *c, ssize_t n, struct inbox *b)
{
	struct slice in =
	    slice_of(c->part == NULL ? nothing : c->part, c->part_len);
	enum chan_end why = CHAN_END_CLOSED;
	enum decode_result r;

	if (n == STREAM_FAILED || n == STREAM_TRUNCATED) {
		end_reading(c,
		    n == STREAM_FAILED ? CHAN_END_FAILED : CHAN_END_TRUNCATED,
		    in);
		return;
	}
	c->reading = CHAN_READ_ENDED;
	c->batch = (struct batch){b->v, 0, CHAN_BATCH};
	r = decode_end(&c->decoder, in, &c->batch);
	c->counts.messages_in += c->batch.n;
	if (r == DECODE_CUT)
		why = CHAN_END_CUT;
	if (r == DECODE_BAD)
		why = CHAN_END_BAD;
	if (c->batch.n > 0 && !c->on->on_batch(c, &c->batch)) {
		/* Kept: the inbox and the part stay until chan_resume. */
		c->held = b;
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
	uint8_t **at = to->p == c->part ? &c->part : &b->buf;
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
	if (at == &c->part) {
		c->loop->bytes += cap - c->part_cap;
		c->part_cap = cap;
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
	c->counts.reads++;
	if (c->on->on_wire != NULL)
		c->on->on_wire(c, false, slice_of(nothing, 0));
	if (c->in->mode != FRAMING_RAW)
		return true;
	c->batch = (struct batch){b->v, 0, CHAN_BATCH};
	batch_add(&c->batch, nothing, 0);
	c->counts.messages_in++;
	c->rest = slice_of(nothing, 0);
	if (c->on->on_batch(c, &c->batch))
		return c->reading == CHAN_READING;
	c->held = b;
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
	c->counts.reads++;
	if (c->on->on_wire != NULL)
		c->on->on_wire(c, false, slice_of(to->p + to->len, n));
	c->counts.bytes_in += n;
	c->counts.last_in_ms = uv_now(c->loop->uv);
	if (to->p == c->part)
		c->part_len += n;
	c->rest = slice_of(to->p, to->len + n);
}

/* The same where bytes pass unseen. */
static bool
pass_once(struct chan *c)
{
	switch (c->pass_in(c)) {
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
	c->pass_in = NULL;
	return c->reading == CHAN_READING;
}

/* One read and what is in it. False: no more now. */
static bool
read_once(struct chan *c)
{
	struct inbox *b;
	struct span to;
	ssize_t n;
	bool more = false;

	if (c->pass_in != NULL)
		return pass_once(c);
	b = chan_inbox_take(c->loop);
	if (b != NULL && stream_has_datagrams(c->stream)) {
		more = packet_read(c, b);
		if (c->held == NULL)
			chan_inbox_give(c->loop, b);
		return more;
	}
	if (b == NULL || !read_place(c, b, &to)) {
		chan_inbox_give(c->loop, b);
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return false;
	}
	n = stream_read(c->stream, to.p + to.len,
	    span_room(&to) < CHAN_READ ? span_room(&to) : CHAN_READ);
	if (n == STREAM_LARGE)
		n = read_large(c, b, &to);
	if (n > 0) {
		take_bytes(c, &to, (size_t)n);
		more = decode_rest(c, b) && may_have_more(c, (size_t)n);
	} else if (n == STREAM_EMPTY)
		more = take_empty(c, b);
	else if (n != STREAM_AGAIN)
		finish_reading(c, n, b);
	if (c->held == NULL)
		chan_inbox_give(c->loop, b);
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
		c->stalled = c->stalled && s->peer == NULL;
		chan_flush(c);
		if (c->pass_stuck && c->writing == CHAN_WRITING)
			c->pass_out(c);
	}
	chan_set_want(c);
}

static void
on_stream_closed(struct stream *s)
{
	struct chan *c = s->owner;

	c->stream = NULL;
	part_drop(c);
	chan_inbox_free(c->held);
	c->held = NULL;
	c->loop->bytes -= c->queue.cap;
	free(c->queue.p);
	memset(&c->queue, 0, sizeof(c->queue));
	chan_news_end(c);
	free(c->own);
	c->own = NULL;
	c->in = c->out = NULL;
	c->on->on_closed(c);
}

void
chan_open(struct chan *c, struct chan_loop *loop, struct stream *stream,
    const struct framing *in, const struct framing *out, size_t queue_max,
    const struct chan_events *on, void *owner)
{
	memset(c, 0, sizeof(*c));
	c->loop = loop;
	c->stream = stream;
	c->on = on;
	c->owner = owner;
	c->in = in;
	c->out = out;
	c->queue_max = queue_max;
	c->low = SIZE_MAX;
	decoder_init(&c->decoder, c->in);
	encoder_init(&c->encoder, c->out);
	c->counts.last_in_ms = c->counts.last_out_ms = uv_now(loop->uv);
	stream->owner = c;
	stream->on_ready = on_ready;
	stream->on_closed = on_stream_closed;
	stream->on_undelivered = packet_undelivered;
	chan_set_want(c);
}

void
chan_resume(struct chan *c)
{
	struct inbox *b = c->held;

	if (b == NULL && c->reading != CHAN_PAUSED)
		return;
	c->held = NULL;
	if (c->reading == CHAN_PAUSED) {
		c->reading = CHAN_READING;
		if (b != NULL && stream_has_datagrams(c->stream))
			packet_deliver(c, b);
		else if (b != NULL)
			decode_rest(c, b);
		else
			chan_look_again(c);
	} else
		part_drop(c);
	if (b != NULL && c->held == NULL)
		chan_inbox_give(c->loop, b);
	chan_set_want(c);
}

void
chan_pass_in(struct chan *c, enum chan_pass (*in)(struct chan *))
{
	c->pass_in = in;
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
	struct inbox *b = chan_inbox_take(c->loop);

	part_drop(c);
	c->part = p;
	c->part_len = c->part_cap = len;
	c->loop->bytes += len;
	if (b == NULL) {
		end_reading(c, CHAN_END_MEMORY, slice_of(nothing, 0));
		return;
	}
	c->rest = slice_of(p, len);
	decode_rest(c, b);
	if (c->held == NULL)
		chan_inbox_give(c->loop, b);
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
	return chan_queue_len(c) + c->passing + chan_news_len(c);
}

struct slice
chan_queue(const struct chan *c)
{
	return slice_of(c->queue.p == NULL ? nothing : c->queue.p + c->queue_at,
	    chan_queue_len(c));
}

size_t
chan_partial(const struct chan *c)
{
	if (c->held != NULL)
		return 0; /* what is behind the batch has not been looked at */
	return c->part_len;
}

void
chan_close(struct chan *c, bool reset)
{
	if (c->is_dirty)
		chan_unmark_dirty(c);
	c->reading = CHAN_READ_ENDED;
	c->writing = CHAN_CLOSED;
	if (c->stream != NULL)
		stream_close(c->stream, reset);
}
