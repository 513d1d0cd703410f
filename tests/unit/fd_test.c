/*
 * The rules of descriptors over real ones of every kind: what is read and
 * written arrives, nothing waits that must not, and the flags of what others
 * share are as they were. Calls are made to fail, and the other end moves
 * while one waits, through functions that stand in front of the C library's.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ends.h"
#include "tap.h"

/* Between the code and the kernel. */
static struct {
	int interrupt;		      /* so many calls end with EINTR first */
	bool no_anew;		      /* nothing can be opened by its number */
	int polls;		      /* times that somebody waited */
	void (*moves)(struct ends *); /* ... and what the other end does then */
	struct ends *ends;
} fake;

static bool
interrupted(void)
{
	if (fake.interrupt == 0)
		return false;
	fake.interrupt--;
	errno = EINTR;
	return true;
}

ssize_t
read(int fd, void *p, size_t len)
{
	return interrupted() ? -1 : syscall(SYS_read, fd, p, len);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	return interrupted() ? -1 : syscall(SYS_writev, fd, v, n);
}

ssize_t
recv(int fd, void *p, size_t len, int flags)
{
	return interrupted()
	    ? -1
	    : syscall(SYS_recvfrom, fd, p, len, flags, NULL, NULL);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return interrupted() ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

int
poll(struct pollfd *p, nfds_t n, int ms)
{
	struct timespec at_most = {ms / 1000, 0};

	if (ms == -1) {
		fake.polls++;
		if (fake.moves != NULL)
			fake.moves(fake.ends);
	}
	return (int)syscall(
	    SYS_ppoll, p, n, ms == -1 ? NULL : &at_most, NULL, 0);
}

static int
open_as(const char *path, int flags, mode_t mode)
{
	if (fake.no_anew && strncmp(path, "/dev/fd/", 8) == 0) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = (mode_t)va_arg(ap, int);
	va_end(ap);
	return open_as(path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of it. */
int __open_2(const char *, int);

int
__open_2(const char *path, int flags)
{
	return open_as(path, flags, 0);
}

/* A child whose status is what it saw with some of 0, 1, 2 closed. */
static int
hold_without(unsigned closed)
{
	char byte;
	pid_t pid;
	int status = -1, i;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i <= 2; i++)
			if (closed & 1u << i)
				close(i);
		if (!fd_hold_standard())
			_exit(1);
		for (i = 0; i <= 2; i++)
			if (fcntl(i, F_GETFD) == -1)
				_exit(2);
		if (open("/dev/null", O_RDONLY) <= 2)
			_exit(3);
		errno = 0;
		if (closed & 1 && (read(0, &byte, 1) != -1 || errno != EBADF))
			_exit(4);
		for (i = 1; i <= 2; i++)
			if (closed & 1u << i &&
			    (write(i, "x", 1) != -1 || errno != EBADF))
				_exit(5);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
test_hold(void)
{
	unsigned closed;

	for (closed = 0; closed < 8; closed++)
		is_num(hold_without(closed), 0,
		    "with%s%s%s closed, nothing takes their places",
		    closed & 1 ? " stdin" : "", closed & 2 ? " stdout" : "",
		    closed & 4 ? " stderr" : "");
}

static void
test_open_read(void)
{
	int fd;

	fd = fd_open_read("/dev/null");
	ok(fd != -1 && fcntl(fd, F_GETFD) == FD_CLOEXEC,
	    "a file opened for reading is not inherited");
	close(fd);
	errno = 0;
	is_num(fd_open_read("/nosuch/file"), -1, "one that is not there is -1");
	is_num(errno, ENOENT, "and errno says so");
}

/* Waiting calls, for the filters. */

static void
say_late(struct ends *e)
{
	ends_say(e, "late", 4);
}

static void
hear_some(struct ends *e)
{
	static char sink[1 << 16];

	ends_hear(e, sink, sizeof(sink));
}

static void
test_waiting_read(enum ends_kind kind)
{
	char buf[64];
	struct ends e;

	if (!ends_open(&e, kind, false))
		return;
	fake.interrupt = 2;
	if (kind == ENDS_CLOSED) {
		is_num(fd_read_some(e.ours, buf, sizeof(buf)), -1,
		    "%s cannot be read", ends_names[kind]);
		ends_close(&e);
		return;
	}
	if (e.theirs != -1)
		ends_say(&e, "hello", 5);
	is_num(fd_read_some(e.ours, buf, 3),
	    e.theirs != -1	    ? 3
		: kind == ENDS_FULL ? 3
				    : 0,
	    "%s is read, whatever interrupts", ends_names[kind]);
	ok(ends_unchanged(&e), "and its flags stay");
	fake.interrupt = 0;
	ends_close(&e);
}

/* A pipe that others made non-blocking, and whose data is late. */
static void
test_late(void)
{
	static char big[1 << 20];
	struct iovec v[3];
	struct ends e;
	char buf[64];

	ends_open(&e, ENDS_PIPE_NONBLOCK, false);
	fake.ends = &e;
	fake.moves = say_late;
	fake.polls = 0;
	is_num(fd_read_some(e.ours, buf, sizeof(buf)), 4,
	    "late data of a pipe that does not block is waited for");
	is_num(fake.polls, 1, "asleep");
	ok(ends_unchanged(&e), "and it still does not block");
	ends_close(&e);

	ends_open(&e, ENDS_PIPE_NONBLOCK, true);
	fake.moves = hear_some;
	fake.polls = 0;
	fake.interrupt = 1;
	v[0] = (struct iovec){big, 0};
	v[1] = (struct iovec){big, sizeof(big) - 7};
	v[2] = (struct iovec){big, 7};
	is_num(fd_write_all(e.ours, v, 3), 0,
	    "all is written to a pipe that does not block");
	ok(fake.polls > 0, "asleep while its reader is slow");
	ok(ends_unchanged(&e), "and it still does not block");
	ends_leave(&e);
	v[0] = (struct iovec){big, 1};
	errno = 0;
	is_num(fd_write_all(e.ours, v, 1), -1, "without a reader it fails");
	is_num(errno, EPIPE, "with EPIPE");
	ends_close(&e);
	memset(&fake, 0, sizeof(fake));
}

/* Taken over for a loop. */

static const struct {
	enum fd_kind kind;
	bool quiet;
} taken[ENDS_COUNT] = {
    [ENDS_FILE] = {FD_FILE, false},
    [ENDS_APPEND] = {FD_FILE, false},
    [ENDS_PIPE] = {FD_OWN, false},
    [ENDS_PIPE_NONBLOCK] = {FD_OWN, false},
    [ENDS_FIFO] = {FD_OWN, false},
    [ENDS_SOCKETS] = {FD_SOCKET, false},
    [ENDS_TERMINAL] = {FD_OWN, false},
    [ENDS_NULL] = {FD_FILE, true},
    [ENDS_FULL] = {FD_FILE, false},
    [ENDS_CLOSED] = {FD_FILE, true},
};

/* The kind as fd_take finds it; some can only be watched here. */
static enum fd_kind
expected_kind(enum ends_kind kind)
{
	return fake.no_anew && taken[kind].kind == FD_OWN ? FD_SHARED
							  : taken[kind].kind;
}

static bool
is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1;
}

/* Does what a loop polls say that the descriptor is ready? */
static bool
is_announced(const struct fd *f, bool write)
{
	return is_ready(
	    f->watch, write && f->watch == f->fd ? POLLOUT : POLLIN);
}

/* The same for what comes a moment later, as from a terminal's other side. */
static bool
gets_announced(const struct fd *f)
{
	struct pollfd p = {.fd = f->watch, .events = POLLIN};

	return poll(&p, 1, 20000) == 1;
}

static void
test_take_read(enum ends_kind kind)
{
	const char *name = ends_names[kind];
	int before = ends_open_fds();
	char buf[64];
	struct ends e;
	struct fd f;
	ssize_t n;

	if (!ends_open(&e, kind, false))
		return;
	is_num(fd_take(&f, e.ours, false), 0, "%s is taken to read", name);
	is_num(f.kind, expected_kind(kind), "%s: as what it is", name);
	is_num(f.quiet, taken[kind].quiet, "%s: does it say nothing?", name);
	is_num(
	    f.watch == -1, f.kind == FD_FILE, "%s: can it be watched?", name);
	if (ends_waits(kind)) {
		errno = 0;
		ok(fd_read_now(&f, buf, sizeof(buf)) == -1 && errno == EAGAIN,
		    "%s: nothing is there, and nobody waits", name);
		ok(!is_announced(&f, false), "%s: nor is it announced", name);
	}
	if (e.theirs != -1) {
		ends_say(&e, "hello", 5);
		ok(!ends_waits(kind) || gets_announced(&f),
		    "%s: what comes is announced", name);
		fake.interrupt = 1;
		is_num(fd_read_now(&f, buf, sizeof(buf)),
		    kind == ENDS_APPEND ? 11 : 5, "%s: and read", name);
	}
	ok(ends_unchanged(&e), "%s: its flags stay", name);
	ends_leave(&e);
	n = fd_read_now(&f, buf, 4);
	if (kind == ENDS_CLOSED)
		ok(n == -1 && errno == EBADF, "%s: it cannot be read", name);
	else if (kind == ENDS_TERMINAL)
		ok(n == 0 || (n == -1 && errno == EIO), "%s: it ends", name);
	else
		is_num(n, kind == ENDS_FULL ? 4 : 0, "%s: it ends", name);
	fd_release(&f);
	fd_release(&f);
	ok(ends_unchanged(&e), "%s: and its flags stay, released", name);
	ends_close(&e);
	is_num(ends_open_fds(), before, "%s: nothing is left open", name);
}

/* Until nothing more is taken, twice, with a look by the other end between. */
static void
fill(struct fd *f, struct ends *e, const char *name)
{
	static char chunk[70000], back[1 << 22];
	struct iovec v[2];
	size_t put = 0, got = 0;
	int rounds_left = 2;
	ssize_t n;

	memset(chunk, 'c', sizeof(chunk));
	do {
		v[0] = (struct iovec){chunk, 10};
		v[1] = (struct iovec){chunk + 10, sizeof(chunk) - 10};
		n = fd_write_now(f, v, 2);
		put += n > 0 ? (size_t)n : 0;
		if (n == -1 && errno == EAGAIN) {
			if (rounds_left == 2)
				ok(!is_announced(f, true),
				    "%s: it is full, nobody waits", name);
			/* A terminal gives it in small pieces. */
			do {
				n = (ssize_t)ends_hear(
				    e, back + got, sizeof(back) - got);
				got += (size_t)n;
			} while (!is_announced(f, true));
			rounds_left--;
		}
	} while (n > 0 && rounds_left > 0 && put < sizeof(back) / 2);
	ok(n > 0 && rounds_left == 0, "%s: room is announced, and used", name);
	while ((n = (ssize_t)ends_hear(e, back + got, sizeof(back) - got)) > 0)
		got += (size_t)n;
	is_num(got, put, "%s: all of it arrives", name);
}

static void
test_take_write(enum ends_kind kind)
{
	const char *name = ends_names[kind];
	int before = ends_open_fds();
	char buf[64], text[] = "hello";
	struct iovec v = {text, 5};
	struct ends e;
	struct fd f;
	ssize_t n;

	if (!ends_open(&e, kind, true))
		return;
	is_num(fd_take(&f, e.ours, true), 0, "%s is taken to write", name);
	is_num(f.kind, expected_kind(kind), "%s: as what it is", name);
	fake.interrupt = fake.no_anew ? 0 : 1;
	errno = 0;
	n = fd_write_now(&f, &v, 1);
	if (kind == ENDS_FULL)
		ok(n == -1 && errno == ENOSPC, "%s: it is full", name);
	else if (kind == ENDS_CLOSED)
		ok(n == -1 && errno == EBADF, "%s: it is none", name);
	else
		is_num(n, 5, "%s: it is written", name);
	if (kind == ENDS_APPEND)
		is_bytes(buf, ends_hear(&e, buf, sizeof(buf)), "beforehello",
		    11, "%s: behind what was there", name);
	else if (e.theirs != -1)
		is_bytes(buf, ends_hear(&e, buf, sizeof(buf)), "hello", 5,
		    "%s: and arrives", name);
	if (ends_waits(kind))
		fill(&f, &e, name);
	ok(ends_unchanged(&e), "%s: its flags stay", name);
	if (ends_waits(kind)) {
		ends_leave(&e);
		v = (struct iovec){text, 5};
		errno = 0;
		n = fd_write_now(&f, &v, 1);
		ok(n == -1 && (errno == EPIPE || errno == EIO),
		    "%s: with nobody there it fails", name);
	}
	fake.interrupt = 0;
	fd_release(&f);
	ok(ends_unchanged(&e), "%s: and its flags stay, released", name);
	ends_close(&e);
	is_num(ends_open_fds(), before, "%s: nothing is left open", name);
}

static void
test_take_nothing(void)
{
	struct ends e;
	struct fd f;

	ends_open(&e, ENDS_NULL, false);
	close(e.ours);
	errno = 0;
	is_num(fd_take(&f, e.ours, false), -1, "what is not open is not taken");
	is_num(errno, EBADF, "and errno says so");
	e.ours = open("/dev/null", O_RDONLY);
	ends_close(&e);
}

/* What can only be watched is told what for. */
static void
test_watch(void)
{
	struct ends e;
	struct fd f;

	ends_open(&e, ENDS_SOCKETS, false);
	fd_take(&f, e.ours, false);
	ok(!is_ready(f.watch, POLLIN), "a socket with nothing to read waits");
	fd_watch(&f, FD_WATCH_WRITE);
	ok(is_ready(f.watch, POLLIN), "one that can be written does not");
	fd_watch(&f, FD_WATCH_READ);
	ok(!is_ready(f.watch, POLLIN), "unless reading alone is asked for");
	ends_say(&e, "x", 1);
	ok(is_ready(f.watch, POLLIN), "which then is announced");
	fd_watch(&f, 0);
	ok(!is_ready(f.watch, POLLIN), "and nothing is, if nothing is wanted");
	fd_watch(&f, FD_WATCH_READ | FD_WATCH_WRITE);
	ok(is_ready(f.watch, POLLIN), "both can be wanted");
	fd_release(&f);
	ends_close(&e);
}

int
main(void)
{
	enum ends_kind kind;

	signal(SIGPIPE, SIG_IGN);
	test_hold();
	test_open_read();
	test_late();
	test_take_nothing();
	test_watch();
	for (kind = 0; kind < ENDS_COUNT; kind++) {
		test_waiting_read(kind);
		test_take_read(kind);
		test_take_write(kind);
	}
	/* Where nothing can be opened anew: another user's, without /proc. */
	fake.no_anew = true;
	for (kind = 0; kind < ENDS_COUNT; kind++)
		if (taken[kind].kind == FD_OWN) {
			test_take_read(kind);
			test_take_write(kind);
		}
	return done_testing();
}
