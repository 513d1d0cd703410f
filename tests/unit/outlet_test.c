/*
 * Standard output in a loop, over real descriptors of every kind: all that was
 * put arrives, in order, however slow its reader is; what does not fit is kept
 * and not copied; a failure is told once and for good; and the descriptor stays
 * as it was.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ends.h"
#include "io/outlet.h"
#include "io/writer.h"
#include "tap.h"

#define TURNS_MAX 200000
#define MESSAGES 4000
#define LARGE (2u << 20)

struct scene {
	uv_loop_t loop;
	struct outlet o;
	struct about_of of;
	struct ends e;
	uint8_t *heard;
	size_t heard_n, heard_cap;
	unsigned rooms, empties, errors;
	int err;
};

static void
on_room(struct outlet *o)
{
	struct scene *s = o->owner;

	s->rooms++;
}

static void
on_error(struct outlet *o, int err)
{
	struct scene *s = o->owner;

	s->errors++;
	s->err = err;
}

static void
on_empty(struct outlet *o)
{
	struct scene *s = o->owner;

	s->empties++;
}

static bool
begin(struct scene *s, enum ends_kind kind, enum sink_kind sink)
{
	memset(s, 0, sizeof(*s));
	if (!ends_open(&s->e, kind, true))
		return false;
	s->heard_cap = 12u << 20;
	s->heard = malloc(s->heard_cap);
	if (s->heard == NULL || uv_loop_init(&s->loop) != 0)
		abort();
	s->o.on_room = on_room;
	s->o.on_error = on_error;
	s->o.on_empty = on_empty;
	s->o.owner = s;
	about_begin(&s->of, 0, "");
	is_num(outlet_init(&s->o, &s->loop, s->e.ours, sink), 0,
	    "%s is an outlet", ends_names[kind]);
	return true;
}

static void
finish(struct scene *s)
{
	outlet_close(&s->o);
	outlet_close(&s->o);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&s->loop), 0, "no handle is left");
	ok(ends_unchanged(&s->e), "the flags of %s are as before",
	    ends_names[s->e.kind]);
	ends_close(&s->e);
	free(s->heard);
}

/* The reader takes up to n bytes of what there is. */
static void
take(struct scene *s, size_t n)
{
	if (n > s->heard_cap - s->heard_n)
		n = s->heard_cap - s->heard_n;
	s->heard_n += ends_hear(&s->e, s->heard + s->heard_n, n);
}

/* Turns, with the reader taking so much in each, until all is written. */
static void
drain(struct scene *s, size_t each)
{
	int turns;

	for (turns = 0; !outlet_is_empty(&s->o) && turns < TURNS_MAX; turns++) {
		take(s, each);
		uv_run(&s->loop, UV_RUN_NOWAIT);
	}
	take(s, SIZE_MAX);
	/* What a terminal still has is on its way. */
	for (turns = 0; s->e.kind == ENDS_TERMINAL && turns < 1000; turns++)
		take(s, SIZE_MAX);
}

/* Messages of all lengths up to a hundred bytes, and a few large ones. */
static void
make_messages(struct slice *v, uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < LARGE; i++)
		bytes[i] = (uint8_t)("abcdefghijklmnopqrstuvwxyz"[i * 7 % 26]);
	for (i = 0; i < MESSAGES; i++)
		v[i] = slice_of(bytes + i, i % 101);
	v[10].len = SINK_LARGE_MIN - 1;
	v[20].len = SINK_LARGE_MIN;
	v[21].len = WRITER_BUFFER + 1;
	v[MESSAGES - 1].len = LARGE - MESSAGES;
}

/* The same as lines, the plain way. */
static size_t
lines_of(const struct slice *v, size_t n, uint8_t *to)
{
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		if (v[i].len > 0)
			memcpy(to + len, v[i].p, v[i].len);
		len += v[i].len;
		to[len++] = '\n';
	}
	return len;
}

