/* Driving a decoder; see feed.h. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

/* One run: where the stream stands, and what is still to be proved. */
struct run {
	struct feed *f;
	const struct feed_how *how;
	struct decoder d;
	struct slice wire;
	size_t start; /* of what was not consumed */
	uint64_t need;
};

static void
broken(struct feed *f, const char *rule)
{
	if (f->broken[0] == '\0')
		snprintf(f->broken, sizeof(f->broken), "%s", rule);
}

static void
keep(struct feed *f, struct slice m)
{
	if (f->bytes_len + m.len > f->cap || f->bytes == NULL) {
		f->cap = (f->bytes_len + m.len) * 2 + 64;
		f->bytes = realloc(f->bytes, f->cap);
	}
	if (f->n == f->ends_cap) {
		f->ends_cap = f->n * 2 + 16;
		f->ends = realloc(f->ends, f->ends_cap * sizeof(*f->ends));
	}
	if (f->bytes == NULL || f->ends == NULL)
		err(1, "realloc");
	if (m.len > 0)
		memcpy(f->bytes + f->bytes_len, m.p, m.len);
	f->bytes_len += m.len;
	f->ends[f->n++] = f->bytes_len;
}

static void
keep_batch(struct feed *f, struct slice in, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (b->v[i].p < in.p || b->v[i].p > in.p + in.len ||
		    b->v[i].len > (size_t)(in.p + in.len - b->v[i].p)) {
			broken(f, "a message lies outside of the input");
			return;
		}
		keep(f, b->v[i]);
	}
}

static void
keep_fault(struct run *r, struct slice in)
{
	const struct decode_fault *q = &r->d.fault;
	struct feed *f = r->f;

	f->fault = *q;
	if (q->code == DECODE_OK)
		broken(f, "a refusal has no code");
	if (q->start != r->d.offset || q->offset < q->start)
		broken(f, "a fault is not in its message");
	if (q->look.p < in.p || q->look.p + q->look.len != in.p + in.len)
		broken(f, "a fault shows other bytes than the input's");
	if (q->code != DECODE_ERR_CUT &&
	    (uint64_t)(q->look.p - in.p) != q->offset - r->d.offset)
		broken(f, "a fault shows bytes from elsewhere");
}

static struct slice
present(struct run *r, size_t end)
{
	const uint8_t *p = r->wire.p + r->start;
	size_t len = end - r->start;

	p = r->how->at_begin ? guard_begin(&r->f->guard, p, len)
			     : guard_end(&r->f->guard, p, len);
	return slice_of(p, len);
}

/*
 * Who asks for more must not wait for bytes that the message does not have.
 * Where code points are counted, what follows an unfinished one decides.
 */
static void
check_need(struct run *r, size_t have, size_t used, size_t delivered)
{
	if (delivered > 0 && used < r->need &&
	    r->d.fr->count != FRAMING_COUNT_CHARS)
		broken(r->f, "more was asked for than the message had");
	r->need = 0;
	if (r->f->result == DECODE_FULL)
		return;
	r->need = decode_need(&r->d, have - used);
	if (have > used && r->need <= have - used)
		broken(r->f, "no more is asked for and no message is there");
}

/* Everything up to `end` has arrived; false ends the run. */
static bool
arrive(struct run *r, size_t end)
{
	struct slice v[FEED_BATCH_MAX];
	struct batch b = {v, 0, r->how->batch};
	struct feed *f = r->f;
	struct slice in;
	size_t used;

	do {
		in = present(r, end);
		b.n = 0;
		used = SIZE_MAX;
		f->result = decode(&r->d, in, &b, &used);
		if (used > in.len || b.n > b.cap) {
			broken(f, "more was taken than was given");
			return false;
		}
		keep_batch(f, in, &b);
		r->start += used;
		if (r->d.offset != r->start || r->d.messages != f->n)
			broken(f, "offset or messages do not add up");
		if (f->result == DECODE_BAD) {
			keep_fault(r, slice_of(in.p + used, in.len - used));
			return false;
		}
		if (f->result == DECODE_FULL && b.n == 0) {
			broken(f, "an empty batch is full");
			return false;
		}
		check_need(r, in.len, used, b.n);
	} while (f->result == DECODE_FULL);
	if (f->result != DECODE_MORE)
		broken(f, "a result that decode() does not have");
	return f->result == DECODE_MORE;
}

static void
end_stream(struct run *r)
{
	struct slice v[FEED_BATCH_MAX];
	struct batch b = {v, 0, r->how->batch};
	struct slice in = present(r, r->wire.len);
	struct feed *f = r->f;
	size_t used;

	f->result = decode_end(&r->d, in, &b);
	keep_batch(f, in, &b);
	used = (size_t)(r->d.offset - r->start);
	if (r->d.messages != f->n || used > in.len)
		broken(f, "offset or messages do not add up at the end");
	else if (f->result == DECODE_FULL)
		broken(f, "decode_end is full with a batch that has room");
	else if (f->result != DECODE_MORE)
		keep_fault(r, slice_of(in.p + used, in.len - used));
	else if (used != in.len)
		broken(f, "the end is in order and bytes are left");
}

void
feed_run(struct feed *f, const struct framing *fr, struct slice wire,
    const struct feed_how *how)
{
	struct run r = {.f = f, .how = how, .wire = wire};
	size_t i;

	f->n = f->bytes_len = 0;
	f->broken[0] = '\0';
	memset(&f->fault, 0, sizeof(f->fault));
	decoder_init(&r.d, fr);
	if (how->each_byte) {
		for (i = 1; i < wire.len; i++)
			if (!arrive(&r, i))
				return;
	} else {
		for (i = 0; i < how->cuts_n; i++)
			if (!arrive(&r, how->cuts[i]))
				return;
	}
	if (arrive(&r, wire.len))
		end_stream(&r);
}

struct slice
feed_message(const struct feed *f, size_t i)
{
	size_t from = i == 0 ? 0 : f->ends[i - 1];

	return slice_of(f->bytes + from, f->ends[i] - from);
}

bool
feed_same(const struct feed *a, const struct feed *b)
{
	return a->n == b->n && a->bytes_len == b->bytes_len &&
	    a->result == b->result && a->fault.code == b->fault.code &&
	    a->fault.offset == b->fault.offset &&
	    a->fault.start == b->fault.start &&
	    a->fault.have == b->fault.have && a->fault.need == b->fault.need &&
	    (a->n == 0 ||
		(memcmp(a->ends, b->ends, a->n * sizeof(*a->ends)) == 0 &&
		    memcmp(a->bytes, b->bytes, a->bytes_len) == 0));
}

void
feed_free(struct feed *f)
{
	guard_free(&f->guard);
	free(f->bytes);
	free(f->ends);
	memset(f, 0, sizeof(*f));
}
