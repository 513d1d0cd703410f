/*
 * A channel over a stream that is played from a script: what comes arrives
 * whole, once and in order, wherever reads end and however long it is kept;
 * what is sent leaves whole, however little each write takes; each of the
 * three ends is told once, and the last of them last.
 */

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan/chan.h"
#include "chance.h"
#include "stream_double.h"
#include "tap.h"

#define SCRIPT_MAX 4096
#define TURNS_MAX 100000

#define BYTES(count) BYTES_TIMES(count, 0)
#define BYTES_TIMES(count, repeat)                                             \
	{                                                                      \
		.act = STREAM_ACT_BYTES, .n = (count), .times = (repeat)       \
	}
#define AGAIN                                                                  \
	{                                                                      \
		.act = STREAM_ACT_AGAIN                                        \
	}
#define END                                                                    \
	{                                                                      \
		.act = STREAM_ACT_END                                          \
	}
#define FAILED(error)                                                          \
	{                                                                      \
		.act = STREAM_ACT_FAILED, .err = (error)                       \
	}
#define TRUNCATED                                                              \
	{                                                                      \
		.act = STREAM_ACT_TRUNCATED                                    \
	}
#define SCRIPT(steps)                                                          \
	{                                                                      \
		.v = (steps), .n = sizeof(steps) / sizeof((steps)[0])          \
	}

/* Bytes that grow. */
struct heap {
	uint8_t *p;
	size_t len, cap;
};

enum where { /* the call in which a side closes its channel */
	NOWHERE,
	IN_BATCH,
	IN_END,
	IN_LOW,
	IN_DRAINED,
	IN_FAILED,
};

/* One channel, and what it said. */
struct side {
	struct framing in, out;
	struct stream_double d;
	struct chan chan;
	unsigned keep_each; /* keep each n-th batch; 0: none */
	unsigned keep_for;  /* so many turns; 0: until it is resumed by hand */
	enum where close_in;
	const struct framing *change_to; /* in the first batch */
	bool reset;

	struct heap heard; /* the messages; each with its length in front */
	size_t messages;
	struct batch *kept;
	struct heap kept_copy;
	unsigned turns_left;
	bool kept_changed, batch_while_kept, is_open, after_closed;
	unsigned batches, lows, draineds, faileds, ends, closeds;
	enum chan_end why;
	int end_err, fail_err;
	struct heap seen, wire_in, wire_out;
};

struct scene {
	uv_loop_t uv;
	struct chan_loop loop;
	uv_idle_t alive; /* a loop with nothing to wait for does not turn */
	struct side side[2];
};

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
heap_free(struct heap *h)
{
	free(h->p);
	memset(h, 0, sizeof(*h));
}

static bool
heap_is(const struct heap *h, const void *p, size_t len)
{
	return h->len == len && (len == 0 || memcmp(h->p, p, len) == 0);
}

static void
add_batch(struct heap *h, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		heap_add(h, &b->v[i].len, sizeof(b->v[i].len));
		heap_add(h, b->v[i].p, b->v[i].len);
	}
}

static void
said(struct side *s, enum where where)
{
	s->after_closed = s->after_closed || s->closeds > 0;
	if (s->close_in != where)
		return;
	s->is_open = false;
	chan_close(&s->chan, s->reset);
}

static struct side *
side_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct side, chan));
}

static bool
on_batch(struct chan *c, struct batch *b)
{
	struct side *s = side_of(c);

	s->batches++;
	s->batch_while_kept = s->batch_while_kept || s->kept != NULL;
	s->messages += b->n;
	add_batch(&s->heard, b);
	if (s->change_to != NULL && s->batches == 1)
		chan_change(c, s->change_to);
	said(s, IN_BATCH);
	if (s->keep_each == 0 || s->batches % s->keep_each != 0)
		return true;
	s->kept = b;
	s->turns_left = s->keep_for;
	s->kept_copy.len = 0;
	add_batch(&s->kept_copy, b);
	return false;
}

static void
on_end(struct chan *c, enum chan_end why, struct slice seen)
{
	struct side *s = side_of(c);

	s->ends++;
	s->why = why;
	s->end_err = c->stream->err;
	s->seen.len = 0;
	heap_add(&s->seen, seen.p, seen.len);
	said(s, IN_END);
}

static void
on_low(struct chan *c)
{
	struct side *s = side_of(c);

	s->lows++;
	said(s, IN_LOW);
}

static void
on_drained(struct chan *c)
{
	struct side *s = side_of(c);

	s->draineds++;
	said(s, IN_DRAINED);
}

static void
on_failed(struct chan *c)
{
	struct side *s = side_of(c);

	s->faileds++;
	s->fail_err = c->stream->err;
	said(s, IN_FAILED);
}

static void
on_wire(struct chan *c, bool out, struct slice bytes, bool more)
{
	struct side *s = side_of(c);

	(void)more;
	heap_add(out ? &s->wire_out : &s->wire_in, bytes.p, bytes.len);
}

static void
on_closed(struct chan *c)
{
	struct side *s = side_of(c);

	s->closeds++;
}

static const struct chan_events events = {
    .on_batch = on_batch,
    .on_end = on_end,
    .on_low = on_low,
    .on_drained = on_drained,
    .on_failed = on_failed,
    .on_wire = on_wire,
    .on_closed = on_closed,
};

static void
on_alive(uv_idle_t *idle)
{
	(void)idle;
}

static void
scene_begin(struct scene *sc)
{
	memset(sc, 0, sizeof(*sc));
	uv_loop_init(&sc->uv);
	chan_loop_init(&sc->loop, &sc->uv);
	uv_idle_init(&sc->uv, &sc->alive);
	uv_idle_start(&sc->alive, on_alive);
}

static struct side *
open_side(struct scene *sc, int i, const struct framing *in,
    const struct framing *out, size_t queue_max)
{
	struct side *s = &sc->side[i];
	struct stream *stream = stream_double_new(&s->d, &sc->uv);

	if (stream == NULL)
		abort();
	s->is_open = true;
	s->in = *in;
	s->out = *out;
	chan_open(
	    &s->chan, &sc->loop, stream, &s->in, &s->out, queue_max, &events);
	return s;
}

/* What was kept is as it was, and is given back. */
static void
resume(struct side *s)
{
	struct heap now = {0};

	add_batch(&now, s->kept);
	if (!heap_is(&now, s->kept_copy.p, s->kept_copy.len))
		s->kept_changed = true;
	heap_free(&now);
	s->kept = NULL;
	chan_resume(&s->chan);
}

/* A turn less for what is kept. True: some of it is kept for longer. */
static bool
wait_a_turn(struct scene *sc)
{
	bool waits = false;
	struct side *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &sc->side[i];
		if (s->kept == NULL || !s->is_open || s->turns_left == 0)
			continue;
		if (--s->turns_left == 0)
			resume(s);
		waits = true;
	}
	return waits;
}

/* Is something still to happen without us? */
static bool
is_due(const struct scene *sc)
{
	return sc->loop.dirty != NULL || stream_double_is_due(&sc->side[0].d) ||
	    stream_double_is_due(&sc->side[1].d);
}

/* Turns until nothing more happens. False: it never stops. */
static bool
play(struct scene *sc)
{
	int turns;

	for (turns = 0; turns < TURNS_MAX; turns++) {
		uv_run(&sc->uv, UV_RUN_NOWAIT);
		if (!wait_a_turn(sc) && !is_due(sc))
			return true;
	}
	return false;
}

