/*
 * A stream over a connected socket: TCP, Unix stream, Unix seqpacket.
 *
 * A packet that is longer than the buffer would be cut without a word, so each
 * one is looked at first.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/ready.h"
#include "net/stream.h"

struct stream_socket {
	struct stream base;
	struct ready ready;
	bool is_unix;
	bool shut;	/* our FIN is on its way, or there */
	unsigned large; /* of the packet that waits behind STREAM_LARGE */
};

static struct stream_socket *
of(const struct stream *s)
{
	return (struct stream_socket *)(uintptr_t)s;
}

static struct stream_socket *
of_ready(struct ready *r)
{
	return (void *)((char *)r - offsetof(struct stream_socket, ready));
}

static int
failed(struct stream *s)
{
	if (errno == EAGAIN)
		return STREAM_AGAIN;
	s->err = errno;
	return STREAM_FAILED;
}

static ssize_t
receive(int fd, void *buf, size_t len, int flags)
{
	ssize_t n;

	do
		n = recv(fd, buf, len, flags | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	return n;
}

#if defined(SO_PASSCRED) && defined(SCM_CREDENTIALS)
/*
 * Nothing to read: is it the end, or a packet without bytes? Asked for the
 * sender's credentials, the kernel gives them with a packet, and with the end
 * it has none to give. The socket is asked for them only here, since who is
 * asked for them and sends gets a name.
 */
static bool
is_empty_packet(int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr m = {
	    .msg_control = &control, .msg_controllen = sizeof(control)};
	socklen_t len = sizeof(int);
	int before = 0, on = 1;
	ssize_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &before, &len) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1)
		return false;
	do
		n = recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &before, sizeof(before));
	return n == 0 && m.msg_controllen > 0;
}
#else
static bool
is_empty_packet(int fd)
{
	(void)fd;
	return false;
}
#endif

static ssize_t
read_packet(struct stream *s, void *buf, size_t len)
{
	int fd = of(s)->ready.fd;
	ssize_t n = receive(fd, buf, 0, MSG_PEEK | MSG_TRUNC);

	if (n > 0 && (size_t)n > len) {
		of(s)->large = (unsigned)n;
		return STREAM_LARGE;
	}
	if (n > 0)
		n = receive(fd, buf, len, 0);
	else if (n == 0 && is_empty_packet(fd))
		return receive(fd, buf, len, 0) == 0 ? STREAM_EMPTY : failed(s);
	return n >= 0 ? n : failed(s);
}

static ssize_t
socket_read(struct stream *s, void *buf, size_t len)
{
	ssize_t n;

	of(s)->large = 0;
	if (s->packets)
		return read_packet(s, buf, len);
	n = receive(of(s)->ready.fd, buf, len, 0);
	return n >= 0 ? n : failed(s);
}

static ssize_t
socket_write(struct stream *s, const struct iovec *v, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v};
	ssize_t done;

	m.msg_iovlen = (size_t)n;
	do
		done =
		    sendmsg(of(s)->ready.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (done == -1 && errno == EINTR);
	return done >= 0 ? done : failed(s);
}

static int
socket_shut(struct stream *s)
{
	/* ENOTCONN: the peer has reset it; recv will say so. */
	if (shutdown(of(s)->ready.fd, SHUT_WR) == -1 && errno != ENOTCONN)
		return failed(s);
	of(s)->shut = true;
	return 0;
}

static size_t
socket_pending(const struct stream *s)
{
	return of(s)->large;
}

/* What was written to a Unix socket is at the peer's at once. */
static int64_t
socket_unacked(const struct stream *s)
{
	int n = 0;

	if (of(s)->is_unix)
		return 0;
#ifdef SIOCOUTQ
	if (ioctl(of(s)->ready.fd, SIOCOUTQ, &n) == 0)
		/* The kernel counts a FIN as if it were a byte. */
		return n > 0 && of(s)->shut ? n - 1 : n;
#endif
	return -1;
}

/* Asked by poll: SO_ERROR would take the error away from recv. */
static bool
socket_broken(const struct stream *s)
{
	struct pollfd p = {.fd = of(s)->ready.fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

/* With MSG_DONTWAIT alone, others decide whether splice(2) waits. */
static int
socket_splice_fd(const struct stream *s)
{
	return of(s)->ready.borrowed || s->packets ? -1 : of(s)->ready.fd;
}

static bool
socket_gone(const struct stream *s)
{
	struct pollfd p = {.fd = of(s)->ready.fd, .events = 0};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

static void
on_ready(struct ready *r, int what, bool error)
{
	struct stream_socket *k = of_ready(r);

	(void)error;
	k->base.on->on_ready(&k->base, what);
}

static void
socket_want(struct stream *s, int want)
{
	ready_want(&of(s)->ready, want);
}

static void
on_closed(struct ready *r)
{
	struct stream_socket *k = of_ready(r);

	if (k->base.on != NULL)
		k->base.on->on_closed(&k->base);
	free(k);
}

static const struct ready_events events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
};

static void
socket_close(struct stream *s, bool reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (reset)
		setsockopt(of(s)->ready.fd, SOL_SOCKET, SO_LINGER, &hard,
		    sizeof(hard));
	ready_close(&of(s)->ready);
}

static const struct stream_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .shut = socket_shut,
    .pending = socket_pending,
    .want = socket_want,
    .close = socket_close,
    .unacked = socket_unacked,
    .broken = socket_broken,
    .splice_fd = socket_splice_fd,
    .gone = socket_gone,
};

enum stream_socket_kind
stream_socket_kind(int fd)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss), type_len = sizeof(int);
	int type = SOCK_STREAM;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    ss.ss_family != AF_UNIX)
		return STREAM_SOCKET_IP;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len);
	return type == SOCK_SEQPACKET ? STREAM_SOCKET_PACKETS
				      : STREAM_SOCKET_UNIX;
}

/* Zeros; the descriptor is closed if there is no memory, unless borrowed. */
static struct stream_socket *
make(int fd, bool borrowed, enum stream_socket_kind kind)
{
	struct stream_socket *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		if (!borrowed)
			close(fd);
		errno = ENOMEM;
		return NULL;
	}
	k->is_unix = kind != STREAM_SOCKET_IP;
	k->base.packets = kind == STREAM_SOCKET_PACKETS;
	k->base.ops = &socket_ops;
	return k;
}

static struct stream *
made(struct stream_socket *k, int err)
{
	if (err == 0)
		return &k->base;
	free(k);
	return NULL;
}

struct stream *
stream_socket_new(uv_loop_t *loop, int fd, bool borrowed)
{
	struct stream_socket *k = make(fd, borrowed, stream_socket_kind(fd));

	return k == NULL
	    ? NULL
	    : made(k, ready_init(&k->ready, loop, fd, borrowed, &events));
}

struct stream *
stream_socket_of_kind(struct poller *p, int fd, enum stream_socket_kind kind)
{
	struct stream_socket *k = make(fd, false, kind);

	return k == NULL ? NULL
			 : made(k, ready_init_many(&k->ready, p, fd, &events));
}
