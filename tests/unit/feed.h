/*
 * Drives a decoder as its header demands: what was not consumed comes again
 * with more behind it, each time in another place beside a forbidden page. On
 * the way it holds the decoder to the rules that are the same for any stream
 * (slices inside the input, offsets that add up, a need that is one).
 */
#ifndef UNIT_FEED_H
#define UNIT_FEED_H

#include "codec/decode.h"
#include "guard.h"

#define FEED_BATCH_MAX 64

/* How the bytes arrive. */
struct feed_how {
	const size_t
	    *cuts; /* rising, where reads end; the last one is implied */
	size_t cuts_n;
	size_t batch;	/* capacity, 1 to FEED_BATCH_MAX */
	bool each_byte; /* in place of cuts */
	bool at_begin;	/* the forbidden page stands in front */
};

/* What came of it; the bytes of the messages stand one behind the other. */
struct feed {
	struct guard guard;
	uint8_t *bytes;
	size_t bytes_len;
	size_t *ends; /* of each message in `bytes` */
	size_t n;
	size_t cap, ends_cap;
	enum decode_result result; /* DECODE_MORE: the end was in order */
	struct decode_fault fault; /* its `look.p` is not to be followed */
	char broken[128];	   /* the rule that was broken, or empty */
};

/* Begin with a struct of zeros, which is used again and again. */
void feed_run(struct feed *, const struct framing *, struct slice wire,
    const struct feed_how *);
struct slice feed_message(const struct feed *, size_t i);
void feed_free(struct feed *);

/* Did both deliver the same, and end the same way? */
bool feed_same(const struct feed *, const struct feed *);

#endif
