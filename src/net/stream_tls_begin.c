/*
 * The handshake of TLS, before there is a stream; see stream_tls.h.
 *
 *	shaking --> done: on_done(stream)
 *	    |  \--> refusing --> ended: on_done(NULL)
 *	    \------------------> ended
 *
 * Who is refused is told why by an alert. It would not reach a peer that still
 * has bytes on their way to us when the socket is closed, so they are read and
 * thrown away, for a while.
 *
 * Never more is read than the record that is coming, so that nothing of what
 * follows the handshake is here when it is done. Only at the beginning there
 * is no such danger, and what came shows what a peer speaks if it is not TLS.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/idn.h"
#include "net/stream_tls_parts.h"

#define FIRST_LOOK 64

struct tls *
tls_new(const struct tls_face *face, enum tls_role role,
    const struct tls_plan *plan, struct tls_about *about, struct fail *f)
{
	struct tls *t = calloc(1, sizeof(*t));
	struct tls_about nobody_asks;

	if (t == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return NULL;
	}
	t->face = face;
	t->plan = plan;
	t->config = face->config_new(
	    role, plan, about != NULL ? about : &nobody_asks, f);
	if (t->config != NULL)
		return t;
	free(t);
	return NULL;
}

int
tls_reload(struct tls *t, struct tls_about *about, struct fail *f)
{
	struct tls_about nobody_asks;

	return t->face->config_reload(
	    t->config, about != NULL ? about : &nobody_asks, f);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	t->face->config_free(t->config);
	free(t->in);
	free(t->out.p);
	free(t);
}

void
tls_wait_gone(struct tls_wait *w)
{
	if (w->on_done != NULL)
		w->on_done(w->owner, NULL, &w->fail);
	free(w->peer);
	free(w);
}

/* It is a stream now, and somebody else's. */
static void
succeed(struct tls_wait *w)
{
	struct tls_stream *s = w->s;

	s->wait = NULL;
	tls_stream_open(s);
	w->on_done(w->owner, &s->base, NULL);
	free(w->peer);
	free(w);
}

static void
end_with(struct tls_wait *w)
{
	fail_prefix(&w->fail, "%s: TLS", w->peer);
	tls_stream_end(w->s, false);
}

static void
on_refused_long_enough(uv_timer_t *clock)
{
	struct tls_stream *s = clock->data;

	tls_stream_end(s, false);
}

/* Sends the alert, and hears the peer out. */
static void
refuse(struct tls_wait *w)
{
	struct tls_stream *s = w->s;
	const struct fail *why = s->tls->face->fail(s->engine);

	if (why != NULL)
		w->fail = *why;
	else
		fail_set(&w->fail, STATUS_IO, "out of memory");
	if (tls_stream_flush(s) == STREAM_FAILED || s->wire.in_ended ||
	    tls_in(s->tls) == NULL) {
		end_with(w);
		return;
	}
	fail_prefix(&w->fail, "%s: TLS", w->peer);
	w->refused = true;
	uv_timer_start(&s->clock, on_refused_long_enough, TLS_REFUSE_MS, 0);
	stream_want(s->lower,
	    STREAM_READABLE | (tls_stream_held(s) > 0 ? STREAM_WRITABLE : 0));
	if (tls_stream_held(s) == 0)
		stream_shut(s->lower);
}

/* Of one that was refused: what it says is of no use any more. */
static void
hear_out(struct tls_wait *w, int what)
{
	struct tls_stream *s = w->s;
	const bool held = tls_stream_held(s) > 0;
	ssize_t n = 1;

	if (held && what & STREAM_WRITABLE &&
	    tls_stream_flush(s) != STREAM_AGAIN) {
		stream_shut(s->lower);
		stream_want(s->lower, STREAM_READABLE);
	}
	if (what & STREAM_READABLE)
		n = stream_read(s->lower, s->tls->in, TLS_IN);
	if (n <= 0 && n != STREAM_AGAIN)
		tls_stream_end(s, false);
}

/* The lower stream has failed. */
static void
broken(struct tls_wait *w, int err)
{
	const struct tls_stream *s = w->s;

	fail_set(&w->fail,
	    err == ECONNRESET || err == EPIPE ? STATUS_RESET
		: err == ETIMEDOUT	      ? STATUS_TIMEOUT
					      : STATUS_IO,
	    "%s in the handshake, expected %s",
	    err == ECONNRESET || err == EPIPE ? "reset by the peer"
					      : strerror(err),
	    s->tls->face->waiting(s->engine));
	if (err == ECONNRESET)
		fail_hint(&w->fail,
		    "it may speak no TLS; try: the address without tls:");
	end_with(w);
}

