/*
 * A scan against the decoder: whatever the bytes and however they are cut,
 * both find the same messages and refuse the same byte. Each byte is told
 * apart as the decoder's slices say.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "codec/encode.h"
#include "codec/scan.h"
#include "guard.h"
#include "tap.h"

#define WIRE_MAX 4096
#define FOUND_MAX WIRE_MAX
#define CUTS_MAX 12
#define TAG_64                                                                 \
	"aaaaaaaaaaaaaaabaaaaaaaaaaaaaaabaaaaaaaaaaaaaaabaaaaaaaaaaaaaaac"

/* What was found in a stream, by either. */
struct found {
	struct {
		uint64_t start, payload;
		size_t head, tail;
	} v[FOUND_MAX];
	size_t n;
	size_t by[CUTS_MAX + 1]; /* so many messages after each read */
	enum decode_error code;
	uint64_t bad; /* the byte that was refused */
	uint64_t bad_start, announced;
	char kind[WIRE_MAX + 1];
};

static void
keep(
    struct found *f, uint64_t start, size_t head, uint64_t payload, size_t tail)
{
	f->v[f->n].start = start;
	f->v[f->n].head = head;
	f->v[f->n].payload = payload;
	f->v[f->n].tail = tail;
	f->n++;
}

/* Bytes that have arrived, decoded one message at a time. */
static size_t
decode_some(struct decoder *d, struct slice in, bool at_end, struct found *f)
{
	enum decode_result r;
	struct slice m;
	struct batch b;
	size_t used, total = 0;
	uint64_t start;

	for (;;) {
		b = (struct batch){&m, 0, 1};
		start = d->offset;
		used = 0;
		r = at_end ? decode_end(d, in, &b) : decode(d, in, &b, &used);
		if (b.n > 0) {
			if (at_end)
				used = (size_t)(d->offset - start);
			keep(f, start, (size_t)(m.p - in.p), m.len,
			    used - (size_t)(m.p - in.p) - m.len);
		}
		if (r == DECODE_BAD) {
			f->code = d->fault.code;
			f->bad = d->fault.offset;
			f->bad_start = d->fault.start;
			f->announced = d->fault.announced;
		}
		in = slice_of(in.p + used, in.len - used);
		total += used;
		if (b.n == 0 || r == DECODE_BAD || in.len == 0)
			return total;
	}
}

static void
by_decoder(struct decoder *d, const uint8_t *wire, size_t len,
    const size_t *cuts, size_t n, struct found *f)
{
	size_t at = 0, i;

	for (i = 0; i <= n; i++) {
		const size_t end = i < n ? cuts[i] : len;

		if (f->code == DECODE_OK && end > (i > 0 ? cuts[i - 1] : 0))
			at += decode_some(
			    d, slice_of(wire + at, end - at), false, f);
		f->by[i] = f->n;
	}
	if (f->code == DECODE_OK)
		decode_some(d, slice_of(wire + at, len - at), true, f);
}

static void
mark(struct found *f, size_t *at, size_t n, char kind)
{
	memset(f->kind + *at, kind, n);
	*at += n;
}

static void
note_end(struct scan *s, struct found *f)
{
	const struct scan_message *m = &s->last;

	keep(f, m->start, m->head_len, m->payload, m->tail);
}

/* What is told of the message that a piece, begun at `begin`, belongs to. */
static bool
last_holds(const struct scan *s, const struct scan_piece *p, uint64_t begin,
    const struct found *f)
{
	const struct scan_message *m = &s->last;
	uint64_t good = s->offset, head = s->offset;

	if (s->refused)
		good = s->fault.offset > begin ? s->fault.offset : begin;
	if (m->has_head || m->head_len == 0)
		head = m->start + m->head_len;
	if (head > good)
		head = good;
	return m->number == f->n + 1 && p->refused == s->offset - good &&
	    p->head == (head > begin ? head - begin : 0) &&
	    (s->refused ? s->behind == 0 && !p->ends
			: m->start + m->head_len + m->payload + m->tail ==
			s->offset - s->behind);
}

