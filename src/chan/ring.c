/* What is said to many; see ring.h. It touches memory alone. */

#include <stdlib.h>
#include <string.h>

#include "chan/ring.h"

struct ring_block {
	struct ring_block *next;
	uint64_t begin;	   /* of ring.bytes: where it begins */
	uint64_t messages; /* of ring.messages: before it */
	size_t readers;	   /* who stand in it, or go on there */
	size_t through;	   /* those of them who go on to the next */
	struct span span;
	uint8_t bytes[];
};

void
ring_init(struct ring *r)
{
	memset(r, 0, sizeof(*r));
}

void
ring_release(struct ring *r)
{
	struct ring_block *b;

	while ((b = r->first) != NULL) {
		r->first = b->next;
		free(b);
	}
	free(r->spare);
	ring_init(r);
}

static void
drop(struct ring *r, struct ring_block *b)
{
	r->held -= b->span.cap;
	if (r->spare == NULL && b->span.cap == RING_BLOCK)
		r->spare = b;
	else
		free(b);
}

/* Blocks at the front that nobody will come back to. */
static void
drop_read(struct ring *r)
{
	struct ring_block *b;

	while ((b = r->first) != r->last && b->readers == 0) {
		r->first = b->next;
		drop(r, b);
	}
}

/* Those, and blocks that all who stand before them leave out. */
static void
drop_skipped(struct ring *r)
{
	struct ring_block **at = &r->first, *b;

	while ((b = *at) != r->last && b->through == 0) {
		if (b->readers > 0) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		drop(r, b);
	}
}

static struct ring_block *
new_block(struct ring *r, size_t cap)
{
	struct ring_block *b = r->spare;

	if (cap > RING_BLOCK || b == NULL)
		b = malloc(sizeof(*b) + cap);
	else
		r->spare = NULL;
	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->begin = r->bytes;
	b->messages = r->messages;
	b->span = (struct span){b->bytes, 0, cap};
	return b;
}

struct span *
ring_room(struct ring *r, size_t n)
{
	struct ring_block *b = r->last;

	if (b != NULL && span_room(&b->span) >= n)
		return &b->span;
	b = new_block(r, n > RING_BLOCK ? n : RING_BLOCK);
	if (b == NULL)
		return NULL;
	if (r->last == NULL)
		r->first = b;
	else
		r->last->next = b;
	r->last = b;
	r->held += b->span.cap;
	drop_skipped(r);
	return &b->span;
}

void
ring_added(struct ring *r, uint64_t messages)
{
	r->bytes = r->last->begin + r->last->span.len;
	r->messages += messages;
}

bool
ring_join(struct ring *r, struct ring_reader *reader)
{
	if (r->last == NULL && ring_room(r, 0) == NULL)
		return false;
	*reader =
	    (struct ring_reader){.block = r->last, .at = r->last->span.len};
	r->last->readers++;
	r->last->through++;
	return true;
}

void
ring_leave(struct ring *r, struct ring_reader *reader)
{
	if (reader->block == NULL)
		return;
	reader->block->readers--;
	if (reader->then != NULL) {
		reader->then->readers--;
		reader->then->through--;
	} else
		reader->block->through--;
	memset(reader, 0, sizeof(*reader));
	drop_read(r);
}

uint64_t
ring_behind(const struct ring *r, const struct ring_reader *reader)
{
	const struct ring_block *b = reader->block, *then = reader->then;

	if (b == NULL)
		return 0;
	if (then == NULL)
		return r->bytes - (b->begin + reader->at);
	return b->span.len - reader->at + r->bytes -
	    (then->begin + reader->then_at);
}

/* Where a reader goes on that has come to the end of a block. */
static struct ring_block *
behind(const struct ring_reader *reader, const struct ring_block *b, size_t *at)
{
	if (b == reader->block && reader->then != NULL) {
		*at = reader->then_at;
		return reader->then;
	}
	*at = 0;
	return b->next;
}

int
ring_peek(const struct ring_reader *reader, struct iovec *v, int n)
{
	const struct ring_block *b = reader->block;
	size_t at = reader->at;
	int i = 0;

	while (b != NULL && i < n) {
		if (at < b->span.len)
			v[i++] =
			    (struct iovec){b->span.p + at, b->span.len - at};
		b = behind(reader, b, &at);
	}
	return i;
}

/* To the block where it goes on. */
static void
move_on(struct ring_reader *reader)
{
	size_t at;
	struct ring_block *to = behind(reader, reader->block, &at);

	reader->block->readers--;
	if (reader->then == NULL) {
		reader->block->through--;
		to->readers++;
		to->through++;
	}
	*reader = (struct ring_reader){.block = to, .at = at};
}

void
ring_advance(struct ring *r, struct ring_reader *reader, size_t bytes)
{
	size_t left;

	for (;;) {
		left = reader->block->span.len - reader->at;
		if (bytes < left || reader->block == r->last)
			break;
		bytes -= left;
		move_on(reader);
	}
	reader->at += bytes;
	drop_read(r);
}

uint64_t
ring_skip(struct ring *r, struct ring_reader *reader)
{
	struct ring_block *b = reader->block;
	uint64_t from;

	if (b == NULL || b == r->last)
		return 0;
	if (reader->then != NULL) {
		from = reader->then_messages;
		reader->then->readers--;
		reader->then->through--;
	} else {
		from = b->next->messages;
		b->through--;
	}
	reader->then = r->last;
	reader->then_at = r->last->span.len;
	reader->then_messages = r->messages;
	r->last->readers++;
	r->last->through++;
	return r->messages - from;
}

void
ring_skip_all(struct ring *r, struct ring_reader *reader)
{
	ring_leave(r, reader);
	ring_join(r, reader); /* there is a block: it stood in one */
}
