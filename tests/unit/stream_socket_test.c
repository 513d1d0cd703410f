/*
 * The stream over real sockets, of ours and of others: bytes and ends both
 * ways, readiness that is told when it is wanted and only then, packets that
 * are whole, and descriptors that are as they were.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"
#include "net/stream.h"
#include "tap.h"

#define TURNS_MAX 20000

struct scene {
	uv_loop_t loop;
	struct stream *s;
	int ours, theirs;
	unsigned readies, closeds;
	int what;
	bool stop; /* wants nothing any more when it is called */
};

static void
on_ready(struct stream *s, int what)
{
	struct scene *sc = s->owner;

	sc->readies++;
	sc->what |= what;
	if (sc->stop)
		stream_want(s, 0);
}

static void
on_closed(struct stream *s)
{
	struct scene *sc = s->owner;

	sc->closeds++;
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
};

/* Two connected sockets: ours may block, the other one does not. */
static void
connect_pair(struct scene *sc, int family, int type)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd[2], l;

	if (family == AF_UNIX) {
		if (socketpair(AF_UNIX, type, 0, fd) == -1)
			abort();
		sc->ours = fd[0];
		sc->theirs = fd[1];
	} else {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		l = socket(AF_INET, SOCK_STREAM, 0);
		sc->ours = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(l, (struct sockaddr *)&in, sizeof(in)) == -1 ||
		    listen(l, 1) == -1 ||
		    getsockname(l, (struct sockaddr *)&in, &len) == -1 ||
		    connect(sc->ours, (struct sockaddr *)&in, len) == -1)
			abort();
		sc->theirs = accept(l, NULL, NULL);
		close(l);
	}
	fcntl(sc->theirs, F_SETFL, O_NONBLOCK);
}

static void
begin(struct scene *sc, int family, int type, bool borrowed)
{
	memset(sc, 0, sizeof(*sc));
	uv_loop_init(&sc->loop);
	connect_pair(sc, family, type);
	if (!borrowed)
		fcntl(sc->ours, F_SETFL, O_NONBLOCK);
	sc->s = stream_socket_new(&sc->loop, sc->ours, borrowed);
	if (sc->s == NULL)
		abort();
	sc->s->on = &stream_events;
	sc->s->owner = sc;
}

static void
finish(struct scene *sc, bool reset)
{
	unsigned readies;

	stream_close(sc->s, reset);
	readies = sc->readies;
	is_num(sc->closeds, 0, "the end is told from the loop");
	uv_run(&sc->loop, UV_RUN_DEFAULT);
	is_num(sc->closeds, 1, "and once");
	is_num(sc->readies, readies, "nothing is ready any more");
	is_num(uv_loop_close(&sc->loop), 0, "no handle is left");
	if (sc->theirs != -1)
		close(sc->theirs);
}

/* Turns until one of these is told; what was. */
static int
turn(struct scene *sc, int want)
{
	int i;

	sc->what = 0;
	for (i = 0; i < TURNS_MAX && !(sc->what & want); i++)
		uv_run(&sc->loop, UV_RUN_NOWAIT);
	return sc->what & want;
}

static ssize_t
write_text(struct stream *s, const char *a, const char *b)
{
	struct iovec v[2] = {{(void *)(uintptr_t)a, strlen(a)},
	    {(void *)(uintptr_t)b, strlen(b)}};

	return stream_write(s, v, 2);
}

