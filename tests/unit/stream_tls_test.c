/*
 * The stream over another one, client and server over real sockets, with a
 * relay between them that passes so many bytes at a time, or cuts the line:
 * handshakes that succeed, fail, hang and are given up; bytes both ways, ends
 * of every kind, and what is announced though the socket is silent.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "ends.h"
#include "net/stream_tls.h"
#include "tap.h"

#define TURNS_MAX 200000
#define LIMIT_MS 20000
#define ALL SIZE_MAX

static struct cert ca, good;
static const char *ca_file;
static struct tls_cert pair;

struct end {
	struct tls *tls;
	struct tls_wait *wait;
	struct stream *s;
	int fd; /* the relay's */
	bool done, closed;
	int want, what;
	unsigned readies;
	struct fail fail;
	int fds_then; /* how many were open when it failed */
};

struct scene {
	uv_loop_t loop;
	struct end client, server;
	struct tls_plan client_plan, server_plan;
	size_t step; /* of the relay, in a turn */
	size_t passed_up;
	size_t cut_up; /* so many of the client pass, and no more */
	bool no_relay;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
has(const char *text, const char *words)
{
	if (strstr(text, words) != NULL)
		return true;
	diag("expected: %s", words);
	diag("saw:      %s", text);
	return false;
}

static void
on_ready(struct stream *s, int what)
{
	struct end *e = s->owner;

	e->readies++;
	e->what |= what;
	/* As chan does: it wants until it has tried. */
	stream_want(s, e->want & ~e->what);
}

static void
on_closed(struct stream *s)
{
	struct end *e = s->owner;

	e->closed = true;
	e->s = NULL;
}

static const struct stream_events events = {
    .on_ready = on_ready,
    .on_closed = on_closed,
};

static void
on_done(void *owner, struct stream *s, const struct fail *f)
{
	struct end *e = owner;

	e->done = true;
	e->wait = NULL;
	e->s = s;
	if (s == NULL) {
		e->fail = *f;
		e->fds_then = ends_open_fds();
		return;
	}
	s->owner = e;
	s->on = &events;
}

static void
want(struct end *e, int what)
{
	e->want = what;
	e->what &= ~what;
	stream_want(e->s, what);
}

/* A stream over one end of a pair; the relay has the other. */
static struct stream *
lower(struct scene *sc, struct end *e, int type)
{
	int fd[2], small = 4096;

	must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd) == 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	e->fd = fd[1];
	return stream_socket_new(&sc->loop, fd[0], false);
}

static void
scene_init(struct scene *sc)
{
	memset(sc, 0, sizeof(*sc));
	uv_loop_init(&sc->loop);
	sc->client_plan.ca = ca_file;
	sc->server_plan.certs = &pair;
	sc->server_plan.certs_n = 1;
	sc->step = sc->cut_up = ALL;
	sc->client.fd = sc->server.fd = -1;
}

static void
start(struct scene *sc, struct end *e, enum tls_role role, const char *host,
    uint64_t limit_ms)
{
	const struct tls_peer peer = {.host = host, .text = "peer:1"};
	struct fail f;

	if (e->tls == NULL)
		e->tls = tls_new(&tls_face, role,
		    role == TLS_CLIENT ? &sc->client_plan : &sc->server_plan,
		    NULL, &f);
	must(e->tls != NULL);
	e->done = e->closed = false;
	e->what = 0;
	e->wait = tls_begin(e->tls, &sc->loop, lower(sc, e, SOCK_STREAM), &peer,
	    limit_ms, on_done, e, &e->fail);
	must(e->wait != NULL);
}

/* Passes bytes on; false if there were none. */
static size_t
pass(struct scene *sc, int from, int to, size_t max)
{
	static uint8_t buf[65536];
	size_t n = sc->step < max ? sc->step : max;
	ssize_t r;

	if (from == -1 || to == -1 || n == 0)
		return 0;
	r = recv(from, buf, n < sizeof(buf) ? n : sizeof(buf),
	    MSG_DONTWAIT | MSG_PEEK);
	if (r > 0)
		r = send(to, buf, (size_t)r, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r > 0)
		r = recv(from, buf, (size_t)r, MSG_DONTWAIT);
	return r > 0 ? (size_t)r : 0;
}

