/*
 * Many peers on one socket, over real sockets of this machine: each has a
 * stream of its own and hears itself alone, in order; each is answered, from
 * the address that he asked; who is slow, too many, refused or gone costs the
 * others nothing.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan/chan.h"
#include "dgram_double.h"
#include "net/addr.h"
#include "net/dgram.h"
#include "net/peers.h"
#include "tap.h"

#define TURNS_MAX 3000
#define MEMBERS 300
#define ROOM (CHAN_READ + (64u << 10))

union at {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

/* One who has spoken: his stream, and what came over it. */
struct member {
	struct stream *s;
	char name[ADDR_TEXT_MAX];
	char last[64];
	size_t last_len, datagrams, bytes;
	uint32_t next; /* of the numbers that he sends */
	bool in_order, deaf, closed;
	int ready, err;
	unsigned undelivered;
};

struct scene {
	uv_loop_t loop;
	uv_timer_t bell;
	struct peers p;
	union at at;
	socklen_t len;
	struct member m[MEMBERS];
	size_t n;
	bool refuse, deaf, echo, one_by_one, pause_at_once;
	int pause_after;    /* so many datagrams; 0: never */
	struct member *end; /* is closed by whoever hears something */
	uint64_t lost[PEERS_LOSSES];
	unsigned told[PEERS_LOSSES], refused;
	bool gone;
};

static struct scene scene;
static uint8_t room[ROOM];

static void
on_bell(uv_timer_t *t)
{
	(void)t;
}

/* A turn of the loop that comes to an end, whether or not something is. */
static void
turn(void)
{
	uv_timer_start(&scene.bell, on_bell, 10, 0);
	uv_run(&scene.loop, UV_RUN_ONCE);
}

#define UNTIL(holds)                                                           \
	do {                                                                   \
		int turns_;                                                    \
		for (turns_ = 0; turns_ < TURNS_MAX && !(holds); turns_++)     \
			turn();                                                \
	} while (0)

/* What is to come has come: nothing is under way on this machine. */
static void
settle(void)
{
	int i;

	for (i = 0; i < 4; i++)
		uv_run(&scene.loop, UV_RUN_NOWAIT);
}

static void
hear_one(struct member *m, struct slice s)
{
	uint32_t number;

	m->datagrams++;
	m->bytes += s.len;
	m->last_len = s.len;
	snprintf(m->last, sizeof(m->last), "%.*s",
	    (int)(s.len < 60 ? s.len : 60), (const char *)s.p);
	if (s.len < sizeof(number))
		return;
	memcpy(&number, s.p, sizeof(number));
	m->in_order = m->in_order && number == m->next;
	m->next++;
	if (scene.echo && stream_send(m->s, &s, 1) != 1)
		m->in_order = false;
}

static void
hear(struct member *m)
{
	struct stream_run v[PEERS_RUNS];
	struct slice rest;
	ssize_t n, i;
	size_t each;

	while (!m->closed && !m->deaf &&
	    (n = stream_receive(
		 m->s, room, sizeof(room), v, scene.one_by_one ? 1 : 3)) > 0) {
		for (i = 0; i < n; i++) {
			rest = v[i].bytes;
			do {
				each =
				    rest.len < v[i].each ? rest.len : v[i].each;
				hear_one(m, slice_of(rest.p, each));
				rest.p += each;
				rest.len -= each;
			} while (rest.len > 0);
		}
		if (scene.one_by_one)
			return;
	}
}

static void
on_ready(struct stream *s, int what)
{
	struct member *m = s->owner;

	m->ready |= what;
	if (what & STREAM_WRITABLE)
		stream_want(s, STREAM_READABLE);
	if (!(what & STREAM_READABLE))
		return;
	hear(m);
	if (scene.pause_after > 0 && --scene.pause_after == 0)
		peers_pause(&scene.p);
	if (scene.end != NULL && scene.end->s != NULL && !scene.end->closed) {
		scene.end->closed = true;
		stream_close(scene.end->s, false);
	}
}

static void
on_stream_closed(struct stream *s)
{
	struct member *m = s->owner;

	m->s = NULL;
}

static void
on_undelivered(struct stream *s, const struct stream_peer *to, int err)
{
	struct member *m = s->owner;

	m->undelivered++;
	m->err = to == stream_peer(s) ? err : -1;
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_stream_closed,
    .on_undelivered = on_undelivered,
};

static bool
on_peer(struct peers *p, struct stream *s)
{
	struct scene *sc = p->owner;
	struct member *m = &sc->m[sc->n];

	if (sc->refuse || sc->n == MEMBERS) {
		sc->refused++;
		return false;
	}
	sc->n++;
	memset(m, 0, sizeof(*m));
	m->s = s;
	m->in_order = true;
	m->deaf = sc->deaf;
	addr_name(&stream_datagrams(s)->peer->at.sa,
	    stream_datagrams(s)->peer->len, m->name);
	s->owner = m;
	s->on = &stream_events;
	if (!m->deaf)
		stream_want(s, STREAM_READABLE);
	if (sc->pause_at_once)
		peers_pause(p);
	return true;
}

