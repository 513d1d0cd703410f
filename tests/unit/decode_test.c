/*
 * Decoding: what the vectors do not reach. Faults field by field, what is
 * asked for, full batches, and streams made by chance, against oracles and
 * against themselves cut otherwise.
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "codec/encode.h"
#include "feed.h"
#include "guard.h"
#include "tap.h"

#define STREAM_MAX 40000
#define RUNS 200

static struct framing
mode(const char *text)
{
	struct framing fr;
	size_t at;

	if (!ok(framing_parse(text, &fr, &at) == FRAMING_OK, "a mode: %s",
		text))
		memset(&fr, 0, sizeof(fr));
	return fr;
}

/* One decoder and all that its calls need. */
struct bench {
	struct framing fr;
	struct decoder d;
	struct slice v[FEED_BATCH_MAX];
	struct batch b;
	size_t used;
};

static void
bench_init(struct bench *t, const char *text)
{
	memset(t, 0xee, sizeof(*t));
	t->fr = mode(text);
	decoder_init(&t->d, &t->fr);
	t->b = (struct batch){t->v, 0, FEED_BATCH_MAX};
}

static enum decode_result
take(struct bench *t, const char *bytes, size_t len)
{
	t->used = 99;
	return decode(&t->d, slice_of(bytes, len), &t->b, &t->used);
}

static void
test_fault_fields(void)
{
	static const char wire[] = "1\r\na20\r\nxyz";
	const struct decode_fault *f;
	struct bench t;

	bench_init(&t, "windev");
	t.fr.max = 10;
	is_num(take(&t, wire, strlen(wire)), DECODE_BAD, "20 is over 10");
	f = &t.d.fault;
	is_num(t.used, 4, "the message before was consumed");
	is_num(t.b.n, 1, "the message before was delivered");
	is_num(f->code, DECODE_ERR_LONG, "it is too long");
	is_num(f->announced, 20, "the fault has what was announced");
	is_num(f->offset, 4, "the fault stands at the message");
	is_num(f->start, 4, "the message begins there");
	ok(f->look.p == (const uint8_t *)wire + 4 && f->look.len == 7,
	    "the fault shows the message");
	is_num(f->have + f->need, 0, "nothing is missing");

	bench_init(&t, "fixed-header=2");
	take(&t, "1 ax", 4);
	is_num(t.d.fault.code, DECODE_ERR_LENGTH, "a header of letters");
	is_num(t.d.fault.offset, 3, "behind a message");
	is_num(t.d.fault.announced, 0, "announces nothing");
	bench_init(&t, "windev,tail=CRLF");
	take(&t, "1\r\n\n", 4);
	is_num(t.d.fault.code, DECODE_ERR_TAIL, "1 is too short for CR LF");
	is_num(t.d.fault.announced, 1, "the fault has the short length");
	bench_init(&t, "windev,tail=CRLF");
	take(&t, "4\r\nab\rx", 7);
	is_num(t.d.fault.code, DECODE_ERR_TRAILER, "another tail");
	is_num(t.d.fault.offset, 6, "the first byte that differs");
	is_num(t.d.fault.start, 0, "the message begins before it");
	is_bytes(
	    t.d.fault.look.p, t.d.fault.look.len, "x", 1, "the fault shows it");
}

/* The end inside of what stands at `wire`, which decode() saw before. */
static const struct decode_fault *
cut_of(struct bench *t, const char *text, const char *wire, size_t len)
{
	bench_init(t, text);
	is_num(take(t, wire, len), DECODE_MORE, "%s: more is awaited", text);
	is_num(
	    decode_end(&t->d, slice_of(wire + t->used, len - t->used), &t->b),
	    DECODE_CUT, "%s: the end is inside a message", text);
	is_num(t->d.fault.code, DECODE_ERR_CUT, "%s: and says so", text);
	is_num(t->d.fault.look.len, len - t->used,
	    "%s: the fault shows the unfinished message", text);
	return &t->d.fault;
}

