/*
 * Makes one call fail: the FAULT_AT-th FAULT_CALL ends with the errno
 * FAULT_ERROR, and with FAULT_ON=1 each one after it too. "malloc" stands for
 * malloc, calloc and realloc. FAULT_FILE is a file that holds a struct record:
 * what was called how often, and who was hit. tests/torture/run reads it.
 *
 * Built as a library to be preloaded, or with -DFAULT_WRAP as a part of the
 * program (ld --wrap), where a sanitizer has the library's functions.
 *
 * What counts is called by the program itself, which its return address
 * tells; and of what libuv calls for it, what it reports and does not abort
 * for: what it opens, its first look at a descriptor, its sleep. (It does abort
 * if epoll_ctl fails later, or the first pipe2.)
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)

#ifdef FAULT_WRAP
#define NAME(f) __wrap_##f
#define REAL(f) __real_##f
#define TAKE(f) extern __typeof__(f) __real_##f, __wrap_##f
#define HAVE(f) (void)0
#else
#define NAME(f) f
#define REAL(f) real_##f
#define TAKE(f) static __typeof__(f) *real_##f
#define HAVE(f) have((void **)&real_##f, #f)
#endif

enum kind {
	K_malloc,
	K_read,
	K_write,
	K_writev,
	K_recv,
	K_send,
	K_sendmsg,
	K_splice,
	K_socket,
	K_connect,
	K_bind,
	K_listen,
	K_accept4,
	K_shutdown,
	K_getsockopt,
	K_setsockopt,
	K_getsockname,
	K_getpeername,
	K_epoll_create1,
	K_epoll_ctl,
	K_epoll_wait,
	K_eventfd,
	K_pipe2,
	K_poll,
	K_fcntl,
	K_ioctl,
	K_open,
	K_close,
	K_fstat,
	K_lstat,
	K_unlink,
	KINDS
};

static const char *const names[KINDS] = {"malloc", "read", "write", "writev",
    "recv", "send", "sendmsg", "splice", "socket", "connect", "bind", "listen",
    "accept4", "shutdown", "getsockopt", "setsockopt", "getsockname",
    "getpeername", "epoll_create1", "epoll_ctl", "epoll_wait", "eventfd",
    "pipe2", "poll", "fcntl", "ioctl", "open", "close", "fstat", "lstat",
    "unlink"};

/* As the runner unpacks it: L L Q L32. */
struct record {
	uint32_t hits;
	uint32_t loaded;
	uint64_t caller; /* the first that was hit, from the program's base */
	uint32_t counts[32];
};

static struct {
	struct record *record;
	int kind;
	uint32_t at;
	int error;
	bool on;
	uintptr_t program;
} state;

static uintptr_t
object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) != 0 ? (uintptr_t)info.dli_fbase : 0;
}

static long
number(const char *name)
{
	const char *s = getenv(name);

	return s != NULL ? strtol(s, NULL, 10) : 0;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAULT_FILE"), *call = getenv("FAULT_CALL");
	void *p;
	int fd, k;

	if (path == NULL ||
	    strncmp(program_invocation_short_name, "wdsock", 6) != 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	p = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		_exit(97);
	state.kind = -1;
	for (k = 0; k < KINDS; k++)
		if (call != NULL && strcmp(call, names[k]) == 0)
			state.kind = k;
	state.at = (uint32_t)number("FAULT_AT");
	state.error = (int)number("FAULT_ERROR");
	state.on = number("FAULT_ON") != 0;
	state.program = object_of((const void *)(uintptr_t)getauxval(AT_PHDR));
	state.record = p;
	state.record->loaded = 1;
}

/* Is this the call that is to fail? Its errno is then set. */
static bool
strikes(enum kind kind, const void *caller, bool libuv_too)
{
	int err = errno;
	uint32_t n;

	if (state.record == NULL)
		return false;
	if (!libuv_too && object_of(caller) != state.program)
		return false;
	n = __atomic_add_fetch(
	    &state.record->counts[kind], 1, __ATOMIC_RELAXED);
	errno = err;
	if ((int)kind != state.kind || n < state.at ||
	    (n > state.at && !state.on))
		return false;
	if (state.record->hits++ == 0)
		state.record->caller = (uintptr_t)caller - state.program;
	errno = state.error;
	return true;
}

#ifdef FAULT_WRAP
TAKE(malloc);
TAKE(calloc);
TAKE(realloc);
#else
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
#define __real_malloc __libc_malloc
#define __real_calloc __libc_calloc
#define __real_realloc __libc_realloc

static void
have(void **f, const char *name)
{
	if (*f == NULL)
		*f = dlsym(RTLD_NEXT, name);
}
#endif

void *
NAME(malloc)(size_t n)
{
	return strikes(K_malloc, CALLER, false) ? NULL : __real_malloc(n);
}

void *
NAME(calloc)(size_t n, size_t each)
{
	return strikes(K_malloc, CALLER, false) ? NULL : __real_calloc(n, each);
}

void *
NAME(realloc)(void *p, size_t n)
{
	return strikes(K_malloc, CALLER, false) ? NULL : __real_realloc(p, n);
}

/* What a file, /dev/null and their like never answer. */
static bool
unheard_of(int fd)
{
	struct stat st;

	return state.error == EAGAIN &&
	    fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode));
}

