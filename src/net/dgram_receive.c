/*
 * What comes over a socket of datagrams, and what became of those that went;
 * see stream_dgram.c.
 *
 * An ICMP error stands in a queue beside the socket (IP_RECVERR), with the
 * address that it is about, and fails whatever call comes next, though that
 * has nothing to do with it.
 */

#include <errno.h>
#include <string.h>
#ifdef __linux__
#include <linux/errqueue.h>
#include <linux/udp.h>
#endif

#include "net/dgram_parts.h"

#ifdef IP_RECVERR
/* The error that a message of the error queue is about; 0: none. */
static int
error_in(struct msghdr *m)
{
	struct sock_extended_err e;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (!(c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin == SO_EE_ORIGIN_ICMP ||
		    e.ee_origin == SO_EE_ORIGIN_ICMP6 ||
		    e.ee_origin == SO_EE_ORIGIN_LOCAL)
			return (int)e.ee_errno;
	}
	return 0;
}
#endif

bool
dgram_take_errors(struct stream_dgram *k)
{
	bool any = false;
#ifdef IP_RECVERR
	struct stream_peer to;
	struct msghdr m;
	_Alignas(struct cmsghdr) uint8_t control[512];
	ssize_t n;
	int err;

	if (k->is_unix)
		return false;
	for (;;) {
		memset(&to, 0, sizeof(to));
		memset(&m, 0, sizeof(m));
		m.msg_name = &to.at;
		m.msg_namelen = sizeof(to.at);
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		n = recvmsg(k->ready.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		any = true;
		to.len = m.msg_namelen;
		err = error_in(&m);
		if (err != 0)
			k->base.stream.on->on_undelivered(
			    &k->base.stream, to.len > 0 ? &to : &k->peer, err);
	}
#endif
	return any;
}

/* Is it about a datagram, and not about the socket? */
static bool
is_of_peer(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case EMSGSIZE:
	case EPROTO:
	case ENOPROTOOPT:
	case EACCES:
	case EPERM:
		return true;
	}
	return false;
}

static int
receive_now(struct stream_dgram *k, struct mmsghdr *m, unsigned n)
{
	const int flags = MSG_DONTWAIT | MSG_TRUNC;
	ssize_t len;
	unsigned i;

#ifdef HAVE_RECVMMSG
	int done = -1;

	if (!k->plain)
		done = recvmmsg(k->ready.fd, m, n, flags, NULL);
	if (done != -1 || (!k->plain && errno != ENOSYS))
		return done;
	k->plain = true;
#endif
	for (i = 0; i < n; i++) {
		len = recvmsg(k->ready.fd, &m[i].msg_hdr, flags);
		if (len == -1)
			return i > 0 ? (int)i : -1;
		m[i].msg_len = (unsigned)len;
	}
	return (int)n;
}

/* The address of ours that it came to, as one to answer from. */
static void
note_local(struct stream_peer *p, const struct cmsghdr *c)
{
	struct in6_pktinfo v6;
#ifdef IP_PKTINFO
	struct in_pktinfo v4;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		/* Of a group or a broadcast this is our own one. */
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		p->local_family = AF_INET;
		p->local.v4 = v4.ipi_spec_dst;
		return;
	}
#endif
	if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
		return;
	memcpy(&v6, CMSG_DATA(c), sizeof(v6));
	if (IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr) ||
	    IN6_IS_ADDR_V4MAPPED(&v6.ipi6_addr))
		return;
	p->local_family = AF_INET6;
	p->local.v6 = v6.ipi6_addr;
	p->local_scope =
	    IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr) ? v6.ipi6_ifindex : 0;
}

static void
note_run(struct stream_dgram *k, struct stream_run *r, struct mmsghdr *m)
{
	struct msghdr *h = &m->msg_hdr;
	struct cmsghdr *c;

	r->len = m->msg_len;
	r->bytes.p = h->msg_iov->iov_base;
	r->bytes.len =
	    r->len < h->msg_iov->iov_len ? r->len : h->msg_iov->iov_len;
	r->each = r->bytes.len;
	r->from.len = h->msg_namelen;
	if (k->connected)
		r->from = k->peer;
	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
#ifdef UDP_GRO
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int each;

			memcpy(&each, CMSG_DATA(c), sizeof(each));
			if (each > 0 && (size_t)each < r->each)
				r->each = (size_t)each;
			continue;
		}
#endif
		note_local(&r->from, c);
	}
}

ssize_t
dgram_receive(
    struct stream *s, void *buf, size_t len, struct stream_run *v, int n)
{
	struct stream_dgram *k = dgram_of(s);
	const size_t room = k->is_unix ? len : STREAM_DATAGRAM_MAX;
	struct dgram_control control[DGRAM_CALLS_MAX];
	struct mmsghdr m[DGRAM_CALLS_MAX];
	struct iovec iov[DGRAM_CALLS_MAX];
	int i, got, most = n < DGRAM_CALLS_MAX ? n : DGRAM_CALLS_MAX;

	if ((size_t)most > len / room)
		most = (int)(len / room);
	memset(v, 0, (size_t)most * sizeof(*v));
	memset(m, 0, (size_t)most * sizeof(*m));
	for (i = 0; i < most; i++) {
		iov[i].iov_base = (uint8_t *)buf + (size_t)i * room;
		iov[i].iov_len = room;
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		m[i].msg_hdr.msg_name = &v[i].from.at;
		m[i].msg_hdr.msg_namelen = sizeof(v[i].from.at);
		m[i].msg_hdr.msg_control = control[i].room;
		m[i].msg_hdr.msg_controllen = sizeof(control[i].room);
	}
	while ((got = receive_now(k, m, (unsigned)most)) == -1) {
		if (errno == EAGAIN)
			return STREAM_AGAIN;
		s->err = errno;
		if (s->err == EINTR || dgram_take_errors(k))
			continue;
		if (!is_of_peer(s->err))
			return STREAM_FAILED;
		s->on->on_undelivered(s, &k->peer, s->err);
	}
	for (i = 0; i < got; i++)
		note_run(k, &v[i], &m[i]);
	return got;
}
