/* Sockets of datagrams: groups as people type them, and what options set. */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/dgram.h"
#include "tap.h"

static struct sockaddr_in
v4(const char *host, unsigned port)
{
	struct sockaddr_in in;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, host, &in.sin_addr);
	return in;
}

static bool
is_group(int family, const char *host)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (family == AF_INET) {
		in = v4(host, 5);
		return dgram_is_group((struct sockaddr *)&in);
	}
	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	inet_pton(AF_INET6, host, &in6.sin6_addr);
	return dgram_is_group((struct sockaddr *)&in6);
}

static void
test_groups(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	ok(is_group(AF_INET, "224.0.0.0"), "groups begin with 224.0.0.0");
	ok(is_group(AF_INET, "239.255.255.255"),
	    "and end with 239.255.255.255");
	ok(!is_group(AF_INET, "223.255.255.255"), "one less is none");
	ok(!is_group(AF_INET, "240.0.0.0"), "one more is none");
	ok(is_group(AF_INET6, "ff02::1"), "ff02::1 is one");
	ok(!is_group(AF_INET6, "fe80::1"), "fe80::1 is none");
	ok(is_group(AF_INET6, "::ffff:239.1.1.1"), "a mapped one is one");
	ok(!is_group(AF_INET6, "::ffff:10.1.1.1"), "a mapped host is none");
	ok(!dgram_is_group((struct sockaddr *)&un), "a path is none");
}

