/* A handler; see handler.h. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talk/handler.h"

/* How often a process group is asked whether it is still there. */
#define LOOK_MS 20

extern char **environ;

static void
on_closed(struct handler *h)
{
	if (--h->handles > 0 || h->state != HANDLER_CLOSING)
		return;
	feed_release(&h->feed);
	h->state = HANDLER_NONE;
	h->on_gone(h);
}

static void
on_inlet_closed(struct inlet *in)
{
	on_closed(in->keeper);
}

static void
on_outlet_closed(struct outlet *o)
{
	on_closed(o->keeper);
}

static void
on_clock_closed(uv_handle_t *t)
{
	on_closed(t->data);
}

/* The end, once nothing of it is waited for: the handles go. */
static void
go(struct handler *h)
{
	if (h->state != HANDLER_ENDED || !h->left || !h->settled)
		return;
	h->state = HANDLER_CLOSING;
	uv_close((uv_handle_t *)&h->clock, on_clock_closed);
	uv_close((uv_handle_t *)&h->child, on_clock_closed);
}

static void on_clock(uv_timer_t *);

static void
set_clock(struct handler *h, uint64_t ms)
{
	uv_timer_start(&h->clock, on_clock, ms, 0);
}

static void
settle(struct handler *h)
{
	h->settled = true;
	uv_timer_stop(&h->clock);
	go(h);
}

/* A signal to the process group, and what is stopped goes on to get it. */
static bool
tell(struct handler *h, int number)
{
	h->told = number;
	if (!process_signal(h->pid, number))
		return false;
	return process_signal(h->pid, SIGCONT);
}

/* It was told to end, and has; are those that it had started gone as well? */
static void
look_at_group(struct handler *h)
{
	if (h->told == SIGKILL || !process_signal(h->pid, 0)) {
		settle(h);
	} else if (uv_now(h->loop) >= h->kill_ms) {
		tell(h, SIGKILL);
		settle(h);
	} else
		set_clock(h, LOOK_MS);
}

static void
close_backlog(struct handler *h)
{
	if (h->backlog != -1)
		close(h->backlog);
	h->backlog = -1;
}

static void
ended(struct handler *h)
{
	h->state = HANDLER_ENDED;
	close_backlog(h);
	uv_signal_stop(&h->child);
	uv_timer_stop(&h->clock);
	outlet_close(&h->outlet);
	if (h->told != 0)
		look_at_group(h);
	else if (h->left || h->feed.inlet.ended)
		settle(h);
	else
		set_clock(h, h->plan->grace_ms);
	h->on_end(h);
}

/* Is it still there? */
static bool
runs(struct handler *h)
{
	if (h->state == HANDLER_RUNS && process_has_ended(h->pid, &h->status))
		ended(h);
	return h->state == HANDLER_RUNS;
}

static void
on_child(uv_signal_t *s, int number)
{
	(void)number;
	runs(s->data);
}

/* It may have ended before we listened for that. */
static void
on_first_look(uv_timer_t *t)
{
	runs(t->data);
}

static void
on_clock(uv_timer_t *t)
{
	struct handler *h = t->data;

	if (h->state == HANDLER_RUNS) {
		if (!runs(h))
			return;
		if (h->told == 0)
			handler_stop(h);
		else
			tell(h, SIGKILL);
	} else if (h->told != 0) {
		look_at_group(h);
	} else {
		/* Somebody else holds its output, and has had the time. */
		inlet_finish(&h->feed.inlet);
		settle(h);
	}
}

/* The loop's side of it. */
static int
watch(struct handler *h, const struct process *p, struct fail *f)
{
	if (feed_init_pipe(&h->feed, &h->plan->feed, h->loop, p->out,
		"the handler's output", f) == -1) {
		close(p->in);
		close(p->out);
		return -1;
	}
	if (outlet_init_own(&h->outlet, h->loop, p->in, h->plan->output) ==
	    -1) {
		fail_set(
		    f, STATUS_IO, "the handler's input: %s", strerror(errno));
		close(p->in);
		feed_release(&h->feed);
		return -1;
	}
	if (h->plan->format != NULL)
		sink_set_format(&h->outlet.sink, h->plan->format);
	if (h->plan->tagged)
		sink_set_tagged(&h->outlet.sink);
	h->feed.inlet.on_closed = on_inlet_closed;
	h->feed.inlet.keeper = h;
	h->outlet.on_closed = on_outlet_closed;
	h->outlet.keeper = h;
	uv_timer_init(h->loop, &h->clock);
	uv_signal_init(h->loop, &h->child);
	h->clock.data = h->child.data = h;
	h->handles = 4;
	uv_signal_start(&h->child, on_child, SIGCHLD);
	uv_timer_start(&h->clock, on_first_look, 0, 0);
	return 0;
}

