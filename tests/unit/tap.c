/* TAP and dice for the unit tests; see tap.h. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static unsigned count, failed;

/* In TAP a # begins a directive, and a line is a line. */
static void
put_sentence(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '#')
			putchar('\\');
		putchar(*s == '\n' ? ' ' : *s);
	}
	putchar('\n');
}

static bool result(bool holds, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static bool
result(bool holds, const char *fmt, va_list ap)
{
	char sentence[512];

	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	printf("%sok %u - ", holds ? "" : "not ", ++count);
	put_sentence(sentence);
	if (!holds)
		failed++;
	if (!holds && getenv("STOP") != NULL)
		exit(1);
	return holds;
}

bool
ok(bool holds, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(holds, fmt, ap);
	va_end(ap);
	return holds;
}

void
diag(const char *fmt, ...)
{
	va_list ap;

	printf("#   ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
diag_bytes(const char *what, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t i;

	printf("#   %s (%zu bytes): \"", what, len);
	for (i = 0; i < len && i < 300; i++)
		if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '\\')
			printf("\\x%02x", p[i]);
		else
			putchar(p[i]);
	printf("\"%s\n", i < len ? "..." : "");
}

bool
is_bytes(const void *got, size_t got_len, const void *want, size_t want_len,
    const char *fmt, ...)
{
	bool same = got_len == want_len &&
	    (got_len == 0 || memcmp(got, want, got_len) == 0);
	va_list ap;

	va_start(ap, fmt);
	result(same, fmt, ap);
	va_end(ap);
	if (!same) {
		diag_bytes("got", got, got_len);
		diag_bytes("want", want, want_len);
	}
	return same;
}

bool
is_text(const char *got, const char *want, const char *fmt, ...)
{
	bool same = strcmp(got, want) == 0;
	va_list ap;

	va_start(ap, fmt);
	result(same, fmt, ap);
	va_end(ap);
	if (!same) {
		diag_bytes("got", got, strlen(got));
		diag_bytes("want", want, strlen(want));
	}
	return same;
}

bool
is_int64(int64_t got, int64_t want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		diag("got %" PRId64 ", want %" PRId64, got, want);
	return got == want;
}

int
done_testing(void)
{
	printf("1..%u\n", count);
	if (count == 0)
		diag("nothing was tested");
	return failed > 0 || count == 0 || fflush(stdout) != 0;
}

uint64_t
dice_seed(void)
{
	const char *given = getenv("SEED");
	uint64_t seed;

	if (given != NULL && *given != '\0')
		seed = strtoull(given, NULL, 10);
	else if (getentropy(&seed, sizeof(seed)) != 0)
		seed = 1;
	printf("# SEED=%" PRIu64 "\n", seed);
	return seed;
}

uint64_t
dice(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

size_t
dice_below(uint64_t *state, size_t n)
{
	return (size_t)(dice(state) % n);
}

unsigned
rounds(unsigned n)
{
	if (getenv("QUICK") == NULL)
		return n;
	return n > 20 ? n / 10 : n;
}
