/* Windows-1252; see cp1252.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "io/cp1252.h"

#define FIRST 0x80 /* of the bytes that are not Latin-1's */

/* What the bytes from FIRST on stand for; all others stand for themselves. */
static const uint16_t upper[32] = {0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026,
    0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
    0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122,
    0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178};

bool
cp1252_is(const char *name)
{
	return strcasecmp(name, "CP1252") == 0 ||
	    strcasecmp(name, "WINDOWS-1252") == 0 ||
	    strcasecmp(name, "MS-ANSI") == 0;
}

/* The ASCII at the front goes over as it is, as far as there is room. */
static void
take_ascii(struct slice *in, struct span *out)
{
	size_t room = span_room(out);
	size_t n = utf8_ascii(in->p, in->len < room ? in->len : room);

	memcpy(out->p + out->len, in->p, n);
	out->len += n;
	in->p += n;
	in->len -= n;
}

/* The byte that stands for this character; -1: none does. */
static int
byte_of(uint32_t cp)
{
	size_t i;

	if (cp < FIRST || (cp >= 0xa0 && cp <= 0xff))
		return (int)cp;
	for (i = 0; i < sizeof(upper) / sizeof(upper[0]); i++)
		if (upper[i] == cp)
			return (int)(FIRST + i);
	return -1;
}

int
cp1252_from_utf8(struct slice *in, struct span *out)
{
	uint32_t cp;
	int n, byte;

	for (;;) {
		take_ascii(in, out);
		if (in->len == 0)
			return 0;
		if (span_room(out) == 0)
			return E2BIG;
		n = utf8_next(in->p, in->len, &cp);
		if (n <= 0)
			return n == UTF8_PARTIAL ? EINVAL : EILSEQ;
		byte = byte_of(cp);
		if (byte == -1)
			return EILSEQ;
		out->p[out->len++] = (uint8_t)byte;
		in->p += n;
		in->len -= (size_t)n;
	}
}

int
cp1252_to_utf8(struct slice *in, struct span *out)
{
	uint8_t *to;
	uint32_t cp;

	for (;;) {
		take_ascii(in, out);
		if (in->len == 0)
			return 0;
		if (span_room(out) < 3)
			return E2BIG;
		cp = in->p[0] < 0xa0 ? upper[in->p[0] - FIRST] : in->p[0];
		to = out->p + out->len;
		if (cp < 0x800) {
			to[0] = (uint8_t)(0xc0 | cp >> 6);
			to[1] = (uint8_t)(0x80 | (cp & 0x3f));
			out->len += 2;
		} else {
			to[0] = (uint8_t)(0xe0 | cp >> 12);
			to[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
			to[2] = (uint8_t)(0x80 | (cp & 0x3f));
			out->len += 3;
		}
		in->p++;
		in->len--;
	}
}