/* Ends it all; true if the ends were told as they should be. */
static bool
scene_end(struct scene *sc, const char *what)
{
	bool well = true;
	struct side *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &sc->side[i];
		if (s->is_open)
			chan_close(&s->chan, s->reset);
		s->is_open = false;
	}
	/* What closes is not waited for: so a run ends, too. */
	chan_loop_release(&sc->loop);
	well &= play(sc);
	uv_close((uv_handle_t *)&sc->alive, NULL);
	uv_run(&sc->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&sc->uv) != 0)
		well = ok(false, "%s: a handle is left open", what);
	for (i = 0; i < 2; i++) {
		s = &sc->side[i];
		if (s->chan.loop == NULL)
			continue;
		if (s->d.wrong[0] != '\0')
			well = ok(false, "%s: the stream's rule: %s", what,
			    s->d.wrong);
		if (s->closeds != 1 || s->after_closed || s->ends > 1 ||
		    s->faileds > 1 || s->kept_changed || s->batch_while_kept)
			well = ok(false,
			    "%s: closed %u times%s, ended %u, failed %u%s%s",
			    what, s->closeds,
			    s->after_closed ? " and more after it" : "",
			    s->ends, s->faileds,
			    s->kept_changed ? ", a kept batch changed" : "",
			    s->batch_while_kept ? ", two batches kept" : "");
		if (s->chan.work != NULL)
			well = ok(false, "%s: memory stays", what);
		stream_double_release(&s->d);
		heap_free(&s->heard);
		heap_free(&s->kept_copy);
		heap_free(&s->seen);
		heap_free(&s->wire_in);
		heap_free(&s->wire_out);
	}
	return well;
}

static struct framing
mode(const char *text)
{
	struct framing fr;
	size_t at;

	if (framing_parse(text, &fr, &at) != FRAMING_OK)
		abort();
	return fr;
}

/* The wire of a batch, one message at a time, by the encoder alone. */
static void
encode_all(struct heap *wire, const struct framing *fr, const struct batch *b)
{
	struct encode_frame f;
	struct encoder e;
	size_t i;

	encoder_init(&e, fr);
	for (i = 0; i < b->n; i++) {
		if (encode_wrap(&e, b->v[i], &f) != ENCODE_OK)
			abort();
		heap_add(wire, f.head, f.head_len);
		heap_add(wire, b->v[i].p, b->v[i].len);
		heap_add(wire, f.tail.p, f.tail.len);
	}
}

static struct slice
text(const char *s)
{
	return slice_of(s, strlen(s));
}

/* Receiving. */

static const char *const words[] = {
    "Hello World", "", "a", "5\r\n", "été", "the last of them"};
#define WORDS (sizeof(words) / sizeof(words[0]))

static struct batch
word_batch(struct slice *v)
{
	struct batch b = {v, 0, WORDS};
	size_t i;

	for (i = 0; i < WORDS; i++)
		batch_add(&b, (const uint8_t *)words[i], strlen(words[i]));
	return b;
}

/* Plays these reads of the wire; true if `want` came and then `why`. */
static bool
hears(const struct framing *fr, struct heap *wire, struct stream_script reads,
    unsigned keep_each, const struct heap *want, enum chan_end why,
    const char *what)
{
	struct scene sc;
	struct side *s;
	bool well;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = slice_of(wire->p, wire->len);
	s->d.reads = reads;
	s->keep_each = keep_each;
	s->keep_for = 3;
	open_side(&sc, 0, fr, fr, 1000);
	well = play(&sc);
	if (!heap_is(&s->heard, want->p, want->len) || s->ends != 1 ||
	    s->why != why)
		well = ok(false,
		    "%s: heard %zu bytes of %zu in %zu messages, ended %u "
		    "times as %d",
		    what, s->heard.len, want->len, s->messages, s->ends,
		    (int)s->why);
	if (s->wire_in.len != s->chan.counts.bytes_in ||
	    s->chan.counts.messages_in != s->messages)
		well = ok(false, "%s: the counts are right", what);
	return scene_end(&sc, what) && well;
}

static void
test_splits(void)
{
	static const char *const modes[] = {"windev", "end-tag=<EOF>",
	    "netstring", "u8", "fixed-header=8", "windev,tail=NUL",
	    "end-tag=NUL"};
	struct stream_step cut[] = {BYTES(0), AGAIN, BYTES(SIZE_MAX), END};
	struct stream_step each[] = {BYTES(1), END};
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	struct heap wire, want = {0};
	unsigned keep;
	char what[80];
	bool well;
	size_t i, at;

	add_batch(&want, &b);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct framing fr = mode(modes[i]);

		wire = (struct heap){0};
		encode_all(&wire, &fr, &b);
		well = true;
		for (at = 1; at < wire.len; at++)
			for (keep = 0; keep < 3; keep++) {
				snprintf(what, sizeof(what),
				    "%s: cut at %zu, kept %u", modes[i], at,
				    keep);
				cut[0].n = at;
				well &= hears(&fr, &wire,
				    (struct stream_script)SCRIPT(cut), keep,
				    &want, CHAN_END_CLOSED, what);
			}
		ok(well, "%s: a cut at any byte changes nothing", modes[i]);
		each[0].times = wire.len;
		ok(hears(&fr, &wire, (struct stream_script)SCRIPT(each), 0,
		       &want, CHAN_END_CLOSED, "bytes") &&
			hears(&fr, &wire, (struct stream_script)SCRIPT(each), 1,
			    &want, CHAN_END_CLOSED, "bytes, kept"),
		    "%s: nor do bytes one by one", modes[i]);
		heap_free(&wire);
	}
	heap_free(&want);
}

/* More messages than a batch holds in one read. */
static void
test_batches(void)
{
	struct stream_step once[] = {BYTES(SIZE_MAX), END};
	struct stream_step reads[] = {BYTES_TIMES(777, 100), END};
	struct framing fr = mode("windev");
	struct slice *v = calloc(5000, sizeof(*v));
	char(*numbers)[8] = calloc(5000, sizeof(*numbers));
	struct batch b = {v, 0, 5000};
	struct heap wire = {0}, want = {0};
	size_t i;

	for (i = 0; i < 5000; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%zu", i);
		batch_add(&b, (const uint8_t *)numbers[i], strlen(numbers[i]));
	}
	encode_all(&wire, &fr, &b);
	add_batch(&want, &b);
	ok(hears(&fr, &wire, (struct stream_script)SCRIPT(once), 0, &want,
	       CHAN_END_CLOSED, "5000 at once"),
	    "five thousand messages in one read come in order");
	ok(hears(&fr, &wire, (struct stream_script)SCRIPT(once), 1, &want,
	       CHAN_END_CLOSED, "5000, each batch kept"),
	    "and so they do when each batch is kept for a while");
	ok(hears(&fr, &wire, (struct stream_script)SCRIPT(reads), 2, &want,
	       CHAN_END_CLOSED, "5000 in pieces"),
	    "and in pieces of 777 bytes with each second batch kept");
	heap_free(&wire);
	heap_free(&want);
	free(v);
	free(numbers);
}

