/* Sockets; see sock.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/sock.h"

#define ACCEPT_US 10000 /* the longest that a shared socket holds us up */

const struct sock_opts sock_opts_default = {.tos = -1};

int
sock_open(int family, int type)
{
#ifdef SOCK_NONBLOCK
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
	int fd = socket(family, type, 0);

	if (fd != -1) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	return fd;
#endif
}

int
sock_set(
    int fd, int level, int name, int value, const char *option, struct fail *f)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) == 0)
		return 0;
	return fail_set(
	    f, STATUS_IO, "%s %d: %s", option, value, strerror(errno));
}

static int
set_text(int fd, int level, int name, const char *value, const char *option,
    struct fail *f)
{
	if (setsockopt(fd, level, name, value, (socklen_t)strlen(value)) == 0)
		return 0;
	fail_set(f, STATUS_IO, "%s '%s': %s", option, value, strerror(errno));
	if (errno == ENOENT)
		fail_hint(f,
		    "try: one of those in "
		    "/proc/sys/net/ipv4/tcp_available_congestion_"
		    "control");
	return -1;
}

static int
set_keepalive(int fd, unsigned seconds, struct fail *f)
{
	if (sock_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "--keepalive", f) == -1)
		return -1;
#ifdef TCP_KEEPIDLE
	if (sock_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)seconds, "--keepalive",
		f) == -1 ||
	    sock_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)seconds,
		"--keepalive", f) == -1)
		return -1;
#endif
	return 0;
}

static int
set_buffers(int fd, const struct sock_opts *o, struct fail *f)
{
	if (o->send_buffer > 0 &&
	    sock_set(fd, SOL_SOCKET, SO_SNDBUF, o->send_buffer, "--send-buffer",
		f) == -1)
		return -1;
	if (o->recv_buffer > 0 &&
	    sock_set(fd, SOL_SOCKET, SO_RCVBUF, o->recv_buffer, "--recv-buffer",
		f) == -1)
		return -1;
	return 0;
}

static int
apply_tcp(int fd, const struct sock_opts *o, struct fail *f)
{
	if (!o->nagle &&
	    sock_set(fd, IPPROTO_TCP, TCP_NODELAY, 1, "--nagle", f) == -1)
		return -1;
	if (o->keepalive_s > 0 && set_keepalive(fd, o->keepalive_s, f) == -1)
		return -1;
#ifdef TCP_USER_TIMEOUT
	if (o->user_timeout_ms > 0 &&
	    sock_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)o->user_timeout_ms,
		"--user-timeout", f) == -1)
		return -1;
#endif
#ifdef TCP_CONGESTION
	if (o->congestion != NULL &&
	    set_text(fd, IPPROTO_TCP, TCP_CONGESTION, o->congestion,
		"--congestion", f) == -1)
		return -1;
#endif
	return 0;
}

/* An IPv6 socket may speak IPv4 too, which then has options of its own. */
static int
apply_ip(int fd, int family, const struct sock_opts *o, struct fail *f)
{
	const bool v6 = family == AF_INET6;

	if (o->tos >= 0 &&
	    sock_set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		v6 ? IPV6_TCLASS : IP_TOS, o->tos, "--tos", f) == -1)
		return -1;
	if (o->ttl > 0 && v6)
		setsockopt(fd, IPPROTO_IP, IP_TTL, &o->ttl, sizeof(o->ttl));
	if (o->ttl > 0 &&
	    sock_set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		v6 ? IPV6_UNICAST_HOPS : IP_TTL, o->ttl, "--ttl", f) == -1)
		return -1;
#ifdef SO_BINDTODEVICE
	if (o->interface != NULL &&
	    set_text(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
		"--interface", f) == -1)
		return -1;
#endif
	return 0;
}

int
sock_apply(int fd, int family, const struct sock_opts *o, struct fail *f)
{
	int type = SOCK_STREAM;
	socklen_t len = sizeof(type);

	if (set_buffers(fd, o, f) == -1)
		return -1;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	if (type == SOCK_STREAM && apply_tcp(fd, o, f) == -1)
		return -1;
	return apply_ip(fd, family, o, f);
}

enum sock_result
sock_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	if (connect(fd, sa, len) == 0)
		return SOCK_DONE;
	/* A Unix socket with a full backlog says EAGAIN and cannot be
	 * waited for; the dialer tries again. */
	return errno == EINPROGRESS || errno == EINTR ? SOCK_LATER
						      : SOCK_FAILED;
}

int
sock_outcome(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return errno;
	return err;
}

int
sock_cannot_listen(const char *name, struct fail *f)
{
	int err = errno;

	fail_set(
	    f, STATUS_LISTEN, "%s: cannot listen: %s", name, strerror(err));
	if (err == EADDRINUSE)
		fail_hint(f,
		    "the address is in use; try: another port, or "
		    "ss -lnp to see by whom");
	if (err == EACCES)
		fail_hint(f, "try: a port from 1024 on, or as root");
	if (err == EADDRNOTAVAIL)
		fail_hint(f,
		    "try: an address of this machine, or the port "
		    "alone for all of them");
	return -1;
}

/*
 * Does anybody listen there? Asked with a socket of another type, which is
 * told apart from a refusal and never becomes a client of that server.
 */
static bool
is_live(const struct addr *a)
{
	int fd = sock_open(AF_UNIX, SOCK_DGRAM);
	bool live;

	if (fd == -1)
		return true;
	live = connect(fd, (const struct sockaddr *)&a->un, a->un_len) == 0 ||
	    errno != ECONNREFUSED;
	close(fd);
	return live;
}

