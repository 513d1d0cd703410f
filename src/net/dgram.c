/* Sockets of datagrams; see dgram.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "net/dgram.h"

bool
dgram_is(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_DGRAM;
}

static bool
is_group_v4(struct in_addr in)
{
	return IN_MULTICAST(ntohl(in.s_addr));
}

bool
dgram_is_group(const struct sockaddr *sa)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
	struct in_addr in;

	if (sa->sa_family == AF_INET) {
		memcpy(&u.v4, sa, sizeof(u.v4));
		return is_group_v4(u.v4.sin_addr);
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&u.v6, sa, sizeof(u.v6));
	memcpy(&in, u.v6.sin6_addr.s6_addr + 12, sizeof(in));
	return IN6_IS_ADDR_MULTICAST(&u.v6.sin6_addr) ||
	    (IN6_IS_ADDR_V4MAPPED(&u.v6.sin6_addr) && is_group_v4(in));
}

/* An interface by its name or by its number; 0: there is none. */
static unsigned
scope_of(const char *name)
{
	unsigned scope = if_nametoindex(name);
	char unused[IF_NAMESIZE];
	uint64_t v;

	if (scope != 0 || num_parse(name, 1, UINT32_MAX, &v) != NUM_OK)
		return scope;
	return if_indextoname((unsigned)v, unused) == NULL ? 0 : (unsigned)v;
}

int
dgram_join_parse(const char *text, struct dgram_join *j, struct fail *f)
{
	const char *percent = strchr(text, '%');
	size_t len = percent == NULL ? strlen(text) : (size_t)(percent - text);
	char group[INET6_ADDRSTRLEN] = "";

	memset(j, 0, sizeof(*j));
	if (len < sizeof(group))
		memcpy(group, text, len);
	if (inet_pton(AF_INET, group, &j->group.v4) == 1 &&
	    is_group_v4(j->group.v4))
		j->family = AF_INET;
	else if (inet_pton(AF_INET6, group, &j->group.v6) == 1 &&
	    IN6_IS_ADDR_MULTICAST(&j->group.v6))
		j->family = AF_INET6;
	else {
		fail_set(f, STATUS_USAGE,
		    "expected the numeric address of a group, saw '%.64s'",
		    text);
		return fail_hint(f, "try: 239.1.2.3, or ff15::1%%eth0");
	}
	if (percent == NULL)
		return 0;
	j->scope = scope_of(percent + 1);
	if (j->scope != 0)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "expected an interface of this machine behind %%, saw '%.64s'",
	    percent + 1);
	return fail_hint(f, "try: ip -br link");
}

static int
join(int fd, const struct dgram_join *j, unsigned scope, struct fail *f)
{
	struct ipv6_mreq v6 = {.ipv6mr_multiaddr = j->group.v6};
	struct ip_mreqn v4 = {.imr_multiaddr = j->group.v4};
	char name[INET6_ADDRSTRLEN] = "?";
	int r;

	scope = j->scope != 0 ? j->scope : scope;
	v6.ipv6mr_interface = scope;
	v4.imr_ifindex = (int)scope;
	r = j->family == AF_INET
	    ? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v4, sizeof(v4))
	    : setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &v6, sizeof(v6));
	if (r == 0)
		return 0;
	r = errno;
	inet_ntop(j->family, &j->group, name, sizeof(name));
	fail_set(f, STATUS_IO, "--join %s: %s", name, strerror(r));
	if (r == ENODEV || r == EADDRNOTAVAIL)
		fail_hint(f, "try: --join %s%%INTERFACE", name);
	if (r == ENOPROTOOPT || r == EAFNOSUPPORT || r == EINVAL)
		fail_hint(f,
		    "the group is of another IP than the socket; try: "
		    "the other one of -4 and -6");
	return -1;
}

/* Only what was joined here comes, not what others on this machine joined. */
static void
refuse_strange_groups(int fd)
{
	int off = 0;

	(void)fd;
	(void)off;
#ifdef IP_MULTICAST_ALL
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off));
#endif
#ifdef IPV6_MULTICAST_ALL
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof(off));
#endif
}

/* What is sent to groups: how far, from where, and to ourselves too? */
static int
apply_sending(int fd, int family, unsigned scope, const struct dgram_opts *o,
    int ttl, struct fail *f)
{
	const bool v6 = family == AF_INET6;
	const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct ip_mreqn from = {.imr_ifindex = (int)scope};

	if (ttl > 0 &&
	    sock_set(fd, level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
		ttl, "--ttl", f) == -1)
		return -1;
	if (o->no_loop &&
	    sock_set(fd, level, v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, 0,
		"--no-loop", f) == -1)
		return -1;
	if (scope == 0)
		return 0;
	if (v6)
		return sock_set(
		    fd, level, IPV6_MULTICAST_IF, (int)scope, "--interface", f);
	if (setsockopt(fd, level, IP_MULTICAST_IF, &from, sizeof(from)) == 0)
		return 0;
	return fail_set(f, STATUS_IO, "--interface: %s", strerror(errno));
}

