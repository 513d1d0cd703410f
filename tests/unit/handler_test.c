/*
 * A handler without a conversation: it is started, spoken to, listened to,
 * and brought to its end. Its commands are the shell's.
 */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talk/handler.h"
#include "tap.h"

/* How things were when we began. */
static struct process_origin origin;

/* What would be a conversation. */
struct subject {
	struct handler h;
	struct handler_plan plan;
	uv_loop_t loop;
	struct about_of of;
	uv_timer_t patience;
	char said[4096]; /* what it wrote, "|" behind each message */
	bool quiet;	 /* nobody listens */
	bool output_over, ended, gone;
	uint64_t begun_ms;
};

/* The first of it, at least. */
static void
hear(struct subject *s, struct slice m)
{
	if (strlen(s->said) + m.len + 2 > sizeof(s->said))
		return;
	strncat(s->said, (const char *)m.p, m.len);
	strcat(s->said, "|");
}

static void
on_more(struct feed *f)
{
	struct subject *s = f->owner;
	struct slice m;

	while (!s->quiet)
		switch (feed_next(f)) {
		case FEED_READY:
			m = f->batch.v[f->next++];
			hear(s, m);
			break;
		case FEED_LATER:
			return;
		default:
			s->output_over = true;
			return;
		}
}

static void
on_room(struct outlet *o)
{
	(void)o;
}

static void
on_error(struct outlet *o, int err)
{
	(void)o;
	(void)err;
}

static void
on_empty(struct outlet *o)
{
	struct subject *s = o->owner;

	handler_on_empty(&s->h);
}

static void
on_end(struct handler *h)
{
	struct subject *s = h->owner;

	s->ended = true;
}

static void
on_gone(struct handler *h)
{
	struct subject *s = h->owner;

	s->gone = true;
	uv_close((uv_handle_t *)&s->patience, NULL);
}

static void
on_patience(uv_timer_t *t)
{
	errx(1, "it has taken too long");
}

static int
try_start(struct subject *s, const char *command, uint64_t grace_ms,
    bool *again, struct fail *f)
{
	static struct framing windev;
	struct ucspi about = {.fd = -1,
	    .connnum = 1,
	    .channel = "c1",
	    .peer = "nobody",
	    .in = &windev,
	    .out = &windev};
	size_t at;

	memset(s, 0, sizeof(*s));
	framing_parse("windev", &windev, &at);
	uv_loop_init(&s->loop);
	s->h.owner = s;
	s->h.on_end = on_end;
	s->h.on_gone = on_gone;
	s->plan.name = command;
	s->plan.grace_ms = grace_ms;
	s->plan.feed.max = 1 << 20;
	s->plan.feed.repeat = 1;
	command_set_shell(&s->plan.command, command, f);
	command_find(&s->plan.command, f);
	return handler_start(
	    &s->h, &s->plan, &s->loop, &origin, &about, again, f);
}

static void
start(struct subject *s, const char *command, uint64_t grace_ms)
{
	struct fail f;
	bool again;

	if (try_start(s, command, grace_ms, &again, &f) == -1)
		errx(1, "%s: %s", command, f.what);
	s->h.feed.owner = s;
	s->h.feed.on_more = on_more;
	s->h.outlet.owner = s;
	about_begin(&s->of, 1, "");
	s->h.outlet.on_room = on_room;
	s->h.outlet.on_error = on_error;
	s->h.outlet.on_empty = on_empty;
	uv_timer_init(&s->loop, &s->patience);
	uv_timer_start(&s->patience, on_patience, 20000, 0);
	s->begun_ms = uv_now(&s->loop);
	on_more(&s->h.feed);
}

static void
say(struct subject *s, const char *text)
{
	struct slice v = slice_of(text, strlen(text));
	struct batch b = {&v, 1, 1};

	outlet_put(&s->h.outlet, &s->of, &b);
}