static void
turn(struct scene *sc)
{
	size_t n;

	uv_run(&sc->loop, UV_RUN_NOWAIT);
	if (sc->no_relay)
		return;
	n = pass(sc, sc->client.fd, sc->server.fd, sc->cut_up - sc->passed_up);
	sc->passed_up += n;
	pass(sc, sc->server.fd, sc->client.fd, ALL);
}

static void
hang_up(struct end *e)
{
	close(e->fd);
	e->fd = -1;
}

/* Both ends, through the handshake. */
static bool
shake(struct scene *sc)
{
	int i;

	start(sc, &sc->server, TLS_SERVER, NULL, LIMIT_MS);
	start(sc, &sc->client, TLS_CLIENT, "good.example", LIMIT_MS);
	for (i = 0; i < TURNS_MAX && (!sc->client.done || !sc->server.done);
	     i++)
		turn(sc);
	return sc->client.s != NULL && sc->server.s != NULL;
}

/* Turns until this end has one of these. */
static int
await(struct scene *sc, struct end *e, int what)
{
	int i;

	want(e, what);
	for (i = 0; i < TURNS_MAX && !(e->what & what); i++)
		turn(sc);
	return e->what & what;
}

/* What a read brings, when there is something. */
static ssize_t
read_next(struct scene *sc, struct end *e, void *buf, size_t len)
{
	ssize_t n;

	do {
		n = stream_read(e->s, buf, len);
		if (n == STREAM_AGAIN && await(sc, e, STREAM_READABLE) == 0)
			return STREAM_AGAIN;
	} while (n == STREAM_AGAIN);
	return n;
}

static ssize_t
write_text(struct end *e, const char *text)
{
	struct iovec v = {(void *)(uintptr_t)text, strlen(text)};

	return stream_write(e->s, &v, 1);
}

static const struct fail *
why(const struct end *e)
{
	static const struct fail nothing;
	const struct fail *f = stream_fail(e->s);

	return f == NULL ? &nothing : f;
}

/* What one says the other hears. */
static bool
say(struct scene *sc, struct end *from, struct end *to, const char *text)
{
	char buf[100] = "";

	return write_text(from, text) == (ssize_t)strlen(text) &&
	    read_next(sc, to, buf, sizeof(buf)) == (ssize_t)strlen(text) &&
	    strcmp(buf, text) == 0;
}

static int
shut_all(struct scene *sc, struct end *e)
{
	int r;

	while ((r = stream_shut(e->s)) == STREAM_AGAIN)
		if (await(sc, e, STREAM_WRITABLE) == 0)
			return r;
	return r;
}

static void
scene_release(struct scene *sc, bool reset)
{
	struct end *const both[] = {&sc->client, &sc->server};
	int i;

	for (i = 0; i < 2; i++) {
		if (both[i]->wait != NULL)
			tls_cancel(both[i]->wait);
		if (both[i]->s != NULL)
			stream_close(both[i]->s, reset);
	}
	for (i = 0; i < TURNS_MAX && uv_loop_alive(&sc->loop); i++)
		turn(sc);
	for (i = 0; i < 2; i++) {
		if (both[i]->fd != -1)
			close(both[i]->fd);
		tls_free(both[i]->tls);
	}
	is_num(uv_loop_close(&sc->loop), 0, "no handle is left");
}

static void
test_talk(void)
{
	struct tls_facts facts;
	struct scene sc;
	size_t step;
	int v;

	for (step = 1; step < 10000; step = step * 3 + 1)
		for (v = TLS_1_2; v <= TLS_1_3; v++) {
			scene_init(&sc);
			sc.client_plan.max = (enum tls_version)v;
			sc.step = step;
			ok(shake(&sc), "a handshake, %zu bytes at a time",
			    step);
			ok(stream_tls_facts(sc.client.s, &facts) &&
				strcmp(facts.version,
				    v == TLS_1_2 ? "TLSv1.2" : "TLSv1.3") == 0,
			    "tells what was agreed upon");
			ok(say(&sc, &sc.client, &sc.server, "hello") &&
				say(&sc, &sc.server, &sc.client, "there") &&
				say(&sc, &sc.client, &sc.server, "bye"),
			    "what one says the other hears");
			is_num(stream_splice_fd(sc.client.s), -1,
			    "nobody else may move its bytes");
			scene_release(&sc, false);
		}
}

