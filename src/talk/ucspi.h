/*
 * What a process is told of its connection, in its environment, under the
 * names that programs of this kind have had since ucspi-tcp and ucspi-unix:
 *
 *	PROTO	TCP, TCP6, UDP, UDP6 or UNIX, and with it in front of the rest:
 *	TCP	LOCALIP LOCALPORT REMOTEIP REMOTEPORT CONNNUM
 *	TCP6	these as for TCP, and again with TCP6 in front; INTERFACE
 *	UNIX	LOCALPATH REMOTEPID REMOTEEUID REMOTEEGID
 *
 * and of the conversation: WDSOCK_CHANNEL, WDSOCK_PEER, WDSOCK_MODE, and where
 * what goes has another mode than what comes, WDSOCK_MODE_OUT. If it is
 * secured, WDSOCK_TLS_VERSION and the others of tls_facts_pairs.
 */
#ifndef TALK_UCSPI_H
#define TALK_UCSPI_H

#include "codec/framing.h"
#include "net/forwarded.h"
#include "net/tls.h"

struct ucspi {
	int fd; /* the socket */
	/* Whose connection it is, and where to; NULL: as the socket has it. */
	const struct forwarded *forwarded;
	unsigned connnum; /* how many there are from this address, this too */
	const char *channel; /* NULL: it has none yet */
	const char *peer;
	const struct framing *in, *out;
	const struct tls_facts *tls; /* NULL: it is not secured */
};

/*
 * `inherited` and this behind it; what it says itself of a connection, or of
 * sockets that were passed to us, is left out, for it is not this one, and so
 * is the pass phrase in WDSOCK_TLS_PASS, for it is ours. One
 * piece of memory, to be freed, that refers to `inherited`; NULL and errno.
 */
char **ucspi_environment(const struct ucspi *, char *const inherited[]);

#endif