static void
on_lost(struct peers *p, enum peers_loss why, const struct stream_peer *who,
    uint64_t n)
{
	struct scene *sc = p->owner;

	(void)who;
	sc->lost[why] += n;
	sc->told[why]++;
}

static void
on_failed(struct peers *p)
{
	diag("the socket failed: %s", strerror(p->err));
}

static void
on_closed(struct peers *p)
{
	struct scene *sc = p->owner;

	sc->gone = true;
}

static const struct peers_events events = {
    .on_peer = on_peer,
    .on_lost = on_lost,
    .on_failed = on_failed,
    .on_closed = on_closed,
};

static void
set_at(const char *text, union at *at, socklen_t *len)
{
	memset(at, 0, sizeof(*at));
	if (inet_pton(AF_INET, text, &at->v4.sin_addr) == 1) {
		at->sa.sa_family = AF_INET;
		*len = sizeof(at->v4);
	} else if (inet_pton(AF_INET6, text, &at->v6.sin6_addr) == 1) {
		at->sa.sa_family = AF_INET6;
		*len = sizeof(at->v6);
	} else {
		at->sa.sa_family = AF_UNIX;
		snprintf(at->un.sun_path, sizeof(at->un.sun_path), "%s", text);
		unlink(text);
		*len = sizeof(at->un);
	}
}

/* False: there is no such address here. */
static bool
open_scene_over(const char *text, size_t max, bool plain)
{
	struct dgram_opts o;
	struct sock_opts sock;
	struct fail f;
	struct stream *s;
	int fd;

	memset(&scene, 0, sizeof(scene));
	memset(&o, 0, sizeof(o));
	memset(&sock, 0, sizeof(sock));
	set_at(text, &scene.at, &scene.len);
	fd = dgram_bind(&scene.at.sa, scene.len, false, &o, &sock, &f);
	if (fd == -1)
		return false;
	scene.len = sizeof(scene.at);
	getsockname(fd, &scene.at.sa, &scene.len);
	uv_loop_init(&scene.loop);
	uv_timer_init(&scene.loop, &scene.bell);
	s = stream_dgram_new(&scene.loop, fd, false, NULL, plain);
	if (s == NULL)
		abort();
	peers_open(&scene.p, &scene.loop, s, max, &events, &scene);
	return true;
}

static bool
open_scene(const char *text, size_t max)
{
	return open_scene_over(text, max, false);
}

static void
close_member(struct member *m)
{
	if (m->s != NULL && !m->closed)
		stream_close(m->s, false);
	m->closed = true;
}

static void
close_scene(const char *name)
{
	size_t i, left = 0;

	peers_close(&scene.p);
	for (i = 0; i < scene.n; i++)
		close_member(&scene.m[i]);
	UNTIL(scene.gone);
	for (i = 0; i < scene.n; i++)
		left += scene.m[i].s != NULL;
	ok(scene.gone && left == 0, "%s: all closes", name);
	for (i = 0; i < PEERS_LOSSES; i++)
		ok(scene.lost[i] == scene.p.lost[i],
		    "%s: what was lost is told in the end", name);
	uv_close((uv_handle_t *)&scene.bell, NULL);
	uv_run(&scene.loop, UV_RUN_DEFAULT);
	uv_loop_close(&scene.loop);
	if (scene.at.sa.sa_family == AF_UNIX)
		unlink(scene.at.un.sun_path);
}

/* A socket of somebody else; NULL: one without an address. */
static int
client(const char *text)
{
	union at at;
	socklen_t len;
	int fd;

	if (text == NULL)
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	set_at(text, &at, &len);
	fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, &at.sa, len) == -1)
		abort();
	return fd;
}

static bool
say_to(int fd, const union at *at, socklen_t len, struct slice s)
{
	return sendto(fd, s.p, s.len, 0, &at->sa, len) == (ssize_t)s.len;
}

static bool
say(int fd, const char *text)
{
	return say_to(fd, &scene.at, scene.len, slice_of(text, strlen(text)));
}

static struct member *
member_of(int fd)
{
	union at at;
	socklen_t len = sizeof(at);
	char name[ADDR_TEXT_MAX];
	size_t i;

	memset(&at, 0, sizeof(at));
	getsockname(fd, &at.sa, &len);
	addr_name(&at.sa, len, name);
	for (i = scene.n; i-- > 0;)
		if (strcmp(scene.m[i].name, name) == 0)
			return &scene.m[i];
	return NULL;
}

/* What has come back to somebody; *from, if wanted, says from whom. */
static const char *
hears(int fd, union at *from)
{
	static char text[64];
	socklen_t len = sizeof(*from);
	union at at;
	ssize_t n;
	int i;

	for (i = 0; i < TURNS_MAX; i++) {
		n = recvfrom(fd, text, sizeof(text) - 1, 0, &at.sa, &len);
		if (n >= 0) {
			text[n] = '\0';
			if (from != NULL)
				*from = at;
			return text;
		}
		turn();
	}
	return "(nothing)";
}

