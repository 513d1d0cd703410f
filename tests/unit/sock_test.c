/*
 * Sockets over the kernel's own: what they are made as, the options that they
 * get, what they listen on and what they leave alone, and how a connect ends.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/sock.h"
#include "tap.h"

static char dir[] = "/tmp/wdsock-sock-XXXXXX";

static struct sockaddr_in
loopback(unsigned port)
{
	struct sockaddr_in in;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_port = htons((in_port_t)port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return in;
}

static unsigned
port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	getsockname(fd, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int v = -1;

	getsockopt(fd, level, name, &v, &len);
	return v;
}

static bool
is_ours(int fd)
{
	return fd != -1 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
	    fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static int
listen_tcp(unsigned port, bool reuse_port, struct fail *f)
{
	struct sockaddr_in in = loopback(port);

	return sock_listen_tcp((const struct sockaddr *)&in, sizeof(in), false,
	    reuse_port, 4, &sock_opts_default, f);
}

static void
test_open(void)
{
	int fd = sock_open(AF_UNIX, SOCK_STREAM);

	ok(is_ours(fd), "a socket does not block and is not inherited");
	close(fd);
	errno = 0;
	is_num(sock_open(-1, SOCK_STREAM), -1, "a family that there is not");
	is_num(errno, EAFNOSUPPORT, "is an error of errno's");
}

static void
test_options(void)
{
	struct sock_opts o = sock_opts_default;
	int fd = sock_open(AF_INET, SOCK_STREAM);
	struct fail f;

	is_num(sock_apply(fd, AF_INET, &o, &f), 0, "the defaults apply");
	is_num(option(fd, IPPROTO_TCP, TCP_NODELAY), 1, "Nagle is off");
	is_num(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0, "nobody is probed");
	close(fd);
	fd = sock_open(AF_INET, SOCK_STREAM);
	o.nagle = true;
	o.keepalive_s = 32767;
	o.user_timeout_ms = 2147483647;
	o.send_buffer = 20000;
	o.recv_buffer = 30000;
	o.tos = 8;
	o.congestion = "reno";
	is_num(sock_apply(fd, AF_INET, &o, &f), 0, "all of them apply");
	is_num(option(fd, IPPROTO_TCP, TCP_NODELAY), 0, "Nagle can be on");
	is_num(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "a peer is probed");
#ifdef TCP_KEEPIDLE
	is_num(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 32767, "after so long");
	is_num(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 32767, "and so often");
#endif
#ifdef TCP_USER_TIMEOUT
	is_num(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 2147483647,
	    "the user timeout is the largest that there is");
#endif
	ok(option(fd, SOL_SOCKET, SO_SNDBUF) >= 20000, "the send buffer");
	ok(option(fd, SOL_SOCKET, SO_RCVBUF) >= 30000, "the receive buffer");
	is_num(option(fd, IPPROTO_IP, IP_TOS), 8, "the type of service");
	close(fd);
}

static void
test_options_refused(void)
{
	struct sock_opts o = sock_opts_default;
	int fd = sock_open(AF_INET, SOCK_STREAM);
	struct fail f;

#ifdef TCP_CONGESTION
	o.congestion = "nosuch";
	is_num(sock_apply(fd, AF_INET, &o, &f), -1, "no such congestion");
	is_num(f.status, STATUS_IO, "is a local failure");
	ok(strstr(f.what, "--congestion 'nosuch'") != NULL &&
		strstr(f.hint, "tcp_available") != NULL,
	    "that names the option, and where to look: %s", f.what);
	o.congestion = NULL;
#endif
#ifdef SO_BINDTODEVICE
	o.interface = "nosuch0";
	is_num(
	    sock_apply(fd, AF_INET, &o, &f), -1, "nor is there this network");
	ok(strstr(f.what, "--interface 'nosuch0'") != NULL, "%s", f.what);
	o.interface = NULL;
#endif
	o.keepalive_s = 32768;
	is_num(sock_apply(fd, AF_INET, &o, &f), -1, "what the kernel refuses");
	ok(strstr(f.what, "--keepalive 32768") != NULL, "is named: %s", f.what);
	close(fd);
	/* A Unix socket has none of these. */
	fd = sock_open(AF_UNIX, SOCK_STREAM);
	o.interface = o.congestion = "nosuch";
	is_num(
	    sock_apply(fd, AF_UNIX, &o, &f), 0, "a Unix socket is left alone");
	close(fd);
}

