/*
 * Every vector, both ways, and however the bytes come: at once, cut in two at
 * each place, byte by byte, cut by chance, into batches of any size.
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "feed.h"
#include "tap.h"
#include "vectors.h"

static const size_t batches[] = {1, 2, FEED_BATCH_MAX};
#define BATCHES (sizeof(batches) / sizeof(batches[0]))

static bool
is_block_mode(const struct framing *fr)
{
	return fr->mode == FRAMING_END_TAG_BUFFER || fr->mode == FRAMING_RAW;
}

/* Is what was decoded what the vector says? Why not, if not. */
static const char *
decoded_otherwise(const struct vector *v, const struct feed *f)
{
	const struct decode_fault *q = &f->fault;
	struct slice m;
	size_t i;

	if (f->broken[0] != '\0')
		return f->broken;
	for (i = 0; i < f->n && i < v->n; i++) {
		m = feed_message(f, i);
		if (m.len != v->messages[i].len ||
		    (m.len > 0 && memcmp(m.p, v->messages[i].p, m.len) != 0))
			return "another message";
	}
	if (f->n != v->n)
		return f->n < v->n ? "messages are missing"
				   : "too many messages";
	if (v->decode_error == DECODE_OK)
		return f->result == DECODE_MORE ? NULL : "it is refused";
	if (f->result !=
	    (v->decode_error == DECODE_ERR_CUT ? DECODE_CUT : DECODE_BAD))
		return "another result";
	if (q->code != v->decode_error)
		return "another error";
	if (q->offset != v->offset)
		return "another offset";
	if (q->have != v->have || q->need != v->need)
		return "other figures of have and need";
	return NULL;
}

static void
show(const struct feed *f, const char *why, const struct feed_how *how)
{
	size_t i;

	diag("%s; batch %zu%s%s", why, how->batch,
	    how->each_byte ? ", byte by byte" : "",
	    how->at_begin ? ", behind the page" : "");
	for (i = 0; i < how->cuts_n; i++)
		diag("cut at %zu", how->cuts[i]);
	for (i = 0; i < f->n; i++)
		diag_bytes(
		    "message", feed_message(f, i).p, feed_message(f, i).len);
	diag("result %d, error %d at %llu, have %llu, need %llu", f->result,
	    f->fault.code, (unsigned long long)f->fault.offset,
	    (unsigned long long)f->fault.have,
	    (unsigned long long)f->fault.need);
}

/* One way of arriving, with batches of all sizes; the first failure shows. */
static bool
decodes(const struct vector *v, struct feed *f, struct feed_how how)
{
	const char *why;
	size_t i;

	for (i = 0; i < BATCHES; i++) {
		how.batch = batches[i];
		feed_run(f, &v->fr, v->wire, &how);
		why = decoded_otherwise(v, f);
		if (why != NULL) {
			show(f, why, &how);
			return false;
		}
	}
	return true;
}

static void
test_whole(const struct vector *v, struct feed *f)
{
	bool good = decodes(v, f, (struct feed_how){0}) &&
	    decodes(v, f, (struct feed_how){.at_begin = true});

	ok(good, "decoding at once: %s", v->name);
}

static void
test_cut_in_two(const struct vector *v, struct feed *f)
{
	bool good = true;
	size_t at;

	for (at = 1; good && at < v->wire.len; at++)
		good =
		    decodes(v, f, (struct feed_how){.cuts = &at, .cuts_n = 1});
	ok(good, "decoding in two parts, cut anywhere: %s", v->name);
}

static void
test_each_byte(const struct vector *v, struct feed *f)
{
	ok(decodes(v, f, (struct feed_how){.each_byte = true}),
	    "decoding byte by byte: %s", v->name);
}

static void
test_cut_by_chance(const struct vector *v, struct feed *f, uint64_t *state)
{
	unsigned i, n = rounds(50);
	struct feed_how how = {0};
	bool good = true;
	size_t cuts[12];

	for (i = 0; good && i < n; i++) {
		how.cuts_n = dice_below(state, 12) + 1;
		chance_cuts(state, v->wire.len, cuts, how.cuts_n);
		how.cuts = cuts;
		good = decodes(v, f, how);
	}
	ok(good, "decoding in parts cut by chance: %s", v->name);
}

static void
test_decode(const struct vector *v, struct feed *f, uint64_t *state)
{
	test_whole(v, f);
	if (is_block_mode(&v->fr))
		return;
	test_cut_in_two(v, f);
	test_each_byte(v, f);
	test_cut_by_chance(v, f, state);
}

static void
test_buffer_is_end_tag(
    const struct vector *v, struct feed *one, struct feed *other)
{
	const struct feed_how how = {
	    .each_byte = true, .batch = FEED_BATCH_MAX};
	struct framing tag = v->fr, buffer = v->fr;

	if (v->fr.mode != FRAMING_END_TAG &&
	    v->fr.mode != FRAMING_END_TAG_BUFFER)
		return;
	tag.mode = FRAMING_END_TAG;
	buffer.mode = FRAMING_END_TAG_BUFFER;
	feed_run(one, &tag, v->wire, &how);
	feed_run(other, &buffer, v->wire, &how);
	ok(feed_same(one, other) && one->broken[0] == '\0' &&
		other->broken[0] == '\0',
	    "end-tag-buffer fed byte by byte equals end-tag: %s", v->name);
}

/* What encoding gave, and how it ended. */
struct made {
	uint8_t *p;
	size_t len;
	size_t cap;
	enum encode_result result;
	struct encode_fault fault;
};

