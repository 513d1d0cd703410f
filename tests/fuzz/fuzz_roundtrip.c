/*
 * Messages to bytes and back. The input is
 *
 *	mode, max, room, how, a byte for each cut, messages
 *
 * and a message a byte that says how long it is, then its bytes; the highest
 * ones stand for lengths that no input reaches, filled with what follows.
 * Whatever the buffers, the same bytes; what is accepted comes back, however
 * it arrives; what is refused is refused for a reason.
 */
#include "check.h"
#include "codec/encode.h"
#include "feed.h"
#include "modes.h"
#include "talk/explain.h"

#define CUTS_MAX 7
#define MESSAGES_MAX 40
#define TOTAL_MAX (200u << 10)
#define PATTERN 8
#define LONG_FIRST 251

struct wire {
	uint8_t *p;
	size_t len, cap;
	size_t ends[MESSAGES_MAX]; /* of each frame */
	size_t frames;
	enum encode_error refused[MESSAGES_MAX]; /* 0: accepted */
};

struct choice {
	struct framing fr;
	size_t room;
	struct feed_how how;
	size_t steps[CUTS_MAX], cuts[CUTS_MAX];
	struct slice v[MESSAGES_MAX];
	size_t n;
};

static struct feed feed;
static struct wire tight, large, wrapped;
static uint8_t arena[TOTAL_MAX];

static size_t
message_len(uint8_t c, size_t left)
{
	static const size_t lens[] = {ENCODE_LARGE_MIN - 1, ENCODE_LARGE_MIN,
	    ENCODE_LARGE_MIN + 1, 65536, 300};

	if (c >= LONG_FIRST)
		return lens[c - LONG_FIRST];
	return c < left ? c : left;
}

static void
choose_messages(struct choice *c, struct slice in)
{
	size_t total = 0, len, have, i;

	while (in.len > 0 && c->n < MESSAGES_MAX) {
		uint8_t how = check_byte(&in);

		len = message_len(how, in.len);
		if (len > TOTAL_MAX - total)
			return;
		have = how < LONG_FIRST ? len : PATTERN;
		if (have > in.len)
			have = in.len;
		for (i = 0; i < len; i++)
			arena[total + i] = have > 0 ? in.p[i % have] : 'x';
		c->v[c->n++] = slice_of(arena + total, len);
		total += len;
		in.p += have;
		in.len -= have;
	}
}

static void
choose(struct choice *c, struct slice in)
{
	uint8_t how;

	memset(c, 0, sizeof(*c));
	modes_pick(&in, &c->fr);
	c->room = check_byte(&in);
	how = check_byte(&in);
	c->how.batch = 1 + (how >> 3);
	c->how.cuts_n = how & CUTS_MAX;
	check_cuts(&in, SIZE_MAX, 1, c->steps, c->how.cuts_n);
	c->how.cuts = c->cuts;
	choose_messages(c, in);
}

static void
wire_add(struct wire *w, const uint8_t *p, size_t len)
{
	if (w->len + len > w->cap || w->p == NULL) {
		w->cap = (w->len + len) * 2 + 64;
		w->p = realloc(w->p, w->cap);
		if (w->p == NULL)
			abort();
	}
	if (len > 0)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

static void
refused(struct wire *w, struct encoder *e, struct slice m, size_t i)
{
	const struct encode_fault *q = &e->fault;
	struct fail f;

	CHECK(q->code != ENCODE_SENDABLE && q->len == m.len &&
		q->offset <= m.len && q->message == e->messages + 1,
	    "a fault is that of its message");
	w->refused[i] = q->code;
	memset(&f, 0x5a, sizeof(f));
	explain_encode(q, e->fr, &f);
	check_fail(&f);
}

static bool
wrap(struct wire *w, struct encoder *e, struct slice m, size_t i)
{
	struct encode_frame frame;

	if (encode_wrap(e, m, &frame) != ENCODE_OK) {
		refused(w, e, m, i);
		return false;
	}
	CHECK(frame.head_len <= ENCODE_HEAD_MAX, "a head fits");
	wire_add(w, frame.head, frame.head_len);
	wire_add(w, m.p, m.len);
	wire_add(w, frame.tail.p, frame.tail.len);
	return true;
}

static void
encode_wrapped(const struct choice *c)
{
	struct encoder e;
	size_t i;

	encoder_init(&e, &c->fr);
	for (i = 0; i < c->n; i++)
		if (wrap(&wrapped, &e, c->v[i], i))
			wrapped.ends[wrapped.frames++] = wrapped.len;
}

/* Through one buffer of `cap` bytes, emptied when it is full. */
static void
encode_through(const struct choice *c, size_t cap, struct wire *w)
{
	struct batch b = {(struct slice *)(uintptr_t)c->v, c->n, c->n};
	struct span out = {check_alloc(cap), 0, cap};
	enum encode_result r;
	struct encoder e;
	size_t next = 0, was;

	encoder_init(&e, &c->fr);
	do {
		was = next;
		r = encode(&e, &b, &next, &out);
		CHECK(out.len <= cap && next <= c->n, "a buffer is kept to");
		CHECK(r != ENCODE_FULL || out.len > 0 || next > was,
		    "the header's buffer takes any message");
		if (r == ENCODE_FULL || r == ENCODE_LARGE || r == ENCODE_OK) {
			wire_add(w, out.p, out.len);
			out.len = 0;
		}
		if (r == ENCODE_BAD)
			refused(w, &e, c->v[next], next);
		if (r == ENCODE_LARGE)
			wrap(w, &e, c->v[next], next);
		if (r == ENCODE_BAD || r == ENCODE_LARGE)
			next++;
	} while (r != ENCODE_OK);
	CHECK(next == c->n, "a batch is encoded to its end");
	free(out.p);
}

static bool
same_wire(const struct wire *a, const struct wire *b)
{
	return check_same(slice_of(a->p, a->len), slice_of(b->p, b->len)) &&
	    memcmp(a->refused, b->refused, sizeof(a->refused)) == 0;
}

/* The least that takes the small messages, and `room` more. */
static size_t
tight_room(const struct choice *c)
{
	size_t longest = 0, i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].len > longest && c->v[i].len < ENCODE_LARGE_MIN)
			longest = c->v[i].len;
	return ENCODE_HEAD_MAX + FRAMING_TAG_MAX + longest + c->room;
}

