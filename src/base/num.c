/* Numbers and sizes; see num.h. strtonum does the work and the range. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

/* The digits text[0..len), scaled by unit and held against the range. */
static enum num_result
digits(const char *text, size_t len, uint64_t unit, uint64_t min, uint64_t max,
    uint64_t *out)
{
	char copy[32];
	const char *why;
	long long v;

	if (len == 0)
		return text[0] == '\0' ? NUM_EMPTY : NUM_BAD;
	if (text[len] != '\0' && unit == 1)
		return NUM_BAD;
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

enum num_result
num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return digits(text, strspn(text, "0123456789"), 1, min, max, out);
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
	size_t len = strspn(text, "0123456789");
	const char *rest = text + len;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strncasecmp(rest, units[i].name, 1) == 0 &&
		    (rest[1] == '\0' || strcasecmp(rest + 1, "ib") == 0))
			return digits(text, len, units[i].unit, min, max, out);
	return digits(text, len, 1, min, max, out);
}

const char *
num_strerror(enum num_result r)
{
	switch (r) {
	case NUM_OK:
		return "is a number";
	case NUM_EMPTY:
		return "is empty";
	case NUM_BAD:
		return "is not a number";
	case NUM_SMALL:
		return "is too small";
	case NUM_LARGE:
		return "is too large";
	}
	return "is not a number";
}
