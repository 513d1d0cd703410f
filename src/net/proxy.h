/*
 * The words that ask a proxy for a connection: SOCKS4 (with 4a), SOCKS5 and
 * HTTP CONNECT. Pure: bytes in, bytes out, no descriptor. The dialer writes
 * what `out` holds, feeds what comes back, and asks again.
 *
 *	proxy_start --> out to be written --> proxy_feed ... --> PROXY_OPEN
 *	                     ^                   |  |
 *	                     +--- PROXY_WRITE ---+  +--> PROXY_REFUSED
 *
 * Never reads beyond its own answer: what proxy_feed did not use belongs to
 * the conversation, or behind PROXY_WRITE to the proxy's next answer. What
 * comes of an answer does not depend on how it is cut into pieces.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "base/slice.h"

#define PROXY_OUT_MAX 2048
#define PROXY_IN_MAX 8192

enum proxy_kind {
	PROXY_NONE,
	PROXY_SOCKS4,
	PROXY_SOCKS5,
	PROXY_HTTP,
};

enum proxy_step {
	PROXY_MORE,    /* feed what comes next */
	PROXY_WRITE,   /* write `out`, then go on */
	PROXY_OPEN,    /* the peer is at the other end from here on */
	PROXY_REFUSED, /* fail says what the proxy answered */
};

struct proxy {
	enum proxy_kind kind;
	/* The caller's, who keeps the words until the end; NULL: none. */
	const char *user;
	const char *password;
	/*
	 * Of the peer, as typed: the proxy resolves it. An IPv6 address has no
	 * brackets. proxy_start puts localhost in place of an empty one: this
	 * is the proxy's machine.
	 */
	const char *host;
	uint16_t port;
	/* From here on the proxy's own; proxy_start sets them. */
	uint8_t out[PROXY_OUT_MAX];
	size_t out_len;
	uint8_t in[PROXY_IN_MAX]; /* an answer that is not complete */
	size_t in_len;
	int stage;
};

/* nc's names: "4", "5", "connect"; false if it is none. */
bool proxy_kind_of(const char *name, enum proxy_kind *);

/*
 * Fills `out` with the first words. -1: host or credentials do not fit into
 * what this kind can say, a usage error.
 */
int proxy_start(struct proxy *, struct fail *);

/*
 * Takes what has come; *used bytes belonged to the proxy's answer. `out_len`
 * is 0 unless the step is PROXY_WRITE. After PROXY_OPEN and PROXY_REFUSED it
 * is not called again. Each refusal is STATUS_CONNECT.
 */
enum proxy_step proxy_feed(
    struct proxy *, struct slice in, size_t *used, struct fail *);

/*
 * For a proxy that closed before it gave its answer: says what was expected.
 * Always returns -1.
 */
int proxy_explain_end(const struct proxy *, struct fail *);

#endif
