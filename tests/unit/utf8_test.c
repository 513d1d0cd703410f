/*
 * UTF-8 against an oracle that is too simple to be wrong: every code point is
 * written out, and whatever nothing wrote is not well-formed.
 */

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "guard.h"
#include "tap.h"

#define LAST 0x10ffffu

static bool
is_scalar(uint32_t cp)
{
	return cp <= LAST && !(cp >= 0xd800 && cp <= 0xdfff);
}

/* A code point in n bytes, whether or not that is its shortest form. */
static void
write_as(uint32_t cp, int n, uint8_t *to)
{
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	int i;

	for (i = n - 1; i > 0; i--) {
		to[i] = (uint8_t)(0x80 | (cp & 0x3f));
		cp >>= 6;
	}
	to[0] = (uint8_t)(leads[n] | cp);
}

static int
length_of(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

static void
test_all_code_points(void)
{
	unsigned bad = 0, bad_cut = 0, bad_valid = 0, bad_rest = 0;
	uint32_t cp, got;
	uint8_t p[5];
	int n, i;

	for (cp = 0; cp <= 0x1fffff; cp++) {
		const bool scalar = is_scalar(cp);

		n = length_of(cp);
		write_as(cp, n, p);
		p[n] = 0x80; /* must not be looked at */
		got = ~cp;
		if (utf8_next(p, (size_t)n + 1, &got) !=
		    (scalar ? n : UTF8_BAD))
			bad++;
		if (scalar && got != cp)
			bad++;
		for (i = 1; scalar && i < n; i++)
			if (utf8_next(p, (size_t)i, &got) != UTF8_PARTIAL)
				bad_cut++;
		if (utf8_valid(p, (size_t)n) != scalar)
			bad_valid++;
		if (n > 1 && utf8_valid(p, (size_t)n - 1))
			bad_rest++;
	}
	is_num(bad, 0, "every code point is read, and nothing that is none");
	is_num(bad_cut, 0, "what is cut inside a code point is unfinished");
	is_num(bad_valid, 0, "a code point is valid and nothing else is");
	is_num(bad_rest, 0, "an unfinished code point is not valid");
}

static void
test_overlong_forms(void)
{
	unsigned bad = 0;
	uint32_t cp, got;
	uint8_t p[4];
	int n;

	for (cp = 0; cp < 0x10000; cp++)
		for (n = length_of(cp) + 1; n <= 4; n++) {
			write_as(cp, n, p);
			if (utf8_next(p, (size_t)n, &got) != UTF8_BAD)
				bad++;
		}
	is_num(bad, 0, "no form longer than the shortest is read");
}

/* Is there a code point that begins with these two bytes, or is these? */
static int
pair_oracle(const uint8_t *begins, uint8_t a, uint8_t b)
{
	if (a < 0x80)
		return 1;
	return begins[a << 8 | b];
}

static void
test_all_pairs(void)
{
	uint8_t *begins = calloc(1, 1 << 16), p[4];
	unsigned a, b, bad = 0;
	uint32_t cp, got;
	int n, want;

	for (cp = 0x80; cp <= LAST; cp++) {
		if (!is_scalar(cp))
			continue;
		n = length_of(cp);
		write_as(cp, n, p);
		begins[p[0] << 8 | p[1]] = n == 2 ? 2 : 9;
	}
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			p[0] = (uint8_t)a;
			p[1] = (uint8_t)b;
			want = pair_oracle(begins, p[0], p[1]);
			if (want == 9)
				want = UTF8_PARTIAL;
			if (utf8_next(p, 2, &got) != want)
				bad++;
		}
	free(begins);
	is_num(bad, 0, "every pair of bytes is judged as the oracle does");
}

/* The count as the header says it, one step at a time. */
static uint64_t
count_oracle(
    const uint8_t *p, size_t len, uint64_t limit, bool at_end, size_t *used)
{
	uint64_t count = 0;
	size_t i = 0;
	uint32_t cp;
	int n;

	while (i < len && count < limit) {
		n = utf8_next(p + i, len - i, &cp);
		if (n == UTF8_PARTIAL && !at_end)
			break;
		i += n > 0 ? (size_t)n : 1;
		count++;
	}
	*used = i;
	return count;
}

