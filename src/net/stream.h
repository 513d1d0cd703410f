/*
 * A stream: bytes both ways, and the knowledge when they may flow.
 *
 * Nothing above this room knows what carries the bytes. A stream owns its
 * descriptor and its readiness: whoever reads or writes says with stream_want
 * what to wait for, and is called when it is so. A read that could not go on
 * says what it waits for, which may be writing (TLS); the stream keeps the two
 * apart, so the caller only repeats what it wanted.
 *
 *	stream_read	> 0 bytes, or one of STREAM_...
 *	stream_write	> 0 bytes, or STREAM_AGAIN, STREAM_FAILED
 *	stream_shut	0: our half is closed; STREAM_AGAIN, STREAM_FAILED
 *
 * Only what these return says what happened; readiness is a hint.
 *
 * Where `packets` is set a read brings one packet, whole: STREAM_EMPTY is one
 * without bytes, and for STREAM_LARGE it waits until there is room, which
 * stream_pending tells.
 *
 * Some carry datagrams, each a message by itself. Of those
 *
 *	stream_receive	> 0 runs of datagrams, or STREAM_AGAIN, STREAM_FAILED
 *	stream_send	> 0 datagrams, or STREAM_AGAIN
 *
 * stand in place of read and write, stream_shut does nothing and is done, and
 * there is no end. A datagram that cannot go, or that comes back as one that
 * nobody took, is told by on_undelivered and no failure of the stream.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <uv.h>

#include "base/fail.h"
#include "base/slice.h"

enum {
	STREAM_END = 0,	       /* the peer closed its half, in order */
	STREAM_AGAIN = -1,     /* wait for on_ready */
	STREAM_FAILED = -2,    /* err holds errno */
	STREAM_TRUNCATED = -3, /* the end came without being announced */
	STREAM_EMPTY = -4,     /* a packet without bytes, which is no end */
	STREAM_LARGE = -5,     /* a packet of more than len bytes: not taken */
};

enum { /* what to wait for, and what is there */
	STREAM_READABLE = 1,
	STREAM_WRITABLE = 2,
};

/* The largest that one read of a datagram can bring, over IP. */
#define STREAM_DATAGRAM_MAX 65536

/* Who sent a datagram, or is to have one. */
struct stream_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} at;
	socklen_t len;
	/*
	 * The address of ours that it asked, from which it is answered:
	 * AF_INET, AF_INET6, or AF_UNSPEC if there is only one.
	 */
	int local_family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} local;
	unsigned local_scope; /* the interface, where that is needed */
};

/*
 * Datagrams that came as one: `each` bytes every one of them but the last,
 * which may be shorter. A single one may be empty. `len` is more than there
 * are bytes if a single one was cut for want of room.
 */
struct stream_run {
	struct slice bytes;
	size_t each;
	size_t len;
	struct stream_peer from;
};

struct stream;

struct stream_ops {
	ssize_t (*read)(struct stream *, void *buf, size_t len);
	ssize_t (*write)(struct stream *, const struct iovec *, int n);
	int (*shut)(struct stream *);
	/*
	 * Bytes that can be read though the descriptor says nothing: a stream
	 * that has some announces them by itself as long as it is wanted.
	 * Behind STREAM_LARGE: of the packet that waits.
	 */
	size_t (*pending)(const struct stream *);
	void (*want)(struct stream *, int what);
	/* Ends it: on_closed is called from the loop, then all is gone. */
	void (*close)(struct stream *, bool reset);
	/* Bytes sent that have not reached the peer's kernel; -1: unknown. */
	int64_t (*unacked)(const struct stream *);
	/* Has it failed, though nobody has been told yet? */
	bool (*broken)(const struct stream *);
	/* See stream_splice_fd; NULL: never. */
	int (*splice_fd)(const struct stream *);
	/* Datagrams; NULL for streams of bytes. */
	ssize_t (*receive)(
	    struct stream *, void *buf, size_t len, struct stream_run *, int n);
	ssize_t (*send)(struct stream *, const struct slice *, size_t n);
	void (*answer)(struct stream *, const struct stream_peer *);
	/*
	 * Has the peer gone altogether, as far as can be seen while our half
	 * is open? NULL: nobody can tell.
	 */
	bool (*gone)(const struct stream *);
	/* See stream_fail; NULL: errno has always told all. */
	const struct fail *(*fail)(const struct stream *);
};

struct stream_events {
	/* What of STREAM_READABLE and STREAM_WRITABLE may go on. */
	void (*on_ready)(struct stream *, int what);
	void (*on_closed)(struct stream *);
	/* A datagram to that peer is lost, and why: an errno. */
	void (*on_undelivered)(
	    struct stream *, const struct stream_peer *, int err);
};