static void
wire_clear(struct wire *w)
{
	w->len = w->frames = 0;
	memset(w->refused, 0, sizeof(w->refused));
}

/* A reader of payload and tag would not have found the payload. */
static void
check_tag(const struct choice *c, struct slice m)
{
	const struct feed_how at_once = {.batch = 1};
	struct framing fr = c->fr;
	struct wire w = {0};

	fr.max = TOTAL_MAX;
	wire_add(&w, m.p, m.len);
	wire_add(&w, fr.tag, fr.tag_len);
	feed_run(&feed, &fr, slice_of(w.p, w.len), &at_once);
	CHECK(feed.n > 0 && !check_same(feed_message(&feed, 0), m),
	    "a message refused for its tag could not be read");
	free(w.p);
}

static void
check_reason(const struct choice *c, struct slice m, enum encode_error code)
{
	switch (code) {
	case ENCODE_SENDABLE:
		CHECK(m.len <= c->fr.max, "what is sent is not too long");
		break;
	case ENCODE_ERR_LONG:
		CHECK(m.len > c->fr.max, "what is too long is over max");
		break;
	case ENCODE_ERR_HEADER:
		CHECK(m.len > (c->fr.width == 1 ? 9u : 99u),
		    "what no header can say is long");
		break;
	case ENCODE_ERR_TAG:
		check_tag(c, m);
		break;
	case ENCODE_ERR_UNITS:
		CHECK(m.len % 2 == 1 && c->fr.count == FRAMING_COUNT_UTF16,
		    "half a unit is an odd number of bytes");
		break;
	case ENCODE_ERR_SECOND:
		CHECK(c->fr.mode == FRAMING_UNTIL_CLOSE && m.len > 0,
		    "until-close alone has no second message");
		break;
	}
}

/* end-tag-buffer: a read for each frame; others: wherever the input says. */
static void
set_cuts(struct choice *c)
{
	size_t i;

	if (c->fr.mode == FRAMING_END_TAG_BUFFER) {
		c->how.cuts = wrapped.ends;
		c->how.cuts_n = wrapped.frames;
		return;
	}
	for (i = 0; i < c->how.cuts_n; i++)
		c->cuts[i] =
		    c->steps[i] < wrapped.len ? c->steps[i] : wrapped.len;
}

static void
check_back(struct choice *c)
{
	struct slice wire;
	/* Where no bytes are no message. */
	const bool skip = c->fr.mode == FRAMING_UNTIL_CLOSE;
	size_t i, k = 0;

	wire_add(&wrapped, NULL, 0); /* so that no bytes have a place too */
	wire = slice_of(wrapped.p, wrapped.len);
	set_cuts(c);
	feed_run(&feed, &c->fr, wire, &c->how);
	CHECK(feed.broken[0] == '\0', "%s", feed.broken);
	CHECK(feed.result == DECODE_MORE, "what was sent ends in order, not %d",
	    (int)feed.fault.code);
	if (c->fr.mode == FRAMING_RAW) {
		CHECK(check_same(slice_of(feed.bytes, feed.bytes_len), wire),
		    "raw comes back as it was sent");
		return;
	}
	for (i = 0; i < c->n; i++) {
		if (wrapped.refused[i] || (skip && c->v[i].len == 0))
			continue;
		CHECK(k < feed.n, "message %zu comes back", i);
		CHECK(check_same(feed_message(&feed, k), c->v[i]),
		    "message %zu comes back unchanged", i);
		k++;
	}
	CHECK(k == feed.n, "%zu messages are sent, %zu come", k, feed.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice c;
	size_t i;

	choose(&c, slice_of(data, size));
	wire_clear(&tight);
	wire_clear(&large);
	wire_clear(&wrapped);
	encode_wrapped(&c);
	encode_through(&c, tight_room(&c), &tight);
	encode_through(&c, 4 * ENCODE_LARGE_MIN, &large);
	CHECK(same_wire(&tight, &wrapped), "tight buffers change nothing");
	CHECK(same_wire(&large, &wrapped), "large buffers change nothing");
	for (i = 0; i < c.n; i++)
		check_reason(&c, c.v[i], wrapped.refused[i]);
	check_back(&c);
	return 0;
}
