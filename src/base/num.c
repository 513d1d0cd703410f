/* Numbers, sizes and durations; see num.h. strtonum does the range. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#define DIGITS "0123456789"

/* The digits text[0..len), scaled by unit and held against the range. */
static enum num_result
scaled(const char *text, size_t len, uint64_t unit, uint64_t min, uint64_t max,
    uint64_t *out)
{
	char copy[32];
	const char *why;
	long long v;

	while (len > 1 && text[0] == '0') {
		text++;
		len--;
	}
	if (len >= sizeof(copy))
		return NUM_LARGE;
	memcpy(copy, text, len);
	copy[len] = '\0';
	v = strtonum(copy, 0, (long long)(INT64_MAX / unit), &why);
	if (why != NULL || (uint64_t)v * unit > max)
		return NUM_LARGE;
	if ((uint64_t)v * unit < min)
		return NUM_SMALL;
	*out = (uint64_t)v * unit;
	return NUM_OK;
}

/* The same where nothing may stand behind them, unless it is a unit. */
static enum num_result
digits(const char *text, size_t len, uint64_t unit, uint64_t min, uint64_t max,
    uint64_t *out)
{
	if (len == 0)
		return text[0] == '\0' ? NUM_EMPTY : NUM_BAD;
	if (text[len] != '\0' && unit == 1)
		return NUM_BAD;
	return scaled(text, len, unit, min, max, out);
}

enum num_result
num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return digits(text, strspn(text, DIGITS), 1, min, max, out);
}

enum num_result
num_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t unit;
	} units[] = {
	    {"k", 1 << 10},
	    {"m", 1 << 20},
	    {"g", 1 << 30},
	};
	size_t len = strspn(text, DIGITS);
	const char *rest = text + len;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strncasecmp(rest, units[i].name, 1) == 0 &&
		    (rest[1] == '\0' || strcasecmp(rest + 1, "ib") == 0))
			return digits(text, len, units[i].unit, min, max, out);
	return digits(text, len, 1, min, max, out);
}

/*
 * 0.DIGITS of a unit, rounded up. Twelve digits of an hour fit into 64 bits;
 * those behind them only tell whether there is anything to round.
 */
static uint64_t
fraction(const char *text, size_t len, uint64_t unit)
{
	uint64_t v = 0, scale = 1;
	size_t i;

	for (i = 0; i < len && i < 12; i++) {
		v = v * 10 + (uint64_t)(text[i] - '0');
		scale *= 10;
	}
	v *= unit;
	for (; i < len; i++)
		if (text[i] != '0')
			return v / scale + 1;
	return v / scale + (v % scale > 0);
}

enum num_result
num_duration(const char *text, uint64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
	    {"", 1000},
	    {"ms", 1},
	    {"s", 1000},
	    {"m", 60 * 1000},
	    {"h", 60 * 60 * 1000},
	};
	size_t whole = strspn(text, DIGITS), part = 0, i;
	const char *rest = text + whole;
	uint64_t v = 0;

	if (text[0] == '\0')
		return NUM_EMPTY;
	if (rest[0] == '.') {
		part = strspn(rest + 1, DIGITS);
		rest += 1 + part;
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(rest, units[i].name) == 0)
			break;
	if (i == sizeof(units) / sizeof(units[0]) || rest == text ||
	    rest[-1] == '.')
		return NUM_BAD;
	if (whole > 0 &&
	    scaled(text, whole, units[i].ms, 0, NUM_DURATION_MAX, &v) != NUM_OK)
		return NUM_LARGE;
	v += fraction(rest - part, part, units[i].ms);
	if (v > NUM_DURATION_MAX)
		return NUM_LARGE;
	*ms = v;
	return NUM_OK;
}

size_t
num_print(uint64_t v, char *to)
{
	char digits[NUM_DIGITS];
	size_t at = sizeof(digits), n;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	n = sizeof(digits) - at;
	memcpy(to, digits + at, n);
	return n;
}
