/*
 * Who speaks on one socket of datagrams: found by the address that a datagram
 * came from and the one of ours that it asked.
 *
 * IPv4 mapped into IPv6 is IPv4. The two addresses are one key, as a peer that
 * asks two addresses of ours expects an answer from each. Where a datagram goes
 * is chosen by whoever sends it, so the hash has a secret: nobody outside can
 * make many fall on one another.
 */
#ifndef NET_PEER_TABLE_H
#define NET_PEER_TABLE_H

#include "net/stream.h"

#define PEER_WORDS 30 /* of 32 bits: an address as it is compared */

/* Of whoever is in the table, and embedded there. */
struct peer_node {
	struct peer_node *next;
	struct stream_peer who;
	uint32_t hash; /* the table's own */
};

struct peer_table {
	struct peer_node **slots;
	size_t slots_n; /* a power of two, or 0; two nodes for each */
	size_t n;
	uint64_t secret[PEER_WORDS + 1];
};

void peer_table_init(struct peer_table *);

/* The nodes are their owners'. */
void peer_table_release(struct peer_table *);

/* NULL: he is not there. */
struct peer_node *peer_table_find(
    const struct peer_table *, const struct stream_peer *);

/*
 * The next one behind `after` (NULL: the first) who has the same address,
 * whichever one of ours he asks; NULL: no more. Valid until something changes.
 */
struct peer_node *peer_table_next(const struct peer_table *,
    const struct peer_node *after, const struct stream_peer *);

/* node->who is not there yet. 0, or -1: out of memory. */
int peer_table_add(struct peer_table *, struct peer_node *);
void peer_table_remove(struct peer_table *, struct peer_node *);

#endif