/* One direction of many bytes. */
struct flow {
	struct end *from, *to;
	size_t sent, got, len;
	bool wrong;
};

static void
flow_send(struct flow *f, uint64_t *chance, uint8_t *buf)
{
	struct iovec v[3];
	uint64_t state;
	ssize_t n;
	size_t some = 1 + dice_below(chance, 300000), i, cut;

	if (f->sent == f->len)
		return;
	if (some > f->len - f->sent)
		some = f->len - f->sent;
	for (i = 0; i < some; i++)
		buf[i] = (uint8_t)((f->sent + i) * 7 + (f->sent + i) / 251);
	cut = dice_below(chance, some);
	state = dice_below(chance, cut + 1);
	v[0] = (struct iovec){buf, state};
	v[1] = (struct iovec){buf + state, cut - state};
	v[2] = (struct iovec){buf + cut, some - cut};
	n = stream_write(f->from->s, v, 3);
	if (n > 0)
		f->sent += (size_t)n;
	else if (n != STREAM_AGAIN)
		f->wrong = true;
}

static void
flow_read(struct flow *f, uint64_t *chance, uint8_t *buf)
{
	ssize_t n = stream_read(f->to->s, buf, 1 + dice_below(chance, 262144));
	size_t i;

	if (n == STREAM_AGAIN)
		return;
	if (n < 0) {
		f->wrong = true;
		return;
	}
	for (i = 0; i < (size_t)n; i++)
		if (buf[i] != (uint8_t)((f->got + i) * 7 + (f->got + i) / 251))
			f->wrong = true;
	f->got += (size_t)n;
}

static void
test_bulk(void)
{
	uint64_t chance = dice_seed();
	uint8_t *buf = malloc(300000);
	struct flow up, down;
	struct scene sc;
	int v, i;

	must(buf != NULL);
	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		scene_init(&sc);
		sc.client_plan.max = (enum tls_version)v;
		must(shake(&sc));
		memset(&up, 0, sizeof(up));
		up.from = &sc.client;
		up.to = &sc.server;
		up.len = 6000000;
		down = up;
		down.from = &sc.server;
		down.to = &sc.client;
		for (i = 0; i < TURNS_MAX * 10 && !up.wrong && !down.wrong &&
		     (up.got < up.len || down.got < down.len);
		     i++) {
			want(&sc.client,
			    STREAM_READABLE |
				(up.sent < up.len ? STREAM_WRITABLE : 0));
			want(&sc.server,
			    STREAM_READABLE |
				(down.sent < down.len ? STREAM_WRITABLE : 0));
			turn(&sc);
			if (sc.client.what & STREAM_WRITABLE)
				flow_send(&up, &chance, buf);
			if (sc.server.what & STREAM_WRITABLE)
				flow_send(&down, &chance, buf);
			if (sc.server.what & STREAM_READABLE)
				flow_read(&up, &chance, buf);
			if (sc.client.what & STREAM_READABLE)
				flow_read(&down, &chance, buf);
		}
		ok(!up.wrong && !down.wrong && up.got == up.len &&
			down.got == down.len,
		    "much goes both ways at once, whole");
		is_num(stream_unacked(sc.client.s), 0, "and all has arrived");
		scene_release(&sc, false);
	}
	free(buf);
}

