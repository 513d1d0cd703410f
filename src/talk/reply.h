/*
 * --reply: each message that comes is answered by what a format makes of it.
 *
 * Replies are made a few at a time, into a buffer that lasts until they are
 * sent; it holds REPLY_BYTES and one reply at the most, and is given up while
 * there is nothing to say. A format speaks UTF-8, and so does the message that
 * it is given; with --charset the reply is converted.
 */
#ifndef TALK_REPLY_H
#define TALK_REPLY_H

#include "io/charset.h"
#include "io/format.h"

#define REPLY_BATCH 256
#define REPLY_BYTES (64u << 10)

struct reply {
	struct about_of of; /* what is answered; the owner sets the times */
	struct batch batch; /* to be sent from `next` on */
	size_t next;

	/* The reply's own. */
	struct about about;
	const struct format *format;
	struct charset charset;
	size_t max; /* --max-message */
	struct span bytes;
	struct slice v[REPLY_BATCH];
};

/*
 * A conversation begins, `of`; reply_end ends it. It is copied: what is
 * answered is counted apart from what is shown.
 * -1 and a fail: there is no memory.
 */
int reply_begin(struct reply *, const struct format *,
    const struct charset_plan *, size_t max, const struct about_of *,
    struct fail *);
void reply_end(struct reply *);

/* All is sent, or nothing can be: gives up the batch and its buffer. */
void reply_drop(struct reply *);

/*
 * Makes a batch of what answers heard->v[from...], or the first ones of it.
 * -1 and a fail where a reply is longer than a message may be, or cannot be
 * converted, or there is no memory; the batch holds those before it.
 */
int reply_make(
    struct reply *, const struct batch *heard, size_t from, struct fail *);

#endif
