/*
 * The stream of one peer among many; see peers.h.
 *
 *	known --> closed (stream_close) --> freed, in the next turn
 *
 * A closed one is out of the table and of every list but its own at once, so
 * that nobody finds it; its memory stays until the loop's next turn, since it
 * may be closed by what was called for it.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/peers_parts.h"

/* A run that its peer has not taken yet. */
struct kept {
	struct kept *next; /* of the last one: the first */
	size_t total;	   /* of the last one: what all of them take */
	size_t bytes, each, len;
	uint8_t data[];
};

static struct peer *
peer_of(const struct stream *s)
{
	return (struct peer *)(uintptr_t)s;
}

bool
peers_can_answer(const struct stream_peer *who)
{
	return peer_is_ip(who) ||
	    who->len > offsetof(struct sockaddr_un, sun_path);
}

static void
due_add(struct peer *k)
{
	struct peers *p = k->peers;

	if (k->is_due)
		return;
	k->is_due = true;
	TAILQ_INSERT_TAIL(&p->due, k, due);
	p->due_n++;
	peers_wake(p);
}

static void
due_remove(struct peer *k)
{
	if (!k->is_due)
		return;
	k->is_due = false;
	TAILQ_REMOVE(&k->peers->due, k, due);
	k->peers->due_n--;
}

static void
writer_add(struct peer *k)
{
	TAILQ_INSERT_TAIL(&k->peers->writers, k, writer);
	k->peers->writers_n++;
}

static void
writer_remove(struct peer *k)
{
	TAILQ_REMOVE(&k->peers->writers, k, writer);
	k->peers->writers_n--;
}

/* So many datagrams of a run fit in beside what is kept. */
static size_t
fitting(const struct peer *k, const struct stream_run *r)
{
	const size_t held =
	    sizeof(struct kept) + (k->last == NULL ? 0 : k->last->total);

	if (k->last == NULL ||
	    (held <= PEERS_KEPT && r->bytes.len <= PEERS_KEPT - held))
		return peer_datagrams(r->bytes.len, r->each);
	return held > PEERS_KEPT ? 0 : (PEERS_KEPT - held) / r->each;
}

/* A copy that stands alone; NULL: out of memory. */
static struct kept *
kept_new(const struct stream_run *r, size_t bytes)
{
	struct kept *m = malloc(sizeof(*m) + bytes);

	if (m == NULL)
		return NULL;
	*m = (struct kept){
	    .next = m,
	    .total = sizeof(*m) + bytes,
	    .bytes = bytes,
	    .each = r->each,
	    .len = r->len,
	};
	if (bytes > 0)
		memcpy(m->data, r->bytes.p, bytes);
	return m;
}

static void
kept_add(struct peer *k, struct kept *m)
{
	if (k->last != NULL) {
		m->total += k->last->total;
		m->next = k->last->next;
		k->last->next = m;
	}
	k->last = m;
}

static void
kept_drop_first(struct peer *k)
{
	struct kept *first = k->last->next;

	if (first == k->last)
		k->last = NULL;
	else {
		k->last->next = first->next;
		k->last->total -= sizeof(*first) + first->bytes;
	}
	free(first);
}

/* Copies one run into the room; false: it does not fit beside the others. */
static bool
give(struct peer *k, struct span *room, struct stream_run *to, struct slice s,
    size_t each, size_t len)
{
	if (s.len > span_room(room)) {
		if (room->len > 0)
			return false;
		s.len = span_room(room); /* one alone, and cut */
		each = s.len;
	}
	memset(to, 0, sizeof(*to));
	to->bytes = slice_of(room->p + room->len, s.len);
	to->each = each;
	to->len = len;
	to->from = k->node.who;
	if (s.len > 0)
		memcpy(room->p + room->len, s.p, s.len);
	room->len += s.len;
	return true;
}

static ssize_t
peer_receive(
    struct stream *s, void *buf, size_t len, struct stream_run *v, int n)
{
	struct peer *k = peer_of(s);
	struct peers *p = k->peers;
	struct span room = {buf, 0, len};
	const struct stream_run *r;
	struct kept *m;
	size_t i;
	int got = 0;

	for (; got < n && k->last != NULL; got++) {
		m = k->last->next;
		if (!give(k, &room, &v[got], slice_of(m->data, m->bytes),
			m->each, m->len))
			return got;
		kept_drop_first(k);
	}
	for (i = p->run_at; got < n && i < p->runs_n; i++) {
		if (p->to[i] != k)
			continue;
		r = &p->runs[i];
		if (!give(k, &room, &v[got], r->bytes, r->each, r->len))
			break;
		p->to[i] = NULL;
		got++;
	}
	return got > 0 ? got : STREAM_AGAIN;
}

