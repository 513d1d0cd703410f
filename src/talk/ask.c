/* A program is asked; see ask.h. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "talk/ask.h"

#define STARTS_A_TURN 4
#define WHY_MAX (4 * ASK_SAID_MAX + 64)

extern char **environ;

static void
on_poll_closed(uv_handle_t *h)
{
	struct ask *a = h->data;

	a->all->on_closed(a);
}

/* The first line of what it writes is kept, the rest is thrown away. */
static bool
hear(struct ask *a)
{
	char buf[4096];
	size_t room;
	ssize_t n;

	for (;;) {
		n = read(a->out, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == -1 && errno == EAGAIN;
		room = sizeof(a->said) - a->said_len;
		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(a->said + a->said_len, buf, room);
		a->said_len += room;
	}
}

static void
on_output(uv_poll_t *poll, int status, int events)
{
	struct ask *a = poll->data;

	(void)events;
	if (status != 0 || !hear(a))
		uv_poll_stop(poll);
}

/* Why not: what it said, or how it ended. */
static void
explain(struct ask *a, int status, char *why, size_t cap)
{
	struct span out = {(uint8_t *)why, 0, cap - 1};
	const char *end = memchr(a->said, '\n', a->said_len);
	size_t len = end == NULL ? a->said_len : (size_t)(end - a->said);
	size_t pos = 0;

	why[0] = '\0';
	if (a->killed)
		snprintf(why, cap, "%.128s has not answered within %g s",
		    a->all->plan->name, (double)a->all->plan->limit_ms / 1000);
	else if (WIFSIGNALED(status))
		snprintf(why, cap, "%.128s was ended by signal %d",
		    a->all->plan->name, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 0)
		return;
	else if (len > 0) {
		text_escape(TEXT_LINE, slice_of(a->said, len), &pos, &out);
		why[out.len] = '\0';
	} else
		snprintf(why, cap, "%.128s exited with status %d",
		    a->all->plan->name, WEXITSTATUS(status));
}

static void
leave(struct ask *a)
{
	if (a->state == ASK_RUNS) {
		TAILQ_REMOVE(&a->all->running, a, link);
		a->all->n--;
	} else
		TAILQ_REMOVE(&a->all->waiting, a, link);
	a->state = ASK_NONE;
}

static void
close_output(struct ask *a)
{
	uv_close((uv_handle_t *)&a->poll, on_poll_closed);
	close(a->out);
}

static void
ended(struct ask *a, int status)
{
	char why[WHY_MAX];

	hear(a);
	explain(a, status, why, sizeof(why));
	leave(a);
	close_output(a);
	a->all->on_answer(a, why);
}

static void on_turn(uv_timer_t *);

/* Those who wait are started in turns of their own. */
static void
go_on(struct asks *all)
{
	if (!TAILQ_EMPTY(&all->waiting) && all->n < ASK_RUNNING_MAX)
		uv_timer_start(&all->turn, on_turn, 0, 0);
}

static void
look(struct asks *all)
{
	struct ask *a, *next;
	int status;

	for (a = TAILQ_FIRST(&all->running); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (process_has_ended(a->pid, &status))
			ended(a, status);
		/* The answer may have been the end of all. */
		if (!all->open)
			return;
	}
	go_on(all);
}

static void
on_child(uv_signal_t *s, int number)
{
	(void)number;
	look(s->data);
}

static void set_clock(struct asks *);

static void
on_clock(uv_timer_t *t)
{
	struct asks *all = t->data;
	struct ask *a;

	TAILQ_FOREACH (a, &all->running, link)
		if (!a->killed && a->until_ms <= uv_now(all->loop)) {
			a->killed = true;
			process_signal(a->pid, SIGKILL);
		}
	set_clock(all);
}

/* All have the same time; the first that still has some is next. */
static void
set_clock(struct asks *all)
{
	uint64_t now = uv_now(all->loop);
	struct ask *a;

	TAILQ_FOREACH (a, &all->running, link)
		if (!a->killed)
			break;
	if (a == NULL)
		uv_timer_stop(&all->clock);
	else
		uv_timer_start(&all->clock, on_clock,
		    a->until_ms > now ? a->until_ms - now : 0, 0);
}

static void
kill_and_wait(pid_t pid)
{
	int status;

	process_signal(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
}

/* 0, or an errno. */
static int
start(struct ask *a)
{
	struct asks *all = a->all;
	struct ucspi about = {.connnum = 1};
	struct process p;
	char **env;
	int err = 0;

	all->describe(a, &about);
	env = ucspi_environment(&about, environ);
	if (env == NULL)
		return ENOMEM;
	if (process_start(&p, all->plan->command.path, all->plan->command.argv,
		env, all->origin) == -1)
		err = errno;
	free(env);
	if (err != 0)
		return err;
	close(p.in); /* it has nothing to read */
	err = -uv_poll_init(all->loop, &a->poll, p.out);
	if (err != 0) {
		kill_and_wait(p.pid);
		close(p.out);
		return err;
	}
	a->poll.data = a;
	a->pid = p.pid;
	a->out = p.out;
	uv_update_time(all->loop); /* it took a moment */
	a->until_ms = uv_now(all->loop) + all->plan->limit_ms;
	a->state = ASK_RUNS;
	TAILQ_INSERT_TAIL(&all->running, a, link);
	all->n++;
	uv_poll_start(&a->poll, UV_READABLE, on_output);
	return 0;
}

/* It cannot be asked: who cannot be asked about does not come in. */
static void
cannot(struct ask *a, int err)
{
	char why[WHY_MAX];

	snprintf(why, sizeof(why), "%.128s cannot be run: %s",
	    a->all->plan->name, strerror(err));
	leave(a);
	a->all->on_answer(a, why);
	a->all->on_closed(a);
}

static bool
is_short(int err)
{
	return err == EAGAIN || err == ENOMEM || err == EMFILE || err == ENFILE;
}

/* To start one takes a while in which nothing else goes on: a few at once. */
static void
on_turn(uv_timer_t *t)
{
	struct asks *all = t->data;
	struct ask *a;
	int i, err;

	for (i = 0; i < STARTS_A_TURN && all->n < ASK_RUNNING_MAX &&
	     (a = TAILQ_FIRST(&all->waiting)) != NULL;
	     i++) {
		TAILQ_REMOVE(&all->waiting, a, link);
		err = start(a);
		if (err == 0)
			continue;
		TAILQ_INSERT_HEAD(&all->waiting, a, link);
		/* What is short now is not when one of the others has ended. */
		if (is_short(err) && all->n > 0) {
			set_clock(all);
			return;
		}
		cannot(a, err);
		if (!all->open)
			return;
	}
	set_clock(all);
	go_on(all);
}

int
asks_init(struct asks *all, const struct ask_plan *plan, uv_loop_t *loop,
    const struct process_origin *origin)
{
	int err = -uv_signal_init(loop, &all->child);

	if (err != 0) {
		errno = err;
		return -1;
	}
	all->plan = plan;
	all->loop = loop;
	all->origin = origin;
	TAILQ_INIT(&all->running);
	TAILQ_INIT(&all->waiting);
	all->n = 0;
	all->open = true;
	uv_timer_init(loop, &all->clock);
	uv_timer_init(loop, &all->turn);
	all->child.data = all->clock.data = all->turn.data = all;
	uv_signal_start(&all->child, on_child, SIGCHLD);
	/* What runs is known by its output. */
	uv_unref((uv_handle_t *)&all->child);
	uv_unref((uv_handle_t *)&all->clock);
	return 0;
}

void
ask_begin(struct asks *all, struct ask *a)
{
	a->all = all;
	a->state = ASK_WAITS;
	a->killed = false;
	a->said_len = 0;
	TAILQ_INSERT_TAIL(&all->waiting, a, link);
	go_on(all);
}

void
asks_close(struct asks *all)
{
	struct ask *a;

	if (!all->open)
		return;
	all->open = false;
	uv_close((uv_handle_t *)&all->clock, NULL);
	uv_close((uv_handle_t *)&all->turn, NULL);
	uv_close((uv_handle_t *)&all->child, NULL);
	TAILQ_FOREACH (a, &all->running, link)
		process_signal(a->pid, SIGKILL);
	while ((a = TAILQ_FIRST(&all->running)) != NULL) {
		kill_and_wait(a->pid);
		leave(a);
		close_output(a);
	}
	while ((a = TAILQ_FIRST(&all->waiting)) != NULL) {
		leave(a);
		all->on_closed(a);
	}
}