static bool
sends(struct member *m, const char *text)
{
	struct slice s = slice_of(text, strlen(text));

	return m != NULL && stream_send(m->s, &s, 1) == 1;
}

struct where {
	const char *name, *server, *clients[3];
};

static char unix_at[4][64];
static const struct where wheres[] = {
    {"IPv4", "127.0.0.1", {"127.0.0.1", "127.0.0.2", "127.0.0.1"}},
    {"IPv6", "::1", {"::1", "::1", "::1"}},
    {"IPv4 on every interface", "0.0.0.0", {"127.0.0.1", "127.0.0.1"}},
    {"unix-dgram", unix_at[0], {unix_at[1], unix_at[2], unix_at[3]}},
};

static bool
is_unix(void)
{
	return scene.at.sa.sa_family == AF_UNIX;
}

static void
to_loopback(void)
{
	if (scene.at.sa.sa_family == AF_INET &&
	    scene.at.v4.sin_addr.s_addr == htonl(INADDR_ANY))
		scene.at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void
test_each(const struct where *w)
{
	static const char *const texts[] = {"one", "two", "", "three"};
	struct member *m[2];
	int fd[2], i;

	if (!open_scene(w->server, 10)) {
		ok(true, "%s # SKIP no such address here", w->name);
		return;
	}
	to_loopback();
	for (i = 0; i < 2; i++)
		fd[i] = client(w->clients[i]);
	for (i = 0; i < 4; i++)
		ok(say(fd[i % 2], texts[i]), "%s: sent", w->name);
	UNTIL(scene.n == 2 && scene.m[0].datagrams + scene.m[1].datagrams == 4);
	is_num(scene.n, 2, "%s: a stream for each who speaks", w->name);
	is_num(peers_count(&scene.p), 2, "%s: and they are counted", w->name);
	for (i = 0; i < 2; i++)
		m[i] = member_of(fd[i]);
	ok(m[0] != NULL && m[1] != NULL && m[0] != m[1],
	    "%s: each is known by its address", w->name);
	is_num(m[0]->datagrams, 2, "%s: each hears its own", w->name);
	is_text(m[1]->last, "three", "%s: and the last one last", w->name);
	is_num(m[0]->last_len, 0, "%s: an empty one is one", w->name);
	ok(sends(m[1], "for b") && sends(m[0], "for a"), "%s: each is answered",
	    w->name);
	is_text(hears(fd[0], NULL), "for a", "%s: the first", w->name);
	is_text(hears(fd[1], NULL), "for b", "%s: the second", w->name);
	close_member(m[0]);
	say(fd[1], "here");
	say(fd[0], "again");
	UNTIL(scene.n == 3 && scene.m[2].datagrams == 1);
	is_num(scene.n, 3, "%s: who was closed comes as a new one", w->name);
	is_text(m[1]->last, "here", "%s: who was not is the same", w->name);
	is_text(scene.m[2].last, "again", "%s: and is heard", w->name);
	ok(sends(&scene.m[2], "welcome"), "%s: and answered", w->name);
	is_text(hears(fd[0], NULL), "welcome", "%s: there", w->name);
	for (i = 0; i < 2; i++)
		close(fd[i]);
	close_scene(w->name);
}

static void
test_max(const struct where *w)
{
	int fd[3], i;

	if (!open_scene(w->server, 2))
		return;
	to_loopback();
	for (i = 0; i < 3; i++)
		fd[i] = client(
		    w->clients[i] == NULL ? w->clients[0] : w->clients[i]);
	for (i = 0; i < 3; i++)
		say(fd[i], "hello");
	say(fd[2], "hello");
	say(fd[0], "last");
	UNTIL(scene.n > 0 && strcmp(scene.m[0].last, "last") == 0);
	is_num(scene.n, 2, "%s: there are as many as may be", w->name);
	is_num(scene.p.lost[PEERS_MANY], 2,
	    "%s: what others say is dropped and counted", w->name);
	is_num(scene.told[PEERS_MANY], 1, "%s: and told, once", w->name);
	is_num(scene.lost[PEERS_MANY], 1, "%s: when the first was", w->name);
	close_member(member_of(fd[1]));
	say(fd[2], "now");
	UNTIL(scene.n == 3 && scene.m[2].datagrams == 1);
	is_text(scene.m[scene.n - 1].last, "now",
	    "%s: when one has gone, the next one may come", w->name);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	close_scene(w->name);
}

static const size_t lengths[] = {4, 4, 60, 60, 60, 100, 1200, 1472, 5000};

/* Many at once, by chance, each counting what it sends. */
static void
test_many(const struct where *w, bool plain, uint64_t state)
{
	const size_t clients = is_unix() ? 40 : 150;
	uint32_t number[150] = {0};
	static uint8_t datagram[5000];
	size_t sent = 0, got = 0, whole = 0, held = 0, i, j, burst, len;
	int fd[150];
	unsigned round;

	if (!open_scene_over(w->server, MEMBERS, plain))
		return;
	to_loopback();
	scene.echo = false;
	for (i = 0; i < clients; i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s.%zu", unix_at[1], i);
		fd[i] = client(is_unix() ? name : w->clients[0]);
		unlink(name);
	}
	for (round = 0; round < rounds(400); round++) {
		i = dice_below(&state, clients);
		burst = 1 + dice_below(&state, is_unix() ? 5 : 12);
		len = lengths[dice_below(&state, 9)];
		for (j = 0; j < burst; j++) {
			memcpy(datagram, &number[i], sizeof(number[i]));
			if (!say_to(fd[i], &scene.at, scene.len,
				slice_of(datagram, len)))
				break;
			number[i]++;
			sent++;
		}
		/* No more than the socket's buffer holds. */
		held += burst * (len + 800);
		if (held > 20000 || is_unix()) {
			settle();
			held = 0;
		}
	}
	settle();
	for (i = 0; i < scene.n; i++) {
		got += scene.m[i].datagrams;
		whole += scene.m[i].in_order;
	}
	ok(scene.n > 10, "%s: there are many (%zu)", w->name, scene.n);
	is_num(got, sent, "%s: all that was sent has come (%s)", w->name,
	    plain ? "plain" : "runs");
	is_num(whole, scene.n, "%s: to whom it was from, in order", w->name);
	for (i = 0; i < clients; i++)
		close(fd[i]);
	close_scene(w->name);
}

/* A slow one keeps a little, loses the rest, and holds up nobody. */
static void
test_slow(const struct where *w)
{
	uint8_t datagram[1000] = {0};
	struct member *slow, *other;
	uint32_t i;
	int fd[2];

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd[0] = client(w->clients[0]);
	fd[1] = client(w->clients[1]);
	scene.deaf = true;
	for (i = 0; i < 200; i++) {
		memcpy(datagram, &i, sizeof(i));
		say_to(fd[0], &scene.at, scene.len,
		    slice_of(datagram, sizeof(datagram)));
		if (i % 4 == 3)
			settle();
	}
	scene.deaf = false;
	say(fd[1], "me");
	UNTIL(scene.n == 2 && scene.m[1].datagrams == 1);
	slow = &scene.m[0];
	other = &scene.m[1];
	is_text(other->last, "me", "%s: a slow one holds up nobody", w->name);
	is_num(slow->ready, 0, "%s: and is not called", w->name);
	ok(stream_pending(slow->s) <= PEERS_KEPT &&
		stream_pending(slow->s) > PEERS_KEPT - 8192,
	    "%s: a little is kept (%zu)", w->name, stream_pending(slow->s));
	is_num(scene.p.lost[PEERS_SLOW],
	    200 - stream_pending(slow->s) / sizeof(datagram),
	    "%s: the rest is lost, and counted", w->name);
	is_num(scene.told[PEERS_SLOW], 1, "%s: and told, once", w->name);
	i = (uint32_t)(stream_pending(slow->s) / sizeof(datagram));
	slow->deaf = false;
	scene.one_by_one = true;
	hear(slow);
	slow->deaf = true;
	memcpy(datagram, &i, sizeof(i));
	say_to(
	    fd[0], &scene.at, scene.len, slice_of(datagram, sizeof(datagram)));
	settle();
	is_num(stream_pending(slow->s), i * sizeof(datagram),
	    "%s: what is taken makes room again", w->name);
	slow->deaf = false;
	i++;
	stream_want(slow->s, STREAM_READABLE);
	is_num(slow->datagrams, 1, "%s: not in the call", w->name);
	UNTIL(slow->datagrams == i);
	is_num(slow->datagrams, i, "%s: then all that was kept comes", w->name);
	ok(slow->in_order, "%s: in order", w->name);
	say(fd[0], "fine");
	UNTIL(strcmp(slow->last, "fine") == 0);
	is_text(slow->last, "fine", "%s: and what is new behind it", w->name);
	stream_want(slow->s, 0);
	say(fd[0], "kept");
	settle();
	scene.end = slow;
	stream_want(slow->s, STREAM_READABLE);
	UNTIL(slow->s == NULL);
	ok(slow->s == NULL && strcmp(slow->last, "kept") == 0,
	    "%s: one may close himself by what was kept", w->name);
	close(fd[0]);
	close(fd[1]);
	close_scene(w->name);
}

/* What has no bytes takes room, too. */
static void
test_slow_empty(const struct where *w)
{
	const uint64_t n = 3000;
	struct member *slow;
	uint64_t i;
	int fd;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd = client(w->clients[0]);
	scene.deaf = true;
	for (i = 0; i < n; i++) {
		say(fd, "");
		settle();
	}
	slow = &scene.m[0];
	ok(scene.p.lost[PEERS_SLOW] > n / 3,
	    "%s: of many empty ones a slow peer loses some", w->name);
	slow->deaf = false;
	stream_want(slow->s, STREAM_READABLE);
	UNTIL(slow->datagrams + scene.p.lost[PEERS_SLOW] == n);
	is_num(slow->datagrams + scene.p.lost[PEERS_SLOW], n,
	    "%s: and all are heard or counted", w->name);
	close(fd);
	close_scene(w->name);
}

/* All wait: what comes stays in the kernel, what has come where it is. */
static void
test_pause(const struct where *w)
{
	struct member *m;
	int fd[2], i;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd[0] = client(w->clients[0]);
	fd[1] = client(w->clients[1]);
	scene.pause_after = 1;
	for (i = 0; i < 3; i++) {
		say(fd[0], "x");
		say(fd[1], "y");
	}
	settle();
	is_num(scene.m[0].datagrams + scene.m[1].datagrams, is_unix() ? 1 : 3,
	    "%s: who pauses hears what is his, the others nothing", w->name);
	m = member_of(fd[0]);
	stream_want(m->s, 0);
	m->deaf = true;
	say(fd[0], "later");
	settle();
	m->deaf = false;
	stream_want(m->s, STREAM_READABLE);
	peers_resume(&scene.p);
	UNTIL(scene.n == 2 && m->datagrams == 4 &&
	    member_of(fd[1])->datagrams == 3);
	is_num(m->datagrams, 4, "%s: resumed, all comes", w->name);
	is_num(scene.m[1].datagrams, 3, "%s: to each", w->name);
	is_num(scene.p.lost[PEERS_SLOW], 0, "%s: and nothing is lost", w->name);
	close(fd[0]);
	close(fd[1]);
	close_scene(w->name);
}

/* Whoever pauses has not taken all of his. */
static void
test_pause_midway(const struct where *w)
{
	static uint8_t datagram[40000];
	uint32_t i;
	int fd;

	if (is_unix() || !open_scene(w->server, 10))
		return;
	to_loopback();
	fd = client(w->clients[0]);
	scene.one_by_one = true;
	scene.pause_at_once = true;
	for (i = 0; i < 3; i++) {
		memcpy(datagram, &i, sizeof(i));
		say_to(fd, &scene.at, scene.len,
		    slice_of(datagram, sizeof(datagram)));
	}
	settle();
	is_num(scene.n, 1, "%s: all may wait from the first on", w->name);
	is_num(scene.m[0].ready, 0, "%s: then nobody is called", w->name);
	scene.pause_after = 1;
	peers_resume(&scene.p);
	settle();
	is_num(
	    scene.m[0].datagrams, 1, "%s: one reads one and pauses", w->name);
	peers_resume(&scene.p);
	UNTIL(scene.m[0].datagrams == 3);
	is_num(scene.m[0].datagrams, 3, "%s: the others are not lost", w->name);
	ok(scene.m[0].in_order, "%s: nor in disorder", w->name);
	close(fd);
	close_scene(w->name);
}

static void
test_refuse(const struct where *w)
{
	int fd;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd = client(w->clients[0]);
	scene.refuse = true;
	say(fd, "let me in");
	UNTIL(scene.refused == 1);
	is_num(peers_count(&scene.p), 0, "%s: who is refused is not there",
	    w->name);
	scene.refuse = false;
	say(fd, "please");
	UNTIL(scene.n == 1 && scene.m[0].datagrams == 1);
	is_text(
	    scene.m[0].last, "please", "%s: he is asked about again", w->name);
	is_num(
	    scene.p.lost[PEERS_MANY], 0, "%s: and was not too many", w->name);
	close(fd);
	close_scene(w->name);
}

/* One who is called closes another who was to be called in the same turn. */
static void
test_close_other(const struct where *w)
{
	int fd[2], i;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	for (i = 0; i < 2; i++) {
		fd[i] = client(w->clients[i]);
		say(fd[i], "hello");
	}
	UNTIL(scene.n == 2 && scene.m[1].datagrams == 1);
	scene.end = &scene.m[1];
	say(fd[0], "end him");
	say(fd[1], "not me");
	UNTIL(scene.m[1].s == NULL);
	settle();
	is_num(peers_count(&scene.p) + scene.m[1].datagrams, is_unix() ? 3 : 2,
	    "%s: one who is closed hears nothing any more", w->name);
	scene.end = &scene.m[0];
	say(fd[0], "and himself");
	UNTIL(scene.m[0].s == NULL);
	is_text(scene.m[0].last, "and himself", "%s: one may close himself",
	    w->name);
	for (i = 0; i < 2; i++)
		close(fd[i]);
	close_scene(w->name);
}

/* Nobody new is heard, who is there goes on. */
static void
test_closing(const struct where *w)
{
	int fd[2];

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd[0] = client(w->clients[0]);
	fd[1] = client(w->clients[1]);
	say(fd[0], "early");
	UNTIL(scene.n == 1 && scene.m[0].datagrams == 1);
	peers_close(&scene.p);
	settle();
	say(fd[1], "late");
	say(fd[0], "still here");
	UNTIL(scene.m[0].datagrams == 2);
	is_text(scene.m[0].last, "still here",
	    "%s: closing, it still hears who is there", w->name);
	is_num(scene.n, 1, "%s: and nobody else", w->name);
	ok(!scene.gone, "%s: the socket stays", w->name);
	ok(sends(&scene.m[0], "bye"), "%s: he is answered", w->name);
	is_text(hears(fd[0], NULL), "bye", "%s: and hears it", w->name);
	close_member(&scene.m[0]);
	UNTIL(scene.gone);
	ok(scene.gone, "%s: with the last one the socket goes", w->name);
	close(fd[0]);
	close(fd[1]);
	scene.n = 0;
	uv_close((uv_handle_t *)&scene.bell, NULL);
	uv_run(&scene.loop, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&scene.loop), 0, "%s: nothing stays", w->name);
}

