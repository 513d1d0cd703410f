/*
 * Between the parts of a stream of datagrams, and for nobody else:
 * stream_dgram.c opens and closes it, dgram_receive.c and dgram_send.c move
 * what it carries.
 */
#ifndef NET_DGRAM_PARTS_H
#define NET_DGRAM_PARTS_H

#include "net/ready.h"
#include "net/stream.h"

#define DGRAM_CALLS_MAX 16 /* messages of one recvmmsg or sendmmsg */

#ifndef HAVE_RECVMMSG
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};
#endif

/* What stands beside a message: the local address, the length of segments. */
struct dgram_control {
	_Alignas(struct cmsghdr) uint8_t room[CMSG_SPACE(
						  sizeof(struct in6_pktinfo)) +
	    CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct stream_dgram {
	struct stream_datagrams base;
	struct ready ready;
	struct stream_peer peer;
	bool is_unix;
	bool connected; /* the kernel knows the peer */
	bool alone;	/* there is one peer, and will be no other */
	bool plain;
	size_t segment_max; /* the longest that may be in a run; 0: none */
	uv_timer_t again;
	int open; /* of the socket and the timer */
};

static inline struct stream_dgram *
dgram_of(const struct stream *s)
{
	return (struct stream_dgram *)(uintptr_t)s;
}

ssize_t dgram_receive(
    struct stream *, void *buf, size_t len, struct stream_run *, int n);
ssize_t dgram_send(struct stream *, const struct slice *, size_t n);

/* Tells the errors that wait in the queue; false: there were none. */
bool dgram_take_errors(struct stream_dgram *);

#endif