/* There is one for each connection, so it holds what all of them need. */
struct stream {
	const struct stream_ops *ops;
	/* Set by the owner before the first stream_want. */
	const struct stream_events *on;
	void *owner;
	int err; /* errno of the last STREAM_FAILED */
	/* One write is one packet (seqpacket): the peer reads them apart. */
	bool packets;
};

/* One of datagrams begins so. */
struct stream_datagrams {
	struct stream stream;
	size_t max; /* the largest that can be sent */
	/* Who has what is sent; NULL: nobody yet, so nothing can be. */
	const struct stream_peer *peer;
};

static inline ssize_t
stream_read(struct stream *s, void *buf, size_t len)
{
	return s->ops->read(s, buf, len);
}

static inline ssize_t
stream_write(struct stream *s, const struct iovec *v, int n)
{
	return s->ops->write(s, v, n);
}

static inline int
stream_shut(struct stream *s)
{
	return s->ops->shut(s);
}

static inline size_t
stream_pending(const struct stream *s)
{
	return s->ops->pending(s);
}

/* 0 waits for nothing. Cheap if nothing changes. */
static inline void
stream_want(struct stream *s, int what)
{
	s->ops->want(s, what);
}

static inline void
stream_close(struct stream *s, bool reset)
{
	s->ops->close(s, reset);
}

static inline int64_t
stream_unacked(const struct stream *s)
{
	return s->ops->unacked(s);
}

static inline bool
stream_broken(const struct stream *s)
{
	return s->ops->broken(s);
}

static inline bool
stream_has_datagrams(const struct stream *s)
{
	return s->ops->receive != NULL;
}

/* Of one that has datagrams. */
static inline const struct stream_datagrams *
stream_datagrams(const struct stream *s)
{
	return (const struct stream_datagrams *)s;
}

/* Who has what is sent; of a stream of bytes NULL as well. */
static inline const struct stream_peer *
stream_peer(const struct stream *s)
{
	return stream_has_datagrams(s) ? stream_datagrams(s)->peer : NULL;
}

/* Into at most n runs; the more room there is, the more of them. */
static inline ssize_t
stream_receive(
    struct stream *s, void *buf, size_t len, struct stream_run *v, int n)
{
	return s->ops->receive(s, buf, len, v, n);
}

/* None is longer than stream_datagrams()->max, and there is a peer. */
static inline ssize_t
stream_send(struct stream *s, const struct slice *v, size_t n)
{
	return s->ops->send(s, v, n);
}

/* What is sent from now on goes to this one, unless it goes to one alone. */
static inline void
stream_answer(struct stream *s, const struct stream_peer *to)
{
	s->ops->answer(s, to);
}

static inline bool
stream_gone(const struct stream *s)
{
	return s->ops->gone != NULL && s->ops->gone(s);
}

/*
 * What there is to say behind STREAM_FAILED or STREAM_TRUNCATED, good until the
 * stream is closed; NULL: no more than errno does. It names no peer.
 */
static inline const struct fail *
stream_fail(const struct stream *s)
{
	return s->ops->fail == NULL ? NULL : s->ops->fail(s);
}

/*
 * The descriptor, where bytes are on it as they are in the stream and no call
 * on it ever waits; otherwise -1. Whoever moves bytes by it must leave all
 * else to the stream.
 */
static inline int
stream_splice_fd(const struct stream *s)
{
	return s->ops->splice_fd == NULL ? -1 : s->ops->splice_fd(s);
}

struct poller;

/*
 * A stream over a connected stream or seqpacket socket (TCP, Unix). Takes the
 * descriptor, which is closed with the stream, also on an error: NULL and
 * errno. `borrowed`: the descriptor is one that others share (0, 1, 2, fd:N):
 * its flags are left as they are and it is not closed.
 */
struct stream *stream_socket_new(uv_loop_t *, int fd, bool borrowed);

/*
 * The same where it is known what kind of a socket it is, since it is one like
 * many others: no question is asked of the kernel. Of a listening socket, the
 * kind is that of its clients. The descriptor is not borrowed. It is polled
 * with the others, by a poller that outlives it.
 */
enum stream_socket_kind {
	STREAM_SOCKET_IP,
	STREAM_SOCKET_UNIX,
	STREAM_SOCKET_PACKETS, /* Unix seqpacket */
};
enum stream_socket_kind stream_socket_kind(int fd);
struct stream *stream_socket_of_kind(
    struct poller *, int fd, enum stream_socket_kind);

/*
 * The same over a socket of datagrams (UDP, Unix). If it is connected, all is
 * sent to its peer; otherwise to `to`, such as a group; and if that is NULL,
 * to whom stream_answer says. `plain`: one system call for each datagram, as
 * on systems that know no better.
 */
struct stream *stream_dgram_new(uv_loop_t *, int fd, bool borrowed,
    const struct stream_peer *to, bool plain);

#endif
