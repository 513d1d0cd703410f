/*
 * Many peers on one socket of datagrams; see peers.h.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/peers_parts.h"

#define BUFFER (PEERS_RUNS * (size_t)STREAM_DATAGRAM_MAX)

/* Reads in one turn: a flood must not starve what else the loop does. */
#define READS_A_TURN 8

static void on_idle(uv_idle_t *);

static struct peer *
of_node(struct peer_node *node)
{
	return node == NULL
	    ? NULL
	    : (void *)((uint8_t *)node - offsetof(struct peer, node));
}

/* The next turn comes without sleep. */
void
peers_wake(struct peers *p)
{
	if (!p->over)
		uv_idle_start(&p->idle, on_idle);
}

static bool
is_all_given(const struct peers *p)
{
	return p->run_at == p->runs_n;
}

/* What the socket is to wait for. */
void
peers_set_want(struct peers *p)
{
	int want = 0;

	if (p->over)
		return;
	if (!p->paused && p->err == 0 && is_all_given(p) &&
	    (!p->closing || p->table.n > 0))
		want |= STREAM_READABLE;
	if (p->writers_n > 0)
		want |= STREAM_WRITABLE;
	stream_want(p->socket, want);
}

static void
tell_lost(struct peers *p, enum peers_loss why)
{
	const uint64_t untold = p->lost[why] - p->told[why];

	p->tell_at_ms[why] = uv_now(p->idle.loop) + PEERS_TELL_MS;
	p->told[why] = p->lost[why];
	if (untold > 0)
		p->on->on_lost(p, why, &p->loser[why], untold);
}

/* If it is time for that; or at the end. */
static void
tell_all_lost(struct peers *p, bool at_end)
{
	int why;

	for (why = 0; why < PEERS_LOSSES; why++)
		if (p->lost[why] > p->told[why] &&
		    (at_end || uv_now(p->idle.loop) >= p->tell_at_ms[why]))
			tell_lost(p, (enum peers_loss)why);
}

static void
lose(struct peers *p, enum peers_loss why, const struct stream_peer *who,
    size_t n)
{
	p->lost[why] += n;
	p->loser[why] = *who;
	if (uv_now(p->idle.loop) >= p->tell_at_ms[why])
		tell_lost(p, why);
}

/* Whose it is; NULL: nobody's, it is dropped. */
static struct peer *
peer_for(struct peers *p, const struct stream_run *r)
{
	struct stream_peer from = r->from;
	struct peer *k;

	if (!peers_can_answer(&from)) {
		memset(&from.at, 0, sizeof(from.at));
		from.at.sa.sa_family = AF_UNIX;
		from.len = offsetof(struct sockaddr_un, sun_path);
	}
	k = of_node(peer_table_find(&p->table, &from));
	if (k != NULL || p->closing)
		return k;
	if (p->table.n < p->max)
		k = peer_new(p, &from);
	if (k == NULL) {
		lose(p, PEERS_MANY, &from,
		    peer_datagrams(r->bytes.len, r->each));
		return NULL;
	}
	if (!p->on->on_peer(p, &k->base.stream) && !k->closed) {
		k->base.stream.on = NULL;
		stream_close(&k->base.stream, false);
	}
	return k->closed ? NULL : k;
}

/* To each what is his; stops where the owner pauses. */
static void
give_all(struct peers *p)
{
	const struct stream_run *r;
	struct peer *k;
	size_t lost;

	for (; p->run_at < p->runs_n && !p->paused; p->run_at++) {
		k = p->to[p->run_at];
		if (k != NULL && k->want & STREAM_READABLE)
			k->base.stream.on->on_ready(
			    &k->base.stream, STREAM_READABLE);
		if (p->paused)
			return;
		k = p->to[p->run_at];
		if (k == NULL)
			continue;
		r = &p->runs[p->run_at];
		lost = peer_keep(k, r);
		if (lost > 0)
			lose(p, PEERS_SLOW, &r->from, lost);
	}
}

static void
fail(struct peers *p, int err)
{
	p->err = err;
	p->on->on_failed(p);
}

