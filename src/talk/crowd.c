/* Who is there; see crowd.h. */

#include <stdlib.h>

#include "talk/crowd.h"

#define CROWD_FIRST 64

static struct crowd_link **
place(const struct crowd *c, uint64_t number)
{
	return &c->bucket[number & (c->buckets - 1)];
}

/* Twice as many buckets, and places in v. */
static bool
grow(struct crowd *c)
{
	size_t cap = c->cap == 0 ? CROWD_FIRST : 2 * c->cap, i;
	struct crowd_link **v, **bucket, **old = c->bucket;

	v = realloc(c->v, cap * sizeof(struct crowd_link *));
	if (v == NULL)
		return false;
	c->v = v;
	bucket = calloc(cap, sizeof(struct crowd_link *));
	if (bucket == NULL)
		return false;
	c->cap = cap;
	c->bucket = bucket;
	c->buckets = cap;
	for (i = 0; i < c->n; i++) {
		struct crowd_link **at = place(c, v[i]->number);

		v[i]->next = *at;
		*at = v[i];
	}
	free(old);
	return true;
}

bool
crowd_add(struct crowd *c, struct crowd_link *l)
{
	struct crowd_link **at;

	if (c->n == c->cap && !grow(c))
		return false;
	at = place(c, l->number);
	l->next = *at;
	*at = l;
	l->at = c->n;
	c->v[c->n++] = l;
	return true;
}

void
crowd_remove(struct crowd *c, struct crowd_link *l)
{
	struct crowd_link **at = place(c, l->number);

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	c->v[l->at] = c->v[--c->n];
	c->v[l->at]->at = l->at;
}

struct crowd_link *
crowd_find(const struct crowd *c, uint64_t number)
{
	struct crowd_link *l = c->n == 0 ? NULL : *place(c, number);

	while (l != NULL && l->number != number)
		l = l->next;
	return l;
}

void
crowd_release(struct crowd *c)
{
	free(c->v);
	free(c->bucket);
	*c = (struct crowd){NULL, 0, 0, NULL, 0};
}
