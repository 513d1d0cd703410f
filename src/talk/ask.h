/*
 * --accept-cmd: a program is asked whether somebody may come in. It sees the
 * connection in its environment (ucspi.h), has nothing to read, and answers by
 * its status: 0 admits. Otherwise the first line that it wrote says why not.
 *
 * Several are asked at once, but not more than a few; the others wait until
 * one has answered. What has not answered in time is killed, with all that it
 * has started, and that is a no.
 *
 *	ask_begin --> WAITS --> RUNS --> on_answer --> on_closed
 */
#ifndef TALK_ASK_H
#define TALK_ASK_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "talk/command.h"
#include "talk/process.h"
#include "talk/ucspi.h"

#define ASK_RUNNING_MAX 64
#define ASK_SAID_MAX 160

struct ask_plan {
	struct command command; /* argv is NULL: nobody is asked */
	const char *name;	/* as typed, for texts */
	uint64_t limit_ms;
};

enum ask_state {
	ASK_NONE,
	ASK_WAITS,
	ASK_RUNS,
};

/* One question; it belongs to whoever asks, and begins as zeros. */
struct ask {
	/* The ask's own, but for `owner`. */
	void *owner;
	TAILQ_ENTRY(ask) link;
	struct asks *all;
	enum ask_state state;
	pid_t pid;
	int out;
	bool killed; /* its time was up */
	uint64_t until_ms;
	char said[ASK_SAID_MAX];
	size_t said_len;
	uv_poll_t poll;
};

TAILQ_HEAD(ask_list, ask);

/* All of them. */
struct asks {
	/* Set by the owner before asks_init. */
	/* What the program is told; *about is zeros. */
	void (*describe)(struct ask *, struct ucspi *about);
	/* why: fit for a line, and empty if it may come in. */
	void (*on_answer)(struct ask *, const char *why);
	/* Its struct may go; comes once, after on_answer. */
	void (*on_closed)(struct ask *);

	/* Their own. */
	const struct ask_plan *plan;
	const struct process_origin *origin;
	uv_loop_t *loop;
	struct ask_list running; /* the oldest first */
	struct ask_list waiting;
	size_t n; /* running */
	uv_timer_t clock;
	uv_timer_t turn; /* more of them are to be started */
	uv_signal_t child;
	bool open;
};

/* 0, or -1 and errno. */
int asks_init(struct asks *, const struct ask_plan *, uv_loop_t *,
    const struct process_origin *);

/* on_answer comes, and then on_closed, from the loop. */
void ask_begin(struct asks *, struct ask *);

/*
 * Nobody is asked any more: what runs is killed and waited for, which takes a
 * moment, and of each question on_closed comes, but no answer. May be called
 * twice, and of zeros.
 */
void asks_close(struct asks *);

#endif
