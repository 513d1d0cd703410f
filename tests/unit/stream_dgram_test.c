/*
 * Datagrams over real sockets of this machine: what is sent arrives, each by
 * itself, whatever the lengths and whichever way the kernel is asked; who sent
 * it is known and is answered; what did not arrive is told.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/udp.h>
#endif

#include "net/addr.h"
#include "net/stream.h"
#include "tap.h"

#define ROOM (5 * (size_t)STREAM_DATAGRAM_MAX)
#define RUNS 16
#define TURNS_MAX 20000

/* One side, and what it has met. */
struct side {
	struct stream *s;
	struct sockaddr_storage own;
	socklen_t own_len;
	int ready; /* what it was told */
	unsigned lost, closed;
	int err;
	char lost_to[ADDR_TEXT_MAX];
	struct stream_run v[RUNS];
	ssize_t got;
	uint8_t *room;
};

static uv_loop_t loop;
static uv_timer_t bell;
static uint8_t pattern[1 << 17];

static void
on_bell(uv_timer_t *t)
{
	(void)t;
}

static void
on_ready(struct stream *s, int what)
{
	struct side *k = s->owner;

	k->ready |= what;
	stream_want(s, 0);
}

static void
on_closed(struct stream *s)
{
	struct side *k = s->owner;

	k->closed++;
	k->s = NULL;
}

static void
on_undelivered(struct stream *s, const struct stream_peer *to, int err)
{
	struct side *k = s->owner;

	k->lost++;
	k->err = err;
	addr_name(&to->at.sa, to->len, k->lost_to);
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
    .on_undelivered = on_undelivered,
};

/* A turn of the loop that comes to an end, whether or not something is. */
static void
turn(void)
{
	uv_timer_start(&bell, on_bell, 10, 0);
	uv_run(&loop, UV_RUN_ONCE);
}

static int
open_socket(
    const char *at, int type, struct sockaddr_storage *own, socklen_t *len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} u;
	int fd;

	memset(&u, 0, sizeof(u));
	if (inet_pton(AF_INET, at, &u.v4.sin_addr) == 1) {
		u.sa.sa_family = AF_INET;
		*len = sizeof(u.v4);
	} else if (inet_pton(AF_INET6, at, &u.v6.sin6_addr) == 1) {
		u.sa.sa_family = AF_INET6;
		*len = sizeof(u.v6);
	} else {
		u.sa.sa_family = AF_UNIX;
		snprintf(u.un.sun_path, sizeof(u.un.sun_path), "%s", at);
		unlink(at);
		*len = sizeof(u.un);
	}
	fd = socket(u.sa.sa_family, type, 0);
	if (fd == -1 || bind(fd, &u.sa, *len) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	*len = sizeof(*own);
	getsockname(fd, (struct sockaddr *)own, len);
	return fd;
}

static void
take(struct side *k, int fd, const struct stream_peer *to, bool plain)
{
	k->s = stream_dgram_new(&loop, fd, false, to, plain);
	k->room = malloc(ROOM);
	if (k->s == NULL || k->room == NULL)
		abort();
	k->s->owner = k;
	k->s->on = &stream_events;
}

/* A side that is bound there; false: there is no such address here. */
static bool
open_side(struct side *k, const char *at, bool plain)
{
	int fd;

	memset(k, 0, sizeof(*k));
	fd = open_socket(at, SOCK_DGRAM, &k->own, &k->own_len);
	if (fd == -1)
		return false;
	take(k, fd, NULL, plain);
	return true;
}

/* The same, connected to another one. */
static bool
open_to(struct side *k, const char *at, const struct side *to, bool plain)
{
	int fd;

	memset(k, 0, sizeof(*k));
	fd = open_socket(at, SOCK_DGRAM, &k->own, &k->own_len);
	if (fd == -1)
		return false;
	if (connect(fd, (const struct sockaddr *)&to->own, to->own_len) == -1) {
		close(fd);
		return false;
	}
	take(k, fd, NULL, plain);
	return true;
}

static void
close_side(struct side *k)
{
	int i;

	if (k->s != NULL)
		stream_close(k->s, false);
	for (i = 0; i < 100 && k->closed == 0; i++)
		turn();
	free(k->room);
}