static void
test_cut_fields(void)
{
	static const struct {
		const char *mode, *wire;
		size_t len;
		bool in_header;
		uint64_t announced, offset, start, have, need;
	} rows[] = {
	    {"windev", "12", 2, true, 0, 2, 0, 2, 0},
	    {"windev", "0\r\n12\r", 6, true, 0, 6, 3, 3, 0},
	    {"windev", "5\r\nhel", 6, false, 5, 6, 0, 3, 5},
	    {"windev", "0\r\n5\r\nhel", 9, false, 5, 9, 3, 3, 5},
	    {"windev,count=utf16", "5\r\nhel", 6, false, 5, 6, 0, 3, 10},
	    {"windev,count=chars", "5\r\n\xc3\xa9\xc3\xa9", 7, false, 5, 7, 0,
		2, 5},
	    {"windev,tail=CRLF", "5\r\nhel", 6, false, 5, 6, 0, 3, 5},
	    {"netstring", "5:hel", 5, false, 5, 5, 0, 3, 6},
	    {"netstring", "77", 2, true, 0, 2, 0, 2, 0},
	    {"fixed-header=8", "5   ", 4, true, 0, 4, 0, 4, 8},
	    {"fixed-header=2", "5 hel", 5, false, 5, 5, 0, 3, 5},
	    {"u32be", "\0\0\0", 3, true, 0, 3, 0, 3, 4},
	    {"u8", "\5abc", 4, false, 5, 4, 0, 3, 5},
	    {"end-tag", "abc", 3, false, 0, 3, 0, 3, 0},
	    {"end-tag", "a<EOF>bc", 8, false, 0, 8, 6, 2, 0},
	    {"end-tag-buffer", "abc", 3, false, 0, 3, 0, 3, 0},
	};
	const struct decode_fault *f;
	struct bench t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = cut_of(&t, rows[i].mode, rows[i].wire, rows[i].len);
		ok(f->in_header == rows[i].in_header,
		    "%s: a cut header is told from a cut payload",
		    rows[i].mode);
		is_num(f->announced, rows[i].announced,
		    "%s: what was announced", rows[i].mode);
		is_num(f->offset, rows[i].offset, "%s: where the end is",
		    rows[i].mode);
		is_num(f->start, rows[i].start, "%s: where it begins",
		    rows[i].mode);
		is_num(
		    f->have, rows[i].have, "%s: what there is", rows[i].mode);
		is_num(
		    f->need, rows[i].need, "%s: what it needs", rows[i].mode);
	}
}

static void
test_need(void)
{
	static const struct {
		const char *mode, *wire;
		size_t len;
		uint64_t need;
	} rows[] = {
	    {"windev", "", 0, 1},
	    {"windev", "12", 2, 3},
	    {"windev", "5\r\n", 3, 8},
	    {"windev", "5\r\nhel", 6, 8},
	    {"windev", "16777216\r\n", 10, 16777226},
	    {"windev,count=utf16", "5\r\n", 3, 13},
	    {"windev,count=chars", "5\r\n", 3, 4},
	    {"windev,count=chars", "5\r\nabc", 6, 7},
	    {"windev,tail=CRLF", "5\r\n", 3, 8},
	    {"netstring", "5:", 2, 8},
	    {"fixed-header=8", "5  ", 3, 4},
	    {"fixed-header=8", "5       ", 8, 13},
	    {"u16be", "\1", 1, 2},
	    {"u16be", "\1\2", 2, 260},
	    {"u16le", "\1\2", 2, 515},
	    {"end-tag", "abc", 3, 4},
	    {"lines", "abc", 3, 4},
	    {"until-close", "abc", 3, 4},
	};
	struct bench t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&t, rows[i].mode);
		is_num(take(&t, rows[i].wire, rows[i].len), DECODE_MORE,
		    "%s: more is awaited", rows[i].mode);
		is_num(decode_need(&t.d, rows[i].len), rows[i].need,
		    "%s: with %zu bytes, what is needed is known", rows[i].mode,
		    rows[i].len);
	}
}