/* Nothing listens there any more: he is told, and nobody else. */
static void
test_refused(const struct where *w)
{
	struct member *gone, *here;
	int fd[2], i;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	for (i = 0; i < 2; i++) {
		fd[i] = client(w->clients[i]);
		say(fd[i], "hello");
	}
	UNTIL(scene.n == 2);
	gone = member_of(fd[0]);
	here = member_of(fd[1]);
	close(fd[0]);
	ok(sends(gone, "are you there"), "%s: sent into nothing", w->name);
	ok(gone->undelivered == 0, "%s: nothing is told in a call", w->name);
	ok(sends(here, "and you"), "%s: another is not hindered", w->name);
	UNTIL(gone->undelivered > 0);
	is_num(gone->err, ECONNREFUSED, "%s: it is told whom it concerns",
	    w->name);
	is_num(here->undelivered, 0, "%s: and nobody else", w->name);
	is_text(hears(fd[1], NULL), "and you", "%s: who hears", w->name);
	close(fd[1]);
	close_scene(w->name);
}

static void
test_dual(void)
{
	struct member *m;
	union at at;
	int v4, v6;

	if (!open_scene("::", 10)) {
		ok(true, "one socket for both # SKIP no IPv6");
		return;
	}
	v4 = client("127.0.0.1");
	v6 = client("::1");
	set_at("127.0.0.1", &at, &(socklen_t){0});
	at.v4.sin_port = scene.at.v6.sin6_port;
	say_to(v4, &at, sizeof(at.v4), slice_of("four", 4));
	scene.at.v6.sin6_addr = in6addr_loopback;
	say(v6, "six");
	UNTIL(scene.n == 2);
	m = member_of(v4);
	ok(m != NULL, "IPv4 on a socket of both is named as IPv4");
	is_num(
	    stream_datagrams(m->s)->max, 65507, "and has its longest datagram");
	ok(sends(m, "for four"), "and is answered");
	is_text(hears(v4, &at), "for four", "there");
	is_num(at.sa.sa_family, AF_INET, "over IPv4");
	m = member_of(v6);
	ok(m != NULL, "IPv6 is IPv6");
	is_num(stream_datagrams(m->s)->max, 65527, "with its longest datagram");
	ok(sends(m, "for six"), "and is answered");
	is_text(hears(v6, NULL), "for six", "too");
	close(v4);
	close(v6);
	close_scene("both");
}

