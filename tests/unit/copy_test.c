/*
 * Copying: every length, from and to the edge of a forbidden page, and with
 * what is looked for at every place.
 */

#include <string.h>

#include "base/copy.h"
#include "guard.h"
#include "tap.h"

#define LEN_MAX 300

static struct guard from, to;

static void
fill(uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)('a' + i % 26);
}

static void
test_short(void)
{
	uint8_t bytes[LEN_MAX], *out;
	unsigned bad = 0;
	size_t n;

	fill(bytes, sizeof(bytes));
	for (n = 0; n < LEN_MAX; n++) {
		out = guard_room(&to, n);
		copy_short(out, guard_end(&from, bytes, n), n);
		bad += n > 0 && memcmp(out, bytes, n) != 0;
		out = guard_room(&to, n);
		copy_short(out, guard_begin(&from, bytes, n), n);
		bad += n > 0 && memcmp(out, bytes, n) != 0;
	}
	is_num(bad, 0, "what is short is copied, whatever its length");
}

/* Is it copied, and is said of it what is so? */
static bool
looks(const uint8_t *bytes, size_t n, uint8_t a, uint8_t b, bool want)
{
	uint8_t *out = guard_room(&to, n);
	bool got = copy_without(out, guard_end(&from, bytes, n), n, a, b);

	return got == want && (n == 0 || memcmp(out, bytes, n) == 0);
}

static void
test_without(void)
{
	static const uint8_t near[] = {0x00, 0x01, 0x09, 0x0b, 0x5b, 0x5d, 0x7f,
	    0x80, 0x81, 0x8a, 0xdc, 0xff};
	uint8_t bytes[LEN_MAX];
	unsigned bad = 0;
	size_t n, at;

	for (n = 0; n < LEN_MAX; n++) {
		fill(bytes, sizeof(bytes));
		bad += !looks(bytes, n, '\n', '\\', true);
		for (at = 0; at < n; at++) {
			bytes[at] = near[(n + at) % sizeof(near)];
			bad += !looks(bytes, n, '\n', '\\', true);
			bad += !looks(bytes, n, '\n', bytes[at], false);
			bytes[at] = '\n';
			bad += !looks(bytes, n, '\n', '\\', false);
			bytes[at] = '\\';
			bad += !looks(bytes, n, '\n', '\\', false);
			bytes[at] = (uint8_t)('a' + at % 26);
		}
	}
	is_num(bad, 0, "either byte is seen as it passes, wherever it stands");
}

int
main(void)
{
	test_short();
	test_without();
	guard_free(&from);
	guard_free(&to);
	return done_testing();
}
