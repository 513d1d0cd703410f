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
	struct crowd *crowd; /* who else shares it */
	struct ends e;
	uint8_t *heard;
	size_t heard_n, heard_cap;
	unsigned rooms, empties, errors;
	int err;
};

static void crowd_on_room(struct scene *);

static void
on_room(struct outlet *o)
{
	struct scene *s = o->owner;

	s->rooms++;
	if (s->crowd != NULL)
		crowd_on_room(s);
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

/* One batch is kept, and nobody else gets in. */
static void
test_busy(void)
{
	uint8_t *big = malloc(LARGE);
	struct slice one = slice_of(big, LARGE), two = slice_of("two", 3);
	struct batch first = {&one, 1, 1}, second = {&two, 1, 1};
	struct slice line = slice_of("line\n", 5);
	struct about_of other;
	struct scene s;

	memset(big, 'a', LARGE);
	begin(&s, ENDS_PIPE, SINK_LINES);
	sink_set_tagged(&s.o.sink);
	about_begin(&s.of, 1, "");
	about_begin(&other, 2, "");
	is_num(outlet_put(&s.o, &other, &second), OUTLET_DONE,
	    "a small batch is taken");
	is_num(outlet_put(&s.o, &s.of, &first), OUTLET_WAIT,
	    "a large one of another conversation is kept");
	ok(outlet_keeps(&s.o, &s.of), "it is the other's");
	ok(!outlet_keeps(&s.o, &other), "and not this one's");
	is_num(outlet_put(&s.o, &other, &second), OUTLET_BUSY,
	    "so long nobody else is let in");
	is_num(outlet_say(&s.o, line), OUTLET_BUSY, "nor is a line");
	is_num(other.n, 1, "what was not taken is not counted");
	s.crowd = NULL;
	drain(&s, 100000);
	is_num(s.rooms, 1, "room is told once");
	is_num(s.heard_n, 7 + 3 + LARGE + 1, "nothing else has arrived");
	is_bytes(s.heard, 12, "c2\ttwo\nc1\taa", 12,
	    "each is behind the name of its channel");
	is_num(outlet_put(&s.o, &other, &second), OUTLET_DONE,
	    "then the other comes again");
	is_num(outlet_say(&s.o, line), OUTLET_DONE, "and the line");
	s.heard_n = 0;
	drain(&s, SIZE_MAX);
	is_bytes(s.heard, s.heard_n, "c2\ttwo\nline\n", 12, "in this order");
	finish(&s);
	free(big);
}

#define CROWD 5
#define CROWD_BATCHES 200
#define CROWD_BATCH 20

/* Conversations that have so much to say; what each says can be told. */
struct crowd {
	struct about_of of[CROWD];
	struct slice v[CROWD][CROWD_BATCH]; /* numbered, so they are told */
	char *bytes[CROWD];
	struct batch batch[CROWD];
	unsigned said[CROWD];
	bool made[CROWD], waits[CROWD], kept[CROWD];
	unsigned busy, wrong;
	uint64_t chance;
};

/* What the message says behind its number is as long as that says. */
static size_t
crowd_length(unsigned who, unsigned long number)
{
	static const size_t large[] = {
	    SINK_LARGE_MIN - 1, SINK_LARGE_MIN, 3 * SINK_LARGE_MIN};

	if ((number * 7 + who) % 41 == 0)
		return large[number % 3];
	return (number * 31 + who * 17) % 150;
}

static void
crowd_make(struct crowd *c, unsigned who)
{
	char *to = c->bytes[who];
	unsigned long number;
	size_t i, n;

	for (i = 0; i < CROWD_BATCH; i++) {
		number = c->said[who] * CROWD_BATCH + i;
		n = (size_t)sprintf(to, "%lu\n", number);
		memset(to + n, 'a' + (int)who, crowd_length(who, number));
		n += crowd_length(who, number);
		/* An escape in what is large, at times. */
		if (number % 5 == 0)
			to[n++] = '\\';
		c->v[who][i] = slice_of(to, n);
		to += n;
	}
	c->batch[who] = (struct batch){c->v[who], CROWD_BATCH, CROWD_BATCH};
	c->made[who] = true;
}

/* Says the next batch, or the one that was not taken. */
static void
crowd_say(struct scene *s, unsigned who)
{
	struct crowd *c = s->crowd;
	enum outlet_result r;

	if (c->waits[who] || c->said[who] == CROWD_BATCHES)
		return;
	if (!c->made[who])
		crowd_make(c, who);
	r = outlet_put(&s->o, &c->of[who], &c->batch[who]);
	c->busy += r == OUTLET_BUSY;
	c->wrong += r == OUTLET_FAILED;
	c->waits[who] = r != OUTLET_DONE;
	c->kept[who] = r == OUTLET_WAIT;
	c->wrong += c->kept[who] != outlet_keeps(&s->o, &c->of[who]);
	if (r != OUTLET_BUSY) {
		c->made[who] = r == OUTLET_WAIT;
		c->said[who]++;
	}
}

static void
crowd_on_room(struct scene *s)
{
	struct crowd *c = s->crowd;
	unsigned i, first = (unsigned)dice_below(&c->chance, CROWD);

	for (i = 0; i < CROWD; i++) {
		c->wrong += outlet_keeps(&s->o, &c->of[i]);
		if (c->kept[i])
			c->made[i] = false;
		c->waits[i] = c->kept[i] = false;
	}
	for (i = 0; i < CROWD; i++)
		crowd_say(s, (first + i) % CROWD);
}

/* The record at p as it must be; what is behind it, or NULL. */
static const char *
crowd_record(const char *p, const char *stop, unsigned long *numbers)
{
	char *end;
	unsigned long who, number;
	size_t len;

	if (p == stop || *p != 'c')
		return NULL;
	who = strtoul(p + 1, &end, 10) - 1;
	if (who >= CROWD || *end != '\t')
		return NULL;
	number = strtoul(end + 1, &end, 10);
	if (number != numbers[who]++ || memcmp(end, "\\n", 2) != 0)
		return NULL;
	len = crowd_length((unsigned)who, number);
	p = end + 2;
	for (; len > 0 && p < stop && *p == (char)('a' + who); p++)
		len--;
	if (number % 5 == 0) {
		if (stop - p < 2 || memcmp(p, "\\\\", 2) != 0)
			return NULL;
		p += 2;
	}
	return len == 0 && p < stop && *p == '\n' ? p + 1 : NULL;
}

/* Whoever shares a pipe that is mostly full: all is whole, and in order. */
static void
test_crowd(enum ends_kind kind, uint64_t chance)
{
	struct crowd *c = calloc(1, sizeof(*c));
	unsigned long numbers[CROWD] = {0}, i, turns;
	const char *p, *stop;
	struct scene s;
	bool all = false;

	begin(&s, kind, SINK_LINES);
	sink_set_tagged(&s.o.sink);
	free(s.heard);
	s.heard_cap = 64u << 20;
	s.heard = malloc(s.heard_cap + 1);
	s.crowd = c;
	c->chance = chance;
	for (i = 0; i < CROWD; i++) {
		about_begin(&c->of[i], i + 1, "");
		c->bytes[i] = malloc(CROWD_BATCH * (3 * SINK_LARGE_MIN + 32));
	}
	for (turns = 0; !all && turns < TURNS_MAX; turns++) {
		crowd_say(&s, (unsigned)dice_below(&c->chance, CROWD));
		/* Nobody reads before somebody has waited. */
		if (c->busy > 0 && dice_below(&c->chance, 3) == 0) {
			take(&s, dice_below(&c->chance, 40000));
			uv_run(&s.loop, UV_RUN_NOWAIT);
		}
		for (i = 0, all = true; i < CROWD; i++)
			all = all && c->said[i] == CROWD_BATCHES && !c->kept[i];
	}
	drain(&s, SIZE_MAX);
	ok(all && c->busy > 0 && c->wrong == 0,
	    "%s: all is taken of many who share it, %u times later",
	    ends_names[kind], c->busy);
	s.heard[s.heard_n] = '\0';
	p = (const char *)s.heard;
	stop = p + s.heard_n;
	while (p != NULL && p < stop)
		p = crowd_record(p, stop, numbers);
	ok(p == stop, "%s: no record is torn, lost or out of order",
	    ends_names[kind]);
	for (i = 0; i < CROWD; i++)
		is_num(numbers[i], CROWD_BATCHES * CROWD_BATCH,
		    "%s: and all of c%lu have come", ends_names[kind], i + 1);
	finish(&s);
	for (i = 0; i < CROWD; i++)
		free(c->bytes[i]);
	free(c);
}

/* A pipe of our own has a buffer only while there is something in it. */
static void
test_lent(void)
{
	static char text[1000];
	struct slice v[200];
	struct batch b = {v, 1, 200};
	struct ends e;
	struct scene s;
	size_t i;
	int turns;

	memset(&s, 0, sizeof(s));
	memset(text, 'x', sizeof(text));
	for (i = 0; i < 200; i++)
		v[i] = slice_of(text, sizeof(text));
	ends_open(&e, ENDS_PIPE_NONBLOCK, true);
	s.e = e;
	s.heard_cap = LARGE;
	s.heard = malloc(s.heard_cap);
	uv_loop_init(&s.loop);
	s.o.owner = &s;
	s.o.on_room = on_room;
	s.o.on_error = on_error;
	s.o.on_empty = on_empty;
	about_begin(&s.of, 0, "");
	is_num(outlet_init_own(&s.o, &s.loop, dup(e.ours), SINK_LINES), 0,
	    "a pipe of our own is an outlet");
	ok(s.o.out.p == NULL, "without a buffer");
	is_num(outlet_put(&s.o, &s.of, &b), OUTLET_DONE, "which takes a batch");
	ok(s.o.out.p != NULL, "into one");
	uv_run(&s.loop, UV_RUN_NOWAIT);
	ok(s.o.out.p == NULL, "that is given back when it has left");
	b.n = 200;
	is_num(outlet_put(&s.o, &s.of, &b), OUTLET_WAIT, "what does not fit");
	uv_run(&s.loop, UV_RUN_NOWAIT);
	ok(s.o.out.p != NULL, "stays in it");
	drain(&s, 5000);
	ok(s.o.out.p == NULL, "until it has gone");
	is_num(s.heard_n, 201 * 1001, "and all arrives");
	is_num(outlet_say(&s.o, slice_of("end\n", 4)), OUTLET_DONE,
	    "a line takes it too");
	for (turns = 0; s.heard_n < 201 * 1001 + 4 && turns < 1000; turns++) {
		uv_run(&s.loop, UV_RUN_NOWAIT);
		take(&s, SIZE_MAX);
	}
	is_bytes(s.heard + 201 * 1001, 4, "end\n", 4, "and arrives");
	finish(&s);
}

int
main(void)
{
	uint64_t chance = dice_seed();
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
	test_busy();
	test_crowd(ENDS_PIPE, chance);
	test_crowd(ENDS_SOCKETS, chance);
	test_lent();
	return done_testing();
}
