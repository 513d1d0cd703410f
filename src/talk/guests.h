/*
 * How many clients there are from where: a tree of the addresses that have
 * some now, and of no others.
 *
 * An address of IPv4 is one, also where it is mapped into IPv6. Of IPv6 it is
 * the network of 64 bits that counts, for whoever has one of its addresses
 * has all of them; only on a link (fe80::) all who are there share one, so
 * there, each address counts by itself.
 */
#ifndef TALK_GUESTS_H
#define TALK_GUESTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/tree.h>

struct guest {
	RB_ENTRY(guest) link;
	uint8_t address[16];
	unsigned n; /* clients that are there now */
};

/* Begins as zeros. */
RB_HEAD(guests, guest);

/*
 * One more from there. NULL: it has no IP address, or there is no memory, and
 * it is not counted.
 */
struct guest *guests_enter(struct guests *, const struct sockaddr *);

/* One less; NULL is nobody. */
void guests_leave(struct guests *, struct guest *);

void guests_release(struct guests *);

#endif
