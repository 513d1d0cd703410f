/*
 * A channel over datagrams, in a world that the input plays (dgram_double.h):
 * runs and single ones of several peers, some cut, losses, pauses, sends that
 * take few or none. The input is
 *
 *	flags, limit, how many a send takes (8), then the events, to its end
 *
 * However it goes: each datagram that may come is heard once, whole, in order
 * and of its sender, and the others are told; what is sent back goes to who is
 * to have it, in order, as far as it was taken; and it all comes to an end.
 */
#include "check.h"
#include "chan/chan.h"
#include "dgram_double.h"

#define EVENTS_MAX 1000
#define TAKES 8
#define TURNS_MAX 100000

enum {
	ECHOES = 1,
	ALONE = 2,
	DUMP = 4,
	KEEPS = 8, /* and 16, 32: each so many */
};

struct pile {
	uint8_t *p;
	size_t len, cap;
};

struct play {
	uv_loop_t uv;
	uv_idle_t alive;
	struct chan_loop loop;
	struct dgram_double d;
	struct chan chan;
	struct framing raw;
	uint8_t flags;
	uint8_t takes[TAKES * 400];
	struct dgram_event in[EVENTS_MAX];
	size_t in_n, max;
	struct batch rest;
	size_t next;
	bool kept, ended;
	unsigned batches, longs, losts, closeds;
	struct pile heard, answered;
	size_t wire_in;
};

static struct play play;
static uint8_t bytes[251];

static void
pile_add(struct pile *h, uint8_t who, const void *p, size_t len)
{
	size_t need = h->len + 1 + sizeof(len) + len;

	if (need > h->cap) {
		h->cap = 2 * need;
		h->p = realloc(h->p, h->cap);
		if (h->p == NULL)
			abort();
	}
	h->p[h->len] = who;
	memcpy(h->p + h->len + 1, &len, sizeof(len));
	if (len > 0)
		memcpy(h->p + h->len + 1 + sizeof(len), p, len);
	h->len = need;
}

/* The channel's events. */

static bool
answer(struct play *p)
{
	enum chan_sent r = chan_send(&p->chan, &p->rest, &p->next);

	CHECK(r != CHAN_LOST, "our half is open");
	if (r == CHAN_REFUSED) {
		CHECK(p->rest.v[p->next].len > p->d.datagram_max ||
			p->rest.v[p->next].len > p->max,
		    "what is refused is too long");
		p->next = p->rest.n;
	}
	return r != CHAN_FULL;
}

static struct play *
play_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct play, chan));
}

static bool
on_batch(struct chan *c, struct batch *b)
{
	struct play *p = play_of(c);
	uint8_t who =
	    p->flags & ALONE ? 0 : dgram_double_number(stream_peer(c->stream));
	bool refused = false;
	size_t i;

	CHECK(!p->kept, "no batch while one is kept");
	CHECK(b->n > 0, "a batch has messages");
	p->batches++;
	for (i = 0; i < b->n; i++) {
		pile_add(&p->heard, who, b->v[i].p, b->v[i].len);
		refused = refused || b->v[i].len > p->d.datagram_max;
		if (p->flags & ECHOES && !refused)
			pile_add(&p->answered, who, b->v[i].p, b->v[i].len);
	}
	if (p->flags & ECHOES) {
		p->rest = *b;
		p->next = 0;
		p->kept = !answer(p);
	} else if (p->flags / KEEPS % 8 > 0)
		p->kept = p->batches % (p->flags / KEEPS % 8u) == 0;
	return !p->kept;
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	struct play *p = play_of(c);

	(void)seen;
	CHECK(why == CHAN_END_FAILED, "nothing else ends it");
	CHECK(!p->ended, "it ends once");
	p->ended = true;
}

static void
on_low(struct chan *c)
{
	struct play *p = play_of(c);

	if (!(p->flags & ECHOES) || !p->kept || !answer(p))
		return;
	p->kept = false;
	chan_resume(c);
}

static void
on_drained(struct chan *c)
{
	struct play *p = play_of(c);

	CHECK(!(p->flags & ECHOES) || !p->kept, "what waits has not gone");
}

static void
on_failed(struct chan *c)
{
	(void)c;
	CHECK(false, "writing datagrams never fails");
}

static void
on_closed(struct chan *c)
{
	play_of(c)->closeds++;
}

static void
on_peer(struct chan *c)
{
	CHECK(stream_peer(c->stream) != NULL, "who speaks is known");
}

static void
on_trouble(struct chan *c, const struct chan_trouble *t)
{
	struct play *p = play_of(c);

	CHECK(t->peer != NULL, "trouble has a peer");
	if (t->err != 0) {
		p->losts++;
		return;
	}
	CHECK(t->len > t->max, "%zu is too long for %zu", t->len, t->max);
	p->longs++;
}

static void
on_wire(struct chan *c, bool out, struct slice s, bool more)
{
	struct play *p = play_of(c);

	(void)more;
	if (!out)
		p->wire_in += s.len;
}

static const struct chan_events quiet = {
    .on_batch = on_batch,
    .on_end = on_end,
    .on_low = on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_closed = on_closed,
    .on_peer = on_peer,
    .on_trouble = on_trouble,
};

static const struct chan_events watched = {
    .on_batch = on_batch,
    .on_end = on_end,
    .on_low = on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_closed = on_closed,
    .on_peer = on_peer,
    .on_trouble = on_trouble,
    .on_wire = on_wire,
};

/* What the input chooses. */