/* One read of the socket. False: there is no more now, or it has to wait. */
static bool
read_once(struct peers *p)
{
	ssize_t n, i;

	if (p->buf == NULL)
		p->buf = malloc(BUFFER);
	if (p->buf == NULL) {
		fail(p, ENOMEM);
		return false;
	}
	n = stream_receive(p->socket, p->buf, BUFFER, p->runs, PEERS_RUNS);
	if (n == STREAM_FAILED)
		fail(p, p->socket->err);
	if (n < 0)
		return false;
	p->run_at = 0;
	p->runs_n = (size_t)n;
	memset(p->to, 0, sizeof(p->to));
	for (i = 0; i < n; i++)
		p->to[i] = peer_for(p, &p->runs[i]);
	give_all(p);
	/* Fewer than there was room for: of Unix one comes at a time. */
	return is_all_given(p) && !p->paused &&
	    (n == PEERS_RUNS || !peer_is_ip(&p->runs[0].from));
}

/* Whoever waits longest goes first, until the socket is full again. */
static void
tell_writers(struct peers *p)
{
	struct peer *k;
	size_t n;

	p->full = false;
	for (n = p->writers_n; n > 0 && !p->full; n--) {
		k = TAILQ_FIRST(&p->writers);
		if (k == NULL)
			return;
		peer_tell_writable(k);
	}
}

static void
on_ready(struct stream *s, int what)
{
	struct peers *p = s->owner;
	int i;

	if (what & STREAM_READABLE && !p->paused && p->err == 0 &&
	    is_all_given(p))
		for (i = 0; i < READS_A_TURN && read_once(p); i++)
			;
	if (what & STREAM_WRITABLE)
		tell_writers(p);
	peers_set_want(p);
}

/* The socket tells it in the midst of another one's call: it is told later. */
static void
on_undelivered(struct stream *s, const struct stream_peer *to, int err)
{
	struct peers *p = s->owner;
	struct peer_node *node = peer_table_find(&p->table, to);

	if (node != NULL) {
		peer_set_lost(of_node(node), err);
		return;
	}
	while ((node = peer_table_next(&p->table, node, to)) != NULL)
		peer_set_lost(of_node(node), err);
}

/* Those that have something to be told; who gets due by it, next time. */
static void
tell_due(struct peers *p)
{
	struct peer *k;
	size_t n;

	for (n = p->due_n; n > 0; n--) {
		k = TAILQ_FIRST(&p->due);
		if (k == NULL)
			return;
		peer_tell(k);
	}
}

static void
end_closed(struct peers *p)
{
	struct peer *k;

	if (!TAILQ_EMPTY(&p->closed))
		tell_all_lost(p, false);
	while ((k = TAILQ_FIRST(&p->closed)) != NULL) {
		TAILQ_REMOVE(&p->closed, k, due);
		if (k->base.stream.on != NULL)
			k->base.stream.on->on_closed(&k->base.stream);
		free(k);
	}
}

static void
one_closed(struct peers *p)
{
	if (--p->open > 0)
		return;
	free(p->buf);
	peer_table_release(&p->table);
	p->on->on_closed(p);
}

static void
on_socket_closed(struct stream *s)
{
	one_closed(s->owner);
}

static void
on_idle_closed(uv_handle_t *h)
{
	one_closed(h->data);
}

static void
on_idle(uv_idle_t *idle)
{
	struct peers *p = idle->data;

	end_closed(p);
	if (!p->paused)
		give_all(p);
	tell_due(p);
	if (!TAILQ_EMPTY(&p->closed) || p->due_n > 0) {
		peers_set_want(p);
		return;
	}
	uv_idle_stop(idle);
	if (!p->closing || p->table.n > 0) {
		peers_set_want(p);
		return;
	}
	p->over = true;
	uv_close((uv_handle_t *)idle, on_idle_closed);
	stream_close(p->socket, false);
}

static const struct stream_events socket_events = {
    .on_ready = on_ready,
    .on_closed = on_socket_closed,
    .on_undelivered = on_undelivered,
};

void
peers_open(struct peers *p, uv_loop_t *loop, struct stream *socket, size_t max,
    const struct peers_events *on, void *owner)
{
	memset(p, 0, sizeof(*p));
	p->on = on;
	p->owner = owner;
	p->max = max;
	p->socket = socket;
	p->open = 2;
	peer_table_init(&p->table);
	TAILQ_INIT(&p->due);
	TAILQ_INIT(&p->writers);
	TAILQ_INIT(&p->closed);
	uv_idle_init(loop, &p->idle);
	p->idle.data = p;
	socket->owner = p;
	socket->on = &socket_events;
	peers_set_want(p);
}

void
peers_pause(struct peers *p)
{
	p->paused = true;
	peers_set_want(p);
}

void
peers_resume(struct peers *p)
{
	p->paused = false;
	peers_wake(p);
}

void
peers_close(struct peers *p)
{
	p->closing = true;
	tell_all_lost(p, true);
	peers_wake(p);
}