#define FAIL_ON(type, kind, f, params, args, unless, libuv)                    \
	TAKE(f);                                                               \
	type NAME(f) params                                                    \
	{                                                                      \
		HAVE(f);                                                       \
		if (!(unless) && strikes(kind, CALLER, libuv))                 \
			return -1;                                             \
		return REAL(f) args;                                           \
	}

FAIL_ON(ssize_t, K_read, read, (int fd, void *p, size_t n), (fd, p, n),
    unheard_of(fd), false)
FAIL_ON(ssize_t, K_write, write, (int fd, const void *p, size_t n), (fd, p, n),
    unheard_of(fd), false)
FAIL_ON(ssize_t, K_writev, writev, (int fd, const struct iovec *v, int n),
    (fd, v, n), unheard_of(fd), false)
FAIL_ON(int, K_socket, socket, (int d, int t, int p), (d, t, p), false, false)
FAIL_ON(int, K_connect, connect,
    (int fd, const struct sockaddr *sa, socklen_t n), (fd, sa, n), false, false)
FAIL_ON(int, K_bind, bind, (int fd, const struct sockaddr *sa, socklen_t n),
    (fd, sa, n), false, false)
FAIL_ON(int, K_listen, listen, (int fd, int n), (fd, n), false, false)
FAIL_ON(int, K_accept4, accept4,
    (int fd, struct sockaddr *sa, socklen_t *n, int flags), (fd, sa, n, flags),
    false, false)
FAIL_ON(int, K_getsockopt, getsockopt,
    (int fd, int l, int o, void *p, socklen_t *n), (fd, l, o, p, n), false,
    false)
FAIL_ON(int, K_setsockopt, setsockopt,
    (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n), false,
    false)
FAIL_ON(int, K_getsockname, getsockname,
    (int fd, struct sockaddr *sa, socklen_t *n), (fd, sa, n), false, false)
FAIL_ON(int, K_getpeername, getpeername,
    (int fd, struct sockaddr *sa, socklen_t *n), (fd, sa, n), false, false)
FAIL_ON(int, K_epoll_create1, epoll_create1, (int flags), (flags), false, true)
/* libuv's first look at a descriptor carries no number. */
FAIL_ON(int, K_epoll_ctl, epoll_ctl,
    (int ep, int op, int fd, struct epoll_event *e), (ep, op, fd, e),
    op == EPOLL_CTL_DEL, e->data.fd == -1)
FAIL_ON(int, K_epoll_wait, epoll_wait,
    (int ep, struct epoll_event *e, int n, int ms), (ep, e, n, ms), false, true)
FAIL_ON(int, K_epoll_wait, epoll_pwait,
    (int ep, struct epoll_event *e, int n, int ms, const sigset_t *s),
    (ep, e, n, ms, s), false, true)
FAIL_ON(int, K_eventfd, eventfd, (unsigned int n, int flags), (n, flags), false,
    true)
/* libuv aborts if it cannot have its first one, for signals. */
static bool
is_first_pipe(void)
{
	static int pipes;

	return pipes++ == 0;
}

FAIL_ON(int, K_pipe2, pipe2, (int fds[2], int flags), (fds, flags),
    is_first_pipe(), true)
FAIL_ON(int, K_poll, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms),
    false, false)
FAIL_ON(int, K_fstat, fstat, (int fd, struct stat *st), (fd, st), false, false)
FAIL_ON(int, K_lstat, stat, (const char *path, struct stat *st), (path, st),
    false, false)
FAIL_ON(int, K_lstat, lstat, (const char *path, struct stat *st), (path, st),
    false, false)