static void
test_large(void)
{
	static const size_t sizes[] = {
	    16383, 16384, 65535, 65536, 65537, 300000, 1 << 20, 16u << 20};
	struct stream_step whole[] = {BYTES_TIMES(SIZE_MAX, 10000), END};
	struct stream_step small[] = {
	    BYTES_TIMES(4096, 3), AGAIN, BYTES_TIMES(60000, 10000), END};
	struct framing fr = mode("windev");
	struct slice v[3];
	struct batch b = {v, 0, 3};
	struct heap wire, want;
	uint8_t *big = malloc(16u << 20);
	bool well = true;
	unsigned keep;
	char what[80];
	size_t i;

	for (i = 0; i < 16u << 20; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		wire = want = (struct heap){0};
		b.n = 0;
		batch_add(&b, (const uint8_t *)"before", 6);
		batch_add(&b, big, sizes[i]);
		batch_add(&b, (const uint8_t *)"behind", 6);
		encode_all(&wire, &fr, &b);
		add_batch(&want, &b);
		for (keep = 0; keep < 2; keep++) {
			snprintf(what, sizeof(what), "%zu bytes, kept %u",
			    sizes[i], keep);
			well &= hears(&fr, &wire,
			    (struct stream_script)SCRIPT(whole), keep, &want,
			    CHAN_END_CLOSED, what);
			well &= hears(&fr, &wire,
			    (struct stream_script)SCRIPT(small), keep, &want,
			    CHAN_END_CLOSED, what);
		}
		heap_free(&wire);
		heap_free(&want);
	}
	ok(well, "messages up to the largest arrive between small ones");
	free(big);
}

/* The end, in order or not, behind each byte. */
static void
test_ends(void)
{
	struct stream_step in_order[] = {BYTES(0), END};
	struct stream_step failing[] = {BYTES(0), FAILED(ECONNRESET)};
	struct stream_step cut[] = {BYTES(0), TRUNCATED};
	struct framing fr = mode("windev");
	struct heap wire = {0}, want;
	struct slice v[WORDS];
	struct batch b = word_batch(v), some;
	bool well = true;
	struct decoder dec;
	size_t at, used;

	encode_all(&wire, &fr, &b);
	for (at = 1; at <= wire.len; at++) {
		struct slice out[WORDS];

		some = (struct batch){out, 0, WORDS};
		want = (struct heap){0};
		decoder_init(&dec, &fr);
		decode(&dec, slice_of(wire.p, at), &some, &used);
		add_batch(&want, &some);
		in_order[0].n = failing[0].n = cut[0].n = at;
		well &= hears(&fr, &wire,
		    (struct stream_script)SCRIPT(in_order), 0, &want,
		    used == at ? CHAN_END_CLOSED : CHAN_END_CUT, "the end");
		well &= hears(&fr, &wire,
		    (struct stream_script)SCRIPT(in_order), 1, &want,
		    used == at ? CHAN_END_CLOSED : CHAN_END_CUT, "end, kept");
		well &= hears(&fr, &wire, (struct stream_script)SCRIPT(failing),
		    0, &want, CHAN_END_FAILED, "a failure");
		well &= hears(&fr, &wire, (struct stream_script)SCRIPT(cut), 0,
		    &want, CHAN_END_TRUNCATED, "a truncation");
		heap_free(&want);
	}
	ok(well, "an end behind any byte is told once, as what it is");
	heap_free(&wire);
}

/* What only the end completes. */
static void
test_last(void)
{
	static const char *const modes[] = {"lines", "until-close", "lines"};
	static const char *const wires[] = {
	    "one\ntwo\nthree", "one\ntwo", "alone"};
	static const char *const lasts[] = {"three", "one\ntwo", "alone"};
	struct stream_step reads[] = {BYTES_TIMES(2, 20), END};
	size_t i;
	unsigned keep;

	for (i = 0; i < 3; i++)
		for (keep = 0; keep < 2; keep++) {
			struct framing fr = mode(modes[i]);
			struct scene sc;
			struct side *s;

			scene_begin(&sc);
			s = &sc.side[0];
			s->d.in = text(wires[i]);
			s->d.reads = (struct stream_script)SCRIPT(reads);
			reads[0].times = (strlen(wires[i]) + 1) / 2;
			s->keep_each = keep;
			s->keep_for = 5;
			open_side(&sc, 0, &fr, &fr, 1000);
			play(&sc);
			is_bytes(s->heard.p + s->heard.len - strlen(lasts[i]),
			    strlen(lasts[i]), lasts[i], strlen(lasts[i]),
			    "%s: the last message of \"%.5s...\" comes with "
			    "the end, kept %u",
			    modes[i], wires[i], keep);
			is_num(s->why, CHAN_END_CLOSED, "... which is one");
			ok(scene_end(&sc, "the last message"),
			    "... and all is well");
		}
}

/* A message that is none: what came before it is delivered. */
static void
test_bad(void)
{
	struct stream_step reads[] = {BYTES_TIMES(SIZE_MAX, 9)};
	struct framing fr = mode("windev");
	struct scene sc;
	struct side *s;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = text("1\r\na2\r\nbcHello world<EOF>");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	open_side(&sc, 0, &fr, &fr, 1000);
	play(&sc);
	is_num(s->messages, 2, "what stands before a bad message is delivered");
	is_num(s->why, CHAN_END_BAD, "which ends it");
	is_num(s->chan.work->decoder.fault.offset, 9, "and is found");
	ok(scene_end(&sc, "bad"), "and nothing is read behind it");
}

/*
 * The batch before a bad message is kept, too, and stays valid until it is
 * given back, although another channel reads meanwhile.
 */
static void
test_bad_and_kept(void)
{
	struct stream_step reads[] = {BYTES(SIZE_MAX)};
	struct stream_step later[] = {AGAIN, AGAIN, BYTES(SIZE_MAX), END};
	struct framing fr = mode("windev"), raw = mode("raw");
	struct scene sc;
	struct side *s;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = text("5\r\nfirst6\r\nsecondno length");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	s->keep_each = 1;
	s->keep_for = 20;
	open_side(&sc, 0, &fr, &fr, 1000);
	sc.side[1].d.in = text("THE OTHER CHANNEL READS INTO THE SAME INBOX");
	sc.side[1].d.reads = (struct stream_script)SCRIPT(later);
	open_side(&sc, 1, &raw, &raw, 1000);
	play(&sc);
	is_num(s->why, CHAN_END_BAD, "a bad message behind a batch is told");
	ok(!s->kept_changed,
	    "a batch before a bad message stays valid while it is kept");
	s->kept_changed = false;
	ok(scene_end(&sc, "bad and kept"), "and all is given back");
}

/*
 * Another framing: what was sent before keeps the old one, and what has come
 * without being a message is looked at anew, with or without more behind it.
 */
static void
test_change(void)
{
	struct stream_step reads[] = {BYTES_TIMES(11, 1)};
	struct framing lines = mode("lines"), tag = mode("end-tag=|");
	struct slice v[] = {text("a"), text("b")};
	struct batch one = {v, 1, 1}, other = {v + 1, 1, 1};
	struct scene sc;
	struct side *s;
	size_t next = 0;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = text("one\ntwo|thr");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	open_side(&sc, 0, &lines, &lines, 1000);
	play(&sc);
	is_num(s->messages, 1, "before a change there is one message");
	chan_send(&s->chan, &one, &next);
	chan_change(&s->chan, &tag);
	next = 0;
	chan_send(&s->chan, &other, &next);
	play(&sc);
	is_num(s->messages, 2, "what had come may be another behind it");
	is_bytes(s->d.out, s->d.out_len, "a\nb|", 4,
	    "what was sent before it keeps the old framing");
	is_num(s->chan.counts.messages_out, 2, "and all is counted");
	ok(scene_end(&sc, "a change"), "and all is well");
}

