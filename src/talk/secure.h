/*
 * TLS, as a run has it: what was asked for (net/tls.h) at work, what a user is
 * told of it, and what programs are.
 *
 * All connections of a run share it, so that a client that connects again
 * resumes its session, and a server reads its certificates once.
 */
#ifndef TALK_SECURE_H
#define TALK_SECURE_H

#include "base/log.h"
#include "net/stream_tls.h"

/* How long the peer may take for its part of a handshake. */
#define SECURE_HANDSHAKE_MS 10000

struct secure_plan {
	const struct tls_face *face; /* NULL: nothing is secured */
	enum tls_role role;
	struct tls_plan tls;
	uint64_t handshake_ms; /* not 0 */
	/* The client's: as its server's certificate has it; NULL: none. */
	const char *host;
};

struct secure {
	struct tls *tls; /* NULL: nothing is secured */
	const struct secure_plan *plan;
	struct tls_about about;
	/* Says a line that is no error of the run; the owner's. */
	void (*complain)(const struct fail *);
};

/*
 * Reads all files, and perhaps asks for pass phrases: before there is anything
 * that must not wait. A certificate that was made for this run is told at
 * once, as clients need it. 0, or -1 and a fail.
 */
int secure_init(struct secure *, const struct secure_plan *,
    void (*complain)(const struct fail *), struct fail *);

/*
 * All files are read again, for those who come from now on, which -v says. If
 * anything is wrong with them, that is told, and all stays as it was.
 */
void secure_reload(struct secure *, const struct log *);

/* All streams are gone. May be called of zeros, and twice. */
void secure_release(struct secure *);

/*
 * -v: how the stream of this conversation is secured, in one line; nothing of
 * one that is not. A stream may be NULL; 0: it is no conversation.
 */
void secure_say(const struct log *, uint64_t number, const char *name,
    const struct stream *);

#endif
