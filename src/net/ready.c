/*
 * When a socket may be used; see ready.h.
 *
 * libuv ends a poll handle that sees POLLERR and reports EBADF for it. Nothing
 * is known by that: what has arrived is still there to be read, and the error
 * comes from recv behind it. So it counts as ready for everything, and the
 * handle is started again if it is still wanted.
 */

#include <errno.h>
#include <unistd.h>

#include "net/ready.h"
#include "net/stream.h"

static void on_poll(uv_poll_t *, int status, int events);

static void
start_poll(struct ready *r)
{
	int events = 0;

	if (r->want & STREAM_READABLE)
		events |= UV_READABLE;
	if (r->want & STREAM_WRITABLE)
		events |= UV_WRITABLE;
	if (events == 0)
		uv_poll_stop(&r->poll);
	else
		uv_poll_start(&r->poll, events, on_poll);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct ready *r = poll->data;
	int what = 0;

	if (status < 0)
		what = r->want;
	if (events & UV_READABLE)
		what |= STREAM_READABLE;
	if (events & UV_WRITABLE)
		what |= STREAM_WRITABLE;
	/* Behind a watching descriptor one sees only that something is. */
	if (r->fd.watch != r->fd.fd)
		what = r->want;
	r->on_ready(r, what, status < 0);
	if (status < 0 && r->want != 0 && !uv_is_closing((uv_handle_t *)poll))
		start_poll(r);
}

/* Tells the watching descriptor what is wanted now. */
static void
watch_for(struct ready *r)
{
	int events = 0;

	if (r->want & STREAM_READABLE)
		events |= FD_WATCH_READ;
	if (r->want & STREAM_WRITABLE)
		events |= FD_WATCH_WRITE;
	fd_watch(&r->fd, events);
}

void
ready_want(struct ready *r, int want)
{
	if (r->want == want)
		return;
	r->want = want;
	if (r->fd.watch != r->fd.fd) {
		watch_for(r);
		if (want != 0)
			uv_poll_start(&r->poll, UV_READABLE, on_poll);
		else
			uv_poll_stop(&r->poll);
	} else
		start_poll(r);
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct ready *r = h->data;

	if (r->borrowed)
		fd_release(&r->fd);
	else
		close(r->fd.fd);
	r->on_closed(r);
}

void
ready_close(struct ready *r)
{
	r->want = 0;
	uv_close((uv_handle_t *)&r->poll, on_poll_closed);
}

static int
take_fd(struct ready *r, int fd, bool borrowed)
{
	r->borrowed = borrowed;
	if (!borrowed) {
		r->fd = (struct fd){.kind = FD_SOCKET, .fd = fd, .watch = fd};
		return 0;
	}
	if (fd_take(&r->fd, fd, false) == -1)
		return errno;
	if (r->fd.kind == FD_SOCKET)
		return 0;
	fd_release(&r->fd);
	return ENOTSOCK;
}

int
ready_init(struct ready *r, uv_loop_t *loop, int fd, bool borrowed)
{
	int err = take_fd(r, fd, borrowed);

	r->want = 0;
	if (err == 0) {
		err = -uv_poll_init(loop, &r->poll, r->fd.watch);
		if (err != 0 && borrowed)
			fd_release(&r->fd);
	}
	if (err != 0) {
		if (!borrowed)
			close(fd);
		errno = err;
		return -1;
	}
	r->poll.data = r;
	return 0;
}
