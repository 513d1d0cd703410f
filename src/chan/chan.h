/*
 * A conversation: a stream, a framing for each direction, and a queue.
 *
 *	stream --> inbox --> decoder --> on_batch
 *	chan_send --> encoder --> queue --> stream
 *
 * Reading and writing end one without the other:
 *
 *	reading:  OPEN --> PAUSED <--> OPEN --> ENDED (on_end says why)
 *	writing:  OPEN --> CLOSING (chan_shut, the queue drains) --> CLOSED
 *	               \-> FAILED (on_failed), whatever the state was
 *
 * What is sent in a turn is queued and leaves with one write when the turn is
 * over (chan_flush, or the loop's own). Memory follows what has arrived: a
 * channel that is idle owns no buffer, an unfinished message owns its bytes,
 * and one that is paused owns the inbox that its batch points into.
 *
 * Over datagrams each is a message: the framings say no more than how long one
 * may be, a batch is of one sender, and nothing is queued, so that chan_send
 * says CHAN_FULL where the socket takes no more or nobody has spoken yet.
 */
#ifndef CHAN_CHAN_H
#define CHAN_CHAN_H

#include "base/slice.h"
#include "chan/ring.h"
#include "chan/sent.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "net/stream.h"

#define CHAN_BATCH 1024
#define CHAN_READ (256u << 10)
#define CHAN_BUFFER (512u << 10)
#define CHAN_RUNS 16

/* What one read brought, and the messages found in it. */
struct inbox {
	uint8_t *buf;
	size_t cap;
	struct slice v[CHAN_BATCH];
	/* Of datagrams; those before runs[run_at] + at are delivered. */
	struct stream_run runs[CHAN_RUNS];
	size_t runs_n, run_at, at;
};

/* What the channels of one loop share. */
struct chan_loop {
	uv_loop_t *uv;
	struct inbox *inbox;	/* spare; NULL: a paused channel has it */
	struct chan_work *work; /* spare */
	struct span queue;	/* spare, for the next one that sends */
	struct chan *dirty;	/* those with something to flush */
	struct chan *flushing;	/* the rest of those of this turn */
	/* Nobody reads: what would come has nowhere to go. See chan_hold. */
	bool held;
	/*
	 * Set by the owner before anything is sent, if a lost connection has to
	 * be told message by message, which is slower; then there is one
	 * channel after the other. NULL: nobody asks.
	 */
	struct sent *sent;
	size_t bytes; /* in the queues and unfinished messages of all */
	uv_prepare_t prepare;
	uv_idle_t again;
};

enum chan_reading {
	CHAN_READING,
	CHAN_PAUSED,
	CHAN_READ_ENDED,
};

enum chan_writing {
	CHAN_WRITING,
	CHAN_CLOSING, /* our half closes once the queue is empty */
	CHAN_CLOSED,
	CHAN_FAILED,
};

/* Why reading ended. */
enum chan_end {
	CHAN_END_CLOSED,    /* the peer closed its half, at a boundary */
	CHAN_END_CUT,	    /* ... inside a message: the decoder's fault */
	CHAN_END_TRUNCATED, /* the stream's end was not announced (TLS) */
	CHAN_END_FAILED,    /* errno in stream->err */
	CHAN_END_BAD,	    /* what came is no message: the same */
	CHAN_END_PACKET,    /* a packet of stream_pending bytes: too long */
	CHAN_END_MEMORY,
};

enum chan_sent {
	CHAN_SENT,    /* the whole batch is taken */
	CHAN_FULL,    /* from *next on later: on_low says when */
	CHAN_REFUSED, /* batch->v[*next] cannot be sent: the encoder's fault */
	CHAN_LOST,    /* our half is closed or has failed */
};

/* What a direction did whose bytes pass unseen; see chan_pass_in. */
enum chan_pass {
	CHAN_PASS_MOVED,  /* there may be more */
	CHAN_PASS_EMPTY,  /* the stream has nothing more now */
	CHAN_PASS_FULL,	  /* nothing is wanted before chan_resume */
	CHAN_PASS_FAILED, /* the stream has; errno in stream->err */
	CHAN_PASS_OVER,	  /* from now on it is read */
};