static bool
valid_oracle(const uint8_t *p, size_t len)
{
	size_t i = 0;
	uint32_t cp;
	int n;

	for (; i < len; i += (size_t)n)
		if ((n = utf8_next(p + i, len - i, &cp)) <= 0)
			return false;
	return true;
}

/* Mostly ASCII, so that runs of eight and more are met. */
static size_t
some_text(uint64_t *state, uint8_t *p, bool broken)
{
	size_t len = 0, want = dice_below(state, 60);
	uint32_t cp;

	while (len < want) {
		if (dice_below(state, 8) != 0) {
			p[len++] = (uint8_t)dice_below(state, 0x80);
			continue;
		}
		do
			cp = (uint32_t)dice_below(
			    state, dice_below(state, 2) ? 0x900 : LAST + 1);
		while (!is_scalar(cp));
		write_as(cp, length_of(cp), p + len);
		if (cp < 0x80)
			p[len] = (uint8_t)cp;
		len += (size_t)length_of(cp);
		if (broken && dice_below(state, 3) == 0)
			p[len - 1] = (uint8_t)dice(state);
	}
	if (broken && len > 0 && dice_below(state, 3) == 0)
		len--;
	return len;
}

static void
test_by_chance(uint64_t *state)
{
	unsigned i, n = rounds(20000), bad = 0, bad_valid = 0, invalid = 0;
	struct guard g = {0};
	uint8_t text[80], *p;
	size_t len, used, want_used;
	uint64_t limit, got;
	bool at_end;

	for (i = 0; i < n; i++) {
		len = some_text(state, text, i % 2);
		p = guard_end(&g, text, len);
		limit =
		    dice_below(state, 4) ? dice_below(state, 60) : UINT64_MAX;
		at_end = dice_below(state, 2);
		got = utf8_count(p, len, limit, at_end, &used);
		if (got != count_oracle(p, len, limit, at_end, &want_used) ||
		    used != want_used)
			bad++;
		if (utf8_valid(p, len) != valid_oracle(p, len))
			bad_valid++;
		invalid += !valid_oracle(p, len);
	}
	guard_free(&g);
	is_num(bad, 0, "counting in runs is counting one by one");
	is_num(bad_valid, 0, "validity in runs is validity one by one");
	ok(invalid > 0 && invalid < n, "both valid and invalid was tried");
}

static void
test_counts(void)
{
	static const struct {
		const char *text;
		uint64_t limit;
		bool at_end;
		uint64_t count;
		size_t used;
	} rows[] = {
	    {"", 5, false, 0, 0},
	    {"hello", 5, false, 5, 5},
	    {"hello world, hello", 10, false, 10, 10},
	    {"hello", 0, false, 0, 0},
	    {"h\xc3\xa9llo", 99, false, 5, 6},
	    {"\xe2\x82\xac\xe2\x82", 99, false, 1, 3},
	    {"\xe2\x82\xac\xe2\x82", 99, true, 3, 5},
	    {"\xe2\x82", 1, true, 1, 1},
	    {"\xff\xfe", 99, false, 2, 2},
	    {"\xf0\x9f\x98\x80x", 1, false, 1, 4},
	};
	size_t i, used;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		used = 99;
		is_num(utf8_count((const uint8_t *)rows[i].text,
			   strlen(rows[i].text), rows[i].limit, rows[i].at_end,
			   &used),
		    rows[i].count, "code points are counted, row %zu", i);
		is_num(
		    used, rows[i].used, "and so are their bytes, row %zu", i);
	}
}