/* One peer that asks two addresses of ours gets an answer from each. */
static void
test_local(void)
{
	union at asked[2], at;
	int fd, i;

	if (!open_scene("0.0.0.0", 10))
		return;
	fd = client("127.0.0.1");
	for (i = 0; i < 2; i++) {
		asked[i] = scene.at;
		asked[i].v4.sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK + (unsigned)i);
		say_to(fd, &asked[i], scene.len,
		    i == 0 ? slice_of("a", 1) : slice_of("b", 1));
	}
	UNTIL(scene.n == 2);
	is_num(scene.n, 2, "two addresses asked are two streams");
	for (i = 1; i >= 0; i--) {
		ok(sends(&scene.m[i], "answer"), "each is answered");
		is_text(hears(fd, &at), "answer", "and hears it");
		ok(at.v4.sin_addr.s_addr == asked[i].v4.sin_addr.s_addr,
		    "from the address that was asked");
	}
	close(fd);
	ok(sends(&scene.m[0], "gone"), "one sends into nothing");
	UNTIL(scene.m[0].undelivered > 0 && scene.m[1].undelivered > 0);
	ok(scene.m[0].undelivered > 0 && scene.m[1].undelivered > 0,
	    "an error that comes back is told to all of that address");
	close_scene("two addresses");
}

