/* A stream that is played from a script; see stream_double.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_double.h"

/* What is on the heap. */
struct played {
	struct stream base;
	struct stream_double *d;
	uv_idle_t idle; /* a turn after the other, while something is due */
};

static struct played *
of(const struct stream *s)
{
	return (struct played *)(uintptr_t)s;
}

static void
must(struct stream_double *d, bool holds, const char *rule)
{
	if (!holds && d->wrong[0] == '\0')
		snprintf(d->wrong, sizeof(d->wrong), "%s", rule);
}

/* The next step, which is done with this; false: the script is over. */
static bool
next_step(struct stream_script *s, struct stream_step *step)
{
	if (s->at == s->n)
		return false;
	*step = s->v[s->at];
	if (++s->done >= step->times) {
		s->at++;
		s->done = 0;
	}
	return true;
}

static int
failed(struct stream *s, int err)
{
	s->err = err;
	return STREAM_FAILED;
}

static ssize_t
bring(struct stream_double *d, void *buf, size_t len, size_t n)
{
	if (n > len)
		n = len;
	if (n > d->in.len - d->in_at)
		n = d->in.len - d->in_at;
	if (n == 0)
		return STREAM_AGAIN;
	memcpy(buf, d->in.p + d->in_at, n);
	d->in_at += n;
	return (ssize_t)n;
}

static ssize_t
double_read(struct stream *s, void *buf, size_t len)
{
	struct stream_double *d = of(s)->d;
	struct stream_step step;

	must(d, !d->closed, "no read after close");
	must(d, d->read_end == STREAM_AGAIN, "no read after the end");
	must(d, len > 0, "a read has room");
	d->reads_done++;
	if (len > d->read_room)
		d->read_room = len;
	if (s->packets && d->reads.at < d->reads.n &&
	    d->reads.v[d->reads.at].act == STREAM_ACT_BYTES &&
	    d->reads.v[d->reads.at].n > len) {
		d->pending = d->reads.v[d->reads.at].n;
		return STREAM_LARGE;
	}
	if (!next_step(&d->reads, &step))
		return STREAM_AGAIN;
	switch (step.act) {
	case STREAM_ACT_BYTES:
		return bring(d, buf, len, step.n);
	case STREAM_ACT_AGAIN:
		return STREAM_AGAIN;
	case STREAM_ACT_END:
		return d->read_end = STREAM_END;
	case STREAM_ACT_TRUNCATED:
		return d->read_end = STREAM_TRUNCATED;
	case STREAM_ACT_EMPTY:
		return STREAM_EMPTY;
	case STREAM_ACT_FAILED:
		break;
	}
	return d->read_end = failed(s, step.err);
}

/* Keeps the first n bytes of the vectors. */
static ssize_t
take(struct stream_double *d, const struct iovec *v, int count, size_t n)
{
	size_t taken = 0, part, cap;
	int i;

	for (i = 0; i < count && taken < n; i++) {
		part = v[i].iov_len < n - taken ? v[i].iov_len : n - taken;
		if (d->out_len + part > d->out_cap) {
			cap = 2 * (d->out_len + part);
			d->out = realloc(d->out, cap);
			if (d->out == NULL)
				abort();
			d->out_cap = cap;
		}
		if (part > 0)
			memcpy(d->out + d->out_len, v[i].iov_base, part);
		d->out_len += part;
		taken += part;
	}
	return taken > 0 ? (ssize_t)taken : STREAM_AGAIN;
}

static ssize_t
double_write(struct stream *s, const struct iovec *v, int n)
{
	struct stream_double *d = of(s)->d;
	struct stream_step step;
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += v[i].iov_len;
	must(d, len > 0, "a write has bytes");
	must(d, !d->closed, "no write after close");
	must(d, !d->shut, "no write after shut");
	must(d, !d->write_failed, "no write after one that failed");
	d->writes_done++;
	if (!next_step(&d->writes, &step))
		return take(d, v, n, SIZE_MAX);
	if (step.act == STREAM_ACT_BYTES)
		return take(d, v, n, step.n);
	if (step.act == STREAM_ACT_AGAIN)
		return STREAM_AGAIN;
	d->write_failed = true;
	return failed(s, step.err);
}

