/* The time before a line; see stamp.h. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/stamp.h"

#define NS INT64_C(1000000000)

bool
stamp_kind_of(const char *name, enum stamp_kind *kind)
{
	static const char *const names[] = {
	    [STAMP_ABSOLUTE] = "absolute",
	    [STAMP_START] = "start",
	    [STAMP_DELTA] = "delta",
	};
	size_t i;

	for (i = STAMP_ABSOLUTE; i <= STAMP_DELTA; i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum stamp_kind)i;
			return true;
		}
	return false;
}

static int64_t
read_clock(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

/* Nobody sets this one: what it has measured is so long. */
static int64_t
since_boot(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
stamp_init(struct stamp *s, enum stamp_kind kind)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	if (kind == STAMP_START || kind == STAMP_DELTA)
		s->begun_ns = s->last_ns = s->now_ns = since_boot();
}

/* "+01:00" of "+0100". */
static void
put_colon(char *zone)
{
	memmove(zone + 4, zone + 3, 3);
	zone[3] = ':';
}

static void
print_date(struct stamp *s)
{
	const time_t seconds = (time_t)(s->now_ns / NS);
	char date[24], zone[8];
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5) {
		/* A year that nobody can write. */
		snprintf(
		    s->text, sizeof(s->text), "@%" PRId64 " ", s->now_ns / NS);
		return;
	}
	put_colon(zone);
	snprintf(s->text, sizeof(s->text), "%s.%06d%s ", date,
	    (int)(s->now_ns % NS / 1000), zone);
}

/* Aligned for a run of less than three hours. */
static void
print_seconds(struct stamp *s, int64_t ns)
{
	snprintf(s->text, sizeof(s->text), "%4" PRId64 ".%06d ", ns / NS,
	    (int)(ns % NS / 1000));
}

void
stamp_take(struct stamp *s)
{
	switch (s->kind) {
	case STAMP_NONE:
		break;
	case STAMP_ABSOLUTE:
		s->now_ns = read_clock(CLOCK_REALTIME);
		print_date(s);
		break;
	case STAMP_START:
		s->now_ns = since_boot();
		print_seconds(s, s->now_ns - s->begun_ns);
		break;
	case STAMP_DELTA:
		s->now_ns = since_boot();
		break;
	}
}

const char *
stamp_text(struct stamp *s)
{
	if (s->kind == STAMP_DELTA) {
		print_seconds(s, s->now_ns - s->last_ns);
		s->last_ns = s->now_ns;
	}
	return s->text;
}