FAIL_ON(int, K_unlink, unlink, (const char *path), (path), false, false)

/* A connection that is told to be lost must be: both sides then see its end. */
TAKE(shutdown);

static bool
breaks(enum kind kind, const void *caller, int fd)
{
	int err;

	if (!strikes(kind, caller, false))
		return false;
	err = errno;
	if (err == ECONNRESET || err == EPIPE || err == ETIMEDOUT)
		REAL(shutdown)(fd, SHUT_RDWR);
	errno = err;
	return true;
}

#define BREAK_ON(type, kind, f, params, args)                                  \
	TAKE(f);                                                               \
	type NAME(f) params                                                    \
	{                                                                      \
		HAVE(f);                                                       \
		HAVE(shutdown);                                                \
		if (breaks(kind, CALLER, fd))                                  \
			return -1;                                             \
		return REAL(f) args;                                           \
	}

BREAK_ON(int, K_shutdown, shutdown, (int fd, int how), (fd, how))
BREAK_ON(ssize_t, K_recv, recv, (int fd, void *p, size_t n, int flags),
    (fd, p, n, flags))
BREAK_ON(ssize_t, K_send, send, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags))
BREAK_ON(ssize_t, K_sendmsg, sendmsg,
    (int fd, const struct msghdr *m, int flags), (fd, m, flags))

/* Of its two ends one is the connection; the other shuts nothing down. */
TAKE(splice);
ssize_t
NAME(splice)(
    int in, off64_t *in_at, int out, off64_t *out_at, size_t n, unsigned flags)
{
	int err;

	HAVE(splice);
	HAVE(shutdown);
	if (breaks(K_splice, CALLER, in)) {
		err = errno;
		if (err == ECONNRESET || err == EPIPE || err == ETIMEDOUT)
			REAL(shutdown)(out, SHUT_RDWR);
		errno = err;
		return -1;
	}
	return REAL(splice)(in, in_at, out, out_at, n, flags);
}

/* What close fails with, the descriptor is gone. */
TAKE(close);
int
NAME(close)(int fd)
{
	int r;

	HAVE(close);
	r = REAL(close)(fd);
	return strikes(K_close, CALLER, false) ? -1 : r;
}

TAKE(fcntl);
int
NAME(fcntl)(int fd, int command, ...)
{
	va_list ap;
	long n;

	HAVE(fcntl);
	va_start(ap, command);
	n = va_arg(ap, long);
	va_end(ap);
	if (strikes(K_fcntl, CALLER, false))
		return -1;
	return REAL(fcntl)(fd, command, n);
}

TAKE(ioctl);
int
NAME(ioctl)(int fd, unsigned long command, ...)
{
	va_list ap;
	void *p;

	HAVE(ioctl);
	va_start(ap, command);
	p = va_arg(ap, void *);
	va_end(ap);
	if (strikes(K_ioctl, CALLER, true))
		return -1;
	return REAL(ioctl)(fd, command, p);
}

TAKE(open);
int
NAME(open)(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	HAVE(open);
	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = (mode_t)va_arg(ap, int);
	va_end(ap);
	if (strikes(K_open, CALLER, false))
		return -1;
	return REAL(open)(path, flags, mode);
}

#ifndef FAULT_WRAP
/* What _FORTIFY_SOURCE makes of some of them. */
int __open_2(const char *, int);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);

int
__open_2(const char *path, int flags)
{
	HAVE(open);
	return strikes(K_open, CALLER, false) ? -1 : real_open(path, flags);
}

ssize_t
__read_chk(int fd, void *p, size_t n, size_t room)
{
	HAVE(read);
	if (!unheard_of(fd) && strikes(K_read, CALLER, false))
		return -1;
	return real_read(fd, p, n < room ? n : room);
}

ssize_t
__recv_chk(int fd, void *p, size_t n, size_t room, int flags)
{
	HAVE(recv);
	HAVE(shutdown);
	if (breaks(K_recv, CALLER, fd))
		return -1;
	return real_recv(fd, p, n < room ? n : room, flags);
}
#endif

#ifdef FAULT_WRAP
/* Who dies by a signal is asked for leaks before. */
int __real_raise(int);
int __wrap_raise(int);
void __lsan_do_leak_check(void) __attribute__((weak));

int
__wrap_raise(int number)
{
	if (__lsan_do_leak_check != NULL)
		__lsan_do_leak_check();
	return __real_raise(number);
}
#endif
