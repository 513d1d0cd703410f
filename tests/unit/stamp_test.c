/* The time before a line: its forms, and how often the clock is read. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/stamp.h"
#include "tap.h"

/* Until the clock shows something else: what it can tell apart is its own. */
static void
take_later(struct stamp *s)
{
	const int64_t before = s->now_ns;

	do
		stamp_take(s);
	while (s->now_ns / 1000 == before / 1000);
}

static void
test_kinds(void)
{
	enum stamp_kind kind = STAMP_NONE;

	ok(stamp_kind_of("absolute", &kind) && kind == STAMP_ABSOLUTE,
	    "absolute is a kind");
	ok(stamp_kind_of("start", &kind) && kind == STAMP_START, "so is start");
	ok(stamp_kind_of("delta", &kind) && kind == STAMP_DELTA, "and delta");
	ok(!stamp_kind_of("", &kind) && !stamp_kind_of("abs", &kind) &&
		kind == STAMP_DELTA,
	    "nothing else is, and nothing is written for it");
}

static void
test_absolute(void)
{
	struct timespec now;
	struct stamp s;

	stamp_init(&s, STAMP_ABSOLUTE);
	s.now_ns = 1;
	setenv("TZ", "XXX-5:30", 1);
	tzset();
	stamp_take(&s);
	/* time(2) reads a coarser clock, which is behind. */
	clock_gettime(CLOCK_REALTIME, &now);
	ok(s.now_ns / 1000000000 >= now.tv_sec - 60 &&
		s.now_ns / 1000000000 <= now.tv_sec,
	    "absolute is the time of the day");
	is_num(strlen(stamp_text(&s)), 33, "a date has its length: \"%s\"",
	    stamp_text(&s));
	ok(strcmp(stamp_text(&s) + 26, "+05:30 ") == 0 &&
		stamp_text(&s)[10] == 'T' && stamp_text(&s)[19] == '.',
	    "and says its zone");
	setenv("TZ", "XXX+3:15", 1);
	tzset();
	stamp_take(&s);
	is_text(stamp_text(&s) + 26, "-03:15 ", "west of Greenwich, too");
}

static double
seconds(struct stamp *s)
{
	return strtod(stamp_text(s), NULL);
}

static void
test_start(void)
{
	struct stamp s;
	double first;

	stamp_init(&s, STAMP_START);
	s.begun_ns -= 12345678901234;
	take_later(&s);
	first = seconds(&s);
	ok(first >= 12345.678901 && first < 12400, "start counts from there");
	ok(seconds(&s) == first, "until the clock is read it is the same time");
	take_later(&s);
	ok(seconds(&s) > first, "and then it is later");
	s.begun_ns = s.now_ns - 1000;
	stamp_take(&s);
	ok(strncmp(stamp_text(&s), "   0.0", 6) == 0, "seconds are aligned");
}

static void
test_delta(void)
{
	struct stamp s;

	stamp_init(&s, STAMP_DELTA);
	s.last_ns -= 2000000000;
	take_later(&s);
	ok(seconds(&s) >= 2 && seconds(&s) == 0,
	    "delta counts from what was written before");
	take_later(&s);
	ok(seconds(&s) > 0, "and again after the clock was read");
}

static void
test_none(void)
{
	struct stamp s;

	stamp_init(&s, STAMP_NONE);
	stamp_take(&s);
	is_text(stamp_text(&s), "", "none is nothing");
}

int
main(void)
{
	test_kinds();
	test_absolute();
	test_start();
	test_delta();
	test_none();
	return done_testing();
}
