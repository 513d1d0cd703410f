/*
 * What a channel sends: the queue, the encoder that fills it, and the stream
 * that empties it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan/parts.h"

/* Of how many pieces a write is made at the most. */
#define WRITE_PIECES 10
/* Around a small message there is no more than this. */
#define QUEUE_FRAME (ENCODE_HEAD_MAX + FRAMING_TAG_MAX)
/* The least that is taken for a queue. */
#define QUEUE_MIN 1024

/*
 * How large a queue is to be that has to hold n bytes. It begins small, since
 * there may be thousands in one turn, and soon is as large as a write may be;
 * the one that the loop has to lend has been.
 */
static size_t
queue_cap(const struct span *queue, size_t n)
{
	size_t cap = queue->cap < QUEUE_MIN ? QUEUE_MIN : queue->cap;

	if (n > CHAN_BUFFER)
		return n + n / 4;
	while (cap < n)
		cap *= 4;
	return cap < CHAN_BUFFER ? cap : CHAN_BUFFER;
}

/* Room for n bytes behind the queue; false: out of memory. */
bool
chan_queue_room(struct chan *c, size_t n)
{
	struct chan_work *w = chan_work(c);
	size_t held, cap;
	uint8_t *p;

	if (w == NULL)
		return false;
	if (w->queue.p == NULL) {
		w->queue = c->loop->queue;
		c->loop->queue = (struct span){NULL, 0, 0};
		c->loop->bytes += w->queue.cap;
	}
	if (span_room(&w->queue) >= n)
		return true;
	held = chan_queue_len(c);
	if (w->queue_at > 0) {
		memmove(w->queue.p, w->queue.p + w->queue_at, held);
		w->queue.len = held;
		w->queue_at = 0;
	}
	if (span_room(&w->queue) >= n)
		return true;
	cap = queue_cap(&w->queue, held + n);
	p = realloc(w->queue.p, cap);
	if (p == NULL)
		return false;
	c->loop->bytes += cap - w->queue.cap;
	w->queue.p = p;
	w->queue.cap = cap;
	return true;
}

void
chan_queue_add(struct chan *c, const void *p, size_t len)
{
	struct span *queue = &c->work->queue;

	if (len > 0)
		memcpy(queue->p + queue->len, p, len);
	queue->len += len;
}

/* The larger one is kept. */
void
chan_queue_give(struct chan *c)
{
	struct chan_loop *l = c->loop;
	struct span *queue = &c->work->queue;

	l->bytes -= queue->cap;
	if (l->queue.cap < queue->cap && queue->cap <= CHAN_BUFFER) {
		free(l->queue.p);
		l->queue = (struct span){queue->p, 0, queue->cap};
	} else
		free(queue->p);
	*queue = (struct span){NULL, 0, 0};
	c->work->queue_at = 0;
}

/* n bytes have left, of the queue first; returns how many of the rest. */
static size_t
queue_left(struct chan *c, size_t n)
{
	size_t ours = n < chan_queue_len(c) ? n : chan_queue_len(c);

	if (ours == 0)
		return n;
	c->work->queue_at += ours;
	if (chan_queue_len(c) == 0)
		chan_queue_give(c);
	return n - ours;
}

/* The same of what is said to many. */
static size_t
news_left(struct chan *c, size_t n)
{
	size_t news = chan_news_len(c);

	if (n < news)
		news = n;
	if (news > 0)
		ring_advance(c->news->ring, &c->news->at, news);
	return n - news;
}

static void
fail_writing(struct chan *c)
{
	c->writing = CHAN_FAILED;
	chan_mute(c);
	c->on->on_failed(c);
}

static void
count_out(struct chan *c, const struct iovec *v, size_t n)
{
	bool more = false;
	size_t some;

	c->counts.last_out_ms = uv_now(c->loop->uv);
	for (; c->on->on_wire != NULL && n > 0; v++, n -= some) {
		some = n < v->iov_len ? n : v->iov_len;
		c->on->on_wire(c, true, slice_of(v->iov_base, some), more);
		more = true;
		c->counts.bytes_out += some;
	}
	c->counts.bytes_out += n;
}

