/* --reply; see reply.h. */

#include <inttypes.h>
#include <stdlib.h>

#include "talk/reply.h"

#define FIRST_CAP 4096

int
reply_begin(struct reply *r, const struct format *format,
    const struct charset_plan *charset, size_t max, const struct about_of *of,
    struct fail *f)
{
	r->of = *of;
	about_init(&r->about, &r->of);
	r->batch = (struct batch){r->v, 0, REPLY_BATCH};
	r->next = 0;
	r->format = format;
	r->max = max;
	r->bytes = (struct span){NULL, 0, 0};
	return charset_open(&r->charset, charset, CHARSET_SEND, false, f);
}

void
reply_end(struct reply *r)
{
	reply_drop(r);
	charset_release(&r->charset);
}

void
reply_drop(struct reply *r)
{
	free(r->bytes.p);
	r->bytes = (struct span){NULL, 0, 0};
	r->batch.n = r->next = 0;
}

static bool
grow(struct reply *r)
{
	size_t cap = r->bytes.cap == 0 ? FIRST_CAP : 2 * r->bytes.cap;
	uint8_t *p = realloc(r->bytes.p, cap);

	if (p == NULL)
		return false;
	r->bytes.p = p;
	r->bytes.cap = cap;
	return true;
}

/* One reply behind the others; its length is what the buffer grows by. */
static int
make_one(struct reply *r, struct slice heard, struct fail *f)
{
	size_t from = r->bytes.len;
	struct format_at at = {0};
	enum format_result made;

	about_next(&r->about);
	/* An empty reply has a place, too. */
	if (r->bytes.cap == 0 && !grow(r))
		return fail_set(f, STATUS_IO, "out of memory");
	do {
		made = format_put(r->format, &at, &r->about, heard,
		    FORMAT_FOR_PEER, &r->bytes);
		if (r->bytes.len - from > r->max) {
			fail_set(f, STATUS_MALFORMED,
			    "reply %" PRIu64
			    ": expected at most %zu bytes, saw more",
			    r->of.n, r->max);
			return fail_hint(f, "try: a larger --max-message");
		}
		if (made == FORMAT_FULL && !grow(r))
			return fail_set(f, STATUS_IO, "out of memory");
	} while (made == FORMAT_FULL);
	return 0;
}

int
reply_make(
    struct reply *r, const struct batch *heard, size_t from, struct fail *f)
{
	struct batch made = {r->v, 0, REPLY_BATCH};
	size_t len, i, at = 0;
	struct fail late;
	int result = 0;

	r->next = r->bytes.len = 0;
	for (i = from; i < heard->n && made.n < REPLY_BATCH &&
	     r->bytes.len < REPLY_BYTES && result == 0;
	     i++) {
		len = r->bytes.len;
		result = make_one(r, heard->v[i], f);
		/* The buffer may move: their places are not known yet. */
		if (result == 0)
			r->v[made.n++].len = r->bytes.len - len;
	}
	for (i = 0; i < made.n; i++) {
		r->v[i].p = r->bytes.p + at;
		at += r->v[i].len;
	}
	if (charset_convert(&r->charset, &made, &r->batch, &late) == -1) {
		*f = late;
		result = -1;
	}
	return result;
}
