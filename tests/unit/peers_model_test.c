/*
 * Many peers on one socket that is played from a script, by chance: they read
 * little or nothing, wait, close themselves and one another, have all others
 * wait, and send what the socket does not take. Each datagram names itself, so
 * that whoever gets it knows whose it was: it comes to its peer, whole and in
 * order, or is counted as lost.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dgram_double.h"
#include "net/peers.h"
#include "tap.h"

#define EVENTS 400
#define PEERS 12
#define WORDS (1 << 18)
#define ROOM (5 * (size_t)STREAM_DATAGRAM_MAX)
#define TURNS_MAX 20000

/* Who got what begins with this word: the script's, by where it stands. */
struct origin {
	uint8_t from;
	uint16_t len, wire;
};

struct member {
	struct stream *s;
	uint8_t number;
	uint8_t to_send; /* datagrams that he still has to send */
	int want;
};

static struct scene {
	uv_loop_t loop;
	struct dgram_double d;
	struct dgram_event in[EVENTS];
	uint8_t takes[EVENTS];
	struct peers p;
	struct member *there[PEERS];
	uint64_t state;
	bool wild, ending, gone;
	uint64_t total, heard, refused, alive, losts, told_lost, to_be_sent;
	uint32_t last[PEERS]; /* the word that his last one began with, + 1 */
	char wrong[96];
} sc;

static struct origin origins[WORDS];
static uint32_t words[WORDS];
static uint8_t room[ROOM];

static void
must(bool holds, const char *rule)
{
	if (!holds && sc.wrong[0] == '\0')
		strlcpy(sc.wrong, rule, sizeof(sc.wrong));
}

static bool
chance(size_t n)
{
	return dice_below(&sc.state, n) == 0;
}

static void
take_one(struct member *m, const struct stream_run *r, struct slice s)
{
	uint32_t first, word;
	size_t i;

	sc.heard++;
	must(dgram_double_number(&r->from) == m->number, "it says who sent it");
	if (s.len == 0)
		return;
	memcpy(&first, s.p, sizeof(first));
	must(first < WORDS && origins[first].len == s.len, "it is whole");
	must(origins[first].from == m->number, "it comes to its own peer");
	must(r->len == r->bytes.len || r->len == origins[first].wire,
	    "one that was cut says how long it was");
	must(first >= sc.last[m->number], "it comes once, and in order");
	sc.last[m->number] = first + 1;
	for (i = 0; i < s.len; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		must(word == first + i / sizeof(word), "it is as it was");
	}
}

static void
want(struct member *m, int what)
{
	m->want = what;
	stream_want(m->s, what);
}

static void
close_one(struct member *m)
{
	sc.there[m->number] = NULL;
	sc.to_be_sent -= m->to_send;
	m->to_send = 0;
	stream_close(m->s, false);
}

/* False: the socket takes no more. */
static bool
send_some(struct member *m)
{
	struct slice v[4];
	size_t i, n;
	ssize_t r;

	while (m->to_send > 0) {
		n = m->to_send < 4 ? m->to_send : 4;
		for (i = 0; i < n; i++)
			v[i] = slice_of(&m->number, 1);
		r = stream_send(m->s, v, n);
		if (r == STREAM_AGAIN)
			return false;
		m->to_send -= (uint8_t)r;
		sc.to_be_sent -= (uint64_t)r;
	}
	return true;
}

static void
read_some(struct member *m)
{
	struct stream_run v[3];
	size_t at, len;
	ssize_t n, i;

	do {
		n = stream_receive(m->s, room, sizeof(room), v,
		    1 + (int)dice_below(&sc.state, 3));
		for (i = 0; i < n; i++) {
			at = 0;
			do {
				len = v[i].bytes.len - at;
				if (len > v[i].each)
					len = v[i].each;
				take_one(
				    m, &v[i], slice_of(v[i].bytes.p + at, len));
				at += len;
			} while (at < v[i].bytes.len);
		}
	} while (n > 0 && !chance(2));
}

/* Something that a program may do in the midst of it. */
static void
do_something(struct member *m)
{
	struct member *other = sc.there[dice_below(&sc.state, PEERS)];

	if (chance(4) && m->to_send == 0) {
		m->to_send = (uint8_t)(1 + dice_below(&sc.state, 9));
		sc.to_be_sent += m->to_send;
	}
	if (other != NULL && chance(3))
		want(other, other->want ^ STREAM_READABLE);
	if (chance(12))
		peers_pause(&sc.p);
	if (chance(12))
		peers_resume(&sc.p);
	if (!sc.wild)
		return;
	if (other != NULL && other != m && chance(8))
		close_one(other);
	if (chance(16))
		close_one(m);
}

