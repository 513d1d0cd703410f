/* What is known of a message beside its bytes; see about.h. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "io/about.h"

#define MILLION UINT64_C(1000000)

static uint64_t
clock_us(clockid_t id)
{
	struct timespec ts = {0, 0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * MILLION + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
about_even_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* Both clocks now: since the epoch, and one that runs evenly. */
static void
read_clocks(uint64_t *time_us, uint64_t *even_us)
{
	*time_us = clock_us(CLOCK_REALTIME);
	*even_us = about_even_us();
}

void
about_begin(struct about_of *of, uint64_t number, const char *peer)
{
	*of = (struct about_of){.number = number, .peer = peer};
	read_clocks(&of->time_us, &of->begun_us);
}

void
about_begin_late(
    struct about_of *of, uint64_t number, const char *peer, uint64_t begun_us)
{
	*of = (struct about_of){
	    .number = number, .peer = peer, .begun_us = begun_us};
}

void
about_read(struct about_of *of)
{
	uint64_t now_us;

	read_clocks(&of->time_us, &now_us);
	of->since_us = now_us - of->begun_us;
}

size_t
about_chan(uint64_t number, char to[ABOUT_CHAN_MAX])
{
	size_t n;

	to[0] = 'c';
	n = 1 + num_print(number, to + 1);
	to[n] = '\0';
	return n;
}

void
about_init(struct about *a, struct about_of *of)
{
	memset(a, 0, sizeof(*a));
	a->of = of;
	a->text_us = UINT64_MAX;
}

void
about_next(struct about *a)
{
	struct about_of *of = a->of;

	of->n++;
	a->after_us = of->since_us - of->last_us;
	of->last_us = of->since_us;
}

/* The seconds, which change rarely. */
static void
write_seconds(struct about *a)
{
	time_t t = (time_t)(a->of->time_us / MILLION);
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
	const uint64_t time_us = a->of->time_us;
	uint64_t fraction = time_us % MILLION;
	char *p;

	if (time_us == a->text_us)
		return slice_of(a->text, a->text_len);
	if (a->text_us == UINT64_MAX ||
	    time_us / MILLION != a->text_us / MILLION)
		write_seconds(a);
	a->text_us = time_us;
	for (p = a->text + a->text_len - 2; *p != '.'; p--) {
		*p = (char)('0' + fraction % 10);
		fraction /= 10;
	}
	return slice_of(a->text, a->text_len);
}