/* A length that nobody could send is refused when its header is there. */
static void
test_no_refused_length_is_asked_for(void)
{
	static const struct {
		const char *digits;
		uint64_t announced;
	} rows[] = {
	    {"16777217", 16777217},
	    {"2147483648", UINT64_C(1) << 31},
	    {"4294967296", UINT64_C(1) << 32},
	    {"9223372036854775807", INT64_MAX},
	    {"9223372036854775808", UINT64_C(1) << 63},
	    {"17000000000000000000", UINT64_C(17000000000000000000)},
	    {"18446744073709551614", UINT64_MAX - 1},
	    {"18446744073709551615", UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX},
	    {"18446744073709551620", UINT64_MAX},
	    {"99999999999999999999", UINT64_MAX},
	};
	char wire[40];
	struct bench t;
	size_t i, k, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&t, "windev");
		n = strlen(rows[i].digits);
		memcpy(wire, rows[i].digits, n);
		memcpy(wire + n, "\r\n", 2);
		for (k = 1; k < n + 2; k++) {
			if (take(&t, wire, k) == DECODE_MORE &&
			    decode_need(&t.d, k) == k + 1)
				continue;
			ok(false, "%s: one byte more is asked for at %zu",
			    rows[i].digits, k);
		}
		is_num(take(&t, wire, n + 2), DECODE_BAD,
		    "%s is refused as soon as its header is whole",
		    rows[i].digits);
		is_num(t.d.fault.code, DECODE_ERR_LONG, "%s is too long",
		    rows[i].digits);
		is_num(t.d.fault.announced, rows[i].announced,
		    "%s is announced as it is or as the largest number",
		    rows[i].digits);
	}
}

static void
test_full_batch(void)
{
	static const struct {
		const char *mode, *wire;
		size_t len;
	} rows[] = {
	    {"windev", "1\r\na", 4},
	    {"windev,count=chars", "1\r\na", 4},
	    {"netstring", "1:a,", 4},
	    {"fixed-header=1", "1a", 2},
	    {"u8", "\1a", 2},
	    {"end-tag", "a<EOF>", 6},
	    {"lines", "a\n", 2},
	    {"end-tag-buffer", "a<EOF>", 6},
	    {"raw", "a", 1},
	};
	struct bench t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&t, rows[i].mode);
		t.b.n = t.b.cap = 3;
		is_num(take(&t, rows[i].wire, rows[i].len), DECODE_FULL,
		    "%s: a full batch is full", rows[i].mode);
		is_num(t.used, 0, "%s: nothing is consumed", rows[i].mode);
		is_num(t.b.n, 3, "%s: nothing is added", rows[i].mode);
		is_num(t.d.messages, 0, "%s: nothing is counted", rows[i].mode);
		t.b.cap = 4;
		is_num(take(&t, rows[i].wire, rows[i].len), DECODE_MORE,
		    "%s: with room it goes on", rows[i].mode);
		is_num(t.b.n, 4, "%s: behind what was there", rows[i].mode);
		is_bytes(t.v[3].p, t.v[3].len, "a", 1, "%s: it is the message",
		    rows[i].mode);
		is_num(
		    t.used, rows[i].len, "%s: all is consumed", rows[i].mode);
	}
}

/* A tag may begin inside the one taken last, and is none there. */
static void
test_overlap_fills_nothing(void)
{
	struct bench t;

	bench_init(&t, "end-tag=aa");
	is_num(take(&t, "xaaab", 5), DECODE_MORE,
	    "a tag inside a tag does not fill the batch");
	is_num(t.b.n, 1, "and ends no message");
	is_num(t.used, 3, "what is behind the first one is kept");
}