/* What there is to write, in its order: the queue, the news, and `more`. */
static int
gather(struct chan *c, struct slice more, struct iovec *v)
{
	int n = 0;

	if (chan_queue_len(c) > 0)
		v[n++] = (struct iovec){
		    c->work->queue.p + c->work->queue_at, chan_queue_len(c)};
	if (c->news != NULL)
		n += ring_peek(&c->news->at, v + n, WRITE_PIECES - 2);
	if (more.len > 0)
		v[n++] = (struct iovec){(void *)(uintptr_t)more.p, more.len};
	return n;
}

/*
 * Writes the queue and the news, and `more` behind them, until the stream takes
 * no more. Returns how many bytes of `more` have left.
 */
static size_t
write_out(struct chan *c, struct slice more)
{
	struct iovec v[WRITE_PIECES];
	size_t done = 0;
	ssize_t n;
	int pieces;

	while ((pieces = gather(
		    c, slice_of(more.p + done, more.len - done), v)) > 0) {
		n = stream_write(c->stream, v, pieces);
		if (n == STREAM_AGAIN)
			break;
		if (n < 0) {
			fail_writing(c);
			break;
		}
		count_out(c, v, (size_t)n);
		done += news_left(c, queue_left(c, (size_t)n));
	}
	return done;
}

/* There is no memory for the queue: nothing more can be sent. */
static enum chan_sent
out_of_memory(struct chan *c)
{
	c->stream->err = ENOMEM;
	fail_writing(c);
	return CHAN_LOST;
}

/*
 * A message too large to be copied is written from where it lies; what the
 * stream does not take is. A packet cannot be written in pieces.
 */
static enum chan_sent
send_large(struct chan *c, struct slice m)
{
	struct encode_frame f;
	size_t done = 0;

	if (encode_wrap(&c->work->encoder, m, &f) == ENCODE_BAD)
		return CHAN_REFUSED;
	if (!chan_queue_room(c, f.head_len))
		return out_of_memory(c);
	chan_queue_add(c, f.head, f.head_len);
	if (!c->stream->packets)
		done = write_out(c, m);
	if (c->writing == CHAN_FAILED)
		return CHAN_LOST;
	if (!chan_queue_room(c, m.len - done + f.tail.len))
		return out_of_memory(c);
	chan_queue_add(c, m.p + done, m.len - done);
	chan_queue_add(c, f.tail.p, f.tail.len);
	return CHAN_SENT;
}

/* A message is in the queue, or on its way already. */
static bool
note_sent(struct chan *c)
{
	int64_t left;

	if (c->loop->sent == NULL)
		return true;
	if (sent_is_full(c->loop->sent)) {
		left = stream_unacked(c->stream);
		if (left >= 0 && (uint64_t)left <= c->counts.bytes_out)
			sent_taken(c->loop->sent,
			    c->counts.bytes_out - (uint64_t)left);
	}
	return sent_add(c->loop->sent, c->counts.bytes_out + chan_queue_len(c));
}

/* As much of the batch as the buffer has room for, or one message. */
static enum chan_sent
send_some(struct chan *c, const struct batch *b, size_t *next)
{
	struct batch some = *b;
	bool apart = c->stream->packets || c->loop->sent != NULL;
	size_t before = *next, len = b->v[*next].len;

	/* With packets the queue holds one, and it is written by itself. */
	if (chan_queued(c) >= (c->stream->packets ? 1 : c->queue_max))
		return CHAN_FULL;
	if (apart)
		some.n = *next + 1;
	if (!chan_queue_room(
		c, QUEUE_FRAME + (len < ENCODE_LARGE_MIN ? len : 0)))
		return out_of_memory(c);
	switch (encode(&c->work->encoder, &some, next, &c->work->queue)) {
	case ENCODE_LARGE:
		if (send_large(c, b->v[*next]) != CHAN_SENT)
			return c->writing == CHAN_FAILED ? CHAN_LOST
							 : CHAN_REFUSED;
		++*next;
		break;
	case ENCODE_BAD:
		return CHAN_REFUSED;
	case ENCODE_OK:
	case ENCODE_FULL:
		break;
	}
	if (*next > before && !note_sent(c))
		return out_of_memory(c);
	if (c->stream->packets)
		write_out(c, slice_of("", 0));
	return c->writing == CHAN_FAILED ? CHAN_LOST : CHAN_SENT;
}

