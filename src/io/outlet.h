/*
 * Standard output, or a pipe of our own, as a loop writes it: a sink, a buffer,
 * and a descriptor that may not take it all.
 *
 * A batch that does not fit is kept, not copied: the caller holds its bytes
 * until on_room. So memory stays bounded whatever the reader of the pipe does.
 *
 * Many conversations may share one. It keeps a batch of one of them at a time,
 * and nothing of another gets in before all of that is in the buffer: records
 * are whole, and those of each are in the order in which they were put.
 *
 *	free --- put, no room ---> keeps (WAIT)		others: BUSY
 *	free <-- on_room --------- keeps		who waits comes again
 */
#ifndef IO_OUTLET_H
#define IO_OUTLET_H

#include <uv.h>

#include "base/fd.h"
#include "io/sink.h"

enum outlet_result {
	OUTLET_DONE, /* the batch is written, or in the buffer */
	OUTLET_WAIT, /* it is kept; on_room says when it has gone */
	OUTLET_BUSY, /* nothing is taken; on_room says when to come again */
	OUTLET_FAILED,
};

struct outlet {
	/*
	 * What was kept has gone into the buffer, and there is room for whoever
	 * was told OUTLET_BUSY. The first ones who come may fill it again: then
	 * the others are told so again, and this is called again.
	 */
	void (*on_room)(struct outlet *);
	void (*on_error)(struct outlet *, int err);
	/* The buffer is empty after it was not, or after outlet_wait. */
	void (*on_empty)(struct outlet *);
	/* Behind outlet_close: the struct is the owner's. NULL from init on. */
	void (*on_closed)(struct outlet *);
	void *keeper; /* who waits for that */
	void *owner;
	struct sink sink;
	bool terminal;
	int err;	  /* once it has failed, for good */
	uint64_t written; /* bytes */

	/* The outlet's own. */
	struct fd fd;
	bool taken;
	bool waiting; /* for the descriptor */
	bool wanted;  /* somebody was told OUTLET_BUSY */
	bool lends; /* the buffer is given back where there is nothing in it */
	struct span out;
	size_t at;	    /* so much of `out` has been written */
	struct batch batch; /* kept; n == 0: none */
	size_t next;
	size_t large_at; /* of batch.v[next], when it is written directly */
	bool large;
	uv_poll_t poll;
	uv_prepare_t prepare; /* writes what a turn has brought */
	int handles;	      /* not yet closed */
};

/* 0, or -1 and errno. */
int outlet_init(struct outlet *, uv_loop_t *, int fd, enum sink_kind);

/*
 * The same over a pipe of ours, which outlet_close closes; not on an error.
 * There may be one for each connection, so it has a buffer only while there is
 * something in it.
 */
int outlet_init_own(struct outlet *, uv_loop_t *, int fd, enum sink_kind);

/*
 * Writes messages down, and what their conversation says of them: whose they
 * are, and when they were read. That lasts as the bytes do while the batch is
 * kept.
 */
enum outlet_result outlet_put(
    struct outlet *, struct about_of *, const struct batch *);

/*
 * A line of our own between the messages, shorter than the buffer by far; it
 * is copied, or OUTLET_BUSY.
 */
enum outlet_result outlet_say(struct outlet *, struct slice line);

/* Is a batch of this conversation kept? */
bool outlet_keeps(const struct outlet *, const struct about_of *);

/* Writes what is in the buffer as far as it goes without waiting. */
void outlet_flush(struct outlet *);

/*
 * Somebody writes the descriptor past us, a pipe that is full: on_empty says
 * when there is room again. Nothing may be in the buffer.
 */
void outlet_wait(struct outlet *);

/* Is everything that was put written? */
bool outlet_is_empty(const struct outlet *);

/* Will on_room be called? */
bool outlet_owes(const struct outlet *);

void outlet_close(struct outlet *);

#endif
