/* The ledger of what was sent; see sent.h. It touches memory alone. */

#include <stdlib.h>
#include <string.h>

#include "chan/sent.h"

#define FIRST_CAP 64

void
sent_init(struct sent *s)
{
	memset(s, 0, sizeof(*s));
}

void
sent_release(struct sent *s)
{
	free(s->end);
	sent_init(s);
}

bool
sent_is_full(const struct sent *s)
{
	return s->n == s->cap;
}

bool
sent_add(struct sent *s, uint64_t end)
{
	uint64_t *p;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap == 0 ? FIRST_CAP : 2 * s->cap;
		p = realloc(s->end, cap * sizeof(*p));
		if (p == NULL)
			return false;
		s->end = p;
		s->cap = cap;
	}
	s->end[s->n++] = end;
	return true;
}

/* The first entry that reaches beyond the offset. */
static size_t
first_beyond(const struct sent *s, uint64_t offset)
{
	size_t low = 0, high = s->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->end[mid] > offset)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

void
sent_taken(struct sent *s, uint64_t offset)
{
	size_t gone = first_beyond(s, offset);

	if (gone == 0)
		return;
	s->begin = s->end[gone - 1];
	s->n -= gone;
	memmove(s->end, s->end + gone, s->n * sizeof(*s->end));
}

size_t
sent_beyond(const struct sent *s, uint64_t offset)
{
	return s->n - first_beyond(s, offset);
}

bool
sent_unsent(
    const struct sent *s, struct slice queue, uint64_t at, struct unsent *u)
{
	uint64_t begin;
	size_t i = 0, n;

	memset(u, 0, sizeof(*u));
	/* The first message of which no byte has left. */
	while (i < s->n && (i == 0 ? s->begin : s->end[i - 1]) < at)
		i++;
	n = s->n - i;
	if (n == 0)
		return true;
	begin = i == 0 ? s->begin : s->end[i - 1];
	u->bytes = malloc(queue.len - (size_t)(begin - at) + 1);
	u->frames.v = calloc(n, sizeof(*u->frames.v));
	if (u->bytes == NULL || u->frames.v == NULL) {
		unsent_free(u);
		return false;
	}
	memcpy(
	    u->bytes, queue.p + (begin - at), queue.len - (size_t)(begin - at));
	u->frames.cap = n;
	for (at = begin; i < s->n; i++) {
		batch_add(&u->frames, u->bytes + (at - begin),
		    (size_t)(s->end[i] - at));
		at = s->end[i];
	}
	return true;
}

void
unsent_free(struct unsent *u)
{
	free(u->bytes);
	free(u->frames.v);
	memset(u, 0, sizeof(*u));
}