/* The same while a batch is looked at, kept or not. */
static void
test_change_in_batch(void)
{
	struct stream_step reads[] = {BYTES(SIZE_MAX), END};
	struct framing windev = mode("windev"), tag = mode("end-tag=|");
	struct scene sc;
	struct side *s;
	unsigned keep;

	for (keep = 0; keep < 2; keep++) {
		scene_begin(&sc);
		s = &sc.side[0];
		s->d.in = text("1\r\naHello|World|");
		s->d.reads = (struct stream_script)SCRIPT(reads);
		s->keep_each = keep;
		s->keep_for = 3;
		s->change_to = &tag;
		open_side(&sc, 0, &windev, &windev, 1000);
		play(&sc);
		is_num(s->messages, 3,
		    "what is bad for the old framing is good for the new one");
		is_num(s->why, CHAN_END_CLOSED, "up to the end");
		ok(scene_end(&sc, "a change in a batch"), "and all is well");
	}
}

/* Two channels share an inbox, and one of them keeps it. */
static void
test_two(void)
{
	struct stream_step reads[] = {BYTES_TIMES(7, 1000), END};
	struct framing fr = mode("lines");
	struct heap wire[2] = {{0}, {0}};
	char line[32];
	struct scene sc;
	int i, j;

	scene_begin(&sc);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 300; j++) {
			snprintf(line, sizeof(line), "%c%d\n", 'a' + i, j);
			heap_add(&wire[i], line, strlen(line));
		}
		sc.side[i].d.in = slice_of(wire[i].p, wire[i].len);
		sc.side[i].d.reads = (struct stream_script)SCRIPT(reads);
		sc.side[i].keep_each = 3 - (unsigned)i;
		sc.side[i].keep_for = 2 + (unsigned)i;
		open_side(&sc, i, &fr, &fr, 1000);
	}
	reads[0].times = 1;
	reads[0].n = SIZE_MAX;
	play(&sc);
	is_num(sc.side[0].messages, 300, "one of two channels has all");
	is_num(sc.side[1].messages, 300, "and so has the other");
	ok(scene_end(&sc, "two channels"),
	    "and kept batches stay what they are");
	heap_free(&wire[0]);
	heap_free(&wire[1]);
}

/*
 * What a stream holds itself is never announced by its descriptor: behind a
 * short read it is asked, and read on.
 */
static void
test_pending(void)
{
	struct stream_step reads[] = {BYTES_TIMES(4, 5), AGAIN};
	struct framing fr = mode("windev");
	struct scene sc;
	struct side *s;
	size_t pending;

	for (pending = 0; pending < 2; pending++) {
		scene_begin(&sc);
		s = &sc.side[0];
		s->d.by_hand = true;
		s->d.pending = pending;
		s->d.in = text("1\r\na1\r\nb1\r\nc1\r\nd1\r\ne");
		s->d.reads = (struct stream_script)SCRIPT(reads);
		open_side(&sc, 0, &fr, &fr, 1000);
		stream_double_ready(&s->d, STREAM_READABLE);
		is_num(s->messages, pending > 0 ? 5 : 1, "%s",
		    pending > 0
			? "a short read with more in the stream is not the last"
			: "a short read with nothing behind it is");
		is_num(s->d.reads_done, pending > 0 ? 6 : 1,
		    "and so many reads are made");
		ok(scene_end(&sc, "pending"), "and all is well");
	}
}

/* Plays packets, and gives the side for a look. */
static struct side *
hear_packets(struct scene *sc, const char *name, size_t max, unsigned keep,
    struct slice in, struct stream_script reads)
{
	struct framing fr = mode(name);
	struct side *s = &sc->side[0];

	scene_begin(sc);
	fr.max = max;
	s->d.in = in;
	s->d.reads = reads;
	s->keep_each = keep;
	s->keep_for = 2;
	open_side(sc, 0, &fr, &fr, 1000);
	s->chan.stream->packets = true;
	play(sc);
	return s;
}

static void
test_packets(void)
{
	static const size_t size = 1 << 20;
	struct stream_step some[] = {
	    BYTES(3), {.act = STREAM_ACT_EMPTY}, BYTES(2), END};
	struct stream_step begun[] = {BYTES(9), BYTES(size), BYTES(3), END};
	struct heap big = {0};
	uint8_t *zeros = calloc(1, size);
	struct scene sc;
	struct side *s;
	unsigned keep;

	for (keep = 0; keep < 2; keep++) {
		s = hear_packets(&sc, "raw", 100, keep, text("onetw"),
		    (struct stream_script)SCRIPT(some));
		is_num(s->messages, 3, "in raw each packet is a message");
		is_num(s->chan.counts.messages_in, 3, "one without bytes too");
		is_num(s->heard.len, 3 * sizeof(size_t) + 5, "and it is empty");
		is_num(s->why, CHAN_END_CLOSED, "the end comes behind them");
		ok(scene_end(&sc, "packets"), "and all is well");
		s = hear_packets(&sc, "windev", 100, keep, text("2\r\nab"),
		    (struct stream_script)SCRIPT(some));
		is_num(
		    s->messages, 1, "elsewhere one without bytes is nothing");
		is_num(s->why, CHAN_END_CLOSED, "and not the end");
		ok(scene_end(&sc, "packets"), "and all is well");
	}
	heap_add(&big, "1048576\r\n", 9);
	heap_add(&big, zeros, size);
	heap_add(&big, "0\r\n", 3);
	for (keep = 0; keep < 2; keep++) {
		s = hear_packets(&sc, "windev", size, keep,
		    slice_of(big.p, big.len),
		    (struct stream_script)SCRIPT(begun));
		is_num(s->messages, 2, "a packet larger than a read is whole");
		is_num(s->heard.len, size + 2 * sizeof(size_t), "to its end");
		is_num(s->why, CHAN_END_CLOSED, "and what follows it, too");
		ok(sc.loop.inbox == NULL || sc.loop.inbox->cap < size,
		    "its room is not kept");
		ok(scene_end(&sc, "a large packet"), "and all is well");
	}
	s = hear_packets(&sc, "windev", 10000, 0, slice_of(big.p, big.len),
	    (struct stream_script)SCRIPT(begun));
	is_num(s->why, CHAN_END_BAD, "a length that is refused comes first");
	ok(scene_end(&sc, "refused"), "and all is well");
	begun[0].n = 1;
	s = hear_packets(&sc, "raw", 10000, 0, slice_of(big.p, big.len),
	    (struct stream_script)SCRIPT(begun));
	is_num(s->messages, 1, "what comes before a packet that is too large");
	is_num(s->why, CHAN_END_PACKET, "is delivered, and then it ends");
	is_num(s->d.pending, size, "with the size at hand");
	is_num(chan_packet_max(&s->chan),
	    10000 + ENCODE_HEAD_MAX + FRAMING_TAG_MAX, "and the limit");
	ok(scene_end(&sc, "too large"), "and all is well");
	heap_free(&big);
	free(zeros);
}

/* Sending. */

/* Sends it all, whenever it is told to; then shuts. */
struct sender {
	const struct batch *b;
	size_t next;
	bool shut;
};