static enum sock_result
connect_to(int fd, unsigned port)
{
	struct sockaddr_in in = loopback(port);

	return sock_connect(fd, (const struct sockaddr *)&in, sizeof(in));
}

/* How it ended, once it has. */
static int
outcome(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	poll(&p, 1, 20000);
	return sock_outcome(fd);
}

static void
test_connect(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nosuch"};
	struct fail f;
	int l = listen_tcp(0, false, &f), fd;
	unsigned port = port_of(l);
	struct sockaddr_storage peer;
	socklen_t len;
	int got;

	fd = sock_open(AF_INET, SOCK_STREAM);
	ok(connect_to(fd, port) != SOCK_FAILED, "a connect that works");
	is_num(outcome(fd), 0, "is one");
	do
		got = sock_accept(l, false, &peer, &len);
	while (got == -1 && errno == EAGAIN);
	ok(is_ours(got), "whom one accepts is ours alone");
	is_num(peer.ss_family, AF_INET, "and has a name");
	is_num(sock_accept(l, false, &peer, &len), -1, "there is no other");
	is_num(errno, EAGAIN, "and nobody waits for it");
	close(got);
	close(fd);
	close(l);
	fd = sock_open(AF_INET, SOCK_STREAM);
	if (connect_to(fd, port) == SOCK_FAILED)
		is_num(errno, ECONNREFUSED, "nobody listens: refused");
	else
		is_num(outcome(fd), ECONNREFUSED, "nobody listens: refused");
	close(fd);
	fd = sock_open(AF_UNIX, SOCK_STREAM);
	is_num(sock_connect(fd, (struct sockaddr *)&un, sizeof(un)),
	    SOCK_FAILED, "a path where nothing is fails at once");
	is_num(errno, ENOENT, "and errno says so");
	close(fd);
	is_num(sock_outcome(fd), EBADF, "what is no socket has its error");
}

static void
test_listen_tcp(void)
{
	struct sockaddr_in in = loopback(0);
	struct fail f;
	int fd = listen_tcp(0, false, &f), other;
	unsigned port = port_of(fd);

	ok(is_ours(fd), "what listens does not block and is not inherited");
	ok(port != 0, "port 0 is one that is free");
	is_num(listen_tcp(port, false, &f), -1, "a port that is in use");
	is_num(f.status, STATUS_LISTEN, "cannot be listened on");
	ok(strstr(f.what, "cannot listen: Address already in use") != NULL &&
		strstr(f.hint, "another port") != NULL,
	    "which is said, with what to try: %s", f.what);
	close(fd);
	fd = listen_tcp(port, true, &f);
	other = listen_tcp(port, true, &f);
	ok(fd != -1 && other != -1, "unless both want to share it");
	close(fd);
	close(other);
	in.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	is_num(sock_listen_tcp((struct sockaddr *)&in, sizeof(in), false, false,
		   4, &sock_opts_default, &f),
	    -1, "an address that is not this machine's");
	ok(strstr(f.hint, "an address of this machine") != NULL, "%s", f.hint);
}

/* [::] with IPv4 on it, or without. */
static void
test_dual(bool only)
{
	struct sockaddr_in6 in6;
	socklen_t len = sizeof(in6);
	struct fail f;
	int l, fd;

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	l = sock_listen_tcp((struct sockaddr *)&in6, sizeof(in6), only, false,
	    4, &sock_opts_default, &f);
	if (l == -1) {
		ok(true, "IPv6 # SKIP there is none: %s", f.what);
		return;
	}
	getsockname(l, (struct sockaddr *)&in6, &len);
	fd = sock_open(AF_INET, SOCK_STREAM);
	if (connect_to(fd, ntohs(in6.sin6_port)) == SOCK_FAILED)
		is_num(errno, only ? ECONNREFUSED : 0, "[::] and IPv4");
	else
		is_num(outcome(fd), only ? ECONNREFUSED : 0,
		    "[::] %s IPv4 clients", only ? "alone has no" : "has");
	close(fd);
	close(l);
}

