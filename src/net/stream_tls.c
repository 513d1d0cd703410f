/*
 * A stream over another one, secured by TLS; see stream_tls.h.
 *
 * Reading: what one read of the lower stream brings is given to the engine,
 * and never more of it than what comes out has room for, so nothing of it
 * stays behind but what is in the engine. Writing: what was taken is encrypted
 * at once and joined in one buffer, which the stream keeps if the lower one
 * does not take all of it.
 *
 *	open --> closing --> tls_stream_end --> gone
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream_tls_parts.h"

/* Reads of the lower stream in one of ours: records may hold nothing. */
#define READS 4

static void update(struct tls_stream *);

uint8_t *
tls_in(struct tls *t)
{
	if (t->in == NULL)
		t->in = malloc(TLS_IN);
	return t->in;
}

void
tls_out_take(struct tls_stream *s)
{
	if (s->wire.out.p != NULL)
		return;
	s->wire.out = s->tls->out;
	s->wire.out.len = 0;
	s->tls->out = (struct span){NULL, 0, 0};
}

/* All that was held has left, or is lost. */
static void
out_give(struct tls_stream *s)
{
	struct tls *t = s->tls;

	s->out_at = 0;
	s->wire.out.len = 0;
	if (s->wire.out.cap > t->out.cap) {
		free(t->out.p);
		t->out = s->wire.out;
	} else
		free(s->wire.out.p);
	s->wire.out = (struct span){NULL, 0, 0};
}

int
tls_stream_flush(struct tls_stream *s)
{
	struct iovec v;
	ssize_t n;

	while (s->write_err == 0 && tls_stream_held(s) > 0) {
		v.iov_base = s->wire.out.p + s->out_at;
		v.iov_len = tls_stream_held(s);
		n = stream_write(s->lower, &v, 1);
		if (n == STREAM_AGAIN)
			return STREAM_AGAIN;
		if (n < 0) {
			s->write_err = s->lower->err;
			s->lost = tls_stream_held(s);
		} else
			s->out_at += (size_t)n;
	}
	out_give(s);
	return s->write_err == 0 ? 0 : STREAM_FAILED;
}

/* Puts close_notify on the wire, once, and sends what can be. */
static int
notify(struct tls_stream *s)
{
	size_t before;

	if (!s->notified) {
		s->notified = true;
		tls_out_take(s);
		before = s->wire.out.len;
		s->tls->face->shut(s->engine);
		s->farewell = s->wire.out.len - before;
	}
	return tls_stream_flush(s);
}

/* What the engine met instead of bytes. */
static void
note_over(struct tls_stream *s, ssize_t r)
{
	size_t held;

	s->wire.in.len = 0;
	if (r == TLS_FAILED) {
		s->over = STREAM_FAILED;
		s->read_err = EPROTO;
	} else if (r == TLS_END)
		s->over = STREAM_END;
	else {
		s->tls->face->missing(s->engine, &held);
		s->over = s->tls->plan->no_close_notify && held == 0
		    ? STREAM_END
		    : STREAM_TRUNCATED;
	}
	s->has_words = s->over != STREAM_END;
	if (s->shut_late && s->over == STREAM_END)
		notify(s);
}

/* Could the engine have something? It is not asked for nothing. */
static bool
may_pull(const struct tls_stream *s)
{
	return s->wire.in.len > 0 || s->wire.in_ended ||
	    s->tls->face->pending(s->engine) > 0;
}

/* What the engine has: bytes, or 0 if there are none now. */
static size_t
pull(struct tls_stream *s, uint8_t *buf, size_t len)
{
	size_t got = 0;
	ssize_t r;

	tls_out_take(s);
	do {
		r = s->tls->face->read(s->engine, buf + got, len - got);
		if (r > 0)
			got += (size_t)r;
	} while (got < len && r > 0 && may_pull(s));
	if (r <= 0 && r != TLS_WANT)
		note_over(s, r);
	/* Reading may have made the engine say something. */
	tls_stream_flush(s);
	return got;
}

