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
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <uv.h>

#include "base/fail.h"

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
};

struct stream {
	const struct stream_ops *ops;
	int err; /* errno of the last STREAM_FAILED */
	/* One write is one packet (seqpacket): the peer reads them apart. */
	bool packets;
	/* Set by the owner before the first stream_want. */
	void (*on_ready)(struct stream *, int what);
	void (*on_closed)(struct stream *);
	void *owner;
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

/*
 * A stream over a connected stream or seqpacket socket (TCP, Unix). Takes the
 * descriptor, which is closed with the stream, also on an error: NULL and
 * errno. `borrowed`: the descriptor is one that others share (0, 1, 2, fd:N):
 * its flags are left as they are and it is not closed.
 */
struct stream *stream_socket_new(uv_loop_t *, int fd, bool borrowed);

#endif
