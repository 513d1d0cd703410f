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

struct talk;

/* What there is to say of an end, once there is one. */
struct talk_words {
	struct fail fail; /* empty where the status alone says it all */
	struct fail cut;  /* the peer's FIN came inside a message; or no text */
	struct fail input; /* it ends so, once what was said before is out */
	struct talk_error {
		bool due;
		uint64_t line; /* 0: unknown */
		struct fail fail;
	} error;	     /* to be told as an event */
	uint64_t refused;    /* lines of the input */
	uint64_t settle_ms;  /* our last bytes are waited for, ... */
	int64_t settle_left; /* ... so many of them */
	char why[160];	     /* what ended it, for -v */
	char last[600];	     /* how things stood then, and who closed */
};

/* What the conversations of a run have in common; it outlives them. */
struct talk_home {
	/* Set by the owner. */
	const struct log *log;
	struct chan_loop *chans;
	/* talk_fail says how it went; the talk is the owner's again. */
	void (*on_over)(struct talk *);
	/* A line for --dump, without a newline; see dump.h. */
	void (*on_dump)(struct talk *, const char *line);
	/* A line of its own feed is refused, which ends nothing; FEED_ONE. */
	void (*on_refused)(struct talk *, const struct fail *);
	/*
	 * Of those who share an outlet. It has something for it, which takes
	 * nothing now: talk_outlet_room says when it does again.
	 */
	void (*on_wait)(struct talk *);
	/* What it has heard, for others than the outlet; or NULL. */
	void (*on_heard)(struct talk *, const struct batch *);
	/* As chan_tell_low has asked, or it takes no more at all; or NULL. */
	void (*on_low)(struct talk *);
	/* Those whose feed is NULL have nothing more to hear from us. */
	bool said_all;
	bool sweeps; /* the owner has the clock of --idle */
	/* With track, of those who come one after the other; or NULL. */
	struct talk_lost *lost;

	/* The home's own. */
	struct talk *ending; /* those whose end is due */
	uv_timer_t judge;
	struct talk_words spare; /* where there is no memory for others */
};

/* What has come, and has still to be answered or shown. */
struct talk_owed {
	struct batch echo;
	size_t echo_next;
	struct batch unshown; /* kept, and not yet taken by the outlet */
};

/* A clock that was set at least once. */
struct talk_timer;

/* Raw bytes that pass unseen: pump.h. */
struct talk_pumps {
	struct pump in, out;
};

/* With track: what a connection that is lost leaves behind. */
struct talk_lost {
	/* Messages that the peer had perhaps not taken. */
	uint64_t untaken;
	/* What had not left at all: the next conversation says it first. The
	   owner frees it. */
	struct unsent unsent;
	struct sent sent; /* the conversation's own */
};

/* What most conversations have no use for. */
struct talk_extra {
	struct charset *charset; /* of what comes; set by the owner */
	struct dump *dump;
	struct talk_pumps *pumps;
	struct reply *reply;
};

struct talk {
	/* Set by the owner, who keeps them until on_over. */
	struct talk_home *home;
	const struct talk_plan *plan;
	struct feed *feed; /* NULL: the owner says what is said */
	struct outlet *outlet;
	/*
	 * Whose feed and outlet these are, started; or NULL. Before on_over it
	 * is gone, and fail.exit is its status if the end has no other.
	 */
	struct handler *handler;
	struct talk_extra *extra; /* NULL: it has none of that */
	uint64_t number;	  /* its channel is c1, c2, ... */
	bool extra_lent : 1;	  /* it is the owner's */
	/* The outlet is of several: its owner says what happens to it. */
	bool shared : 1;

