/* What a process is told of its connection, and what it is not. */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "talk/ucspi.h"
#include "tap.h"

static struct framing windev, lines;

/* The value of a name, or NULL; the last one if it is there twice. */
static const char *
value(char **env, const char *name)
{
	const char *v = NULL;
	size_t n = strlen(name);

	for (; *env != NULL; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			v = *env + n + 1;
	return v;
}

static void
has(char **env, const char *name, const char *want)
{
	const char *v = value(env, name);

	is_text(v == NULL ? "(none)" : v, want, "%s", name);
}

static void
has_none(char **env, const char *name)
{
	ok(value(env, name) == NULL, "no %s", name);
}

static char **
environment(int fd, char *const inherited[])
{
	struct ucspi u = {.fd = fd,
	    .connnum = 3,
	    .channel = "c7",
	    .peer = "somebody",
	    .in = &windev,
	    .out = &lines};
	char **env = ucspi_environment(&u, inherited);

	if (env == NULL)
		err(1, "no environment");
	return env;
}

static char *const nothing[] = {NULL};

/* A connected pair; -1: this family is not there. */
static int
connected(const struct sockaddr *at, socklen_t len, int *other)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int l = socket(at->sa_family, SOCK_STREAM, 0), fd;

	if (l == -1 || bind(l, at, len) == -1) {
		close(l);
		return -1;
	}
	if (listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&ss, &n) == -1)
		err(1, "listen");
	*other = socket(at->sa_family, SOCK_STREAM, 0);
	if (connect(*other, (struct sockaddr *)&ss, n) == -1)
		err(1, "connect");
	fd = accept(l, NULL, NULL);
	if (fd == -1)
		err(1, "accept");
	close(l);
	return fd;
}

static void
test_v4(void)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	int other, fd;
	char **env;

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = connected((struct sockaddr *)&v4, sizeof(v4), &other);
	env = environment(fd, nothing);
	has(env, "PROTO", "TCP");
	has(env, "TCPLOCALIP", "127.0.0.1");
	has(env, "TCPREMOTEIP", "127.0.0.1");
	has(env, "TCPCONNNUM", "3");
	ok(atoi(value(env, "TCPLOCALPORT")) > 0 &&
		strcmp(value(env, "TCPLOCALPORT"),
		    value(env, "TCPREMOTEPORT")) != 0,
	    "ports of either side");
	has_none(env, "TCP6REMOTEIP");
	has_none(env, "UNIXLOCALPATH");
	has(env, "WDSOCK_CHANNEL", "c7");
	has(env, "WDSOCK_PEER", "somebody");
	has(env, "WDSOCK_MODE", "windev");
	has(env, "WDSOCK_MODE_OUT", "lines");
	free(env);
	close(fd);
	close(other);
}

static void
test_v6(void)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	int other, fd, l;
	socklen_t n = sizeof(v6);
	char **env;

	v6.sin6_addr = in6addr_loopback;
	fd = connected((struct sockaddr *)&v6, sizeof(v6), &other);
	if (fd == -1) {
		diag("no IPv6 here");
		return;
	}
	env = environment(fd, nothing);
	has(env, "PROTO", "TCP6");
	has(env, "TCPREMOTEIP", "::1");
	has(env, "TCP6REMOTEIP", "::1");
	has(env, "TCP6LOCALIP", "::1");
	is_text(value(env, "TCP6LOCALPORT"), value(env, "TCPLOCALPORT"),
	    "the same port under both names");
	has(env, "TCPCONNNUM", "3");
	has_none(env, "TCP6INTERFACE");
	free(env);
	close(fd);
	close(other);

	/* A client of IPv4 at a socket that takes both. */
	l = socket(AF_INET6, SOCK_STREAM, 0);
	v6.sin6_addr = in6addr_any;
	fd = 0;
	setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &fd, sizeof(fd));
	if (bind(l, (struct sockaddr *)&v6, sizeof(v6)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&v6, &n) == -1)
		err(1, "any");
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4.sin_port = v6.sin6_port;
	other = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(other, (struct sockaddr *)&v4, sizeof(v4)) == -1 ||
	    (fd = accept(l, NULL, NULL)) == -1)
		err(1, "connect");
	env = environment(fd, nothing);
	has(env, "PROTO", "TCP");
	has(env, "TCPREMOTEIP", "127.0.0.1");
	has_none(env, "TCP6REMOTEIP");
	free(env);
	close(fd);
	close(other);
	close(l);
}

