/*
 * The frames of a stream, for people who read what was captured: a line for
 * each message says where its frame begins, what its header is and what it
 * carries.
 *
 * It looks over a decoder's shoulder: a message's slice lies in the bytes that
 * the decoder was given, so what stands between the frame before it and the
 * slice is the header.
 */
#ifndef TALK_FRAMES_H
#define TALK_FRAMES_H

#include <stdbool.h>

#include "base/slice.h"
#include "codec/framing.h"

#define FRAMES_STEP 512 /* the least room in which frames_put gets on */

struct frames {
	const struct framing *fr;
	uint64_t count;	   /* frames begun, the current one included */
	uint64_t offset;   /* in the stream, of `at` */
	const uint8_t *at; /* where the next frame begins */
	int stage;	   /* of the current frame */
	size_t pos;	   /* how much of its payload has been written */
};

/* A stream that begins now. The framing must outlive it. */
void frames_init(struct frames *, const struct framing *);

/* What a decoder is about to be given: its bytes, and its offset. */
void frames_given(struct frames *, struct slice in, uint64_t offset);

/*
 * Writes batch->v[*next...], which the decoder made of these bytes, behind
 * out->p[out->len), moving both:
 *
 *	1	offset 0	header "11\r\n"	11 bytes	"Hello World"
 *
 * True once it is all there; otherwise empty the buffer and come again.
 */
bool frames_put(
    struct frames *, const struct batch *, size_t *next, struct span *out);

#endif