/* `each`: bytes that the reader takes in a turn. */
static void
test_all(enum ends_kind kind, size_t each)
{
	const char *name = ends_names[kind];
	uint8_t *bytes = malloc(LARGE), *want = malloc(2 * LARGE + (2u << 20));
	struct slice *v = calloc(MESSAGES, sizeof(*v));
	struct batch b = {v, MESSAGES, MESSAGES};
	enum outlet_result r;
	size_t len, n = 0;
	struct scene s;

	make_messages(v, bytes);
	if (kind == ENDS_APPEND) {
		n = strlen(ENDS_BEFORE);
		memcpy(want, ENDS_BEFORE, n);
	}
	len = n + lines_of(v, MESSAGES, want + n);
	if (!begin(&s, kind, SINK_LINES)) {
		free(want);
		free(bytes);
		free(v);
		return;
	}
	r = outlet_put(&s.o, &s.of, &b);
	is_num(r, ends_waits(kind) ? OUTLET_WAIT : OUTLET_DONE,
	    "%s: does it wait for its reader?", name);
	ok(kind == ENDS_NULL || !outlet_is_empty(&s.o) || !ends_waits(kind),
	    "%s: while it waits it is not empty", name);
	drain(&s, each);
	is_num(s.rooms, r == OUTLET_WAIT ? 1 : 0,
	    "%s: room is told once, if it was waited for", name);
	ok(s.empties >= 1, "%s: that all has gone is told", name);
	is_num(s.errors, 0, "%s: without a failure", name);
	if (kind == ENDS_NULL)
		is_num(s.heard_n, 0, "%s: nobody hears it", name);
	else
		ok(s.heard_n == len && memcmp(s.heard, want, len) == 0,
		    "%s: all arrives, in order: %zu of %zu bytes", name,
		    s.heard_n, len);
	finish(&s);
	free(want);
	free(bytes);
	free(v);
}

/* What is put in a turn leaves with one write, when the turn is over. */
static void
test_turn(void)
{
	struct slice one = slice_of("one", 3), two = slice_of("two", 3);
	struct batch b = {&one, 1, 1};
	char got[16];
	struct scene s;

	begin(&s, ENDS_PIPE, SINK_LINES);
	is_num(
	    outlet_put(&s.o, &s.of, &b), OUTLET_DONE, "a small batch is taken");
	b.v = &two;
	outlet_put(&s.o, &s.of, &b);
	is_num(ends_hear(&s.e, got, sizeof(got)), 0, "and kept for the turn");
	is_num(s.empties, 0, "so it is not empty");
	uv_run(&s.loop, UV_RUN_NOWAIT);
	is_bytes(got, ends_hear(&s.e, got, sizeof(got)), "one\ntwo\n", 8,
	    "when that is over both leave");
	is_num(s.empties, 1, "and that it is empty is told once");
	outlet_put(&s.o, &s.of, &b);
	outlet_flush(&s.o);
	is_bytes(got, ends_hear(&s.e, got, sizeof(got)), "two\n", 4,
	    "a flush does not wait for the turn's end");
	finish(&s);
}

/* A batch that is kept is not copied. */
static void
test_kept(void)
{
	uint8_t *big = malloc(LARGE);
	struct slice one = slice_of(big, LARGE);
	struct batch b = {&one, 1, 1};
	struct scene s;
	size_t at;

	memset(big, 'a', LARGE);
	begin(&s, ENDS_PIPE, SINK_RAW);
	is_num(outlet_put(&s.o, &s.of, &b), OUTLET_WAIT,
	    "a large message is kept");
	/* What has not left is still where it lies. */
	memset(big + LARGE / 2, 'b', LARGE / 2);
	drain(&s, 100000);
	for (at = 0; at < s.heard_n && s.heard[at] == 'a'; at++)
		;
	is_num(s.heard_n, LARGE, "it arrives whole");
	is_num(at, LARGE / 2, "from where it lies, without a copy");
	finish(&s);
	free(big);
}