static void
test_nameless(void)
{
	int fd[2], i;

	if (!open_scene(unix_at[0], 10))
		return;
	for (i = 0; i < 2; i++) {
		fd[i] = client(NULL);
		say(fd[i], i == 0 ? "who" : "am I");
	}
	UNTIL(scene.n > 0 && scene.m[0].datagrams == 2);
	is_num(scene.n, 1, "Unix peers without an address are one");
	is_text(scene.m[0].last, "am I", "that hears them all");
	is_text(scene.m[0].name, "unix:", "and has no name");
	ok(!peers_can_answer(stream_peer(scene.m[0].s)),
	    "nor can it be answered");
	ok(sends(&scene.m[0], "you"), "what is sent to it is taken");
	UNTIL(scene.m[0].undelivered > 0);
	is_num(scene.m[0].err, EDESTADDRREQ, "and told as lost");
	close(fd[0]);
	close(fd[1]);
	close_scene("without an address");
}

/* The queue of one Unix peer is full: he waits, the others do not. */
static void
test_full(void)
{
	struct slice s = slice_of("more", 4);
	struct member *m, *other;
	int fd[2], i;
	ssize_t r = 1;

	if (!open_scene(unix_at[0], 10))
		return;
	for (i = 0; i < 2; i++) {
		fd[i] = client(unix_at[1 + i]);
		say(fd[i], "hello");
	}
	UNTIL(scene.n == 2);
	m = member_of(fd[0]);
	other = member_of(fd[1]);
	for (i = 0; i < 100000 && r != STREAM_AGAIN; i++)
		r = stream_send(m->s, &s, 1);
	is_num(r, STREAM_AGAIN, "a peer whose queue is full has to be awaited");
	ok(sends(other, "free"), "the others have not");
	is_text(hears(fd[1], NULL), "free", "and hear");
	m->ready = 0;
	stream_want(m->s, STREAM_READABLE | STREAM_WRITABLE);
	is_text(hears(fd[0], NULL), "more", "he reads");
	UNTIL(m->ready & STREAM_WRITABLE);
	is_num(stream_send(m->s, &s, 1), 1, "and more can be sent");
	is_num(other->ready & STREAM_WRITABLE, 0,
	    "who did not wait is not called");
	close(fd[0]);
	close(fd[1]);
	close_scene("a full queue");
}

