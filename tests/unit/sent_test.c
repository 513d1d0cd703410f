/* The ledger of what was sent, against a plain list that forgets nothing. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan/sent.h"
#include "tap.h"

#define MESSAGES 500

static void
counts(void)
{
	struct sent s;

	sent_init(&s);
	ok(sent_beyond(&s, 0) == 0,
	    "where nothing was sent nothing is missing");
	sent_add(&s, 10);
	sent_add(&s, 10); /* an empty frame */
	sent_add(&s, 25);
	ok(sent_beyond(&s, 0) == 3, "nothing taken: all are missing");
	ok(sent_beyond(&s, 9) == 3, "a message taken in part is missing");
	ok(sent_beyond(&s, 10) == 1, "a message taken to its last byte is not");
	ok(sent_beyond(&s, 25) == 0, "all taken: none is missing");
	sent_taken(&s, 12);
	ok(s.n == 1 && s.begin == 10, "what was taken is forgotten");
	ok(sent_beyond(&s, 12) == 1, "and the others are not");
	sent_release(&s);
}

static void
unsent(void)
{
	static const char queue[] = "llobbccc";
	struct sent s;
	struct unsent u;

	/* Frames hello, bb, ccc; "he" has left. */
	sent_init(&s);
	sent_add(&s, 5);
	sent_add(&s, 7);
	sent_add(&s, 10);
	ok(sent_unsent(&s, slice_of(queue, 8), 2, &u), "what is left is taken");
	ok(u.frames.n == 2, "a frame that has left in part is not among it");
	ok(u.frames.n == 2 && u.frames.v[0].len == 2 &&
		memcmp(u.frames.v[0].p, "bb", 2) == 0 &&
		u.frames.v[1].len == 3 &&
		memcmp(u.frames.v[1].p, "ccc", 3) == 0,
	    "the others are whole");
	unsent_free(&u);
	ok(sent_unsent(&s, slice_of(queue + 8, 0), 10, &u) && u.frames.n == 0,
	    "where all has left nothing is unsent");
	unsent_free(&u);
	sent_taken(&s, 5);
	ok(sent_unsent(&s, slice_of(queue + 3, 5), 5, &u) && u.frames.n == 2,
	    "a frame behind what was forgotten begins where that ended");
	unsent_free(&u);
	sent_release(&s);
}

static bool
agrees(uint64_t *state)
{
	uint64_t end[MESSAGES], at = 0, taken, asked;
	size_t i, n, naive = 0;
	struct sent s;
	bool good;

	sent_init(&s);
	n = dice_below(state, MESSAGES);
	for (i = 0; i < n; i++)
		sent_add(&s, end[i] = at += dice_below(state, 20));
	taken = dice_below(state, at + 1);
	asked = taken + dice_below(state, at - taken + 1);
	sent_taken(&s, taken);
	for (i = 0; i < n; i++)
		naive += end[i] > asked;
	good = sent_beyond(&s, asked) == naive;
	sent_release(&s);
	return good;
}

int
main(void)
{
	uint64_t state = dice_seed();
	int i, bad = 0;

	counts();
	unsent();
	for (i = 0; i < 2000; i++)
		bad += !agrees(&state);
	ok(bad == 0, "it counts what a plain list counts");
	return done_testing();
}
