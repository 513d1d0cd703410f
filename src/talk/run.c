/* A run; see run.h. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/run.h"

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDING (sizeof(ending_signals) / sizeof(ending_signals[0]))

/* What happens now, for SIGUSR1. */
static void
describe(struct run *run)
{
	char text[600], waiting[200], handler[160] = "";
	struct fail f;

	if (run->on_describe != NULL) {
		run->on_describe(run);
		return;
	}
	if (run->talking) {
		talk_describe(&run->talk, text, sizeof(text));
		talk_waiting_for(&run->talk, waiting, sizeof(waiting));
		if (run->talk.handler != NULL)
			handler_describe(
			    &run->handler, handler, sizeof(handler));
		fail_set(&f, STATUS_DONE, "%s; %s%swaiting for %s", text,
		    handler, handler[0] == '\0' ? "" : "; ", waiting);
	} else
		fail_set(&f, STATUS_DONE, "waiting %s", run->dial.doing);
	run->plan->complain(&f);
}

static void
on_signal(uv_signal_t *s, int number)
{
	struct run *run = s->data;

	if (number == SIGUSR1) {
		describe(run);
		return;
	}
	if (number == SIGHUP && run->on_hangup != NULL && !run->over &&
	    run->on_hangup(run))
		return;
	fail_set(run->fail, STATUS_DONE, "signal %d", number);
	run->fail->signal = number;
	if (run->over)
		uv_stop(&run->loop); /* a handler is not waited for twice */
	run_end(run, STATUS_DONE);
}

static void
on_deadline(uv_timer_t *t)
{
	struct run *run = t->data;
	char waiting[200];

	if (run->talking)
		talk_waiting_for(&run->talk, waiting, sizeof(waiting));
	fail_set(run->fail, STATUS_TIMEOUT,
	    "timeout: --deadline of %g s has run out, waiting %s%s",
	    (double)run->plan->deadline_ms / 1000, run->talking ? "for " : "",
	    run->talking ? waiting : run->dial.doing);
	run_end(run, STATUS_TIMEOUT);
}

