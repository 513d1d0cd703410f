/*
 * One conversation: what we say (feed), what we hear (outlet), a channel
 * between them, and the rules of life (life.h) that say when it is over.
 *
 *	feed --> pump --> chan_send ...... chan --> heard --> outlet
 *
 * Raw bytes that nobody looks at go past feed, queue and outlet (pump.h), and
 * nothing else here knows.
 *
 * The clocks are here too; each has its own words when it runs out.
 */
#ifndef TALK_TALK_H
#define TALK_TALK_H

#include <regex.h>

#include "base/log.h"
#include "chan/chan.h"
#include "io/charset.h"
#include "io/outlet.h"
#include "net/addr.h"
#include "talk/dump.h"
#include "talk/feed.h"
#include "talk/handler.h"
#include "talk/life.h"
#include "talk/pump.h"
#include "talk/reply.h"

enum talk_clock {
	TALK_IDLE,     /* --idle: nothing came and nothing went */
	TALK_REPLY,    /* --reply-timeout: nothing came for what we said */
	TALK_LINGER,   /* --linger */
	TALK_LOOK,     /* for a handler: is the peer still there? */
	TALK_QUIT,     /* -q */
	TALK_INTERVAL, /* --interval */
	TALK_SETTLE,   /* are our last bytes acknowledged? */
	TALK_END,      /* what happens in one turn is judged together */
	TALK_CLOCKS
};

/* Who closed a half first. */
enum talk_fin {
	TALK_FIN_NONE,
	TALK_FIN_OURS,
	TALK_FIN_THEIRS,
};

struct talk_plan {
	struct framing in, out;
	struct charset_plan charset; /* of the peer */
	bool stream;		     /* nothing marks messages off: charset.h */
	bool stay;
	bool half_quiet; /* -N */
	bool ask;
	bool echo;		    /* a role: what comes is answered, ... */
	const struct format *reply; /* ... as this says, or NULL: as it is */
	bool no_output; /* a role speaks, and nothing was asked of stdout */
	uint64_t count; /* 0: no limit */
	const regex_t *expect;
	const char *expect_text;
	const char *const *on_open;
	size_t on_open_n;
	uint64_t idle_ms, reply_ms, linger_ms, interval_ms;
	bool linger_given; /* otherwise a terminal is not waited for */
	uint64_t quit_ms;  /* UINT64_MAX: wait as long as it takes */
	bool dump;
	bool track; /* --retry: what a lost connection had not taken is told */
	bool pass_in, pass_out; /* raw bytes that nobody looks at: pump.h */
	bool color;		/* in what is dumped */
	bool answers; /* a server of datagrams: what befalls one peer is told,
			 and it goes on with the others */
	size_t queue_max;
};

struct talk {
	/* Set by the owner, who keeps them until on_over. */
	const struct talk_plan *plan;
	const struct log *log;
	struct feed *feed;
	struct outlet *outlet;
	struct charset *charset; /* of what comes; NULL: bytes pass */
	/*
	 * Whose feed and outlet these are, started; or NULL. Before on_over it
	 * is gone, and fail.exit is its status if the end has no other.
	 */
	struct handler *handler;
	void (*on_over)(struct talk *); /* status and fail say how it went */
	/* A line for --dump, without a newline; see dump.h. */
	void (*on_dump)(struct talk *, const char *line);
	/* A line of the input is refused, which ends nothing. */
	void (*on_refused)(struct talk *, const struct fail *);
	uint64_t number; /* of the conversation: its channel is c1, c2, ... */
	void *owner;

	enum status status;
	struct fail fail; /* empty where the status alone says it all */
	char why[160];	  /* what ended it, for -v */
	char last[600];	  /* how things stood then, and who closed */

	/*
	 * With track, of a conversation that has been lost: how many messages
	 * the peer had perhaps not taken, and what had not left at all. The
	 * next conversation says the latter first; the owner frees it.
	 */
	uint64_t untaken;
	struct unsent unsent;

	/* The conversation's own. */
	struct chan chan;
	struct life life;
	struct dump dump;
	struct about_of of;	       /* what is said of its messages */
	char peer[2 * ADDR_TEXT_MAX];  /* fit for any line */
	char name[ADDR_TEXT_MAX + 24]; /* and the channel's, for texts */
	uv_loop_t *loop;
	uv_timer_t clock[TALK_CLOCKS];
	int clocks_open;
	uint64_t begun_ms, heard, said, asked_ms;
	bool waiting_reply, pacing, feed_ended, feed_pending, met, ending, over;
	bool judged; /* the turn in which it ended is over: that is the end */
	bool was_reset; /* as a write found out; the read says when */
	bool kept;	/* the outlet keeps a batch of the channel's */
	enum talk_fin first_fin;
	bool pumps_in, pumps_out; /* so long as bytes pass unseen */
	struct pump pump_in, pump_out;
	struct batch echo; /* what has still to be answered */
	size_t echo_next;
	struct reply reply;
	uint64_t stamped; /* reads that there were when the time was taken */
	uint64_t refused; /* lines of the input */
	bool closing;	  /* the input has said so */
	bool told_close;
	struct talk_error {
		bool due;
		uint64_t line; /* 0: unknown */
		struct fail fail;
	} error;	 /* to be told as an event */
	struct fail cut; /* the peer's FIN came inside a message; or no text */
	bool cut_first;	 /* while its handler was still at work */
	bool input_failed; /* it ends once what was said before is out */
	struct fail input_fail;
	struct sent sent;   /* with track */
	bool deaf;	    /* the handler reads no more: it is dropped */
	bool handler_first; /* it ended before anything went wrong */
	uint64_t taken;	    /* of the outlet, when the peer was looked at */
	uint64_t taken_ms;  /* since when it is so much */
	uint64_t quit_ms;   /* the plan's -q, or less with a handler */
	uint64_t settle_ms;
	int64_t settle_left;
};

/* Begins; the stream is the talk's from here on. */
void talk_begin(
    struct talk *, struct chan_loop *, struct stream *, const char *name);

/* Ends it with this status; the text is in `fail` if there is one. */
void talk_end(struct talk *, enum status, const char *why);

/* It is cut off from outside, with this status and this text. */
void talk_cut(struct talk *, enum status, const struct fail *);

/*
 * The run ends: a handler is told to, and on_over comes when it has. False:
 * there is none, and nothing to wait for.
 */
bool talk_stop(struct talk *);

/* The line of SIGUSR1, and the beginning of the last one of -v. */
void talk_describe(const struct talk *, char *buf, size_t cap);

/* Fills `last`, from how things stand and from `why`. */
void talk_last_words(struct talk *);

/*
 * No more passes that way (`out`: ours); `closed`: the half was closed in
 * order. For --dump, which says what was left unfinished; once.
 */
void talk_wire_end(struct talk *, bool out, bool closed);

/* What is being waited for now, for a timeout's text. */
void talk_waiting_for(const struct talk *, char *buf, size_t cap);

#endif