/* Has the engine more to read, as much as there is room for. */
static ssize_t
push(struct tls_stream *s, size_t len, size_t *asked)
{
	uint8_t *in = tls_in(s->tls);
	size_t held, missing = s->tls->face->missing(s->engine, &held);
	size_t n = len > held + missing ? len - held : missing;
	ssize_t r;

	*asked = n < TLS_IN ? n : TLS_IN;
	if (in == NULL)
		s->lower->err = ENOMEM;
	r = in == NULL ? STREAM_FAILED : stream_read(s->lower, in, *asked);
	if (r > 0)
		s->wire.in = slice_of(in, (size_t)r);
	if (r == STREAM_END || r == STREAM_TRUNCATED)
		s->wire.in_ended = true;
	if (r == STREAM_FAILED) {
		s->over = STREAM_FAILED;
		s->read_err = s->lower->err;
		s->has_words = false;
	}
	return r;
}

static ssize_t
tell_over(struct tls_stream *s)
{
	s->told = true;
	s->base.err = s->read_err;
	return s->over;
}

static ssize_t
tls_read(struct stream *st, void *buf, size_t len)
{
	struct tls_stream *s = tls_stream_of(st);
	size_t got, asked = 0;
	ssize_t r = 0;
	int i;

	if (s->over != STREAM_AGAIN)
		return tell_over(s);
	for (i = 0; i <= READS; i++) {
		got = may_pull(s) ? pull(s, buf, len) : 0;
		if (got > 0)
			return (ssize_t)got;
		if (s->over != STREAM_AGAIN)
			return tell_over(s);
		if (i == READS || (i > 0 && (size_t)r < asked) ||
		    tls_stream_held(s) > TLS_OUT_MAX)
			return STREAM_AGAIN;
		r = push(s, len, &asked);
		if (r == STREAM_AGAIN)
			return STREAM_AGAIN;
		if (r == STREAM_FAILED)
			return tell_over(s);
		if (r <= 0)
			r = (ssize_t)asked;
	}
	return STREAM_AGAIN;
}

/* Bytes to be encrypted: those of small pieces are put together. */
struct joined {
	struct tls_stream *s;
	uint8_t *p; /* TLS_RECORD */
	size_t len;
};

static int
join_write(struct joined *j, const uint8_t *p, size_t len)
{
	return j->s->tls->face->write(j->s->engine, p, len);
}

static int
join_end(struct joined *j)
{
	size_t len = j->len;

	j->len = 0;
	return len == 0 ? 0 : join_write(j, j->p, len);
}

static int
join_add(struct joined *j, const uint8_t *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (j->len == 0 && len >= TLS_RECORD) {
			n = len - len % TLS_RECORD;
			if (join_write(j, p, n) != 0)
				return -1;
			continue;
		}
		n = TLS_RECORD - j->len;
		if (n > len)
			n = len;
		memcpy(j->p + j->len, p, n);
		j->len += n;
		if (j->len == TLS_RECORD && join_end(j) != 0)
			return -1;
	}
	return 0;
}

static ssize_t
write_failed(struct tls_stream *s, int err, bool words)
{
	s->write_err = s->base.err = err;
	s->has_words = words;
	return STREAM_FAILED;
}

/* Encrypts as much as one write is to take; how much, or STREAM_FAILED. */
static ssize_t
encrypt(struct tls_stream *s, const struct iovec *v, int n)
{
	struct joined j = {s, tls_in(s->tls), 0};
	size_t left = s->chunk, some;
	int i;

	if (j.p == NULL)
		return write_failed(s, ENOMEM, false);
	for (i = 0; i < n && left > 0; i++) {
		some = v[i].iov_len < left ? v[i].iov_len : left;
		if (join_add(&j, v[i].iov_base, some) != 0)
			return write_failed(s, EPROTO, true);
		left -= some;
	}
	if (join_end(&j) != 0)
		return write_failed(s, EPROTO, true);
	return (ssize_t)(s->chunk - left);
}

