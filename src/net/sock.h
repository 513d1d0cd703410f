/*
 * Sockets: made non-blocking and close-on-exec, with the options that people
 * ask for; connected, bound, listened on. Never waits.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/fail.h"
#include "net/addr.h"

struct sock_opts {
	bool nagle;		  /* --nagle; it is off otherwise */
	unsigned keepalive_s;	  /* --keepalive; 0: as the system does */
	unsigned user_timeout_ms; /* --user-timeout; 0: as the system does */
	int send_buffer;	  /* 0: left alone, which is the fastest */
	int recv_buffer;
	int tos;		/* -1: left alone */
	int ttl;		/* 0: left alone */
	const char *congestion; /* NULL: the system's */
	const char *interface;	/* NULL: any */
};

extern const struct sock_opts sock_opts_default;

/* A descriptor, or -1 and errno. */
int sock_open(int family, int type);

/*
 * setsockopt with a number, for the option of ours that is named. 0, or -1
 * and a fail with STATUS_IO.
 */
int sock_set(
    int fd, int level, int name, int value, const char *option, struct fail *);

/* A fail with STATUS_LISTEN from errno, and what to try. Always -1. */
int sock_cannot_listen(const char *name, struct fail *);

/* Before connect or listen. 0, or -1 and a fail that names the option. */
int sock_apply(int fd, int family, const struct sock_opts *, struct fail *);

enum sock_result {
	SOCK_DONE,
	SOCK_LATER,  /* wait until it can be written, then sock_outcome */
	SOCK_FAILED, /* errno */
};

enum sock_result sock_connect(int fd, const struct sockaddr *, socklen_t);

/* How a connect ended: 0 or an errno. */
int sock_outcome(int fd);

/* A Unix socket file that is ours: removed only while it still is. */
struct sock_file {
	bool made;
	struct sockaddr_un un;
	dev_t dev;
	ino_t ino;
};

/*
 * Listens on a Unix path (seqpacket if asked for) or an abstract name; a
 * socket of datagrams is bound, and that is all there is to it. A stale file is
 * taken over, a live one refused without a byte sent to it, and what is no
 * socket is left alone. mode: of the file, or (mode_t)-1. The descriptor, or -1
 * and a fail with STATUS_LISTEN.
 */
int sock_listen_unix(const struct addr *, bool seqpacket, mode_t mode,
    int backlog, const struct sock_opts *, struct sock_file *, struct fail *);

/*
 * Removes the file unless another took its place; called before the socket is
 * closed, since until then no other file has its inode. May be called twice.
 */
void sock_file_remove(struct sock_file *);

/*
 * Listens on TCP; an empty host is every interface with one dual-stack socket
 * (v4_only, v6_only narrow it). The host is numeric here: sa says where.
 */
int sock_listen_tcp(const struct sockaddr *sa, socklen_t len, bool v6_only,
    bool reuse_port, int backlog, const struct sock_opts *, struct fail *);

/*
 * The next client: non-blocking, close-on-exec; -1 and errno. `shared`: the
 * listening socket is one that others have too, and may wait; its flags are
 * left alone, and yet this never waits longer than a moment.
 */
int sock_accept(
    int fd, bool shared, struct sockaddr_storage *peer, socklen_t *len);

#endif
