/*
 * When a socket may be used: what streams of every kind have in common.
 *
 * A descriptor of ours is non-blocking and is polled itself. One that others
 * share (an inetd's 0, fd:N) keeps its flags: its user says MSG_DONTWAIT with
 * each call, and an epoll descriptor that watches it is polled in its place.
 *
 * It is polled by a handle of the loop's, or with many others (poller.h).
 */
#ifndef NET_READY_H
#define NET_READY_H

#include <stdbool.h>

#include <uv.h>

struct poller;
struct ready;

struct ready_events {
	/*
	 * What of STREAM_READABLE and STREAM_WRITABLE may go on. Only what the
	 * next call says is certain; where an error waits, it is all that is
	 * wanted.
	 */
	void (*on_ready)(struct ready *, int what, bool error);
	void (*on_closed)(struct ready *);
};

/* It is polled by itself. */
struct ready_alone;

struct ready {
	const struct ready_events *on;
	int fd;
	bool borrowed : 1;

	/* Its own. */
	bool closing : 1;
	bool is_alone : 1;
	uint8_t want;
	uint8_t told; /* what the poller waits for */
	union {
		struct ready_alone *alone;
		struct poller *poller;
	} by;
	struct ready *next; /* of those of the poller that are closing */
};

/*
 * Takes the descriptor, which is closed with it, also on an error: -1 and
 * errno. `borrowed`: its flags are left as they are and it is not closed.
 */
int ready_init(struct ready *, uv_loop_t *, int fd, bool borrowed,
    const struct ready_events *);

/* The same of one of many; the descriptor is not borrowed. */
int ready_init_many(
    struct ready *, struct poller *, int fd, const struct ready_events *);

/* 0 waits for nothing. Cheap if nothing changes. */
void ready_want(struct ready *, int want);

/* on_closed comes from the loop. */
void ready_close(struct ready *);

#endif
