/*
 * What is known of a message beside its bytes: which one it is, whose, and
 * when it came. The owner of a conversation says it to whoever writes messages
 * down: once when it begins, and once for each read.
 */
#ifndef IO_ABOUT_H
#define IO_ABOUT_H

#include <stdbool.h>

#include "base/slice.h"

#define ABOUT_TIME_MAX 64

struct about {
	struct slice chan; /* "c1"; empty: there are no channels */
	struct slice peer; /* its address, fit for any line; empty: none */
	bool out;	   /* the message went; otherwise it came */
	uint64_t n;	   /* which one of its conversation, from 1 on */
	uint64_t time_us;  /* when it was read, since the epoch */
	uint64_t since_us; /* and since the conversation began */
	uint64_t after_us; /* and since the message before it */

	/* about's own: when that was, and the time in words. */
	uint64_t last_us;
	uint64_t text_us;
	char text[ABOUT_TIME_MAX];
	size_t text_len;
};

/* A conversation begins; the names are to last as long as it. */
void about_begin(struct about *, struct slice chan, struct slice peer);

/* The next message of it. */
void about_next(struct about *);

/*
 * time_us as ISO 8601 in UTC, to the microsecond; good until the next call. It
 * is worked out anew only where the time has changed.
 */
struct slice about_time(struct about *);

/* Both clocks now, in microseconds: since the epoch, and one that runs evenly.
 */
void about_clock(uint64_t *time_us, uint64_t *even_us);

#endif