static void
test_halves(void)
{
	struct scene sc;
	char buf[64];
	int v, at_once;

	for (v = TLS_1_2; v <= TLS_1_3; v++)
		for (at_once = 0; at_once < 2; at_once++) {
			scene_init(&sc);
			sc.client_plan.max = (enum tls_version)v;
			sc.client_plan.shut_at_once = at_once == 1;
			sc.server_plan.shut_at_once = true;
			must(shake(&sc));
			write_text(&sc.client, "last words");
			is_num(
			    shut_all(&sc, &sc.client), 0, "our half is closed");
			is_num(read_next(&sc, &sc.server, buf, sizeof(buf)), 10,
			    "what was said before arrives");
			if (v == TLS_1_3 || at_once == 1)
				is_num(read_next(
					   &sc, &sc.server, buf, sizeof(buf)),
				    STREAM_END, "and then the end");
			else
				is_num(
				    stream_read(sc.server.s, buf, sizeof(buf)),
				    STREAM_AGAIN,
				    "but on 1.2 the end is not said yet");
			ok(say(&sc, &sc.server, &sc.client, "an answer"),
			    "an answer is heard");
			is_num(shut_all(&sc, &sc.server), 0, "the other half");
			is_num(read_next(&sc, &sc.client, buf, sizeof(buf)),
			    STREAM_END, "is closed, too");
			if (v == TLS_1_2 && at_once == 0)
				is_num(read_next(
					   &sc, &sc.server, buf, sizeof(buf)),
				    STREAM_END, "which brings our end");
			ok(stream_fail(sc.client.s) == NULL,
			    "there is nothing wrong");
			scene_release(&sc, false);
		}
}

/* The line is cut behind so many bytes of a record, or between two. */
static void
cut(bool known, size_t behind, ssize_t expected)
{
	struct scene sc;
	char buf[64];
	ssize_t n;

	scene_init(&sc);
	sc.server_plan.no_close_notify = known;
	must(shake(&sc));
	must(say(&sc, &sc.client, &sc.server, "one"));
	sc.cut_up = sc.passed_up + behind;
	write_text(&sc.client, "two");
	turn(&sc);
	turn(&sc);
	hang_up(&sc.server);
	n = read_next(&sc, &sc.server, buf, sizeof(buf));
	is_num(n, expected, "%s, %zu bytes into a record",
	    known ? "an end that is known to come so" : "an end", behind);
	if (n == STREAM_TRUNCATED)
		ok(why(&sc.server)->status == STATUS_TRUNCATED &&
			has(why(&sc.server)->what,
			    "ended without close_notify"),
		    "and there are words for it");
	scene_release(&sc, true);
}

static void
test_truncated(void)
{
	cut(false, 0, STREAM_TRUNCATED);
	cut(false, 3, STREAM_TRUNCATED);
	cut(false, 10, STREAM_TRUNCATED);
	cut(true, 0, STREAM_END);
	cut(true, 3, STREAM_TRUNCATED);
	cut(true, 10, STREAM_TRUNCATED);
}

static void
test_changed(void)
{
	struct scene sc;
	char buf[64];

	scene_init(&sc);
	must(shake(&sc));
	must(say(&sc, &sc.client, &sc.server, "one"));
	must(send(sc.server.fd, "\27\3\3\0\26 this is not encrypted", 27, 0) ==
	    27);
	is_num(read_next(&sc, &sc.server, buf, sizeof(buf)), STREAM_FAILED,
	    "what is no record of the peer's is refused");
	is_num(sc.server.s->err, EPROTO, "with an errno of its own");
	ok(why(&sc.server)->status == STATUS_TLS &&
		has(why(&sc.server)->what,
		    "a record of TLS was broken on its way"),
	    "and words");
	want(&sc.server, 0);
	ok(read_next(&sc, &sc.client, buf, sizeof(buf)) == STREAM_FAILED &&
		has(why(&sc.client)->what, "alert"),
	    "the peer hears of it");
	scene_release(&sc, false);
}

/* What the engine holds is told, though the socket is silent. */
static void
test_announced(void)
{
	static char much[16000];
	struct iovec v = {much, sizeof(much)};
	char buf[100];
	size_t got = 0, readies;
	struct scene sc;
	ssize_t n;

	scene_init(&sc);
	must(shake(&sc));
	is_num(stream_write(sc.server.s, &v, 1), 16000, "a record is sent");
	is_num(shut_all(&sc, &sc.server), 0, "and the end behind it");
	do {
		must(await(&sc, &sc.client, STREAM_READABLE) != 0);
		readies = sc.client.readies;
		n = stream_read(sc.client.s, buf, sizeof(buf));
		if (n > 0)
			got += (size_t)n;
		if (n > 0 && got < 16000 && got > 100 &&
		    stream_pending(sc.client.s) == 0)
			break;
	} while (n > 0 || n == STREAM_AGAIN);
	is_num(got, 16000, "all of it is announced, a few bytes at a time");
	is_num(n, STREAM_END, "and so is the end");
	is_num(stream_pending(sc.client.s), 0, "behind which there is nothing");
	ok(readies > 100, "each time it was wanted");
	scene_release(&sc, false);
}

