/*
 * A listener: one socket that waits for clients, whatever it listens on.
 *
 * A name is resolved by the caller. Several clients are accepted in one turn;
 * one that is gone again is passed over. When descriptors or memory run out,
 * nobody is turned away: who comes waits in the backlog, the owner is told, and
 * the listener tries again by itself, a little later and without spinning.
 *
 *	PAUSED <--> ACCEPTING --> STARVED --> ACCEPTING
 *	                  \---> PAUSED for good (on_failed)
 */
#ifndef CHAN_LISTEN_H
#define CHAN_LISTEN_H

#include <uv.h>

#include "base/fd.h"
#include "net/addr.h"
#include "net/resolve.h"
#include "net/dgram.h"
#include "net/sock.h"

struct listen_plan {
	struct addr at;
	struct sock_opts opts;
	struct dgram_opts dgram;
	enum resolve_family family;
	bool seqpacket;
	bool reuse_port;
	bool defer_accept; /* TCP: only who has said something has come */
	mode_t mode;	   /* of a Unix socket's file; (mode_t)-1: umask's */
	int backlog;
};

struct listener {
	uv_loop_t *loop;
	/*
	 * fd is the owner's: non-blocking, close-on-exec. The address is the
	 * client's, who may have gone again.
	 */
	void (*on_accept)(
	    struct listener *, int fd, const struct sockaddr *, socklen_t);
	/*
	 * Clients wait, since something is short (descriptors, memory). Told
	 * at most once a second, however often it was tried.
	 */
	void (*on_short)(struct listener *, int err);
	/* The socket is none that listens any more; it is paused. */
	void (*on_failed)(struct listener *, int err);
	void *owner;
	char name[ADDR_TEXT_MAX]; /* numeric, as a client would type it */

	/* The listener's own. */
	struct fd fd;
	bool borrowed;
	bool open;
	bool paused;  /* by its owner */
	bool starved; /* until `retry` has run out */
	uint64_t told_ms;
	struct sock_file file;
	uv_poll_t poll;
	uv_timer_t retry;
};

/*
 * Listens; nothing is accepted before listener_resume. `where` is the numeric
 * address of a TCP host, NULL if none was given. 0, or -1 and a fail.
 */
int listener_open(struct listener *, uv_loop_t *, const struct listen_plan *,
    const union resolve_sockaddr *where, struct fail *);

/*
 * The same for datagrams, of which nobody has to be accepted: the descriptor,
 * which is the caller's. All that the listener has to do with it is its name
 * and its file. -1 and a fail.
 */
int listener_bind(struct listener *, const struct listen_plan *,
    const union resolve_sockaddr *where, struct fail *);

/* Gives it the name of a socket of datagrams. */
void listener_name_datagrams(struct listener *, int fd);

/*
 * Takes over a socket that somebody else opened: a listening one is used as it
 * is, its flags are never changed and it is not closed. 1: it is a connected
 * one, which the caller takes as its only client. -1 and a fail.
 */
int listener_adopt(struct listener *, uv_loop_t *, int fd, struct fail *);

/* Accepts from now on; where something was short it tries again at once. */
void listener_resume(struct listener *);
void listener_pause(struct listener *);

/*
 * There may be room again, since a descriptor was closed: if something was
 * short, it tries again at once.
 */
void listener_retry(struct listener *);

/*
 * Stops, and removes the file of a Unix socket. May be called twice; libuv
 * looks at the struct until the turn is over.
 */
void listener_close(struct listener *);

#endif
