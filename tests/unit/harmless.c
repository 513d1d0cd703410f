/* What could drive a terminal; see harmless.h. */

#include <stdbool.h>
#include <string.h>

#include "harmless.h"

/* By property, as UnicodeData, PropList and DerivedCoreProperties have them. */
static const struct {
	uint32_t from, to;
	const char *what;
} forbidden[] = {
    {0x80, 0x9f, "a C1 control"},
    {0x61c, 0x61c, "a bidi control"},
    {0x200e, 0x200f, "a bidi control"},
    {0x202a, 0x202e, "a bidi control"},
    {0x2066, 0x2069, "a bidi control"},
    {0x2028, 0x2028, "a line separator"},
    {0x2029, 0x2029, "a paragraph separator"},
    {0xad, 0xad, "what cannot be seen"},
    {0x34f, 0x34f, "what cannot be seen"},
    {0x115f, 0x1160, "what cannot be seen"},
    {0x17b4, 0x17b5, "what cannot be seen"},
    {0x180b, 0x180f, "what cannot be seen"},
    {0x200b, 0x200d, "what cannot be seen"},
    {0x2060, 0x206f, "what cannot be seen"},
    {0x3164, 0x3164, "what cannot be seen"},
    {0xfe00, 0xfe0f, "what cannot be seen"},
    {0xfeff, 0xfeff, "what cannot be seen"},
    {0xffa0, 0xffa0, "what cannot be seen"},
    {0xfff0, 0xfff8, "what cannot be seen"},
    {0x1bca0, 0x1bca3, "what cannot be seen"},
    {0x1d173, 0x1d17a, "what cannot be seen"},
    {0xe0000, 0xe0fff, "what cannot be seen"},
    {0x600, 0x605, "a format control"},
    {0x6dd, 0x6dd, "a format control"},
    {0x70f, 0x70f, "a format control"},
    {0x890, 0x891, "a format control"},
    {0x8e2, 0x8e2, "a format control"},
    {0xfff9, 0xfffb, "a format control"},
    {0x110bd, 0x110bd, "a format control"},
    {0x110cd, 0x110cd, "a format control"},
    {0x13430, 0x1343f, "a format control"},
    {0xd800, 0xdfff, "a surrogate"},
    {0xe000, 0xf8ff, "private use"},
    {0xf0000, 0x10ffff, "private use"},
    {0xfdd0, 0xfdef, "no character"},
};

/* The code point in its one form; how many bytes that takes. */
static size_t
write_point(uint32_t cp, uint8_t *to)
{
	if (cp < 0x80) {
		to[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		to[0] = (uint8_t)(0xc0 + cp / 64);
		to[1] = (uint8_t)(0x80 + cp % 64);
		return 2;
	}
	if (cp < 0x10000) {
		to[0] = (uint8_t)(0xe0 + cp / 4096);
		to[1] = (uint8_t)(0x80 + cp / 64 % 64);
		to[2] = (uint8_t)(0x80 + cp % 64);
		return 3;
	}
	to[0] = (uint8_t)(0xf0 + cp / 262144);
	to[1] = (uint8_t)(0x80 + cp / 4096 % 64);
	to[2] = (uint8_t)(0x80 + cp / 64 % 64);
	to[3] = (uint8_t)(0x80 + cp % 64);
	return 4;
}

/* What the first byte announces, taken at its word. */
static size_t
read_point(const uint8_t *p, size_t len, uint32_t *cp)
{
	static const struct {
		uint8_t from;
		size_t n;
	} leads[] = {{0xf0, 4}, {0xe0, 3}, {0xc0, 2}};
	size_t i, k;

	for (i = 0; i < 3; i++) {
		if (p[0] < leads[i].from)
			continue;
		if (len < leads[i].n)
			return 0;
		*cp = p[0] - leads[i].from;
		for (k = 1; k < leads[i].n; k++)
			*cp = *cp * 64 + (p[k] ^ 0x80u);
		return leads[i].n;
	}
	return 0;
}

static const char *
judge_point(uint32_t cp)
{
	size_t i;

	if (cp > 0x10ffff)
		return "above the last code point";
	if (cp % 0x10000 >= 0xfffe)
		return "no character";
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (cp >= forbidden[i].from && cp <= forbidden[i].to)
			return forbidden[i].what;
	return NULL;
}

const char *
harm_in(const uint8_t *p, size_t len, const char *controls, size_t *at)
{
	const char *what;
	uint8_t again[4];
	uint32_t cp = 0;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		*at = i;
		n = 1;
		if (p[i] == 0x7f)
			return "DEL";
		if (p[i] < 0x20 &&
		    (p[i] == 0 || strchr(controls, p[i]) == NULL))
			return "a C0 control";
		if (p[i] < 0x80)
			continue;
		n = read_point(p + i, len - i, &cp);
		if (n == 0)
			return "a byte that is no UTF-8";
		what = judge_point(cp);
		if (what != NULL)
			return what;
		if (write_point(cp, again) != n || memcmp(again, p + i, n) != 0)
			return "a sequence that is no UTF-8";
	}
	return NULL;
}
