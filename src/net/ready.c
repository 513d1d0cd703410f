/*
 * When a socket may be used; see ready.h.
 *
 * libuv ends a poll handle that sees POLLERR and reports EBADF for it. Nothing
 * is known by that: what has arrived is still there to be read, and the error
 * comes from recv behind it. So it counts as ready for everything, and the
 * handle is started again if it is still wanted.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/poller.h"
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
	/* Behind a watching descriptor one sees only that something is. */
	if (events != 0 && r->watch != r->fd)
		events = UV_READABLE;
	if (events == 0)
		uv_poll_stop(r->by.poll);
	else
		uv_poll_start(r->by.poll, events, on_poll);
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
	if (r->watch != r->fd)
		what = r->want;
	r->on->on_ready(r, what, status < 0);
	if (status < 0 && r->want != 0 && !uv_is_closing((uv_handle_t *)poll))
		start_poll(r);
}

static struct fd
shared_fd(const struct ready *r)
{
	return (struct fd){.kind = FD_SOCKET, .fd = r->fd, .watch = r->watch};
}

/* Tells the watching descriptor what is wanted now. */
static void
watch_for(struct ready *r)
{
	struct fd fd = shared_fd(r);
	int events = 0;

	if (r->want & STREAM_READABLE)
		events |= FD_WATCH_READ;
	if (r->want & STREAM_WRITABLE)
		events |= FD_WATCH_WRITE;
	fd_watch(&fd, events);
}

void
ready_want(struct ready *r, int want)
{
	if (r->want == want)
		return;
	if (r->by.poll == NULL) {
		poller_want(r, want);
		return;
	}
	r->want = (uint8_t)want;
	if (r->watch != r->fd)
		watch_for(r);
	start_poll(r);
}

/* Nothing is told of it any more. */
static void
end(struct ready *r)
{
	struct poller *p = r->poller;
	struct fd fd = shared_fd(r);

	if (r->borrowed)
		fd_release(&fd);
	else
		close(r->fd);
	r->on->on_closed(r);
	if (p != NULL)
		poller_leave(p);
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct ready *r = h->data;

	free(r->by.poll);
	end(r);
}

void
ready_close(struct ready *r)
{
	ready_want(r, 0);
	r->closing = true;
	if (r->by.poll == NULL)
		poller_remove(r, end);
	else
		uv_close((uv_handle_t *)r->by.poll, on_poll_closed);
}

static int
take_fd(struct ready *r)
{
	struct fd fd;

	if (!r->borrowed)
		return 0;
	if (fd_take(&fd, r->fd, false) == -1)
		return errno;
	r->watch = fd.watch;
	if (fd.kind == FD_SOCKET)
		return 0;
	fd_release(&fd);
	return ENOTSOCK;
}

/* A handle of the loop's. 0 or an errno. */
static int
poll_alone(struct ready *r, uv_loop_t *loop)
{
	uv_poll_t *poll = malloc(sizeof(*poll));
	int err = poll == NULL ? ENOMEM : -uv_poll_init(loop, poll, r->watch);

	if (err != 0) {
		free(poll);
		return err;
	}
	poll->data = r;
	r->by.poll = poll;
	return 0;
}

int
ready_init(struct ready *r, uv_loop_t *loop, int fd, bool borrowed,
    const struct ready_events *on)
{
	struct fd shared;
	int err;

	*r = (struct ready){
	    .on = on, .fd = fd, .watch = fd, .borrowed = borrowed};
	err = take_fd(r);
	if (err == 0 && (err = poll_alone(r, loop)) != 0 && borrowed) {
		shared = shared_fd(r);
		fd_release(&shared);
	}
	if (err == 0)
		return 0;
	if (!borrowed)
		close(fd);
	errno = err;
	return -1;
}

int
ready_init_many(
    struct ready *r, struct poller *p, int fd, const struct ready_events *on)
{
	int err;

	*r = (struct ready){.on = on, .fd = fd, .watch = fd, .poller = p};
	poller_enter(p);
	if (poller_add(p, r) || (err = poll_alone(r, poller_loop(p))) == 0)
		return 0;
	poller_leave(p);
	close(fd);
	errno = err;
	return -1;
}
