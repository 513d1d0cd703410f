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
	/*
	 * JSON lines of a server: "chan" says for which channel a line is, and
	 * one that cannot be sent is refused alone.
	 */
	bool addressed;
};

enum feed_state {
	FEED_READY, /* batch.v[next] is there */
	FEED_LATER, /* on_more says when */
	FEED_OVER,  /* that was all */
	FEED_BAD,   /* fail says why; what came before has been given */
	/* Each of these is given once, when what came before has been. */
	FEED_REFUSED, /* a line: refused says why, note where it stood */
	FEED_COMMAND, /* source.command */
};

struct feed {
	const char *name; /* of the input, for what is said of it */
	/* Set by the owner. */
	void (*on_more)(struct feed *);
	void *owner;
	uint64_t chan;	  /* the one that is open: that of "c7" is 7 */
	struct fail fail; /* for FEED_BAD */
	/* For FEED_REFUSED; STATUS_DONE: only the channel is another. */
	struct fail refused;
	struct source_note note; /* record is 0 where that is not known */

	struct inlet inlet;
	bool terminal;
	bool quiet;	    /* it has nothing to say, and never had */
	struct batch batch; /* what is to be sent from `next` on ... */
	size_t next;
	size_t until; /* ... and up to here, to the open channel */

	/* The feed's own. */
	const struct feed_plan *plan;
	struct source source;
	struct charset charset;
	struct slice v[FEED_BATCH];
	struct source_note notes[FEED_BATCH];
	size_t base, cut; /* the batch is of v[base...], cut: v[...cut) */
	bool is_unfit;	  /* behind it one cannot be converted: unfit */
	struct fail unfit;
	enum feed_state then; /* what stands behind all of v, or READY */
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

/* batch.v[next] cannot be sent: leaves it out. `note` says where it stood. */
void feed_skip(struct feed *);

/* Nobody wants anything now: stdin is not read. */
void feed_rest(struct feed *);

#endif
