/*
 * A scan beside the decoder. The input is a mode and its limit (modes.h), the
 * lengths of eight reads, and the bytes. In whatever pieces they come, both
 * find the same messages and refuse the same byte.
 */
#include "check.h"
#include "codec/scan.h"
#include "modes.h"

#define CUTS 8

/* What was found last, and how many there were. */
struct found {
	uint64_t messages, start, payload, tail;
	uint64_t sum; /* of all starts and lengths, in their order */
	enum decode_error code;
	uint64_t bad;
};

static void
found_one(struct found *f, uint64_t start, uint64_t head, uint64_t payload,
    uint64_t tail)
{
	f->messages++;
	f->start = start;
	f->payload = payload;
	f->tail = tail;
	f->sum = f->sum * 31 + start;
	f->sum = f->sum * 31 + head;
	f->sum = f->sum * 31 + payload;
	f->sum = f->sum * 31 + tail;
}

/* Decodes what there is; returns how much of it was consumed. */
static size_t
decode_all(struct decoder *d, struct slice in, bool at_end, struct found *f)
{
	struct slice m, rest = in;
	enum decode_result r = DECODE_MORE;
	uint64_t start;
	struct batch b;
	size_t used, head;

	do {
		b = (struct batch){&m, 0, 1};
		start = d->offset;
		used = 0;
		r = at_end ? decode_end(d, rest, &b)
			   : decode(d, rest, &b, &used);
		if (at_end)
			used = (size_t)(d->offset - start);
		if (b.n > 0) {
			head = (size_t)(m.p - rest.p);
			found_one(f, start, head, m.len, used - head - m.len);
		}
		rest = slice_of(rest.p + used, rest.len - used);
	} while (b.n > 0 && r != DECODE_BAD && rest.len > 0);
	if (r == DECODE_BAD) {
		f->code = d->fault.code;
		f->bad = d->fault.offset;
	}
	return (size_t)(rest.p - in.p);
}

static void
by_decoder(const struct framing *fr, struct slice wire, const size_t *cuts,
    struct found *f)
{
	struct decoder d;
	size_t at = 0, i;

	decoder_init(&d, fr);
	for (i = 0; i < CUTS && f->code == DECODE_OK; i++)
		if (cuts[i] > (i > 0 ? cuts[i - 1] : 0))
			at += decode_all(
			    &d, slice_of(wire.p + at, cuts[i] - at), false, f);
	if (f->code == DECODE_OK && wire.len > cuts[CUTS - 1])
		at += decode_all(
		    &d, slice_of(wire.p + at, wire.len - at), false, f);
	if (f->code == DECODE_OK)
		decode_all(&d, slice_of(wire.p + at, wire.len - at), true, f);
}

/* One read, in a place of its own. */
static void
scan_read(struct scan *s, struct slice read, struct found *f)
{
	uint8_t *copy = check_copy(read);
	struct slice in = {copy, read.len};
	uint64_t offset = s->offset;
	struct scan_piece p;
	size_t used;
	int idle = 0;

	while (in.len > 0) {
		used = scan_take(s, in, &p);
		idle = used > 0 ? 0 : idle + 1;
		CHECK(used <= in.len && idle <= 1, "a scan gets on");
		CHECK(p.head + p.payload + p.maybe + p.tail + p.refused == used,
		    "a piece is all that was taken");
		CHECK(!p.ends || p.refused == 0,
		    "a message that ends has nothing refused");
		CHECK(!s->refused || !p.ends, "behind a refusal nothing ends");
		offset += used;
		CHECK(s->offset == offset, "the offset counts what was taken");
		if (p.ends)
			found_one(f, s->last.start, s->last.head_len,
			    s->last.payload, s->last.tail);
		in = slice_of(in.p + used, in.len - used);
	}
	free(copy);
}

static void
by_scan(const struct framing *fr, struct slice wire, const size_t *cuts,
    struct found *f)
{
	struct scan s;
	size_t at = 0, i;

	scan_init(&s, fr);
	for (i = 0; i < CUTS; i++) {
		scan_read(&s, slice_of(wire.p + at, cuts[i] - at), f);
		at = cuts[i];
	}
	scan_read(&s, slice_of(wire.p + at, wire.len - at), f);
	if (scan_end(&s))
		found_one(f, s.last.start, s.last.head_len, s.last.payload,
		    s.last.tail);
	if (s.refused) {
		f->code = s.fault.code;
		f->bad = s.fault.offset;
	} else if (s.behind > 0) {
		f->code = DECODE_ERR_LENGTH;
		f->bad = s.offset - s.behind;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	struct found want = {0}, got = {0};
	size_t cuts[CUTS];
	struct framing fr;
	struct slice lengths;

	modes_pick(&in, &fr);
	lengths = slice_of(in.p, in.len < CUTS ? in.len : CUTS);
	in = slice_of(in.p + lengths.len, in.len - lengths.len);
	check_cuts(&lengths, in.len, 1, cuts, CUTS);
	by_decoder(&fr, in, cuts, &want);
	by_scan(&fr, in, cuts, &got);
	CHECK(got.messages == want.messages,
	    "a scan finds %llu messages, the decoder %llu",
	    (unsigned long long)got.messages,
	    (unsigned long long)want.messages);
	CHECK(got.sum == want.sum,
	    "they are the same: the last one at %llu, of %llu and %llu bytes",
	    (unsigned long long)got.start, (unsigned long long)got.payload,
	    (unsigned long long)got.tail);
	CHECK(got.code == want.code, "refused for the same reason: %d, not %d",
	    (int)got.code, (int)want.code);
	CHECK(got.code == DECODE_OK || got.bad == want.bad,
	    "and the same byte: %llu, not %llu", (unsigned long long)got.bad,
	    (unsigned long long)want.bad);
	return 0;
}
