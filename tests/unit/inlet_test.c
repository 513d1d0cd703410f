/*
 * Standard input in a loop, over real descriptors of every kind: all that is
 * said is heard, in order and then its end, once; nothing is read that nobody
 * wants; and the descriptor stays as it was.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"
#include "io/inlet.h"
#include "tap.h"

#define TURNS_MAX 100000
#define SAID (3u << 20)

struct scene {
	uv_loop_t loop;
	struct inlet in;
	struct ends e;
	uint8_t *heard;
	size_t heard_n, said_n;
	int ends, err;
	unsigned calls;
	bool stop_each; /* no more is wanted after each call, until `turn` */
};

static uint8_t *said;

static void
on_bytes(struct inlet *in)
{
	struct scene *s = in->owner;
	struct slice b = reader_bytes(&in->reader);

	s->calls++;
	if (s->heard_n + b.len > SAID)
		abort();
	memcpy(s->heard + s->heard_n, b.p, b.len);
	s->heard_n += b.len;
	reader_consume(&in->reader, b.len);
	if (s->stop_each)
		inlet_flow(in, false);
}

static void
on_end(struct inlet *in, int err)
{
	struct scene *s = in->owner;

	s->ends++;
	s->err = err;
}

static bool
begin(struct scene *s, enum ends_kind kind)
{
	memset(s, 0, sizeof(*s));
	if (!ends_open(&s->e, kind, false))
		return false;
	s->heard = malloc(SAID);
	if (s->heard == NULL || uv_loop_init(&s->loop) != 0)
		abort();
	s->in.on_bytes = on_bytes;
	s->in.on_end = on_end;
	s->in.owner = s;
	return true;
}

static void
finish(struct scene *s)
{
	inlet_close(&s->in);
	inlet_close(&s->in);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&s->loop), 0, "no handle is left");
	ok(ends_unchanged(&s->e), "the flags of %s are as before",
	    ends_names[s->e.kind]);
	ends_close(&s->e);
	free(s->heard);
}

static void
say(struct scene *s, size_t n)
{
	ends_say(&s->e, said + s->said_n, n);
	s->said_n += n;
}

/* Turns until so much has been heard, or the end. */
static void
hear(struct scene *s, size_t n)
{
	int turns;

	for (turns = 0; s->heard_n < n && s->ends == 0 && turns < TURNS_MAX;
	     turns++)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void
hear_end(struct scene *s)
{
	int turns;

	for (turns = 0; s->ends == 0 && turns < TURNS_MAX; turns++) {
		inlet_flow(&s->in, true);
		uv_run(&s->loop, UV_RUN_ONCE);
	}
}

static bool
heard_all(const struct scene *s)
{
	return s->heard_n == s->said_n &&
	    memcmp(s->heard, said, s->said_n) == 0;
}

/* What somebody says piece by piece, while we listen and while we do not. */
static void
test_pieces(enum ends_kind kind, bool stop_each)
{
	static const size_t pieces[] = {1, 2, 1000, 4000, 1, 30};
	const char *name = ends_names[kind];
	struct scene s;
	size_t i;

	if (!begin(&s, kind))
		return;
	s.stop_each = stop_each;
	is_num(inlet_init(&s.in, &s.loop, s.e.ours), 0, "%s is an inlet", name);
	is_num(s.in.terminal, kind == ENDS_TERMINAL, "%s: a terminal?", name);
	ok(!s.in.quiet, "%s: it may say something", name);
	say(&s, 3);
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.calls, 0, "%s: nothing is read before it flows", name);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		inlet_flow(&s.in, true);
		inlet_flow(&s.in, true);
		hear(&s, s.said_n);
		ok(heard_all(&s), "%s: what is said is heard", name);
		inlet_flow(&s.in, false);
		say(&s, pieces[i]);
		s.calls = 0;
		uv_run(&s.loop, UV_RUN_NOWAIT);
		is_num(
		    s.calls, 0, "%s: while it does not flow nothing is", name);
	}
	ends_leave(&s.e);
	hear_end(&s);
	/* A terminal forgets what it had when its other side goes. */
	ok(heard_all(&s) || kind == ENDS_TERMINAL,
	    "%s: what was said before the end is heard", name);
	is_num(s.ends, 1, "%s: then it ends, once", name);
	is_num(s.err, 0, "%s: in order", name);
	ok(s.in.ended, "%s: and is known to", name);
	s.calls = 0;
	inlet_flow(&s.in, true);
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(
	    s.calls + (unsigned)s.ends, 1, "%s: nothing comes behind it", name);
	finish(&s);
}