static void
test_parse(void)
{
	static const char *const bad[] = {"", "%lo", "10.0.0.1", "239.1.1",
	    "host", "fe80::1", "239.1.1.1%", "239.1.1.1%no-such-one",
	    "ff02::1%0", "ff02::1%4000000000",
	    "ff02:0000:0000:0000:0000:0000:0000:0000:0000:0001"};
	char text[64], name[IF_NAMESIZE] = "";
	struct dgram_join j;
	struct fail f;
	size_t i;

	is_num(dgram_join_parse("239.1.2.3", &j, &f), 0, "239.1.2.3 is taken");
	ok(j.family == AF_INET && j.scope == 0, "on any interface");
	is_num(dgram_join_parse("ff15::1", &j, &f), 0, "ff15::1 is taken");
	is_num(j.family, AF_INET6, "as one of IPv6");
	if (if_indextoname(1, name) != NULL) {
		snprintf(text, sizeof(text), "239.1.2.3%%%s", name);
		is_num(dgram_join_parse(text, &j, &f), 0, "%s is taken", text);
		is_num(j.scope, 1, "on that interface");
		is_num(dgram_join_parse("ff02::1%1", &j, &f), 0,
		    "an interface may be a number");
		is_num(j.scope, 1, "it is that one");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(dgram_join_parse(bad[i], &j, &f) == -1 &&
			f.status == STATUS_USAGE && f.hint[0] != '\0',
		    "'%s' is refused, and something offered", bad[i]);
}

static int
option_of(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (getsockopt(fd, level, name, &value, &len) == -1)
		return -1;
	/* Some of IPv4 are a byte. */
	return len == 1 ? *(unsigned char *)&value : value;
}

static void
test_options(void)
{
	struct sock_opts sock = sock_opts_default;
	struct dgram_opts o = {.broadcast = true, .no_loop = true};
	int fd = sock_open(AF_INET, SOCK_DGRAM);
	struct fail f;

	sock.ttl = 7;
	is_num(sock_apply(fd, AF_INET, &sock, &f), 0,
	    "what is of TCP is not asked of UDP");
	is_num(
	    dgram_apply(fd, AF_INET, &o, &sock, &f), 0, "the options are set");
	is_num(option_of(fd, IPPROTO_IP, IP_TTL), 7, "--ttl holds for hosts");
	is_num(
	    option_of(fd, IPPROTO_IP, IP_MULTICAST_TTL), 7, "and for groups");
	is_num(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0, "--no-loop");
	is_num(option_of(fd, SOL_SOCKET, SO_BROADCAST), 1, "--broadcast");
	close(fd);
	fd = sock_open(AF_INET6, SOCK_DGRAM);
	if (fd == -1)
		return;
	is_num(sock_apply(fd, AF_INET6, &sock, &f), 0, "IPv6 takes them too");
	is_num(dgram_apply(fd, AF_INET6, &o, &sock, &f), 0, "all of them");
	is_num(option_of(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 7, "--ttl");
	is_num(option_of(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 7,
	    "and for groups");
	is_num(
	    option_of(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0, "--no-loop");
	dgram_join_parse("239.1.2.3", &o.joins[0], &f);
	o.joins_n = 1;
	close(fd);
	fd = sock_open(AF_INET, SOCK_DGRAM);
	o.joins[0].scope = 4000000;
	is_num(dgram_apply(fd, AF_INET, &o, &sock, &f), -1,
	    "an interface that has gone is an error");
	ok(strncmp(f.what, "--join 239.1.2.3: ", 18) == 0, "which names it");
	close(fd);
}

static void
test_bind(void)
{
	struct sock_opts sock = sock_opts_default;
	struct dgram_opts o = {.joins_n = 0};
	struct sockaddr_in in = v4("127.0.0.1", 0), group;
	socklen_t len = sizeof(in);
	struct fail f;
	int a, b;

	a = dgram_bind((struct sockaddr *)&in, len, true, &o, &sock, &f);
	ok(a != -1 && dgram_is(a), "a socket is bound");
	getsockname(a, (struct sockaddr *)&in, &len);
	b = dgram_bind((struct sockaddr *)&in, len, true, &o, &sock, &f);
	is_num(b, -1, "its port is nobody else's");
	is_num(f.status, STATUS_LISTEN, "who tries cannot listen");
	close(a);
	group = v4("239.1.2.3", 0);
	a = dgram_bind(
	    (struct sockaddr *)&group, sizeof(group), true, &o, &sock, &f);
	if (a == -1) {
		ok(true, "groups # SKIP %s", f.what);
		return;
	}
	len = sizeof(group);
	getsockname(a, (struct sockaddr *)&group, &len);
	b = dgram_bind((struct sockaddr *)&group, len, true, &o, &sock, &f);
	ok(b != -1, "a group has several listeners");
	close(a);
	close(b);
	ok(!dgram_is(a), "what is closed is no socket");
}

static void
test_connect(void)
{
	struct dgram_opts o = {.joins_n = 0};
	struct sockaddr_in in = v4("127.0.0.1", 9), group = v4("239.1.2.3", 9);
	struct sockaddr_storage ss;
	struct stream_peer peer;
	struct sock_file file;
	socklen_t len = sizeof(ss);
	int fd = sock_open(AF_INET, SOCK_DGRAM);

	is_num(dgram_connect(
		   fd, (struct sockaddr *)&in, sizeof(in), &o, &peer, &file),
	    SOCK_DONE, "it is connected");
	is_num(peer.len, 0, "by the kernel");
	is_num(getpeername(fd, (struct sockaddr *)&ss, &len), 0, "to a host");
	close(fd);
	fd = sock_open(AF_INET, SOCK_DGRAM);
	is_num(dgram_connect(fd, (struct sockaddr *)&group, sizeof(group), &o,
		   &peer, &file),
	    SOCK_DONE, "a group needs no connection");
	is_num(peer.len, sizeof(group), "it is where all is sent");
	len = sizeof(ss);
	is_num(getpeername(fd, (struct sockaddr *)&ss, &len), -1,
	    "and others are heard");
	o.broadcast = true;
	is_num(dgram_connect(
		   fd, (struct sockaddr *)&in, sizeof(in), &o, &peer, &file),
	    SOCK_DONE, "with --broadcast");
	is_num(peer.len, sizeof(in), "it is the same");
	close(fd);
}

int
main(void)
{
	test_groups();
	test_parse();
	test_options();
	test_bind();
	test_connect();
	return done_testing();
}