/* The peer says it. */
static void
say(struct scene *sc, const char *text)
{
	if (send(sc->theirs, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
}

static void
test_both_ways(int family, bool borrowed)
{
	struct scene sc;
	char buf[64];

	begin(&sc, family, SOCK_STREAM, borrowed);
	ok(!sc.s->packets, "a stream has no packets");
	is_num(stream_read(sc.s, buf, sizeof(buf)), STREAM_AGAIN,
	    "nothing has come, and nobody waits");
	turn(&sc, 0);
	is_num(sc.readies, 0, "what is not wanted is not told");
	stream_want(sc.s, STREAM_READABLE);
	stream_want(sc.s, STREAM_READABLE);
	uv_run(&sc.loop, UV_RUN_NOWAIT);
	is_num(sc.readies, 0, "nor what is not there");
	say(&sc, "hello");
	is_num(turn(&sc, STREAM_READABLE), STREAM_READABLE, "what comes is");
	is_num(stream_pending(sc.s), 0, "the stream itself holds nothing");
	is_num(stream_read(sc.s, buf, 3), 3, "it is read");
	is_num(turn(&sc, STREAM_READABLE), STREAM_READABLE, "the rest is told");
	is_num(stream_read(sc.s, buf, sizeof(buf)), 2, "and read");
	is_num(stream_read(sc.s, buf, sizeof(buf)), STREAM_AGAIN, "no more");
	stream_want(sc.s, STREAM_WRITABLE | STREAM_READABLE);
	is_num(turn(&sc, STREAM_WRITABLE), STREAM_WRITABLE, "there is room");
	is_num(write_text(sc.s, "a", "bc"), 3, "vectors are written");
	is_bytes(buf, (size_t)read(sc.theirs, buf, sizeof(buf)), "abc", 3,
	    "and arrive");
	stream_want(sc.s, 0);
	say(&sc, "more");
	sc.readies = 0;
	uv_run(&sc.loop, UV_RUN_NOWAIT);
	is_num(sc.readies, 0, "what is no longer wanted is not told");
	is_num(stream_read(sc.s, buf, sizeof(buf)), 4, "though it is there");
	is_num(stream_shut(sc.s), 0, "our half is closed");
	is_num(read(sc.theirs, buf, sizeof(buf)), 0, "which is seen");
	say(&sc, "last");
	shutdown(sc.theirs, SHUT_WR);
	stream_want(sc.s, STREAM_READABLE);
	turn(&sc, STREAM_READABLE);
	is_num(stream_read(sc.s, buf, sizeof(buf)), 4, "theirs goes on");
	turn(&sc, STREAM_READABLE);
	is_num(stream_read(sc.s, buf, sizeof(buf)), STREAM_END, "to its end");
	ok(!stream_broken(sc.s), "which is no failure");
	is_num(stream_unacked(sc.s), 0, "and all has arrived");
	is_num(
	    write_text(sc.s, "x", ""), STREAM_FAILED, "then nothing is sent");
	is_num(sc.s->err, EPIPE, "with EPIPE, and no signal");
	finish(&sc, false);
}

/* More than the peer's kernel takes. */
static void
test_full(int family, bool borrowed)
{
	static char big[1 << 20];
	struct iovec v = {big, sizeof(big)};
	size_t put = 0, got = 0;
	struct scene sc;
	ssize_t n;

	begin(&sc, family, SOCK_STREAM, borrowed);
	while ((n = stream_write(sc.s, &v, 1)) > 0)
		put += (size_t)n;
	is_num(n, STREAM_AGAIN, "a peer that does not read is not waited for");
	ok(family == AF_UNIX || stream_unacked(sc.s) > 0,
	    "what it has not taken is known");
	stream_want(sc.s, STREAM_WRITABLE);
	uv_run(&sc.loop, UV_RUN_NOWAIT);
	is_num(sc.readies, 0, "no room is told where there is none");
	while (got < put) {
		n = read(sc.theirs, big, sizeof(big));
		got += n > 0 ? (size_t)n : 0;
	}
	is_num(turn(&sc, STREAM_WRITABLE), STREAM_WRITABLE, "and is, with it");
	is_num(got, put, "all that was taken arrives");
	finish(&sc, false);
}

static void
test_reset(bool borrowed)
{
	struct linger hard = {1, 0};
	struct scene sc;
	char buf[64];

	begin(&sc, AF_INET, SOCK_STREAM, borrowed);
	say(&sc, "data");
	stream_want(sc.s, STREAM_READABLE);
	turn(&sc, STREAM_READABLE);
	setsockopt(sc.theirs, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(sc.theirs);
	sc.theirs = -1;
	is_num(turn(&sc, STREAM_READABLE), STREAM_READABLE,
	    "a reset is something to read");
	ok(stream_broken(sc.s), "it is seen without taking it away");
	ok(stream_broken(sc.s), "twice");
	is_num(
	    stream_read(sc.s, buf, sizeof(buf)), 4, "what came before it is");
	is_num(stream_read(sc.s, buf, sizeof(buf)), STREAM_FAILED,
	    "then it is a failure");
	is_num(sc.s->err, ECONNRESET, "with its reason");
	/* libuv ends a handle that sees an error: it is started again. */
	sc.readies = 0;
	turn(&sc, STREAM_READABLE);
	ok(sc.readies > 0, "it is told as long as it is wanted");
	sc.stop = true;
	turn(&sc, STREAM_READABLE);
	sc.readies = 0;
	uv_run(&sc.loop, UV_RUN_NOWAIT);
	is_num(sc.readies, 0, "and no longer");
	is_num(stream_shut(sc.s), 0, "a half that is gone can be closed");
	finish(&sc, false);
}

/* What our own end does to the peer. */
static void
test_close(bool reset)
{
	struct scene sc;
	char byte;
	ssize_t n;

	begin(&sc, AF_INET, SOCK_STREAM, false);
	stream_close(sc.s, reset);
	uv_run(&sc.loop, UV_RUN_DEFAULT);
	is_num(fcntl(sc.ours, F_GETFD), -1, "a socket of ours is closed");
	errno = 0;
	n = read(sc.theirs, &byte, 1);
	is_num(n, reset ? -1 : 0, "the peer sees %s",
	    reset ? "a reset" : "the end");
	is_num(errno, reset ? ECONNRESET : 0, "as errno tells");
	close(sc.theirs);
	uv_loop_close(&sc.loop);
}

/* A socket of others: its flags stay, and it stays. */
static void
test_borrowed(int family)
{
	int before = ends_open_fds(), flags;
	struct scene sc;

	connect_pair(&sc, family, SOCK_STREAM);
	close(sc.ours);
	close(sc.theirs);
	begin(&sc, family, SOCK_STREAM, true);
	flags = fcntl(sc.ours, F_GETFL);
	is_num(flags & O_NONBLOCK, 0, "a socket of others blocks");
	write_text(sc.s, "x", "");
	stream_want(sc.s, STREAM_READABLE | STREAM_WRITABLE);
	turn(&sc, STREAM_WRITABLE);
	is_num(fcntl(sc.ours, F_GETFL), flags, "and still does");
	stream_close(sc.s, false);
	uv_run(&sc.loop, UV_RUN_DEFAULT);
	is_num(fcntl(sc.ours, F_GETFL), flags, "it stays open, as it was");
	is_num(write(sc.ours, "y", 1), 1, "and can be used");
	close(sc.ours);
	close(sc.theirs);
	uv_loop_close(&sc.loop);
	is_num(ends_open_fds(), before, "nothing else is left open");
}

static void
test_packets(bool borrowed)
{
	static char big[100000], buf[100000];
	struct scene sc;

	memset(big, 'b', sizeof(big));
	begin(&sc, AF_UNIX, SOCK_SEQPACKET, borrowed);
	ok(sc.s->packets, "packets are packets");
	is_num(stream_read(sc.s, buf, 10), STREAM_AGAIN, "none has come");
	send(sc.theirs, "one", 3, 0);
	send(sc.theirs, "", 0, 0);
	send(sc.theirs, big, sizeof(big), 0);
	send(sc.theirs, "", 0, 0);
	is_num(stream_read(sc.s, buf, 10), 3, "each is read by itself");
	is_num(stream_read(sc.s, buf, 10), STREAM_EMPTY, "one may be empty");
	is_num(stream_read(sc.s, buf, 10), STREAM_LARGE, "one is too large");
	is_num(stream_pending(sc.s), sizeof(big), "it says how large");
	is_num(
	    stream_read(sc.s, buf, sizeof(big) - 1), STREAM_LARGE, "and waits");
	is_num(stream_read(sc.s, buf, sizeof(buf)), sizeof(big), "for room");
	ok(memcmp(big, buf, sizeof(big)) == 0, "to be read whole");
	is_num(stream_pending(sc.s), 0, "then nothing waits");
	/* The last one is empty, and the end stands behind it. */
	close(sc.theirs);
	sc.theirs = -1;
	is_num(stream_read(sc.s, buf, 10), STREAM_EMPTY,
	    "an empty one before the end is not the end");
	is_num(stream_read(sc.s, buf, 10), STREAM_END, "which comes behind it");
	is_num(stream_read(sc.s, buf, 10), STREAM_END, "and stays");
	finish(&sc, false);
	if (borrowed)
		close(sc.ours);
}

static void
test_packets_shut(void)
{
	int passcred = -1;
	socklen_t len = sizeof(passcred);
	struct scene sc;
	char buf[10];

	begin(&sc, AF_UNIX, SOCK_SEQPACKET, false);
	shutdown(sc.theirs, SHUT_WR);
	is_num(stream_read(sc.s, buf, 10), STREAM_END,
	    "a half that is closed is the end");
	is_num(write_text(sc.s, "one", ""), 3, "ours goes on");
	is_num(recv(sc.theirs, buf, 10, 0), 3, "packet by packet");
	getsockopt(sc.ours, SOL_SOCKET, SO_PASSCRED, &passcred, &len);
	is_num(passcred, 0, "credentials are not asked for any more");
	is_num(stream_shut(sc.s), 0, "and is closed");
	is_num(recv(sc.theirs, buf, 10, 0), 0, "which is seen");
	finish(&sc, false);
}

static void
test_refused(void)
{
	int before = ends_open_fds(), fd[2];
	uv_loop_t loop;

	uv_loop_init(&loop);
	if (pipe(fd) == -1)
		abort();
	errno = 0;
	ok(stream_socket_new(&loop, fd[0], true) == NULL, "a pipe is none");
	is_num(errno, ENOTSOCK, "and errno says so");
	is_num(fcntl(fd[0], F_GETFD), 0, "what is lent stays open");
	close(fd[0]);
	close(fd[1]);
	errno = 0;
	ok(stream_socket_new(&loop, fd[0], true) == NULL,
	    "nor is what is gone");
	is_num(errno, EBADF, "and errno says so");
	fd[0] = open("/dev/null", O_RDONLY);
	ok(stream_socket_new(&loop, fd[0], false) == NULL,
	    "what cannot be watched is none");
	is_num(fcntl(fd[0], F_GETFD), -1, "and closed if it was given");
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	is_num(ends_open_fds(), before, "nothing is left open");
}

int
main(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		test_both_ways(AF_UNIX, i == 1);
		test_both_ways(AF_INET, i == 1);
		test_full(AF_UNIX, i == 1);
		test_full(AF_INET, i == 1);
		test_reset(i == 1);
		test_close(i == 1);
		test_packets(i == 1);
	}
	test_borrowed(AF_UNIX);
	test_borrowed(AF_INET);
	test_packets_shut();
	test_refused();
	return done_testing();
}