/* Each read lies by itself, beside a page that nobody may touch. */
static bool
scan_read(struct scan *s, struct guard *g, struct slice in, struct found *f)
{
	size_t at = (size_t)s->offset, used;
	struct scan_piece p;
	unsigned idle = 0;

	in.p = guard_end(g, in.p, in.len);
	while (in.len > 0) {
		used = scan_take(s, in, &p);
		if (p.head + p.payload + p.maybe + p.tail + p.refused != used ||
		    used > in.len || (used == 0 && ++idle > 1))
			return false;
		mark(f, &at, p.head, 'h');
		mark(f, &at, p.payload, 'p');
		mark(f, &at, p.maybe, 'm');
		mark(f, &at, p.tail, 't');
		mark(f, &at, p.refused, 'r');
		if (at != s->offset || !last_holds(s, &p, at - used, f))
			return false;
		if (p.ends)
			note_end(s, f);
		in = slice_of(in.p + used, in.len - used);
	}
	return true;
}

static bool
by_scan(struct scan *s, struct guard *g, const uint8_t *wire, size_t len,
    const size_t *cuts, size_t n, struct found *f)
{
	size_t at = 0, i;

	for (i = 0; i <= n; i++) {
		const size_t end = i < n ? cuts[i] : len;

		if (!scan_read(s, g, slice_of(wire + at, end - at), f))
			return false;
		at = end;
		f->by[i] = f->n;
	}
	if (scan_end(s))
		note_end(s, f);
	if (s->refused) {
		f->code = s->fault.code;
		f->bad = s->fault.offset;
		f->bad_start = s->fault.start;
		f->announced = s->fault.announced;
	} else if (s->behind > 0) {
		f->code = DECODE_ERR_LENGTH;
		f->bad = f->bad_start = s->offset - s->behind;
	}
	return s->offset == len;
}

/* The bytes of a message are what they were said to be when they passed. */
static bool
kinds_hold(const struct framing *fr, const struct found *f, size_t i)
{
	const char *k = f->kind + f->v[i].start;
	const size_t payload = (size_t)f->v[i].payload;
	const bool tags = fr->mode == FRAMING_END_TAG ||
	    fr->mode == FRAMING_END_TAG_BUFFER || fr->mode == FRAMING_LINES;
	const char *in_payload = tags ? "pm" : "p", *in_tail = "t";

	/* Nobody can know where a tail begins that is counted in characters. */
	if (tags)
		in_tail = "tm";
	else if (fr->count == FRAMING_COUNT_CHARS)
		in_tail = "tp";
	return strspn(k, "h") >= f->v[i].head &&
	    strspn(k + f->v[i].head, in_payload) >= payload &&
	    strspn(k + f->v[i].head + payload, in_tail) >= f->v[i].tail;
}

static bool
same(const struct framing *fr, const struct found *a, const struct found *b)
{
	size_t i;

	if (a->n != b->n || memcmp(a->by, b->by, sizeof(a->by)) != 0 ||
	    a->code != b->code || a->bad != b->bad ||
	    a->bad_start != b->bad_start || a->announced != b->announced)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->v[i].start != b->v[i].start ||
		    a->v[i].head != b->v[i].head ||
		    a->v[i].payload != b->v[i].payload ||
		    a->v[i].tail != b->v[i].tail || !kinds_hold(fr, b, i))
			return false;
	return true;
}

static void
tell(const struct framing *fr, const uint8_t *wire, size_t len,
    const struct found *want, const struct found *got)
{
	char mode[FRAMING_TEXT_MAX];

	diag("mode %s%s, at most %zu", framing_print(fr, mode),
	    fr->open_end ? " with an open end" : "", fr->max);
	diag_bytes("wire", wire, len);
	diag("decoder: %zu messages, code %d at %" PRIu64, want->n,
	    (int)want->code, want->bad);
	diag("scan: %zu messages, code %d at %" PRIu64 ": %s", got->n,
	    (int)got->code, got->bad, got->kind);
}

/* Some messages in their frames, and then perhaps not quite. */
static size_t
some_wire(uint64_t *state, const struct framing *fr, uint8_t *wire)
{
	struct span out = {wire, 0, WIRE_MAX - 200};
	struct encoder e;
	uint8_t text[200];
	size_t i, n = dice_below(state, 6), next;
	struct slice m;

	encoder_init(&e, fr);
	for (i = 0; i < n; i++) {
		m = slice_of(
		    text, chance_message(state, fr, text, sizeof(text)));
		next = 0;
		encode(&e, &(struct batch){&m, 1, 1}, &next, &out);
	}
	if (dice_below(state, 3) == 0)
		out.len += chance_message(state, fr, wire + out.len, 100);
	if (dice_below(state, 3) == 0 && out.len > 0)
		wire[dice_below(state, out.len)] =
		    (uint8_t) "0123456789 \r\n:,\xe2\x82"[dice_below(
			state, 17)];
	if (dice_below(state, 3) == 0)
		out.len = dice_below(state, out.len + 1);
	return out.len;
}

