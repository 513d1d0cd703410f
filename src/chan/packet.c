/*
 * A channel over datagrams: each is a message, so nothing is decoded, encoded
 * or queued. What one receive brought is cut into datagrams here, and each
 * batch holds those of one sender, who is the one to be answered meanwhile.
 *
 * What cannot go at once stays with the caller (CHAN_FULL): until the socket
 * can be written, or until somebody has spoken who can be answered.
 */

#include <string.h>

#include "chan/parts.h"

/* The next datagram of what was received; the cursor moves behind it. */
static struct slice
take(struct inbox *b)
{
	const struct stream_run *r = &b->runs[b->run_at];
	size_t left = r->bytes.len - b->at;
	struct slice s =
	    slice_of(r->bytes.p + b->at, left < r->each ? left : r->each);

	b->at += s.len;
	if (b->at == r->bytes.len) {
		b->run_at++;
		b->at = 0;
	}
	return s;
}

static bool
is_same(const struct stream_peer *a, const struct stream_peer *b)
{
	if (a->len != b->len || memcmp(&a->at, &b->at, a->len) != 0 ||
	    a->local_family != b->local_family)
		return false;
	if (a->local_family == AF_INET)
		return a->local.v4.s_addr == b->local.v4.s_addr;
	return a->local_family != AF_INET6 ||
	    (a->local_scope == b->local_scope &&
		memcmp(&a->local.v6, &b->local.v6, sizeof(a->local.v6)) == 0);
}

/* Somebody speaks: from now on he is answered. */
static void
listen_to(struct chan *c, const struct stream_peer *from)
{
	struct stream *s = c->stream;
	const bool first = stream_peer(s) == NULL;

	if (!first && is_same(stream_peer(s), from))
		return;
	stream_answer(s, from);
	if (!is_same(stream_peer(s), from))
		return; /* all goes to one, whoever answers */
	c->on->on_peer(c);
	if (first && c->stalled) {
		c->stalled = false;
		chan_mark_dirty(c);
	}
}

static bool
is_too_long(const struct chan *c, const struct inbox *b)
{
	const struct stream_run *r = &b->runs[b->run_at];
	size_t left = r->bytes.len - b->at;

	return r->len > r->bytes.len ||
	    (left < r->each ? left : r->each) > c->in->max;
}

/* What came is cut, or longer than allowed: it is told, and dropped. */
static void
drop(struct chan *c, struct inbox *b)
{
	const struct stream_run *r = &b->runs[b->run_at];
	struct chan_trouble t = {.peer = &r->from};
	struct slice s = take(b);

	t.len = r->len > r->bytes.len ? r->len : s.len;
	t.max = r->len > r->bytes.len && r->bytes.len < c->in->max
	    ? r->bytes.len
	    : c->in->max;
	c->on->on_trouble(c, &t);
}

/* A batch of what one peer has sent. */
static void
gather(struct chan *c, struct inbox *b)
{
	const struct stream_peer *from = &b->runs[b->run_at].from;
	struct slice s;

	c->work->batch = (struct batch){b->v, 0, CHAN_BATCH};
	while (b->run_at < b->runs_n && c->work->batch.n < CHAN_BATCH &&
	    !is_too_long(c, b) && is_same(from, &b->runs[b->run_at].from)) {
		s = take(b);
		batch_add(&c->work->batch, s.p, s.len);
	}
	c->counts.messages_in += c->work->batch.n;
}

bool
packet_deliver(struct chan *c, struct inbox *b)
{
	while (b->run_at < b->runs_n && c->reading == CHAN_READING) {
		listen_to(c, &b->runs[b->run_at].from);
		if (is_too_long(c, b)) {
			drop(c, b);
			continue;
		}
		gather(c, b);
		if (!c->on->on_batch(c, &c->work->batch)) {
			c->work->held = b;
			if (c->reading == CHAN_READING)
				c->reading = CHAN_PAUSED;
		}
	}
	return c->reading == CHAN_READING;
}

/* Counts what came, each as a read, and shows it to whoever looks. */
static void
count_in(struct chan *c, struct inbox *b)
{
	struct slice s;

	c->counts.last_in_ms = uv_now(c->loop->uv);
	b->run_at = 0;
	b->at = 0;
	while (b->run_at < b->runs_n) {
		s = take(b);
		c->fresh = true;
		if (c->on->on_wire != NULL)
			c->on->on_wire(c, false, s, false);
		c->counts.bytes_in += s.len;
	}
	b->run_at = 0;
}

bool
packet_read(struct chan *c, struct inbox *b)
{
	ssize_t n =
	    stream_receive(c->stream, b->buf, b->cap, b->runs, CHAN_RUNS);

	if (n == STREAM_FAILED) {
		c->reading = CHAN_READ_ENDED;
		c->on->on_end(c, CHAN_END_FAILED, slice_of("", 0));
	}
	if (n < 0)
		return false;
	b->runs_n = (size_t)n;
	count_in(c, b);
	return packet_deliver(c, b);
}

void
packet_undelivered(struct stream *s, const struct stream_peer *to, int err)
{
	struct chan *c = s->owner;
	struct chan_trouble t = {.peer = to, .err = err};

	c->on->on_trouble(c, &t);
}

static enum chan_sent
refuse(struct chan *c, struct slice m, size_t limit)
{
	c->work->encoder.fault = (struct encode_fault){
	    .code = ENCODE_ERR_LONG,
	    .message = c->work->encoder.messages + 1,
	    .len = m.len,
	    .limit = limit,
	    .look = m,
	};
	return CHAN_REFUSED;
}

static void
count_out(struct chan *c, const struct slice *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (c->on->on_wire != NULL)
			c->on->on_wire(c, true, v[i], false);
		c->counts.bytes_out += v[i].len;
	}
	c->work->encoder.messages += n;
	c->counts.last_out_ms = uv_now(c->loop->uv);
}

enum chan_sent
packet_send(struct chan *c, const struct batch *b, size_t *next)
{
	struct stream *s = c->stream;
	size_t limit, end;
	ssize_t n;

	c->stalled = stream_peer(s) == NULL;
	if (c->stalled)
		return CHAN_FULL;
	limit = stream_datagrams(s)->max < c->out->max
	    ? stream_datagrams(s)->max
	    : c->out->max;
	for (end = *next; end < b->n && b->v[end].len <= limit; end++)
		;
	while (*next < end) {
		n = stream_send(s, b->v + *next, end - *next);
		if (n == STREAM_AGAIN) {
			c->stalled = true;
			return CHAN_FULL;
		}
		count_out(c, b->v + *next, (size_t)n);
		*next += (size_t)n;
	}
	return end == b->n ? CHAN_SENT : refuse(c, b->v[end], limit);
}