/* Bytes that were taken are sent by themselves, also when it is closed. */
static void
test_held(void)
{
	static char much[500000];
	struct iovec v = {much, sizeof(much)};
	size_t taken = 0, got = 0;
	struct scene sc;
	char buf[5000];
	ssize_t n;

	scene_init(&sc);
	must(shake(&sc));
	memset(much, 'x', sizeof(much));
	sc.no_relay = true;
	while ((n = stream_write(sc.client.s, &v, 1)) > 0)
		taken += (size_t)n;
	is_num(n, STREAM_AGAIN, "a peer that does not read fills it");
	ok(stream_unacked(sc.client.s) > 0 &&
		stream_unacked(sc.client.s) <= (int64_t)taken,
	    "what is held is not acknowledged");
	want(&sc.client, 0);
	stream_close(sc.client.s, false);
	for (n = 0; n < 10; n++)
		turn(&sc);
	ok(!sc.client.closed, "a close waits for it");
	sc.no_relay = false;
	while ((n = read_next(&sc, &sc.server, buf, sizeof(buf))) > 0)
		got += (size_t)n;
	is_num(got, taken, "all that was taken arrives");
	is_num(n, STREAM_END, "and then the end");
	scene_release(&sc, false);
	ok(sc.client.closed, "then it is closed");
}

static void
test_refused(void)
{
	struct scene sc;
	int fds;

	scene_init(&sc);
	start(&sc, &sc.server, TLS_SERVER, NULL, LIMIT_MS);
	start(&sc, &sc.client, TLS_CLIENT, "bad.example", LIMIT_MS);
	fds = ends_open_fds();
	while (!sc.client.done)
		turn(&sc);
	ok(sc.client.s == NULL && sc.client.fail.status == STATUS_TLS &&
		has(sc.client.fail.what,
		    "peer:1: TLS: certificate is for good.example, expected "
		    "bad.example"),
	    "a handshake that fails says why, and whose it was");
	while (!sc.server.done)
		turn(&sc);
	ok(has(sc.server.fail.what, "alert \"bad certificate\""),
	    "the peer is told by an alert");
	ok(sc.server.fds_then < fds && sc.client.fds_then < fds,
	    "and its descriptor is closed by then");
	scene_release(&sc, false);
}

/* Bytes that a server does not expect, and what it answers. */
static void
test_plain(void)
{
	static const char text[] = "11\r\nHello World, again and again";
	struct scene sc;
	char buf[100];
	ssize_t n;

	scene_init(&sc);
	sc.no_relay = true;
	start(&sc, &sc.server, TLS_SERVER, NULL, LIMIT_MS);
	must(send(sc.server.fd, text, sizeof(text) - 1, 0) > 0);
	while ((n = recv(sc.server.fd, buf, sizeof(buf), MSG_DONTWAIT)) == -1)
		turn(&sc);
	is_num(n, 0, "plain text is answered by the end");
	ok(!sc.server.done, "the peer may still be hearing it");
	hang_up(&sc.server);
	while (!sc.server.done)
		turn(&sc);
	ok(has(sc.server.fail.what,
	       "peer:1: TLS: expected TLS, saw a WINDEV message in plain text: "
	       "\"11\\r\\nHello World, again"),
	    "it is said what came instead");
	scene_release(&sc, false);
}

