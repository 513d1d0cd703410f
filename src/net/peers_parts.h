/*
 * Between the parts of the peers of a socket, and for nobody else: peers.c
 * reads the socket and has the set of them, peer.c is the stream of one.
 */
#ifndef NET_PEERS_PARTS_H
#define NET_PEERS_PARTS_H

#include "net/peers.h"

struct kept;

struct peer {
	struct stream_datagrams base;
	struct peers *peers;
	struct peer_node node;
	uint16_t lost; /* errno of what is to be told; 0: nothing */
	uint8_t want;
	bool is_due : 1;
	bool closed : 1;
	struct kept *last;     /* of those not taken; NULL: there are none */
	TAILQ_ENTRY(peer) due; /* or closed */
	TAILQ_ENTRY(peer) writer;
};

static inline bool
peer_is_ip(const struct stream_peer *who)
{
	return who->at.sa.sa_family == AF_INET ||
	    who->at.sa.sa_family == AF_INET6;
}

/* So many datagrams are a run. */
static inline size_t
peer_datagrams(size_t bytes, size_t each)
{
	return each == 0 ? 1 : (bytes + each - 1) / each;
}

/* One who is in the table; NULL: out of memory. */
struct peer *peer_new(struct peers *, const struct stream_peer *);

/* Keeps a run that he did not take; returns how many datagrams are lost. */
size_t peer_keep(struct peer *, const struct stream_run *);

/* One of those sent to him is lost: he is told in the next turn. */
void peer_set_lost(struct peer *, int err);

/* Tells what there is to tell though the socket says nothing. */
void peer_tell(struct peer *);

/* Tells that the socket can be written; he goes behind those who wait, too. */
void peer_tell_writable(struct peer *);

/* The next turn comes without sleep. */
void peers_wake(struct peers *);

/* What the socket is to wait for. */
void peers_set_want(struct peers *);

#endif