/* What was ignored when we began (nohup, a shell's background) stays so. */
static bool
is_ignored(int number)
{
	struct sigaction sa;

	return sigaction(number, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static int
init_signals(struct run *run)
{
	size_t i;
	int number;

	/* Sockets and pipes say EPIPE, which is looked at. */
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i <= ENDING; i++) {
		if (uv_signal_init(&run->loop, &run->signals[i]) != 0)
			return -1;
		run->signals[i].data = run;
		number = i < ENDING ? ending_signals[i] : SIGUSR1;
		if (!is_ignored(number))
			uv_signal_start(&run->signals[i], on_signal, number);
		uv_unref((uv_handle_t *)&run->signals[i]);
	}
	return 0;
}

static void
close_handle(uv_handle_t *h, void *unused)
{
	(void)unused;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

/* Gives up all that the run holds. */
static void
release(struct run *run)
{
	handler_release(&run->handler);
	feed_release(&run->feed);
	outlet_close(&run->outlet);
	charset_release(&run->charset);
	chan_loop_release(&run->chans);
	door_close(&run->door);
	uv_walk(&run->loop, close_handle, NULL);
	run->fail->leave_now = resolve_is_hung(&run->resolver);
	while (uv_run(&run->loop, UV_RUN_NOWAIT) != 0 && !run->fail->leave_now)
		;
	uv_loop_close(&run->loop);
	talk_release(&run->talk);
	door_release(&run->door);
	if (!run->fail->leave_now)
		secure_release(&run->secure);
}

/* The outcome of the talk becomes that of the run. */
void
run_take_outcome(struct run *run)
{
	const struct fail *f = talk_fail(&run->talk);

	if (f->what[0] != '\0' || f->signal != 0 || f->exit != 0)
		*run->fail = *f;
	run->fail->status = run->talk.status;
}

/*
 * -v: the last line of a conversation. Where the run ends with it, what is
 * wrong is told before.
 */
static void
last_line(struct run *run)
{
	const struct log *log = &run->plan->log;

	if (log->level < LOG_VERBOSE)
		return;
	if (run->over && run->fail->signal == 0) {
		run->plan->complain(run->fail);
		run->fail->what[0] = run->fail->hint[0] = '\0';
	}
	log_say(log, LOG_VERBOSE, "%s", talk_last(&run->talk));
}

static void
on_over(struct talk *t)
{
	struct run *run = run_of(t);

	run->talking = false;
	if (run->over)
		uv_stop(&run->loop);
	else
		run->on_over(run);
	last_line(run);
}

static void
on_dump(struct talk *t, const char *line)
{
	struct run *run = run_of(t);

	log_show(&run->plan->log, line);
}

static void
on_refused(struct talk *t, const struct fail *f)
{
	struct run *run = run_of(t);

	run->plan->complain(f);
}

int
run_init(struct run *run, const struct run_plan *plan, struct fail *f)
{
	memset(run, 0, sizeof(*run));
	run->plan = plan;
	run->fail = f;
	f->status = STATUS_DONE;
	/* A pass phrase is asked for while a signal still ends us. */
	if (secure_init(&run->secure, &plan->secure, plan->complain, f) == -1)
		return -1;
	if (uv_loop_init(&run->loop) != 0) {
		secure_release(&run->secure);
		return fail_set(f, STATUS_IO, "no event loop to be had");
	}
	chan_loop_init(&run->chans, &run->loop);
	if (plan->talk.track)
		run->home.lost = &run->left;
	run->home.log = &plan->log;
	run->home.chans = &run->chans;
	run->home.on_over = on_over;
	run->home.on_dump = on_dump;
	run->home.on_refused = on_refused;
	talk_home_init(&run->home);
	if (plan->handler.command.argv != NULL ||
	    plan->door.ask.command.argv != NULL)
		process_remember(&run->origin);
	if (init_signals(run) == -1) {
		release(run);
		return fail_set(f, STATUS_IO, "no signals to be had");
	}
	uv_timer_init(&run->loop, &run->deadline);
	uv_timer_init(&run->loop, &run->clock);
	run->deadline.data = run->clock.data = run;
	if (plan->deadline_ms > 0)
		uv_timer_start(
		    &run->deadline, on_deadline, plan->deadline_ms, 0);
	uv_unref((uv_handle_t *)&run->deadline);
	if (feed_init(&run->feed, &plan->feed, &run->loop, f) == -1 ||
	    charset_open(&run->charset, &plan->talk.charset, CHARSET_RECEIVE,
		plan->talk.stream, f) == -1) {
		release(run);
		return -1;
	}
	if (outlet_init(
		&run->outlet, &run->loop, STDOUT_FILENO, plan->output) == -1) {
		release(run);
		return fail_set(f, STATUS_IO, "out of memory");
	}
	run->outlet.sink.stamp = plan->stamp;
	if (plan->tagged)
		sink_set_tagged(&run->outlet.sink);
	if (plan->format != NULL)
		sink_set_format(&run->outlet.sink, plan->format);
	return 0;
}

/* With its handler: what is said and heard is that process's. */
static int
start_handler(struct run *run, int fd, const struct stream *s, const char *name,
    struct fail *f)
{
	struct talk *t = &run->talk;
	struct tls_facts facts;
	char channel[24];
	struct ucspi about = {
	    .fd = fd,
	    .connnum = 1,
	    .channel = channel,
	    .peer = name,
	    .in = &run->plan->talk.in,
	    .out = &run->plan->talk.out,
	};

	if (s != NULL && stream_tls_facts(s, &facts))
		about.tls = &facts;
	snprintf(channel, sizeof(channel), "c%" PRIu64, run->begun);
	if (handler_start(&run->handler, &run->plan->handler, &run->loop,
		&run->origin, &about, &run->may_come_back, f) == -1)
		return fail_prefix(f, "%s", name);
	t->handler = &run->handler;
	t->feed = &run->handler.feed;
	t->outlet = &run->handler.outlet;
	return 0;
}

/* What is said and heard is ours, unless a handler takes both over. */
static void
take_turn(struct run *run)
{
	struct talk *t = &run->talk;
	const struct talk before = *t;

	talk_release(t);
	memset(t, 0, sizeof(*t));
	/* Over several connections in turn one count and one pattern hold. */
	if (run->plan->talk.track) {
		t->heard = before.heard;
		t->met = before.met;
	}
	t->home = &run->home;
	t->plan = &run->plan->talk;
	t->feed = &run->feed;
	t->outlet = &run->outlet;
	if (run->plan->talk.charset.name != NULL) {
		run->extra = (struct talk_extra){.charset = &run->charset};
		t->extra = &run->extra;
		t->extra_lent = true;
	}
	t->number = ++run->begun;
	run->may_come_back = false;
}

static void
begin(struct run *run, struct stream *s, const char *name)
{
	if (s == NULL) {
		fail_set(run->fail, STATUS_IO, "%s: %s", name, strerror(errno));
		run_end(run, STATUS_IO);
		return;
	}
	if (!run->plan->talk.answers)
		log_say(&run->plan->log, LOG_VERBOSE, "c%" PRIu64 " %s: open",
		    run->begun, name);
	secure_say(&run->plan->log, run->begun, name, s);
	run->talking = true;
	talk_begin(&run->talk, s, name);
}

void
run_talk(
    struct run *run, int fd, bool borrowed, struct stream *s, const char *name)
{
	struct fail f;

	take_turn(run);
	if (run->plan->handler.command.argv != NULL &&
	    start_handler(run, fd, s, name, &f) == -1) {
		if (s != NULL)
			stream_close(s, false);
		else if (!borrowed)
			close(fd);
		talk_not_begun(&run->talk, &f);
		run->on_over(run);
		return;
	}
	begin(run, s != NULL ? s : stream_socket_new(&run->loop, fd, borrowed),
	    name);
}

void
run_talk_datagrams(struct run *run, int fd, bool borrowed,
    const struct stream_peer *to, const char *name)
{
	take_turn(run);
	begin(run, stream_dgram_new(&run->loop, fd, borrowed, to, false), name);
}

static void
on_denied(struct door *d, const struct door_client *c, const char *why)
{
	struct run *run = d->owner;
	char name[ADDR_TEXT_MAX];

	log_say(&run->plan->log, LOG_VERBOSE, "%s: denied, %s",
	    door_client_name(d, c, name), why);
}

static void
on_trouble(struct door *d, const struct fail *f)
{
	struct run *run = d->owner;

	run->plan->complain(f);
}

static void
on_failed(struct door *d, const struct fail *f)
{
	struct run *run = d->owner;

	*run->fail = *f;
	run_end(run, f->status);
}

void
run_set_door(struct run *run)
{
	struct door *d = &run->door;

	d->owner = run;
	d->log = &run->plan->log;
	d->origin = &run->origin;
	d->tls = run->secure.tls;
	d->on_denied = on_denied;
	d->on_trouble = on_trouble;
	d->on_failed = on_failed;
}

bool
run_reload(struct run *run)
{
	if (run->plan->door.rules.n == 0 && run->secure.tls == NULL)
		return false;
	if (run->plan->door.rules.n > 0)
		door_reload(&run->door);
	secure_reload(&run->secure, &run->plan->log);
	return true;
}

void
run_end(struct run *run, enum status s)
{
	if (run->over)
		return;
	run->over = true;
	run->status = s;
	run->on_stop(run);
	if (run->on_end != NULL)
		run->on_end(run);
	else if (!run->talking || !talk_stop(&run->talk))
		uv_stop(&run->loop);
}

int
run_loop(struct run *run)
{
	enum status s;

	uv_run(&run->loop, UV_RUN_DEFAULT);
	/* An end from outside: what has been heard is still shown. */
	outlet_flush(&run->outlet);
	if (run->on_leave != NULL)
		run->on_leave(run);
	if (run->talking && !run->talk.over) {
		talk_cut(&run->talk, run->status, run->fail);
		last_line(run);
	}
	if (run->talking)
		talk_abandon(&run->talk);
	release(run);
	s = run->over ? run->status : STATUS_DONE;
	if (run->talking && !run->over) {
		/* Never to be seen: but if so, it is told. */
		s = STATUS_IO;
		fail_set(run->fail, s, "nothing was left to wait for");
	}
	if (s == STATUS_DONE && run->fail->signal == 0 && run->fail->exit == 0)
		return 0;
	run->fail->status = s;
	return -1;
}
