/*
 * A run: one process's worth of conversations, one after the other. What they
 * share is here (the loop, stdin and stdout, signals, --deadline); how each
 * begins is client.c's or server.c's.
 */
#ifndef TALK_RUN_H
#define TALK_RUN_H

#include "chan/dial.h"
#include "talk/door.h"
#include "talk/many.h"
#include "talk/secure.h"
#include "talk/talk.h"

struct run_plan {
	struct feed_plan feed;
	enum sink_kind output;
	const struct format *format; /* in place of output, or NULL */
	struct stamp *stamp;	     /* --timestamps on stdout; NULL: none */
	bool tagged;		     /* records begin with their channel */
	struct talk_plan talk;
	struct handler_plan handler;
	struct log log;
	struct secure_plan secure;
	uint64_t deadline_ms; /* 0: none */

	/* The client. */
	struct dial_plan dial;
	uint64_t connect_ms; /* 0: as long as the system takes */
	bool only_connect;   /* -z */
	uint64_t retry;	     /* how many more attempts */
	uint64_t retry_max_ms;

	/* The server. */
	struct listen_plan listen;
	bool keep;	       /* -k: the next one when this one has gone */
	bool refuse_others;    /* while one is served */
	uint64_t accept_ms;    /* --accept-timeout; 0: none */
	struct door_plan door; /* serve-single: its place is `listen` */
	struct many_plan many; /* serve-multi, in place of these */

	/* Says an error that does not end the run; src/cmd's. */
	void (*complain)(const struct fail *);
};

/* 0, or -1 and the fail; a fail without text has a status alone. */
int run_many(const struct run_plan *, struct fail *);
int run_client(const struct run_plan *, struct fail *);
int run_server(const struct run_plan *, struct fail *);

/* For client.c and server.c. */

struct run {
	const struct run_plan *plan;
	struct fail *fail;
	uv_loop_t loop;
	struct chan_loop chans;
	struct resolver resolver;
	struct feed feed;
	struct outlet outlet;
	struct charset charset; /* of what comes */
	struct talk_home home;
	struct talk talk;
	struct talk_extra extra; /* of the talk */
	struct talk_lost left;	 /* by a connection that was lost */
	struct handler handler;
	struct secure secure;
	struct process_origin origin;
	uint64_t begun;	    /* conversations so far */
	bool may_come_back; /* what failed may not, for the next client */
	bool talking;
	bool over;
	bool closed; /* its handles are on their way out */
	enum status status;
	uv_signal_t signals[4];
	uv_timer_t deadline;
	uv_timer_t clock; /* connecting, accepting, retrying: one at a time */
	struct dial dial;
	int fd;			    /* that was dialled, or was passed to us */
	struct tls_wait *handshake; /* the client's, while it lasts */
	struct door door;
	struct door_plan door_plan; /* of serve-single, with this place: */
	struct door_place place;
	struct guest *guest; /* of the talk */
	uint64_t tries;
	uint64_t lost; /* messages that may be, and questions without reply */
	/* A conversation is over: begin the next one, or end the run. */
	void (*on_over)(struct run *);
	/* The run ends: what is the side's own goes. */
	void (*on_stop)(struct run *);

	/* Where there are several conversations; otherwise all NULL. */
	void *owner;
	/* SIGUSR1. */
	void (*on_describe)(struct run *);
	/* SIGHUP; false: it ends the run. */
	bool (*on_hangup)(struct run *);
	/* Behind on_stop. Then the loop is to be stopped by the owner. */
	void (*on_end)(struct run *);
	/* The loop is over: whoever is still there is left. */
	void (*on_leave)(struct run *);
};

int run_init(struct run *, const struct run_plan *, struct fail *);

/* Runs until run_end; then gives everything back. 0 or -1. */
int run_loop(struct run *);

/*
 * Begins the conversation over this socket, or over the stream that has it;
 * NULL: none has.
 */
void run_talk(
    struct run *, int fd, bool borrowed, struct stream *, const char *name);

/* Over a socket of datagrams, which all go to `to` if that is not NULL. */
void run_talk_datagrams(struct run *, int fd, bool borrowed,
    const struct stream_peer *to, const char *name);

/*
 * Of a server: its door is the run's, which says what happens at it and ends
 * with it. Who comes is the owner's to take: on_open, on_client, on_datagrams.
 */
void run_set_door(struct run *);

/* SIGHUP: who may come in, and certificates. False: there is neither. */
bool run_reload(struct run *);

/* The run ends, with this status, and with run->fail's text. */
void run_end(struct run *, enum status);

/* Has the talk's fail, or nothing, become the run's? */
void run_take_outcome(struct run *);

/* Of a talk that is the run's own. */
static inline struct run *
run_of(struct talk *t)
{
	return (void *)((char *)t - offsetof(struct run, talk));
}

#endif
