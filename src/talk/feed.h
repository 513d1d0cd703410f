/*
 * What we say: the messages of stdin or of --send, one batch after the other,
 * as fast as they may go.
 *
 * A feed outlives conversations: with serve-single -k and with --retry the
 * next one goes on where the last one stopped.
 */
#ifndef TALK_FEED_H
#define TALK_FEED_H

#include "io/charset.h"
#include "io/inlet.h"
#include "io/source.h"

#define FEED_BATCH 1024

struct feed_plan {
	enum source_kind input;
	bool crlf;
	size_t max;		     /* --max-message */
	json_opener *json;	     /* asked if stdin has JSON lines to say */
	struct charset_plan charset; /* of the peer */
	bool stream; /* no boundaries: characters may be cut (charset.h) */
	const char *const *sends;
	size_t sends_n;
	uint64_t repeat; /* how often all of it is said; 1 is once */
	bool quiet;	 /* stdin is not ours to read: it is the conversation */
};

enum feed_state {
	FEED_READY, /* batch.v[next] is there */
	FEED_LATER, /* on_more says when */
	FEED_OVER,  /* that was all */
	FEED_BAD,   /* fail says why; what came before has been given */
};

struct feed {
	const char *name; /* of the input, for what is said of it */
	/* Set by the owner. */
	void (*on_more)(struct feed *);
	void *owner;
	struct fail fail; /* for FEED_BAD */

	struct inlet inlet;
	bool terminal;
	bool quiet;	    /* it has nothing to say, and never had */
	struct batch batch; /* what is to be sent from `next` on */
	size_t next;

	/* The feed's own. */
	const struct feed_plan *plan;
	struct source source;
	struct charset charset;
	struct slice v[FEED_BATCH];
	size_t send_at;
	uint64_t round;
	size_t used; /* bytes of the reader that the batch stands for */
	bool input_over;
	bool over;
	bool bad; /* it ended with FEED_BAD */
	int err;
	uint8_t *kept; /* --repeat: what stdin brought, said again */
	size_t kept_len, kept_cap, kept_at;
};

/* 0, or -1 and a fail. */
int feed_init(
    struct feed *, const struct feed_plan *, uv_loop_t *, struct fail *);

/*
 * The same of what a process writes to this pipe, and of nothing else: neither
 * --send nor --repeat is looked at. The pipe is the feed's, if this is 0.
 */
int feed_init_pipe(struct feed *, const struct feed_plan *, uv_loop_t *, int fd,
    const char *name, struct fail *);

void feed_release(struct feed *);

/* Makes sure that there is a batch, if there can be one now. */
enum feed_state feed_next(struct feed *);

/* Nobody wants anything now: stdin is not read. */
void feed_rest(struct feed *);

#endif
