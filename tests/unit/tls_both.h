/*
 * A client and a server of TLS in one process, with nothing between them but
 * memory: for tests of the engine. Plans are the test's own.
 */
#ifndef UNIT_TLS_BOTH_H
#define UNIT_TLS_BOTH_H

#include "net/tls.h"

struct tls_side {
	struct tls_config *config;
	struct tls_engine *engine;
	struct tls_wire wire;
	size_t at;	  /* of wire.out: what the other side has had */
	int shaken;	  /* what the handshake has said last */
	struct fail fail; /* of config_new, engine_new or the engine */
	struct tls_about about;
};

struct tls_both {
	struct tls_side client, server;
};

/* Both configs; false: one of them was refused, and its fail says why. */
bool tls_both_config(struct tls_both *, const struct tls_plan *client,
    const struct tls_plan *server);

/* Both engines; the host is the client's, NULL: none. */
bool tls_both_begin(struct tls_both *, const char *host);

/*
 * Hands up to n bytes from one to the other, and lets it go on with its
 * handshake; how many.
 */
size_t tls_both_hand(struct tls_side *from, struct tls_side *to, size_t n);

/* Until nothing moves any more, with n bytes at a time. True: both are done. */
bool tls_both_shake(struct tls_both *, size_t n);

/* All of it is written by one and read by the other. */
bool tls_both_say(struct tls_side *from, struct tls_side *to, const void *p,
    size_t len, size_t step);

/* The engines go, or all. */
void tls_both_end(struct tls_both *);
void tls_both_release(struct tls_both *);

#endif