/* Tells from marks put over what was looked at whether it is again. */
static void
test_nothing_is_looked_at_twice(void)
{
	char wire[200];
	struct bench t;

	memset(wire, 'x', sizeof(wire));
	bench_init(&t, "end-tag=<>");
	is_num(take(&t, wire, 150), DECODE_MORE, "no tag is there");
	memcpy(wire + 70, "<>", 2);
	memcpy(wire + 147, "<>", 2);
	is_num(take(&t, wire, 200), DECODE_MORE, "more came without a tag");
	is_num(t.b.n, 0, "a tag is not looked for where one was looked for");
	memcpy(wire + 198, "<>", 2);
	bench_init(&t, "end-tag=<>");
	take(&t, wire, 70);
	take(&t, wire, 72);
	is_num(t.b.n, 1, "a tag that has just come is found");
	is_num(t.v[0].len, 70, "the message is all before it");

	bench_init(&t, "windev,count=chars");
	memcpy(wire, "9\r\n\xc3\xa9\xc3\xa9", 7);
	is_num(take(&t, wire, 7), DECODE_MORE, "two of nine are there");
	memset(wire + 3, 'a', 4);
	is_num(take(&t, wire, 14), DECODE_MORE + 0, "with seven more");
	is_num(t.b.n, 1, "code points are not counted twice");
	is_num(t.v[0].len, 11, "they have the bytes that were seen first");
}

/* A tag of two-byte units begins where a unit does. */
static void
test_units(void)
{
	struct bench t;

	bench_init(&t, "end-tag=LF");
	t.fr.tag_align = 1;
	is_num(take(&t, "a\nb\nc\0\n\n", 8), DECODE_MORE,
	    "a line feed inside a unit is not the end");
	is_num(t.b.n, 2, "at a unit it is, counted from the message's begin");
	is_bytes(t.v[0].p, t.v[0].len, "a\nb\nc\0", 6, "the first message");
	is_num(t.v[1].len, 0,
	    "the next one is aligned to its own begin, behind an odd tag");

	bench_init(&t, "end-tag-buffer=LF");
	t.fr.tag_align = 1;
	is_num(take(&t, "a\n", 2), DECODE_MORE, "a read may end inside a unit");
	is_num(t.b.n, 0, "which ends no message");
	is_num(take(&t, "a\nb\0\n", 5), DECODE_MORE, "one that ends in a tag");
	is_num(t.b.n, 1, "does");
	is_num(t.v[0].len, 4, "with all that came before");
}