static int
refuse(const struct handler_plan *plan, int err, struct fail *f)
{
	fail_set(f, STATUS_IO, "handler '%.128s': cannot be started: %s",
	    plan->name, strerror(err));
	if (err == ENOEXEC)
		return fail_hint(
		    f, "try: a first line such as #!/bin/sh, or --sh");
	if (err == ENOENT)
		return fail_hint(f,
		    "%.256s, or the interpreter that its first line names, is "
		    "not there",
		    plan->command.path);
	return -1;
}

int
handler_spawn(const struct handler_plan *plan,
    const struct process_origin *origin, const struct ucspi *about,
    struct process *p, bool *again, struct fail *f)
{
	char **env = ucspi_environment(about, environ);
	int err = 0;

	*again = true;
	if (env == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	if (process_start(
		p, plan->command.path, plan->command.argv, env, origin) == -1)
		err = errno;
	free(env);
	if (err == 0)
		return 0;
	*again =
	    err == EAGAIN || err == ENOMEM || err == EMFILE || err == ENFILE;
	return refuse(plan, err, f);
}

int
handler_take(struct handler *h, const struct handler_plan *plan,
    uv_loop_t *loop, const struct process *p, struct fail *f)
{
	int status;

	h->plan = plan;
	h->loop = loop;
	h->pid = p->pid;
	h->status = h->told = 0;
	h->backlog = -1;
	h->hurried = h->shut = h->left = h->settled = false;
	if (watch(h, p, f) == 0) {
		h->state = HANDLER_RUNS;
		return 0;
	}
	process_signal(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	return -1;
}

int
handler_start(struct handler *h, const struct handler_plan *plan,
    uv_loop_t *loop, const struct process_origin *origin,
    const struct ucspi *about, bool *again, struct fail *f)
{
	struct process p;

	if (handler_spawn(plan, origin, about, &p, again, f) == -1)
		return -1;
	*again = false; /* what is half closed cannot be used again */
	return handler_take(h, plan, loop, &p, f);
}

void
handler_on_empty(struct handler *h)
{
	char path[40];

	if (!h->shut || !h->outlet.taken)
		return;
	/* A reading end that nobody reads from: it holds up nothing. Where
	 * there is no such file, nothing is known. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", h->outlet.fd.fd);
	h->backlog = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	outlet_close(&h->outlet);
}

void
handler_shut(struct handler *h)
{
	h->shut = true;
	if (outlet_is_empty(&h->outlet))
		handler_on_empty(h);
}

size_t
handler_unread(const struct handler *h)
{
	int n = 0;

	if (h->backlog == -1 || ioctl(h->backlog, FIONREAD, &n) == -1)
		return 0;
	return (size_t)n;
}

void
handler_mute(struct handler *h)
{
	inlet_close(&h->feed.inlet);
}

void
handler_hurry(struct handler *h)
{
	if (h->state != HANDLER_RUNS || h->hurried)
		return;
	h->hurried = true;
	set_clock(h, h->plan->grace_ms);
}

void
handler_stop(struct handler *h)
{
	if (h->state == HANDLER_ENDED && h->told == 0 && !h->settled) {
		inlet_finish(&h->feed.inlet);
		settle(h);
	}
	if (h->state != HANDLER_RUNS || h->told != 0)
		return;
	tell(h, SIGTERM);
	h->kill_ms = uv_now(h->loop) + h->plan->grace_ms;
	h->hurried = true;
	set_clock(h, h->plan->grace_ms);
}

void
handler_leave(struct handler *h)
{
	h->left = true;
	close_backlog(h);
	inlet_close(&h->feed.inlet);
	outlet_close(&h->outlet);
	handler_hurry(h);
	if (h->state == HANDLER_ENDED && h->told == 0)
		settle(h);
	go(h);
}

void
handler_release(struct handler *h)
{
	if (h->state == HANDLER_NONE)
		return;
	if (h->state == HANDLER_RUNS || (h->told != 0 && !h->settled))
		process_signal(h->pid, SIGKILL);
	h->state = HANDLER_NONE;
	close_backlog(h);
	outlet_close(&h->outlet);
	feed_release(&h->feed);
}

int
handler_status(const struct handler *h)
{
	return WIFSIGNALED(h->status) ? 128 + WTERMSIG(h->status)
				      : WEXITSTATUS(h->status);
}

void
handler_describe(const struct handler *h, char *buf, size_t cap)
{
	int n = snprintf(
	    buf, cap, "handler %ld (%.64s) ", (long)h->pid, h->plan->name);

	if (n < 0 || (size_t)n >= cap)
		return;
	buf += n;
	cap -= (size_t)n;
	if (h->state == HANDLER_RUNS)
		snprintf(buf, cap, "runs%s",
		    h->told == SIGKILL	     ? ", was killed"
			: h->told == SIGTERM ? ", was told to end"
			: h->shut	     ? ", has been told all"
					     : "");
	else if (WIFSIGNALED(h->status))
		snprintf(buf, cap, "was ended by signal %d (%s)",
		    WTERMSIG(h->status), strsignal(WTERMSIG(h->status)));
	else
		snprintf(
		    buf, cap, "exited with status %d", WEXITSTATUS(h->status));
}
