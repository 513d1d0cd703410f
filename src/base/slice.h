/*
 * What flows between the rooms: bytes that somebody else owns.
 *
 * A slice is (pointer, length), always in that order, and owns nothing; its
 * pointer is never NULL, also where the length is 0. A
 * batch is an array of slices; the array belongs to whoever made the batch,
 * the bytes to whoever filled it, and both are valid until that room is
 * called again. A span is a buffer being filled: p[0..len) is written,
 * p[len..cap) is free.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>

struct slice {
	const uint8_t *p;
	size_t len;
};

struct batch {
	struct slice *v;
	size_t n;
	size_t cap;
};

struct span {
	uint8_t *p;
	size_t len;
	size_t cap;
};

static inline struct slice
slice_of(const void *p, size_t len)
{
	return (struct slice){p, len};
}

/* The caller has made sure that there is room: n < cap. */
static inline void
batch_add(struct batch *b, const uint8_t *p, size_t len)
{
	b->v[b->n++] = (struct slice){p, len};
}

static inline size_t
span_room(const struct span *s)
{
	return s->cap - s->len;
}

#endif
