/*
 * Strains messages through a sink with a buffer of a given size, which is
 * emptied whenever the sink asks for it, and keeps what comes out.
 */
#ifndef FUZZ_STRAIN_H
#define FUZZ_STRAIN_H

#include "check.h"
#include "io/sink.h"

struct strain {
	uint8_t *bytes;
	size_t len, cap;
	uint64_t count; /* what the sink counted */
	size_t large;	/* how often a message was left to the caller */
};

static inline void
strain_add(struct strain *s, struct slice m)
{
	if (s->len + m.len > s->cap || s->bytes == NULL) {
		s->cap = (s->len + m.len) * 2 + 64;
		s->bytes = realloc(s->bytes, s->cap);
		if (s->bytes == NULL)
			abort();
	}
	if (m.len > 0)
		memcpy(s->bytes + s->len, m.p, m.len);
	s->len += m.len;
}

/* A sink that is set up, and has counted nothing yet. */
static inline void
strain_through(
    struct strain *s, struct sink *sink, size_t room, const struct batch *b)
{
	struct span out = {check_alloc(room), 0, room};
	enum sink_result r;
	size_t next = 0, was;

	s->len = s->large = 0;
	strain_add(s, slice_of("", 0));
	do {
		was = next;
		r = sink_put(sink, b, &next, &out);
		CHECK(out.len <= room && next <= b->n, "a buffer is kept to");
		CHECK(r != SINK_FULL || out.len > 0 || next > was,
		    "a sink gets on in a buffer of %zu bytes", room);
		strain_add(s, slice_of(out.p, out.len));
		out.len = 0;
		if (r == SINK_LARGE) {
			strain_add(s, b->v[next]);
			s->large++;
		}
	} while (r != SINK_OK);
	CHECK(next == b->n && sink->about.of->n == b->n, "a sink counts %zu",
	    b->n);
	s->count = sink->about.of->n;
	free(out.p);
}

static inline void
strain_run(struct strain *s, enum sink_kind kind, bool terminal, size_t room,
    const struct batch *b)
{
	struct about_of of;
	struct sink sink;

	sink_init(&sink, kind, terminal);
	about_begin(&of, 0, "");
	sink.about.of = &of;
	strain_through(s, &sink, room, b);
}

#endif