/* One stream, both ways; true: they agree. */
static bool
try_one(const struct framing *fr, struct guard *g, const uint8_t *wire,
    size_t len, const size_t *cuts, size_t n, struct found *found)
{
	static struct found want, got;
	struct decoder d;
	struct scan s;

	memset(&want, 0, sizeof(want));
	memset(&got, 0, sizeof(got));
	decoder_init(&d, fr);
	scan_init(&s, fr);
	by_decoder(&d, wire, len, cuts, n, &want);
	if (by_scan(&s, g, wire, len, cuts, n, &got) && same(fr, &want, &got)) {
		*found = got;
		return true;
	}
	tell(fr, wire, len, &want, &got);
	return false;
}

static void
test_by_chance(uint64_t *state)
{
	static struct found found;
	unsigned i, n = rounds(100000), bad = 0, refused = 0, whole = 0;
	static uint8_t wire[WIRE_MAX];
	size_t cuts[CUTS_MAX], pieces, len;
	struct guard g = {0};
	struct framing fr;

	for (i = 0; i < n && bad < 3; i++) {
		chance_framing(state, &fr);
		fr.tag_align = (const size_t[]){0, 0, 1, 3}[i % 4];
		if (dice_below(state, 3) == 0)
			fr.max = dice_below(state, 60);
		if (fr.mode == FRAMING_END_TAG)
			fr.open_end = dice_below(state, 2);
		len = some_wire(state, &fr, wire);
		pieces = dice_below(state, CUTS_MAX + 1);
		chance_cuts(state, len, cuts, pieces);
		if (!try_one(&fr, &g, wire, len, cuts, pieces, &found))
			bad++;
		refused += found.code != DECODE_OK;
		whole += found.code == DECODE_OK && found.n > 1;
	}
	guard_free(&g);
	is_num(bad, 0, "a scan finds what the decoder finds, in any pieces");
	ok(refused > n / 50 && whole > n / 50,
	    "both what is in order and what is not was tried: %u, %u", whole,
	    refused);
}

/* Each cut of a few streams whose ends are hard to find. */
static void
test_each_cut(void)
{
	static const struct {
		const char *mode, *wire;
		size_t n;
		enum decode_error code;
		size_t max; /* 0: as it is */
	} rows[] = {
	    {"windev", "5\r\nhello0\r\n1\r\nx", 3, DECODE_OK, 0},
	    {"windev", "5\r\nhello!", 1, DECODE_ERR_LENGTH, 0},
	    {"windev,tail=CRLF", "3\r\na\r\n2\r\n\r\n3\r\nb\r\r", 2,
		DECODE_ERR_TRAILER, 0},
	    {"windev,count=chars",
		"2\r\n\xc3\xa9"
		"a1\r\n\xe2\x82"
		"1\r\nx",
		2, DECODE_ERR_LENGTH, 0},
	    {"windev,count=chars", "1\r\n\xe2\x82", 1, DECODE_ERR_LENGTH, 0},
	    {"windev,count=chars", "2\r\n\xe2\x82", 1, DECODE_OK, 0},
	    {"windev,count=chars,tail=\\xc3\\xa9",
		"2\r\na\xc3\xa9"
		"1\r\n\xc3\xa9"
		"1\r\nab",
		2, DECODE_ERR_TAIL, 0},
	    {"windev,count=chars,tail=\\xc3\\xa9", "2\r\n\xe2\x82", 0,
		DECODE_ERR_TRAILER, 0},
	    {"windev,count=utf16", "1\r\na\0", 0, DECODE_OK, 0},
	    {"end-tag=aab", "aaabaaaabb", 2, DECODE_OK, 0},
	    {"end-tag=" TAG_64, "a" TAG_64 "\n", 1, DECODE_OK, 0},
	    {"windev,count=chars,tail=" TAG_64, "65\r\na" TAG_64, 1, DECODE_OK,
		0},
	    {"end-tag=aabc", "aababcaabc", 1, DECODE_OK, 0},
	    {"end-tag=\\r\\n\\r\\n", "a\r\r\n\r\n\r\n\r\n", 2, DECODE_OK, 0},
	    {"lines", "a\n\nb", 3, DECODE_OK, 0},
	    {"netstring", "0:,3:abc,1:a;", 2, DECODE_ERR_TRAILER, 0},
	    {"fixed-header=3", "2  ab 1 c", 2, DECODE_OK, 0},
	    {"u8", "\1a\2bc", 2, DECODE_OK, 0},
	    {"until-close", "all of it", 1, DECODE_OK, 0},
	    {"until-close", "all of it", 1, DECODE_OK, 9},
	    {"until-close", "all of it", 0, DECODE_ERR_LONG, 8},
	    {"windev", "2\r\nab3\r\nabc", 1, DECODE_ERR_LONG, 2},
	    {"windev,count=chars",
		"2\r\nab2\r\n\xc3\xa9"
		"a",
		1, DECODE_ERR_LONG, 2},
	    {"windev,count=chars", "2\r\n\xc3\xa9", 0, DECODE_OK, 2},
	    {"windev,count=chars", "2\r\n\xe2\x82\xac", 0, DECODE_ERR_LONG, 2},
	    {"windev,count=chars", "4\r\n\xc3\xa9\xc3\xa9\xe2", 0,
		DECODE_ERR_LONG, 4},
	    {"end-tag=aab", "bbaabbbbaab", 1, DECODE_ERR_LONG, 2},
	    {"end-tag=aab", "bbaabbbbba", 1, DECODE_ERR_LONG, 2},
	};
	struct guard g = {0};
	struct found found;
	struct framing fr;
	size_t i, at, len, cuts[2];
	bool well;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		framing_parse(rows[i].mode, &fr, &at);
		if (rows[i].max > 0)
			fr.max = rows[i].max;
		len = strlen(rows[i].wire);
		well = true;
		for (cuts[0] = 0; well && cuts[0] <= len; cuts[0]++)
			for (cuts[1] = cuts[0]; well && cuts[1] <= len;
			     cuts[1]++)
				well = try_one(&fr, &g,
					   (const uint8_t *)rows[i].wire, len,
					   cuts, 2, &found) &&
				    found.n == rows[i].n &&
				    found.code == rows[i].code;
		ok(well, "each cut in three: %s, row %zu", rows[i].mode, i);
	}
	guard_free(&g);
}