/* A file is read in turns: others have theirs in between. */
static void
count_turn(uv_check_t *check)
{
	unsigned *turns = check->data;

	++*turns;
}

static void
test_file(enum ends_kind kind)
{
	uv_check_t check;
	unsigned turns = 0;
	struct scene s;

	if (!begin(&s, kind))
		return;
	uv_check_init(&s.loop, &check);
	check.data = &turns;
	uv_check_start(&check, count_turn);
	say(&s, kind == ENDS_APPEND ? 0 : SAID);
	is_num(inlet_init(&s.in, &s.loop, s.e.ours), 0, "%s is an inlet",
	    ends_names[kind]);
	hear_end(&s);
	is_num(s.ends, 1, "%s ends", ends_names[kind]);
	is_num(s.err, 0, "in order");
	if (kind == ENDS_APPEND)
		is_bytes(s.heard, s.heard_n, ENDS_BEFORE, strlen(ENDS_BEFORE),
		    "and is read from its beginning");
	else {
		ok(heard_all(&s), "and is heard whole");
		ok(turns >= SAID / READER_READ, "a part of it in each turn");
	}
	uv_close((uv_handle_t *)&check, NULL);
	finish(&s);
}

static void
test_quiet(enum ends_kind kind)
{
	struct scene s;

	if (!begin(&s, kind))
		return;
	is_num(inlet_init(&s.in, &s.loop, s.e.ours), 0, "%s is an inlet",
	    ends_names[kind]);
	ok(s.in.quiet, "that has nothing to say");
	hear_end(&s);
	is_num(s.heard_n, 0, "nothing is heard");
	is_num(s.err, 0, "and its end is no failure");
	finish(&s);
}

static void
test_failure(void)
{
	struct scene s;

	begin(&s, ENDS_FILE);
	close(s.e.ours);
	s.e.ours = open("/", O_RDONLY);
	s.e.flags = fcntl(s.e.ours, F_GETFL);
	is_num(inlet_init(&s.in, &s.loop, s.e.ours), 0, "a directory is taken");
	hear_end(&s);
	is_num(s.err, EISDIR, "but cannot be read, which is said");
	is_num(s.ends, 1, "once");
	finish(&s);

	begin(&s, ENDS_NULL);
	close(s.e.ours);
	errno = 0;
	is_num(inlet_init(&s.in, &s.loop, s.e.ours), -1,
	    "what is not open is no inlet");
	is_num(errno, EBADF, "and errno says so");
	s.e.ours = open("/dev/null", O_RDONLY);
	finish(&s);
}

/* Closed by its owner in its own call. */
static void
close_in_call(struct inlet *in)
{
	struct scene *s = in->owner;

	s->calls++;
	inlet_flow(in, false);
}

static void
test_stop_in_call(void)
{
	struct scene s;

	begin(&s, ENDS_PIPE);
	s.in.on_bytes = close_in_call;
	inlet_init(&s.in, &s.loop, s.e.ours);
	inlet_flow(&s.in, true);
	say(&s, 10);
	ends_leave(&s.e);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	is_num(s.calls, 1, "stopped in its call, it is called no more");
	is_num(s.ends, 0, "and has no end yet");
	is_num(reader_bytes(&s.in.reader).len, 10, "what came is kept");
	hear_end(&s);
	is_num(s.ends, 1, "which comes when it flows again");
	finish(&s);
}

int
main(void)
{
	enum ends_kind kind;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	said = malloc(SAID);
	for (i = 0; i < SAID; i++)
		said[i] = (uint8_t)(i * 2654435761u >> 11);
	for (kind = 0; kind < ENDS_COUNT; kind++)
		if (ends_waits(kind)) {
			test_pieces(kind, false);
			test_pieces(kind, true);
		}
	test_file(ENDS_FILE);
	test_file(ENDS_APPEND);
	test_quiet(ENDS_NULL);
	test_quiet(ENDS_CLOSED);
	test_failure();
	test_stop_in_call();
	free(said);
	return done_testing();
}
