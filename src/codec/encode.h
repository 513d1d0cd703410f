/*
 * From messages to bytes.
 *
 * encode() fills one buffer from a batch: small messages are copied, so that
 * many of them leave in one write. A message of ENCODE_LARGE_MIN bytes or
 * more is not copied: encode_wrap() gives what stands before and behind it,
 * and the caller writes the three from where they lie.
 */
#ifndef CODEC_ENCODE_H
#define CODEC_ENCODE_H

#include "base/slice.h"
#include "codec/framing.h"

#define ENCODE_LARGE_MIN 16384
#define ENCODE_HEAD_MAX FRAMING_WIDTH_MAX

enum encode_result {
	ENCODE_OK,    /* the whole batch is in the buffer */
	ENCODE_FULL,  /* no room for batch->v[*next]; empty it, come again */
	ENCODE_LARGE, /* batch->v[*next] is one for encode_wrap */
	ENCODE_BAD,   /* batch->v[*next] cannot be sent: fault */
};

enum encode_error {
	ENCODE_SENDABLE = 0,
	ENCODE_ERR_LONG,   /* over the framing's maximum */
	ENCODE_ERR_HEADER, /* longer than the header can say */
	ENCODE_ERR_TAG,	   /* holds the tag; the peer would see two messages */
	ENCODE_ERR_UNITS,  /* an odd number of bytes and count=utf16 */
	ENCODE_ERR_SECOND, /* until-close carries one message */
};

struct encode_fault {
	enum encode_error code;
	uint64_t message;  /* which one, counted from 1 */
	size_t offset;	   /* ERR_TAG: where in the message */
	size_t len;	   /* of the message */
	uint64_t limit;	   /* ERR_LONG, ERR_HEADER: in bytes */
	struct slice look; /* the message, or ERR_TAG: from the tag on */
};

struct encoder {
	const struct framing *fr;
	uint64_t messages; /* encoded so far */
	struct encode_fault fault;
};

/* What stands around one payload; tail points into the framing. */
struct encode_frame {
	uint8_t head[ENCODE_HEAD_MAX];
	size_t head_len;
	struct slice tail;
};

/* The framing must outlive the encoder. Nothing to release. */
void encoder_init(struct encoder *, const struct framing *);

/*
 * Encodes batch->v[*next...] behind out->p[out->len), moving both. A buffer of
 * ENCODE_LARGE_MIN + ENCODE_HEAD_MAX + FRAMING_TAG_MAX bytes takes any message
 * that is not for encode_wrap.
 */
enum encode_result encode(struct encoder *, const struct batch *batch,
    size_t *next, struct span *out);

/* One payload of any size: ENCODE_OK or ENCODE_BAD. */
enum encode_result encode_wrap(
    struct encoder *, struct slice payload, struct encode_frame *frame);

#endif
