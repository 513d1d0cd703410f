/*
 * When a socket may be used: what streams of every kind have in common.
 *
 * A descriptor of ours is non-blocking and is polled itself. One that others
 * share (an inetd's 0, fd:N) keeps its flags: its user says MSG_DONTWAIT with
 * each call, and an epoll descriptor that watches it is polled in its place.
 */
#ifndef NET_READY_H
#define NET_READY_H

#include <stdbool.h>

#include <uv.h>

#include "base/fd.h"

struct ready {
	/*
	 * What of STREAM_READABLE and STREAM_WRITABLE may go on. Only what the
	 * next call says is certain; where an error waits, it is all that is
	 * wanted.
	 */
	void (*on_ready)(struct ready *, int what, bool error);
	void (*on_closed)(struct ready *);
	void *owner;

	struct fd fd;
	bool borrowed;

	/* Its own. */
	int want;
	uv_poll_t poll;
};

/*
 * Takes the descriptor, which is closed with it, also on an error: -1 and
 * errno. `borrowed`: its flags are left as they are and it is not closed.
 */
int ready_init(struct ready *, uv_loop_t *, int fd, bool borrowed);

/* 0 waits for nothing. Cheap if nothing changes. */
void ready_want(struct ready *, int want);

/* on_closed comes from the loop. */
void ready_close(struct ready *);

#endif