struct chan;

/* What befell a datagram, and no other: the channel goes on. */
struct chan_trouble {
	const struct stream_peer *peer;
	int err; /* of one that we sent; 0: one that came was too long */
	size_t len, max;
};

struct chan_events {
	/*
	 * Messages; the batch is valid until the call returns. false: it is
	 * kept, valid until chan_resume, and nothing more is read.
	 */
	bool (*on_batch)(struct chan *, struct batch *);
	/*
	 * Reading is over; `seen` is for diagnosis, valid in this call, and so
	 * is work->decoder.fault where there is one.
	 */
	void (*on_end)(struct chan *, enum chan_end, struct slice seen);
	/* It could have read, but the loop is held: chan_resume goes on. */
	void (*on_paused)(struct chan *);
	/* Below the low-water mark after CHAN_FULL. */
	void (*on_low)(struct chan *);
	/* The queue is empty; after chan_shut: and our half is closed. */
	void (*on_drained)(struct chan *);
	/* Nothing more can be sent; errno in stream->err. */
	void (*on_failed)(struct chan *);
	/*
	 * Bytes as they passed on the wire; NULL: nobody looks. `more` of what
	 * the same write took.
	 */
	void (*on_wire)(struct chan *, bool out, struct slice bytes, bool more);
	/* Datagrams alone: another peer speaks, stream->peer. */
	void (*on_peer)(struct chan *);
	void (*on_trouble)(struct chan *, const struct chan_trouble *);
	/* The last call: the stream is gone, the struct is the owner's. */
	void (*on_closed)(struct chan *);
};

struct chan_counts {
	uint64_t messages_in, messages_out;
	uint64_t bytes_in, bytes_out;
	uint64_t last_in_ms, last_out_ms; /* of the loop's clock */
};

/*
 * What a channel needs while something of it is unfinished. It is taken from
 * the loop by one that reads or is sent something, and given back when nothing
 * of that is left, so whoever is idle has none.
 */
struct chan_work {
	struct decoder decoder;
	struct encoder encoder;
	uint8_t *part; /* of an unfinished message, part_len bytes */
	size_t part_len, part_cap;
	uint64_t part_ms;   /* since when there is an unfinished message */
	struct inbox *held; /* while paused */
	struct slice rest;  /* of the inbox, not yet decoded */
	struct batch batch;
	struct span queue; /* queue_at bytes of it have left */
	size_t queue_at;
};

/* A channel whose bytes pass unseen; see chan_pass. */
struct chan_passing {
	enum chan_pass (*in)(struct chan *); /* NULL: it is read */
	void (*out)(struct chan *);
	size_t taken; /* to be sent, and not yet in the stream */
	bool stuck;   /* the stream took less than there was */
};

struct chan {
	struct chan_loop *loop;
	struct stream *stream;
	const struct chan_events *on;
	const struct framing *in, *out;
	struct chan_work *work; /* NULL: nothing is unfinished */
	struct chan_counts counts;

	/* Of the channel's own. */
	struct chan_news *news; /* what is said to many; NULL: it hears none */
	struct chan_passing *pass; /* NULL: nothing passes unseen */
	size_t queue_max;	   /* high-water mark */
	size_t low; /* on_low is owed at so much; SIZE_MAX: never */
	struct chan *next_dirty;
	unsigned reading : 2; /* enum chan_reading */
	unsigned writing : 2; /* enum chan_writing */
	bool fresh : 1; /* something was read; the owner may take it off */
	bool is_dirty : 1;
	bool closing : 1;      /* nothing of it is done any more */
	bool owns_framing : 1; /* since chan_change; it is `in` and `out` */
	bool stalled : 1;      /* datagrams: nothing can go just now */
	bool unsaid : 1;       /* on_drained is owed for what was sent */
	bool changed : 1;      /* the part was looked at as something else */
};

int chan_loop_init(struct chan_loop *, uv_loop_t *);
void chan_loop_release(struct chan_loop *);

