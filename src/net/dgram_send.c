/*
 * What goes over a socket of datagrams; see stream_dgram.c.
 *
 * Datagrams of equal length, of which the last may be shorter, go as one run
 * that the kernel cuts (UDP_SEGMENT). An interface that cannot take a run
 * refuses it; then its datagrams go one by one.
 */

#include <errno.h>
#include <string.h>
#ifdef __linux__
#include <linux/udp.h>
#endif

#include "net/dgram_parts.h"

#define SEGMENTS_MAX 64 /* of one run: what any kernel with UDP_SEGMENT takes */
#define VECTORS_MAX (DGRAM_CALLS_MAX * SEGMENTS_MAX)

struct outgoing {
	struct mmsghdr m[DGRAM_CALLS_MAX];
	size_t datagrams[DGRAM_CALLS_MAX]; /* in each of them */
	unsigned n;
	struct iovec v[VECTORS_MAX];
	size_t v_n;
	struct dgram_control control[DGRAM_CALLS_MAX];
};

static int
send_now(struct stream_dgram *k, struct mmsghdr *m, unsigned n)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	unsigned i;

#ifdef HAVE_SENDMMSG
	int done = -1;

	if (!k->plain)
		done = sendmmsg(k->ready.fd, m, n, flags);
	if (done != -1 || (!k->plain && errno != ENOSYS))
		return done;
	k->plain = true;
#endif
	for (i = 0; i < n; i++)
		if (sendmsg(k->ready.fd, &m[i].msg_hdr, flags) == -1)
			return i > 0 ? (int)i : -1;
	return (int)n;
}

/* How many of these can go as one. */
static size_t
run_length(const struct stream_dgram *k, const struct slice *v, size_t n)
{
	const size_t each = v[0].len;
	size_t i, total = each;

	if (each == 0 || each > k->segment_max)
		return 1;
	for (i = 1; i < n && i < SEGMENTS_MAX; i++) {
		total += v[i].len;
		if (v[i].len == 0 || v[i].len > each || total > k->base.max)
			break;
		if (v[i].len < each)
			return i + 1;
	}
	return i;
}

static void
add_control(struct msghdr *m, int level, int type, const void *p, size_t len)
{
	struct cmsghdr *c;
	size_t before = m->msg_controllen;

	/* Behind what is there, which CMSG_NXTHDR could not find yet. */
	c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control + before);
	memset(c, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), p, len);
	m->msg_controllen = before + CMSG_SPACE(len);
}

/* The address of ours that the peer knows. */
static void
add_local(struct msghdr *m, const struct stream_peer *p)
{
	struct in6_pktinfo v6;
#ifdef IP_PKTINFO
	struct in_pktinfo v4;

	if (p->local_family == AF_INET) {
		memset(&v4, 0, sizeof(v4));
		v4.ipi_spec_dst = p->local.v4;
		add_control(m, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
#endif
	if (p->local_family != AF_INET6)
		return;
	memset(&v6, 0, sizeof(v6));
	v6.ipi6_addr = p->local.v6;
	v6.ipi6_ifindex = p->local_scope;
	add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

/* Packs datagrams into calls; returns how many are in. */
static size_t
pack(
    struct stream_dgram *k, struct outgoing *o, const struct slice *v, size_t n)
{
	size_t at, i, run;
	struct msghdr *m;

	o->n = 0;
	o->v_n = 0;
	for (at = 0; at < n && o->n < DGRAM_CALLS_MAX; at += run) {
		run = run_length(k, v + at, n - at);
		m = &o->m[o->n].msg_hdr;
		memset(m, 0, sizeof(*m));
		if (!k->connected) {
			m->msg_name = &k->peer.at;
			m->msg_namelen = k->peer.len;
		}
		m->msg_iov = &o->v[o->v_n];
		m->msg_iovlen = run;
		for (i = at; i < at + run; i++)
			o->v[o->v_n++] =
			    (struct iovec){(void *)(uintptr_t)v[i].p, v[i].len};
		m->msg_control = o->control[o->n].room;
		if (!k->connected)
			add_local(m, &k->peer);
#ifdef UDP_SEGMENT
		if (run > 1) {
			uint16_t each = (uint16_t)v[at].len;

			add_control(
			    m, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof(each));
		}
#endif
		if (m->msg_controllen == 0)
			m->msg_control = NULL;
		o->datagrams[o->n++] = run;
	}
	return at;
}

/* A run was refused: from this length on there will be none. */
static bool
without_runs(struct stream_dgram *k, size_t each)
{
	switch (errno) {
	case EINVAL: /* longer than the interface takes */
	case EMSGSIZE:
		k->segment_max = each - 1;
		return true;
	case EIO: /* the interface makes no checksums */
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		k->segment_max = 0;
		return true;
	}
	return false;
}

ssize_t
dgram_send(struct stream *s, const struct slice *v, size_t n)
{
	struct stream_dgram *k = dgram_of(s);
	struct outgoing o;
	size_t taken = 0;
	int i, done;

	pack(k, &o, v, n);
	while ((done = send_now(k, o.m, o.n)) == -1) {
		if (errno == EAGAIN)
			return STREAM_AGAIN;
		s->err = errno;
		if (s->err == EINTR)
			continue;
		if (o.datagrams[0] > 1 && without_runs(k, v[0].len))
			pack(k, &o, v, n);
		else if (!dgram_take_errors(k)) {
			s->on->on_undelivered(s, &k->peer, s->err);
			return (ssize_t)o.datagrams[0];
		}
	}
	for (i = 0; i < done; i++)
		taken += o.datagrams[i];
	return (ssize_t)taken;
}