/* The next bytes for the engine. False: none, or it is over. */
static bool
feed(struct tls_wait *w)
{
	struct tls_stream *s = w->s;
	size_t held, n = s->tls->face->missing(s->engine, &held);
	uint8_t *in = tls_in(s->tls);
	ssize_t r;

	if (in == NULL) {
		broken(w, ENOMEM);
		return false;
	}
	if (!w->heard && n < FIRST_LOOK)
		n = FIRST_LOOK;
	r = stream_read(s->lower, in, n);
	if (r == STREAM_AGAIN)
		return false;
	w->heard = true;
	if (r == STREAM_FAILED) {
		broken(w, s->lower->err);
		return false;
	}
	if (r > 0)
		s->wire.in = slice_of(in, (size_t)r);
	else
		s->wire.in_ended = true;
	return true;
}

/* As far as it goes without waiting. */
static void
go_on(struct tls_wait *w)
{
	struct tls_stream *s = w->s;
	int r;

	do {
		tls_out_take(s);
		r = s->tls->face->handshake(s->engine);
		if (r == TLS_FAILED) {
			refuse(w);
			return;
		}
		/* A peer that has closed may have said why before. */
		tls_stream_flush(s);
		if (r == 1) {
			succeed(w);
			return;
		}
	} while (feed(w));
	if (!s->closing)
		stream_want(s->lower,
		    STREAM_READABLE |
			(tls_stream_held(s) > 0 ? STREAM_WRITABLE : 0));
}

static void
on_ready(struct stream *lower, int what)
{
	struct tls_stream *s = lower->owner;

	if (s->closing)
		return;
	if (s->wait->refused)
		hear_out(s->wait, what);
	else
		go_on(s->wait);
}

static void
on_limit(uv_timer_t *clock)
{
	struct tls_stream *s = clock->data;
	struct tls_wait *w = s->wait;

	fail_set(&w->fail, STATUS_TIMEOUT,
	    "timeout: the handshake was not done in %g s, waiting for %s",
	    (double)w->limit_ms / 1000, s->tls->face->waiting(s->engine));
	end_with(w);
}

/* The host as certificates and SNI have it. */
static int
ascii_host(const struct tls_peer *peer, char ascii[IDN_MAX],
    struct tls_peer *out, struct fail *f)
{
	const char *wrong;
	char why[160];

	*out = *peer;
	if (peer->host == NULL || strchr(peer->host, ':') != NULL)
		return 0;
	wrong = idn_to_ascii(peer->host, ascii, why, sizeof(why));
	if (wrong != NULL)
		return fail_set(f, STATUS_USAGE, "%s: %s", peer->host, wrong);
	out->host = ascii;
	return 0;
}

static int
prepare(struct tls_wait *w, const struct tls_peer *peer, struct fail *f)
{
	struct tls_stream *s = w->s;
	struct tls_peer named;
	char ascii[IDN_MAX];

	if (s->lower->packets)
		return fail_set(f, STATUS_USAGE,
		    "TLS needs a stream, and this one is of packets");
	if (ascii_host(peer, ascii, &named, f) == -1)
		return -1;
	s->engine =
	    s->tls->face->engine_new(s->tls->config, &named, &s->wire, f);
	return s->engine == NULL ? -1 : 0;
}

/* A lower stream that there is no memory for. */
static void
forget(struct stream *lower)
{
	(void)lower;
}

static const struct stream_events forget_events = {.on_closed = forget};

static const struct stream_events events = {
    .on_ready = on_ready,
    .on_closed = tls_lower_closed,
};

static struct tls_wait *
wait_new(const char *peer, uint64_t limit_ms, tls_done *on_done, void *owner)
{
	struct tls_wait *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->peer = strdup(peer);
	w->limit_ms = limit_ms;
	w->on_done = on_done;
	w->owner = owner;
	if (w->peer != NULL)
		return w;
	free(w);
	return NULL;
}

struct tls_wait *
tls_begin(struct tls *t, uv_loop_t *loop, struct stream *lower,
    const struct tls_peer *peer, uint64_t limit_ms, tls_done *on_done,
    void *owner, struct fail *f)
{
	struct tls_wait *w = wait_new(peer->text, limit_ms, on_done, owner);
	struct tls_stream *s =
	    w == NULL ? NULL : tls_stream_new(t, loop, lower);

	if (s == NULL) {
		free(w == NULL ? NULL : w->peer);
		free(w);
		lower->on = &forget_events;
		stream_close(lower, false);
		fail_set(f, STATUS_IO, "%s: TLS: out of memory", peer->text);
		return NULL;
	}
	w->s = s;
	s->wait = w;
	lower->on = &events;
	if (prepare(w, peer, f) == -1) {
		fail_prefix(f, "%s: TLS", peer->text);
		tls_cancel(w);
		return NULL;
	}
	uv_timer_start(&s->clock, on_limit, limit_ms, 0);
	/* It begins when it can be written: that is the next turn. */
	stream_want(lower, STREAM_READABLE | STREAM_WRITABLE);
	return w;
}

void
tls_cancel(struct tls_wait *w)
{
	w->on_done = NULL;
	if (!w->s->closing)
		tls_stream_end(w->s, false);
}
