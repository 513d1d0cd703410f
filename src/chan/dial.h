/*
 * From an address to a connected socket: names, both families racing (RFC
 * 8305), proxies, and one error at the end that says all that was tried.
 *
 *	IDLE --> RESOLVING --> TRYING --> (PROXY) --> on_done(fd)
 *	              \___________\___________\-----> on_done(-1), fail
 *
 * IPv6 and IPv4 addresses take turns; a new attempt begins when the last one
 * has failed, or has said nothing for a quarter of a second. The first that
 * connects ends the others.
 *
 * With datagrams nobody answers, so the first address that there is a way to
 * is taken, and that is one of IPv4 if there is one: it is what a server of a
 * named host listens on.
 */
#ifndef CHAN_DIAL_H
#define CHAN_DIAL_H

#include <uv.h>

#include "base/log.h"
#include "net/addr.h"
#include "net/dgram.h"
#include "net/idn.h"
#include "net/proxy.h"
#include "net/resolve.h"
#include "net/sock.h"
#include "net/stream.h"

/* What to dial; must outlive the dial. */
struct dial_plan {
	struct addr to;
	struct sock_opts opts;
	struct dgram_opts dgram;
	enum resolve_family family;
	bool numeric;	/* -n */
	bool seqpacket; /* unix: */
	bool has_source;
	union resolve_sockaddr source; /* -s, -p; family AF_UNSPEC: -p alone */
	uint16_t source_port;
	enum proxy_kind proxy;
	struct addr proxy_at;
	const char *proxy_user;
	const char *proxy_password;
	const struct log *log; /* each attempt is said there; NULL: nowhere */
};

#define DIAL_TRIED_MAX 400

struct dial_attempt;

struct dial {
	const struct dial_plan *plan;
	uv_loop_t *loop;
	/* fd is the caller's from here on; -1: fail says why. Once. */
	void (*on_done)(struct dial *, int fd);
	void *owner;
	/*
	 * Of datagrams: where they are to go if the socket is not connected,
	 * as for a group, of which many may answer; len 0: it is connected.
	 */
	struct stream_peer group;
	struct sock_file own; /* a name of ours; the owner removes it */
	struct fail fail;
	char doing[ADDR_TEXT_MAX + 64]; /* what is being waited for */

	/* The dialer's own. */
	struct resolver *resolver;
	struct resolve resolve;
	uv_timer_t *timer; /* on the heap: libuv closes it later */
	struct dial_attempt *running;
	struct dial_attempt *at_once; /* connected without waiting */
	size_t at6, at4;	      /* addresses begun */
	bool v4_next;
	bool over;
	int err;   /* of the last attempt that failed */
	bool from; /* ... at coming from -s or -p */
	char tried[DIAL_TRIED_MAX];
	struct proxy proxy;
	char behind[ADDR_HOST_MAX]; /* the host that the proxy is told */
};

/*
 * on_done never comes before this returns. -1: it will not; fail says why, as
 * for a name that is told to a proxy and cannot be one.
 */
int dial_start(
    struct dial *, const struct dial_plan *, uv_loop_t *, struct resolver *);

/* Gives up; on_done does not come. May be called at any time, also twice. */
void dial_cancel(struct dial *);

#endif
