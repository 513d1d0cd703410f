/* What is known of a message beside its bytes; see about.h. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/about.h"

#define MILLION UINT64_C(1000000)

void
about_begin(struct about *a, struct slice chan, struct slice peer)
{
	memset(a, 0, sizeof(*a));
	a->chan = chan;
	a->peer = peer;
	a->text_us = UINT64_MAX;
}

void
about_next(struct about *a)
{
	a->n++;
	a->after_us = a->since_us - a->last_us;
	a->last_us = a->since_us;
}

/* The seconds, which change rarely. */
static void
write_seconds(struct about *a)
{
	time_t t = (time_t)(a->time_us / MILLION);
	struct tm tm;
	int n;

	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	n = snprintf(a->text, sizeof(a->text),
	    "%04ld-%02d-%02dT%02d:%02d:%02d.000000Z", tm.tm_year + 1900L,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	a->text_len = (size_t)n;
}

struct slice
about_time(struct about *a)
{
	uint64_t fraction = a->time_us % MILLION;
	char *p;

	if (a->time_us == a->text_us)
		return slice_of(a->text, a->text_len);
	if (a->text_us == UINT64_MAX ||
	    a->time_us / MILLION != a->text_us / MILLION)
		write_seconds(a);
	a->text_us = a->time_us;
	for (p = a->text + a->text_len - 2; *p != '.'; p--) {
		*p = (char)('0' + fraction % 10);
		fraction /= 10;
	}
	return slice_of(a->text, a->text_len);
}

static uint64_t
clock_us(clockid_t id)
{
	struct timespec ts = {0, 0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * MILLION + (uint64_t)ts.tv_nsec / 1000;
}

void
about_clock(uint64_t *time_us, uint64_t *even_us)
{
	*time_us = clock_us(CLOCK_REALTIME);
	*even_us = clock_us(CLOCK_MONOTONIC);
}