/* What stands at the path now; 0: nothing, or a stale socket that is gone. */
static int
clear_path(const struct addr *a, const char *name, struct fail *f)
{
	const char *path = a->un.sun_path;
	struct stat st;

	if (lstat(path, &st) == -1)
		return 0; /* bind will say what is wrong */
	if (!S_ISSOCK(st.st_mode)) {
		fail_set(f, STATUS_LISTEN,
		    "%s: expected nothing or a socket there, saw %s", name,
		    S_ISDIR(st.st_mode)	      ? "a directory"
			: S_ISLNK(st.st_mode) ? "a link"
			: S_ISREG(st.st_mode) ? "a file"
					      : "something else");
		return fail_hint(f, "try: another path; it is left alone");
	}
	if (is_live(a)) {
		fail_set(f, STATUS_LISTEN,
		    "%s: expected a free path, saw a server that listens "
		    "there",
		    name);
		return fail_hint(f, "try: another path, or end that server");
	}
	unlink(path);
	return 0;
}

int
sock_listen_unix(const struct addr *a, bool seqpacket, mode_t mode, int backlog,
    const struct sock_opts *o, struct sock_file *file, struct fail *f)
{
	const bool dgram = a->kind == ADDR_UNIX_DGRAM;
	const int type = dgram ? SOCK_DGRAM
	    : seqpacket	       ? SOCK_SEQPACKET
			       : SOCK_STREAM;
	const bool named = a->un.sun_path[0] != '\0';
	char name[ADDR_TEXT_MAX];
	struct stat st;
	mode_t old = 0;
	int fd, r;

	memset(file, 0, sizeof(*file));
	addr_print(a, name);
	if (named && clear_path(a, name, f) == -1)
		return -1;
	fd = sock_open(AF_UNIX, type);
	if (fd == -1)
		return sock_cannot_listen(name, f);
	if (sock_apply(fd, AF_UNIX, o, f) == -1) {
		close(fd);
		return -1;
	}
	/* The file has its mode from its first moment on. */
	if (mode != (mode_t)-1)
		old = umask(0777 & ~mode);
	r = bind(fd, (const struct sockaddr *)&a->un, a->un_len);
	if (mode != (mode_t)-1)
		umask(old);
	if (r == -1 || (!dgram && listen(fd, backlog) == -1)) {
		sock_cannot_listen(name, f);
		close(fd);
		return -1;
	}
	if (named && lstat(a->un.sun_path, &st) == 0) {
		file->made = true;
		file->un = a->un;
		file->dev = st.st_dev;
		file->ino = st.st_ino;
	}
	return fd;
}

void
sock_file_remove(struct sock_file *file)
{
	struct stat st;

	if (file->made && lstat(file->un.sun_path, &st) == 0 &&
	    st.st_dev == file->dev && st.st_ino == file->ino)
		unlink(file->un.sun_path);
	file->made = false;
}

int
sock_listen_tcp(const struct sockaddr *sa, socklen_t len, bool v6_only,
    bool reuse_port, int backlog, const struct sock_opts *o, struct fail *f)
{
	int fd = sock_open(sa->sa_family, SOCK_STREAM), on = 1;
	int only = v6_only ? 1 : 0;
	char name[ADDR_TEXT_MAX];

	addr_name(sa, len, name);
	if (fd == -1)
		return sock_cannot_listen(name, f);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
#ifdef SO_REUSEPORT
	if (reuse_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
#endif
	if (sock_apply(fd, sa->sa_family, o, f) == -1) {
		close(fd);
		return -1;
	}
	if (bind(fd, sa, len) == -1 || listen(fd, backlog) == -1) {
		sock_cannot_listen(name, f);
		close(fd);
		return -1;
	}
	return fd;
}

static void
on_alarm(int number)
{
	(void)number;
}

/*
 * accept on a socket that waits. It has a client, which poll says; but who
 * shares it may take that one first, and then a timer ends the waiting. It
 * comes again and again: one that fires before accept has begun to wait is not
 * the last. O_NONBLOCK would be theirs as well, and stay if we were killed.
 */
static int
accept_interrupted(int fd, struct sockaddr *peer, socklen_t *len)
{
	const struct itimerval often = {{0, ACCEPT_US}, {0, ACCEPT_US}};
	struct sigaction ours = {.sa_handler = on_alarm}, theirs;
	struct itimerval before;
	sigset_t set, mask;
	int got, err;

	sigaction(SIGALRM, &ours, &theirs);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, &mask);
	setitimer(ITIMER_REAL, &often, &before);
	got = accept4(fd, peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	err = errno;
	/* An alarm of whoever started us goes on. */
	setitimer(ITIMER_REAL, &before, NULL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGALRM, &theirs, NULL);
	errno = err == EINTR ? EAGAIN : err;
	return got;
}

int
sock_accept(int fd, bool shared, struct sockaddr_storage *peer, socklen_t *len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int got;

	*len = sizeof(*peer);
	if (shared) {
		if (poll(&p, 1, 0) == 1)
			return accept_interrupted(
			    fd, (struct sockaddr *)peer, len);
		errno = EAGAIN;
		return -1;
	}
	do
		got = accept4(fd, (struct sockaddr *)peer, len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (got == -1 && errno == EINTR);
	return got;
}
