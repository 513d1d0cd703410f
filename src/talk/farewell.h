/*
 * Farewell to those who may not come in: they are told why, or nothing, and
 * what they are told they can read.
 *
 * A socket that is closed with something unread in it resets its connection,
 * and takes away from the peer what it had not yet read. So what comes is
 * thrown away until the peer has closed too; but no more than a few peers, for
 * no longer than a second and for no more bytes than fit in its buffers.
 */
#ifndef TALK_FAREWELL_H
#define TALK_FAREWELL_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/slice.h"

enum farewell_kind {
	FAREWELL_CLOSE,
	FAREWELL_RESET,
	FAREWELL_WORDS,
};

struct farewell; /* one who lingers */

struct farewells {
	/* A descriptor is free again, later than farewell() returned. */
	void (*on_gone)(struct farewells *);
	void *owner;

	/* Its own. */
	uv_loop_t *loop;
	TAILQ_HEAD(, farewell) list; /* the oldest first */
	size_t n;
	uv_timer_t clock;
	bool open;
};

/* Set on_gone and owner first. */
void farewells_init(struct farewells *, uv_loop_t *);

/*
 * Takes the descriptor, which does not wait. The words are copied to the
 * kernel, as many as it takes at once, or are not said.
 */
void farewell(
    struct farewells *, int fd, enum farewell_kind, struct slice words);

/* All at once. May be called twice, and of zeros; on_gone does not come. */
void farewells_close(struct farewells *);

#endif