static int turns_of[9], turns_n;

static void
on_writable(struct stream *s, int what)
{
	struct slice one = slice_of("x", 1);

	(void)what;
	turns_of[turns_n++ % 9] = dgram_double_number(stream_peer(s));
	stream_send(s, &one, 1);
}

static const struct stream_events writable_events = {
    .on_ready = on_writable,
    .on_closed = on_stream_closed,
    .on_undelivered = on_undelivered,
};

static bool
on_writer(struct peers *p, struct stream *s)
{
	struct scene *sc = p->owner;

	on_peer(p, s);
	sc->m[sc->n - 1].deaf = true;
	s->on = &writable_events;
	stream_want(s, STREAM_WRITABLE);
	return true;
}

/* A socket that takes one a turn: who waits longest is next. */
static void
test_fair(void)
{
	const struct dgram_event in[] = {{.from = 0}, {.from = 1}, {.from = 2}};
	const uint8_t takes[] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
	struct peers_events over = events;
	struct dgram_double d = {.in = in,
	    .in_n = 3,
	    .bytes = (const uint8_t *)"y",
	    .bytes_n = 1,
	    .takes = takes,
	    .takes_n = sizeof(takes),
	    .datagram_max = 100};
	int i, each[3] = {0};

	memset(&scene, 0, sizeof(scene));
	turns_n = 0;
	over.on_peer = on_writer;
	uv_loop_init(&scene.loop);
	uv_timer_init(&scene.loop, &scene.bell);
	peers_open(&scene.p, &scene.loop, dgram_double_new(&d, &scene.loop), 10,
	    &over, &scene);
	UNTIL(turns_n >= 4);
	is_num(turns_n, 4, "when a socket is full nobody else is called");
	is_num(turns_of[0] * 1000 + turns_of[1] * 100 + turns_of[2] * 10 +
		turns_of[3],
	    120, "who waits longest is called first");
	UNTIL(turns_n >= 9);
	for (i = 0; i < 9; i++)
		each[turns_of[i]]++;
	ok(each[0] == 3 && each[1] == 3 && each[2] == 3, "and all in turn");
	is_text(d.wrong, "", "the socket is used as it wants to be");
	close_scene("a full socket");
	dgram_double_release(&d);
}

