/* UTF-8; see utf8.h. Calls nothing but memcpy, so that the codec may use it. */

#include <string.h>

#include "base/utf8.h"

/*
 * What may follow a first byte: the sequence's length, and the range of its
 * second byte, which is where RFC 3629 forbids overlong forms and surrogates.
 */
static int
lead(uint8_t c, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*low = 0xa0;
		if (c == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*low = 0x90;
		if (c == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

int
utf8_next(const uint8_t *p, size_t len, uint32_t *cp)
{
	uint8_t low, high;
	uint32_t v;
	int i, n;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	n = lead(p[0], &low, &high);
	if (n == 0)
		return UTF8_BAD;
	v = p[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((size_t)i == len)
			return UTF8_PARTIAL;
		if (p[i] < low || p[i] > high)
			return UTF8_BAD;
		v = v << 6 | (p[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*cp = v;
	return n;
}

/* How many bytes at p are plain ASCII, looked at eight at a time. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	size_t i = 0;
	uint64_t w;

	for (; len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if (w & UINT64_C(0x8080808080808080))
			break;
	}
	return i;
}

size_t
utf8_ascii(const uint8_t *p, size_t len)
{
	size_t i = ascii_run(p, len);

	while (i < len && p[i] < 0x80)
		i++;
	return i;
}

bool
utf8_valid(const uint8_t *p, size_t len)
{
	size_t i = 0, run;
	uint32_t cp;
	int n;

	while (i < len) {
		if (p[i] < 0x80) {
			run = ascii_run(p + i, len - i);
			i += run > 0 ? run : 1;
			continue;
		}
		n = utf8_next(p + i, len - i, &cp);
		if (n <= 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

uint64_t
utf8_count(
    const uint8_t *p, size_t len, uint64_t limit, bool at_end, size_t *used)
{
	uint64_t count = 0;
	size_t i = 0, run;
	uint32_t cp;
	int n;

	while (i < len && count < limit) {
		if (p[i] < 0x80) {
			run = len - i;
			if (run > limit - count)
				run = (size_t)(limit - count);
			run = ascii_run(p + i, run);
			if (run == 0)
				run = 1;
			i += run;
			count += run;
			continue;
		}
		n = utf8_next(p + i, len - i, &cp);
		if (n == UTF8_PARTIAL && !at_end)
			break;
		i += n > 0 ? (size_t)n : 1;
		count++;
	}
	*used = i;
	return count;
}
