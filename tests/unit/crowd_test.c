/* The crowd against a plain array of flags: who is there, by number and all. */

#include <stdlib.h>

#include "talk/crowd.h"
#include "tap.h"

#define NUMBERS 5000

static struct crowd_link link_of[NUMBERS + 1];
static bool there[NUMBERS + 1];

static bool
is_as_it_should(const struct crowd *c, size_t n)
{
	size_t i;

	if (c->n != n)
		return false;
	for (i = 0; i < c->n; i++)
		if (c->v[i]->at != i || !there[c->v[i]->number])
			return false;
	for (i = 1; i <= NUMBERS; i++)
		if (crowd_find(c, i) != (there[i] ? &link_of[i] : NULL))
			return false;
	return true;
}

int
main(void)
{
	struct crowd c = {NULL, 0, 0, NULL, 0};
	size_t i, n = 0, next = 1, out;
	bool well = true;
	uint64_t state = dice_seed();

	ok(crowd_find(&c, 1) == NULL, "nobody is there at first");
	for (i = 0; i < 20000; i++) {
		if (next <= NUMBERS && (n == 0 || dice_below(&state, 2) == 0)) {
			link_of[next].number = next;
			well &= crowd_add(&c, &link_of[next]);
			there[next++] = true;
			n++;
		} else if (n > 0) {
			out = c.v[dice_below(&state, n)]->number;
			there[out] = false;
			crowd_remove(&c, &link_of[out]);
			n--;
		}
		if (i % 1000 == 0)
			well &= is_as_it_should(&c, n);
	}
	ok(well, "members come and go, and are found while they are there");
	while (n > 0) {
		out = c.v[0]->number;
		there[out] = false;
		crowd_remove(&c, &link_of[out]);
		n--;
	}
	ok(is_as_it_should(&c, 0), "all have gone");
	crowd_release(&c);
	return done_testing();
}
