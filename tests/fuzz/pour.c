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

/* For whom a message is stands in front of it, as it would in a line. */
static void
keep_target(struct pour *p, const struct target *t)
{
	const uint64_t *list = target_list(t);
	size_t i;

	CHECK((t->kind == TARGET_ONE) == (t->kind != TARGET_BUT && t->n == 1),
	    "one is one");
	for (i = 0; i < t->n; i++) {
		CHECK(list[i] > 0 && list[i] <= INT64_MAX,
		    "a channel has a number");
		CHECK(i == 0 || list[i] > list[i - 1],
		    "a list is in order, each once");
		CHECK(target_has(t, list[i]) == (t->kind != TARGET_BUT),
		    "a channel is found in its list");
	}
	keep(p, slice_of(&t->kind, sizeof(t->kind)));
	keep(p, slice_of(list, t->n * sizeof(*list)));
}

static void
keep_noted(struct pour *p, const struct source *s, struct slice m,
    const struct source_note *note)
{
	if (s->addressed) {
		CHECK(note->record > 0 && note->record <= s->records,
		    "a message has a record");
		keep_target(p, &note->to);
	}
	keep(p, m);
}

/* A record that is refused alone is not the end. */
static bool
goes_on(const struct source *s, enum source_result r)
{
	return r == SOURCE_BAD && !s->spent;
}

/* One call; what it brought is kept before its bytes are given back. */
static enum source_result
pour_once(struct pour *p, struct source *s, struct slice part, size_t cap,
    bool at_end, size_t *used)
{
	uint8_t *copy = check_copy(part);
	struct source_note notes[POUR_BATCH_MAX];
	struct slice v[POUR_BATCH_MAX];
	struct batch b = {v, 0, cap};
	enum source_result r;
	size_t i;

	*used = 0;
	memset(&p->fail, 0x5a, sizeof(p->fail));
	part.p = copy;
	s->notes = notes;
	if (at_end)
		r = source_end(s, part, &b, &p->fail);
	else
		r = source_cut(s, part, &b, used, &p->fail);
	CHECK(*used <= part.len && b.n <= cap, "no more is taken than given");
	CHECK(!at_end || r != SOURCE_FULL, "the end is never full");
	for (i = 0; i < b.n; i++)
		keep_noted(p, s, b.v[i], &notes[i]);
	if (r == SOURCE_BAD)
		check_fail(&p->fail);
	if (goes_on(s, r))
		keep(p, slice_of(p->fail.what, strlen(p->fail.what)));
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
	if (how->addressed)
		source_set_addressed(&s);
	for (i = 0; i <= how->cuts_n; i++) {
		end = i < how->cuts_n ? how->cuts[i] : wire.len;
		do {
			p->result = pour_once(p, &s,
			    slice_of(wire.p + start, end - start), how->batch,
			    false, &used);
			start += used;
			CHECK(p->result != SOURCE_FULL || used > 0,
			    "an empty batch is not full");
		} while (p->result == SOURCE_FULL ||
		    p->result == SOURCE_COMMAND || goes_on(&s, p->result));
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