/* Waits for the next runs, at most so many. */
static ssize_t
receive(struct side *k, size_t room, int n)
{
	int i;

	for (i = 0; i < TURNS_MAX; i++) {
		k->got = stream_receive(k->s, k->room, room, k->v, n);
		if (k->got != STREAM_AGAIN)
			return k->got;
		stream_want(k->s, STREAM_READABLE);
		turn();
	}
	return STREAM_AGAIN;
}

static bool
send_all(struct side *k, const struct slice *v, size_t n)
{
	size_t done = 0;
	ssize_t r;
	int i;

	for (i = 0; i < TURNS_MAX && done < n; i++) {
		r = stream_send(k->s, v + done, n - done);
		if (r == STREAM_AGAIN) {
			stream_want(k->s, STREAM_WRITABLE);
			turn();
		} else
			done += (size_t)r;
	}
	return done == n;
}

/* Are these the next ones that come? Says which one is not. */
static bool
comes(struct side *k, const struct slice *v, size_t n)
{
	size_t at, i = 0, len;
	ssize_t r;

	while (i < n) {
		if (receive(k, ROOM, RUNS) < 1)
			return false;
		for (r = 0; r < k->got; r++) {
			at = 0;
			do {
				len = k->v[r].bytes.len - at;
				if (len > k->v[r].each)
					len = k->v[r].each;
				if (i == n || len != v[i].len ||
				    memcmp(k->v[r].bytes.p + at, v[i].p, len) !=
					0 ||
				    k->v[r].len != k->v[r].bytes.len) {
					diag("datagram %zu of %zu: %zu bytes",
					    i, n, len);
					return false;
				}
				at += len;
				i++;
			} while (at < k->v[r].bytes.len);
		}
	}
	return true;
}

static const size_t some[] = {
    0, 0, 1, 7, 60, 60, 60, 60, 60, 100, 1200, 1200, 1472, 9000, 40000};

/* Portions that a socket's buffer holds, of lengths that make runs. */
static bool
random_portions(
    struct side *from, struct side *to, uint64_t *state, size_t most)
{
	struct slice v[200];
	size_t n, bytes, i, len = 60;
	unsigned round;

	for (round = 0; round < 60; round++) {
		n = 0;
		bytes = 0;
		do {
			if (dice_below(state, 4) == 0)
				len = some[dice_below(
				    state, sizeof(some) / sizeof(some[0]))];
			i = dice_below(state, sizeof(pattern) / 2);
			v[n++] = slice_of(pattern + i, len);
			bytes += len + 800;
		} while (n < most && bytes < 20000);
		if (!send_all(from, v, n) || !comes(to, v, n))
			return false;
	}
	return true;
}

static void
test_lengths(
    const char *at, const char *from_at, const char *name, uint64_t state)
{
	/* The queue of a Unix socket has ten places. */
	const size_t most = strchr(at, '1') != NULL ? 200 : 8;
	struct side a, b;
	struct slice big;
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (!open_side(&b, at, i & 1) ||
		    !open_to(&a, from_at, &b, i & 2)) {
			ok(true, "%s # SKIP no such address here", name);
			return;
		}
		ok(random_portions(&a, &b, &state, most),
		    "%s: what is sent comes, each by itself (%s to %s)", name,
		    i & 2 ? "plain" : "runs", i & 1 ? "plain" : "runs");
		stream_answer(b.s, &b.v[0].from);
		ok(random_portions(&b, &a, &state, most), "%s: and back", name);
		big = slice_of(pattern, stream_datagrams(a.s)->max);
		if (big.len <= STREAM_DATAGRAM_MAX) {
			ok(send_all(&a, &big, 1) && comes(&b, &big, 1),
			    "%s: the largest comes whole, %zu bytes", name,
			    big.len);
		}
		is_num(
		    a.lost + b.lost, 0, "%s: nothing is told to be lost", name);
		close_side(&a);
		close_side(&b);
		is_num(a.closed + b.closed, 2, "%s: each closes once", name);
	}
}

static void
test_refused_runs(uint64_t state)
{
	const int mtu = 1280;
	struct slice v[50];
	struct side a, b;
	size_t i;
	int fd;

	memset(&a, 0, sizeof(a));
	if (!open_side(&b, "::1", false)) {
		ok(true, "a way that takes no runs # SKIP no IPv6");
		return;
	}
	fd = open_socket("::1", SOCK_DGRAM, &a.own, &a.own_len);
	if (connect(fd, (struct sockaddr *)&b.own, b.own_len) == -1)
		abort();
#ifdef IPV6_MTU
	setsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof(mtu));
