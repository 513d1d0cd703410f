/*
 * Many peers on one socket of datagrams, a stream for each.
 *
 *	socket --> on_peer, once for each who is not known yet
 *	       \-> the stream of each: on_ready, stream_receive
 *	stream_send of each --> socket
 *
 * What one read of the socket brought goes to all whom it is from before the
 * next read, so each hears in its order and none waits for another. A peer
 * whose stream does not want to read, or does not take what there is, keeps up
 * to PEERS_KEPT of it; what is more is lost, as in a socket of its own. Where
 * all have to wait for one thing (a full stdout), peers_pause leaves what comes
 * to the kernel instead.
 *
 * A peer is known by its address and by the address of ours that it asked, from
 * which it is answered; IPv4 mapped into IPv6 is IPv4. Unix peers without an
 * address are one peer, to whom nothing can be sent: each send is told by
 * on_undelivered, EDESTADDRREQ.
 *
 * The streams are as those of stream_dgram_new, except that what befalls a
 * datagram is told from the loop, never in a call: the last error of a turn,
 * and an ICMP error to all streams of its address, since it does not say which
 * address of ours was meant. A stream that is idle takes less than 300 bytes.
 *
 * A callback may do with any of these streams what it likes, close it included,
 * and with the whole.
 */
#ifndef NET_PEERS_H
#define NET_PEERS_H

#include <sys/queue.h>

#include "net/peer_table.h"

#define PEERS_RUNS 16
#define PEERS_KEPT (64u << 10) /* of a peer; but one datagram always */
#define PEERS_TELL_MS 1000

enum peers_loss {
	PEERS_MANY, /* of one for whom there was no place */
	PEERS_SLOW, /* of one who did not take what had come before */
	PEERS_LOSSES,
};

struct peers;
struct peer;

struct peers_events {
	/*
	 * Somebody speaks who is not known: his stream, stream->peer says who
	 * he is. true: the stream is the callee's, who closes it; what it
	 * needs may be set later (before the first stream_want), and what has
	 * come is kept so long. false: this datagram is dropped, the stream is
	 * gone, and the next datagram of this peer is asked about again.
	 */
	bool (*on_peer)(struct peers *, struct stream *);
	/*
	 * n datagrams are lost since this was last told, the last of them from
	 * this one. At most once in PEERS_TELL_MS for each enum peers_loss;
	 * what is left of that is told when somebody's stream ends later, or
	 * with peers_close.
	 */
	void (*on_lost)(struct peers *, enum peers_loss,
	    const struct stream_peer *, uint64_t n);
	/*
	 * The socket cannot be read any more: peers->err. The streams hear
	 * nothing from now on.
	 */
	void (*on_failed)(struct peers *);
	/* The last call: the socket is closed. */
	void (*on_closed)(struct peers *);
};

struct peers {
	const struct peers_events *on;
	void *owner;
	size_t max;
	int err;
	uint64_t lost[PEERS_LOSSES]; /* datagrams */

	/* Of its own. */
	struct stream *socket;
	struct peer_table table;
	uint64_t told[PEERS_LOSSES], tell_at_ms[PEERS_LOSSES];
	struct stream_peer loser[PEERS_LOSSES]; /* the last one */
	uint8_t *buf;
	/* What the last read brought, and whose it is; given up to run_at. */
	struct stream_run runs[PEERS_RUNS];
	struct peer *to[PEERS_RUNS];
	size_t run_at, runs_n;
	TAILQ_HEAD(, peer) due; /* who are told something in the next turn */
	TAILQ_HEAD(, peer) writers;
	TAILQ_HEAD(, peer) closed;
	size_t due_n, writers_n;
	bool full; /* the socket takes no more now */
	bool paused;
	bool closing;
	bool over; /* the socket is being closed */
	uv_idle_t idle;
	int open; /* of the socket and the idle handle */
};

/*
 * Takes a stream of datagrams that is bound and goes to nobody alone, and
 * begins to read. At most max peers are there at a time.
 */
void peers_open(struct peers *, uv_loop_t *, struct stream *socket, size_t max,
    const struct peers_events *, void *owner);

/* How many there are. */
static inline size_t
peers_count(const struct peers *p)
{
	return p->table.n;
}

/*
 * The socket is not read until peers_resume. What one read had brought stays
 * where it is, so that nothing is lost for it.
 */
void peers_pause(struct peers *);
void peers_resume(struct peers *);

/*
 * Who is not known is not heard any more. When the last stream is closed, by
 * its owner, the socket is, and on_closed comes from the loop.
 */
void peers_close(struct peers *);

/* Has he an address? A Unix socket that is not bound has none. */
bool peers_can_answer(const struct stream_peer *);

#endif
