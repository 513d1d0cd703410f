/*
 * The rules of life: when our half closes, when the conversation is over, and
 * with which status. A table of states and events without a socket, a clock or
 * a descriptor, so that it can be read, and tested, whole.
 *
 * Three things have a state:
 *
 *	input	FLOWING --> ENDED	stdin, or the messages of --send
 *		QUIET			stdin that is closed or /dev/null
 *	ours	OPEN --> CLOSING --> CLOSED	our half of the connection
 *		   \________\______> LOST	nothing more can be sent
 *	theirs	OPEN --> CLOSED		the peer's half
 *
 * and what happens changes them:
 *
 *	event		input	ours	theirs	then
 *	(begin)		QUIET	OPEN	OPEN	wait for the peer (-q)
 *	INPUT_END	FLOWING	OPEN	OPEN	close our half; with stay: wait
 *			FLOWING	OPEN	CLOSED	the same; with stay: over, 0
 *	DRAINED		any	CLOSING	OPEN	CLOSED; wait for the peer (-q)
 *			any	CLOSING	CLOSED	over, 0
 *			no more	OPEN	CLOSED	over, 0
 *			no more	OPEN	OPEN	wait for the peer
 *	PEER_CLOSED	any	CLOSED	-	over, 0
 *			any	LOST	-	over, 6
 *			FLOWING	OPEN	-	linger for what stdin brings
 *			no more	OPEN	-	over, 0 once nothing is queued
 *	LINGERED	FLOWING	any	CLOSED	over, 6 (0 if nobody minds)
 *	SEND_FAILED	any	any	OPEN	LOST; read what is still to come
 *			any	any	CLOSED	over, 6 (and if it was ENOUGH)
 *	QUIT		any	any	any	over, 0	(-q has run out)
 *	ENOUGH		any	any	any	over, 0 once nothing is queued
 *
 * Datagrams have no end that anybody could see: there the peer's half never
 * closes, and that ours does is nothing on the wire but the moment from which
 * -q counts, which is then always given. A server of them stays, so that only
 * ENOUGH, a clock or a signal ends it.
 */
#ifndef TALK_LIFE_H
#define TALK_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum life_input {
	LIFE_FLOWING,
	LIFE_ENDED,
	LIFE_QUIET,
};

enum life_ours {
	LIFE_OPEN,
	LIFE_CLOSING,
	LIFE_CLOSED,
	LIFE_LOST,
};

enum life_event {
	LIFE_INPUT_END,
	LIFE_DRAINED, /* nothing is queued; when closing: and it is done */
	LIFE_PEER_CLOSED,
	LIFE_LINGERED,
	LIFE_SEND_FAILED,
	LIFE_QUIT,
	LIFE_ENOUGH, /* --count is reached */
};

/* What is to be done; bits. */
enum life_do {
	LIFE_DO_NOTHING = 0,
	LIFE_DO_SHUT = 1,   /* close our half when all is sent */
	LIFE_DO_LINGER = 2, /* start, or start again, the clock of --linger */
	LIFE_DO_WAIT = 4,   /* start the clock of -q */
	LIFE_DO_END = 8,    /* it is over; life.status says how */
};

struct life {
	/* Rules; set before the first event. */
	bool stay : 1; /* --stay: our half does not close with the input */
	bool half_quiet : 1; /* -N: it closes also where the input is quiet */
	bool unminded : 1; /* the input is a terminal's or --send's: that it had
			      not ended when the peer did is no failure */

	bool theirs_closed : 1;
	bool enough : 1;
	bool queued : 1;    /* of ours, not yet sent: the owner keeps it so */
	unsigned input : 2; /* enum life_input */
	unsigned ours : 2;  /* enum life_ours */
	uint8_t status;	    /* enum status */
};

/* quiet: the input has nothing to say. Returns what to do at once. */
unsigned life_begin(struct life *, bool quiet);

unsigned life_step(struct life *, enum life_event);

#endif
