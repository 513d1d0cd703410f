/*
 * The raw pump: bytes that go one way between a socket and a descriptor of the
 * user's without passing through our memory, by splice(2). One pump is one
 * direction; it waits for nothing and knows of no loop.
 *
 *	receiving	socket --> pipe
 *			socket --> a pipe of ours --> file
 *	sending		pipe --> socket
 *			file --> a pipe of ours --> socket
 *
 * What each call of pump_move finds out, and whom to wait for then:
 *
 *	           +--> EMPTY  the source has nothing: wait for it
 *	MOVED <--->|
 *	           +--> FULL   the taker takes nothing: wait for it
 *
 *	any --> FAILED	the connection, which says so only once
 *	    --> PLAIN	all else: the end, a file that splice(2) will not have,
 *			a disk that is full, a reader that is gone. read and
 *			write go on from here, meet the same, and have the
 *			words for it. What the pump then holds comes first.
 *
 * Our own pipe holds 1 MiB, or what the system lets us have. The user's pipe is
 * made as large once it is seen to carry bulk: with 64 KiB most of the time
 * goes into waking one another. It never becomes smaller, and nothing else
 * about the user's descriptors changes.
 *
 * A pump that receives gives on what it has taken before it returns, or says
 * PLAIN. One that sends a file may hold bytes that the socket did not take.
 */
#ifndef TALK_PUMP_H
#define TALK_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"

#define PUMP_PIPE (1 << 20)

enum pump_result {
	PUMP_MOVED,
	PUMP_EMPTY,
	PUMP_FULL,
	PUMP_FAILED, /* err says how */
	PUMP_PLAIN,
};

struct pump {
	bool receiving;
	bool through; /* neither end is a pipe, so it goes through ours */
	int from, to; /* not the pump's */
	int pipe[2];  /* made when it is needed; -1 */
	size_t held;  /* bytes in it */
	bool enlarged;
	int err;
};

/*
 * Between a non-blocking socket and a descriptor as fd_take gave it. False:
 * these two are for the plain path. So are terminals and other devices (but
 * for writing /dev/null), sockets on both sides, whose flags are not ours, and
 * a file that is appended to. No descriptor is held before pump_move.
 */
bool pump_init(struct pump *, int sock, const struct fd *other, bool receiving);

/* Closes the pipe, whatever is in it. */
void pump_release(struct pump *);

/* PUMP_MOVED: *n bytes (not 0) have left the socket, or gone into it. */
enum pump_result pump_move(struct pump *, size_t *n);

/*
 * After PUMP_PLAIN: what is held, on the heap and the caller's. *len is 0 and
 * NULL given if nothing is. False: it cannot be had; errno.
 */
bool pump_spill(struct pump *, uint8_t **p, size_t *len);

#endif
