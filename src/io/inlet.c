/* Standard input in a loop; see inlet.h. */

#include <errno.h>
#include <sys/ioctl.h>
#include <string.h>
#include <unistd.h>

#include "io/inlet.h"

static void
end(struct inlet *in, int err)
{
	inlet_flow(in, false);
	in->ended = true;
	in->on_end(in, err);
}

/* One read, and what came of it. */
static void
read_some(struct inlet *in)
{
	ssize_t n;

	if (in->on_ready != NULL) {
		in->on_ready(in);
		return;
	}
	n = reader_fill_now(&in->reader, &in->fd);
	if (n > 0) {
		in->left -= (size_t)n < in->left ? (size_t)n : in->left;
		in->on_bytes(in);
		if (in->last && in->left == 0 && !in->ended)
			end(in, 0);
	} else if (n == 0 || errno == EBADF || (errno == EIO && in->terminal))
		end(in, 0); /* EIO: the terminal is gone */
	else if (errno != EAGAIN)
		end(in, errno);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct inlet *in = poll->data;

	(void)status;
	(void)events;
	read_some(in);
	/* libuv has ended a handle that met an error. */
	if (status < 0 && in->flowing && !in->ended)
		uv_poll_start(poll, UV_READABLE, on_poll);
}

static void
on_idle(uv_idle_t *idle)
{
	read_some(idle->data);
}

/* in->fd is there. */
static int
start(struct inlet *in, uv_loop_t *loop)
{
	int err = 0;

	in->on_closed = NULL;
	in->taken = true;
	in->quiet = in->fd.quiet;
	in->ended = in->flowing = in->last = false;
	in->left = 0;
	reader_init(&in->reader, in->fd.fd);
	if (in->fd.watch == -1)
		uv_idle_init(loop, &in->idle);
	else
		err = uv_poll_init(loop, &in->poll, in->fd.watch);
	if (err != 0) {
		in->taken = false;
		errno = -err;
		return -1;
	}
	in->poll.data = in;
	in->idle.data = in;
	return 0;
}

int
inlet_init(struct inlet *in, uv_loop_t *loop, int fd)
{
	int err;

	if (fd_take(&in->fd, fd, false) == -1)
		return -1;
	in->terminal = isatty(fd) == 1;
	if (start(in, loop) == 0)
		return 0;
	err = errno;
	fd_release(&in->fd);
	errno = err;
	return -1;
}

int
inlet_init_own(struct inlet *in, uv_loop_t *loop, int fd)
{
	fd_own(&in->fd, fd);
	in->terminal = false;
	return start(in, loop);
}

void
inlet_finish(struct inlet *in)
{
	int n = 0;

	if (!in->taken || in->ended)
		return;
	if (ioctl(in->fd.fd, FIONREAD, &n) == -1)
		n = 0;
	in->last = true;
	in->left = (size_t)n;
	if (n == 0)
		end(in, 0);
}

void
inlet_flow(struct inlet *in, bool on)
{
	if (!in->taken || in->ended || in->flowing == on)
		return;
	in->flowing = on;
	if (in->fd.watch == -1) {
		if (on)
			uv_idle_start(&in->idle, on_idle);
		else
			uv_idle_stop(&in->idle);
	} else if (on)
		uv_poll_start(&in->poll, UV_READABLE, on_poll);
	else
		uv_poll_stop(&in->poll);
}

static void
on_closed(uv_handle_t *h)
{
	struct inlet *in = h->data;

	if (in->on_closed != NULL)
		in->on_closed(in);
}

void
inlet_close(struct inlet *in)
{
	if (!in->taken)
		return;
	in->taken = false;
	in->ended = true;
	if (in->fd.watch == -1)
		uv_close((uv_handle_t *)&in->idle, on_closed);
	else
		uv_close((uv_handle_t *)&in->poll, on_closed);
	fd_release(&in->fd);
	reader_release(&in->reader);
}
