/*
 * What each byte of a stream is, told as the bytes pass: header, payload or
 * trailer, and where messages end.
 *
 * A scan looks on. Unlike a decoder it keeps no payload and wants no byte
 * twice, so it can watch a message of any size go by in any pieces; it finds
 * the messages that decode() would find, and refuses what decode() would
 * refuse.
 *
 *	scan_take() --+--> ends: a message is complete, see `last`
 *	              +--> otherwise: inside of one, or between two
 *	              +--> refused: `fault`, and everything behind it is that
 *
 * What one read brought is given whole, as the rest of it each time, since
 * there are modes whose messages end where a read does.
 */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H

#include "codec/decode.h"

/* What the bytes that were taken are, in this order. */
struct scan_piece {
	size_t head;
	size_t payload;
	size_t maybe; /* payload, or the beginning of a tag: more bytes tell */
	size_t tail;  /* the tag, or the trailer that goes with a length */
	size_t refused;
	bool ends;
};

/* One message, as far as it has been seen. */
struct scan_message {
	uint64_t number; /* counted from 1 */
	uint64_t start;	 /* in the stream */
	uint8_t head[FRAMING_WIDTH_MAX];
	size_t head_len;
	bool has_head;	  /* the header is whole */
	uint64_t payload; /* bytes of it; what may be a tag is among them */
	size_t tail;
	uint64_t need; /* of payload and tail together; 0: nobody knows */
};

struct scan {
	uint64_t offset; /* in the stream, of the next byte */
	bool inside;	 /* of the message `last` */
	bool refused;
	struct scan_message last; /* the one begun last */
	struct decode_fault fault;

	/* The scan's own. */
	const struct framing *fr;
	struct decoder header;		     /* reads headers alone */
	uint64_t size;			     /* bytes behind the header */
	size_t matched;			     /* bytes of the tag */
	uint8_t border[FRAMING_TAG_MAX + 1]; /* of each beginning of it */
	size_t odd;	  /* of a trailer: first wrong byte */
	uint64_t counted; /* count=chars: so far */
	uint8_t part[4];  /* of a code point */
	size_t part_len;
	uint8_t past[FRAMING_TAG_MAX]; /* the bytes counted last, a ring */
	size_t behind; /* bytes that have passed and are the next message's */
};

/* The framing must outlive the scan. Nothing to release. */
void scan_init(struct scan *, const struct framing *);

/*
 * Takes bytes from the front of `in`, to the end of a message or to that of
 * `in`, where the read ends, and says what they are. Returns how many; 0 with
 * `ends` where a message turned out to have ended before.
 */
size_t scan_take(struct scan *, struct slice in, struct scan_piece *);

/*
 * The stream is closed here. True: that completes a message, `last`. It may
 * also be what shows that a message is refused (`refused`, with `fault`). And
 * if `behind` is not 0 then, which count=chars alone brings about, so many
 * bytes stand behind the last message that are none.
 */
bool scan_end(struct scan *);

#endif