static void
choose_event(struct slice *in, struct dgram_event *e)
{
	static const size_t sizes[] = {0, 1, 2, 7, 60, 61, 500, 1472};
	uint8_t b = check_byte(in);

	memset(e, 0, sizeof(*e));
	e->from = b & 3;
	e->each = sizes[b >> 5];
	switch (b >> 2 & 7) {
	case 0:
		e->what = DGRAM_AGAIN;
		break;
	case 1:
		e->what = DGRAM_CUT;
		e->len = e->each + 1 + check_byte(in);
		break;
	case 2:
		e->what = DGRAM_LOST;
		e->err = 1 + check_byte(in) % 100;
		break;
	case 3:
		e->len = e->each;
		break;
	case 4:
		e->each = 1 + check_byte(in);
		e->len = check_byte(in) * 128u + check_byte(in);
		break;
	default:
		e->len = e->each * (1 + check_byte(in) % 64u);
		if (e->len > 0)
			e->len -= check_byte(in) % e->each;
	}
	if (e->what == DGRAM_RUN && e->len > 0 && e->each == 0)
		e->each = e->len;
}

static void
choose(struct play *p, struct slice in)
{
	static const size_t limits[] = {
	    65507, 0, 1, 59, 60, 400, 1472, 1 << 20};
	uint8_t takes[TAKES], b;
	size_t i;

	p->flags = check_byte(&in);
	b = check_byte(&in);
	p->max = limits[b & 7];
	p->d.datagram_max = limits[b >> 3 & 7];
	if (p->d.datagram_max > 65507)
		p->d.datagram_max = 65507;
	for (i = 0; i < TAKES; i++)
		takes[i] = check_byte(&in);
	/* Then all is taken, so that it comes to an end. */
	for (i = 0; i < sizeof(p->takes); i++)
		p->takes[i] = takes[i % TAKES] % 80;
	p->d.takes = p->takes;
	p->d.takes_n = sizeof(p->takes);
	p->d.bytes = bytes;
	p->d.bytes_n = sizeof(bytes);
	p->d.alone = p->flags & ALONE;
	while (in.len > 0 && p->in_n < EVENTS_MAX)
		choose_event(&in, &p->in[p->in_n++]);
	p->d.in = p->in;
	p->d.in_n = p->in_n;
}

static void
on_alive(uv_idle_t *idle)
{
	(void)idle;
}

static void
run(struct play *p)
{
	unsigned turns;
	size_t at;

	framing_parse("raw", &p->raw, &at);
	p->raw.max = p->max;
	if (uv_loop_init(&p->uv) != 0)
		abort();
	uv_idle_init(&p->uv, &p->alive);
	uv_idle_start(&p->alive, on_alive);
	chan_loop_init(&p->loop, &p->uv);
	chan_open(&p->chan, &p->loop, dgram_double_new(&p->d, &p->uv), &p->raw,
	    &p->raw, 1, p->flags & DUMP ? &watched : &quiet);
	for (turns = 0; p->d.in_at < p->in_n || p->kept; turns++) {
		CHECK(turns < TURNS_MAX, "it comes to an end");
		uv_run(&p->uv, UV_RUN_NOWAIT);
		if (p->kept && !(p->flags & ECHOES)) {
			p->kept = false;
			chan_resume(&p->chan);
		}
	}
	uv_run(&p->uv, UV_RUN_NOWAIT);
	chan_close(&p->chan, false);
	for (turns = 0; p->closeds == 0; turns++) {
		CHECK(turns < 100, "it closes");
		uv_run(&p->uv, UV_RUN_NOWAIT);
	}
	chan_loop_release(&p->loop);
	uv_close((uv_handle_t *)&p->alive, NULL);
	uv_run(&p->uv, UV_RUN_DEFAULT);
	CHECK(uv_loop_close(&p->uv) == 0, "no handle is left");
}

/* What it should have come to. */
static void
check(struct play *p)
{
	struct pile want = {NULL, 0, 0};
	uint8_t one[STREAM_DATAGRAM_MAX];
	size_t i, k, at = 0, left, len, messages = 0;
	unsigned longs = 0, losts = 0;
	const struct dgram_event *e;
	bool cut;

	for (i = 0; i < p->in_n; i++) {
		e = &p->in[i];
		losts += e->what == DGRAM_LOST;
		if (e->what > DGRAM_CUT)
			continue;
		cut = e->what == DGRAM_CUT;
		left = cut ? e->each : e->len;
		do {
			len = cut || left < e->each ? left : e->each;
			for (k = 0; k < len; k++)
				one[k] = bytes[at++ % sizeof(bytes)];
			left -= len;
			if (cut || len > p->max)
				longs++;
			else {
				pile_add(&want, p->flags & ALONE ? 0 : e->from,
				    one, len);
				messages++;
			}
		} while (left > 0);
	}
	CHECK(p->d.wrong[0] == '\0', "the stream's rule: %s", p->d.wrong);
	CHECK(check_same(slice_of(p->heard.p, p->heard.len),
		  slice_of(want.p, want.len)),
	    "all is heard once, whole, in order, of its sender");
	CHECK(p->chan.counts.messages_in == messages, "and counted");
	CHECK(!(p->flags & DUMP) || p->wire_in == at, "and seen on the wire");
	CHECK(p->longs == longs && p->losts == losts, "the others are told");
	CHECK(check_same(slice_of(p->d.out, p->d.out_len),
		  slice_of(p->answered.p, p->answered.len)),
	    "the answers go where they should");
	free(want.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = &play;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 5);
	memset(p, 0, sizeof(*p));
	choose(p, slice_of(data, size));
	run(p);
	check(p);
	dgram_double_release(&p->d);
	free(p->heard.p);
	free(p->answered.p);
	return 0;
}