static ssize_t
peer_send(struct stream *s, const struct slice *v, size_t n)
{
	struct peer *k = peer_of(s);
	struct peers *p = k->peers;
	ssize_t r;

	if (!peers_can_answer(&k->node.who)) {
		peer_set_lost(k, EDESTADDRREQ);
		return (ssize_t)n;
	}
	stream_answer(p->socket, &k->node.who);
	r = stream_send(p->socket, v, n);
	/* The queue of a Unix peer is its own, the socket's is everybody's. */
	if (r == STREAM_AGAIN && peer_is_ip(&k->node.who))
		p->full = true;
	return r;
}

static void
peer_answer(struct stream *s, const struct stream_peer *to)
{
	(void)s;
	(void)to;
}

static int
peer_shut(struct stream *s)
{
	(void)s;
	return 0;
}

static size_t
peer_pending(const struct stream *s)
{
	const struct kept *last = peer_of(s)->last, *m = last;
	size_t n = 0;

	if (last == NULL)
		return 0;
	do {
		n += m->bytes;
		m = m->next;
	} while (m != last);
	return n;
}

static int64_t
peer_unacked(const struct stream *s)
{
	(void)s;
	return -1;
}

static bool
peer_broken(const struct stream *s)
{
	(void)s;
	return false;
}

/* Has it to be told something, though the socket says nothing? */
static bool
is_due(const struct peer *k)
{
	return k->lost != 0 || (k->last != NULL && k->want & STREAM_READABLE);
}

static void
peer_want(struct stream *s, int want)
{
	struct peer *k = peer_of(s);
	const int changed = k->want ^ want;

	if (changed == 0 || k->closed)
		return;
	k->want = (uint8_t)want;
	if (changed & STREAM_WRITABLE) {
		if (want & STREAM_WRITABLE)
			writer_add(k);
		else
			writer_remove(k);
		peers_set_want(k->peers);
	}
	if (is_due(k))
		due_add(k);
}

static void
peer_close(struct stream *s, bool reset)
{
	struct peer *k = peer_of(s);
	struct peers *p = k->peers;
	size_t i;

	(void)reset;
	peer_want(s, 0);
	due_remove(k);
	k->closed = true;
	peer_table_remove(&p->table, &k->node);
	while (k->last != NULL)
		kept_drop_first(k);
	for (i = p->run_at; i < p->runs_n; i++)
		if (p->to[i] == k)
			p->to[i] = NULL;
	TAILQ_INSERT_TAIL(&p->closed, k, due);
	peers_wake(p);
}

static const struct stream_ops peer_ops = {
    .shut = peer_shut,
    .pending = peer_pending,
    .want = peer_want,
    .close = peer_close,
    .unacked = peer_unacked,
    .broken = peer_broken,
    .receive = peer_receive,
    .send = peer_send,
    .answer = peer_answer,
};

struct peer *
peer_new(struct peers *p, const struct stream_peer *from)
{
	struct peer *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->peers = p;
	k->node.who = *from;
	k->base.stream.ops = &peer_ops;
	k->base.peer = &k->node.who;
	if (peer_table_add(&p->table, &k->node) == -1) {
		free(k);
		return NULL;
	}
	if (peers_can_answer(from))
		stream_answer(p->socket, from);
	k->base.max = stream_datagrams(p->socket)->max;
	return k;
}

size_t
peer_keep(struct peer *k, const struct stream_run *r)
{
	const size_t n = peer_datagrams(r->bytes.len, r->each);
	const size_t fit = fitting(k, r);
	struct kept *m = NULL;

	if (fit > 0)
		m = kept_new(r, fit == n ? r->bytes.len : fit * r->each);
	if (m == NULL)
		return n;
	kept_add(k, m);
	if (is_due(k))
		due_add(k);
	return n - fit;
}

void
peer_set_lost(struct peer *k, int err)
{
	k->lost = (uint16_t)err;
	due_add(k);
}

void
peer_tell(struct peer *k)
{
	const int err = k->lost;

	due_remove(k);
	k->lost = 0;
	/* It may be of one who had this address before. */
	if (err != 0 && k->base.stream.on != NULL &&
	    k->base.stream.on->on_undelivered != NULL)
		k->base.stream.on->on_undelivered(
		    &k->base.stream, k->base.peer, err);
	if (!k->closed && k->last != NULL && k->want & STREAM_READABLE)
		k->base.stream.on->on_ready(&k->base.stream, STREAM_READABLE);
	if (!k->closed && is_due(k))
		due_add(k);
}

void
peer_tell_writable(struct peer *k)
{
	writer_remove(k);
	writer_add(k);
	k->base.stream.on->on_ready(&k->base.stream, STREAM_WRITABLE);
}
