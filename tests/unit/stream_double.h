/*
 * A stream that is played from a script, for tests of what stands above
 * streams: what each read brings, what each write takes, how the half closes.
 * It keeps what was written and holds its user to the contract of stream.h;
 * the first rule that was broken stands in `wrong`.
 *
 * The stream itself is on the heap and gone after on_closed, as real ones are,
 * so a sanitizer sees who still uses it. The struct that records is the
 * test's.
 */
#ifndef UNIT_STREAM_DOUBLE_H
#define UNIT_STREAM_DOUBLE_H

#include "base/slice.h"
#include "net/stream.h"

enum stream_act {
	STREAM_ACT_BYTES,     /* up to n bytes pass; for a shut: it is done */
	STREAM_ACT_AGAIN,     /* nothing yet; readiness comes a turn later */
	STREAM_ACT_END,	      /* reads alone */
	STREAM_ACT_FAILED,    /* with err */
	STREAM_ACT_TRUNCATED, /* reads alone */
	STREAM_ACT_EMPTY,     /* reads alone: a packet without bytes */
};

struct stream_step {
	enum stream_act act;
	size_t n; /* bytes in one call */
	int err;
	size_t times; /* 0 is once */
};

struct stream_script {
	const struct stream_step *v;
	size_t n;
	size_t at, done; /* of v[at], so many times */
};

struct stream_double {
	/*
	 * The script; set before stream_double_new. Behind its end reads say
	 * AGAIN, and no more is announced; writes take all and a shut is done.
	 * If the stream has `packets` set, a read brings one step's n bytes or
	 * says STREAM_LARGE.
	 */
	struct slice in; /* what reads bring, from `in_at` on */
	struct stream_script reads, writes, shuts;
	bool by_hand; /* ready only when stream_double_ready says so */
	size_t pending;
	int64_t unacked;
	bool broken;

	/* What has happened. */
	uint8_t *out;
	size_t out_len, out_cap;
	size_t in_at;
	size_t reads_done, writes_done, shuts_done;
	size_t read_room; /* the largest that was offered to a read */
	int read_end;	  /* STREAM_END, ... once a read said so, or AGAIN */
	int want;
	bool shut, write_failed, closed, reset, gone;
	char wrong[96]; /* the rule that was broken, or empty */

	/* The double's own. */
	struct stream *stream;
};

/* NULL: no memory. The stream is the caller's until it is closed. */
struct stream *stream_double_new(struct stream_double *, uv_loop_t *);

/* Will something happen by itself? Never by hand, but for the end. */
bool stream_double_is_due(const struct stream_double *);

/* By hand: says what of it is wanted. False: nothing of it is. */
bool stream_double_ready(struct stream_double *, int what);

/* What has been recorded goes; the stream must be gone. */
void stream_double_release(struct stream_double *);

#endif
