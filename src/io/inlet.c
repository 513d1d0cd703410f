/* Standard input in a loop; see inlet.h. */

#include <errno.h>
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
	if (n > 0)
		in->on_bytes(in);
	else if (n == 0 || errno == EBADF || (errno == EIO && in->terminal))
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

int
inlet_init(struct inlet *in, uv_loop_t *loop, int fd)
{
	int err = 0;

	if (fd_take(&in->fd, fd, false) == -1)
		return -1;
	in->taken = true;
	in->quiet = in->fd.quiet;
	in->terminal = isatty(fd) == 1;
	in->ended = false;
	in->flowing = false;
	reader_init(&in->reader, fd);
	if (in->fd.watch == -1)
		uv_idle_init(loop, &in->idle);
	else
		err = uv_poll_init(loop, &in->poll, in->fd.watch);
	if (err != 0) {
		fd_release(&in->fd);
		in->taken = false;
		errno = -err;
		return -1;
	}
	in->poll.data = in;
	in->idle.data = in;
	return 0;
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

void
inlet_close(struct inlet *in)
{
	if (!in->taken)
		return;
	in->taken = false;
	in->ended = true;
	if (in->fd.watch == -1)
		uv_close((uv_handle_t *)&in->idle, NULL);
	else
		uv_close((uv_handle_t *)&in->poll, NULL);
	fd_release(&in->fd);
	reader_release(&in->reader);
}