static bool
send_on(struct side *s, struct sender *m)
{
	enum chan_sent r;

	if (m->next == m->b->n && m->shut)
		return true;
	r = chan_send(&s->chan, m->b, &m->next);
	if (r == CHAN_LOST || r == CHAN_REFUSED)
		return false;
	if (m->next < m->b->n)
		return r == CHAN_FULL;
	chan_shut(&s->chan);
	m->shut = true;
	return r == CHAN_SENT;
}

static bool
says(const struct framing *fr, const struct batch *b,
    struct stream_script writes, struct stream_script shuts, size_t queue_max,
    const char *what)
{
	struct sender m = {b, 0, false};
	struct heap wire = {0};
	unsigned lows = 0;
	struct scene sc;
	struct side *s;
	bool well;

	encode_all(&wire, fr, b);
	scene_begin(&sc);
	s = &sc.side[0];
	s->d.writes = writes;
	s->d.shuts = shuts;
	open_side(&sc, 0, fr, fr, queue_max);
	well = send_on(s, &m);
	while (well && !m.shut) {
		well = play(&sc) && s->lows > lows;
		lows = s->lows;
		well = well && send_on(s, &m);
	}
	well = play(&sc) && well;
	if (!well || !heap_is(&wire, s->d.out, s->d.out_len))
		well = ok(false, "%s: %zu bytes of %zu have left", what,
		    s->d.out_len, wire.len);
	if (!s->d.shut || s->chan.writing != CHAN_CLOSED || s->draineds == 0)
		well = ok(false, "%s: and then our half is closed", what);
	if (s->chan.counts.bytes_out != wire.len ||
	    !heap_is(&wire, s->wire_out.p, s->wire_out.len) ||
	    s->chan.counts.messages_out != b->n)
		well = ok(false, "%s: the counts and the dump are right", what);
	if (s->chan.work != NULL)
		well = ok(false, "%s: the queue's buffer is given back", what);
	heap_free(&wire);
	return scene_end(&sc, what) && well;
}

static const struct stream_script at_once = {.v = NULL};

static void
test_writes(void)
{
	static const size_t steps[] = {1, 2, 3, 5, 7, 16, 100};
	struct stream_step writes[] = {BYTES(0), AGAIN, BYTES_TIMES(0, 900)};
	struct framing fr = mode("windev");
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	size_t i, max;
	bool well = true;
	char what[60];

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (max = 1; max < 100; max += 9) {
			snprintf(what, sizeof(what), "%zu a time, queue %zu",
			    steps[i], max);
			writes[0].n = writes[2].n = steps[i];
			well &=
			    says(&fr, &b, (struct stream_script)SCRIPT(writes),
				at_once, max, what);
		}
	ok(well, "writes of a few bytes keep the frames whole, in any queue");
}

static void
test_large_writes(void)
{
	static const size_t sizes[] = {
	    16383, 16384, 16385, 100000, (512u << 10) + 1, 16u << 20};
	struct stream_step some[] = {BYTES(3), BYTES(5), AGAIN, BYTES(16000),
	    AGAIN, BYTES_TIMES(99999, 2), AGAIN, AGAIN,
	    BYTES_TIMES(1 << 20, 9)};
	struct stream_step none[] = {AGAIN, AGAIN};
	struct stream_step begun[] = {BYTES(1), AGAIN, AGAIN};
	struct stream_step page[] = {BYTES_TIMES(4096, 9000)};
	struct stream_script scripts[] = {SCRIPT(some), SCRIPT(none),
	    SCRIPT(begun), SCRIPT(page), {.v = NULL}};
	struct framing frs[] = {
	    mode("windev"), mode("end-tag=<EOF>"), mode("netstring")};
	uint8_t *big = malloc(16u << 20);
	struct slice v[4];
	struct batch b = {v, 0, 4};
	bool well = true;
	char what[80];
	size_t i, j, k;

	memset(big, 'x', 16u << 20);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		b.n = 0;
		batch_add(&b, (const uint8_t *)"before", 6);
		batch_add(&b, big, sizes[i]);
		batch_add(&b, big, sizes[i] / 2);
		batch_add(&b, (const uint8_t *)"behind", 6);
		for (j = 0; j < 5; j++)
			for (k = 0; k < 3; k++) {
				snprintf(what, sizeof(what),
				    "%zu bytes, script %zu, mode %zu", sizes[i],
				    j, k);
				well &= says(&frs[k], &b, scripts[j], at_once,
				    8u << 20, what);
				well &= says(&frs[k], &b, scripts[j], at_once,
				    1000, what);
			}
	}
	ok(well, "large messages leave whole, whatever each write takes");
	free(big);
}

static void
test_marks(void)
{
	struct stream_step writes[] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN,
	    BYTES(40000), AGAIN, BYTES(10003), AGAIN, BYTES(2), AGAIN};
	struct framing fr = mode("lines");
	static uint8_t line[20000];
	struct slice v[8];
	struct batch b = {v, 0, 8};
	struct scene sc;
	struct side *s;
	size_t next = 0;

	memset(line, 'h', sizeof(line));
	while (b.n < b.cap)
		batch_add(&b, line, sizeof(line));
	scene_begin(&sc);
	s = &sc.side[0];
	s->d.by_hand = true;
	s->d.writes = (struct stream_script)SCRIPT(writes);
	open_side(&sc, 0, &fr, &fr, 100000);
	is_num(chan_send(&s->chan, &b, &next), CHAN_FULL, "a queue has a mark");
	is_num(next, 5, "one message goes over it, and no second one");
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	is_num(s->d.out_len, 40000, "it is written when the turn is over");
	is_num(s->lows, 0, "60 005 of 100 000 is not low");
	is_num(s->d.want & STREAM_WRITABLE, STREAM_WRITABLE, "it waits");
	stream_double_ready(&s->d, STREAM_WRITABLE);
	is_num(s->lows, 0, "50 002 is not low");
	stream_double_ready(&s->d, STREAM_WRITABLE);
	is_num(s->lows, 1, "50 000 is low");
	is_num(s->draineds, 0, "and not yet drained");
	ok(!stream_double_ready(&s->d, STREAM_WRITABLE),
	    "what this turn will write is not waited for");
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	is_num(s->lows, 1, "low is said once");
	is_num(s->draineds, 1, "and drained when nothing is left");
	is_num(s->d.want, STREAM_READABLE, "then nothing waits");
	ok(!stream_double_ready(&s->d, STREAM_WRITABLE), "for writing");
	ok(s->chan.work == NULL, "and the queue has no buffer");
	is_num(chan_send(&s->chan, &b, &next), CHAN_SENT, "the rest fits");
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	is_num(s->d.out_len, 8 * 20001, "and leaves");
	is_num(s->draineds, 2, "which is said");
	is_num(s->lows, 1, "without another low");
	ok(scene_end(&sc, "marks"), "and all is well");
}

/* Small messages are written together, when the turn is over. */
static void
test_turn(void)
{
	struct framing fr = mode("lines");
	struct slice v[2] = {text("one"), text("two")};
	struct batch b = {v, 1, 2};
	struct scene sc;
	struct side *s;
	size_t next = 0;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.by_hand = true;
	open_side(&sc, 0, &fr, &fr, 1000);
	chan_send(&s->chan, &b, &next);
	b.n = 2;
	chan_send(&s->chan, &b, &next);
	is_num(s->d.writes_done, 0, "within a turn small messages are queued");
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	is_num(s->d.writes_done, 1, "and leave with one write");
	is_bytes(s->d.out, s->d.out_len, "one\ntwo\n", 8, "in order");
	ok(scene_end(&sc, "a turn"), "and all is well");
}

