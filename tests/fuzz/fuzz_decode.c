/*
 * A stream, decoded: however it arrives, the same messages, the same error at
 * the same place. The input is
 *
 *	mode, max, batch, how, a byte for each cut, stream
 *
 * where `how` holds the number of cuts (3 bits), whether they are far apart,
 * and on which side of the stream the forbidden page stands.
 */
#include "check.h"
#include "codec/decode.h"
#include "codec/diagnose.h"
#include "feed.h"
#include "modes.h"
#include "talk/explain.h"

#define CUTS_MAX 7
#define EACH_BYTE_MAX 1024 /* what is fed byte by byte takes n * n */

struct choice {
	struct framing fr;
	struct feed_how how;
	size_t cuts[CUTS_MAX];
	struct slice wire;
};

static struct feed whole, split;

static void
choose(struct choice *c, struct slice in)
{
	uint8_t how;

	memset(c, 0, sizeof(*c));
	modes_pick(&in, &c->fr);
	c->how.batch = 1 + check_byte(&in) % FEED_BATCH_MAX;
	how = check_byte(&in);
	c->how.cuts_n = how & CUTS_MAX;
	c->how.at_begin = (how & 8) != 0;
	c->how.cuts = c->cuts;
	check_cuts(&in, in.len > c->how.cuts_n ? in.len - c->how.cuts_n : 0,
	    how & 16 ? 16 : 1, c->cuts, c->how.cuts_n);
	c->wire = in;
}

static void
run(struct feed *f, const struct framing *fr, struct slice wire,
    const struct feed_how *how)
{
	feed_run(f, fr, wire, how);
	CHECK(f->broken[0] == '\0', "%s", f->broken);
}

static void
same(const char *how)
{
	CHECK(feed_same(&whole, &split),
	    "%s the same comes out: %zu messages, %d, code %d at %llu, and "
	    "%zu, %d, code %d at %llu",
	    how, whole.n, (int)whole.result, (int)whole.fault.code,
	    (unsigned long long)whole.fault.offset, split.n, (int)split.result,
	    (int)split.fault.code, (unsigned long long)split.fault.offset);
}

/* All that was consumed are whole frames, so alone they end in order. */
static void
check_frames(const struct choice *c, const struct feed_how *at_once)
{
	size_t n = whole.n;

	if (whole.result == DECODE_MORE)
		return;
	run(&split, &c->fr, slice_of(c->wire.p, (size_t)whole.fault.start),
	    at_once);
	CHECK(split.n == n && split.result == DECODE_MORE,
	    "the bytes before the refused message are %zu whole ones, not %zu",
	    n, split.n);
}

static void
check_raw(const struct choice *c)
{
	CHECK(whole.result == DECODE_MORE && split.result == DECODE_MORE,
	    "raw accepts everything");
	CHECK(check_same(slice_of(split.bytes, split.bytes_len), c->wire) &&
		check_same(slice_of(whole.bytes, whole.bytes_len), c->wire),
	    "raw loses nothing");
}

static void
check_splits(struct choice *c)
{
	const struct feed_how at_once = {.batch = FEED_BATCH_MAX};
	struct feed_how each = {.batch = c->how.batch, .each_byte = true};
	const bool small = c->wire.len <= EACH_BYTE_MAX;

	run(&whole, &c->fr, c->wire, &at_once);
	run(&split, &c->fr, c->wire, &c->how);
	if (c->fr.mode == FRAMING_RAW) {
		check_raw(c);
		return;
	}
	if (c->fr.mode == FRAMING_END_TAG_BUFFER) {
		if (!small)
			return;
		run(&split, &c->fr, c->wire, &each);
		c->fr.mode = FRAMING_END_TAG;
		run(&whole, &c->fr, c->wire, &at_once);
		c->fr.mode = FRAMING_END_TAG_BUFFER;
		same("end-tag-buffer byte by byte and end-tag:");
		return;
	}
	same("at once and in parts:");
	if (small) {
		run(&split, &c->fr, c->wire, &each);
		same("at once and byte by byte:");
	}
	check_frames(c, &at_once);
}

static void
explain(const struct choice *c, const struct decode_fault *fault, uint64_t good,
    struct slice seen)
{
	struct fail f;
	int at_end;

	for (at_end = 0; at_end < 2; at_end++) {
		memset(&f, 0x5a, sizeof(f));
		CHECK(
		    explain_decode(fault, &c->fr, good, seen, at_end, &f) == -1,
		    "explain_decode returns -1");
		check_fail(&f);
		CHECK(good == 0 || fault->code != DECODE_ERR_CUT ||
			f.hint[0] == '\0',
		    "an early end behind good messages accuses nobody");
		CHECK(f.status ==
			(fault->code == DECODE_ERR_CUT ? STATUS_TRUNCATED
						       : STATUS_MALFORMED),
		    "code %d is status %d", (int)fault->code, (int)f.status);
	}
}

/* As a filter does it: one buffer, and its fault put into words. */
static void
check_words(const struct choice *c)
{
	struct slice v[FEED_BATCH_MAX];
	struct batch b = {v, 0, c->how.batch};
	uint8_t *copy = check_copy(c->wire);
	struct slice in = {copy, c->wire.len};
	struct diagnosis guess;
	enum decode_result r;
	struct decoder d;
	size_t used;

	decoder_init(&d, &c->fr);
	do {
		b.n = 0;
		r = decode(&d, in, &b, &used);
		in.p += used;
		in.len -= used;
	} while (r == DECODE_FULL);
	b.n = 0;
	if (r == DECODE_MORE)
		r = decode_end(&d, in, &b);
	CHECK(r != DECODE_FULL, "the end needs room for one message alone");
	if (r != DECODE_MORE)
		explain(c, &d.fault, d.messages, slice_of(copy, c->wire.len));
	diagnose(slice_of(copy, c->wire.len), r != DECODE_BAD, &guess);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice c;

	choose(&c, slice_of(data, size));
	check_splits(&c);
	check_words(&c);
	return 0;
}
