/*
 * Sockets of datagrams: bound, given the options that people ask for, and a
 * member of groups. Never waits. What is sent and received is stream_dgram.c's.
 */
#ifndef NET_DGRAM_H
#define NET_DGRAM_H

#include <netinet/in.h>

#include "net/sock.h"
#include "net/stream.h"

#define DGRAM_JOINS_MAX 16

/* A group, and the interface to be a member on; 0: the system chooses. */
struct dgram_join {
	int family; /* AF_INET, AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} group;
	unsigned scope;
};

struct dgram_opts {
	bool broadcast; /* --broadcast */
	bool no_loop;	/* --no-loop: not to listeners of this machine */
	struct dgram_join joins[DGRAM_JOINS_MAX]; /* --join */
	size_t joins_n;
};

/* Is this socket one of datagrams? False also if it is none at all. */
bool dgram_is(int fd);

/* Does it stand for many: is it a group's? */
bool dgram_is_group(const struct sockaddr *);

/* Is it all of this machine's addresses of a family? */
bool dgram_is_any(const struct sockaddr *);

/*
 * Reads GROUP or GROUP%INTERFACE, numeric. 0, or -1 and a usage error that
 * does not name the text.
 */
int dgram_join_parse(const char *text, struct dgram_join *, struct fail *);

/*
 * What is of IP beyond sock_apply, before bind and connect. 0, or -1 and a
 * fail that names the option.
 */
int dgram_apply(int fd, int family, const struct dgram_opts *,
    const struct sock_opts *, struct fail *);

/*
 * Binds a UDP socket; an empty host is every interface with one dual-stack
 * socket (v6_only narrows it). A group's address is joined, too. The port is
 * ours alone, except where there is a group: that may have several listeners
 * on a machine. The descriptor, or -1 and a fail with STATUS_LISTEN.
 */
int dgram_bind(const struct sockaddr *, socklen_t, bool v6_only,
    const struct dgram_opts *, const struct sock_opts *, struct fail *);

/*
 * As sock_connect. A Unix socket is first given a name of its own, so that it
 * can be answered: an abstract one, or a file where the system has none, which
 * the caller removes when done. To a group and with --broadcast it is not
 * connected, as it would not hear what single members answer: all is then to
 * be sent to *group, whose len is 0 otherwise.
 */
enum sock_result dgram_connect(int fd, const struct sockaddr *, socklen_t,
    const struct dgram_opts *, struct stream_peer *group, struct sock_file *);

/*
 * Each datagram is to say which address of ours was asked. To be called before
 * the socket is bound, since those that came earlier do not.
 */
void dgram_ask_local(int fd, int family);

#endif
