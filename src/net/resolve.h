/*
 * Names to addresses, without ever holding anything up.
 *
 * A numeric address and localhost are answered at once, before resolve_start
 * returns. For anything else two questions are asked side by side, A and AAAA,
 * each in a thread of libuv's; an answer that comes late, or never, delays
 * neither a timeout nor the end of the process: resolve_cancel forgets it.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <uv.h>

#define RESOLVE_MAX 32 /* addresses of one family that are kept */

enum resolve_family {
	RESOLVE_ANY,
	RESOLVE_V4, /* -4 */
	RESOLVE_V6, /* -6 */
};

union resolve_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/*
 * One for each loop, of the caller: begins as zeros and lives as long as the
 * loop runs, since late answers are counted in it.
 */
struct resolver {
	unsigned pending; /* questions that a thread has, or will have */
};

/* Begins as zeros; may be used again once it is done or cancelled. */
struct resolve {
	/* Set by the caller before resolve_start. */
	enum resolve_family family;
	bool numeric; /* -n: ask nobody; localhost is still known */
	/*
	 * Called each time that more is known: once for what was known at
	 * once, otherwise for each family as its answer comes. When done6 and
	 * done4 are both true it was the last time, and then n6 + n4 == 0
	 * means that there is no address, and `why` says it. A family that
	 * was not asked for is done from the start. The callback may cancel
	 * and may free the struct. Not called after resolve_cancel.
	 */
	void (*on_answer)(struct resolve *);
	void *owner;

	/* What is known so far, in the order in which to try. */
	union resolve_sockaddr v6[RESOLVE_MAX], v4[RESOLVE_MAX];
	size_t n6, n4;
	bool done6, done4;
	char why[128]; /* empty unless something failed; without the name */

	/* The resolver's own. */
	int err;
	struct resolve_query *asked[2];
};

/*
 * host and port are copied; an empty host is the loopback, as
 * localhost is. on_answer may be called before this returns.
 */
void resolve_start(struct resolve *, struct resolver *, uv_loop_t *,
    const char *host, uint16_t port);

/*
 * May be called at any time, also twice; afterwards nothing comes, and the
 * struct may go. A thread that hangs still keeps uv_run from returning by
 * itself: who wants to end calls uv_stop.
 */
void resolve_cancel(struct resolve *);

/*
 * Is a thread still asking? Once nobody wants to know, the process must not
 * wait for its threads, as exit does by way of libuv: it ends by _exit.
 */
bool resolve_is_hung(const struct resolver *);

#endif
