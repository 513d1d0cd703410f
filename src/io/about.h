/*
 * What is known of a message beside its bytes: which one it is, whose, and
 * when it came. What is a conversation's own lies with the conversation, and
 * there may be many; its owner says whose when it begins, and the time once
 * for each read. The rest belongs to whoever writes messages down.
 */
#ifndef IO_ABOUT_H
#define IO_ABOUT_H

#include <stdbool.h>

#include "base/slice.h"

#define ABOUT_TIME_MAX 64
#define ABOUT_CHAN_MAX 24 /* "c18446744073709551615", and a NUL */

/* Of one conversation. */
struct about_of {
	uint64_t number;  /* its channel: "c7" is 7; 0: there are no channels */
	const char *peer; /* its address, fit for any line; empty: none */
	uint64_t n;	  /* messages begun: the number of the last one */
	uint64_t begun_us; /* on the clock that runs evenly */
	uint64_t time_us;  /* when that was read which is written now */
	uint64_t since_us; /* and since the conversation began */
	uint64_t last_us;  /* the same of the message before */
};

struct about {
	struct about_of *of; /* whose message it is; the owner sets it */
	bool out;	     /* it went; otherwise it came */
	uint64_t after_us;   /* since the message before it */

	/* about's own: a time in words. */
	uint64_t text_us;
	char text[ABOUT_TIME_MAX];
	size_t text_len;
};

/* A conversation begins, now; `peer` is to last as long as it. */
void about_begin(struct about_of *, uint64_t number, const char *peer);

/* The same of one that began at that time, of which nothing was said yet. */
void about_begin_late(
    struct about_of *, uint64_t number, const char *peer, uint64_t begun_us);

/* The clock that runs evenly, now. */
uint64_t about_even_us(void);

/* What is written from here on has been read now. */
void about_read(struct about_of *);

/* The name of a channel, which ends in a NUL; its length. */
size_t about_chan(uint64_t number, char to[ABOUT_CHAN_MAX]);

/* Nothing is written down yet. */
void about_init(struct about *, struct about_of *);

/* The next message of the conversation. */
void about_next(struct about *);

/*
 * When it was read, as ISO 8601 in UTC, to the microsecond; good until the next
 * call. It is worked out anew only where the time has changed.
 */
struct slice about_time(struct about *);

#endif