static void
on_ready(struct stream *s, int what)
{
	struct member *m = s->owner;

	must(sc.there[m->number] == m, "who is closed is not called");
	must((what & m->want) != 0, "who is called did want it");
	if (what & STREAM_READABLE)
		read_some(m);
	if (!sc.ending)
		do_something(m);
	if (sc.there[m->number] != m)
		return;
	if (send_some(m))
		want(m, m->want & ~STREAM_WRITABLE);
	else
		want(m, m->want | STREAM_WRITABLE);
}

static void
on_stream_closed(struct stream *s)
{
	free(s->owner);
	sc.alive--;
}

static void
on_undelivered(struct stream *s, const struct stream_peer *to, int err)
{
	struct member *m = s->owner;

	sc.told_lost++;
	must(dgram_double_number(to) == m->number && err == ECONNREFUSED,
	    "what is lost is told whom it concerns");
}

static const struct stream_events stream_events = {
    .on_ready = on_ready,
    .on_closed = on_stream_closed,
    .on_undelivered = on_undelivered,
};

static bool
on_peer(struct peers *p, struct stream *s)
{
	struct member *m;

	(void)p;
	if (chance(20)) {
		sc.refused++;
		return false;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		abort();
	sc.alive++;
	m->s = s;
	m->number = dgram_double_number(stream_peer(s));
	must(sc.there[m->number] == NULL, "nobody is there twice");
	sc.there[m->number] = m;
	s->owner = m;
	s->on = &stream_events;
	if (!chance(4))
		want(m, STREAM_READABLE);
	if (!sc.wild || !chance(20))
		return true;
	close_one(m);
	return chance(2);
}

static void
on_lost(struct peers *p, enum peers_loss why, const struct stream_peer *who,
    uint64_t n)
{
	must(n > 0 && n <= p->lost[why], "what is told as lost is lost");
	must(dgram_double_number(who) < PEERS, "it says of whom");
}

static void
on_failed(struct peers *p)
{
	(void)p;
	must(false, "the socket does not fail");
}

static void
on_closed(struct peers *p)
{
	(void)p;
	sc.gone = true;
}

static const struct peers_events events = {
    .on_peer = on_peer,
    .on_lost = on_lost,
    .on_failed = on_failed,
    .on_closed = on_closed,
};

static uint64_t
note(size_t *at, const struct dgram_event *e)
{
	const size_t held = e->what == DGRAM_CUT ? e->each : e->len;
	const size_t each =
	    e->what == DGRAM_RUN && e->each < held ? e->each : held;
	size_t done = 0, len;
	uint64_t n = 0;

	do {
		len = held - done < each ? held - done : each;
		origins[*at / 4] = (struct origin){
		    .from = e->from,
		    .len = (uint16_t)len,
		    .wire = (uint16_t)e->len,
		};
		*at += len;
		done += len;
		n++;
	} while (done < held);
	return n;
}

static void
write_script(void)
{
	struct dgram_event *e;
	size_t at = 0, i;

	for (i = 0; i < EVENTS; i++) {
		e = &sc.in[i];
		memset(e, 0, sizeof(*e));
		e->from = (uint8_t)dice_below(&sc.state, PEERS);
		sc.takes[i] = (uint8_t)dice_below(&sc.state, 4);
		switch (dice_below(&sc.state, 10)) {
		case 0:
			e->what = DGRAM_AGAIN;
			continue;
		case 1:
			e->what = DGRAM_LOST;
			e->err = ECONNREFUSED;
			sc.losts++;
			continue;
		case 2:
			e->what = DGRAM_CUT;
			e->each = 4 * dice_below(&sc.state, 20);
			e->len = e->each + 100;
			break;
		case 3:
		case 4:
			e->each = 4 * (1 + dice_below(&sc.state, 100));
			e->len = e->each * dice_below(&sc.state, 10) + 4;
			break;
		case 5:
			e->len = e->each = 4 * dice_below(&sc.state, 8000);
			break;
		default:
			e->len = e->each = 4 * dice_below(&sc.state, 50);
		}
		/* The words are each used once. */
		if (at + e->len > sizeof(words))
			e->len = e->each = 0;
		sc.total += note(&at, e);
	}
}

/* All that waits is let go. */
static void
end_waiting(void)
{
	size_t i;

	sc.ending = true;
	peers_resume(&sc.p);
	for (i = 0; i < PEERS; i++)
		if (sc.there[i] != NULL)
			want(sc.there[i], sc.there[i]->want | STREAM_READABLE);
}

static void
play(void)
{
	unsigned i, quiet = 0;
	size_t was;

	/* A turn without anything: they all wait for one another. */
	for (i = 0; i < TURNS_MAX && quiet < 20; i++) {
		was = sc.d.in_at + sc.heard;
		uv_run(&sc.loop, UV_RUN_NOWAIT);
		quiet = was == sc.d.in_at + sc.heard ? quiet + 1 : 0;
		if (quiet == 10)
			peers_resume(&sc.p);
	}
	end_waiting();
	for (i = 0; i < TURNS_MAX &&
	     (sc.d.in_at < EVENTS || sc.to_be_sent > 0 || i < 50);
	     i++) {
		uv_run(&sc.loop, UV_RUN_NOWAIT);
		if (i % 8 == 0)
			end_waiting();
	}
	must(sc.d.in_at == EVENTS, "all is read");
	must(sc.to_be_sent == 0, "all that waits to be sent is");
	must(sc.alive == peers_count(&sc.p), "who is closed is gone");
	for (i = 0; i < PEERS; i++)
		if (sc.there[i] != NULL) {
			must(stream_pending(sc.there[i]->s) == 0,
			    "nothing is kept from who reads");
			close_one(sc.there[i]);
		}
	must(peers_count(&sc.p) == 0, "who is closed is not counted");
	peers_close(&sc.p);
	for (i = 0; i < TURNS_MAX && !sc.gone; i++)
		uv_run(&sc.loop, UV_RUN_NOWAIT);
	must(sc.gone, "all closes");
}

static void
check_sent(void)
{
	const uint8_t *at;
	size_t i, len;

	for (i = 0; i < sc.d.out_len; i += 1 + sizeof(len) + len) {
		at = sc.d.out + i;
		memcpy(&len, at + 1, sizeof(len));
		must(len == 1 && at[0] == at[1 + sizeof(len)],
		    "what is sent goes to its peer");
	}
}

/* One script; what was broken, or nothing. */
static const char *
run(uint64_t state, bool wild)
{
	uint64_t known;

	memset(&sc, 0, sizeof(sc));
	memset(origins, 0, sizeof(origins));
	sc.state = state;
	sc.wild = wild;
	write_script();
	sc.d.in = sc.in;
	sc.d.in_n = EVENTS;
	sc.d.bytes = (const uint8_t *)words;
	sc.d.bytes_n = sizeof(words);
	sc.d.takes = sc.takes;
	sc.d.takes_n = EVENTS;
	sc.d.datagram_max = 1000;
	uv_loop_init(&sc.loop);
	peers_open(&sc.p, &sc.loop, dgram_double_new(&sc.d, &sc.loop),
	    1 + dice_below(&sc.state, 2 * (size_t)PEERS), &events, &sc);
	play();
	check_sent();
	must(sc.d.wrong[0] == '\0', sc.d.wrong);
	must(sc.told_lost <= sc.losts, "what is lost is told once");
	known = sc.heard + sc.p.lost[PEERS_MANY] + sc.p.lost[PEERS_SLOW];
	must(known <= sc.total, "nothing comes that was not sent");
	/* What of one who is closed had come, or of one who is refused. */
	must(wild || sc.refused > 0 || known == sc.total,
	    "each is heard, or counted as lost");
	must(uv_loop_close(&sc.loop) == 0, "nothing stays in the loop");
	dgram_double_release(&sc.d);
	return sc.wrong;
}

static void
test_scripts(bool wild, uint64_t *state)
{
	const unsigned n = rounds(300);
	uint64_t heard = 0, lost = 0, told = 0;
	const char *wrong = "";
	unsigned i;

	for (i = 0; i < n && wrong[0] == '\0'; i++) {
		wrong = run(dice(state), wild);
		heard += sc.heard;
		lost += sc.p.lost[PEERS_SLOW];
		told += sc.told_lost;
	}
	is_text(wrong, "", "%s",
	    wild ? "who closes one another hear what is theirs"
		 : "who wait for one another hear what is theirs");
	ok(heard > n && lost > 0 && told > 0,
	    "much was heard, something lost, something told (%u scripts)", n);
}

int
main(void)
{
	uint64_t state = dice_seed();
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		words[i] = i;
	test_scripts(false, &state);
	test_scripts(true, &state);
	return done_testing();
}
