/* The raw pump; see pump.h. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk/pump.h"

/* A pipe of less is slower than reading and writing. */
#define PIPE_LEAST (64 << 10)
/* Half of an ordinary pipe in one go: this is bulk. */
#define BULK (32u << 10)

#ifdef HAVE_SPLICE

static bool
is_ours(const struct pump *p)
{
	return p->pipe[0] != -1;
}

/* Can splice(2) have it, and is it a pipe? */
static bool
look_at(struct pump *p, const struct fd *other)
{
	struct stat st;
	int flags;

	if (fstat(other->fd, &st) == -1)
		return false;
	p->through = !S_ISFIFO(st.st_mode);
	if (!p->through)
		return true;
	if (S_ISCHR(st.st_mode))
		return p->receiving && other->quiet;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return false;
	flags = fcntl(other->fd, F_GETFL);
	return flags != -1 && (!p->receiving || (flags & O_APPEND) == 0);
}

bool
pump_init(struct pump *p, int sock, const struct fd *other, bool receiving)
{
	p->receiving = receiving;
	p->from = receiving ? sock : other->fd;
	p->to = receiving ? other->fd : sock;
	p->pipe[0] = p->pipe[1] = -1;
	p->held = 0;
	p->err = 0;
	p->enlarged = false;
	return look_at(p, other);
}

void
pump_release(struct pump *p)
{
	if (is_ours(p)) {
		close(p->pipe[0]);
		close(p->pipe[1]);
	}
	p->pipe[0] = p->pipe[1] = -1;
	p->held = 0;
}

/* As large as we may; a user with many pipes gets small ones. Its size. */
static int
enlarge(int fd)
{
	int size, old = fcntl(fd, F_GETPIPE_SZ);

	for (size = PUMP_PIPE; size > old; size /= 2)
		if (fcntl(fd, F_SETPIPE_SZ, size) != -1)
			return size;
	return old;
}

static bool
make_pipe(struct pump *p)
{
	if (pipe2(p->pipe, O_CLOEXEC | O_NONBLOCK) == -1) {
		p->pipe[0] = p->pipe[1] = -1;
		return false;
	}
	return enlarge(p->pipe[1]) >= PIPE_LEAST;
}

static ssize_t
pass(int from, int to, size_t len)
{
	ssize_t n;

	do
		n = splice(from, NULL, to, NULL, len, SPLICE_F_NONBLOCK);
	while (n == -1 && errno == EINTR);
	return n;
}

static short
ready(int fd, short events)
{
	struct pollfd v = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&v, 1, 0);
	while (n == -1 && errno == EINTR);
	return n == 1 ? v.revents : 0;
}

/*
 * EAGAIN does not tell which of the two it was. The source is asked first:
 * while it has nothing, a taker that is full is no one's trouble. A socket that
 * is announced but counts no bytes is at its end, has failed, or has urgent
 * data, which splice(2) never gets past.
 */
static enum pump_result
who_waits(const struct pump *p)
{
	int n = 0;

	if (ready(p->from, POLLIN) == 0)
		return PUMP_EMPTY;
	if (p->receiving && (ioctl(p->from, FIONREAD, &n) == -1 || n == 0))
		return PUMP_PLAIN;
	if (ready(p->to, POLLOUT) == 0)
		return PUMP_FULL;
	return PUMP_MOVED; /* it came in the meantime */
}

/* What splice(2) itself refuses, or has no memory for, and no connection. */
static bool
is_refusal(int err)
{
	return err == EINVAL || err == ENOSYS || err == EPERM || err == EBADF ||
	    err == ESPIPE || err == ENOMEM || err == EOPNOTSUPP;
}

/* The errno of a splice that the socket had a part in. */
static enum pump_result
failed(struct pump *p)
{
	p->err = errno;
	if (is_refusal(p->err))
		return PUMP_PLAIN;
	/* The reader of our pipe is gone, not the peer. */
	if (p->receiving && !p->through && p->err == EPIPE &&
	    (ready(p->to, POLLOUT) & POLLERR) != 0)
		return PUMP_PLAIN;
	return PUMP_FAILED;
}

/* From the socket to a pipe, or back. */
static enum pump_result
move(struct pump *p, int from, int to, size_t len, size_t *n)
{
	enum pump_result r;
	ssize_t got;
	int tries;

	for (tries = 0; tries < 2; tries++) {
		got = pass(from, to, len);
		if (got > 0) {
			*n = (size_t)got;
			return PUMP_MOVED;
		}
		if (got == 0)
			return PUMP_PLAIN; /* the end, or so it seems */
		if (errno != EAGAIN)
			return failed(p);
		if (p->held > 0)
			return PUMP_FULL;
		r = who_waits(p);
		if (r != PUMP_MOVED)
			return r;
	}
	return PUMP_PLAIN; /* both are ready, and it is not done */
}

/* From the socket to the user's pipe, or back. */
static enum pump_result
move_direct(struct pump *p, size_t *n)
{
	enum pump_result r = move(p, p->from, p->to, PUMP_PIPE, n);

	if (r == PUMP_MOVED && *n >= BULK && !p->enlarged) {
		p->enlarged = true;
		enlarge(p->receiving ? p->to : p->from);
	}
	return r;
}

/* From the socket through our pipe to a file, which takes all. */
static enum pump_result
receive_through(struct pump *p, size_t *n)
{
	enum pump_result r = move(p, p->from, p->pipe[1], PUMP_PIPE, n);
	ssize_t got;

	if (r != PUMP_MOVED)
		return r;
	for (p->held = *n; p->held > 0; p->held -= (size_t)got) {
		got = pass(p->pipe[0], p->to, p->held);
		if (got <= 0)
			break;
	}
	return PUMP_MOVED;
}

/* From a file through our pipe to the socket, which may take a part. */
static enum pump_result
send_through(struct pump *p, size_t *n)
{
	enum pump_result r;
	ssize_t got;

	if (p->held == 0) {
		got = pass(p->from, p->pipe[1], PUMP_PIPE);
		if (got <= 0)
			return PUMP_PLAIN;
		p->held = (size_t)got;
	}
	r = move(p, p->pipe[0], p->to, p->held, n);
	if (r == PUMP_MOVED)
		p->held -= *n;
	return r;
}

enum pump_result
pump_move(struct pump *p, size_t *n)
{
	if (!p->through)
		return move_direct(p, n);
	if (p->receiving && p->held > 0)
		return PUMP_PLAIN; /* the file did not take it */
	if (!is_ours(p) && !make_pipe(p))
		return PUMP_PLAIN;
	return p->receiving ? receive_through(p, n) : send_through(p, n);
}

bool
pump_spill(struct pump *p, uint8_t **out, size_t *len)
{
	uint8_t *buf = NULL;
	size_t done = 0;
	ssize_t n;

	*out = NULL;
	*len = 0;
	if (p->held == 0)
		return true;
	buf = malloc(p->held);
	if (buf == NULL)
		return false;
	while (done < p->held) {
		n = fd_read_some(p->pipe[0], buf + done, p->held - done);
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			free(buf);
			return false;
		}
		done += (size_t)n;
	}
	p->held = 0;
	*out = buf;
	*len = done;
	return true;
}

#else /* without splice(2) nothing is pumped */

bool
pump_init(struct pump *p, int sock, const struct fd *other, bool receiving)
{
	return false;
}

void
pump_release(struct pump *p)
{
}

enum pump_result
pump_move(struct pump *p, size_t *n)
{
	return PUMP_PLAIN;
}

bool
pump_spill(struct pump *p, uint8_t **out, size_t *len)
{
	*out = NULL;
	*len = 0;
	return true;
}

#endif