static void
test_large(const struct where *w)
{
	static uint8_t large[65507];
	int fd;

	if (!open_scene(w->server, 10))
		return;
	to_loopback();
	fd = client(w->clients[0]);
	ok(say_to(fd, &scene.at, scene.len, slice_of(large, sizeof(large))),
	    "%s: the largest is sent", w->name);
	UNTIL(scene.n == 1 && scene.m[0].datagrams == 1);
	is_num(
	    scene.m[0].last_len, sizeof(large), "%s: and comes whole", w->name);
	close_member(&scene.m[0]);
	scene.deaf = true;
	say_to(fd, &scene.at, scene.len, slice_of(large, sizeof(large)));
	UNTIL(scene.n == 2);
	settle();
	is_num(stream_pending(scene.m[1].s), sizeof(large),
	    "%s: it is kept, too, if nothing else is", w->name);
	close(fd);
	close_scene(w->name);
}

/* Conversations over it. */
struct talker {
	struct chan chan;
	size_t messages;
	unsigned closed;
};

static struct talker talkers[3];
static size_t talkers_n;
static struct chan_loop chans;

static struct talker *
talker_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct talker, chan));
}

static bool
on_batch(struct chan *c, struct batch *b)
{
	struct talker *t = talker_of(c);
	size_t next = 0;

	t->messages += b->n;
	return chan_send(c, b, &next) == CHAN_SENT;
}

static void
on_nothing(struct chan *c)
{
	(void)c;
}

static void
on_trouble(struct chan *c, const struct chan_trouble *t)
{
	(void)c;
	diag("trouble: %d, %zu bytes", t->err, t->len);
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	(void)c;
	(void)seen;
	diag("the end: %d", (int)why);
}

static void
on_chan_closed(struct chan *c)
{
	struct talker *t = talker_of(c);

	t->closed++;
}

static const struct chan_events chan_events = {
    .on_batch = on_batch,
    .on_end = on_end,
    .on_low = on_nothing,
    .on_drained = on_nothing,
    .on_failed = on_nothing,
    .on_peer = on_nothing,
    .on_trouble = on_trouble,
    .on_closed = on_chan_closed,
};

static bool
on_talker(struct peers *p, struct stream *s)
{
	static const struct framing raw = {.mode = FRAMING_RAW, .max = 65536};
	struct talker *t = &talkers[talkers_n++];

	(void)p;
	chan_open(&t->chan, &chans, s, &raw, &raw, 65536, &chan_events);
	return true;
}

static void
test_chan(const struct where *w)
{
	struct peers_events over = events;
	int fd[2], i, j;

	if (!open_scene(w->server, 2))
		return;
	to_loopback();
	over.on_peer = on_talker;
	scene.p.on = &over;
	memset(talkers, 0, sizeof(talkers));
	talkers_n = 0;
	chan_loop_init(&chans, &scene.loop);
	for (i = 0; i < 2; i++)
		fd[i] = client(w->clients[i]);
	for (j = 0; j < 3; j++)
		for (i = 0; i < 2; i++)
			say(fd[i], i == 0 ? "ping" : "pong");
	for (j = 0; j < 3; j++)
		for (i = 0; i < 2; i++)
			is_text(hears(fd[i], NULL), i == 0 ? "ping" : "pong",
			    "%s: a channel of each answers him", w->name);
	is_num(talkers[0].messages, 3, "%s: a datagram is a message", w->name);
	is_num(talkers_n, 2, "%s: and there are two", w->name);
	chan_close(&talkers[0].chan, false);
	UNTIL(talkers[0].closed);
	say(fd[0], "anew");
	is_text(
	    hears(fd[0], NULL), "anew", "%s: who ended comes again", w->name);
	is_num(talkers[2].messages, 1, "%s: as another channel", w->name);
	chan_close(&talkers[1].chan, false);
	chan_close(&talkers[2].chan, false);
	peers_close(&scene.p);
	UNTIL(scene.gone);
	is_num(talkers[1].closed + talkers[2].closed, 2, "%s: all are closed",
	    w->name);
	chan_loop_release(&chans);
	close(fd[0]);
	close(fd[1]);
	close_scene(w->name);
}

int
main(void)
{
	const char *dir = getenv("TMPDIR");
	uint64_t state = dice_seed();
	size_t i;

	for (i = 0; i < 4; i++)
		snprintf(unix_at[i], sizeof(unix_at[i]), "%.40s/peers.%d.%zu",
		    dir == NULL ? "/tmp" : dir, (int)getpid(), i);
	for (i = 0; i < sizeof(wheres) / sizeof(wheres[0]); i++) {
		test_each(&wheres[i]);
		test_max(&wheres[i]);
		test_many(&wheres[i], false, dice(&state));
		test_many(&wheres[i], true, dice(&state));
		test_slow(&wheres[i]);
		test_slow_empty(&wheres[i]);
		test_pause(&wheres[i]);
		test_pause_midway(&wheres[i]);
		test_refuse(&wheres[i]);
		test_close_other(&wheres[i]);
		test_closing(&wheres[i]);
		test_refused(&wheres[i]);
		test_large(&wheres[i]);
		test_chan(&wheres[i]);
	}
	test_dual();
	test_local();
	test_nameless();
	test_full();
	test_fair();
	for (i = 0; i < 4; i++)
		unlink(unix_at[i]);
	return done_testing();
}
