/*
 * The standard server: many clients at one or more places, each of them a
 * conversation (talk.h) with a channel of its own, until it is told to stop.
 *
 *	door, peers --> member (talk) --> outlet, which all share
 *	feed, which is for all, some or one --> news (rings) --> members
 *
 * What is parted here is who does what; the structs are in many_parts.h.
 *
 *	many.c		the run: its beginning, its signals, its end
 *	many_member.c	one member: how it comes, how it goes
 *	many_say.c	what the input says, and to whom
 *	many_news.c	what is said to many: encoded once, and who is too slow
 *	many_relay.c	what one says to all the others
 *	many_sweep.c	clocks that all members share; memory
 *	many_table.c	who is there, in words and as JSON lines
 */
#ifndef TALK_MANY_H
#define TALK_MANY_H

#include "talk/door.h"
#include "talk/talk.h"

enum many_slow {
	MANY_CLOSE, /* who does not take what is said is closed */
	MANY_DROP,  /* ... misses some of it */
	MANY_WAIT,  /* ... is waited for */
};

struct many_plan {
	/* What is spoken at each place, in the order of the door's. */
	const struct talk_plan *talks;
	bool relay;	       /* what one says is said to all others */
	bool each;	       /* the handler is one process for all channels */
	uint64_t handlers_max; /* 0: as many as there are clients */
	enum many_slow slow;
	size_t queue_max;	 /* of a member, where it is too slow */
	size_t memory_max;	 /* of all queues and unfinished messages */
	size_t peers_max;	 /* of a place of datagrams */
	uint64_t idle_ms;	 /* 0: none, of this and the next two */
	uint64_t message_ms;	 /* what a message that has begun may take */
	uint64_t first_ms;	 /* and until the first one is there */
	uint64_t interval_ms;	 /* between messages of the input */
	uint64_t grace_ms;	 /* to take what is queued when we stop */
	const char *status_path; /* --status-socket, or NULL */
};

#endif
