/*
 * Descriptors of every kind that somebody may hand to us, for reading and for
 * writing: ours, what is at the other end, and whether the flags of ours are
 * as they were. And a count of all that are open.
 */
#ifndef UNIT_ENDS_H
#define UNIT_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum ends_kind {
	ENDS_FILE,
	ENDS_APPEND, /* a file opened with O_APPEND, and some text in it */
	ENDS_PIPE,
	ENDS_PIPE_NONBLOCK,
	ENDS_FIFO,
	ENDS_SOCKETS,
	ENDS_TERMINAL, /* raw */
	ENDS_NULL,
	ENDS_FULL,
	ENDS_CLOSED,
	ENDS_COUNT
};

extern const char *const ends_names[ENDS_COUNT];

/* What stands in front of what is written to ENDS_APPEND. */
#define ENDS_BEFORE "before"

struct ends {
	enum ends_kind kind;
	bool write;
	int ours;
	int theirs; /* -1: there is nobody, or it is gone */
	int flags;  /* of ours, in the beginning */
	char path[64];
};

/*
 * `write`: ours is written. False if this system has no such thing; what a file
 * holds when it is read is given by ends_say before the first read.
 */
bool ends_open(struct ends *, enum ends_kind, bool write);

/* The other end says this, or takes all that there is, without waiting. */
void ends_say(struct ends *, const void *p, size_t len);
size_t ends_hear(struct ends *, void *p, size_t len);

/* The other end goes. */
void ends_leave(struct ends *);

/* Can one wait for the other end? Otherwise all is there at once. */
bool ends_waits(enum ends_kind);

/* Are the flags as they were? */
bool ends_unchanged(const struct ends *);

void ends_close(struct ends *);

/* How many descriptors are open. */
int ends_open_fds(void);

#endif