#endif
	take(&a, fd, NULL, false);
	for (i = 0; i < 50; i++)
		v[i] = slice_of(pattern + i, 1300);
	ok(send_all(&a, v, 50) && comes(&b, v, 50),
	    "datagrams that are too long for a run go one by one");
	ok(random_portions(&a, &b, &state, 200), "shorter ones still run");
	is_num(a.lost, 0, "none of them is lost");
	close_side(&a);
	close_side(&b);
}

/* Do runs pass as such, where the kernel has them? */
static void
test_runs(void)
{
	struct slice v[100];
	struct side a, b;
	bool known = false;
	size_t i;
#ifdef UDP_SEGMENT
	socklen_t len = sizeof(int);
	int value, fd = socket(AF_INET, SOCK_DGRAM, 0);

	known = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &len) == 0;
	close(fd);
#endif
	if (!known) {
		ok(true, "runs # SKIP this kernel has none");
		return;
	}
	open_side(&b, "127.0.0.1", false);
	open_to(&a, "127.0.0.1", &b, false);
	for (i = 0; i < 100; i++)
		v[i] = slice_of(pattern, 60);
	v[99].len = 7;
	is_num(stream_send(a.s, v, 100), 100, "a hundred go with one call");
	is_num(receive(&b, ROOM, RUNS), 2, "and come as two runs");
	is_num(b.v[0].each, 60, "with the length of each");
	is_num(b.v[0].bytes.len, 64 * 60, "so many of them");
	is_num(b.v[1].bytes.len, 35 * 60 + 7, "and the rest, the last shorter");
	close_side(&a);
	close_side(&b);
}

/* An empty one, between others. */
static void
test_empty(void)
{
	struct slice v[4] = {
	    {pattern, 3}, {pattern, 0}, {pattern, 3}, {pattern, 0}};
	struct side a, b;

	open_side(&b, "127.0.0.1", false);
	open_to(&a, "127.0.0.1", &b, false);
	ok(send_all(&a, v, 4) && comes(&b, v, 4),
	    "an empty datagram is one, and no end");
	close_side(&a);
	close_side(&b);
}

static void
test_refusal(bool plain)
{
	const char *way = plain ? "plain" : "runs";
	struct slice v[3] = {{pattern, 60}, {pattern, 60}, {pattern, 60}};
	char name[ADDR_TEXT_MAX];
	struct side a, b;
	int i;

	open_side(&b, "127.0.0.1", plain);
	open_to(&a, "127.0.0.1", &b, plain);
	addr_name((struct sockaddr *)&b.own, b.own_len, name);
	close_side(&b);
	send_all(&a, v, 1);
	for (i = 0; i < TURNS_MAX && a.lost == 0; i++) {
		a.got = stream_receive(a.s, a.room, ROOM, a.v, RUNS);
		stream_want(a.s, STREAM_READABLE);
		turn();
	}
	is_num(a.got, STREAM_AGAIN, "a refusal is no failure (%s)", way);
	is_num(a.lost, 1, "a refusal is told once (%s)", way);
	is_num(a.err, ECONNREFUSED, "as what it is (%s)", way);
	is_text(a.lost_to, name, "and of whom (%s)", way);
	ok(send_all(&a, v, 3), "the next ones are sent (%s)", way);
	close_side(&a);
}

