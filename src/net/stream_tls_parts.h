/*
 * Between the parts of a stream over TLS, and for nobody else: stream_tls.c is
 * the stream, stream_tls_begin.c the handshake before it.
 */
#ifndef NET_STREAM_TLS_PARTS_H
#define NET_STREAM_TLS_PARTS_H

#include "net/stream_tls.h"

#define TLS_IN (256u << 10)    /* what one read of the lower stream brings */
#define TLS_RECORD (16u << 10) /* the most that is in a record */
#define TLS_CHUNK_FIRST (64u << 10)
#define TLS_CHUNK_MAX (512u << 10) /* what one write of it takes */
/*
 * What wait to be sent before nothing more is read: of a peer that asks for
 * answers of TLS itself and takes none of them.
 */
#define TLS_OUT_MAX (2 * TLS_CHUNK_MAX)
/* How long a close waits for a peer that takes nothing. */
#define TLS_CLOSE_MS 10000
/* How long one that we refused may take to hear of it. */
#define TLS_REFUSE_MS 1000

struct tls {
	const struct tls_face *face;
	const struct tls_plan *plan;
	struct tls_config *config;
	/* Of all streams, and of none for longer than a call. */
	uint8_t *in;	 /* TLS_IN */
	struct span out; /* the largest that was given back */
};

struct tls_wait;

struct tls_stream {
	struct stream base;
	struct tls *tls;
	struct stream *lower;
	struct tls_engine *engine;
	struct tls_wire wire;
	size_t out_at;	  /* of wire.out: what has left */
	size_t chunk;	  /* the most to be taken by the next write */
	uint64_t written; /* by whoever uses the stream */
	size_t lost;	  /* of what was held when writing failed */
	size_t farewell;  /* bytes of close_notify, the last on the wire */
	int want;
	int over;	/* what reads end with; STREAM_AGAIN: not yet */
	int read_err;	/* of over == STREAM_FAILED */
	int write_err;	/* 0: it can be written */
	bool told;	/* whoever reads knows */
	bool has_words; /* the engine has them, for what was told last */
	bool notified;	/* close_notify is on the wire */
	bool shut_late; /* it is to be, when the peer has ended */
	bool closing;
	/*
	 * The handshake's limit, then what is announced although the lower
	 * stream is silent, then the limit of closing.
	 */
	uv_timer_t clock;
	int open;	       /* the lower stream and the clock */
	struct tls_wait *wait; /* NULL: the handshake is done */
};

struct tls_wait {
	struct tls_stream *s;
	tls_done *on_done; /* NULL: given up */
	void *owner;
	char *peer;
	uint64_t limit_ms;
	bool heard;   /* the peer has said something */
	bool refused; /* and it is told so, before all is closed */
	struct fail fail;
};

static inline struct tls_stream *
tls_stream_of(const struct stream *s)
{
	return (struct tls_stream *)(uintptr_t)s;
}

static inline size_t
tls_stream_held(const struct tls_stream *s)
{
	return s->wire.out.len - s->out_at;
}

/* The buffer that reads go to; NULL: no memory. */
uint8_t *tls_in(struct tls *);

/* Has a stream use the spare buffer, if it has none of its own. */
void tls_out_take(struct tls_stream *);

/*
 * Sends what is held. 0: all of it has left; STREAM_AGAIN; STREAM_FAILED, and
 * what was held is lost.
 */
int tls_stream_flush(struct tls_stream *);

/*
 * With nothing begun; it owns the lower stream, whose events are the caller's
 * to set. NULL: no memory.
 */
struct tls_stream *tls_stream_new(
    struct tls *, uv_loop_t *, struct stream *lower);

/* Of the lower stream's events. */
void tls_lower_closed(struct stream *);

/* Closes the lower stream, and then all is gone; its owner is told. */
void tls_stream_end(struct tls_stream *, bool reset);

/* The handshake is done: from here on it is a stream. */
void tls_stream_open(struct tls_stream *);

/* All of a handshake is closed, and came to nothing. */
void tls_wait_gone(struct tls_wait *);

#endif