static void
put_one(struct scene *s, enum outlet_result want, const char *what)
{
	struct slice one = slice_of("one", 3);
	struct batch b = {&one, 1, 1};

	is_num(outlet_put(&s->o, &s->of, &b), want, "%s", what);
	uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void
test_failures(void)
{
	struct scene s;

	if (begin(&s, ENDS_FULL, SINK_LINES)) {
		put_one(&s, OUTLET_DONE, "a disk that is full takes a batch");
		is_num(s.errors, 1, "and says so when it is written");
		is_num(s.err, ENOSPC, "as what it is");
		put_one(&s, OUTLET_FAILED, "and then takes no more");
		ok(outlet_is_empty(&s.o), "nothing waits in it");
		finish(&s);
	}
	begin(&s, ENDS_CLOSED, SINK_LINES);
	is_num(s.errors, 0, "a descriptor that is closed says nothing");
	put_one(&s, OUTLET_DONE, "before there is a message");
	is_num(s.err, EBADF, "and fails then");
	finish(&s);

	begin(&s, ENDS_PIPE, SINK_LINES);
	ends_leave(&s.e);
	put_one(&s, OUTLET_DONE, "a pipe whose reader has gone");
	is_num(s.err, EPIPE, "fails");
	is_num(s.empties, 1, "and counts as empty");
	finish(&s);
}

/* The reader goes while a batch is kept. */
static void
test_reader_leaves(enum ends_kind kind)
{
	uint8_t *big = calloc(1, LARGE);
	struct slice one = slice_of(big, LARGE);
	struct batch b = {&one, 1, 1};
	int turns;
	struct scene s;

	begin(&s, kind, SINK_RAW);
	outlet_put(&s.o, &s.of, &b);
	take(&s, 1000);
	ends_leave(&s.e);
	for (turns = 0; s.errors == 0 && turns < TURNS_MAX; turns++)
		uv_run(&s.loop, UV_RUN_NOWAIT);
	is_num(s.errors, 1, "%s: a reader that goes is a failure, told once",
	    ends_names[kind]);
	ok(s.err == EPIPE || s.err == ECONNRESET, "as EPIPE: %s",
	    strerror(s.err));
	is_num(s.rooms, 0, "and no room");
	ok(outlet_is_empty(&s.o), "what was kept is dropped");
	finish(&s);
	free(big);
}

/* A file that may not grow any more, in the middle of a message. */
static void
test_limit(void)
{
	uint8_t *big = calloc(1, LARGE);
	struct slice one = slice_of(big, LARGE);
	struct batch b = {&one, 1, 1};
	struct rlimit was, now;
	struct scene s;

	begin(&s, ENDS_FILE, SINK_RAW);
	getrlimit(RLIMIT_FSIZE, &was);
	now = was;
	now.rlim_cur = LARGE / 2;
	setrlimit(RLIMIT_FSIZE, &now);
	is_num(outlet_put(&s.o, &s.of, &b), OUTLET_FAILED,
	    "a file that may not grow takes a part, and fails");
	setrlimit(RLIMIT_FSIZE, &was);
	is_num(s.err, EFBIG, "as what it is");
	take(&s, SIZE_MAX);
	is_num(s.heard_n, LARGE / 2, "behind all that went");
	finish(&s);
	free(big);
}

int
main(void)
{
	enum ends_kind kind;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (kind = 0; kind < ENDS_FULL; kind++) {
		if (kind != ENDS_TERMINAL)
			test_all(kind, 1000);
		test_all(kind, SIZE_MAX);
	}
	test_turn();
	test_kept();
	test_failures();
	test_reader_leaves(ENDS_PIPE);
	test_reader_leaves(ENDS_SOCKETS);
	test_limit();
	return done_testing();
}