/*
 * Takes the stream and begins to read. `in` and `out` outlive it. queue_max is
 * where chan_send says CHAN_FULL; one message may exceed it.
 */
void chan_open(struct chan *, struct chan_loop *, struct stream *,
    const struct framing *in, const struct framing *out, size_t queue_max,
    const struct chan_events *);

/*
 * Queues batch->v[*next...]; moves *next. What was wrong with one that is
 * refused stands in work->encoder.fault until the turn is over.
 */
enum chan_sent chan_send(struct chan *, const struct batch *, size_t *next);

/*
 * Queues frames that were encoded for another connection, as they are and all
 * of them: CHAN_SENT or CHAN_LOST.
 */
enum chan_sent chan_send_frames(struct chan *, const struct batch *);

/*
 * It hears what is said to many: what is added to the ring from now on is sent
 * behind what is queued. The ring outlives it. What is added is told by
 * chan_told, and `messages` says how many. False: out of memory.
 */
bool chan_hear(struct chan *, struct ring *);
void chan_told(struct chan *, uint64_t messages);

/*
 * It does not hear what comes next: what it has not sent is its own from here
 * on. chan_hear lets it hear again. False: out of memory.
 */
bool chan_hear_not(struct chan *);

/*
 * It is too far behind: all that can be left out is. Returns how many messages
 * that were.
 */
uint64_t chan_skip(struct chan *);

/* It hears no more, and what it has not sent of that is not sent. */
void chan_mute(struct chan *);

/* on_low is called when no more than `low` bytes are queued; once. */
void chan_tell_low(struct chan *, size_t low);

/*
 * Nobody's messages are wanted: a channel that has something to read pauses
 * instead, without a batch, until chan_resume.
 */
void chan_hold(struct chan_loop *, bool held);

/* Writes what can be written now. */
void chan_flush(struct chan *);

/* Nothing is read any more: whoever would look at it has gone. */
void chan_deafen(struct chan *);

/* Our half closes when all that is queued has left. */
void chan_shut(struct chan *);

/*
 * From now on both directions speak like this. Bytes that have not become a
 * message yet are looked at anew, when this turn is over. The framing is
 * copied; false: out of memory, and nothing has changed.
 */
bool chan_change(struct chan *, const struct framing *);

/* The batch kept by on_batch is used up: read on. */
void chan_resume(struct chan *);

/* The longest packet that is taken: one message, with all that frames it. */
size_t chan_packet_max(const struct chan *);

/*
 * Bytes that pass unseen, without decoder and queue (the raw pump); the states,
 * the counts and the waiting stay the channel's. `in` is called in place of
 * each read, and says of what has come by chan_passed_in. `out` is called when
 * a stream that was stuck takes something again. Either may be NULL, and then
 * that direction is as ever. False: out of memory, and nothing has changed.
 */
bool chan_pass(struct chan *, enum chan_pass (*in)(struct chan *),
    void (*out)(struct chan *));
void chan_passed_in(struct chan *, size_t n);

/*
 * n bytes have gone into the stream, if any; `passing` more are taken and count
 * as queued. `stuck`: there is more, and the stream is to be waited for.
 */
void chan_passed_out(struct chan *, size_t n, size_t passing, bool stuck);

/* The stream has failed while we sent; errno. */
void chan_pass_failed(struct chan *, int err);

/* Is there more that it did not take? */
bool chan_is_stuck(const struct chan *);

/*
 * Bytes that chan_passed_in has counted and nobody took, on the heap and from
 * now on the channel's: they are decoded before all that is read.
 */
void chan_put_in(struct chan *, uint8_t *p, size_t len);

/* Bytes of ours that have not left, and of an unfinished message. */
size_t chan_queued(const struct chan *);
struct slice chan_queue(const struct chan *);
size_t chan_partial(const struct chan *);

/* Memory of that message; and since when there is one, if there is. */
size_t chan_part_memory(const struct chan *);
uint64_t chan_part_ms(const struct chan *);

/*
 * Ends it now, whatever is queued; on_closed comes from the loop. `reset`
 * throws away what the kernel holds, too.
 */
void chan_close(struct chan *, bool reset);

#endif