/*
 * Where one write empties a full queue, the owner is asked for more before it
 * is told that all has left: otherwise it could take that for the end.
 */
struct order {
	struct chan chan;
	struct batch *b;
	size_t next;
	unsigned drained_before;
};

static struct order *
order_of(struct chan *c)
{
	return (void *)((char *)c - offsetof(struct order, chan));
}

static bool
refill_on_batch(struct chan *c, struct batch *b)
{
	(void)c;
	(void)b;
	return true;
}

static void
refill_on_low(struct chan *c)
{
	struct order *o = order_of(c);

	chan_send(c, o->b, &o->next);
}

static void
refill_on_drained(struct chan *c)
{
	struct order *o = order_of(c);

	if (o->next < o->b->n)
		o->drained_before++;
}

static void
refill_nothing(struct chan *c)
{
	(void)c;
}

static void
test_low_before_drained(void)
{
	static const struct chan_events refill = {
	    .on_batch = refill_on_batch,
	    .on_low = refill_on_low,
	    .on_drained = refill_on_drained,
	    .on_failed = refill_nothing,
	    .on_closed = refill_nothing,
	};
	struct stream_step writes[] = {AGAIN};
	struct framing fr = mode("lines");
	static uint8_t line[20000];
	struct slice v[2] = {
	    slice_of(line, sizeof(line)), slice_of(line, sizeof(line))};
	struct batch b = {v, 2, 2};
	struct order o = {.b = &b};
	struct stream_double d = {.writes = SCRIPT(writes)};
	struct scene sc;

	memset(line, 'h', sizeof(line));
	scene_begin(&sc);
	d.by_hand = true;
	chan_open(&o.chan, &sc.loop, stream_double_new(&d, &sc.uv), &fr, &fr, 1,
	    &refill);
	is_num(chan_send(&o.chan, &b, &o.next), CHAN_FULL, "one message fits");
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	is_num(o.next, 2, "on_low asks for the other");
	is_num(o.drained_before, 0,
	    "nothing is called drained while on_low is owed");
	chan_close(&o.chan, false);
	scene_end(&sc, "low before drained");
	stream_double_release(&d);
}

static void
test_shut(void)
{
	struct stream_step writes[] = {BYTES(2), AGAIN, AGAIN};
	struct stream_step shuts[] = {AGAIN, AGAIN};
	struct stream_step no_shut[] = {AGAIN, FAILED(EPIPE)};
	struct framing fr = mode("windev");
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	size_t next = 0;
	struct scene sc;
	struct side *s;

	ok(says(&fr, &b, (struct stream_script)SCRIPT(writes),
	       (struct stream_script)SCRIPT(shuts), 1000, "shut"),
	    "our half closes behind the last byte, however long that takes");
	ok(says(&fr, &(struct batch){v, 0, 0}, at_once, at_once, 1, "empty"),
	    "and with nothing to say at once");

	scene_begin(&sc);
	s = open_side(&sc, 0, &fr, &fr, 1000);
	chan_send(&s->chan, &b, &next);
	chan_shut(&s->chan);
	chan_shut(&s->chan);
	next = 0;
	is_num(chan_send(&s->chan, &b, &next), CHAN_LOST,
	    "behind the end nothing can be sent");
	is_num(next, 0, "and nothing is taken");
	play(&sc);
	is_num(s->draineds, 1, "that our half is closed is said once");
	is_num(s->d.shuts_done, 1, "it closes once");
	ok(scene_end(&sc, "twice"), "though it is asked for twice");

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.shuts = (struct stream_script)SCRIPT(no_shut);
	open_side(&sc, 0, &fr, &fr, 1000);
	chan_shut(&s->chan);
	play(&sc);
	is_num(s->faileds, 1, "a half that cannot be closed is a failure");
	is_num(s->fail_err, EPIPE, "with its reason");
	is_num(s->draineds, 0, "and is not called closed");
	ok(scene_end(&sc, "no shut"), "and all is well");
}

/* A write that fails, at each position; reading goes on. */
static void
test_write_failures(void)
{
	struct stream_step writes[] = {BYTES_TIMES(1, 1), FAILED(EPIPE)};
	struct stream_step reads[] = {
	    AGAIN, AGAIN, AGAIN, BYTES(SIZE_MAX), END};
	struct framing fr = mode("windev");
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	struct heap wire = {0};
	struct scene sc;
	struct side *s;
	size_t at, next;
	bool well = true;

	encode_all(&wire, &fr, &b);
	for (at = 1; at < wire.len; at++) {
		scene_begin(&sc);
		s = &sc.side[0];
		next = 0;
		writes[0].times = at;
		s->d.writes = (struct stream_script)SCRIPT(writes);
		s->d.reads = (struct stream_script)SCRIPT(reads);
		s->d.in = text("4\r\nlast");
		open_side(&sc, 0, &fr, &fr, 1000);
		chan_send(&s->chan, &b, &next);
		if (at % 2)
			chan_shut(&s->chan);
		well &= play(&sc);
		if (s->faileds != 1 || s->fail_err != EPIPE ||
		    s->d.out_len != at || s->draineds > 0 || s->d.shut ||
		    s->messages != 1 || s->why != CHAN_END_CLOSED)
			well = ok(false, "a failure behind %zu bytes: %u", at,
			    s->faileds);
		next = 0;
		if (chan_send(&s->chan, &b, &next) != CHAN_LOST)
			well = ok(false, "nothing more is sent");
		well &= scene_end(&sc, "a failure");
	}
	ok(well, "a write that fails is told once, and reading goes on");
	heap_free(&wire);
}

/* The same within a message that is not copied. */
static void
test_large_failure(void)
{
	static uint8_t big[100000];
	struct stream_step writes[] = {BYTES(50000), FAILED(ECONNRESET)};
	struct framing fr = mode("windev");
	struct slice v[2];
	struct batch b = {v, 0, 2};
	size_t next = 0;
	struct scene sc;
	struct side *s;

	batch_add(&b, big, sizeof(big));
	batch_add(&b, big, sizeof(big));
	scene_begin(&sc);
	s = &sc.side[0];
	s->d.writes = (struct stream_script)SCRIPT(writes);
	open_side(&sc, 0, &fr, &fr, 8u << 20);
	is_num(chan_send(&s->chan, &b, &next), CHAN_LOST,
	    "a large message whose write fails is lost");
	is_num(next, 0, "and not taken");
	play(&sc);
	is_num(s->faileds, 1, "which is told once");
	ok(scene_end(&sc, "a large failure"), "and all is well");
}

static void
test_refused(void)
{
	struct framing fr = mode("end-tag=|");
	struct slice v[3] = {text("one"), text("t|wo"), text("three")};
	struct batch b = {v, 3, 3};
	size_t next = 0;
	struct scene sc;
	struct side *s;

	scene_begin(&sc);
	s = open_side(&sc, 0, &fr, &fr, 1000);
	is_num(chan_send(&s->chan, &b, &next), CHAN_REFUSED,
	    "a message that cannot be sent is refused");
	is_num(next, 1, "and pointed at");
	next = 2;
	is_num(chan_send(&s->chan, &b, &next), CHAN_SENT, "others can be");
	play(&sc);
	is_bytes(s->d.out, s->d.out_len, "one|three|", 10, "and they leave");
	ok(scene_end(&sc, "refused"), "and all is well");
}

