/*
 * Standard input, or a pipe of our own, as a loop reads it: announced when
 * something has come, never waited for, and not read at all while nobody wants
 * it.
 */
#ifndef IO_INLET_H
#define IO_INLET_H

#include <uv.h>

#include "base/fd.h"
#include "io/reader.h"

struct inlet {
	/* More bytes are in the reader, or the end is there (once). */
	void (*on_bytes)(struct inlet *);
	void (*on_end)(struct inlet *, int err); /* 0, or an errno */
	/* If set, called in place of reading: somebody else takes it. */
	void (*on_ready)(struct inlet *);
	/* Behind inlet_close: the struct is the owner's. NULL from init on. */
	void (*on_closed)(struct inlet *);
	void *keeper; /* who waits for that */
	void *owner;
	struct reader reader;
	bool quiet; /* closed or /dev/null: it has nothing to say */
	bool terminal;
	bool ended;

	/* The inlet's own. */
	struct fd fd;
	bool taken;
	bool flowing;
	bool last; /* no more than `left` bytes are wanted of it */
	size_t left;
	uv_poll_t poll;
	uv_idle_t idle; /* for what cannot be polled: one read a turn */
};

/* 0, or -1 and errno. Nothing is read before inlet_flow. */
int inlet_init(struct inlet *, uv_loop_t *, int fd);

/* The same over a pipe of ours, which inlet_close closes; not on an error. */
int inlet_init_own(struct inlet *, uv_loop_t *, int fd);

/*
 * What has been written by now is all that is wanted, whoever holds the other
 * end open: on_end behind it, perhaps at once.
 */
void inlet_finish(struct inlet *);

/* Reads from now on, or no longer. */
void inlet_flow(struct inlet *, bool on);

/* After this nothing comes; the memory of the reader goes too. */
void inlet_close(struct inlet *);

#endif
