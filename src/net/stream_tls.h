/*
 * A stream over another stream, secured by TLS (net/tls.h).
 *
 * The handshake is a step of its own: until it is done nobody has a stream,
 * and what goes wrong with it is a fail (STATUS_TLS, STATUS_TIMEOUT,
 * STATUS_RESET, ...) and no end of a conversation.
 *
 *	tls_begin --> on_done(stream)
 *	    |    \--> on_done(NULL, fail)	the lower stream is closed
 *	    \-------> tls_cancel
 *
 * Of the stream's contract (net/stream.h):
 *
 *	read	STREAM_END is the peer's close_notify. STREAM_TRUNCATED: the
 *		lower stream ended without one; if the plan says that this is
 *		known, it is STREAM_END between records all the same. After
 *		STREAM_FAILED and STREAM_TRUNCATED stream_fail has the words.
 *	write	Bytes that are taken may be held for a while; the stream sends
 *		them by itself. They count in stream_unacked.
 *	shut	STREAM_AGAIN until all that is held has left, then close_notify.
 *		On 1.2 and older this waits, behind the caller's back, until
 *		the peer has ended, unless the plan has shut_at_once.
 *	close	In order, it sends what is held and close_notify first, as long
 *		as the peer takes it; with `reset` all that is dropped.
 *
 * Its buffers are shared by all streams of a struct tls: one that is idle has
 * none.
 */
#ifndef NET_STREAM_TLS_H
#define NET_STREAM_TLS_H

#include "net/stream.h"
#include "net/tls.h"

struct tls; /* a plan at work: certificates, sessions, buffers */

/*
 * NULL and a fail. The plan is the caller's and stays as it is; so does the
 * face. `about` may be NULL.
 */
struct tls *tls_new(const struct tls_face *, enum tls_role,
    const struct tls_plan *, struct tls_about *, struct fail *);

/*
 * Certificates, CAs and lists are read again, for who comes from now on. -1
 * and a fail: then all is as before.
 */
int tls_reload(struct tls *, struct tls_about *, struct fail *);

/* All its streams and handshakes are gone. */
void tls_free(struct tls *);

/*
 * The stream is the receiver's, as if stream_socket_new had made it. Or it is
 * NULL, and the fail, good until the callback returns, says why. By then the
 * lower stream is closed, and its descriptor with it.
 */
typedef void tls_done(void *owner, struct stream *, const struct fail *);

struct tls_wait; /* a handshake; gone when on_done returns */

/*
 * Begins the handshake over a stream that is connected and has no owner yet;
 * it belongs to the handshake from now on. on_done comes from the loop, never
 * before this returns, once. NULL and a fail: it does not come, and the lower
 * stream is closed (soon, by the loop).
 */
struct tls_wait *tls_begin(struct tls *, uv_loop_t *, struct stream *lower,
    const struct tls_peer *, uint64_t limit_ms, tls_done *on_done, void *owner,
    struct fail *);

/* Gives up: on_done does not come, and the lower stream is closed. */
void tls_cancel(struct tls_wait *);

/*
 * What was agreed upon, of a stream that tls_begin gave; false: it is another
 * one. For -v and for the environment of programs.
 */
bool stream_tls_facts(const struct stream *, struct tls_facts *);

#endif