static int
double_shut(struct stream *s)
{
	struct stream_double *d = of(s)->d;
	struct stream_step step = {.act = STREAM_ACT_BYTES};

	must(d, !d->closed, "no shut after close");
	must(d, !d->shut, "shut once");
	must(d, !d->write_failed, "no shut after a write that failed");
	d->shuts_done++;
	next_step(&d->shuts, &step);
	if (step.act == STREAM_ACT_AGAIN)
		return STREAM_AGAIN;
	if (step.act == STREAM_ACT_FAILED) {
		d->write_failed = true;
		return failed(s, step.err);
	}
	d->shut = true;
	return 0;
}

static size_t
double_pending(const struct stream *s)
{
	return of(s)->d->pending;
}

static int64_t
double_unacked(const struct stream *s)
{
	must(of(s)->d, !of(s)->d->closed, "no unacked after close");
	return of(s)->d->unacked;
}

static bool
double_broken(const struct stream *s)
{
	must(of(s)->d, !of(s)->d->closed, "no broken after close");
	return of(s)->d->broken;
}

/* What is wanted and could go on. A silent peer is never readable. */
static int
due(const struct stream_double *d)
{
	int what = d->want;

	if (d->reads.at == d->reads.n)
		what &= ~STREAM_READABLE;
	return what;
}

bool
stream_double_is_due(const struct stream_double *d)
{
	if (d->closed)
		return !d->gone;
	return !d->by_hand && due(d) != 0;
}

static void on_idle(uv_idle_t *);

static void
double_want(struct stream *s, int what)
{
	struct stream_double *d = of(s)->d;

	must(d, !(what & ~(STREAM_READABLE | STREAM_WRITABLE)),
	    "only reading and writing can be wanted");
	must(d, !d->closed || what == 0, "nothing is wanted after close");
	must(d, !(what & STREAM_READABLE) || d->read_end == STREAM_AGAIN,
	    "reading is not wanted after the end");
	must(d, !(what & STREAM_WRITABLE) || (!d->shut && !d->write_failed),
	    "writing is not wanted after shut or a failure");
	d->want = what;
	if (d->closed || d->by_hand)
		return;
	if (due(d) != 0)
		uv_idle_start(&of(s)->idle, on_idle);
	else
		uv_idle_stop(&of(s)->idle);
}

static void
on_idle(uv_idle_t *idle)
{
	struct played *p = idle->data;
	struct stream_double *d = p->d;
	int what = due(d);

	if (what != 0)
		p->base.on->on_ready(&p->base, what);
	if (!d->closed && due(d) == 0)
		uv_idle_stop(idle);
}

bool
stream_double_ready(struct stream_double *d, int what)
{
	what &= d->want;
	if (d->closed || what == 0)
		return false;
	d->stream->on->on_ready(d->stream, what);
	return true;
}

static void
on_idle_closed(uv_handle_t *h)
{
	struct played *p = h->data;
	struct stream_double *d = p->d;

	d->gone = true;
	p->base.on->on_closed(&p->base);
	free(p);
}

static void
double_close(struct stream *s, bool reset)
{
	struct stream_double *d = of(s)->d;

	must(d, !d->closed, "closed once");
	if (d->closed)
		return;
	d->closed = true;
	d->reset = reset;
	d->stream = NULL;
	uv_close((uv_handle_t *)&of(s)->idle, on_idle_closed);
}

static const struct stream_ops double_ops = {
    .read = double_read,
    .write = double_write,
    .shut = double_shut,
    .pending = double_pending,
    .want = double_want,
    .close = double_close,
    .unacked = double_unacked,
    .broken = double_broken,
};

struct stream *
stream_double_new(struct stream_double *d, uv_loop_t *loop)
{
	struct played *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->base.ops = &double_ops;
	p->d = d;
	uv_idle_init(loop, &p->idle);
	p->idle.data = p;
	d->stream = &p->base;
	d->read_end = STREAM_AGAIN;
	return &p->base;
}

void
stream_double_release(struct stream_double *d)
{
	free(d->out);
	d->out = NULL;
	d->out_len = d->out_cap = 0;
}