/* A server: one peer is gone, the other is not. */
static void
test_gone(const char *at)
{
	struct slice v = {pattern, 60};
	struct stream_peer gone, there;
	struct side s, a, b;
	char name[ADDR_TEXT_MAX];
	int i;

	if (!open_side(&s, at, false)) {
		ok(true, "a peer that is gone (%s) # SKIP no IPv6", at);
		return;
	}
	open_to(&a, at, &s, false);
	open_to(&b, at, &s, false);
	send_all(&a, &v, 1);
	receive(&s, ROOM, RUNS);
	gone = s.v[0].from;
	send_all(&b, &v, 1);
	receive(&s, ROOM, RUNS);
	there = s.v[0].from;
	addr_name((struct sockaddr *)&a.own, a.own_len, name);
	close_side(&a);
	stream_answer(s.s, &gone);
	send_all(&s, &v, 1);
	for (i = 0; i < TURNS_MAX && s.lost == 0; i++) {
		stream_receive(s.s, s.room, ROOM, s.v, RUNS);
		stream_want(s.s, STREAM_READABLE);
		turn();
	}
	is_num(s.err, ECONNREFUSED, "%s: that a peer is gone is told", at);
	is_text(s.lost_to, name, "%s: and which one", at);
	stream_answer(s.s, &there);
	ok(send_all(&s, &v, 1) && comes(&b, &v, 1),
	    "%s: the other one is answered", at);
	/* The error of the one does not cost the other a datagram. */
	stream_answer(s.s, &gone);
	send_all(&s, &v, 1);
	stream_answer(s.s, &there);
	for (i = 0; i < 20; i++)
		if (!send_all(&s, &v, 1) || !comes(&b, &v, 1))
			break;
	is_num(i, 20, "%s: and all of it arrives", at);
	close_side(&b);
	close_side(&s);
}

/* Asked at one of several addresses, it answers from that one. */
static void
test_asked(const char *any, const char *asked)
{
	struct slice v = {pattern, 5};
	struct side s, a;
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;

	if (!open_side(&s, any, false)) {
		ok(true, "the address that was asked (%s) # SKIP no IPv6", any);
		return;
	}
	memcpy(&u, &s.own, sizeof(u));
	if (strchr(asked, ':') != NULL)
		inet_pton(AF_INET6, asked, &u.v6.sin6_addr);
	else
		inet_pton(AF_INET, asked, &u.v4.sin_addr);
	memcpy(&s.own, &u, sizeof(u));
	if (!open_to(&a, any, &s, false)) {
		ok(true, "%s is asked # SKIP no such address", asked);
		close_side(&s);
		return;
	}
	send_all(&a, &v, 1);
	receive(&s, ROOM, RUNS);
	stream_answer(s.s, &s.v[0].from);
	ok(send_all(&s, &v, 1) && comes(&a, &v, 1), "%s at %s answers from %s",
	    any, asked, asked);
	close_side(&a);
	close_side(&s);
}

static void
test_cut(void)
{
	struct slice v = {pattern, 5000};
	struct side a, b;

	open_side(&b, "cut", false);
	open_to(&a, "cut2", &b, false);
	send_all(&a, &v, 1);
	is_num(receive(&b, 100, RUNS), 1,
	    "a datagram for which there is no "
	    "room comes");
	is_num((long long)b.v[0].bytes.len, 100, "as much of it as there is");
	is_num((long long)b.v[0].len, 5000, "and how long it was");
	close_side(&a);
	close_side(&b);
	unlink("cut");
	unlink("cut2");
}

/* The queue of a Unix peer is short: what does not fit has to wait. */
static void
test_full(bool connected)
{
	const char *way = connected ? "connected" : "not connected";
	struct slice v = {pattern, 60};
	struct side a, b;
	size_t sent = 0, came = 0;
	int i;

	open_side(&b, "full", false);
	if (connected)
		open_to(&a, "full2", &b, false);
	else {
		struct stream_peer to = {.len = b.own_len};

		open_side(&a, "full2", false);
		memcpy(&to.at, &b.own, b.own_len);
		stream_answer(a.s, &to);
	}
	while (sent < 100000 && stream_send(a.s, &v, 1) == 1)
		sent++;
	ok(sent < 100000, "a Unix peer takes %zu, and no more (%s)", sent, way);
	stream_want(a.s, STREAM_WRITABLE);
	for (i = 0; i < 3; i++)
		turn();
	while (stream_receive(b.s, b.room, ROOM, b.v, RUNS) == 1)
		came++;
	is_num((long long)came, (long long)sent, "all of these come (%s)", way);
	for (i = 0; i < TURNS_MAX && !(a.ready & STREAM_WRITABLE); i++)
		turn();
	is_num(
	    stream_send(a.s, &v, 1), 1, "then it is told to go on (%s)", way);
	close_side(&a);
	close_side(&b);
	unlink("full");
	unlink("full2");
}