static void
test_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int other, fd, n;
	char **env, want[160];

	n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ucspi-test-%ld",
	    (long)getpid());
	fd = connected((struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n),
	    &other);
	env = environment(fd, nothing);
	has(env, "PROTO", "UNIX");
	snprintf(want, sizeof(want), "@%s", un.sun_path + 1);
	has(env, "UNIXLOCALPATH", want);
	snprintf(want, sizeof(want), "%lu", (unsigned long)geteuid());
	has(env, "UNIXREMOTEEUID", want);
	snprintf(want, sizeof(want), "%ld", (long)getpid());
	has(env, "UNIXREMOTEPID", want);
	has_none(env, "TCPREMOTEIP");
	free(env);
	env = environment(other, nothing);
	snprintf(want, sizeof(want), "@%s", un.sun_path + 1);
	has(env, "UNIXLOCALPATH", want);
	free(env);
	close(fd);
	close(other);

	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/ucspi test %ld",
	    (long)getpid());
	fd = connected((struct sockaddr *)&un, sizeof(un), &other);
	unlink(un.sun_path);
	env = environment(fd, nothing);
	has(env, "UNIXLOCALPATH", un.sun_path);
	free(env);
	close(fd);
	close(other);
}

/* What an outer server has said is not said of ours. */
static void
test_stale(void)
{
	static const char *const stale[] = {"PROTO=SSL", "TCPREMOTEIP=1.2.3.4",
	    "TCPREMOTEHOST=a", "TCPREMOTEINFO=b", "TCPLOCALHOST=c",
	    "TCPCONNNUM=9", "TCP6INTERFACE=eth9", "TCP6LOCALIP=::2",
	    "UDPREMOTEIP=5", "UNIXLOCALUID=6", "UNIXREMOTEPID=7",
	    "WDSOCK_CHANNEL=c9", "WDSOCK_PEER=d", "WDSOCK_MODE=raw",
	    "WDSOCK_MODE_OUT=raw", "LISTEN_FDS=1", "LISTEN_PID=2",
	    "LISTEN_FDNAMES=e"};
	static const char *const kept[] = {"PATH=/bin", "TCP=x", "TCPLOCAL=x",
	    "TCPLOCALIPX=x", "XTCPLOCALIP=x", "PROTOCOL=x",
	    "WDSOCK_PROXY_AUTH=x", "WDSOCK=x", "odd"};
	char *all[64], **env;
	size_t n = 0, i, at;

	for (i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		all[n++] = (char *)(uintptr_t)stale[i];
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		all[n++] = (char *)(uintptr_t)kept[i];
	all[n] = NULL;
	/* No socket at all: what is said of it is left out. */
	env = environment(-1, all);
	for (at = 0; env[at] != NULL; at++)
		for (i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
			if (strcmp(env[at], stale[i]) == 0)
				ok(false, "%s is gone", stale[i]);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		is_text(env[i], kept[i], "%s stays, in its place", kept[i]);
	has(env, "WDSOCK_CHANNEL", "c7");
	has_none(env, "PROTO");
	has_none(env, "TCPREMOTEIP");
	has_none(env, "LISTEN_FDS");
	is_num(at, sizeof(kept) / sizeof(kept[0]) + 4, "and that is all");
	free(env);
}

int
main(void)
{
	size_t at;

	framing_parse("windev", &windev, &at);
	framing_parse("lines", &lines, &at);
	test_v4();
	test_v6();
	test_unix();
	test_stale();
	return done_testing();
}
