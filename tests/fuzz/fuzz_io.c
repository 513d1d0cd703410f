/*
 * What people write and what they see. The input is
 *
 *	kinds, crlf and max, batch and cuts, room, a byte for each cut, text
 *
 * A source gives the same messages however its text arrives. What it gives
 * goes through a sink, and through a small buffer comes what comes through a
 * large one. A first message is repeated until it is one that is not copied.
 * Where records begin with a channel, the messages come back from them.
 */
#include "base/text.h"
#include "check.h"
#include "pour.h"
#include "strain.h"

#define CUTS_MAX 7
#define MESSAGES_MAX 256
#define LARGE_ROOM (4 * SINK_LARGE_MIN)

struct choice {
	struct pour_how how;
	enum sink_kind sink;
	bool terminal;
	bool tagged;
	size_t room;
	unsigned large; /* which length the first message is to have */
	size_t cuts[CUTS_MAX];
	struct slice text;
};

static struct pour whole, split;
static struct strain tight, wide;
static uint8_t first[SINK_LARGE_MIN + 2];

static void
choose(struct choice *c, struct slice in)
{
	static const size_t max[] = {16u << 20, 1, 2, 5, 16, 100, 1000, 65536};
	uint8_t b;

	memset(c, 0, sizeof(*c));
	b = check_byte(&in);
	c->how.kind = (enum source_kind)(b % (SOURCE_HEX + 1));
	c->sink = (enum sink_kind)(b / (SOURCE_HEX + 1) % (SINK_NONE + 1));
	c->how.addressed = b / 49 % 2 == 1 && c->how.kind != SOURCE_WHOLE &&
	    c->how.kind != SOURCE_RAW;
	b = check_byte(&in);
	c->how.crlf = b & 1;
	c->terminal = b & 2;
	c->how.max = max[b >> 2 & 7];
	c->large = b >> 5;
	b = check_byte(&in);
	c->how.cuts_n = b & CUTS_MAX;
	c->how.batch = 1 + (b >> 3) % POUR_BATCH_MAX;
	b = check_byte(&in);
	c->room = SINK_STEP + b % 64u;
	c->tagged = b & 64;
	b = c->how.cuts_n > 0 ? 0 : b;
	c->how.cuts = c->cuts;
	check_cuts(&in, in.len > c->how.cuts_n ? in.len - c->how.cuts_n : 0,
	    b & 128 ? 16 : 1, c->cuts, c->how.cuts_n);
	c->text = in;
}

static void
check_source(const struct choice *c)
{
	struct pour_how at_once = c->how;

	at_once.batch = POUR_BATCH_MAX;
	at_once.cuts_n = 0;
	pour_run(&whole, c->text, &at_once);
	pour_run(&split, c->text, &c->how);
	if (c->how.kind == SOURCE_RAW)
		CHECK(check_same(slice_of(whole.bytes, whole.len), c->text) &&
			check_same(slice_of(split.bytes, split.len), c->text),
		    "raw loses nothing");
	else
		CHECK(pour_same(&whole, &split),
		    "a source of kind %d is the same however it arrives: "
		    "%zu messages and %d, %zu and %d: %s: %s",
		    (int)c->how.kind, whole.n, (int)whole.result, split.n,
		    (int)split.result, whole.fail.what, split.fail.what);
}

/* Makes the first message one of about SINK_LARGE_MIN bytes. */
static struct slice
enlarge(struct slice m, unsigned how)
{
	size_t len, i;

	if (how < 4 || m.len == 0)
		return m;
	len = SINK_LARGE_MIN + how - 6; /* two under it, up to one over */
	for (i = 0; i < len; i++)
		first[i] = m.p[i % m.len];
	return slice_of(first, len);
}

/* Is that the record of the message, as it is read back? */
static void
check_record(const struct choice *c, struct slice m, struct slice record)
{
	uint8_t *back = check_alloc(record.len);
	size_t len = 0, pos;

	CHECK(record.len >= 3 && memcmp(record.p, "c9\t", 3) == 0,
	    "a record begins with its channel");
	record = slice_of(record.p + 3, record.len - 3);
	if (c->sink == SINK_ESCAPED)
		CHECK(text_unescape(record, back, &len, &pos) == TEXT_OK,
		    "what is escaped is read back");
	else if (c->sink == SINK_HEX)
		CHECK(text_unhex(record, back, &len, &pos) == TEXT_OK,
		    "hex is read back");
	else if (!c->terminal)
		CHECK(text_unescape_record(record, c->sink == SINK_NULL, back,
			  &len, &pos) == TEXT_OK,
		    "a record is read back");
	if (c->sink == SINK_ESCAPED || c->sink == SINK_HEX || !c->terminal)
		CHECK(check_same(slice_of(back, len), m), "as it was");
	free(back);
}

/* As many records as there are messages, and nobody has forged one. */
static void
check_records(const struct choice *c, const struct batch *b, struct slice all)
{
	const int end = c->sink == SINK_NULL && !c->terminal ? '\0' : '\n';
	const uint8_t *p = all.p, *const stop = p + all.len, *behind;
	size_t i;

	for (i = 0; i < b->n; i++) {
		behind = memchr(p, end, (size_t)(stop - p));
		CHECK(behind != NULL, "each message has a record");
		check_record(c, b->v[i], slice_of(p, (size_t)(behind - p)));
		p = behind + 1;
	}
	CHECK(p == stop, "there are no other records");
}

static void
show(const struct choice *c, struct strain *s, size_t room,
    const struct batch *b)
{
	struct about_of of;
	struct sink sink;

	sink_init(&sink, c->sink, c->terminal);
	if (c->tagged)
		sink_set_tagged(&sink);
	about_begin(&of, 9, "");
	of.time_us = 0;
	sink_set_whose(&sink, &of);
	strain_through(s, &sink, room, b);
}

static void
check_sink(const struct choice *c)
{
	struct slice v[MESSAGES_MAX];
	struct batch b = {v, 0, MESSAGES_MAX};
	size_t from = 0, large = 0, i;

	for (i = 0; i < whole.n && i < MESSAGES_MAX; i++) {
		batch_add(&b, whole.bytes + from, whole.ends[i] - from);
		from = whole.ends[i];
	}
	if (b.n > 0)
		v[0] = enlarge(v[0], c->large);
	show(c, &tight, c->room, &b);
	show(c, &wide, LARGE_ROOM, &b);
	CHECK(check_same(slice_of(tight.bytes, tight.len),
		  slice_of(wide.bytes, wide.len)),
	    "a sink of kind %d is the same in %zu bytes", (int)c->sink,
	    c->room);
	for (i = 0; i < b.n; i++)
		large += v[i].len >= SINK_LARGE_MIN;
	CHECK(wide.large <= large, "a small message is copied");
	if (c->tagged && c->sink != SINK_RAW && c->sink != SINK_JSON &&
	    c->sink != SINK_NONE)
		check_records(c, &b, slice_of(wide.bytes, wide.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice c;

	choose(&c, slice_of(data, size));
	check_source(&c);
	check_sink(&c);
	return 0;
}