/* Ending. */

/* Closed by its owner in any of its calls, or while something is open. */
static void
test_closing(void)
{
	struct stream_step reads[] = {
	    BYTES_TIMES(4, 3), AGAIN, FAILED(ECONNRESET)};
	struct stream_step writes[] = {
	    BYTES(30), AGAIN, BYTES(40), AGAIN, BYTES(90), FAILED(EPIPE)};
	struct stream_step wait[] = {AGAIN};
	static const char *const where[] = {"nowhere", "on_batch", "on_end",
	    "on_low", "on_drained", "on_failed"};
	struct framing fr = mode("windev");
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	enum where i;
	unsigned keep;
	size_t next;
	struct scene sc;
	struct side *s;

	for (i = NOWHERE; i <= IN_FAILED; i++)
		for (keep = 0; keep < 2; keep++) {
			scene_begin(&sc);
			s = &sc.side[0];
			s->d.in = text("1\r\na1\r\nb1\r\nc");
			s->d.reads = (struct stream_script)SCRIPT(reads);
			if (i != IN_DRAINED)
				s->d.writes =
				    (struct stream_script)SCRIPT(writes);
			s->close_in = i;
			s->keep_each = keep;
			s->reset = keep == 1;
			open_side(&sc, 0, &fr, &fr, 60);
			for (next = 0; next < 2;)
				if (chan_send(&s->chan, &b, &next) != CHAN_SENT)
					break;
			play(&sc);
			if (s->is_open && s->lows > 0) {
				next = 0;
				chan_send(&s->chan, &b, &next);
				play(&sc);
			}
			ok(scene_end(&sc, where[i]) && s->d.reset == s->reset,
			    "closed in %s%s: once, and nothing comes after it",
			    where[i], keep ? ", with a batch kept" : "");
		}

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.reads = (struct stream_script)SCRIPT(wait);
	s->d.writes = (struct stream_script)SCRIPT(wait);
	open_side(&sc, 0, &fr, &fr, 1000);
	next = 0;
	chan_send(&s->chan, &b, &next);
	ok(scene_end(&sc, "dirty"), "closed with something queued: it goes");
}

/* Bytes that pass unseen. */

struct passing {
	const enum chan_pass *script; /* what each call says */
	size_t at, n;
	unsigned outs;
};

static struct passing passing; /* the channel's owner is the side */

static enum chan_pass
pass_in(struct chan *c)
{
	enum chan_pass r;

	if (passing.at == passing.n)
		return CHAN_PASS_EMPTY;
	r = passing.script[passing.at++];
	if (r == CHAN_PASS_MOVED)
		chan_passed_in(c, 10);
	if (r == CHAN_PASS_FAILED)
		c->stream->err = ETIMEDOUT;
	if (r == CHAN_PASS_OVER)
		chan_put_in(c, (uint8_t *)strdup("given back "), 11);
	return r;
}

static void
pass_out(struct chan *c)
{
	passing.outs++;
	chan_passed_out(c, c->pass->taken, 0, false);
}

static struct side *
open_passing(struct scene *sc, const enum chan_pass *script, size_t n)
{
	struct framing fr = mode("raw");

	scene_begin(sc);
	passing = (struct passing){.script = script, .n = n};
	sc->side[0].d.by_hand = true;
	open_side(sc, 0, &fr, &fr, 1000);
	chan_pass(&sc->side[0].chan, pass_in, pass_out);
	return &sc->side[0];
}

static void
test_pass_in(void)
{
	static const enum chan_pass script[] = {CHAN_PASS_MOVED,
	    CHAN_PASS_MOVED, CHAN_PASS_EMPTY, CHAN_PASS_MOVED, CHAN_PASS_FULL,
	    CHAN_PASS_EMPTY, CHAN_PASS_OVER};
	static const enum chan_pass fails[] = {
	    CHAN_PASS_MOVED, CHAN_PASS_FAILED, CHAN_PASS_MOVED};
	static const char want[] = "given back and read";
	struct stream_step reads[] = {BYTES(4), BYTES(SIZE_MAX), END};
	struct scene sc;
	struct side *s;
	int i;

	s = open_passing(&sc, script, sizeof(script) / sizeof(script[0]));
	s->d.in = text("and read");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	stream_double_ready(&s->d, STREAM_READABLE);
	is_num(passing.at, 3, "it is called until there is no more");
	is_num(s->chan.counts.bytes_in, 20, "what passes is counted");
	stream_double_ready(&s->d, STREAM_READABLE);
	is_num(s->chan.reading, CHAN_PAUSED, "what is full pauses");
	ok(!stream_double_ready(&s->d, STREAM_READABLE),
	    "and is not waited for");
	chan_resume(&s->chan);
	is_num(s->chan.reading, CHAN_READING, "until it is resumed");
	is_num(s->batches, 0, "none of it is seen");
	is_num(s->d.reads_done, 0, "and nothing is read");
	for (i = 0; i < 5; i++)
		stream_double_ready(&s->d, STREAM_READABLE);
	is_num(s->heard.len, sizeof(want) - 1 + 3 * sizeof(size_t),
	    "from then on it is read, behind what was given back");
	is_num(s->chan.counts.bytes_in, 38, "which is counted once");
	is_num(s->chan.counts.messages_in, 6, "each piece as a message");
	is_num(s->why, CHAN_END_CLOSED, "and ends as ever");
	ok(scene_end(&sc, "passes in"), "nothing of it stays");

	s = open_passing(&sc, fails, sizeof(fails) / sizeof(fails[0]));
	stream_double_ready(&s->d, STREAM_READABLE);
	is_num(s->ends, 1, "a failure ends the reading");
	is_num(s->why, CHAN_END_FAILED, "and is called one");
	is_num(s->end_err, ETIMEDOUT, "by its errno");
	is_num(passing.at, 2, "nothing passes behind it");
	ok(scene_end(&sc, "fails in"), "nothing of it stays");
}

static void
test_pass_out(void)
{
	struct scene sc;
	struct side *s;

	s = open_passing(&sc, NULL, 0);
	chan_passed_out(&s->chan, 100, 50, true);
	is_num(s->chan.counts.bytes_out, 100, "what is in the stream is sent");
	is_num(chan_queued(&s->chan), 50, "what is taken for it is queued");
	play(&sc);
	is_num(s->draineds, 0, "and not drained");
	ok(stream_double_ready(&s->d, STREAM_WRITABLE),
	    "a stream that is stuck is waited for");
	is_num(passing.outs, 1, "and told of when it takes more");
	is_num(s->chan.counts.bytes_out, 150, "then the rest is sent");
	play(&sc);
	is_num(s->draineds, 1, "and all of it is drained");
	ok(!stream_double_ready(&s->d, STREAM_WRITABLE),
	    "then nothing is waited for");
	chan_passed_out(&s->chan, 1, 70, false);
	chan_pass_failed(&s->chan, EPIPE);
	is_num(s->fail_err, EPIPE, "a failure is told");
	is_num(chan_queued(&s->chan), 70, "what was not sent is known");
	ok(!stream_double_ready(&s->d, STREAM_WRITABLE), "and not waited for");
	ok(scene_end(&sc, "passes out"), "nothing of it stays");

	s = open_passing(&sc, NULL, 0);
	chan_passed_out(&s->chan, 1, 1, true);
	chan_shut(&s->chan);
	play(&sc);
	is_num(s->d.shuts_done, 0, "our half stays open while bytes are held");
	chan_passed_out(&s->chan, 1, 0, false);
	play(&sc);
	is_num(s->d.shuts_done, 1, "and closes behind them");
	ok(scene_end(&sc, "closes behind"), "nothing of it stays");
}

