/*
 * Between the parts of the standard server, and for nobody else; many.h says
 * which has what.
 */
#ifndef TALK_MANY_PARTS_H
#define TALK_MANY_PARTS_H

#include <sys/queue.h>

#include "io/event.h"
#include "net/peers.h"
#include "net/poller.h"
#include "talk/crowd.h"
#include "talk/run.h"

/* One who was once too slow, or is being told a very long message. */
struct laggard {
	size_t large;	    /* of the last message above --queue, ... */
	uint64_t large_end; /* which is out at so many bytes */
	uint64_t dropped;   /* messages that it was too slow for */
	uint64_t told_dropped, told_dropped_ms;
};

struct member {
	struct talk talk; /* its number is that of the link */
	struct crowd_link link;
	struct many *many;
	struct guest *guest; /* for the door; NULL: not counted */
	struct news *news;   /* what it hears; NULL: it is told by itself */
	struct laggard *lag; /* NULL: it has never been one */
	uint32_t which;	     /* of the places */
	bool waits : 1;	     /* in many.waiting */
	bool late : 1;	     /* it is waited for: --slow wait */
	TAILQ_ENTRY(member) waiting;
};

/* What is said to all who speak alike. */
struct news {
	const struct framing *out;
	struct ring ring;
	struct encoder encoder;
	size_t members;
	size_t done;	/* messages of the batch that is being said */
	uint64_t added; /* and their bytes */
};

/* A place of datagrams. */
struct many_peers {
	struct many *many;
	size_t which;
	struct peers peers;
	bool open;
};

/* Why nobody is read; bits. */
enum many_hold {
	MANY_HOLD_OUTPUT = 1, /* stdout takes nothing */
	MANY_HOLD_NEWS = 2,   /* those to whom it is relayed do not */
};

struct many {
	struct run run;
	const struct many_plan *plan;
	struct feed *feed;     /* stdin, or what --each says */
	struct outlet *outlet; /* stdout, or what --each hears */
	struct handler each;
	struct crowd crowd;
	struct poller *poller; /* of all clients */
	struct news *news;     /* as many as there are places, at the most */
	size_t news_n;
	struct many_peers *peers; /* one for each place, or NULL */
	uint64_t begun;		  /* channels so far: the last number given */
	uint64_t handlers;	  /* that are there */
	unsigned hold;
	uint64_t read_ms;	      /* since when there has been no hold */
	TAILQ_HEAD(, member) waiting; /* for stdout to take something */
	bool input_over;
	bool paused;	      /* the input: those who hear it are behind */
	size_t late;	      /* so many are waited for */
	struct laggard spare; /* where there is no memory for others */
	bool turn_over;	      /* what was said shall go, before more is */
	bool go_on_due;	      /* they may no longer be */
	bool parting;	      /* some who hear news were told to leave */
	bool door_waits;      /* for a handler to end */
	bool stopping;
	bool going_on;	    /* those who wait are being told */
	bool met_anybody;   /* somebody has come */
	bool pacing;	    /* --interval */
	bool talks_to_some; /* the input says to whom, and asks for things */
	uv_timer_t pace;
	uv_idle_t more; /* there is more input to look at */
	uv_timer_t sweep;
	uv_timer_t grace;
	uv_timer_t again; /* what a handler needs may be there again */
	uint64_t told_short_ms;
	uv_prepare_t weigh; /* memory, when a turn is over */
	struct status_socket *status;
	uint64_t unrelayed, told_unrelayed, told_unrelayed_ms;
	const struct member *speaks; /* who is relayed just now; or NULL */
	const struct batch *spoken;
	struct fail unrelayed_why; /* of the last one */
	struct span due; /* lines for programs, of which stdout has to take */
	size_t due_at;	 /* those from here on */
};

/* The door is the run's. */
static inline struct many *
many_at_door(const struct door *d)
{
	const struct run *run = d->owner;

	return run->owner;
}

static inline struct member *
many_member(struct crowd_link *l)
{
	return (void *)((char *)l - offsetof(struct member, link));
}

static inline struct member *
many_of(struct talk *t)
{
	return (void *)((char *)t - offsetof(struct member, talk));
}

static inline struct member *
many_at(const struct many *m, size_t i)
{
	return many_member(m->crowd.v[i]);
}

/* Is what is said now for it, too? */
static inline bool
many_hears(const struct member *mem)
{
	const struct talk *t = &mem->talk;

	return !t->ending && !t->over && !t->closing &&
	    t->chan.writing == CHAN_WRITING;
}

/* many.c */
void many_stop_if_done(struct many *);
void many_hold(struct many *, enum many_hold, bool on);
void many_on_input_over(struct many *);

/* many_member.c */
void many_on_client(struct door *, const struct door_client *);
void many_on_datagrams(struct door *, size_t which, int fd, bool borrowed);
void many_on_over(struct talk *);
void many_on_wait(struct talk *);
/* It is ended, in a few words and perhaps with a text. */
void many_close(
    struct member *, enum status, const char *why, const struct fail *);
void many_release_members(struct many *);

/* many_say.c */
void many_pump(struct many *);
void many_pump_soon(struct many *);
void many_on_more(struct feed *);

/* For whom something that was said cannot be. */
struct many_whose {
	uint64_t chan; /* 0: for all who hear this framing, or for nobody */
	const struct framing *out;
};

/* batch->v[at] cannot be said to them. */
typedef void many_fault(
    struct many *, size_t at, const struct many_whose *, const struct fail *);

/* many_news.c */
/* Messages that it was too slow for. */
uint64_t many_dropped(const struct member *);
void many_tell_dropped(struct member *);
bool many_news_init(struct many *);
void many_news_release(struct many *);
void many_join(struct many *, struct member *);
void many_part(struct member *);
/* Says b->v[from...] to all, or to all but those. */
void many_tell_all(struct many *, const struct batch *, size_t from,
    const struct target *but, many_fault *);
/* The same to one. */
void many_tell(struct many *, struct member *, const struct batch *,
    size_t from, many_fault *);
void many_on_low(struct talk *);
/* It need not be waited for any more. */
void many_not_late(struct member *);
/* Somebody may have taken something, or has gone. */
void many_go_on(struct many *);

/* many_relay.c */
void many_on_heard(struct talk *, const struct batch *);
void many_tell_unrelayed(struct many *);
/* Of what is relayed now: the number of spoken->v[at] among the sender's. */
uint64_t many_number(const struct many *, size_t at);

/* many_sweep.c */
void many_sweep_begin(struct many *);
size_t many_memory(const struct many *);

/* many_table.c */
void many_print_table(struct many *);
void many_list(struct many *, uint64_t line);
/*
 * An error of the input's line, and whose it is, if it is somebody's; false:
 * events are not for this output.
 */
bool many_tell_error(struct many *, const struct fail *, uint64_t line,
    const struct many_whose *);
bool many_tells(const struct many *);
bool many_tell_due(struct many *);
int many_status_open(struct many *, struct fail *);
void many_status_close(struct many *);
void many_status_release(struct many *);

#endif
