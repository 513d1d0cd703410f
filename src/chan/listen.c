/* A listener; see listen.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chan/listen.h"

#define ACCEPTS_A_TURN 64

static bool
set_name(struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(l->fd, (struct sockaddr *)&ss, &len) == -1)
		return false;
	addr_name((const struct sockaddr *)&ss, len, l->name);
	return true;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct sockaddr_storage peer;
	socklen_t len;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN && l->open && !l->paused; i++) {
		fd = sock_accept(l->fd, &peer, &len);
		if (fd != -1) {
			l->on_accept(l, fd);
			continue;
		}
		/* Of a client that is gone again nothing is to be said. */
		if (errno == ECONNABORTED || errno == EPROTO)
			continue;
		if (errno != EAGAIN) {
			listener_pause(l);
			l->on_short(l, errno);
		}
		return;
	}
}

static int
start(struct listener *l, uv_loop_t *loop, struct fail *f)
{
	int err = 0;

	if (!set_name(l)) {
		err = -errno;
		snprintf(l->name, sizeof(l->name), "fd:%d", l->fd);
	} else
		err = uv_poll_init(loop, &l->poll, l->fd);
	if (err != 0) {
		fail_set(f, STATUS_LISTEN, "%s: cannot listen: %s", l->name,
		    uv_strerror(err));
		if (!l->borrowed)
			close(l->fd);
		sock_file_remove(&l->file);
		return -1;
	}
	l->loop = loop;
	l->poll.data = l;
	l->open = true;
	l->paused = true;
	return 0;
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
		fd = sock_listen_tcp(&any.sa, sizeof(any.v6),
		    p->family == RESOLVE_V6, p->reuse_port, p->backlog,
		    &p->opts, f);
		if (fd != -1 || p->family == RESOLVE_V6 ||
		    errno != EAFNOSUPPORT)
			return fd;
		memset(&any, 0, sizeof(any));
	}
	any.v4.sin_family = AF_INET;
	any.v4.sin_port = htons(p->at.port);
	return sock_listen_tcp(&any.sa, sizeof(any.v4), false, p->reuse_port,
	    p->backlog, &p->opts, f);
}

int
listener_open(struct listener *l, uv_loop_t *loop, const struct listen_plan *p,
    const union resolve_sockaddr *where, struct fail *f)
{
	if (p->at.kind == ADDR_UNIX)
		l->fd = sock_listen_unix(&p->at, p->seqpacket, p->mode,
		    p->backlog, &p->opts, &l->file, f);
	else if (where == NULL)
		l->fd = listen_anywhere(p, f);
	else
		l->fd = sock_listen_tcp(&where->sa,
		    where->sa.sa_family == AF_INET ? sizeof(where->v4)
						   : sizeof(where->v6),
		    true, p->reuse_port, p->backlog, &p->opts, f);
	if (l->fd == -1)
		return -1;
	return start(l, loop, f);
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
	l->fd = fd;
	l->borrowed = true;
	/* A listening socket that was handed over is ours alone to accept
	 * from; only if several wait on it, one of them finds nothing. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return start(l, loop, f);
}

void
listener_resume(struct listener *l)
{
	if (!l->open || !l->paused)
		return;
	l->paused = false;
	uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

void
listener_pause(struct listener *l)
{
	if (!l->open || l->paused)
		return;
	l->paused = true;
	uv_poll_stop(&l->poll);
}

void
listener_close(struct listener *l)
{
	if (!l->open)
		return;
	l->open = false;
	uv_close((uv_handle_t *)&l->poll, NULL);
	sock_file_remove(&l->file);
	if (!l->borrowed)
		close(l->fd);
}
