/*
 * A stream of datagrams that is played from a script: what each receive
 * brings, how many datagrams each send takes, what is lost. As stream_double.h
 * it keeps what was sent, and to whom, and holds its user to the contract.
 */
#ifndef UNIT_DGRAM_DOUBLE_H
#define UNIT_DGRAM_DOUBLE_H

#include "net/stream.h"

/* One thing that happens. */
struct dgram_event {
	enum {
		DGRAM_RUN,    /* `len` bytes come, `each` in a datagram */
		DGRAM_CUT,    /* one comes, of which `each` bytes are there */
		DGRAM_LOST,   /* one of ours is lost, with `err` */
		DGRAM_AGAIN,  /* the receive ends here, readiness comes again */
		DGRAM_FAILED, /* the socket fails, with `err` */
	} what;
	uint8_t from; /* which peer */
	size_t len, each;
	int err;
};

struct dgram_double {
	/* The script; set before dgram_double_new. */
	const struct dgram_event *in;
	size_t in_n;
	const uint8_t *bytes; /* of what comes: this one, again and again */
	size_t bytes_n;
	const uint8_t *takes; /* how many each send takes; 0: AGAIN */
	size_t takes_n;	      /* behind their end it takes all */
	bool alone;	      /* all goes to peer 0 */
	size_t datagram_max;

	/*
	 * What has happened. Each datagram sent is kept as the number of its
	 * peer, its length as a size_t, and its bytes.
	 */
	uint8_t *out;
	size_t out_len, out_cap;
	size_t sent;
	size_t in_at, bytes_at, takes_at;
	int want;
	bool closed, gone;
	char wrong[96]; /* the rule that was broken, or empty */

	/* The double's own. */
	struct stream *stream;
};

/* NULL: no memory. The stream is the caller's until it is closed. */
struct stream *dgram_double_new(struct dgram_double *, uv_loop_t *);

/* The number of a peer, as the script has it. */
uint8_t dgram_double_number(const struct stream_peer *);

/* What has been recorded goes; the stream must be gone. */
void dgram_double_release(struct dgram_double *);

#endif
