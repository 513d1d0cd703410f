/*
 * Many sockets and one poller: each is told of what it wants and of nothing
 * else, however many there are, and no more once it is closed.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poller.h"
#include "net/stream.h"
#include "tap.h"

#define MANY 100

struct side {
	struct stream *s;
	int theirs;
	unsigned readies, closeds, late; /* late: told after the end */
	int what;
	struct side *closes; /* when it is told */
	bool closing;
};

static struct side sides[MANY];
static uv_loop_t loop;
static struct poller *poller;

static void
end(struct side *k)
{
	if (k->closing)
		return;
	k->closing = true;
	stream_close(k->s, false);
}

static void
on_ready(struct stream *s, int what)
{
	struct side *k = s->owner;

	k->readies++;
	k->late += k->closing;
	k->what |= what;
	if (k->closes != NULL)
		end(k->closes);
}

static void
on_closed(struct stream *s)
{
	struct side *k = s->owner;

	k->closeds++;
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
};

static void
begin(int want)
{
	struct side *k;
	int fd[2];

	memset(sides, 0, sizeof(sides));
	uv_loop_init(&loop);
	poller = poller_new(&loop);
	for (k = sides; k < sides + MANY; k++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
			abort();
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		k->theirs = fd[1];
		k->s = stream_socket_of_kind(poller, fd[0], STREAM_SOCKET_UNIX);
		if (k->s == NULL)
			abort();
		k->s->owner = k;
		k->s->on = &stream_events;
		stream_want(k->s, want);
	}
}

/* How many of them were told of exactly that, since the last time. */
static unsigned
told(int what)
{
	unsigned n = 0;
	struct side *k;

	uv_run(&loop, UV_RUN_NOWAIT);
	for (k = sides; k < sides + MANY; k++) {
		n += k->what == what;
		k->what = 0;
	}
	return n;
}

static void
finish(void)
{
	unsigned closeds = 0, late = 0;
	struct side *k;

	for (k = sides; k < sides + MANY; k++)
		end(k);
	poller_free(poller);
	uv_run(&loop, UV_RUN_DEFAULT);
	for (k = sides; k < sides + MANY; k++) {
		closeds += k->closeds;
		late += k->late;
		if (k->theirs != -1)
			close(k->theirs);
	}
	is_num(closeds, MANY, "each is closed once");
	is_num(late, 0, "and none is told behind its end");
	is_num(uv_loop_close(&loop), 0, "no handle is left");
}

static void
want_all(int want)
{
	struct side *k;

	for (k = sides; k < sides + MANY; k++)
		stream_want(k->s, want);
}

static void
test_wants(void)
{
	struct side *k;

	begin(STREAM_READABLE);
	is_num(told(0), MANY, "nobody is told of nothing");
	for (k = sides; k < sides + MANY; k++)
		if (write(k->theirs, "x", 1) != 1)
			abort();
	is_num(told(STREAM_READABLE), MANY, "each is told of what has come");
	is_num(told(STREAM_READABLE), MANY, "and again while it is there");
	want_all(STREAM_READABLE | STREAM_WRITABLE);
	is_num(told(STREAM_READABLE | STREAM_WRITABLE), MANY,
	    "what is wanted anew is told");
	want_all(STREAM_WRITABLE);
	is_num(told(STREAM_WRITABLE), MANY, "what is not wanted is not");
	want_all(0);
	is_num(told(0), MANY, "nothing is told where nothing is wanted");
	want_all(STREAM_READABLE);
	is_num(told(STREAM_READABLE), MANY, "until it is");
	finish();
}

static unsigned
readies(void)
{
	unsigned n = 0;
	struct side *k;

	for (k = sides; k < sides + MANY; k++)
		n += k->readies;
	return n;
}

/* The peers have gone while nobody listened. */
static void
test_gone(void)
{
	unsigned before;
	struct side *k;

	begin(0);
	for (k = sides; k < sides + MANY; k++) {
		close(k->theirs);
		k->theirs = -1;
	}
	is_num(told(0), MANY, "an end is not told where nothing is wanted");
	before = readies();
	/* The loop has nothing to live for, and does not turn without end. */
	uv_run(&loop, UV_RUN_DEFAULT);
	is_num(readies(), before, "nor later");
	want_all(STREAM_READABLE);
	is_num(told(STREAM_READABLE), MANY, "and is once something is");
	finish();
}

/* All have something to read, and each one that is told ends another. */
static void
test_ends(void)
{
	unsigned ended = 0;
	struct side *k;
	size_t i;

	begin(STREAM_READABLE);
	for (i = 0; i < MANY; i++) {
		k = &sides[i];
		k->closes = &sides[(i * 7 + 3) % MANY];
		if (write(k->theirs, "x", 1) != 1)
			abort();
	}
	uv_run(&loop, UV_RUN_NOWAIT);
	for (k = sides; k < sides + MANY; k++)
		ended += k->closing;
	ok(ended >= MANY / 2, "whoever is told may end another");
	finish();
}

int
main(void)
{
	test_wants();
	test_gone();
	test_ends();
	return done_testing();
}
