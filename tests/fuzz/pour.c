/* Pouring a stream through a source; see pour.h. */

#include "pour.h"

static void
keep(struct pour *p, struct slice m)
{
	if (p->len + m.len > p->cap || p->bytes == NULL) {
		p->cap = (p->len + m.len) * 2 + 64;
		p->bytes = realloc(p->bytes, p->cap);
	}
	if (p->n == p->ends_cap) {
		p->ends_cap = p->n * 2 + 16;
		p->ends = realloc(p->ends, p->ends_cap * sizeof(*p->ends));
	}
	if (p->bytes == NULL || p->ends == NULL)
		abort();
	if (m.len > 0)
		memcpy(p->bytes + p->len, m.p, m.len);
	p->len += m.len;
	p->ends[p->n++] = p->len;
}

/* One call; what it brought is kept before its bytes are given back. */
static enum source_result
pour_once(struct pour *p, struct source *s, struct slice part, size_t cap,
    bool at_end, size_t *used)
{
	uint8_t *copy = check_copy(part);
	struct slice v[POUR_BATCH_MAX];
	struct batch b = {v, 0, cap};
	enum source_result r;
	size_t i;

	*used = 0;
	memset(&p->fail, 0x5a, sizeof(p->fail));
	part.p = copy;
	if (at_end)
		r = source_end(s, part, &b, &p->fail);
	else
		r = source_cut(s, part, &b, used, &p->fail);
	CHECK(*used <= part.len && b.n <= cap, "no more is taken than given");
	CHECK(!at_end || r != SOURCE_FULL, "the end is never full");
	for (i = 0; i < b.n; i++)
		keep(p, b.v[i]);
	if (r == SOURCE_BAD)
		check_fail(&p->fail);
	free(copy);
	return r;
}

void
pour_run(struct pour *p, struct slice wire, const struct pour_how *how)
{
	size_t start = 0, end, used, i;
	struct source s;

	p->n = p->len = 0;
	source_init(&s, how->kind, how->crlf, how->max, &json_face);
	for (i = 0; i <= how->cuts_n; i++) {
		end = i < how->cuts_n ? how->cuts[i] : wire.len;
		do {
			p->result = pour_once(p, &s,
			    slice_of(wire.p + start, end - start), how->batch,
			    false, &used);
			start += used;
			CHECK(p->result != SOURCE_FULL || used > 0,
			    "an empty batch is not full");
		} while (
		    p->result == SOURCE_FULL || p->result == SOURCE_COMMAND);
		if (p->result == SOURCE_BAD)
			break;
	}
	if (p->result != SOURCE_BAD)
		p->result =
		    pour_once(p, &s, slice_of(wire.p + start, wire.len - start),
			how->batch, true, &used);
	source_release(&s);
}

bool
pour_same(const struct pour *a, const struct pour *b)
{
	return a->n == b->n && a->result == b->result &&
	    check_same(
		slice_of(a->bytes, a->len), slice_of(b->bytes, b->len)) &&
	    (a->n == 0 ||
		memcmp(a->ends, b->ends, a->n * sizeof(*a->ends)) == 0) &&
	    (a->result != SOURCE_BAD ||
		(strcmp(a->fail.what, b->fail.what) == 0 &&
		    strcmp(a->fail.hint, b->fail.hint) == 0));
}
