/*
 * --dump: what really passes on the wire, for people who debug a peer that
 * they cannot see into. Bytes are shown as they pass, sixteen in a line:
 *
 * > 00000000  31 30 0d 0a|48 65 6c 6c  6f 20 57 6f 72 6c     10..Hello Worl
 * > message 1 at 0: header 4 bytes "10\r\n", payload 10 bytes; 1 write (1)
 *
 * with the direction and the offset in front. Each message begins a line of
 * its own, and a mark before a byte says where in it something begins:
 *
 *	|	the payload behind a header, the trailer behind a payload
 *	?	what may be a trailer, as far as it has come
 *	!	what is no part of any message
 *
 * A message that is complete has a line that says what it was made of and
 * which reads, or writes, carried it. One that never will be has one too.
 *
 * Nothing of what passes is kept but a header.
 */
#ifndef TALK_DUMP_H
#define TALK_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "codec/scan.h"

/* The longest line, its colours included. */
#define DUMP_LINE_MAX 1024

/* One direction. */
struct dump_side {
	char arrow; /* '<' what comes, '>' what goes */
	struct framing fr;
	struct scan scan;
	uint64_t first, last; /* reads or writes that carried the message */
	char kind;	      /* of the byte shown last, of this message */
	bool said;	      /* how it ended has been said */
	bool changes; /* from byte change_at on it is framed by `next` */
	struct framing next;
	uint64_t change_at;
};

struct dump {
	struct dump_side in, out;
	uint64_t reads, writes; /* whoever calls it may count them here */
	bool color;
	/* A line, without a newline: ASCII, and colours of ours. */
	void (*show)(void *owner, const char *line);
	void *owner;
};

void dump_init(struct dump *, const struct framing *in,
    const struct framing *out, bool color,
    void (*show)(void *owner, const char *line), void *owner);

/*
 * Bytes have passed: what one read brought, or what one write took, or a part
 * of that; nothing, if it was an empty packet. `number` counts reads, or
 * writes, from 1.
 */
void dump_bytes(struct dump *, bool out, struct slice bytes, uint64_t number);

/*
 * Another framing, from byte `at` of that direction on, or from now on if that
 * has passed; what is unfinished then stays so.
 */
void dump_change(struct dump *, bool out, const struct framing *, uint64_t at);

/*
 * No more passes that way. `closed`: in order, which completes a message in
 * some modes. What is said once is not said again.
 */
void dump_end(struct dump *, bool out, bool closed);

#endif