/* Turns the loop until that is so. */
static void
until(struct subject *s, const bool *done)
{
	while (!*done)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void
until_said(struct subject *s, const char *text)
{
	while (strcmp(s->said, text) != 0)
		uv_run(&s->loop, UV_RUN_ONCE);
}

/* All is given back, and no child is left. */
static void
finish(struct subject *s, int status, const char *what)
{
	int unused;

	handler_leave(&s->h);
	until(s, &s->gone);
	while (uv_run(&s->loop, UV_RUN_NOWAIT) != 0)
		;
	is_num(uv_loop_close(&s->loop), 0, "%s: no handle is left", what);
	is_num(handler_status(&s->h), status, "%s: its status", what);
	is_num(s->h.state, HANDLER_NONE, "%s: it is gone", what);
	is_num(waitpid(-1, &unused, WNOHANG), -1, "%s: no child is left", what);
	command_release(&s->plan.command);
}

static uint64_t
took(struct subject *s)
{
	uv_update_time(&s->loop);
	return uv_now(&s->loop) - s->begun_ms;
}

static void
test_plain(void)
{
	struct subject s;
	char text[200];

	start(&s, "while read -r x; do echo \"$x$x\"; done; exit 3", 20000);
	handler_describe(&s.h, text, sizeof(text));
	ok(strstr(text, ") runs") != NULL, "described as one that runs");
	say(&s, "a");
	until_said(&s, "aa|");
	say(&s, "b");
	until_said(&s, "aa|bb|");
	ok(!s.ended && !s.output_over, "it goes on as long as it is spoken to");
	say(&s, "c");
	handler_shut(&s.h);
	until(&s, &s.ended);
	until(&s, &s.output_over);
	is_text(s.said, "aa|bb|cc|", "what was said last is heard, too");
	handler_describe(&s.h, text, sizeof(text));
	ok(strstr(text, "exited with status 3") != NULL,
	    "described as one that has ended");
	finish(&s, 3, "an end of its own");
	ok(took(&s) < 10000, "nothing of it is waited for");
}

static void
test_at_once(void)
{
	struct subject s;
	int i;

	for (i = 0; i < 20; i++) {
		start(&s, "exit 9", 20000);
		until(&s, &s.ended);
		finish(&s, 9, "one that ends at once");
	}
}

static void
test_signal(void)
{
	struct subject s;
	char text[200];

	start(&s, "kill -SEGV $$", 20000);
	until(&s, &s.ended);
	handler_describe(&s.h, text, sizeof(text));
	ok(strstr(text, "was ended by signal 11") != NULL,
	    "the signal is told");
	finish(&s, 128 + SIGSEGV, "a signal of its own");
}

static void
test_leave(void)
{
	struct subject s;

	start(&s, "trap 'exit 5' TERM; echo ready; while :; do :; done", 50);
	until_said(&s, "ready|");
	finish(&s, 5, "one that does not see its end of file gets SIGTERM");

	start(&s, "trap '' TERM; echo ready; while :; do :; done", 50);
	until_said(&s, "ready|");
	finish(&s, 128 + SIGKILL, "one that ignores it gets SIGKILL");
	ok(took(&s) >= 100, "and both had their time");

	start(&s, "cat >/dev/null; exit 4", 20000);
	finish(&s, 4, "one that ends by itself gets neither");

	start(&s, "kill -STOP $$; exit 6", 50);
	finish(&s, 128 + SIGTERM, "one that is stopped is woken for its end");
}

static void
test_mute(void)
{
	struct subject s;

	start(&s, "echo one; read x; echo two; echo three; exit 0", 20000);
	until_said(&s, "one|");
	handler_mute(&s.h);
	say(&s, "x");
	until(&s, &s.ended);
	finish(&s, 128 + SIGPIPE, "one that nobody hears meets SIGPIPE");
	is_text(s.said, "one|", "and is not heard");
}

/* What it has not read is known behind its end of file, and is still its. */
static void
test_unread(void)
{
	struct subject s;

	start(&s, "kill -STOP $$; cat; exit 1", 20000);
	say(&s, "0123456789");
	handler_shut(&s.h);
	while (s.h.outlet.taken)
		uv_run(&s.loop, UV_RUN_ONCE);
#ifdef __linux__
	is_num(handler_unread(&s.h), 11, "a line that it has not read");
#endif
	/* It may not have stopped yet. */
	while (s.said[0] == '\0') {
		kill(s.h.pid, SIGCONT);
		uv_run(&s.loop, UV_RUN_NOWAIT);
	}
	is_text(s.said, "0123456789|", "is what it reads");
	is_num(handler_unread(&s.h), 0, "and then there is no more");
	until(&s, &s.ended);
	finish(&s, 1, "one that saw its end of file late");
}

static void
test_stop(void)
{
	struct subject s;

	start(&s,
	    "trap 'echo bye; exit 0' TERM; echo ready; while :; do :; done",
	    20000);
	until_said(&s, "ready|");
	handler_stop(&s.h);
	handler_stop(&s.h);
	until(&s, &s.output_over);
	is_text(s.said, "ready|bye|", "its last word is heard");
	until(&s, &s.ended);
	finish(&s, 0, "told to end");
}

/* The children of a shell that is told to end. */
static void
test_group(void)
{
	struct subject s;

	start(
	    &s, "(trap '' TERM; echo child; while :; do :; done) & wait", 100);
	until_said(&s, "child|");
	handler_stop(&s.h);
	until(&s, &s.ended);
	ok(took(&s) < 10000, "the shell ends by the first signal");
	until(&s, &s.output_over);
	finish(&s, 128 + SIGTERM, "its child had the rest of the time");
	ok(took(&s) >= 100, "and no less");
}

static void
test_left_behind(void)
{
	struct subject s;

	start(&s, "tail -f /dev/null & echo $!; exit 2", 100);
	until(&s, &s.ended);
	ok(!s.output_over, "another still holds its output");
	until(&s, &s.output_over);
	ok(took(&s) >= 100, "that is waited for, for so long");
	finish(&s, 2, "one that leaves another behind");
	is_num(kill(atoi(s.said), SIGKILL), 0, "which is left alone");

	start(&s, "yes & exit 2", 50);
	s.quiet = true;
	feed_rest(&s.h.feed); /* the pipe becomes full */
	until(&s, &s.ended);
	while (!s.h.settled)
		uv_run(&s.loop, UV_RUN_ONCE);
	s.quiet = false;
	on_more(&s.h.feed);
	until(&s, &s.output_over);
	ok(s.said[0] != '\0', "one that writes for ever is heard up to then");
	finish(&s, 2, "and no longer");
}

static void
test_refused(void)
{
	static const char script[] = "/tmp/handler_test.XXXXXX";
	char path[sizeof(script)];
	struct subject s;
	struct fail f;
	bool again = true;
	int fd;

	memcpy(path, script, sizeof(path));
	fd = mkstemp(path);
	if (fd == -1 || write(fd, "echo\n", 5) != 5 || fchmod(fd, 0700) == -1)
		err(1, "%s", path);
	close(fd);
	memset(&s, 0, sizeof(s));
	s.plan.name = "name";
	command_set_words(&s.plan.command, path, &f);
	command_find(&s.plan.command, &f);
	is_num(handler_start(&s.h, &s.plan, &s.loop, &origin,
		   &(struct ucspi){.fd = -1,
		       .channel = "",
		       .peer = "",
		       .in = &(struct framing){0},
		       .out = &(struct framing){0}},
		   &again, &f),
	    -1, "a file that is no program is refused");
	is_text(f.what, "handler 'name': cannot be started: Exec format error",
	    "with why");
	ok(!again, "and will be for the next one, too");
	is_num(s.h.state, HANDLER_NONE, "and nothing was begun");
	handler_release(&s.h);
	is_num(waitpid(-1, &fd, WNOHANG), -1, "no child is left");
	unlink(path);
	command_release(&s.plan.command);
}

/* The loop is over while it runs. */
static void
test_release(void)
{
	struct subject s;
	int status;
	pid_t pid;

	start(&s, "trap '' TERM; echo ready; while :; do :; done", 20000);
	until_said(&s, "ready|");
	pid = s.h.pid;
	handler_release(&s.h);
	is_num(waitpid(pid, &status, 0), pid, "released, it is at its end");
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "by SIGKILL");
	uv_close((uv_handle_t *)&s.h.clock, NULL);
	uv_close((uv_handle_t *)&s.h.child, NULL);
	uv_close((uv_handle_t *)&s.patience, NULL);
	while (uv_run(&s.loop, UV_RUN_NOWAIT) != 0)
		;
	is_num(uv_loop_close(&s.loop), 0, "and no handle is left");
	ok(!s.gone, "nobody is told");
	command_release(&s.plan.command);
}

int
main(void)
{
	signal(SIGPIPE, SIG_DFL);
	process_remember(&origin);
	signal(SIGPIPE, SIG_IGN);
	test_plain();
	test_at_once();
	test_signal();
	test_leave();
	test_mute();
	test_unread();
	test_stop();
	test_group();
	test_left_behind();
	test_refused();
	test_release();
	return done_testing();
}
