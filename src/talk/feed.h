/*
 * What we say, and to whom: the messages of stdin, of --send or of a process,
 * one batch after the other, as fast as they may go.
 *
 * A feed outlives conversations: with serve-single -k and with --retry the
 * next one goes on where the last one stopped. It does not know which channels
 * there are; only FEED_ONE is told which one is open.
 *
 * What is large about it is there as long as there is a batch: a feed that has
 * nothing to say owns no more than the struct, and what it had read of a
 * message that is not complete.
 */
#ifndef TALK_FEED_H
#define TALK_FEED_H

#include "io/charset.h"
#include "io/inlet.h"
#include "io/source.h"

#define FEED_BATCH 1024

enum feed_whom {
	FEED_PEER, /* whoever is there, whatever a line says of it */
	FEED_ONE, /* the channel that is open; what is for another is refused */
	FEED_MANY, /* channels: `to` says which */
};

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
	enum feed_whom whom;
	bool addressed; /* FEED_MANY: each record begins with a channel
			   (source_set_addressed); JSON lines say it anyway */
};

enum feed_state {
	FEED_READY, /* batch.v[next..until) are there, all for `to` */
	FEED_LATER, /* on_more says when */
	FEED_OVER,  /* that was all */
	FEED_BAD,   /* fail says why; what came before has been given */
	/* Each of these is given once, when what came before has been. */
	FEED_REFUSED, /* a record: fail says why, note where it stood */
	FEED_COMMAND, /* source.command, for `to` */
};

struct feed_work;

struct feed {
	const char *name; /* of the input, for what is said of it */
	/* Set by the owner. */
	void (*on_more)(struct feed *);
	void *owner;
	uint64_t chan; /* FEED_ONE: that is open; that of "c7" is 7 */

	/* For FEED_BAD and FEED_REFUSED, until the next call. STATUS_DONE:
	 * nothing is wrong but that the channel is another. */
	const struct fail *fail;
	struct source_note note; /* record is 0 where that is not known */
	struct target to;	 /* good until the next call */

	struct inlet inlet;
	bool terminal;
	bool quiet;	    /* it has nothing to say, and never had */
	struct batch batch; /* what is to be sent from `next` on ... */
	size_t next;	    /* ... which the owner moves ... */
	size_t until;	    /* ... and up to here */

	/* The feed's own. */
	const struct feed_plan *plan;
	struct source source;
	struct charset charset;
	struct feed_work *work; /* NULL: nothing is in hand */
	size_t base, cut;	/* the batch is of v[base...], cut: v[...cut) */
	bool is_unfit;		/* behind it one cannot be converted */
	enum feed_state then;	/* what stands behind all of v, or READY */
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

/*
 * Makes sure that there is a batch, if there can be one now. FEED_MANY: as long
 * as batch.v[next] is one of those that were given, it is given again.
 */
enum feed_state feed_next(struct feed *);

/* `note` says where batch.v[at] stood. */
void feed_look(struct feed *, size_t at);

/*
 * batch.v[next] cannot be sent, or nobody is there to get it: leaves it out.
 * `note` says where it stood.
 */
void feed_skip(struct feed *);

/* Nobody wants anything now: stdin is not read. */
void feed_rest(struct feed *);

#endif
