/* A stream of datagrams that is played from a script; see dgram_double.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dgram_double.h"

/* What is on the heap. */
struct played {
	struct stream_datagrams base;
	struct dgram_double *d;
	struct stream_peer peer;
	uv_idle_t idle; /* a turn after the other, while something is due */
};

static struct played *
of(const struct stream *s)
{
	return (struct played *)(uintptr_t)s;
}

static void
must(struct dgram_double *d, bool holds, const char *rule)
{
	if (!holds && d->wrong[0] == '\0')
		snprintf(d->wrong, sizeof(d->wrong), "%s", rule);
}

static void
make_peer(uint8_t number, struct stream_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->at.v4.sin_family = AF_INET;
	p->at.v4.sin_port = htons((uint16_t)(number + 1));
	p->len = sizeof(p->at.v4);
}

uint8_t
dgram_double_number(const struct stream_peer *p)
{
	return (uint8_t)(ntohs(p->at.v4.sin_port) - 1);
}

static void
bring(struct dgram_double *d, uint8_t *to, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = d->bytes[d->bytes_at++ % d->bytes_n];
}

static void
lose(struct stream *s, const struct dgram_event *e)
{
	struct stream_peer p;

	make_peer(e->from, &p);
	s->on->on_undelivered(s, &p, e->err);
}

static ssize_t
double_receive(
    struct stream *s, void *buf, size_t len, struct stream_run *v, int n)
{
	struct dgram_double *d = of(s)->d;
	const struct dgram_event *e;
	uint8_t *at = buf;
	size_t held;
	int got = 0;

	must(d, !d->closed, "no receive after close");
	must(d, n > 0 && len > 0, "a receive has room");
	while (got < n && d->in_at < d->in_n) {
		e = &d->in[d->in_at];
		held = e->what == DGRAM_CUT ? e->each : e->len;
		if (e->what <= DGRAM_CUT && held > len)
			break;
		/* These stand alone, behind what came before. */
		if (e->what > DGRAM_CUT && got > 0)
			break;
		d->in_at++;
		if (e->what == DGRAM_LOST) {
			lose(s, e);
			continue;
		}
		if (e->what == DGRAM_AGAIN)
			return STREAM_AGAIN;
		if (e->what == DGRAM_FAILED) {
			s->err = e->err;
			return STREAM_FAILED;
		}
		memset(&v[got], 0, sizeof(v[got]));
		bring(d, at, held);
		v[got].bytes = slice_of(at, held);
		v[got].each =
		    e->what == DGRAM_RUN && e->each < held ? e->each : held;
		v[got].len = e->len;
		make_peer(e->from, &v[got].from);
		at += held;
		len -= held;
		got++;
	}
	return got > 0 ? got : STREAM_AGAIN;
}

static void
keep(struct dgram_double *d, const void *p, size_t len)
{
	if (d->out_len + len > d->out_cap) {
		d->out_cap = 2 * (d->out_len + len);
		d->out = realloc(d->out, d->out_cap);
		if (d->out == NULL)
			abort();
	}
	if (len > 0)
		memcpy(d->out + d->out_len, p, len);
	d->out_len += len;
}

static ssize_t
double_send(struct stream *s, const struct slice *v, size_t n)
{
	struct dgram_double *d = of(s)->d;
	uint8_t to;
	size_t i;

	must(d, !d->closed, "no send after close");
	must(d, n > 0, "a send has datagrams");
	must(d, stream_peer(s) != NULL, "a send has a peer");
	if (d->takes_at < d->takes_n && d->takes[d->takes_at] < n)
		n = d->takes[d->takes_at];
	d->takes_at++;
	if (n == 0 || stream_peer(s) == NULL)
		return STREAM_AGAIN;
	to = dgram_double_number(stream_peer(s));
	for (i = 0; i < n; i++) {
		must(d, v[i].len <= d->datagram_max,
		    "a datagram is not too long");
		keep(d, &to, 1);
		keep(d, &v[i].len, sizeof(v[i].len));
		keep(d, v[i].p, v[i].len);
	}
	d->sent += n;
	return (ssize_t)n;
}

static void
double_answer(struct stream *s, const struct stream_peer *to)
{
	if (of(s)->d->alone)
		return;
	of(s)->peer = *to;
	of(s)->base.peer = &of(s)->peer;
}

static int
double_shut(struct stream *s)
{
	(void)s;
	return 0;
}

static size_t
double_pending(const struct stream *s)
{
	(void)s;
	return 0;
}

static int64_t
double_unacked(const struct stream *s)
{
	(void)s;
	return -1;
}

static bool
double_broken(const struct stream *s)
{
	(void)s;
	return false;
}

/* What is wanted and could go on. A silent socket is never readable. */
static int
due(const struct dgram_double *d)
{
	return d->in_at == d->in_n ? d->want & ~STREAM_READABLE : d->want;
}

static void
on_idle(uv_idle_t *idle)
{
	struct played *p = idle->data;
	int what = due(p->d);

	if (what != 0)
		p->base.stream.on->on_ready(&p->base.stream, what);
	if (!p->d->closed && due(p->d) == 0)
		uv_idle_stop(idle);
}

static void
double_want(struct stream *s, int want)
{
	struct dgram_double *d = of(s)->d;

	must(d, !d->closed, "no want after close");
	d->want = want;
	if (due(d) != 0)
		uv_idle_start(&of(s)->idle, on_idle);
}

static void
on_idle_closed(uv_handle_t *h)
{
	struct played *p = h->data;

	p->d->gone = true;
	p->d->stream = NULL;
	p->base.stream.on->on_closed(&p->base.stream);
	free(p);
}

static void
double_close(struct stream *s, bool reset)
{
	(void)reset;
	must(of(s)->d, !of(s)->d->closed, "close once");
	of(s)->d->closed = true;
	uv_close((uv_handle_t *)&of(s)->idle, on_idle_closed);
}

static const struct stream_ops double_ops = {
    .shut = double_shut,
    .pending = double_pending,
    .want = double_want,
    .close = double_close,
    .unacked = double_unacked,
    .broken = double_broken,
    .receive = double_receive,
    .send = double_send,
    .answer = double_answer,
};

struct stream *
dgram_double_new(struct dgram_double *d, uv_loop_t *loop)
{
	struct played *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->d = d;
	p->base.stream.ops = &double_ops;
	p->base.max = d->datagram_max;
	if (d->alone) {
		make_peer(0, &p->peer);
		p->base.peer = &p->peer;
	}
	uv_idle_init(loop, &p->idle);
	p->idle.data = p;
	d->stream = &p->base.stream;
	return &p->base.stream;
}

void
dgram_double_release(struct dgram_double *d)
{
	free(d->out);
	d->out = NULL;
	d->out_len = d->out_cap = 0;
}
