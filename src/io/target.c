/* For whom a message is; see target.h. */

#include <stdlib.h>
#include <string.h>

#include "io/target.h"

#define DIGITS_MAX 19 /* they fit 64 bits */

static int
compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct target
target_of(enum target_kind kind, uint64_t *list, size_t n)
{
	struct target t = {.kind = kind};
	bool rising = true;
	size_t i, kept;

	for (i = 1; i < n && rising; i++)
		rising = list[i - 1] < list[i];
	if (!rising) {
		qsort(list, n, sizeof(*list), compare);
		for (i = kept = 1; i < n; i++)
			if (list[i] != list[kept - 1])
				list[kept++] = list[i];
		n = kept;
	}
	t.n = (uint32_t)n;
	if (n == 1)
		t.one = list[0];
	else
		t.v = list;
	if (n == 1 && kind == TARGET_SOME)
		t.kind = TARGET_ONE;
	if (n == 0 && kind == TARGET_BUT)
		t.kind = TARGET_ALL;
	return t;
}

static bool
is_listed(const struct target *t, uint64_t chan)
{
	return t->n > 0 &&
	    bsearch(&chan, target_list(t), t->n, sizeof(chan), compare) != NULL;
}

bool
target_has(const struct target *t, uint64_t chan)
{
	switch (t->kind) {
	case TARGET_ALL:
		return true;
	case TARGET_ONE:
		return t->one == chan;
	case TARGET_SOME:
		return is_listed(t, chan);
	case TARGET_BUT:
		return !is_listed(t, chan);
	case TARGET_NOBODY:
		break;
	}
	return false;
}

bool
target_equal(const struct target *a, const struct target *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->n == 1)
		return a->one == b->one;
	return a->n == 0 || a->v == b->v ||
	    memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0;
}

/* A name at the beginning of `in`: its channel, or 0, and its length. */
static inline uint64_t
read_name(struct slice in, size_t *len)
{
	uint64_t v = 0;
	size_t i;
	uint8_t c;

	if (in.len < 2 || in.p[0] != 'c' || in.p[1] == '0')
		return 0;
	for (i = 1; i < in.len && i <= DIGITS_MAX; i++) {
		c = (uint8_t)(in.p[i] - '0');
		if (c > 9)
			break;
		v = v * 10 + c;
	}
	*len = i;
	return v <= INT64_MAX ? v : 0;
}

uint64_t
target_chan(struct slice name)
{
	size_t len = 0;
	uint64_t chan = read_name(name, &len);

	return len == name.len ? chan : 0;
}

/* Names with commas between them; *at is where one is none. */
static enum target_error
read_list(struct slice word, uint64_t *list, size_t *n, size_t *at)
{
	size_t i = 0, len;

	for (*n = 0;; i++) {
		*at = i;
		if (*n == TARGET_MAX)
			return TARGET_LONG;
		len = 0;
		list[*n] = read_name(slice_of(word.p + i, word.len - i), &len);
		i += len;
		if (list[*n] == 0 || (i < word.len && word.p[i] != ','))
			return TARGET_NO_NAME;
		++*n;
		if (i == word.len)
			return TARGET_OK;
	}
}

/* All that is not "c7" or "*" alone. */
static enum target_error
read_word(struct slice record, struct target *t, uint64_t *list, size_t *at)
{
	const uint8_t *tab = memchr(record.p, '\t', record.len);
	enum target_error err;
	bool but;
	size_t len, n;

	if (tab == NULL)
		return TARGET_NO_TAB;
	if (list == NULL)
		return TARGET_NO_ROOM;
	len = (size_t)(tab - record.p);
	but = record.p[0] == '-';
	err = read_list(slice_of(record.p + but, len - but), list, &n, at);
	if (err == TARGET_OK) {
		*t = target_of(but ? TARGET_BUT : TARGET_SOME, list, n);
		*at = len + 1;
	} else
		*at += but;
	return err;
}

enum target_error
target_read(struct slice record, struct target *t, uint64_t *list, size_t *at)
{
	size_t len = 0;
	uint64_t chan = read_name(record, &len);

	if (chan != 0 && len < record.len && record.p[len] == '\t')
		*t = target_one(chan);
	else if (record.len >= 2 && record.p[0] == '*' && record.p[1] == '\t') {
		*t = target_all();
		len = 1;
	} else
		return read_word(record, t, list, at);
	*at = len + 1;
	return TARGET_OK;
}