/* In a child without rights: a port that is for root. */
static void
test_not_permitted(void)
{
	FILE *start =
	    fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	unsigned first = 1024;
	struct fail f;
	int status = -1;
	pid_t pid;

	if (start != NULL && fscanf(start, "%u", &first) != 1)
		first = 1024;
	if (start != NULL)
		fclose(start);
	if (first <= 1) {
		ok(true, "no port is for root alone # SKIP");
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (getuid() == 0 && setuid(65534) == -1)
			_exit(77);
		if (listen_tcp(1, false, &f) != -1)
			_exit(1);
		if (f.status != STATUS_LISTEN ||
		    strstr(f.what, "Permission denied") == NULL ||
		    strstr(f.hint, "a port from 1024 on") == NULL)
			_exit(2);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77) {
		ok(true, "a port for root # SKIP nobody else can be made");
		return;
	}
	is_num(status, 0, "a port for root alone is refused, with what to try");
}

/* Unix sockets. */

static struct addr
unix_addr(const char *name)
{
	char text[200];
	struct addr a;
	struct fail f;

	if (name[0] == '@')
		snprintf(text, sizeof(text), "unix:%s", name);
	else
		snprintf(text, sizeof(text), "unix:%s/%s", dir, name);
	if (addr_parse(text, &a, &f) == -1)
		abort();
	return a;
}

static int
listen_unix(
    const struct addr *a, mode_t mode, struct sock_file *file, struct fail *f)
{
	return sock_listen_unix(a, false, mode, 4, &sock_opts_default, file, f);
}

static bool
is_there(const struct addr *a)
{
	struct stat st;

	return lstat(a->un.sun_path, &st) == 0;
}

static void
test_unix(void)
{
	struct addr a = unix_addr("sock");
	struct sock_file file, again;
	struct sockaddr_storage peer;
	socklen_t len;
	struct stat st;
	struct fail f;
	int fd, other;

	fd = listen_unix(&a, 0640, &file, &f);
	ok(is_ours(fd), "a path is listened on");
	stat(a.un.sun_path, &st);
	is_num(st.st_mode & 0777, 0640, "with the mode that was asked for");
	is_num(listen_unix(&a, (mode_t)-1, &again, &f), -1,
	    "who listens there is not driven away");
	ok(f.status == STATUS_LISTEN &&
		strstr(f.what, "saw a server that listens") != NULL,
	    "which is said: %s", f.what);
	ok(sock_accept(fd, false, &peer, &len) == -1 && errno == EAGAIN,
	    "and not disturbed");
	ok(is_there(&a), "nor is its file");
	/* Its file is gone, and another takes its place. */
	unlink(a.un.sun_path);
	other = listen_unix(&a, (mode_t)-1, &again, &f);
	ok(is_ours(other), "a path that is free is");
	sock_file_remove(&file);
	ok(is_there(&a), "the first does not remove the file of the second");
	close(fd);
	/* The second is gone: its file stays, and nobody answers. */
	close(other);
	umask(027);
	fd = listen_unix(&a, (mode_t)-1, &again, &f);
	ok(is_ours(fd), "a file that nobody listens behind is taken over");
	stat(a.un.sun_path, &st);
	is_num(st.st_mode & 0777, 0750, "with the mode that umask leaves");
	is_num(umask(022), 027, "which is as it was");
	sock_file_remove(&again);
	ok(!is_there(&a), "who listens removes its own");
	other = open(a.un.sun_path, O_CREAT | O_WRONLY, 0600);
	sock_file_remove(&again);
	ok(is_there(&a), "once");
	close(other);
	close(fd);
	unlink(a.un.sun_path);
}