	/* The conversation's own. */
	bool waiting_reply : 1, pacing : 1, feed_ended : 1, met : 1;
	bool ending : 1, over : 1;
	bool due : 1;	    /* it is in home->ending */
	bool judged : 1;    /* the turn in which it ended is over: that is it */
	bool was_reset : 1; /* as a write found out; the read says when */
	bool kept : 1;	    /* a batch of the channel's, for the outlet */
	bool closing : 1;   /* the input has said so */
	bool echoing : 1;   /* what is owed is being answered */
	bool open_due : 1;  /* that it has begun is to be told as an event */
	bool told_close : 1;
	bool cut_first : 1;    /* cut while its handler was still at work */
	bool input_failed : 1; /* words->input */
	bool pumps_in : 1, pumps_out : 1; /* so long as bytes pass unseen */
	bool deaf : 1;		/* the handler reads no more: it is dropped */
	bool handler_first : 1; /* it ended before anything went wrong */
	bool abandoned : 1;	/* nobody is told any more */
	bool peer_apart : 1;	/* about->peer is not in `name` */
	bool has_spoken : 1;	/* something of ours was said */
	unsigned first_fin : 2; /* enum talk_fin */
	unsigned timers_open : 4;
	struct life life;
	enum status status;
	struct talk_words *words; /* NULL: there was nothing to say */
	struct chan chan;
	const char *name; /* "c1 127.0.0.1:5", for texts */
	/* What is said of its messages; NULL: none was shown so far. */
	struct about_of *about;
	struct talk_timer *timers;
	struct talk *next_ending;
	struct talk_owed *owed; /* NULL: nothing */
	uint64_t begun_us;	/* about_even_us */
	uint64_t heard;
};

static inline struct talk *
talk_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct talk, chan));
}

/* NULL: out of memory. */
struct talk_extra *talk_extra(struct talk *);

static inline const struct talk_extra *
talk_has(const struct talk *t)
{
	static const struct talk_extra none;

	return t->extra == NULL ? &none : t->extra;
}

void talk_home_init(struct talk_home *);

/*
 * Begins; the stream is the talk's from here on. The struct is all zero but
 * for what the owner has set.
 */
void talk_begin(struct talk *, struct stream *, const char *name);

/*
 * The run is over: its parts go when the loop runs again, and on_over does not
 * come. May be called in any state.
 */
void talk_abandon(struct talk *);

/* Gives up what is left of one that is over, or never began. */
void talk_release(struct talk *);

/* How it went; without a text where the status says it all. */
const struct fail *talk_fail(const struct talk *);
/* The last line of -v. */
const char *talk_last(const struct talk *);

/* It cannot begin: that is how it went. */
void talk_not_begun(struct talk *, const struct fail *);

/* The outlet has room again. */
void talk_outlet_room(struct talk *);

/*
 * For the owner of several. As chan_send, of messages that are said to this
 * one alone; talk_refused_text says what is wrong with one.
 */
enum chan_sent talk_say(struct talk *, const struct batch *, size_t *next);
void talk_refused_text(const struct talk *, struct fail *);

/* n messages that many hear are said to it: chan_told. */
void talk_told(struct talk *, uint64_t n);

/* Nothing more is said to it; it stays as long as the peer likes. */
void talk_said_all(struct talk *);

/* Our half closes when all is sent; the whole, when all is sent. */
void talk_shut(struct talk *);
void talk_finish(struct talk *);

/* From now on it speaks like this. False and a fail that names no line. */
bool talk_change_mode(struct talk *, const char *mode, struct fail *);

/* A clock of the owner's, this option's, has run out. */
void talk_timed_out(struct talk *, const char *option, uint64_t ms);

static inline uint64_t
talk_now(const struct talk *t)
{
	return uv_now(t->home->chans->uv);
}

/* Ends it with this status; the text is in `fail` if there is one. */
void talk_end(struct talk *, enum status, const char *why);

/* The same with this text. */
void talk_end_with(struct talk *, const struct fail *, const char *why);

/* It is cut off from outside, with this status and this text. */
void talk_cut(struct talk *, enum status, const struct fail *);

/*
 * The run ends: a handler is told to, and on_over comes when it has. False:
 * there is none, and nothing to wait for.
 */
bool talk_stop(struct talk *);

/* The address of the other side, fit for any line; or empty. */
const char *talk_peer(const struct talk *);
/* Since it has begun. */
uint64_t talk_age_ms(const struct talk *);

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