static void
test_end(void)
{
	struct bench t;

	bench_init(&t, "lines");
	is_num(decode_end(&t.d, slice_of("abc", 3), &t.b), DECODE_MORE,
	    "lines: an end without a line end is in order");
	is_bytes(t.v[0].p, t.v[0].len, "abc", 3, "lines: it is a message");
	is_num(t.d.messages, 1, "lines: it is counted");
	is_num(t.d.offset, 3, "lines: it is consumed");
	bench_init(&t, "end-tag");
	t.fr.open_end = true;
	is_num(decode_end(&t.d, slice_of("ab", 2), &t.b), DECODE_MORE,
	    "end-tag with an open end takes what has no tag");
	is_bytes(t.v[0].p, t.v[0].len, "ab", 2, "and it is a message");
	bench_init(&t, "end-tag");
	t.fr.open_end = true;
	t.fr.max = 3;
	is_num(take(&t, "abcdef", 6), DECODE_MORE, "a tag may be coming");
	is_num(decode_end(&t.d, slice_of("abcdef", 6), &t.b), DECODE_BAD,
	    "an open end is held to the maximum");
	is_num(t.d.fault.code, DECODE_ERR_LONG, "and is too long");
	bench_init(&t, "raw");
	is_num(decode_end(&t.d, slice_of("abc", 3), &t.b), DECODE_MORE,
	    "raw: any end is in order");
	is_num(t.b.n, 0, "raw: the end brings no message");
	bench_init(&t, "until-close");
	is_num(decode_end(&t.d, slice_of("x", 1), &t.b), DECODE_MORE,
	    "until-close: the end brings the message");
	is_num(t.b.n, 1, "until-close: it is one");
	bench_init(&t, "until-close");
	t.fr.max = 2;
	is_num(decode_end(&t.d, slice_of("abc", 3), &t.b), DECODE_BAD,
	    "until-close: the maximum holds at the end too");
	bench_init(&t, "windev");
	is_num(decode_end(&t.d, slice_of("1\r\na5\r\nhel", 10), &t.b),
	    DECODE_CUT, "the end takes what is whole before what is cut");
	is_num(t.b.n, 1, "and delivers it");
	is_num(t.d.fault.have, 3, "what is cut is the second message");
	is_num(t.d.fault.start, 4, "it begins behind the first");
	is_num(t.d.fault.offset, 10, "it ends where the stream does");
	is_bytes(t.d.fault.look.p, t.d.fault.look.len, "5\r\nhel", 6,
	    "the fault shows no more than it");
	bench_init(&t, "windev");
	decode_end(&t.d, slice_of("1\r\na5\r\n+", 8), &t.b);
	is_num(t.d.fault.need, 5, "a header behind it is a new one");
	bench_init(&t, "windev,count=chars");
	t.b.cap = 1;
	is_num(decode_end(&t.d, slice_of("1\r\n\xe2\x82", 5), &t.b), DECODE_BAD,
	    "the end needs room for one message and no more");
	is_num(t.d.fault.offset, 4, "what stands behind it is refused");
}

/* The first tag, wherever it stands, searched for as a child would. */
static enum decode_error
tag_oracle(const struct framing *fr, struct slice in, struct feed *want)
{
	size_t start = 0, i = 0;

	want->n = want->bytes_len = 0;
	for (; i + fr->tag_len <= in.len; i++) {
		if (((i - start) & fr->tag_align) != 0 ||
		    memcmp(in.p + i, fr->tag, fr->tag_len) != 0)
			continue;
		want->fault.offset = start;
		if (i - start > fr->max)
			return DECODE_ERR_LONG;
		memcpy(want->bytes + want->bytes_len, in.p + start, i - start);
		want->bytes_len += i - start;
		want->ends[want->n++] = want->bytes_len;
		start = i + fr->tag_len;
		i = start - 1;
	}
	want->fault.offset = start;
	if (in.len - start >= fr->max + fr->tag_len)
		return DECODE_ERR_LONG;
	want->fault.offset = in.len;
	return in.len > start ? DECODE_ERR_CUT : DECODE_OK;
}

static void
chance_how(uint64_t *state, size_t len, size_t *cuts, struct feed_how *how)
{
	memset(how, 0, sizeof(*how));
	how->cuts = cuts;
	how->cuts_n = dice_below(state, 8);
	how->batch =
	    1 + dice_below(state, dice_below(state, 2) ? 3 : FEED_BATCH_MAX);
	how->at_begin = dice_below(state, 4) == 0;
	how->each_byte = dice_below(state, 50) == 0;
	chance_cuts(state, len, cuts, how->cuts_n);
}

