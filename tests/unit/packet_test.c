/*
 * A channel over datagrams that are played from a script: each comes once, by
 * itself and with its sender, however many come as one and however long a batch
 * is kept; what is sent goes whole, to who is to have it, however few each send
 * takes; what is lost or too long is told, and nothing else suffers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan/chan.h"
#include "dgram_double.h"
#include "tap.h"

#define TURNS_MAX 20000
#define EVENTS_MAX 300

/* Bytes that grow. */
struct heap {
	uint8_t *p;
	size_t len, cap;
};

struct scene {
	uv_loop_t uv;
	struct chan_loop loop;
	uv_idle_t alive;
	struct dgram_double d;
	struct chan chan;
	struct framing raw;
	bool echo;
	unsigned keep_each, turns_left, batches;
	bool kept, batch_while_kept;
	struct batch rest; /* of what is to be echoed */
	size_t next;
	struct heap heard; /* sender, length, bytes */
	size_t messages;
	unsigned peers, losts, longs, lows, draineds, ends, closeds;
	int lost_err;
	uint8_t lost_to;
	struct chan_trouble trouble;
	uint8_t seen[256];
	size_t wire_in, wire_out;
};

static struct scene scene;
static uint8_t pattern[4096];

static void
heap_add(struct heap *h, const void *p, size_t len)
{
	if (h->len + len > h->cap) {
		h->cap = 2 * (h->len + len);
		h->p = realloc(h->p, h->cap);
		if (h->p == NULL)
			abort();
	}
	if (len > 0)
		memcpy(h->p + h->len, p, len);
	h->len += len;
}

static void
add(struct heap *h, uint8_t who, const void *p, size_t len)
{
	heap_add(h, &who, 1);
	heap_add(h, &len, sizeof(len));
	heap_add(h, p, len);
}

static bool
echo(struct scene *s)
{
	return chan_send(&s->chan, &s->rest, &s->next) != CHAN_FULL;
}

static struct scene *
scene_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct scene, chan));
}

static bool
on_batch(struct chan *c, struct batch *b)
{
	struct scene *s = scene_of(c);
	uint8_t who = dgram_double_number(stream_peer(c->stream));
	size_t i;

	s->batches++;
	s->batch_while_kept = s->batch_while_kept || s->kept;
	s->messages += b->n;
	for (i = 0; i < b->n; i++)
		add(&s->heard, who, b->v[i].p, b->v[i].len);
	if (s->echo) {
		s->rest = *b;
		s->next = 0;
		s->kept = !echo(s);
		return !s->kept;
	}
	if (s->keep_each == 0 || s->batches % s->keep_each != 0)
		return true;
	s->kept = true;
	s->turns_left = 3;
	return false;
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	struct scene *s = scene_of(c);

	(void)why;
	(void)seen;
	s->ends++;
}

static void
on_low(struct chan *c)
{
	struct scene *s = scene_of(c);

	s->lows++;
	if (s->echo && s->kept && echo(s)) {
		s->kept = false;
		chan_resume(c);
	}
}

static void
on_drained(struct chan *c)
{
	scene_of(c)->draineds++;
}

static void
on_failed(struct chan *c)
{
	(void)c;
	ok(false, "writing never fails");
}

static void
on_closed(struct chan *c)
{
	scene_of(c)->closeds++;
}

static void
on_peer(struct chan *c)
{
	struct scene *s = scene_of(c);

	s->peers++;
	s->seen[dgram_double_number(stream_peer(c->stream))]++;
}

static void
on_trouble(struct chan *c, const struct chan_trouble *t)
{
	struct scene *s = scene_of(c);

	s->trouble = *t;
	if (t->err == 0) {
		s->longs++;
		return;
	}
	s->losts++;
	s->lost_err = t->err;
	s->lost_to = dgram_double_number(t->peer);
}

static void
on_wire(struct chan *c, bool out, struct slice bytes, bool more)
{
	struct scene *s = scene_of(c);

	(void)more;
	if (out)
		s->wire_out += bytes.len;
	else
		s->wire_in += bytes.len;
}