/* A socket that others share stays as it was. */
static void
test_borrowed(void)
{
	struct sockaddr_storage own;
	struct slice v = {pattern, 60};
	struct side a, k;
	socklen_t len;
	int fd, flags, gro = 0;

	memset(&k, 0, sizeof(k));
	fd = open_socket("127.0.0.1", SOCK_DGRAM, &own, &len);
	memcpy(&k.own, &own, sizeof(own));
	k.own_len = len;
	flags = fcntl(fd, F_GETFL);
	k.s = stream_dgram_new(&loop, fd, true, NULL, false);
	k.room = malloc(ROOM);
	k.s->owner = &k;
	k.s->on = &stream_events;
	open_to(&a, "127.0.0.1", &k, false);
	ok(send_all(&a, &v, 1) && comes(&k, &v, 1),
	    "a socket that others share is read");
	is_num(fcntl(fd, F_GETFL), flags, "its flags are as they were");
#ifdef UDP_GRO
	len = sizeof(gro);
	getsockopt(fd, IPPROTO_UDP, UDP_GRO, &gro, &len);
#endif
	is_num(gro, 0, "others who read it see no runs");
	close_side(&a);
	close_side(&k);
	ok(fcntl(fd, F_GETFL) == flags, "it is open when the stream is gone");
	close(fd);
}

static void
test_fixed(void)
{
	struct slice v = {pattern, 60};
	struct stream_peer to;
	struct side a, b, c;

	open_side(&b, "127.0.0.1", false);
	open_side(&c, "127.0.0.1", false);
	memset(&a, 0, sizeof(a));
	memset(&to, 0, sizeof(to));
	memcpy(&to.at, &b.own, sizeof(struct sockaddr_in));
	to.len = b.own_len;
	take(&a, open_socket("127.0.0.1", SOCK_DGRAM, &a.own, &a.own_len), &to,
	    false);
	ok(stream_peer(a.s) != NULL,
	    "one that sends to one alone has its peer");
	ok(send_all(&a, &v, 1) && comes(&b, &v, 1), "which has what is sent");
	memcpy(&to.at, &a.own, sizeof(struct sockaddr_in));
	stream_answer(c.s, &to);
	ok(send_all(&c, &v, 1) && comes(&a, &v, 1), "it hears others");
	stream_answer(a.s, &a.v[0].from);
	ok(send_all(&a, &v, 1) && comes(&b, &v, 1), "but answers none of them");
	close_side(&a);
	close_side(&b);
	close_side(&c);
}

static void
test_limits(void)
{
	struct side a, b;

	open_side(&b, "127.0.0.1", false);
	ok(stream_peer(b.s) == NULL, "nobody is known who could be answered");
	open_to(&a, "127.0.0.1", &b, false);
	is_num((long long)stream_datagrams(a.s)->max, 65507,
	    "IPv4 takes 65507 bytes");
	close_side(&a);
	close_side(&b);
	if (!open_side(&b, "::1", false))
		return;
	open_to(&a, "::1", &b, false);
	is_num((long long)stream_datagrams(a.s)->max, 65527,
	    "IPv6 takes 65527 bytes");
	close_side(&a);
	close_side(&b);
}

/* A number that a descriptor would get now. */
static int
lowest_free(void)
{
	int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

int
main(void)
{
	char dir[] = "/tmp/wdsock-dgram-XXXXXX";
	uint64_t seed = dice_seed();
	int before;
	size_t i;

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		abort();
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + (i >> 8));
	uv_loop_init(&loop);
	uv_timer_init(&loop, &bell);
	before = lowest_free();
	test_lengths("127.0.0.1", "127.0.0.1", "IPv4", seed);
	test_lengths("::1", "::1", "IPv6", seed);
	test_lengths("one", "two", "Unix", seed);
	test_refused_runs(seed);
	test_runs();
	test_empty();
	test_refusal(false);
	test_refusal(true);
	test_gone("127.0.0.1");
	test_gone("::1");
	test_asked("0.0.0.0", "127.0.0.2");
	test_asked("0.0.0.0", "127.0.0.1");
	test_asked("::", "::1");
	test_asked("::", "::ffff:127.0.0.2");
	test_cut();
	test_full(true);
	test_full(false);
	test_borrowed();
	test_fixed();
	test_limits();
	is_num(lowest_free(), before, "no descriptor is left open");
	unlink("one");
	unlink("two");
	if (chdir("/") == 0)
		rmdir(dir);
	uv_close((uv_handle_t *)&bell, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&loop), 0, "no handle is left");
	return done_testing();
}