static void
test_tags_by_chance(uint64_t *state)
{
	unsigned i, n = rounds(6000), bad = 0, seen[16] = {0};
	struct framing fr = mode("end-tag");
	struct feed f = {0}, want = {0};
	uint8_t stream[500], bytes[500];
	size_t k, len, letters, cuts[8], ends[500];
	struct feed_how how;
	enum decode_error code;

	want.bytes = bytes;
	want.ends = ends;
	for (i = 0; i < n; i++) {
		letters = 2 + dice_below(state, 12);
		fr.tag_len = 1 + dice_below(state, 5);
		fr.tag_align = (const size_t[]){0, 0, 1, 3}[i % 4];
		fr.max = dice_below(state, 3) ? 1000 : dice_below(state, 90);
		for (k = 0; k < fr.tag_len; k++)
			fr.tag[k] = (uint8_t)('a' + dice_below(state, 2));
		len = dice_below(state, sizeof(stream));
		for (k = 0; k < len; k++)
			stream[k] = (uint8_t)('a' + dice_below(state, letters));
		code = tag_oracle(&fr, slice_of(stream, len), &want);
		seen[code]++;
		chance_how(state, len, cuts, &how);
		feed_run(&f, &fr, slice_of(stream, len), &how);
		if (f.broken[0] == '\0' && f.fault.code == code &&
		    f.n == want.n &&
		    (code == DECODE_OK ||
			f.fault.offset == want.fault.offset) &&
		    (f.n == 0 ||
			(memcmp(f.ends, ends, f.n * sizeof(ends[0])) == 0 &&
			    memcmp(f.bytes, bytes, f.bytes_len) == 0)))
			continue;
		bad++;
		diag_bytes("stream", stream, len);
		diag_bytes("tag", fr.tag, fr.tag_len);
		diag("maximum %zu; %s", fr.max, f.broken);
	}
	feed_free(&f);
	ok(seen[DECODE_OK] > 0 && seen[DECODE_ERR_CUT] > 0 &&
		seen[DECODE_ERR_LONG] > 0,
	    "good, cut and long streams were tried");
	is_num(bad, 0, "tags are found where the oracle finds them");
}

/* A stream of messages, and what they were. */
struct stream {
	uint8_t *wire, *text;
	size_t len, text_len, n;
	size_t ends[FEED_BATCH_MAX], frames[FEED_BATCH_MAX];
};

static void
stream_add(struct stream *s, struct encoder *e, struct slice m)
{
	struct encode_frame frame;

	if (encode_wrap(e, m, &frame) != ENCODE_OK ||
	    s->len + frame.head_len + m.len + frame.tail.len > STREAM_MAX ||
	    (e->fr->mode >= FRAMING_RAW && m.len == 0 &&
		(e->fr->mode == FRAMING_RAW ||
		    e->fr->mode == FRAMING_UNTIL_CLOSE)))
		return;
	memcpy(s->wire + s->len, frame.head, frame.head_len);
	s->len += frame.head_len;
	memcpy(s->wire + s->len, m.p, m.len);
	s->len += m.len;
	memcpy(s->wire + s->len, frame.tail.p, frame.tail.len);
	s->len += frame.tail.len;
	memcpy(s->text + s->text_len, m.p, m.len);
	s->text_len += m.len;
	s->frames[s->n] = s->len;
	s->ends[s->n++] = s->text_len;
}

static void
chance_stream(uint64_t *state, const struct framing *fr, struct stream *s)
{
	struct guard g = {0};
	struct encoder e;
	uint8_t m[400];
	size_t i, len, n = dice_below(state, 12);

	s->len = s->text_len = s->n = 0;
	encoder_init(&e, fr);
	for (i = 0; i < n; i++) {
		len = chance_message(state, fr, m, sizeof(m));
		stream_add(s, &e, slice_of(guard_end(&g, m, len), len));
	}
	guard_free(&g);
}

