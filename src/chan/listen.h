/*
 * A listener: one socket that waits for clients, whatever it listens on.
 *
 * A name is resolved by the caller. Several clients are accepted in one turn;
 * when descriptors run out it pauses by itself, says so to the owner, and goes
 * on when listener_resume is called.
 */
#ifndef CHAN_LISTEN_H
#define CHAN_LISTEN_H

#include <uv.h>

#include "net/addr.h"
#include "net/resolve.h"
#include "net/sock.h"

struct listen_plan {
	struct addr at;
	struct sock_opts opts;
	enum resolve_family family;
	bool seqpacket;
	bool reuse_port;
	mode_t mode; /* of a Unix socket's file; (mode_t)-1: umask's */
	int backlog;
};

struct listener {
	uv_loop_t *loop;
	/* fd is the owner's; it is non-blocking unless it is borrowed. */
	void (*on_accept)(struct listener *, int fd);
	/* accept failed for want of something; it is paused. */
	void (*on_short)(struct listener *, int err);
	void *owner;
	char name[ADDR_TEXT_MAX]; /* numeric, as a client would type it */

	/* The listener's own. */
	int fd;
	bool borrowed;
	bool open;
	bool paused;
	struct sock_file file;
	uv_poll_t poll;
};

/*
 * Listens; nothing is accepted before listener_resume. `where` is the numeric
 * address of a TCP host, NULL if none was given. 0, or -1 and a fail.
 */
int listener_open(struct listener *, uv_loop_t *, const struct listen_plan *,
    const union resolve_sockaddr *where, struct fail *);

/*
 * Takes over a socket that somebody else opened: a listening one is used as it
 * is. 1: it is a connected one, which the caller takes as its only client.
 */
int listener_adopt(struct listener *, uv_loop_t *, int fd, struct fail *);

void listener_resume(struct listener *);
void listener_pause(struct listener *);

/* Stops, and removes the file of a Unix socket. May be called twice. */
void listener_close(struct listener *);

#endif