static void
keep(struct made *m, const void *p, size_t len)
{
	if (m->len + len > m->cap || m->p == NULL) {
		m->cap = (m->len + len) * 2 + 64;
		if ((m->p = realloc(m->p, m->cap)) == NULL)
			err(1, "realloc");
	}
	if (len > 0)
		memcpy(m->p + m->len, p, len);
	m->len += len;
}

/* The messages of a vector side by side, the last one against the page. */
static struct batch
lay_out(const struct vector *v, struct guard *g, struct slice *slices)
{
	struct made all = {0};
	size_t i, at = 0;
	uint8_t *p;

	for (i = 0; i < v->n; i++)
		keep(&all, v->messages[i].p, v->messages[i].len);
	p = guard_end(g, all.p, all.len);
	free(all.p);
	for (i = 0; i < v->n; i++) {
		slices[i] = slice_of(p + at, v->messages[i].len);
		at += v->messages[i].len;
	}
	return (struct batch){slices, v->n, v->n};
}

/* encode() into buffers of `room` bytes that end at the page. */
static unsigned
encode_all(
    const struct vector *v, size_t room, struct guard guards[2], struct made *m)
{
	struct slice slices[VECTOR_MESSAGES_MAX];
	struct batch b = lay_out(v, &guards[0], slices);
	struct span out = {guard_room(&guards[1], room), 0, room};
	struct encoder e;
	unsigned full = 0;
	size_t next = 0;

	encoder_init(&e, &v->fr);
	m->len = 0;
	do {
		m->result = encode(&e, &b, &next, &out);
		keep(m, out.p, out.len);
		if (m->result == ENCODE_FULL && out.len == 0)
			break;
		if (m->result == ENCODE_FULL)
			full++;
		out = (struct span){guard_room(&guards[1], room), 0, room};
	} while (m->result == ENCODE_FULL);
	m->fault = e.fault;
	return full;
}

static void
wrap_all(const struct vector *v, struct guard *g, struct made *m)
{
	struct encode_frame frame;
	struct encoder e;
	struct slice one;
	size_t i;

	encoder_init(&e, &v->fr);
	m->len = 0;
	m->result = ENCODE_OK;
	for (i = 0; i < v->n && m->result == ENCODE_OK; i++) {
		one.len = v->messages[i].len;
		one.p = guard_end(g, v->messages[i].p, one.len);
		m->result = encode_wrap(&e, one, &frame);
		if (m->result != ENCODE_OK)
			break;
		keep(m, frame.head, frame.head_len);
		keep(m, one.p, one.len);
		keep(m, frame.tail.p, frame.tail.len);
	}
	m->fault = e.fault;
}

static void
check_made(const struct vector *v, const struct made *m, const char *how)
{
	const struct encode_fault *q = &m->fault;
	const bool bad = v->encode_error != ENCODE_SENDABLE;
	const struct slice *last = &v->messages[v->n == 0 ? 0 : v->n - 1];

	is_bytes(m->p, m->len, v->wire.p, v->wire.len, "encoding %s: %s", how,
	    v->name);
	if (!ok(m->result == (bad ? ENCODE_BAD : ENCODE_OK) &&
		    q->code == v->encode_error && q->message == v->message &&
		    q->offset == v->offset &&
		    (!bad ||
			(q->len == last->len &&
			    q->look.len == last->len - q->offset)),
		"encoding %s ends as it should: %s", how, v->name))
		diag("result %d, error %d in message %llu at %zu", m->result,
		    q->code, (unsigned long long)q->message, q->offset);
}

static void
test_encode(const struct vector *v, struct guard guards[2], struct made *m)
{
	size_t i, room = 0, total = 0;

	for (i = 0; i < v->n; i++) {
		if (v->messages[i].len > room)
			room = v->messages[i].len;
		total += v->messages[i].len + ENCODE_HEAD_MAX + FRAMING_TAG_MAX;
	}
	room += ENCODE_HEAD_MAX + FRAMING_TAG_MAX;
	if (encode_all(v, total, guards, m) != 0)
		ok(false, "a large buffer is never full: %s", v->name);
	check_made(v, m, "at once");
	encode_all(v, room, guards, m);
	check_made(v, m, "into a tight buffer");
	wrap_all(v, &guards[0], m);
	check_made(v, m, "one by one");
}

static void
test_names_differ(const struct vectors *vs)
{
	size_t i, k;

	for (i = 0; i < vs->n; i++)
		for (k = 0; k < i; k++)
			if (strcmp(vs->v[i].name, vs->v[k].name) == 0)
				ok(false, "a vector's name is its own: %s",
				    vs->v[i].name);
}

int
main(int argc, char *argv[])
{
	struct guard guards[2] = {0};
	struct feed one = {0}, other = {0};
	struct made made = {0};
	uint64_t state = dice_seed();
	struct vectors vs;
	size_t i;

	vectors_read(&vs, argc, argv);
	ok(vs.n > 0, "there are vectors");
	test_names_differ(&vs);
	for (i = 0; i < vs.n; i++) {
		if (vs.v[i].decode) {
			test_decode(&vs.v[i], &one, &state);
			test_buffer_is_end_tag(&vs.v[i], &one, &other);
		}
		if (vs.v[i].encode)
			test_encode(&vs.v[i], guards, &made);
	}
	feed_free(&one);
	feed_free(&other);
	guard_free(&guards[0]);
	guard_free(&guards[1]);
	free(made.p);
	vectors_free(&vs);
	return done_testing();
}
