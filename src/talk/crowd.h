/*
 * Who is there: the members of a server, found by the number of their channel,
 * or one after the other.
 *
 * Numbers are given once and in order, so they spread over the buckets by
 * themselves. It knows nothing of a member but what is here.
 */
#ifndef TALK_CROWD_H
#define TALK_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In each member. */
struct crowd_link {
	uint64_t number; /* set by the owner before crowd_add; not 0 */
	struct crowd_link *next;
	size_t at; /* in crowd.v */
};

/* Begins as zeros. */
struct crowd {
	struct crowd_link **v; /* the n who are there, in no order */
	size_t n;
	size_t cap;
	struct crowd_link **bucket;
	size_t buckets; /* a power of two, or 0 */
};

/* False: out of memory. */
bool crowd_add(struct crowd *, struct crowd_link *);

/* The last of v takes its place there. */
void crowd_remove(struct crowd *, struct crowd_link *);

/* NULL: it is not there, or no longer. */
struct crowd_link *crowd_find(const struct crowd *, uint64_t number);

void crowd_release(struct crowd *);

#endif
