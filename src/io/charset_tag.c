/*
 * What a charset makes of a mode; see charset.h. A tag is made of characters,
 * which are converted, and of bytes written \xHH, which are not.
 */

#include <string.h>

#include "base/text.h"
#include "io/charset.h"

/* The tag as it is on the wire while it is being made. */
struct tag {
	uint8_t bytes[FRAMING_TAG_MAX];
	size_t len;
};

static bool
add(struct tag *t, struct slice s)
{
	if (s.len > sizeof(t->bytes) - t->len)
		return false;
	memcpy(t->bytes + t->len, s.p, s.len);
	t->len += s.len;
	return true;
}

/* How many bytes from i on are written as the first of them is. */
static size_t
run_of(const struct framing *fr, size_t i)
{
	const uint64_t first = fr->tag_bytes >> i & 1;
	size_t n = 1;

	while (i + n < fr->tag_len && (fr->tag_bytes >> (i + n) & 1) == first)
		n++;
	return n;
}

static int
cannot(const struct charset *cs, const struct framing *fr, const char *what,
    struct fail *f)
{
	char look[FRAMING_TAG_MAX * 4 + 16];

	fail_set(f, STATUS_USAGE, "expected %s %s, saw the tag %s", what,
	    cs->name,
	    text_look(slice_of(fr->tag, fr->tag_len), FRAMING_TAG_MAX, look,
		sizeof(look)));
	return fail_hint(f, "try: its bytes, written \\xHH");
}

/* Its characters become the peer's. */
static int
convert_tag(struct charset *cs, struct framing *fr, struct fail *f)
{
	struct tag t = {.len = 0};
	struct slice s;
	struct batch one = {&s, 1, 1}, out;
	size_t i;

	for (i = 0; i < fr->tag_len; i += s.len) {
		bool is_bytes = (fr->tag_bytes >> i & 1) != 0;

		s = slice_of(fr->tag + i, run_of(fr, i));
		out = one;
		if (!is_bytes && charset_convert(cs, &one, &out, f) == -1)
			return f->status == STATUS_IO
			    ? -1
			    : cannot(cs, fr, "characters that are in", f);
		if (!add(&t, out.v[0]))
			return cannot(cs, fr, "at most 64 bytes in", f);
	}
	if (t.len == fr->tag_len && memcmp(t.bytes, fr->tag, t.len) == 0)
		return 0;
	memcpy(fr->tag, t.bytes, t.len);
	fr->tag_len = t.len;
	fr->tag_bytes = UINT64_MAX;
	return 0;
}

/* Is each byte a character, and does none shift? -1: no memory. */
static int
is_single(const struct charset_plan *p, struct fail *f)
{
	const struct charset_plan plan = {p->name, CHARSET_REPLACE};
	struct charset cs;
	struct slice s;
	struct batch one = {&s, 1, 1}, out;
	uint8_t byte;
	int i, r;

	r = charset_open(&cs, &plan, CHARSET_RECEIVE, true, f);
	if (r == -1)
		return -1;
	for (i = 0, r = cs.ascii; i < 256 && r == 1; i++) {
		byte = (uint8_t)i;
		s = slice_of(&byte, 1);
		if (charset_convert(&cs, &one, &out, f) == -1)
			r = -1;
		else
			r = cs.carry_len == 0 && out.n == 1;
	}
	charset_release(&cs);
	return r;
}

/* count=chars is for UTF-8; where a byte is a character they are counted. */
static int
settle_count(const struct charset_plan *p, size_t unit, struct framing *fr,
    struct fail *f)
{
	int r;

	if (fr->count != FRAMING_COUNT_CHARS || charset_is_utf8(p->name))
		return 0;
	r = is_single(p, f);
	if (r == -1)
		return -1;
	fr->count = FRAMING_COUNT_BYTES;
	if (r == 1)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "count=chars: expected UTF-8 or a charset of one byte for each "
	    "character, saw %s",
	    p->name);
	return fail_hint(f, "try: count=%s", unit == 2 ? "utf16" : "bytes");
}

static bool
has_tag(const struct framing *fr)
{
	return fr->mode == FRAMING_END_TAG || fr->mode == FRAMING_LINES ||
	    fr->mode == FRAMING_END_TAG_BUFFER || fr->mode == FRAMING_WINDEV;
}

int
charset_framing(
    const struct charset_plan *p, struct framing *fr, struct fail *f)
{
	const struct charset_plan strict = {p->name, CHARSET_STOP};
	struct charset cs;
	int r = 0;

	if (p->name != NULL && has_tag(fr)) {
		if (charset_open(&cs, &strict, CHARSET_SEND, false, f) == -1)
			return -1;
		r = convert_tag(&cs, fr, f);
		if (r == 0)
			r = settle_count(p, cs.unit, fr, f);
		fr->tag_align = cs.unit - 1;
		charset_release(&cs);
	}
	if (r == 0 && !framing_tail_fits(fr)) {
		fail_set(f, STATUS_USAGE,
		    "expected a tail of whole 16-bit units, saw one of %zu "
		    "%s",
		    fr->tag_len, fr->tag_len == 1 ? "byte" : "bytes");
		return fail_hint(
		    f, "try: -m 'windev,count=utf16,tail=\\x00\\x00'");
	}
	return r;
}
