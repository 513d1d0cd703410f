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

struct ready_alone {
	uv_poll_t poll;
	int watch; /* what is polled: the socket, or what watches it */
	struct poller
	    *poller; /* whose it would be if there were more; or NULL */
};

static void on_poll(uv_poll_t *, int status, int events);

static void
start_poll(struct ready *r)
{
	struct ready_alone *a = r->by.alone;
	int events = 0;

	if (r->want & STREAM_READABLE)
		events |= UV_READABLE;
	if (r->want & STREAM_WRITABLE)
		events |= UV_WRITABLE;
	/* Behind a watching descriptor one sees only that something is. */
	if (events != 0 && a->watch != r->fd)
		events = UV_READABLE;
	if (events == 0)
		uv_poll_stop(&a->poll);
	else
		uv_poll_start(&a->poll, events, on_poll);
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
	if (r->by.alone->watch != r->fd)
		what = r->want;
	r->on->on_ready(r, what, status < 0);
	if (status < 0 && r->want != 0 && !uv_is_closing((uv_handle_t *)poll))
		start_poll(r);
}

static struct fd
shared_fd(int fd, int watch)
{
	return (struct fd){.kind = FD_SOCKET, .fd = fd, .watch = watch};
}

/* Tells the watching descriptor what is wanted now. */
static void
watch_for(struct ready *r)
{
	struct fd fd = shared_fd(r->fd, r->by.alone->watch);
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
	if (!r->is_alone) {
		poller_want(r, want);
		return;
	}
	r->want = (uint8_t)want;
	if (r->by.alone->watch != r->fd)
		watch_for(r);
	start_poll(r);
}

/* Nothing is told of it any more. */
static void
end_polled(struct ready *r)
{
	struct poller *p = r->by.poller;

	close(r->fd);
	r->on->on_closed(r);
	poller_leave(p);
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct ready *r = h->data;
	struct ready_alone *a = r->by.alone;
	struct fd fd = shared_fd(r->fd, a->watch);

	if (r->borrowed)
		fd_release(&fd);
	else
		close(r->fd);
	r->on->on_closed(r);
	if (a->poller != NULL)
		poller_leave(a->poller);
	free(a);
}

void
ready_close(struct ready *r)
{
	ready_want(r, 0);
	r->closing = true;
	if (!r->is_alone)
		poller_remove(r, end_polled);
	else
		uv_close((uv_handle_t *)&r->by.alone->poll, on_poll_closed);
}

/* One that is borrowed: what is polled in its place. 0 or an errno. */
static int
borrow(int shared, int *watch)
{
	struct fd fd;

	if (fd_take(&fd, shared, false) == -1)
		return errno;
	*watch = fd.watch;
	if (fd.kind == FD_SOCKET)
		return 0;
	fd_release(&fd);
	return ENOTSOCK;
}

/* A handle of the loop's. 0 or an errno. */
static int
poll_alone(struct ready *r, uv_loop_t *loop, int watch, struct poller *p)
{
	struct ready_alone *a = malloc(sizeof(*a));
	int err = a == NULL ? ENOMEM : -uv_poll_init(loop, &a->poll, watch);

	if (err != 0) {
		free(a);
		return err;
	}
	a->poll.data = r;
	a->watch = watch;
	a->poller = p;
	r->is_alone = true;
	r->by.alone = a;
	return 0;
}

int
ready_init(struct ready *r, uv_loop_t *loop, int fd, bool borrowed,
    const struct ready_events *on)
{
	struct fd shared;
	int err = 0, watch = fd;

	*r = (struct ready){.on = on, .fd = fd, .borrowed = borrowed};
	if (borrowed)
		err = borrow(fd, &watch);
	if (err == 0 && (err = poll_alone(r, loop, watch, NULL)) != 0 &&
	    borrowed) {
		shared = shared_fd(fd, watch);
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

	*r = (struct ready){.on = on, .fd = fd, .by.poller = p};
	poller_enter(p);
	if (poller_add(p, r) ||
	    (err = poll_alone(r, poller_loop(p), fd, p)) == 0)
		return 0;
	poller_leave(p);
	close(fd);
	errno = err;
	return -1;
}