/* What is no socket stays what it is. */
static void
test_foreign(void)
{
	struct addr a = unix_addr("foreign");
	const char *path = a.un.sun_path;
	static const char *const saw[] = {"saw a file", "saw a directory",
	    "saw a link", "saw something else"};
	struct sock_file file;
	struct stat before, after;
	struct fail f;
	int i;

	for (i = 0; i < 4; i++) {
		if (i == 0)
			close(open(path, O_CREAT | O_WRONLY, 0600));
		else if (i == 1)
			mkdir(path, 0700);
		else if (i == 2 && symlink("nowhere", path) == -1)
			abort();
		else if (i == 3)
			mkfifo(path, 0600);
		lstat(path, &before);
		is_num(listen_unix(&a, (mode_t)-1, &file, &f), -1,
		    "what is no socket is refused");
		ok(strstr(f.what, saw[i]) != NULL, "as what it is: %s", f.what);
		ok(lstat(path, &after) == 0 && after.st_ino == before.st_ino,
		    "and stays");
		ok(!file.made, "it is not ours to remove");
		i == 1 ? rmdir(path) : unlink(path);
	}
	a = unix_addr("nosuch/sock");
	is_num(listen_unix(&a, (mode_t)-1, &file, &f), -1, "no such directory");
	ok(strstr(f.what, "No such file") != NULL, "%s", f.what);
}

static void
test_abstract(void)
{
#ifdef __linux__
	char name[64];
	struct sock_file file, again;
	struct addr a;
	struct fail f;
	int fd;

	snprintf(name, sizeof(name), "@wdsock-sock-test-%d", (int)getpid());
	a = unix_addr(name);
	fd = listen_unix(&a, (mode_t)-1, &file, &f);
	ok(is_ours(fd), "an abstract name is listened on");
	ok(!file.made, "without a file");
	is_num(listen_unix(&a, (mode_t)-1, &again, &f), -1, "by one alone");
	ok(strstr(f.what, "in use") != NULL, "%s", f.what);
	close(fd);
#endif
}

static void
test_seqpacket(void)
{
	struct addr a = unix_addr("packets");
	struct sock_file file;
	struct fail f;
	int fd = sock_listen_unix(
	    &a, true, (mode_t)-1, 4, &sock_opts_default, &file, &f);

	is_num(option(fd, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET,
	    "a socket of packets can be listened on");
	close(fd);
	sock_file_remove(&file);
}

/* A listening socket that others have too. */
static void
test_shared(void)
{
	const struct itimerval never = {{0, 0}, {0, 0}},
			       theirs = {{0, 0}, {50, 0}};
	struct sockaddr_storage peer;
	struct itimerval left;
	struct sigaction sa;
	socklen_t len;
	sigset_t mask;
	struct fail f;
	int l = listen_tcp(0, false, &f), fd, got;

	fcntl(l, F_SETFL, 0);
	is_num(sock_accept(l, true, &peer, &len), -1, "with no client");
	is_num(errno, EAGAIN, "nobody waits, though it blocks");
	fd = sock_open(AF_INET, SOCK_STREAM);
	connect_to(fd, port_of(l));
	setitimer(ITIMER_REAL, &theirs, NULL);
	do
		got = sock_accept(l, true, &peer, &len);
	while (got == -1 && errno == EAGAIN);
	setitimer(ITIMER_REAL, &never, &left);
	ok(is_ours(got), "whom one accepts is ours alone");
	is_num(fcntl(l, F_GETFL) & O_NONBLOCK, 0, "the socket still blocks");
	ok(left.it_value.tv_sec >= 45 && left.it_interval.tv_usec == 0,
	    "an alarm that runs goes on: %ld s are left",
	    (long)left.it_value.tv_sec);
	sigaction(SIGALRM, NULL, &sa);
	ok(sa.sa_handler == SIG_DFL, "and does what it did");
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ok(!sigismember(&mask, SIGALRM), "the mask is as it was");
	close(got);
	close(fd);
	close(l);
	is_num(sock_accept(l, true, &peer, &len), -1, "what is no socket");
	is_num(errno, EBADF, "has its error");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	test_open();
	test_options();
	test_options_refused();
	test_connect();
	test_listen_tcp();
	test_dual(false);
	test_dual(true);
	test_not_permitted();
	test_unix();
	test_foreign();
	test_abstract();
	test_seqpacket();
	test_shared();
	is_num(rmdir(dir), 0, "no file is left");
	return done_testing();
}
