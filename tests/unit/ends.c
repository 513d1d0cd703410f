/* Descriptors of every kind; see ends.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ends.h"

#define FDS_MAX 256

const char *const ends_names[ENDS_COUNT] = {
    "a file",
    "a file to append to",
    "a pipe",
    "a pipe that does not block",
    "a FIFO",
    "a socket",
    "a terminal",
    "/dev/null",
    "/dev/full",
    "what is closed",
};

static void
make_path(struct ends *e)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(e->path, sizeof(e->path), "%.40s/wdsock-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	fd = mkstemp(e->path);
	if (fd == -1)
		abort();
	close(fd);
}

/* A file and a view of its own into it for the other end. */
static void
open_file(struct ends *e)
{
	make_path(e);
	if (e->kind == ENDS_APPEND) {
		e->theirs = open(e->path, O_RDWR);
		ends_say(e, ENDS_BEFORE, strlen(ENDS_BEFORE));
		close(e->theirs);
	}
	e->ours = open(e->path,
	    (e->write ? O_WRONLY : O_RDONLY) |
		(e->kind == ENDS_APPEND ? O_APPEND : 0));
	e->theirs =
	    open(e->path, O_RDWR | (e->kind == ENDS_APPEND ? O_APPEND : 0));
}

static void
open_pair(struct ends *e)
{
	int fd[2] = {-1, -1}, r;

	if (e->kind == ENDS_SOCKETS)
		r = socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	else
		r = pipe(fd);
	if (r == -1)
		abort();
	e->ours = fd[e->write ? 1 : 0];
	e->theirs = fd[e->write ? 0 : 1];
	if (e->kind == ENDS_PIPE_NONBLOCK)
		fcntl(e->ours, F_SETFL, O_NONBLOCK);
}

/* Opened for both at first: neither end waits for the other then. */
static void
open_fifo(struct ends *e)
{
	int both;

	make_path(e);
	unlink(e->path);
	if (mkfifo(e->path, 0600) == -1)
		abort();
	both = open(e->path, O_RDWR);
	e->ours = open(e->path, e->write ? O_WRONLY : O_RDONLY);
	e->theirs = open(e->path, e->write ? O_RDONLY : O_WRONLY);
	close(both);
}

static bool
open_terminal(struct ends *e)
{
	struct termios t;

	e->theirs = posix_openpt(O_RDWR | O_NOCTTY);
	if (e->theirs == -1)
		return false;
	if (grantpt(e->theirs) == -1 || unlockpt(e->theirs) == -1)
		abort();
	e->ours = open(ptsname(e->theirs), O_RDWR | O_NOCTTY);
	if (e->ours == -1 || tcgetattr(e->ours, &t) == -1)
		abort();
	cfmakeraw(&t);
	tcsetattr(e->ours, TCSANOW, &t);
	return true;
}

bool
ends_open(struct ends *e, enum ends_kind kind, bool write)
{
	*e = (struct ends){
	    .kind = kind, .write = write, .ours = -1, .theirs = -1};
	switch (kind) {
	case ENDS_FILE:
	case ENDS_APPEND:
		open_file(e);
		break;
	case ENDS_PIPE:
	case ENDS_PIPE_NONBLOCK:
	case ENDS_SOCKETS:
		open_pair(e);
		break;
	case ENDS_FIFO:
		open_fifo(e);
		break;
	case ENDS_TERMINAL:
		if (!open_terminal(e))
			return false;
		break;
	case ENDS_NULL:
	case ENDS_FULL:
		e->ours = open(kind == ENDS_NULL ? "/dev/null" : "/dev/full",
		    write ? O_WRONLY : O_RDONLY);
		if (e->ours == -1)
			return false;
		break;
	case ENDS_CLOSED:
	case ENDS_COUNT:
		/* As fd_hold_standard leaves it. */
		e->ours = open("/dev/null", write ? O_RDONLY : O_WRONLY);
		break;
	}
	if (e->ours == -1)
		abort();
	if (e->theirs != -1)
		fcntl(
		    e->theirs, F_SETFL, fcntl(e->theirs, F_GETFL) | O_NONBLOCK);
	e->flags = fcntl(e->ours, F_GETFL);
	return true;
}

void
ends_say(struct ends *e, const void *p, size_t len)
{
	const char *bytes = p;
	ssize_t n;

	while (len > 0) {
		n = write(e->theirs, bytes, len);
		if (n == -1)
			abort();
		bytes += n;
		len -= (size_t)n;
	}
}

size_t
ends_hear(struct ends *e, void *p, size_t len)
{
	char *bytes = p;
	size_t got = 0;
	ssize_t n;

	while (e->theirs != -1 && got < len) {
		n = read(e->theirs, bytes + got, len - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

void
ends_leave(struct ends *e)
{
	if (e->theirs != -1)
		close(e->theirs);
	e->theirs = -1;
}

bool
ends_waits(enum ends_kind kind)
{
	return kind == ENDS_PIPE || kind == ENDS_PIPE_NONBLOCK ||
	    kind == ENDS_FIFO || kind == ENDS_SOCKETS || kind == ENDS_TERMINAL;
}

bool
ends_unchanged(const struct ends *e)
{
	return fcntl(e->ours, F_GETFL) == e->flags;
}

void
ends_close(struct ends *e)
{
	ends_leave(e);
	close(e->ours);
	if (e->path[0] != '\0')
		unlink(e->path);
}

int
ends_open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < FDS_MAX; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			n++;
	return n;
}