enum chan_sent
chan_send_frames(struct chan *c, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n && c->writing == CHAN_WRITING; i++) {
		if (!chan_queue_room(c, b->v[i].len))
			return out_of_memory(c);
		chan_queue_add(c, b->v[i].p, b->v[i].len);
		c->counts.messages_out++;
		if (!note_sent(c))
			return out_of_memory(c);
		if (c->stream->packets)
			write_out(c, slice_of("", 0));
	}
	if (c->writing != CHAN_WRITING)
		return CHAN_LOST;
	c->unsaid = true;
	chan_mark_dirty(c);
	return CHAN_SENT;
}

enum chan_sent
chan_send(struct chan *c, const struct batch *b, size_t *next)
{
	enum chan_sent sent = CHAN_SENT;
	const uint64_t before = c->counts.messages_out;
	size_t first = *next;

	if (c->writing != CHAN_WRITING)
		return CHAN_LOST;
	if (chan_work(c) == NULL || !chan_news_settle(c))
		return out_of_memory(c);
	c->work->encoder.messages = before;
	if (stream_has_datagrams(c->stream))
		sent = packet_send(c, b, next);
	else
		while (sent == CHAN_SENT && *next < b->n)
			sent = send_some(c, b, next);
	c->counts.messages_out = c->work->encoder.messages;
	c->low = sent == CHAN_FULL ? c->queue_max / 2 : SIZE_MAX;
	c->unsaid = c->unsaid || *next > first;
	chan_mark_dirty(c);
	return sent;
}

/* Our half closes now that nothing is left to send. */
static void
close_half(struct chan *c)
{
	int r = stream_shut(c->stream);

	if (r == STREAM_AGAIN)
		return;
	if (r < 0) {
		fail_writing(c);
		return;
	}
	c->writing = CHAN_CLOSED;
	c->on->on_drained(c);
}

static bool
is_over(const struct chan *c)
{
	return c->writing == CHAN_CLOSED || c->writing == CHAN_FAILED;
}

void
chan_flush(struct chan *c)
{
	size_t low;

	if (c->stream == NULL || is_over(c))
		return;
	if (c->stalled && c->writing == CHAN_WRITING) {
		chan_set_want(c);
		return;
	}
	write_out(c, slice_of("", 0));
	/* Asked for more first: while more comes, it is not drained. */
	low = c->stream->packets && c->low < SIZE_MAX ? 0 : c->low;
	if (low < SIZE_MAX && c->writing == CHAN_WRITING &&
	    chan_queued(c) <= low) {
		c->low = SIZE_MAX;
		c->on->on_low(c);
		/* What it has said elsewhere is written in another turn. */
		chan_mark_dirty(c);
	}
	if (is_over(c))
		return;
	if (chan_queued(c) == 0 && c->writing == CHAN_CLOSING)
		close_half(c);
	else if (chan_queued(c) == 0 && !c->stalled && c->unsaid) {
		c->unsaid = false;
		c->on->on_drained(c);
	}
	chan_set_want(c);
}

void
chan_passed_out(struct chan *c, size_t n, size_t taken, bool stuck)
{
	c->pass->taken = taken;
	c->pass->stuck = stuck;
	if (n > 0) {
		c->counts.messages_out++;
		c->counts.bytes_out += n;
		c->counts.last_out_ms = uv_now(c->loop->uv);
		c->unsaid = true;
	}
	chan_mark_dirty(c);
}

void
chan_pass_failed(struct chan *c, int err)
{
	c->stream->err = err;
	fail_writing(c);
}

void
chan_shut(struct chan *c)
{
	if (c->writing != CHAN_WRITING)
		return;
	c->writing = CHAN_CLOSING;
	chan_mark_dirty(c);
}