static ssize_t
tls_write(struct stream *st, const struct iovec *v, int n)
{
	struct tls_stream *s = tls_stream_of(st);
	ssize_t done;
	int r;

	if (tls_stream_held(s) > 0 && tls_stream_flush(s) == STREAM_AGAIN)
		return STREAM_AGAIN;
	if (s->write_err != 0)
		return write_failed(s, s->write_err, false);
	tls_out_take(s);
	done = encrypt(s, v, n);
	r = tls_stream_flush(s);
	if (done < 0)
		return done;
	if (r == STREAM_FAILED)
		return write_failed(s, s->write_err, false);
	s->written += (uint64_t)done;
	if (r == STREAM_AGAIN && s->chunk > TLS_RECORD)
		s->chunk /= 2;
	else if (r == 0 && s->chunk < TLS_CHUNK_MAX)
		s->chunk *= 2;
	if (r == STREAM_AGAIN)
		update(s);
	return done;
}

static int
tls_shut(struct stream *st)
{
	struct tls_stream *s = tls_stream_of(st);
	int r = tls_stream_flush(s);

	if (r == 0 && !s->notified && s->over != STREAM_END &&
	    !s->tls->plan->shut_at_once &&
	    !s->tls->face->has_halves(s->engine)) {
		s->shut_late = true;
		return 0;
	}
	if (r == 0)
		r = notify(s);
	if (r == STREAM_FAILED)
		return (int)write_failed(s, s->write_err, false);
	return r;
}

/* One that ended counts as bytes: a read brings it. */
static size_t
tls_pending(const struct stream *st)
{
	const struct tls_stream *s = tls_stream_of(st);

	if (s->over != STREAM_AGAIN)
		return s->told ? 0 : 1;
	return s->tls->face->pending(s->engine);
}

static void
on_clock(uv_timer_t *clock)
{
	struct tls_stream *s = clock->data;

	int what = 0;

	if (s->closing) {
		tls_stream_end(s, false);
		return;
	}
	if (tls_pending(&s->base) > 0)
		what |= STREAM_READABLE;
	if (s->write_err != 0)
		what |= STREAM_WRITABLE;
	what &= s->want;
	if (what != 0)
		s->base.on->on_ready(&s->base, what);
	if (!s->closing)
		update(s);
}

/* What the lower stream is to wait for, and what is announced without it. */
static void
update(struct tls_stream *s)
{
	const size_t held = tls_stream_held(s);
	int want = 0;

	if (held > 0 || s->want & STREAM_WRITABLE)
		want |= STREAM_WRITABLE;
	if (s->want & STREAM_READABLE && s->over == STREAM_AGAIN &&
	    held <= TLS_OUT_MAX)
		want |= STREAM_READABLE;
	if (s->write_err != 0)
		want &= ~STREAM_WRITABLE;
	stream_want(s->lower, want);
	if ((s->want & STREAM_READABLE && tls_pending(&s->base) > 0) ||
	    (s->want & STREAM_WRITABLE && s->write_err != 0)) {
		if (!uv_is_active((uv_handle_t *)&s->clock))
			uv_timer_start(&s->clock, on_clock, 0, 0);
	} else
		uv_timer_stop(&s->clock);
}

static void
tls_want(struct stream *st, int what)
{
	struct tls_stream *s = tls_stream_of(st);

	if (s->want == what && what == 0)
		return;
	s->want = what;
	if (!s->closing)
		update(s);
}

/* It closes: what is held goes first, while the peer takes it. */
static void
go_on_closing(struct tls_stream *s, int what)
{
	const size_t held = tls_stream_held(s);

	if (!(what & STREAM_WRITABLE))
		return;
	if (tls_stream_flush(s) != STREAM_AGAIN)
		tls_stream_end(s, false);
	else if (tls_stream_held(s) < held)
		uv_timer_start(&s->clock, on_clock, TLS_CLOSE_MS, 0);
}

static void
on_lower_ready(struct stream *lower, int what)
{
	struct tls_stream *s = lower->owner;
	int tell = 0;

	if (s->closing) {
		go_on_closing(s, what);
		return;
	}
	if (what & STREAM_WRITABLE && tls_stream_flush(s) != STREAM_AGAIN)
		tell |= STREAM_WRITABLE;
	if (what & STREAM_READABLE)
		tell |= STREAM_READABLE;
	tell &= s->want;
	if (tell != 0)
		s->base.on->on_ready(&s->base, tell);
	if (!s->closing)
		update(s);
}

