/* A listener; see listen.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chan/listen.h"
#include "net/vsock.h"

#define ACCEPTS_A_TURN 64
#define RETRY_MS 100
#define TELL_MS 1000
#define DEFER_S 30 /* the kernel waits so long for a client's first bytes */

static void on_poll(uv_poll_t *, int status, int events);

static bool
set_name(struct listener *l, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return false;
	addr_name((const struct sockaddr *)&ss, len, l->name);
	return true;
}

/* What accept(2) tells of a client that is gone again, or of its network. */
static bool
is_gone(int err)
{
	switch (err) {
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
#ifdef ENONET
	case ENONET:
#endif
		return true;
	}
	return false;
}

/* What no waiting mends. */
static bool
is_broken(int err)
{
	return err == EBADF || err == EINVAL || err == ENOTSOCK ||
	    err == EFAULT;
}

static void
on_retry(uv_timer_t *t)
{
	struct listener *l = t->data;

	l->starved = false;
	uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

/*
 * The socket stays readable while clients wait: asking again in each turn
 * would be a spin, so it is left alone for a moment.
 */
static void
starve(struct listener *l, int err)
{
	uint64_t now = uv_now(l->loop);

	l->starved = true;
	uv_poll_stop(&l->poll);
	uv_timer_start(&l->retry, on_retry, RETRY_MS, 0);
	if (l->told_ms != 0 && now - l->told_ms < TELL_MS)
		return;
	/* 0 says that it was never told. */
	l->told_ms = now > 0 ? now : 1;
	l->on_short(l, err);
}

/* What is to become of a failure. False: no more of them now. */
static bool
accept_failed(struct listener *l, int err, int tries)
{
	/* Whatever fails each time, and be it for the client's sake, must not
	 * be tried without a pause. */
	if (is_gone(err) && tries < ACCEPTS_A_TURN)
		return true;
	if (is_broken(err)) {
		listener_pause(l);
		l->on_failed(l, err);
	} else if (err != EAGAIN)
		starve(l, err);
	return false;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct sockaddr_storage peer;
	socklen_t len;
	int i, fd, failures = 0;

	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN && l->open && !l->paused; i++) {
		len = sizeof(peer);
		fd = sock_accept(l->fd.fd, l->borrowed, &peer, &len);
		if (fd != -1)
			l->on_accept(l, fd, (struct sockaddr *)&peer, len);
		else if (!accept_failed(l, errno, ++failures))
			break;
	}
	/* libuv has ended a handle that met an error. */
	if (status < 0 && l->open && !l->paused && !l->starved)
		uv_poll_start(poll, UV_READABLE, on_poll);
}

static void
give_back(struct listener *l)
{
	sock_file_remove(&l->file);
	if (l->borrowed)
		fd_release(&l->fd);
	else
		close(l->fd.fd);
}

static int
start(struct listener *l, uv_loop_t *loop, struct fail *f)
{
	int err = 0;

	if (!set_name(l, l->fd.fd)) {
		err = -errno;
		snprintf(l->name, sizeof(l->name), "fd:%d", l->fd.fd);
	} else
		err = uv_poll_init(loop, &l->poll, l->fd.watch);
	if (err != 0) {
		fail_set(f, STATUS_LISTEN, "%s: cannot listen: %s", l->name,
		    uv_strerror(err));
		give_back(l);
		return -1;
	}
	uv_timer_init(loop, &l->retry);
	l->loop = loop;
	l->poll.data = l->retry.data = l;
	l->open = true;
	l->paused = true;
	l->starved = false;
	l->told_ms = 0;
	return 0;
}

/* One socket, as the plan has it. */
static int
open_at(const struct listen_plan *p, const struct sockaddr *sa, socklen_t len,
    bool v6_only, struct fail *f)
{
	const int defer = DEFER_S;
	int fd;

	if (p->at.kind == ADDR_UDP)
		return dgram_bind(sa, len, v6_only, &p->dgram, &p->opts, f);
	fd = sock_listen_tcp(
	    sa, len, v6_only, p->reuse_port, p->backlog, &p->opts, f);
#ifdef TCP_DEFER_ACCEPT
	/* Where the kernel cannot, they come earlier, and nothing is lost. */
	if (fd != -1 && p->defer_accept)
		setsockopt(
		    fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof(defer));
#endif
	return fd;
}

