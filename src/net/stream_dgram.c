/*
 * A stream over a socket of datagrams: UDP, and Unix.
 *
 * Where the kernel can, many datagrams pass with one call (recvmmsg,
 * sendmmsg), and those of equal length as one (UDP_GRO, UDP_SEGMENT). A kernel
 * that does not know UDP_SEGMENT would send a run as one datagram without a
 * word, so it is asked first.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/udp.h>
#endif

#include "net/dgram.h"
#include "net/dgram_parts.h"

#define V4_MAX (65535 - 20 - 8) /* IPv4 counts its own header */
#define V6_MAX (65535 - 8)
#define UNIX_OVERHEAD 32 /* of the send buffer, which has to hold all of it */
#define AGAIN_MS 5	 /* until the queue of a Unix peer is looked at again */

/* Who is answered, and how much one datagram to there can hold. */
static void
set_peer(struct stream_dgram *k, const struct stream_peer *to)
{
	k->peer = *to;
	k->base.peer = &k->peer;
	if (!k->is_unix)
		k->base.max = to->at.sa.sa_family == AF_INET6 &&
			!IN6_IS_ADDR_V4MAPPED(&to->at.v6.sin6_addr)
		    ? V6_MAX
		    : V4_MAX;
}

static void
dgram_answer(struct stream *s, const struct stream_peer *to)
{
	if (!dgram_of(s)->alone)
		set_peer(dgram_of(s), to);
}

static int
dgram_shut(struct stream *s)
{
	(void)s;
	return 0;
}

static size_t
dgram_pending(const struct stream *s)
{
	(void)s;
	return 0;
}

static int64_t
dgram_unacked(const struct stream *s)
{
	(void)s;
	return -1;
}

static bool
dgram_broken(const struct stream *s)
{
	(void)s;
	return false;
}

static void
on_again(uv_timer_t *t)
{
	struct stream_dgram *k = t->data;

	k->base.stream.on->on_ready(&k->base.stream, STREAM_WRITABLE);
}

/*
 * A Unix socket that is not connected is always writable, though the queue of
 * the peer be full: that one is tried again a little later.
 */
static void
dgram_want(struct stream *s, int want)
{
	struct stream_dgram *k = dgram_of(s);

	if (k->is_unix && !k->connected) {
		if (!(want & STREAM_WRITABLE))
			uv_timer_stop(&k->again);
		else if (!uv_is_active((uv_handle_t *)&k->again))
			uv_timer_start(&k->again, on_again, AGAIN_MS, 0);
		want &= ~STREAM_WRITABLE;
	}
	ready_want(&k->ready, want);
}

static struct stream_dgram *
of_ready(struct ready *r)
{
	return (void *)((char *)r - offsetof(struct stream_dgram, ready));
}

static void
on_ready(struct ready *r, int what, bool error)
{
	struct stream_dgram *k = of_ready(r);

	/* Nobody may want to read now: it would be told again and again. */
	if (error)
		dgram_take_errors(k);
	k->base.stream.on->on_ready(&k->base.stream, what);
}

/* The socket is closed, or the timer is. */
static void
one_closed(struct stream_dgram *k)
{
	if (--k->open > 0)
		return;
	k->base.stream.on->on_closed(&k->base.stream);
	free(k);
}

static void
on_timer_closed(uv_handle_t *h)
{
	one_closed(h->data);
}

static void
on_closed(struct ready *r)
{
	one_closed(of_ready(r));
}

static const struct ready_events events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
};

static void
dgram_close(struct stream *s, bool reset)
{
	(void)reset;
	uv_close((uv_handle_t *)&dgram_of(s)->again, on_timer_closed);
	ready_close(&dgram_of(s)->ready);
}

static const struct stream_ops dgram_ops = {
    .shut = dgram_shut,
    .pending = dgram_pending,
    .want = dgram_want,
    .close = dgram_close,
    .unacked = dgram_unacked,
    .broken = dgram_broken,
    .receive = dgram_receive,
    .send = dgram_send,
    .answer = dgram_answer,
};

static void
turn_on(int fd, int level, int name)
{
	int on = 1;

	/* Where it is not known, there is a way without it. */
	setsockopt(fd, level, name, &on, sizeof(on));
}

static void
set_options(struct stream_dgram *k, const struct sockaddr_storage *own)
{
	const int fd = k->ready.fd;

	if (dgram_is_any((const struct sockaddr *)own))
		dgram_ask_local(fd, own->ss_family);
	/* Who shares the socket would read runs, and other errors. */
	if (k->ready.borrowed)
		return;
#ifdef IP_RECVERR
	turn_on(fd, IPPROTO_IP, IP_RECVERR);
	if (own->ss_family == AF_INET6)
		turn_on(fd, IPPROTO_IPV6, IPV6_RECVERR);
#endif
#ifdef UDP_GRO
	if (!k->plain)
		turn_on(fd, IPPROTO_UDP, UDP_GRO);
#endif
}

/* Does the kernel cut runs into datagrams? */
static bool
has_segments(int fd)
{
#ifdef UDP_SEGMENT
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &len) == 0;
#else
	(void)fd;
	return false;
#endif
}

static void
look_at(struct stream_dgram *k, const struct stream_peer *to)
{
	const int fd = k->ready.fd;
	struct stream_peer peer;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	int buffer = 0;

	memset(&own, 0, sizeof(own));
	memset(&peer, 0, sizeof(peer));
	getsockname(fd, (struct sockaddr *)&own, &len);
	k->is_unix = own.ss_family == AF_UNIX;
	peer.len = sizeof(peer.at);
	k->connected = getpeername(fd, &peer.at.sa, &peer.len) == 0;
	k->alone = k->connected || to != NULL;
	if (k->alone)
		set_peer(k, k->connected ? &peer : to);
	if (!k->is_unix) {
		set_options(k, &own);
		k->segment_max = !k->plain && has_segments(fd) ? V4_MAX : 0;
		return;
	}
	len = sizeof(buffer);
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, &len);
	k->base.max =
	    buffer > UNIX_OVERHEAD ? (size_t)(buffer - UNIX_OVERHEAD) : 0;
}

struct stream *
stream_dgram_new(uv_loop_t *loop, int fd, bool borrowed,
    const struct stream_peer *to, bool plain)
{
	struct stream_dgram *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		if (!borrowed)
			close(fd);
		errno = ENOMEM;
		return NULL;
	}
	if (ready_init(&k->ready, loop, fd, borrowed, &events) == -1) {
		free(k);
		return NULL;
	}
	uv_timer_init(loop, &k->again);
	k->again.data = k;
	k->open = 2;
	k->plain = plain;
	k->base.stream.ops = &dgram_ops;
	look_at(k, to);
	return &k->base.stream;
}