static void
tls_close(struct stream *st, bool reset)
{
	struct tls_stream *s = tls_stream_of(st);

	s->closing = true;
	s->want = 0;
	uv_timer_stop(&s->clock);
	if (reset || s->write_err != 0 ||
	    (s->over == STREAM_FAILED ? tls_stream_flush(s) : notify(s)) !=
		STREAM_AGAIN) {
		tls_stream_end(s, reset);
		return;
	}
	stream_want(s->lower, STREAM_WRITABLE);
	uv_timer_start(&s->clock, on_clock, TLS_CLOSE_MS, 0);
}

/*
 * Never more than was written: the lower one counts records, too. A peer that
 * has closed takes our close_notify no more, and nothing is lost by that.
 */
static int64_t
tls_unacked(const struct stream *st)
{
	const struct tls_stream *s = tls_stream_of(st);
	int64_t n = stream_unacked(s->lower), all;

	if (n < 0)
		return -1;
	all = n + (int64_t)(tls_stream_held(s) + s->lost);
	all -= all < (int64_t)s->farewell ? all : (int64_t)s->farewell;
	return (uint64_t)all > s->written ? (int64_t)s->written : all;
}

static bool
tls_broken(const struct stream *st)
{
	const struct tls_stream *s = tls_stream_of(st);

	return stream_broken(s->lower) &&
	    (!s->notified || tls_unacked(st) != 0);
}

static bool
tls_gone(const struct stream *st)
{
	return stream_gone(tls_stream_of(st)->lower);
}

static const struct fail *
tls_fail(const struct stream *st)
{
	const struct tls_stream *s = tls_stream_of(st);

	return s->has_words ? s->tls->face->fail(s->engine) : NULL;
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .shut = tls_shut,
    .pending = tls_pending,
    .want = tls_want,
    .close = tls_close,
    .unacked = tls_unacked,
    .broken = tls_broken,
    .gone = tls_gone,
    .fail = tls_fail,
};

/* All is closed. */
static void
gone(struct tls_stream *s)
{
	free(s->wire.out.p);
	s->tls->face->engine_free(s->engine);
	if (s->wait != NULL)
		tls_wait_gone(s->wait);
	else if (s->base.on != NULL)
		s->base.on->on_closed(&s->base);
	free(s);
}

static void
one_closed(struct tls_stream *s)
{
	if (--s->open == 0)
		gone(s);
}

void
tls_lower_closed(struct stream *lower)
{
	one_closed(lower->owner);
}

static void
on_clock_closed(uv_handle_t *clock)
{
	one_closed(clock->data);
}

static const struct stream_events lower_events = {
    .on_ready = on_lower_ready,
    .on_closed = tls_lower_closed,
};

struct tls_stream *
tls_stream_new(struct tls *t, uv_loop_t *loop, struct stream *lower)
{
	struct tls_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->tls = t;
	s->lower = lower;
	s->over = STREAM_AGAIN;
	s->chunk = TLS_CHUNK_FIRST;
	lower->owner = s;
	uv_timer_init(loop, &s->clock);
	s->clock.data = s;
	return s;
}

void
tls_stream_open(struct tls_stream *s)
{
	s->base.ops = &tls_ops;
	s->lower->on = &lower_events;
	uv_timer_stop(&s->clock);
	update(s);
}

void
tls_stream_end(struct tls_stream *s, bool reset)
{
	s->open = 2;
	s->closing = true;
	stream_want(s->lower, 0);
	stream_close(s->lower, reset);
	uv_close((uv_handle_t *)&s->clock, on_clock_closed);
}

bool
stream_tls_facts(const struct stream *st, struct tls_facts *facts)
{
	const struct tls_stream *s = tls_stream_of(st);

	if (st->ops != &tls_ops)
		return false;
	s->tls->face->facts(s->engine, facts);
	return true;
}