/* What is told of a message before it is complete. */
static void
test_unfinished(void)
{
	struct scan_piece p;
	struct framing fr;
	struct scan s;
	size_t at;

	framing_parse("windev", &fr, &at);
	scan_init(&s, &fr);
	scan_take(&s, slice_of("1", 1), &p);
	ok(s.inside && !s.last.has_head && p.head == 1,
	    "a header is a header before it is whole");
	is_num(s.last.need, 0, "and tells nothing yet");
	scan_take(&s, slice_of("1\r\nHello", 8), &p);
	ok(s.inside && s.last.has_head && p.head == 3 && p.payload == 5,
	    "what follows it is payload");
	is_num(s.last.need, 11, "how much is to come is known");
	is_num(s.last.payload, 5, "and how much has");
	ok(!scan_end(&s) && s.inside, "an end there completes nothing");

	framing_parse("windev,count=chars", &fr, &at);
	scan_init(&s, &fr);
	scan_take(&s, slice_of("5\r\n\xc3\xa9\xe2\x82", 7), &p);
	is_num(
	    s.last.need, 0, "of characters nobody knows how many bytes come");
	is_num(s.last.payload, 4, "and half a character is payload");

	framing_parse("end-tag", &fr, &at);
	scan_init(&s, &fr);
	scan_take(&s, slice_of("a<EO", 4), &p);
	ok(p.payload == 1 && p.maybe == 3, "half a tag may be one");
	scan_take(&s, slice_of("F>", 2), &p);
	ok(p.ends && p.tail == 2 && s.last.tail == 5 && s.last.payload == 1,
	    "and the other half makes it one");
}

/* What ends without a tag, and has half of one. */
static void
test_open_end(void)
{
	struct scan_piece p;
	struct framing fr;
	struct scan s;
	size_t at;

	framing_parse("end-tag=aab", &fr, &at);
	fr.open_end = true;
	fr.max = 4;
	scan_init(&s, &fr);
	scan_take(&s, slice_of("bbaa", 4), &p);
	ok(p.maybe == 2 && scan_end(&s) && s.last.payload == 4,
	    "half a tag before the end is payload");
	fr.max = 3;
	scan_init(&s, &fr);
	scan_take(&s, slice_of("bbaa", 4), &p);
	ok(p.maybe == 2 && !s.refused && !scan_end(&s) && s.refused &&
		s.fault.code == DECODE_ERR_LONG && s.fault.offset == 0,
	    "and may be what is too much");
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_unfinished();
	test_open_end();
	test_each_cut();
	test_by_chance(&state);
	return done_testing();
}