int
dgram_apply(int fd, int family, const struct dgram_opts *o,
    const struct sock_opts *sock, struct fail *f)
{
	unsigned scope =
	    sock->interface == NULL ? 0 : if_nametoindex(sock->interface);
	size_t i;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (o->broadcast &&
	    sock_set(fd, SOL_SOCKET, SO_BROADCAST, 1, "--broadcast", f) == -1)
		return -1;
	if (apply_sending(fd, family, scope, o, sock->ttl, f) == -1)
		return -1;
	if (o->joins_n > 0)
		refuse_strange_groups(fd);
	for (i = 0; i < o->joins_n; i++)
		if (join(fd, &o->joins[i], scope, f) == -1)
			return -1;
	return 0;
}

/* The group that an address is, as one to join. */
static void
join_of(const struct sockaddr *sa, struct dgram_join *j)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;

	memset(j, 0, sizeof(*j));
	j->family = sa->sa_family;
	if (sa->sa_family == AF_INET) {
		memcpy(&u.v4, sa, sizeof(u.v4));
		j->group.v4 = u.v4.sin_addr;
		return;
	}
	memcpy(&u.v6, sa, sizeof(u.v6));
	j->group.v6 = u.v6.sin6_addr;
	j->scope = u.v6.sin6_scope_id;
}

bool
dgram_is_any(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	return (sa->sa_family == AF_INET &&
		   v4->sin_addr.s_addr == htonl(INADDR_ANY)) ||
	    (sa->sa_family == AF_INET6 &&
		IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr));
}

void
dgram_ask_local(int fd, int family)
{
	int on = 1;

	/* Where it is not known, there is a way without it. */
#ifdef IP_PKTINFO
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
#endif
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

static int
prepare(int fd, const struct sockaddr *sa, bool v6_only,
    const struct dgram_opts *o, const struct sock_opts *sock, struct fail *f)
{
	const bool group = dgram_is_group(sa);
	struct dgram_join own;
	int on = 1, only = v6_only ? 1 : 0;

	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (dgram_is_any(sa))
		dgram_ask_local(fd, sa->sa_family);
	if (group || o->joins_n > 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sock_apply(fd, sa->sa_family, sock, f) == -1 ||
	    dgram_apply(fd, sa->sa_family, o, sock, f) == -1)
		return -1;
	if (!group)
		return 0;
	join_of(sa, &own);
	return join(fd, &own,
	    sock->interface == NULL ? 0 : if_nametoindex(sock->interface), f);
}

int
dgram_bind(const struct sockaddr *sa, socklen_t len, bool v6_only,
    const struct dgram_opts *o, const struct sock_opts *sock, struct fail *f)
{
	int fd = sock_open(sa->sa_family, SOCK_DGRAM);
	char at[ADDR_TEXT_MAX], name[ADDR_TEXT_MAX + 8];

	addr_name(sa, len, at);
	snprintf(name, sizeof(name), "%s%s",
	    sa->sa_family == AF_UNIX ? "" : "udp:", at);
	if (fd == -1)
		return sock_cannot_listen(name, f);
	if (prepare(fd, sa, v6_only, o, sock, f) == -1) {
		close(fd);
		return -1;
	}
	if (bind(fd, sa, len) == -1) {
		sock_cannot_listen(name, f);
		close(fd);
		return -1;
	}
	return fd;
}

/* 0, or -1 and errno. */
static int
name_socket(int fd, struct sock_file *file)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *dir = getenv("TMPDIR");
	struct stat st;
	int n;

	memset(file, 0, sizeof(*file));
#ifdef __linux__
	if (bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)) == 0)
		return 0;
#endif
	n = snprintf(un.sun_path, sizeof(un.sun_path), "%s/wdsock.%ld.%d",
	    dir == NULL ? "/tmp" : dir, (long)getpid(), fd);
	if (n < 0 || (size_t)n >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		return -1;
	if (lstat(un.sun_path, &st) == 0) {
		file->made = true;
		file->un = un;
		file->dev = st.st_dev;
		file->ino = st.st_ino;
	}
	return 0;
}

enum sock_result
dgram_connect(int fd, const struct sockaddr *sa, socklen_t len,
    const struct dgram_opts *o, struct stream_peer *group,
    struct sock_file *file)
{
	memset(group, 0, sizeof(*group));
	if (sa->sa_family != AF_UNIX && (o->broadcast || dgram_is_group(sa))) {
		memcpy(&group->at, sa, len);
		group->len = len;
		return SOCK_DONE;
	}
	if (sa->sa_family == AF_UNIX && name_socket(fd, file) == -1)
		return SOCK_FAILED;
	return sock_connect(fd, sa, len);
}
