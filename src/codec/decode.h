/*
 * From bytes to messages.
 *
 * decode() is given what has arrived and not yet been consumed, and puts a
 * slice into the batch for each message that is complete. The slices point
 * into the caller's bytes. It consumes whole messages only: the bytes of an
 * unfinished one stay with the caller, who calls again with the same bytes
 * and more behind them; what was looked at once is not looked at again. So the
 * first byte given always stands at a message's boundary, and memory follows
 * what has arrived and never what a header announces.
 *
 *	            +--------- more bytes --------+
 *	            v                             |
 *	decode() ---+--> DECODE_MORE -------------+---> decode_end()
 *	            +--> DECODE_FULL --> use the batch, call with the rest
 *	            +--> DECODE_BAD ---> fault, and no further call
 *
 * FRAMING_RAW and FRAMING_END_TAG_BUFFER depend on what one read brought, so
 * for them each call must end where a read ended.
 */
#ifndef CODEC_DECODE_H
#define CODEC_DECODE_H

#include "base/slice.h"
#include "codec/framing.h"

enum decode_result {
	DECODE_MORE, /* all that is complete is in the batch */
	DECODE_FULL, /* the batch is full; use it and come again */
	DECODE_BAD,  /* what follows the batch is no message: fault */
	DECODE_CUT,  /* decode_end alone: the stream ends inside a message */
};

enum decode_error {
	DECODE_OK = 0,
	DECODE_ERR_LENGTH,  /* a decimal digit was expected */
	DECODE_ERR_HEADER,  /* digits, and then not what ends them */
	DECODE_ERR_DIGITS,  /* more digits than any length has */
	DECODE_ERR_ZERO,    /* a netstring's length begins with a zero */
	DECODE_ERR_BLANK,   /* a fixed header without a digit */
	DECODE_ERR_LONG,    /* over the framing's maximum */
	DECODE_ERR_TRAILER, /* no comma, or not the tail, behind a payload */
	DECODE_ERR_TAIL,    /* a length too short for the tail it counts */
	DECODE_ERR_CUT,	    /* the end came first: have, need */
};

struct decode_fault {
	enum decode_error code;
	uint64_t offset;    /* in the stream, of the first byte refused */
	uint64_t start;	    /* in the stream, of the message it belongs to */
	struct slice look;  /* the bytes from there; DECODE_ERR_LONG: the
			      message's; valid as long as the caller's */
	uint64_t announced; /* ERR_LONG, ERR_TAIL, ERR_CUT: the length, in
			       the header's units; 0 if none was read */
	uint64_t have;	    /* ERR_CUT: of the header, or of the payload */
	uint64_t need;	    /* ERR_CUT: 0 where nobody can know */
	bool in_header;	    /* ERR_CUT */
};

struct decoder {
	const struct framing *fr;
	uint64_t offset;    /* in the stream, of the next call's first byte */
	uint64_t messages;  /* delivered so far */
	size_t scanned;	    /* bytes of the unfinished message looked at */
	size_t head;	    /* length of its header, once that is whole */
	uint64_t announced; /* what the header said, in its units */
	uint64_t counted;   /* of these, the ones that were looked at */
	struct decode_fault fault;
};

/* The framing must outlive the decoder. Nothing to release. */
void decoder_init(struct decoder *, const struct framing *);

/*
 * *used is what was consumed; the batch is filled from batch->n on. A
 * decoder that has said DECODE_BAD has its reason in `fault`.
 */
enum decode_result decode(
    struct decoder *, struct slice in, struct batch *out, size_t *used);

/*
 * The stream has ended, and `in` is what the last call left. Delivers the
 * last message where the mode allows one without an end, so the batch must
 * have room for one. DECODE_MORE: the end is in order. DECODE_CUT: it is not;
 * `fault` has the figures.
 */
enum decode_result decode_end(
    struct decoder *, struct slice in, struct batch *out);

/*
 * How many bytes, from the first one that was not consumed, the unfinished
 * message needs as far as one can tell now; at least one more than there are
 * if there is an unfinished one.
 */
uint64_t decode_need(const struct decoder *, size_t have);

#endif