/* Memory. */

static size_t
in_use(void)
{
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#if __GLIBC_PREREQ(2, 33)
	return mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
#endif
	return 0;
}

static void
test_memory(void)
{
	struct stream_step reads[] = {BYTES(SIZE_MAX), AGAIN};
	struct framing fr = mode("windev");
	size_t before, next = 0;
	struct slice v[WORDS];
	struct batch b = word_batch(v);
	struct scene sc;
	struct side *s;

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = text("16777216\r\nx");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	open_side(&sc, 0, &fr, &fr, 8u << 20);
	before = in_use();
	play(&sc);
	is_num(
	    chan_partial(&s->chan), 11, "of an announced 16 MiB 11 are here");
	ok(chan_part_memory(&s->chan) < 1000, "and so much is kept: %zu",
	    chan_part_memory(&s->chan));
	ok(in_use() <= before + (600u << 10),
	    "all in all, with the loop's inbox: %zu", in_use() - before);
	ok(s->chan.work->held == NULL && s->chan.work->queue.p == NULL,
	    "and the channel owns no other buffer");
	ok(scene_end(&sc, "an announced length"), "and all is given back");

	scene_begin(&sc);
	s = &sc.side[0];
	s->d.in = text("1\r\nx");
	s->d.reads = (struct stream_script)SCRIPT(reads);
	open_side(&sc, 0, &fr, &fr, 8u << 20);
	ok(s->chan.work == NULL,
	    "a channel that has done nothing owns no buffer");
	chan_send(&s->chan, &b, &next);
	play(&sc);
	ok(s->chan.work == NULL, "nor does one that is idle again");
	ok(scene_end(&sc, "idle"), "and all is given back");
}

/* By chance. */

#define CHANCE_MESSAGES 30
#define CHANCE_BYTES 400

struct chance {
	struct framing fr;
	uint8_t bytes[CHANCE_MESSAGES][CHANCE_BYTES];
	struct slice v[CHANCE_MESSAGES];
	struct batch b;
	struct heap wire, want;
	struct stream_step reads[SCRIPT_MAX], writes[64];
	size_t reads_n;
};

/* Messages of a framing that can be sent, and what they are on the wire. */
static void
chance_batch(struct chance *k, uint64_t *dice_state)
{
	struct encode_frame f;
	struct encoder e;
	size_t n, len, i = 0;

	do {
		chance_framing(dice_state, &k->fr);
	} while (k->fr.mode == FRAMING_RAW ||
	    k->fr.mode == FRAMING_END_TAG_BUFFER ||
	    k->fr.mode == FRAMING_UNTIL_CLOSE);
	k->b = (struct batch){k->v, 0, CHANCE_MESSAGES};
	n = dice_below(dice_state, CHANCE_MESSAGES);
	encoder_init(&e, &k->fr);
	for (i = 0; i < n; i++) {
		len = chance_message(
		    dice_state, &k->fr, k->bytes[i], CHANCE_BYTES);
		if (encode_wrap(&e, slice_of(k->bytes[i], len), &f) ==
		    ENCODE_OK)
			batch_add(&k->b, k->bytes[i], len);
	}
	k->wire.len = k->want.len = 0;
	encode_all(&k->wire, &k->fr, &k->b);
	add_batch(&k->want, &k->b);
}

static void
chance_reads(struct chance *k, uint64_t *dice_state)
{
	size_t left = k->wire.len, n;

	k->reads_n = 0;
	while (left > 0 && k->reads_n < SCRIPT_MAX - 2) {
		if (dice_below(dice_state, 4) == 0) {
			k->reads[k->reads_n++] = (struct stream_step)AGAIN;
			continue;
		}
		n = 1 + dice_below(dice_state, 1 + dice_below(dice_state, 300));
		k->reads[k->reads_n++] = (struct stream_step)BYTES(n);
		left -= n < left ? n : left;
	}
	k->reads[k->reads_n++] = (struct stream_step)BYTES_TIMES(SIZE_MAX, 1);
	k->reads[k->reads_n++] = (struct stream_step)END;
}

static void
test_chance(void)
{
	struct chance *k = calloc(1, sizeof(*k));
	uint64_t state = dice_seed();
	unsigned i, n = rounds(3000);
	size_t j, steps;
	bool well = true;

	for (i = 0; i < n && well; i++) {
		chance_batch(k, &state);
		chance_reads(k, &state);
		well &= hears(&k->fr, &k->wire,
		    (struct stream_script){.v = k->reads, .n = k->reads_n},
		    (unsigned)dice_below(&state, 4), &k->want, CHAN_END_CLOSED,
		    "reads by chance");
		steps = dice_below(&state, 64);
		for (j = 0; j < steps; j++)
			k->writes[j] = dice_below(&state, 3) == 0
			    ? (struct stream_step)AGAIN
			    : (struct stream_step)BYTES(
				  1 + dice_below(&state, 300));
		well &= says(&k->fr, &k->b,
		    (struct stream_script){.v = k->writes, .n = steps}, at_once,
		    1 + dice_below(&state, 2000), "writes by chance");
	}
	ok(well, "whatever the framing, the reads and the writes");
	heap_free(&k->wire);
	heap_free(&k->want);
	free(k);
}

/*
 * What a loop has to lend goes with it, and with each channel what it still has
 * of that.
 */
static void
test_released_first(void)
{
	static const struct stream_step stuck[] = {
	    {.act = STREAM_ACT_AGAIN, .times = 9}};
	static uint8_t bytes[5000];
	struct framing fr = mode("raw");
	struct slice v[1] = {text("one")};
	struct batch b = {v, 1, 1};
	struct scene sc;
	size_t next = 0;

	scene_begin(&sc);
	open_side(&sc, 0, &fr, &fr, 1000);
	sc.side[1].d.writes = (struct stream_script)SCRIPT(stuck);
	sc.side[1].d.by_hand = true;
	open_side(&sc, 1, &fr, &fr, 10000);
	v[0] = slice_of(bytes, sizeof(bytes));
	next = 0;
	chan_send(&sc.side[1].chan, &b, &next);
	v[0] = text("one");
	next = 0;
	chan_send(&sc.side[0].chan, &b, &next);
	uv_run(&sc.uv, UV_RUN_NOWAIT);
	ok(sc.loop.queue.p != NULL, "a queue that is empty is lent to others");
	ok(scene_end(&sc, "released"), "and all is well");
}

int
main(void)
{
	test_splits();
	test_batches();
	test_large();
	test_ends();
	test_last();
	test_bad();
	test_bad_and_kept();
	test_change();
	test_change_in_batch();
	test_two();
	test_pending();
	test_packets();
	test_writes();
	test_large_writes();
	test_turn();
	test_marks();
	test_low_before_drained();
	test_shut();
	test_write_failures();
	test_large_failure();
	test_refused();
	test_closing();
	test_pass_in();
	test_pass_out();
	test_memory();
	test_released_first();
	test_chance();
	return done_testing();
}