static void
test_safe(void)
{
	static const uint32_t safe[] = {' ', 'a', '~', 0xa0, 0xe9, 0x300, 0x3b1,
	    0x5d0, 0x627, 0x20ac, 0x2026, 0x3042, 0x4e2d, 0xac00, 0xfffd,
	    0x1f600, 0x20000};
	static const struct {
		uint32_t from, to;
		bool before; /* what stands before may be shown */
		const char *what;
	} harm[] = {
	    {0x0, 0x1f, false, "C0 controls"},
	    {0x7f, 0x9f, true, "DEL and C1 controls"},
	    {0xad, 0xad, true, "the soft hyphen"},
	    {0x34f, 0x34f, true, "the grapheme joiner"},
	    {0x61c, 0x61c, true, "the Arabic letter mark"},
	    {0x115f, 0x1160, true, "Hangul fillers"},
	    {0x17b4, 0x17b5, true, "Khmer vowels that cannot be seen"},
	    {0x180b, 0x180f, true, "Mongolian selectors"},
	    {0x200b, 0x200f, true, "joiners and direction marks"},
	    {0x2028, 0x202e, true, "line separators and bidi overrides"},
	    {0x2060, 0x206f, true, "isolates and invisible operators"},
	    {0x3164, 0x3164, true, "the Hangul filler"},
	    {0xd800, 0xdfff, false, "surrogates"},
	    {0xe000, 0xf8ff, false, "private use"},
	    {0xfdd0, 0xfdef, false, "what is no character"},
	    {0xfe00, 0xfe0f, true, "variation selectors"},
	    {0xfeff, 0xfeff, false, "the byte order mark"},
	    {0xffa0, 0xffa0, true, "the narrow Hangul filler"},
	    {0xfff0, 0xfffb, false, "interlinear annotation"},
	    {0xfffe, 0xffff, false, "the end of the first plane"},
	    {0x600, 0x605, false, "signs of Arabic that are format controls"},
	    {0x6dd, 0x6dd, true, "the end of an ayah"},
	    {0x13430, 0x1343f, false, "hieroglyph format controls"},
	    {0x1bca0, 0x1bca3, true, "shorthand format controls"},
	    {0x1d173, 0x1d17a, true, "musical format controls"},
	    {0x1fffe, 0x1ffff, false, "the end of the second plane"},
	    {0x2fffe, 0x2ffff, false, "the end of the third plane"},
	    {0x378, 0x379, true, "what is unassigned in Greek"},
	    {0x1fbfa, 0x1fbff, true, "what is unassigned among symbols"},
	    {0x40000, 0x10ffff, false,
		"planes of tags, of private use, of nothing"},
	    {0x110000, 0x110fff, false, "above the last code point"},
	};
	uint32_t cp;
	unsigned bad;
	size_t i;

	for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		ok(utf8_is_safe(safe[i]), "U+%04X may be shown", safe[i]);
	for (i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		bad = 0;
		for (cp = harm[i].from; cp <= harm[i].to; cp++)
			bad += utf8_is_safe(cp);
		is_num(bad, 0, "never shown: %s", harm[i].what);
		if (harm[i].before)
			ok(utf8_is_safe(harm[i].from - 1),
			    "what stands before is shown: %s", harm[i].what);
	}
}

/* However long, and wherever the first byte stands that is not ASCII. */
static void
test_ascii(void)
{
	struct guard g = {0};
	uint8_t bytes[40];
	size_t len, at;
	unsigned bad = 0;

	for (len = 0; len <= sizeof(bytes); len++)
		for (at = 0; at <= len; at++) {
			memset(bytes, 'a', len);
			if (at < len)
				bytes[at] = 0x80;
			if (at + 1 < len)
				bytes[at + 1] = 0xff;
			bad += utf8_ascii(guard_end(&g, bytes, len), len) != at;
		}
	is_num(bad, 0, "the run of ASCII ends where it does");
	guard_free(&g);
}

int
main(void)
{
	uint64_t state = dice_seed();

	test_all_code_points();
	test_overlong_forms();
	test_all_pairs();
	test_counts();
	test_by_chance(&state);
	test_safe();
	test_ascii();
	return done_testing();
}