static void
test_limits(void)
{
	struct scene sc;

	scene_init(&sc);
	sc.no_relay = true;
	start(&sc, &sc.client, TLS_CLIENT, "good.example", 500);
	start(&sc, &sc.server, TLS_SERVER, NULL, 500);
	must(send(sc.server.fd, "\26", 1, 0) == 1);
	while (!sc.client.done || !sc.server.done)
		turn(&sc);
	ok(sc.client.fail.status == STATUS_TIMEOUT &&
		has(sc.client.fail.what,
		    "peer:1: TLS: timeout: the handshake was not done in 0.5 "
		    "s, waiting for the ServerHello"),
	    "a server that says nothing is status 5");
	ok(sc.server.fail.status == STATUS_TIMEOUT &&
		has(sc.server.fail.what, "the rest of the ClientHello"),
	    "and so is a client that does not go on");
	scene_release(&sc, false);

	scene_init(&sc);
	start(&sc, &sc.client, TLS_CLIENT, "good.example", LIMIT_MS);
	turn(&sc);
	tls_cancel(sc.client.wait);
	sc.client.wait = NULL;
	scene_release(&sc, false);
	ok(!sc.client.done, "who gives up hears nothing more");

	scene_init(&sc);
	start(&sc, &sc.client, TLS_CLIENT, "good.example", LIMIT_MS);
	hang_up(&sc.client);
	while (!sc.client.done)
		turn(&sc);
	ok(sc.client.fail.status == STATUS_RESET ||
		sc.client.fail.status == STATUS_TLS,
	    "a server that hangs up ends it");
	scene_release(&sc, false);
}

static void
test_no_streams(void)
{
	const struct tls_peer peer = {.host = "good.example", .text = "p"};
	const struct tls_peer nobody = {.text = "unix:/x"};
	struct scene sc;
	struct stream *s;
	struct fail f;

	scene_init(&sc);
	sc.client.tls =
	    tls_new(&tls_face, TLS_CLIENT, &sc.client_plan, NULL, &f);
	s = lower(&sc, &sc.client, SOCK_SEQPACKET);
	ok(tls_begin(sc.client.tls, &sc.loop, s, &peer, 1000, on_done,
	       &sc.client, &f) == NULL &&
		f.status == STATUS_USAGE,
	    "packets carry no TLS");
	hang_up(&sc.client);
	s = lower(&sc, &sc.client, SOCK_STREAM);
	ok(tls_begin(sc.client.tls, &sc.loop, s, &nobody, 1000, on_done,
	       &sc.client, &f) == NULL &&
		f.status == STATUS_USAGE && has(f.what, "unix:/x: TLS: "),
	    "without a name to expect it does not begin");
	scene_release(&sc, false);
	ok(!sc.client.done, "and nobody is told later");
}

static void
test_reconnect(void)
{
	struct tls_facts facts;
	struct scene sc;
	int v;

	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		scene_init(&sc);
		sc.client_plan.max = (enum tls_version)v;
		must(shake(&sc) && say(&sc, &sc.server, &sc.client, "x"));
		stream_close(sc.client.s, true);
		stream_close(sc.server.s, true);
		while (!sc.client.closed || !sc.server.closed)
			turn(&sc);
		hang_up(&sc.client);
		hang_up(&sc.server);
		sc.passed_up = 0;
		ok(shake(&sc) && stream_tls_facts(sc.client.s, &facts) &&
			facts.resumed,
		    "who comes back after a reset is resumed");
		scene_release(&sc, false);
	}
}

int
main(void)
{
	const struct cert *const chain[] = {&good, NULL};
	const struct cert *const cas[] = {&ca, NULL};
	struct scene first;
	int fds;

	/* The loop's library opens some for good. */
	scene_init(&first);
	uv_loop_close(&first.loop);
	fds = ends_open_fds();
	cert_make(&ca, &(struct cert_kind){.cn = "CA", .ca = true}, NULL);
	cert_make(&good,
	    &(struct cert_kind){.cn = "x", .sans = "DNS:good.example"}, &ca);
	ca_file = certs_pem("ca.pem", NULL, NULL, cas);
	pair.cert = certs_pem("good.pem", &good, NULL, chain);
	test_talk();
	test_bulk();
	test_halves();
	test_truncated();
	test_changed();
	test_announced();
	test_held();
	test_refused();
	test_plain();
	test_limits();
	test_no_streams();
	test_reconnect();
	cert_release(&ca);
	cert_release(&good);
	is_num(ends_open_fds(), fds, "no descriptor is left");
	return done_testing();
}
