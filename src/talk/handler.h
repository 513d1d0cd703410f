/*
 * A handler: a process for one conversation. What it writes is what we say,
 * and what the peer says is what it reads.
 *
 *	the peer --> outlet --> pipe --> 0 | process | 1 --> pipe --> feed
 *
 *	RUNS --> (it ends) ENDED --> (handler_leave) CLOSING --> on_gone
 *
 * It is left alone as long as the conversation goes on. Once that is ending
 * (handler_hurry) it has --grace to end by itself, then its process group gets
 * SIGTERM, and after another --grace, SIGKILL. When the process has ended,
 * what it has left behind in its group has what remains of that time, and if
 * nothing was asked of it, is left alone: but what it still writes is waited
 * for no longer than --grace either.
 */
#ifndef TALK_HANDLER_H
#define TALK_HANDLER_H

#include "io/outlet.h"
#include "talk/command.h"
#include "talk/feed.h"
#include "talk/process.h"
#include "talk/ucspi.h"

struct handler_plan {
	struct command command; /* argv is NULL: there is no handler */
	const char *name;	/* as typed, for texts */
	uint64_t grace_ms;
	struct feed_plan feed;	     /* how messages stand in what it writes */
	enum sink_kind output;	     /* and in what it reads ... */
	const struct format *format; /* ... or NULL */
	bool tagged;		     /* that begins with the channel */
};

enum handler_state {
	HANDLER_NONE, /* none was started, or it is gone */
	HANDLER_RUNS,
	HANDLER_ENDED,
	HANDLER_CLOSING,
};

struct handler {
	/* Set by the owner before anything else. */
	/* The process has ended: what is in the outlet has been dropped, what
	 * it has written is still to be had. */
	void (*on_end)(struct handler *);
	void (*on_gone)(struct handler *); /* the last: all is given back */
	void *owner;

	/* Between handler_start and handler_leave; their callbacks are the
	 * owner's to set. */
	struct feed feed;
	struct outlet outlet;
	pid_t pid;
	enum handler_state state;

	/* Of the conversation that it is in. */
	uint64_t taken;	   /* by it, when the peer was looked at */
	uint64_t taken_ms; /* since when it is so much */
	uint64_t quit_ms;  /* the plan's -q, or less */

	/* The handler's own. */
	const struct handler_plan *plan;
	uv_loop_t *loop;
	int status;   /* as wait says */
	int told;     /* the last signal that we sent, or 0 */
	bool hurried; /* the clock of its end runs */
	bool shut;    /* end of file when the outlet is empty */
	bool left;
	bool settled; /* nothing of it is waited for any more */
	uint64_t kill_ms;
	int backlog; /* a look into its pipe behind the end of file, or -1 */
	uv_timer_t clock;
	uv_signal_t child;
	int handles; /* of the four that are not yet closed */
};

/*
 * Starts it for this connection. 0, or -1 and a fail with STATUS_IO; *again
 * says whether it may be otherwise for the next one.
 */
int handler_start(struct handler *, const struct handler_plan *, uv_loop_t *,
    const struct process_origin *, const struct ucspi *, bool *again,
    struct fail *);

/*
 * The two halves of that, for whoever has something to do between them: the
 * process, which handler_take makes its own whatever it returns, or
 * process_undo ends.
 */
int handler_spawn(const struct handler_plan *, const struct process_origin *,
    const struct ucspi *, struct process *, bool *again, struct fail *);
int handler_take(struct handler *, const struct handler_plan *, uv_loop_t *,
    const struct process *, struct fail *);

/* The peer has said all: end of file behind what is in the outlet. */
void handler_shut(struct handler *);

/* How much of what it was told before its end of file it has not yet read. */
size_t handler_unread(const struct handler *);

/* To be called when the outlet has become empty. */
void handler_on_empty(struct handler *);

/* Nobody hears it any more: its next write fails, as that to a pipe does. */
void handler_mute(struct handler *);

/* The conversation is ending: it has --grace. */
void handler_hurry(struct handler *);

/* It has none: SIGTERM now. */
void handler_stop(struct handler *);

/* The conversation is over: the pipes close, and on_gone comes. */
void handler_leave(struct handler *);

/* At once, without on_gone: the loop is over. May be called in any state. */
void handler_release(struct handler *);

/* Its status as that of a shell's command: 128 and more for a signal. */
int handler_status(const struct handler *);

/* "handler 1234 (cat) runs"; for -v and SIGUSR1. */
void handler_describe(const struct handler *, char *buf, size_t cap);

#endif
