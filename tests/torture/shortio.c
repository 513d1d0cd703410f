/*
 * A preloaded library that makes reading and writing as unkind as the manual
 * allows: a quarter of the calls of a process named wdsock* ends with EINTR or
 * does but a few bytes. SHORTIO_SEED tells which; the same seed and the same
 * calls fare alike. tests/torture/shortio runs the suites with it.
 *
 * Only calls that the program itself makes are touched (by their return
 * address): what libuv does with its pipes and eventfds is its own affair.
 * A datagram or a packet is never cut, as the kernel never does.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)
#define VECTORS 64

enum what {
	WHOLE,
	SHORT,
	INTERRUPTED,
};

static struct {
	bool on;
	uint64_t seed;
	uint64_t calls;
	const void *program;
} state;

static const void *
object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *seed = getenv("SHORTIO_SEED");
	const char *test = getenv("BATS_TEST_NAME");

	state.on = strncmp(program_invocation_short_name, "wdsock", 6) == 0;
	state.seed = seed != NULL ? strtoull(seed, NULL, 10) : 1;
	state.program = object_of((const void *)(uintptr_t)getauxval(AT_PHDR));
}

/* splitmix64 of the seed and the number of the call. */
static uint64_t
chance(void)
{
	uint64_t n = __atomic_fetch_add(&state.calls, 1, __ATOMIC_RELAXED);
	uint64_t x = state.seed * 0x5851f42d4c957f2d + n * 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static bool
may_be_cut(int fd)
{
	int type = SOCK_STREAM;
	socklen_t len = sizeof(type);
	int err = errno;

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	errno = err;
	return type == SOCK_STREAM;
}

/* What is to become of this call; SHORT: *len says how much of it. */
static enum what
fate(const void *caller, int fd, size_t *len)
{
	uint64_t x;

	if (!state.on || object_of(caller) != state.program)
		return WHOLE;
	x = chance();
	if (x % 4 != 0)
		return WHOLE;
	if (x / 4 % 2 == 0) {
		errno = EINTR;
		return INTERRUPTED;
	}
	x = x / 8 % 7 + 1;
	if (x >= *len || !may_be_cut(fd))
		return WHOLE;
	*len = (size_t)x;
	return SHORT;
}

static size_t
total(const struct iovec *v, int n)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

/* The first `len` bytes of the vectors; how many vectors that are. */
static int
first_of(struct iovec *to, const struct iovec *v, int n, size_t len)
{
	int i;

	for (i = 0; i < n && i < VECTORS && len > 0; i++) {
		to[i] = v[i];
		if (to[i].iov_len > len)
			to[i].iov_len = len;
		len -= to[i].iov_len;
	}
	return i;
}

static ssize_t
vectors(const void *caller, long number, int fd, const struct iovec *v, int n)
{
	size_t len = total(v, n);
	struct iovec some[VECTORS];

	switch (fate(caller, fd, &len)) {
	case INTERRUPTED:
		return -1;
	case SHORT:
		n = first_of(some, v, n, len);
		v = some;
		break;
	case WHOLE:
		break;
	}
	return syscall(number, fd, v, n);
}

static ssize_t
plain(const void *caller, long number, int fd, uintptr_t p, size_t len)
{
	if (fate(caller, fd, &len) == INTERRUPTED)
		return -1;
	return syscall(number, fd, p, len);
}

static ssize_t
sends(const void *caller, int fd, const void *p, size_t len, int flags,
    const void *to, socklen_t to_len)
{
	if (fate(caller, fd, &len) == INTERRUPTED)
		return -1;
	return syscall(SYS_sendto, fd, p, len, flags, to, to_len);
}

static ssize_t
receives(const void *caller, int fd, void *p, size_t len, int flags, void *from,
    socklen_t *from_len)
{
	if (fate(caller, fd, &len) == INTERRUPTED)
		return -1;
	return syscall(SYS_recvfrom, fd, p, len, flags, from, from_len);
}

static ssize_t
messages(
    const void *caller, long number, int fd, const struct msghdr *m, int flags)
{
	size_t len = total(m->msg_iov, (int)m->msg_iovlen);
	struct iovec some[VECTORS];
	struct msghdr cut;

	switch (fate(caller, fd, &len)) {
	case INTERRUPTED:
		return -1;
	case SHORT:
		/* What is filled in, beside the bytes, must be the caller's. */
		if (number == SYS_recvmsg)
			break;
		cut = *m;
		cut.msg_iovlen =
		    (size_t)first_of(some, m->msg_iov, (int)m->msg_iovlen, len);
		cut.msg_iov = some;
		return syscall(number, fd, &cut, flags);
	case WHOLE:
		break;
	}
	return syscall(number, fd, m, flags);
}

/* A splice is also told to wait, though it need not. */
static ssize_t
splices(const void *caller, int in, off64_t *in_at, int out, off64_t *out_at,
    size_t len, unsigned flags)
{
	switch (fate(caller, in, &len)) {
	case INTERRUPTED:
		if (chance() % 2 == 0)
			errno = EAGAIN;
		return -1;
	case SHORT:
	case WHOLE:
		break;
	}
	return syscall(SYS_splice, in, in_at, out, out_at, len, flags);
}

/* In the library's place, and in that of what _FORTIFY_SOURCE calls. */

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(
    int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);

ssize_t
read(int fd, void *p, size_t len)
{
	return plain(CALLER, SYS_read, fd, (uintptr_t)p, len);
}

ssize_t
__read_chk(int fd, void *p, size_t len, size_t room)
{
	return plain(
	    CALLER, SYS_read, fd, (uintptr_t)p, len < room ? len : room);
}

ssize_t
write(int fd, const void *p, size_t len)
{
	return plain(CALLER, SYS_write, fd, (uintptr_t)p, len);
}

ssize_t
readv(int fd, const struct iovec *v, int n)
{
	return vectors(CALLER, SYS_readv, fd, v, n);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	return vectors(CALLER, SYS_writev, fd, v, n);
}

ssize_t
recv(int fd, void *p, size_t len, int flags)
{
	return receives(CALLER, fd, p, len, flags, NULL, NULL);
}

ssize_t
__recv_chk(int fd, void *p, size_t len, size_t room, int flags)
{
	return receives(
	    CALLER, fd, p, len < room ? len : room, flags, NULL, NULL);
}

ssize_t
recvfrom(int fd, void *p, size_t len, int flags, struct sockaddr *from,
    socklen_t *from_len)
{
	return receives(CALLER, fd, p, len, flags, from, from_len);
}

ssize_t
__recvfrom_chk(int fd, void *p, size_t len, size_t room, int flags,
    struct sockaddr *from, socklen_t *from_len)
{
	return receives(
	    CALLER, fd, p, len < room ? len : room, flags, from, from_len);
}

ssize_t
send(int fd, const void *p, size_t len, int flags)
{
	return sends(CALLER, fd, p, len, flags, NULL, 0);
}

ssize_t
sendto(int fd, const void *p, size_t len, int flags, const struct sockaddr *to,
    socklen_t to_len)
{
	return sends(CALLER, fd, p, len, flags, to, to_len);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return messages(CALLER, SYS_sendmsg, fd, m, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	return messages(CALLER, SYS_recvmsg, fd, m, flags);
}

ssize_t
splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
    unsigned flags)
{
	return splices(CALLER, in, in_at, out, out_at, len, flags);
}