static void
test_round_trips(uint64_t *state)
{
	unsigned i, n = rounds(6000), bad = 0, sent = 0;
	struct stream s = {
	    .wire = malloc(STREAM_MAX), .text = malloc(STREAM_MAX)};
	struct feed f = {0};
	struct framing fr;
	struct feed_how how;
	size_t cuts[8];

	for (i = 0; i < n; i++) {
		chance_framing(state, &fr);
		chance_stream(state, &fr, &s);
		chance_how(state, s.len, cuts, &how);
		if (fr.mode == FRAMING_RAW ||
		    fr.mode == FRAMING_END_TAG_BUFFER) {
			how.each_byte = false;
			how.cuts = s.frames;
			how.cuts_n = s.n;
		}
		feed_run(&f, &fr, slice_of(s.wire, s.len), &how);
		sent += (unsigned)s.n;
		if (f.broken[0] == '\0' && f.result == DECODE_MORE &&
		    f.n == s.n &&
		    (s.n == 0 ||
			(memcmp(f.ends, s.ends, s.n * sizeof(s.ends[0])) == 0 &&
			    memcmp(f.bytes, s.text, s.text_len) == 0)))
			continue;
		bad++;
		diag_bytes("wire", s.wire, s.len);
		diag("%s: %zu messages of %zu; %s", framing_name_of(&fr)->name,
		    f.n, s.n, f.broken);
	}
	feed_free(&f);
	free(s.wire);
	free(s.text);
	ok(sent > n, "messages went through");
	is_num(bad, 0, "what was encoded is decoded, however it arrives");
}

/* Streams with a wrong byte: however cut, the same is said of them. */
static void
test_broken_streams(uint64_t *state)
{
	unsigned i, n = rounds(6000), bad = 0, refused = 0;
	struct stream s = {
	    .wire = malloc(STREAM_MAX), .text = malloc(STREAM_MAX)};
	struct feed_how how, whole = {.batch = FEED_BATCH_MAX};
	struct feed f = {0}, once = {0};
	struct framing fr;
	size_t cuts[8];

	for (i = 0; i < n; i++) {
		do
			chance_framing(state, &fr);
		while (fr.mode == FRAMING_RAW ||
		    fr.mode == FRAMING_END_TAG_BUFFER);
		chance_stream(state, &fr, &s);
		if (dice_below(state, 3) == 0)
			fr.max = dice_below(state, 100);
		if (s.len > 0 && dice_below(state, 3))
			s.wire[dice_below(state, s.len)] = (uint8_t)dice(state);
		if (s.len > 0 && dice_below(state, 2))
			s.len = dice_below(state, s.len);
		chance_how(state, s.len, cuts, &how);
		feed_run(&once, &fr, slice_of(s.wire, s.len), &whole);
		feed_run(&f, &fr, slice_of(s.wire, s.len), &how);
		refused += once.result != DECODE_MORE;
		if (f.broken[0] == '\0' && once.broken[0] == '\0' &&
		    feed_same(&f, &once))
			continue;
		bad++;
		diag_bytes("wire", s.wire, s.len);
		diag("%s: %s %s", framing_name_of(&fr)->name, f.broken,
		    once.broken);
	}
	feed_free(&f);
	feed_free(&once);
	free(s.wire);
	free(s.text);
	ok(refused > 0 && refused < n, "both good and broken was tried");
	is_num(
	    bad, 0, "a broken stream is refused the same however it arrives");
}

static void
test_long_message(const char *text, size_t len)
{
	struct framing fr = mode(text);
	struct encode_frame frame;
	struct encoder e;
	struct feed f = {0};
	uint8_t *m = malloc(len), *wire = malloc(len + 200);
	size_t cuts[32], i, n;

	if (m == NULL || wire == NULL)
		err(1, "malloc");
	memset(m, 'y', len);
	encoder_init(&e, &fr);
	encode_wrap(&e, slice_of(m, len), &frame);
	memcpy(wire, frame.head, frame.head_len);
	memcpy(wire + frame.head_len, m, len);
	memcpy(wire + frame.head_len + len, frame.tail.p, frame.tail.len);
	n = frame.head_len + len + frame.tail.len;
	for (i = 0; i < 32; i++)
		cuts[i] = n / 33 * (i + 1);
	feed_run(&f, &fr, slice_of(wire, n),
	    &(struct feed_how){.cuts = cuts, .cuts_n = 32, .batch = 1});
	ok(f.broken[0] == '\0' && f.result == DECODE_MORE && f.n == 1,
	    "%s: one large message arrives in pieces", text);
	ok(f.bytes_len == len && memcmp(f.bytes, m, len) == 0,
	    "%s: all of the large message is there", text);
	feed_free(&f);
	free(m);
	free(wire);
}

