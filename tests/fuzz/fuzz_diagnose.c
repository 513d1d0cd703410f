/*
 * Guesses. The input is how, mode, max, bytes. The bytes are taken as a
 * stream, about which the rules of diagnose.h hold, and as lines of text that
 * are framed in a mode, about which it must not be sure and wrong.
 *
 * What holds there: of three texts or more, the first of them whole in what
 * is looked at, windev and netstring are the first guess, so whoever is sure
 * is right. A length of four bytes has a NUL in it that no decimal length has,
 * so it is never taken for one of those, and never for its own reverse. More
 * does not hold: text in fixed-header=1 or u8 can be made to read as windev.
 */
#include "check.h"
#include "codec/decode.h"
#include "codec/diagnose.h"
#include "codec/encode.h"
#include "modes.h"
#include "talk/explain.h"

#define TEXTS_MAX 32
#define WIRE_MAX 16384

struct texts {
	struct slice v[TEXTS_MAX];
	size_t n;
};

static bool
is_text(struct slice m)
{
	size_t i;

	for (i = 0; i < m.len; i++)
		if ((m.p[i] < 0x20 && m.p[i] != '\t' && m.p[i] != '\n' &&
			m.p[i] != '\r') ||
		    m.p[i] == 0x7f)
			return false;
	return utf8_valid(m.p, m.len);
}

/* Cut at each 0x00, which text does not hold; what is no text is left out. */
static void
cut_texts(struct slice in, struct texts *t)
{
	const uint8_t *end;
	struct slice m;

	t->n = 0;
	while (in.len > 0 && t->n < TEXTS_MAX) {
		end = memchr(in.p, '\0', in.len);
		m = slice_of(in.p, end != NULL ? (size_t)(end - in.p) : in.len);
		if (m.len > 0 && is_text(m))
			t->v[t->n++] = m;
		if (end == NULL)
			return;
		in.p += m.len + 1;
		in.len -= m.len + 1;
	}
}

static void
check_rules(const struct diagnosis *d)
{
	unsigned i;

	CHECK(d->n <= 2, "two guesses are enough");
	CHECK(!d->sure || d->n > 0, "nobody is sure of nothing");
	for (i = 0; i < d->n; i++)
		CHECK(d->guess[i].grade >= DIAGNOSE_FAINT &&
			d->guess[i].grade <= DIAGNOSE_CERTAIN,
		    "a guess has a grade");
	CHECK(d->n < 2 || d->guess[0].grade >= d->guess[1].grade,
	    "the best guess comes first");
	for (i = 0; i < d->n; i++)
		CHECK(d->guess[i].kind != DIAGNOSE_WINDEV_OFF ||
			(d->guess[i].off >= -2 && d->guess[i].off <= 2 &&
			    d->guess[i].off != 0),
		    "off is one or two");
}

/* Bytes beyond the look do not matter, and neither does a second call. */
static void
check_bytes(struct slice in, bool at_end)
{
	uint8_t *copy = check_copy(in);
	struct diagnosis d, again;
	struct fail f;

	memset(&d, 0xa5, sizeof(d));
	diagnose(slice_of(copy, in.len), at_end, &d);
	check_rules(&d);
	memset(&f, 0x5a, sizeof(f));
	explain_unsure(&d, slice_of(copy, in.len), &f);
	check_fail(&f);
	if (in.len > DIAGNOSE_LOOK) {
		diagnose(slice_of(copy, DIAGNOSE_LOOK), false, &again);
		CHECK(d.n == again.n && d.sure == again.sure &&
			(d.n == 0 || d.guess[0].kind == again.guess[0].kind),
		    "what is behind the look does not matter");
	}
	free(copy);
}

static size_t
encode_texts(const struct framing *fr, const struct texts *t, uint8_t *to,
    size_t *first, size_t *sent)
{
	struct batch b = {(struct slice *)(uintptr_t)t->v, t->n, t->n};
	struct span out = {to, 0, WIRE_MAX};
	struct encoder e;
	size_t next, was;

	encoder_init(&e, fr);
	*first = *sent = 0;
	for (next = 0; next < t->n;) {
		was = out.len;
		b.n = next + 1;
		switch (encode(&e, &b, &next, &out)) {
		case ENCODE_OK:
			if (was == 0)
				*first = out.len;
			++*sent;
			break;
		case ENCODE_FULL:
			return out.len;
		default:
			next++;
		}
	}
	return out.len;
}

static bool
self_evident(const struct framing *fr)
{
	return fr->mode == FRAMING_NETSTRING ||
	    (fr->mode == FRAMING_WINDEV && fr->count == FRAMING_COUNT_BYTES);
}

/* Is the guess one that a length of four bytes cannot be taken for? */
static bool
excluded(const struct framing *fr, const struct framing *guess)
{
	if (fr->mode != FRAMING_BINARY || fr->width != 4)
		return false;
	return self_evident(guess) ||
	    (guess->mode == FRAMING_BINARY && guess->width == 4 &&
		guess->big_endian != fr->big_endian);
}

static void
check_framed(const struct framing *fr, const struct texts *t, bool at_end)
{
	const struct diagnose_guess *best;
	uint8_t *wire = check_alloc(WIRE_MAX), *copy;
	size_t first, sent, len;
	struct diagnosis d;

	len = encode_texts(fr, t, wire, &first, &sent);
	copy = check_copy(slice_of(wire, len));
	free(wire);
	diagnose(slice_of(copy, len), at_end, &d);
	free(copy);
	check_rules(&d);
	best = &d.guess[0];
	if (sent < 3 || first > DIAGNOSE_LOOK)
		return;
	if (self_evident(fr))
		CHECK(d.n > 0 && best->kind == DIAGNOSE_FRAMING &&
			best->fr.mode == fr->mode,
		    "windev and netstring are the first guess");
	else if (d.sure && best->kind == DIAGNOSE_FRAMING)
		CHECK(!excluded(fr, &best->fr),
		    "four bytes are not sure to be mode %d",
		    (int)best->fr.mode);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	bool at_end = check_byte(&in) & 1;
	struct framing fr;
	struct texts t;

	modes_pick(&in, &fr);
	check_bytes(in, at_end);
	fr.max = FRAMING_MAX_DEFAULT;
	cut_texts(in, &t);
	if (t.n >= 3)
		check_framed(&fr, &t, at_end);
	return 0;
}