static const struct chan_events events = {
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

static void
on_alive(uv_idle_t *idle)
{
	(void)idle;
}

/* A scene with this script; the rest of it may be set before `begin`. */
static struct scene *
prepare(const struct dgram_event *in, size_t n)
{
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	s->d.in = in;
	s->d.in_n = n;
	s->d.bytes = pattern;
	s->d.bytes_n = 251;
	s->d.datagram_max = 65507;
	return s;
}

static void
begin(struct scene *s, size_t max, bool watch)
{
	size_t at;

	framing_parse("raw", &s->raw, &at);
	s->raw.max = max;
	uv_loop_init(&s->uv);
	uv_idle_init(&s->uv, &s->alive);
	uv_idle_start(&s->alive, on_alive);
	chan_loop_init(&s->loop, &s->uv);
	chan_open(&s->chan, &s->loop, dgram_double_new(&s->d, &s->uv), &s->raw,
	    &s->raw, 1, watch ? &watched : &events);
}

static void
turn(struct scene *s)
{
	uv_run(&s->uv, UV_RUN_NOWAIT);
	if (s->kept && !s->echo && --s->turns_left == 0) {
		s->kept = false;
		chan_resume(&s->chan);
	}
}

/* Until nothing more can happen. */
static void
play(struct scene *s)
{
	int i;

	for (i = 0; i < TURNS_MAX && (s->d.in_at < s->d.in_n || s->kept); i++)
		turn(s);
	for (i = 0; i < 10; i++)
		turn(s);
}

static void
end(struct scene *s)
{
	chan_close(&s->chan, false);
	while (s->closeds == 0)
		uv_run(&s->uv, UV_RUN_NOWAIT);
	chan_loop_release(&s->loop);
	uv_close((uv_handle_t *)&s->alive, NULL);
	uv_run(&s->uv, UV_RUN_DEFAULT);
	is_num(uv_loop_close(&s->uv), 0, "no handle is left");
	is_text(s->d.wrong, "", "the stream is used as it is to be");
	dgram_double_release(&s->d);
	free(s->heard.p);
}

/* What a script should lead to, if nothing may be longer than max. */
static void
expect(const struct dgram_event *in, size_t n, size_t max, struct heap *h,
    size_t *messages, unsigned *longs)
{
	uint8_t one[STREAM_DATAGRAM_MAX];
	size_t i, at = 0, k, left, len;
	bool cut;

	*messages = 0;
	*longs = 0;
	for (i = 0; i < n; i++) {
		cut = in[i].what == DGRAM_CUT;
		if (in[i].what > DGRAM_CUT)
			continue;
		left = cut ? in[i].each : in[i].len;
		do {
			len = cut || left < in[i].each ? left : in[i].each;
			for (k = 0; k < len; k++)
				one[k] = pattern[at++ % 251];
			left -= len;
			if ((cut && in[i].len > in[i].each) || len > max)
				++*longs;
			else {
				add(h, in[i].from, one, len);
				++*messages;
			}
		} while (left > 0);
	}
}

static bool
is_same(const struct heap *a, const struct heap *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

static void
test_runs(void)
{
	const struct dgram_event in[] = {
	    {DGRAM_RUN, 1, 10, 4, 0},	/* 4, 4, 2 */
	    {DGRAM_RUN, 1, 12, 4, 0},	/* 4, 4, 4 */
	    {DGRAM_RUN, 1, 0, 0, 0},	/* an empty one */
	    {DGRAM_RUN, 2, 5, 5, 0},	/* a single one */
	    {DGRAM_RUN, 2, 5, 9, 0},	/* the same */
	    {DGRAM_RUN, 1, 1, 1, 0},	/* the first peer again */
	    {DGRAM_RUN, 3, 3000, 1, 0}, /* more than a batch holds */
	};
	struct heap want = {NULL, 0, 0};
	struct scene *s = prepare(in, 7);
	size_t messages;
	unsigned longs;

	begin(s, 1 << 20, true);
	play(s);
	expect(in, 7, 1 << 20, &want, &messages, &longs);
	is_num(s->messages, 3010, "runs are cut into their datagrams");
	is_num(s->messages, messages, "as many as the script says");
	ok(is_same(&s->heard, &want), "each whole, in order, of its sender");
	is_num(s->peers, 4, "each change of the speaker is told");
	is_num(s->batches, 6, "those of one sender come together");
	is_num(s->chan.counts.messages_in, 3010, "they are counted");
	is_num(s->chan.counts.bytes_in, 3033, "and their bytes");
	is_num(s->wire_in, 3033, "who looks at the wire sees them all");
	free(want.p);
	end(s);
}

static void
test_too_long(void)
{
	const struct dgram_event in[] = {
	    {DGRAM_RUN, 1, 25, 10, 0}, /* 10, 10, 5 */
	    {DGRAM_CUT, 2, 9000, 8, 0},
	    {DGRAM_RUN, 1, 6, 6, 0},
	};
	struct heap want = {NULL, 0, 0};
	struct scene *s = prepare(in, 3);
	size_t messages;
	unsigned longs;

	begin(s, 8, false);
	play(s);
	expect(in, 3, 8, &want, &messages, &longs);
	is_num(s->longs, 3, "what is too long or cut is told");
	is_num(s->trouble.len, 9000, "with its length");
	is_num(s->trouble.max, 8, "and what there is room for");
	ok(is_same(&s->heard, &want), "the others come");
	is_num(s->ends, 0, "and it goes on");
	free(want.p);
	end(s);
}

static void
test_losses(void)
{
	const struct dgram_event in[] = {
	    {DGRAM_RUN, 1, 5, 5, 0},
	    {DGRAM_LOST, 7, 0, 0, ECONNREFUSED},
	    {DGRAM_RUN, 1, 5, 5, 0},
	    {DGRAM_FAILED, 0, 0, 0, EIO},
	};
	struct scene *s = prepare(in, 4);

	begin(s, 100, false);
	play(s);
	is_num(s->losts, 1, "what is lost is told");
	is_num(s->lost_err, ECONNREFUSED, "and why");
	is_num(s->lost_to, 7, "and to whom");
	is_num(s->messages, 2, "what comes behind it comes");
	is_num(s->ends, 1, "a socket that fails ends the reading");
	end(s);
}

/* Nothing can be said before somebody has spoken. */
static void
test_waits(void)
{
	const struct dgram_event in[] = {
	    {DGRAM_AGAIN, 0, 0, 0, 0}, {DGRAM_RUN, 4, 1, 1, 0}};
	struct slice v[3] = {{pattern, 5}, {pattern, 0}, {pattern + 1, 65507}};
	struct batch b = {v, 3, 3};
	struct heap want = {NULL, 0, 0};
	struct scene *s = prepare(in, 2);
	size_t next = 0;

	begin(s, 1 << 20, true);
	is_num(chan_send(&s->chan, &b, &next), CHAN_FULL,
	    "nobody is there yet: it waits");
	is_num(next, 0, "with all of it");
	is_num(s->lows, 0, "until it is told");
	play(s);
	is_num(s->lows, 1, "which it is when somebody has spoken");
	v[2].len = 3000;
	is_num(chan_send(&s->chan, &b, &next), CHAN_SENT, "then it goes");
	add(&want, 4, pattern, 5);
	add(&want, 4, pattern, 0);
	add(&want, 4, pattern + 1, 3000);
	ok(s->d.out_len == want.len && memcmp(s->d.out, want.p, want.len) == 0,
	    "to him, each by itself");
	is_num(s->draineds, 0, "that it has gone is not told at once");
	turn(s);
	is_num(s->draineds, 1, "but when the turn is over");
	is_num(s->wire_out, 3005, "who looks at the wire sees it");
	free(want.p);
	end(s);
}

static void
test_refused(void)
{
	struct slice v[3] = {{pattern, 5}, {pattern, 1000}, {pattern, 5}};
	struct batch b = {v, 3, 3};
	struct scene *s = prepare(NULL, 0);
	size_t next = 0;

	s->d.alone = true;
	s->d.datagram_max = 999;
	begin(s, 5000, false);
	is_num(chan_send(&s->chan, &b, &next), CHAN_REFUSED,
	    "what no datagram holds is refused");
	is_num(next, 1, "and named");
	is_num(s->d.sent, 1, "what stands before it has gone");
	is_num(s->chan.work->encoder.fault.limit, 999, "the limit is told");
	is_num(s->chan.work->encoder.fault.len, 1000, "and the length");
	is_num(s->chan.work->encoder.fault.message, 2, "and which one it is");
	end(s);
}

static void
test_full(void)
{
	const uint8_t takes[] = {2, 0, 0, 1, 0, 200};
	struct slice v[100];
	struct batch b = {v, 100, 100};
	struct scene *s = prepare(NULL, 0);
	size_t next = 0, i;
	int turns;

	for (i = 0; i < 100; i++)
		v[i] = slice_of(pattern + i, i);
	s->d.alone = true;
	s->d.takes = takes;
	s->d.takes_n = 6;
	begin(s, 5000, false);
	is_num(chan_send(&s->chan, &b, &next), CHAN_FULL,
	    "a socket takes no more");
	is_num(next, 2, "than that");
	turn(s);
	is_num(s->draineds, 0, "what waits is not told to have gone");
	for (turns = 0; turns < 50 && next < 100; turns++) {
		turn(s);
		if (s->lows > 0) {
			s->lows = 0;
			chan_send(&s->chan, &b, &next);
		}
	}
	is_num(next, 100, "the rest goes when it can");
	is_num(s->d.sent, 100, "each once");
	chan_shut(&s->chan);
	turn(s);
	is_num(s->chan.writing, CHAN_CLOSED, "then our half is closed");
	is_num(chan_send(&s->chan, &b, &next), CHAN_LOST, "and takes nothing");
	end(s);
}

static size_t
random_script(uint64_t *state, struct dgram_event *v)
{
	size_t i, n = 1 + dice_below(state, EVENTS_MAX);

	for (i = 0; i < n; i++) {
		memset(&v[i], 0, sizeof(v[i]));
		v[i].from = (uint8_t)dice_below(state, 3);
		switch (dice_below(state, 20)) {
		case 0:
			v[i].what = DGRAM_AGAIN;
			break;
		case 1:
			v[i].what = DGRAM_CUT;
			v[i].each = dice_below(state, 100);
			v[i].len = v[i].each + 1 + dice_below(state, 100);
			break;
		case 2:
			break; /* an empty one */
		default:
			v[i].each = 1 + dice_below(state, 70);
			v[i].len = v[i].each * (1 + dice_below(state, 64));
			v[i].len -= dice_below(state, v[i].each);
		}
	}
	return n;
}

static void
test_chance(bool with_echo, uint64_t state)
{
	const char *how = with_echo ? "echo" : "kept batches";
	struct dgram_event in[EVENTS_MAX];
	uint8_t takes[2000];
	struct heap want;
	struct scene *s;
	size_t i, n, messages, max;
	unsigned longs, round, wrong = 0;

	for (round = 0; round < rounds(300); round++) {
		n = random_script(&state, in);
		for (i = 0; i < sizeof(takes); i++)
			takes[i] = (uint8_t)dice_below(&state, 9);
		s = prepare(in, n);
		s->echo = with_echo;
		s->d.takes = takes;
		s->d.takes_n = dice_below(&state, sizeof(takes));
		s->keep_each = (unsigned)dice_below(&state, 4);
		max = dice_below(&state, 2) ? 1 << 20 : 50;
		begin(s, max, false);
		play(s);
		memset(&want, 0, sizeof(want));
		expect(in, n, max, &want, &messages, &longs);
		if (!is_same(&s->heard, &want) || s->messages != messages ||
		    s->longs != longs || s->batch_while_kept)
			wrong++;
		if (with_echo &&
		    (s->d.out_len != want.len ||
			(want.len > 0 &&
			    memcmp(s->d.out, want.p, want.len) != 0)))
			wrong++;
		free(want.p);
		chan_close(&s->chan, false);
		while (s->closeds == 0)
			uv_run(&s->uv, UV_RUN_NOWAIT);
		chan_loop_release(&s->loop);
		uv_close((uv_handle_t *)&s->alive, NULL);
		uv_run(&s->uv, UV_RUN_DEFAULT);
		if (uv_loop_close(&s->uv) != 0 || s->d.wrong[0] != '\0')
			wrong++;
		dgram_double_release(&s->d);
		free(s->heard.p);
	}
	is_num(wrong, 0, "%s: all comes once, in order, of its sender%s", how,
	    with_echo ? ", and goes back to him" : "");
}

int
main(void)
{
	uint64_t seed = dice_seed();
	size_t i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 3 + (i >> 8));
	test_runs();
	test_too_long();
	test_losses();
	test_waits();
	test_refused();
	test_full();
	test_chance(false, seed);
	test_chance(true, seed);
	return done_testing();
}