/* Every interface: one dual-stack socket, or IPv4 where there is no IPv6. */
static int
listen_anywhere(const struct listen_plan *p, struct fail *f)
{
	union resolve_sockaddr any;
	int fd;

	memset(&any, 0, sizeof(any));
	if (p->family != RESOLVE_V4) {
		any.v6.sin6_family = AF_INET6;
		any.v6.sin6_port = htons(p->at.port);
		any.v6.sin6_addr = in6addr_any;
		fd = open_at(
		    p, &any.sa, sizeof(any.v6), p->family == RESOLVE_V6, f);
		if (fd != -1 || p->family == RESOLVE_V6 ||
		    errno != EAFNOSUPPORT)
			return fd;
		memset(&any, 0, sizeof(any));
	}
	any.v4.sin_family = AF_INET;
	any.v4.sin_port = htons(p->at.port);
	return open_at(p, &any.sa, sizeof(any.v4), false, f);
}

static int
open_socket(struct listener *l, const struct listen_plan *p,
    const union resolve_sockaddr *where, struct fail *f)
{
	switch (p->at.kind) {
	case ADDR_UNIX:
	case ADDR_UNIX_DGRAM:
		return sock_listen_unix(&p->at, p->seqpacket, p->mode,
		    p->backlog, &p->opts, &l->file, f);
	case ADDR_VSOCK:
		return vsock_listen(&p->at, p->backlog, &p->opts, f);
	case ADDR_TCP:
	case ADDR_UDP:
	case ADDR_FD:
		break;
	}
	if (where == NULL)
		return listen_anywhere(p, f);
	return open_at(p, &where->sa,
	    where->sa.sa_family == AF_INET ? sizeof(where->v4)
					   : sizeof(where->v6),
	    true, f);
}

int
listener_open(struct listener *l, uv_loop_t *loop, const struct listen_plan *p,
    const union resolve_sockaddr *where, struct fail *f)
{
	int fd;

	l->file.made = false;
	fd = open_socket(l, p, where, f);
	if (fd == -1)
		return -1;
	l->fd = (struct fd){.kind = FD_SOCKET, .fd = fd, .watch = fd};
	l->borrowed = false;
	return start(l, loop, f);
}

void
listener_name_datagrams(struct listener *l, int fd)
{
	char name[ADDR_TEXT_MAX];

	if (!set_name(l, fd)) {
		snprintf(l->name, sizeof(l->name), "fd:%d", fd);
		return;
	}
	memcpy(name, l->name, sizeof(name));
	if (strncmp(name, "unix:", 5) == 0)
		snprintf(
		    l->name, sizeof(l->name), "unix-dgram:%.500s", name + 5);
	else
		snprintf(l->name, sizeof(l->name), "udp:%.500s", name);
}

int
listener_bind(struct listener *l, const struct listen_plan *p,
    const union resolve_sockaddr *where, struct fail *f)
{
	int fd = open_socket(l, p, where, f);

	if (fd == -1)
		return -1;
	listener_name_datagrams(l, fd);
	if (p->at.kind == ADDR_UNIX_DGRAM)
		addr_print(&p->at, l->name);
	return fd;
}

int
listener_adopt(struct listener *l, uv_loop_t *loop, int fd, struct fail *f)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == -1) {
		fail_set(f, STATUS_LISTEN, "fd:%d: expected a socket, saw: %s",
		    fd, strerror(errno));
		return fail_hint(f,
		    "try: the number of a descriptor that "
		    "whoever starts us has opened");
	}
	if (!listening)
		return 1;
	if (fd_take(&l->fd, fd, false) == -1)
		return fail_set(f, STATUS_LISTEN, "fd:%d: cannot listen: %s",
		    fd, strerror(errno));
	l->file.made = false;
	l->borrowed = true;
	return start(l, loop, f);
}

void
listener_resume(struct listener *l)
{
	if (!l->open)
		return;
	l->paused = l->starved = false;
	uv_timer_stop(&l->retry);
	uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

void
listener_retry(struct listener *l)
{
	if (l->open && l->starved)
		listener_resume(l);
}

void
listener_pause(struct listener *l)
{
	if (!l->open || l->paused)
		return;
	l->paused = true;
	l->starved = false;
	uv_timer_stop(&l->retry);
	uv_poll_stop(&l->poll);
}

void
listener_close(struct listener *l)
{
	if (!l->open)
		return;
	l->open = false;
	uv_close((uv_handle_t *)&l->poll, NULL);
	uv_close((uv_handle_t *)&l->retry, NULL);
	give_back(l);
}
