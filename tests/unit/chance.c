/* Framings and messages by chance; see chance.h. */

#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "tap.h"

static void
chance_tag(uint64_t *state, struct framing *fr)
{
	static const char *const often[] = {"\r\n", "\n", "<EOF>", "\r\n\r\n",
	    "aab", "aa", "aba", "CRLF", "LF", "NUL", "a,b", "@", "\\", " "};
	const size_t choices = sizeof(often) / sizeof(often[0]);
	size_t i, pick = dice_below(state, choices + 4);
	bool few = dice_below(state, 2);

	if (pick < choices) {
		fr->tag_len = strlen(often[pick]);
		memcpy(fr->tag, often[pick], fr->tag_len);
		return;
	}
	fr->tag_len = 1 + dice_below(state, pick % 2 ? 4 : FRAMING_TAG_MAX);
	for (i = 0; i < fr->tag_len; i++)
		fr->tag[i] =
		    (uint8_t)(few ? 'a' + dice_below(state, 2) : dice(state));
}

void
chance_framing(uint64_t *state, struct framing *fr)
{
	size_t pos, i = dice_below(state, framing_names_count);

	framing_parse(framing_names[i].name, fr, &pos);
	switch (fr->mode) {
	case FRAMING_WINDEV:
		fr->count = (enum framing_count)dice_below(state, 3);
		if (dice_below(state, 2))
			chance_tag(state, fr);
		if (fr->count == FRAMING_COUNT_UTF16)
			fr->tag_len &= ~(size_t)1;
		if (fr->tag_len == 0)
			memset(fr->tag, 0, sizeof(fr->tag));
		break;
	case FRAMING_END_TAG:
	case FRAMING_END_TAG_BUFFER:
		chance_tag(state, fr);
		break;
	case FRAMING_FIXED_HEADER:
		fr->width = 1 +
		    (unsigned)dice_below(
			state, dice_below(state, 2) ? 3 : FRAMING_WIDTH_MAX);
		break;
	default:
		break;
	}
}

size_t
chance_message(
    uint64_t *state, const struct framing *fr, uint8_t *p, size_t cap)
{
	static const char *const pieces[] = {"5\r\n", "1:a,", "\xc3\xa9",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xe2\x82", "\xff", "\n"};
	const size_t choices = sizeof(pieces) / sizeof(pieces[0]);
	size_t len = 0, want, n, pick;
	const void *piece;

	want = dice_below(state, dice_below(state, 3) ? 24 : cap);
	while (len < want) {
		pick = dice_below(state, choices * 3);
		if (pick < choices) {
			piece = pieces[pick];
			n = strlen(pieces[pick]);
		} else if (pick < choices * 2 && fr->tag_len > 1) {
			piece = fr->tag;
			n = 1 + dice_below(state, fr->tag_len - 1);
		} else {
			p[len++] = (uint8_t)(pick % 2 ? 'a' : dice(state));
			continue;
		}
		if (n > cap - len)
			break;
		memcpy(p + len, piece, n);
		len += n;
	}
	return len;
}

static int
by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
chance_cuts(uint64_t *state, size_t len, size_t *cuts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		cuts[i] = dice_below(state, len + 1);
	qsort(cuts, n, sizeof(cuts[0]), by_size);
}