/*
 * Runs of frames of equal lengths, as most programs send them, with others
 * between them; each frame ends with its number. At the end something that is
 * no header, whose offset tells what the decoder has counted.
 */
static void
test_runs(uint64_t *state, const char *text, const char *bad, size_t bad_len)
{
	static const size_t lengths[] = {4, 5, 6, 9, 10, 14, 40, 99, 100};
	struct framing fr = mode(text);
	struct encoder e;
	struct decoder d;
	struct guard g = {0};
	struct slice v[7];
	uint8_t m[128], wire[RUNS * 180];
	struct span out = {wire, 0, sizeof(wire)};
	struct slice rest, one;
	size_t sent[RUNS], len = 4, next, used, n = 0, wrong = 0, i;
	enum decode_result r;

	encoder_init(&e, &fr);
	for (i = 0; i < RUNS; i++) {
		if (dice_below(state, 5) == 0)
			len = lengths[dice_below(state, 9)];
		/* Of UTF-16 there are whole units. */
		sent[i] = fr.count == FRAMING_COUNT_UTF16 ? len & ~1u : len;
		memset(m, 'x', sizeof(m));
		memcpy(m + sent[i] - 4, &(uint32_t){(uint32_t)i}, 4);
		one = slice_of(m, sent[i]);
		next = 0;
		encode(&e, &(struct batch){&one, 1, 1}, &next, &out);
	}
	used = out.len;
	memcpy(wire + out.len, bad, bad_len);
	decoder_init(&d, &fr);
	rest =
	    slice_of(guard_end(&g, wire, out.len + bad_len), out.len + bad_len);
	out.len = used;
	do {
		struct batch b = {v, 0, 1 + dice_below(state, 7)};

		r = decode(&d, rest, &b, &used);
		rest.p += used;
		rest.len -= used;
		for (i = 0; i < b.n && n < RUNS; i++, n++)
			wrong += v[i].len != sent[n] ||
			    memcmp(v[i].p + v[i].len - 4,
				&(uint32_t){(uint32_t)n}, 4) != 0;
	} while (r == DECODE_FULL);
	ok(n == RUNS && wrong == 0, "%s: runs of equal lengths are all there",
	    text);
	is_num(d.messages, RUNS, "%s: and are counted", text);
	is_num(r, DECODE_BAD, "%s: what is behind them is refused", text);
	is_num(d.fault.start, out.len, "%s: where it stands", text);
	guard_free(&g);
}

static void
test_all_runs(uint64_t *state)
{
	int i;

	for (i = 0; i < 20; i++) {
		test_runs(state, "windev", "1x", 2);
		test_runs(state, "windev,count=utf16", "1x", 2);
		test_runs(state, "windev,count=chars", "1x", 2);
		test_runs(state, "windev,tail=CRLF", "1x", 2);
		test_runs(state, "netstring", "1x", 2);
		test_runs(state, "fixed-header=4", "x", 1);
		test_runs(state, "fixed-header=8", "x", 1);
		test_runs(state, "fixed-header=9", "x", 1);
		test_runs(state, "u32be", "\xff\xff\xff\xff", 4);
	}
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_fault_fields();
	test_cut_fields();
	test_need();
	test_no_refused_length_is_asked_for();
	test_full_batch();
	test_overlap_fills_nothing();
	test_nothing_is_looked_at_twice();
	test_units();
	test_end();
	test_long_message("windev", 300000);
	test_long_message("windev,count=chars", 300000);
	test_long_message("end-tag=CRLF", 300000);
	test_long_message("u32le", 300000);
	test_all_runs(&state);
	test_tags_by_chance(&state);
	test_round_trips(&state);
	test_broken_streams(&state);
	return done_testing();
}
