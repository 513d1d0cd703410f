/* The rules of descriptors; see fd.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

bool
fd_hold_standard(void)
{
	int fd, got;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		/* The lowest free number is the one that is missing. */
		got = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
		if (got != fd)
			return false;
	}
	return true;
}

int
fd_open_read(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd == -1 && errno == EINTR);
	return fd;
}

/* After EAGAIN: sleeps until the descriptor is ready. */
static void
wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, -1);
}

ssize_t
fd_read_some(int fd, void *buf, size_t len)
{
	ssize_t n;

	for (;;) {
		n = read(fd, buf, len);
		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			wait_for(fd, POLLIN);
		else if (errno != EINTR)
			return -1;
	}
}

/* Takes n written bytes off the front of the vectors. */
static void
drop(struct iovec **v, int *count, size_t n)
{
	while (*count > 0 && n >= (*v)->iov_len) {
		n -= (*v)->iov_len;
		++*v;
		--*count;
	}
	if (*count > 0) {
		(*v)->iov_base = (char *)(*v)->iov_base + n;
		(*v)->iov_len -= n;
	}
}

int
fd_write_all(int fd, struct iovec *v, int count)
{
	ssize_t n;

	drop(&v, &count, 0);
	while (count > 0) {
		n = writev(fd, v, count);
		if (n >= 0)
			drop(&v, &count, (size_t)n);
		else if (errno == EAGAIN)
			wait_for(fd, POLLOUT);
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

/*
 * Something that can be polled in place of the descriptor. Polling it directly
 * would make it non-blocking for everyone who shares it; an epoll descriptor
 * of our own that watches it says the same. -1 with EPERM: it is a file.
 */
static int
watch_of(int fd, bool write)
{
#ifdef __linux__
	struct epoll_event ev = {.events = write ? EPOLLOUT : EPOLLIN};
	int watch = epoll_create1(EPOLL_CLOEXEC), err;

	if (watch == -1)
		return -1;
	if (epoll_ctl(watch, EPOLL_CTL_ADD, fd, &ev) == -1) {
		err = errno;
		close(watch);
		errno = err;
		return -1;
	}
	return watch;
#else
	struct stat st;

	(void)write;
	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (S_ISCHR(st.st_mode) && !isatty(fd))) {
		errno = EPERM;
		return -1;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
#endif
}

/* The same pipe or terminal under a number, and with flags, of our own. */
static int
open_anew(int fd, bool write)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	return open(path,
	    (write ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static bool
is_dev_null(const struct stat *st)
{
	struct stat null;

	return S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 &&
	    st->st_rdev == null.st_rdev;
}

int
fd_take(struct fd *f, int number, bool write)
{
	struct stat st;

	*f = (struct fd){.kind = FD_FILE, .fd = number, .watch = -1};
	if (fstat(number, &st) == -1)
		return -1;
	f->quiet = is_dev_null(&st);
	f->watch = watch_of(number, write);
	if (f->watch == -1)
		return errno == EPERM ? 0 : -1;
	if (S_ISSOCK(st.st_mode)) {
		f->kind = FD_SOCKET;
		return 0;
	}
	f->fd = open_anew(number, write);
	if (f->fd == -1) {
		f->fd = number;
		f->kind = FD_SHARED;
		return 0;
	}
	f->kind = FD_OWN;
	close(f->watch);
	f->watch = f->fd;
	return 0;
}

void
fd_release(struct fd *f)
{
	if (f->watch != -1)
		close(f->watch);
	f->watch = -1;
}

void
fd_own(struct fd *f, int fd)
{
	*f = (struct fd){.kind = FD_OWN, .fd = fd, .watch = fd};
}

void
fd_watch(struct fd *f, int what)
{
#ifdef __linux__
	struct epoll_event ev = {0};

	if (f->watch == -1 || f->watch == f->fd)
		return;
	if (what & FD_WATCH_READ)
		ev.events |= EPOLLIN;
	if (what & FD_WATCH_WRITE)
		ev.events |= EPOLLOUT;
	epoll_ctl(f->watch, EPOLL_CTL_MOD, f->fd, &ev);
#else
	(void)f;
	(void)what;
#endif
}

/* Would a call on a shared descriptor find it ready right now? */
static bool
is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1;
}

ssize_t
fd_read_now(struct fd *f, void *buf, size_t len)
{
	ssize_t n;

	do {
		if (f->kind == FD_SHARED && !is_ready(f->fd, POLLIN)) {
			errno = EAGAIN;
			return -1;
		}
		n = f->kind == FD_SOCKET ? recv(f->fd, buf, len, MSG_DONTWAIT)
					 : read(f->fd, buf, len);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
fd_write_now(struct fd *f, struct iovec *v, int n)
{
	struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)n};
	ssize_t done;

	do {
		if (f->kind == FD_SHARED) {
			/* So much is free where a pipe is announced. */
			if (!is_ready(f->fd, POLLOUT)) {
				errno = EAGAIN;
				return -1;
			}
			done = write(f->fd, v[0].iov_base,
			    v[0].iov_len < PIPE_BUF ? v[0].iov_len : PIPE_BUF);
		} else if (f->kind == FD_SOCKET)
			done = sendmsg(f->fd, &m, MSG_DONTWAIT);
		else
			done = writev(f->fd, v, n);
	} while (done == -1 && errno == EINTR);
	return done;
}

void
fd_limit_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r); /* if not, it stays as it is */
}
