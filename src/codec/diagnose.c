/*
 * Which framing do these bytes speak; see diagnose.h.
 *
 * Marks of other protocols (marks.h) decide at once. Otherwise each candidate
 * framing decodes the bytes, and what it made of them is its score: how many
 * whole messages, and whether what is left may be the beginning of another
 * one. Lengths explain more than tags do, since random bytes rarely add up; a
 * length of one digit that adds up once explains little, and so does a number
 * that stands in a line of its own.
 */

#include <string.h>

#include "codec/decode.h"
#include "codec/diagnose.h"
#include "codec/marks.h"

#define BATCH 64
#define LEAST_SCORE 30 /* under this a guess is not worth a word */
#define SURE_SCORE 60  /* and this much ahead of the next: */
#define SURE_AHEAD 15
#define LONG_LINE 128	      /* lines of text are rarely longer */
#define LIKELY_MAX (1u << 28) /* a length that one expects */

/* What a framing made of the bytes. */
struct trial {
	unsigned messages;
	bool refused;	    /* it met something that it cannot be */
	bool cut;	    /* the stream ends inside a message */
	bool exact;	    /* nothing is left over */
	bool headed;	    /* at least one header was whole */
	uint64_t announced; /* by the header of what is left over */
	bool hollow; /* nothing but blanks and NULs in the first message */
	bool empty;  /* the same of all of them */
	bool none;   /* not a byte in any of them */
	bool lined;  /* each message ends in a line's end */
	bool text;   /* no message holds a control character */
	bool ascii;  /* no message holds a byte over 127 */
};

static void
look_at(struct slice m, struct trial *t)
{
	t->hollow = t->hollow || (t->messages == 0 && marks_hollow(m));
	t->empty = t->empty && marks_hollow(m);
	t->none = t->none && m.len == 0;
	t->lined = t->lined && m.len > 0 && m.p[m.len - 1] == '\n';
	t->text = t->text && !marks_binary(m, '\n');
	t->ascii = t->ascii && marks_ascii(m);
	t->messages++;
}

static void
try(const struct framing *fr, struct slice in, bool at_end, struct trial *t)
{
	struct slice v[BATCH];
	struct batch b = {v, 0, BATCH};
	enum decode_result r;
	struct decoder d;
	size_t used, i;

	*t = (struct trial){.empty = true,
	    .none = true,
	    .lined = true,
	    .text = true,
	    .ascii = true};
	decoder_init(&d, fr);
	do {
		b.n = 0;
		r = decode(&d, in, &b, &used);
		in.p += used;
		in.len -= used;
		for (i = 0; i < b.n; i++)
			look_at(v[i], t);
	} while (r == DECODE_FULL);
	t->exact = in.len == 0;
	t->refused = r == DECODE_BAD;
	t->cut = at_end && !t->exact && !t->refused;
	t->headed = d.messages > 0 || d.head > 0;
	t->announced = d.announced;
}

static void
try_mode(const char *mode, struct slice in, bool at_end, struct trial *t)
{
	struct framing fr;
	size_t at;

	framing_parse(mode, &fr, &at);
	fr.max = MARKS_LENGTH_MAX;
	try(&fr, in, at_end, t);
}

/* More than a line of text has, without the end of one. */
static bool
is_long(struct slice in)
{
	return in.len >= LONG_LINE && memchr(in.p, '\n', in.len) == NULL;
}

/* Puts a guess in its place among the best two. */
static void
offer(struct diagnosis *d, const struct diagnose_guess *g)
{
	if (g->score < LEAST_SCORE)
		return;
	if (d->n == 0 || g->score > d->guess[0].score) {
		d->guess[1] = d->guess[0];
		d->guess[0] = *g;
	} else if (d->n == 1 || g->score > d->guess[1].score) {
		d->guess[1] = *g;
	} else {
		return;
	}
	if (d->n < 2)
		d->n++;
}

static void
offer_framing(struct diagnosis *d, const char *mode, const struct trial *t,
    unsigned score)
{
	struct diagnose_guess g = {.kind = DIAGNOSE_FRAMING, .score = score};
	size_t at;

	framing_parse(mode, &g.fr, &at);
	g.messages = t->messages;
	offer(d, &g);
}

/* The vendor's samples and their kin: the length is one or two off. */
static void
try_off(struct slice in, bool at_end, struct diagnosis *d)
{
	static const int offs[] = {1, 2, -1, -2};
	struct diagnose_guess g;
	size_t i;

	for (i = 0; i < sizeof(offs) / sizeof(offs[0]); i++)
		if (marks_off(in, offs[i], at_end, &g))
			offer(d, &g);
}

/*
 * Lengths that do not count bytes, told by text that is more than ASCII. A
 * length that fits so is not merely off.
 */
static bool
try_counts(struct slice in, bool at_end, struct diagnosis *d)
{
	static const char *const modes[] = {
	    "windev,count=chars", "windev,count=utf16"};
	struct trial t;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		try_mode(modes[i], in, at_end, &t);
		if (t.messages == 0 || t.refused || t.cut ||
		    (i == 0 ? t.ascii : t.text))
			continue;
		offer_framing(d, modes[i], &t, t.messages >= 2 ? 98 : 92);
		return true;
	}
	return false;
}

static unsigned
score_windev(const struct trial *t, struct slice payload, bool numbers)
{
	if (t->messages == 0 && t->cut)
		return 64;
	if (t->messages == 0)
		return is_long(payload) ? 85 : 75;
	if (t->refused)
		return t->messages >= 2 && !t->lined ? 75 : 0;
	if (t->cut)
		return 85;
	return t->none || (numbers && t->lined) ? 80 : 95;
}

static void
try_windev(struct slice in, bool at_end, struct diagnosis *d)
{
	struct diagnose_guess g;
	struct trial t;
	uint64_t length;
	size_t head;

	head = marks_header(in, &length);
	if (head == 0 && marks_near(in, at_end, &g))
		offer(d, &g);
	if (head == 0 || length > MARKS_LENGTH_MAX)
		return;
	try_mode("windev", in, at_end, &t);
	offer_framing(d, "windev", &t,
	    score_windev(
		&t, slice_of(in.p + head, in.len - head), marks_numbers(in)));
	if ((t.refused || (t.cut && t.messages == 0)) &&
	    !try_counts(in, at_end, d))
		try_off(in, at_end, d);
}

/* The beginning of one; a time at the start of a line looks like it. */
static unsigned
score_netstring(const struct trial *t, struct slice in)
{
	if (is_long(in))
		return 70;
	return in.len >= LONG_LINE && t->announced > DIAGNOSE_LOOK &&
		t->announced <= LIKELY_MAX
	    ? 55
	    : 40;
}

static void
try_netstring(struct slice in, bool at_end, struct diagnosis *d)
{
	struct trial t;

	try_mode("netstring", in, at_end, &t);
	if (t.messages > 0)
		offer_framing(d, "netstring", &t,
		    t.refused	 ? 50
			: t.cut	 ? 85
			: t.none ? 80
				 : 95);
	else if (t.headed && !t.refused && !t.cut)
		offer_framing(d, "netstring", &t, score_netstring(&t, in));
}

static unsigned
score_fixed(const struct trial *t, struct slice header)
{
	bool usual = header.len == 64;

	if (t->messages == 0 && t->cut)
		return usual ? 61 : 0;
	if (t->messages == 0)
		return usual ? 75 : marks_padded(header) ? 40 : 0;
	if (t->cut)
		return t->messages >= 2 ? 70 : 0;
	if (usual)
		return 95;
	if (t->messages >= 2)
		return 90;
	/* Short headers are found in any text. */
	return !t->exact ? 40 : header.len >= 8 ? 80 : 55;
}

/* Digits padded by blanks, or by zeros, and in which width? */
static void
try_fixed(struct slice in, bool at_end, struct diagnosis *d)
{
	char mode[] = "fixed-header=00";
	struct trial t;
	unsigned w;

	for (w = FRAMING_WIDTH_MAX; w >= 2; w--) {
		if (in.len < w || marks_wider(in, w) ||
		    (memchr(in.p, ' ', w) == NULL && in.p[0] != '0'))
			continue;
		mode[13] = (char)('0' + w / 10);
		mode[14] = (char)('0' + w % 10);
		try_mode(mode, in, at_end, &t);
		if (t.headed && !t.refused && !t.hollow)
			offer_framing(
			    d, mode, &t, score_fixed(&t, slice_of(in.p, w)));
	}
}

/* What binary lengths are worth: wide ones rarely add up by chance. */
struct width {
	const char *mode;
	unsigned many, many_more; /* several messages; and a part of one */
	unsigned one, one_more;
	unsigned none;	 /* the beginning of one alone */
	unsigned cut;	 /* several messages, the end inside another */
	unsigned binary; /* how much less if the payloads are not text */
};

/*
 * Four bytes that are no text, and text behind them that goes on, are a long
 * message. Other long ones may be: but not if the other order of bytes finds
 * a whole message here.
 */
static unsigned
score_begun(
    const struct trial *t, const struct width *w, struct slice in, bool at_end)
{
	uint32_t other = 0, c;
	unsigned odd = 0, i;
	bool likely;

	if (w->none == 0)
		return 0;
	for (i = 0; i < 4; i++) {
		c = in.p[w->mode[3] == 'b' ? 3 - i : i];
		other = other << 8 | c;
		odd += c < 0x20 || c > 0x7e;
	}
	in = slice_of(in.p + 4, in.len - 4);
	likely = in.len >= LONG_LINE && odd >= 2 && other > in.len &&
	    t->announced <= LIKELY_MAX;
	if (likely && !marks_binary(in, '\n'))
		return at_end ? 61 : 75;
	if (at_end)
		return 0;
	return t->announced <= UINT16_MAX ? w->none : likely ? w->none - 10 : 0;
}

static unsigned
score_binary(
    const struct trial *t, const struct width *w, struct slice in, bool at_end)
{
	unsigned score;

	if (t->refused || t->hollow)
		return 0;
	if (t->messages == 0)
		return score_begun(t, w, in, at_end);
	if (t->cut)
		return t->messages >= 2 ? w->cut : 0;
	if (t->messages >= 2)
		score = t->exact ? w->many : w->many_more;
	else
		score = t->exact ? w->one : w->one_more;
	if (t->messages >= 4 && score < w->one)
		score = w->one;
	if (t->text)
		return score;
	return score > w->binary ? score - w->binary : 0;
}

static void
try_binary(struct slice in, bool at_end, struct diagnosis *d)
{
	static const struct width widths[] = {
	    {"u32be", 92, 80, 85, 50, 45, 65, 0},
	    {"u32le", 92, 80, 85, 50, 45, 65, 0},
	    {"u16be", 86, 60, 80, 45, 0, 0, 20},
	    {"u16le", 86, 60, 80, 45, 0, 0, 20},
	    {"u8", 80, 50, 55, 30, 0, 0, 45},
	};
	struct trial t;
	size_t i;

	if (!marks_binary(in, '\n') || marks_utf16_text(in))
		return;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		try_mode(widths[i].mode, in, at_end, &t);
		offer_framing(d, widths[i].mode, &t,
		    t.headed ? score_binary(&t, &widths[i], in, at_end) : 0);
	}
}

/*
 * `ended`: the score if a tag is the last there is. A tag that is missing at
 * the end of the stream counts against it, unless many others are there.
 */
static void
try_tag(struct slice in, bool at_end, const char *mode, unsigned ended,
    unsigned inside, struct diagnosis *d)
{
	struct framing fr;
	struct trial t;
	unsigned score;
	size_t at;

	framing_parse(mode, &fr, &at);
	try(&fr, in, at_end, &t);
	if (t.empty)
		return;
	score = t.exact ? ended : inside;
	if (t.cut && !fr.open_end && t.messages <= 2)
		score -= 15;
	offer_framing(d, mode, &t, score + (t.messages > 1 ? 5 : 0));
}

static void
try_tags(struct slice in, bool at_end, struct diagnosis *d)
{
	size_t lf = marks_count(in, '\n'), nul = marks_count(in, '\0');
	size_t crlf = 0, i;

	for (i = 1; i < in.len; i++)
		crlf += in.p[i] == '\n' && in.p[i - 1] == '\r';
	try_tag(in, at_end, "end-tag=<EOF>", 90, 85, d);
	if (marks_control_tagged(in, 3))
		try_tag(in, at_end, "end-tag=\\x03", 85, 60, d);
	if (marks_control_tagged(in, 4))
		try_tag(in, at_end, "end-tag=\\x04", 85, 60, d);
	/* Of UTF-16 half the bytes are NULs. */
	if (!marks_binary(in, '\0') && 3 * nul <= in.len)
		try_tag(in, at_end, "end-tag=NUL", 78, 45, d);
	if (marks_binary(in, '\n'))
		return;
	if (lf > 0 && crlf == lf)
		try_tag(in, at_end, "end-tag=CRLF", 75, 65, d);
	else
		try_tag(in, at_end, "lines", 72, 62, d);
}

void
diagnose(struct slice in, bool at_end, struct diagnosis *d)
{
	unsigned i;
	bool bom;

	memset(d, 0, sizeof(*d));
	if (in.len > DIAGNOSE_LOOK) {
		in.len = DIAGNOSE_LOOK;
		at_end = false;
	}
	if (in.len == 0)
		return;
	d->guess[0] = (struct diagnose_guess){.score = 100};
	if (marks_find(in, &d->guess[0])) {
		d->n = 1;
		d->sure = true;
		return;
	}
	bom = in.len >= 3 && memcmp(in.p, "\xef\xbb\xbf", 3) == 0;
	if (bom) {
		in.p += 3;
		in.len -= 3;
	}
	try_windev(in, at_end, d);
	try_netstring(in, at_end, d);
	try_fixed(in, at_end, d);
	try_binary(in, at_end, d);
	try_tags(in, at_end, d);
	d->sure = d->n > 0 && d->guess[0].score >= SURE_SCORE &&
	    (d->n == 1 || d->guess[0].score - d->guess[1].score >= SURE_AHEAD);
	for (i = 0; bom && i < d->n; i++)
		if (d->guess[i].kind == DIAGNOSE_FRAMING)
			d->guess[i].kind = DIAGNOSE_BOM;
}

/* Does the guess tell anything but the mode in use? */
static bool
is_news(const struct diagnose_guess *g, const struct framing *fr)
{
	const struct framing *other = &g->fr;

	if (g->kind != DIAGNOSE_FRAMING)
		return true;
	return other->mode != fr->mode || other->width != fr->width ||
	    other->big_endian != fr->big_endian || other->count != fr->count ||
	    other->tag_len != fr->tag_len ||
	    memcmp(other->tag, fr->tag, fr->tag_len) != 0;
}

/* The same, but lengths off by bytes are none where others are counted. */
static bool
is_helpful(const struct diagnose_guess *g, const struct framing *fr)
{
	return is_news(g, fr) &&
	    !(g->kind == DIAGNOSE_WINDEV_OFF && fr->count > 0);
}

/* The mode in use, but for what its lengths count or how they are written. */
static bool
is_kin(const struct diagnose_guess *g, const struct framing *fr)
{
	return g->kind <= DIAGNOSE_WINDEV_NEAR && g->fr.mode == fr->mode;
}

/*
 * Keeps the guesses that can help. What is surely in the mode in use needs no
 * other one. Whoever uses windev and sees something near it wants to know
 * that. A header that was read to its end makes other modes unlikely.
 */
static void
keep_helpful(struct diagnosis *d, const struct framing *fr, bool headed)
{
	const struct diagnosis all = *d;
	const struct diagnose_guess *g;
	unsigned i;
	bool near;

	d->n = 0;
	d->sure = all.sure && is_helpful(&all.guess[0], fr);
	if (all.sure && !is_news(&all.guess[0], fr))
		return;
	for (i = 0; i < all.n; i++) {
		g = &all.guess[i];
		if (!is_helpful(g, fr) ||
		    (headed && !(d->sure && i == 0) && !is_kin(g, fr)))
			continue;
		near = !all.sure && g->kind == DIAGNOSE_WINDEV_NEAR &&
		    is_kin(g, fr);
		if (near)
			d->n = 0;
		d->guess[d->n++] = *g;
		if (near)
			return;
	}
}

/*
 * It may be that messages were good by chance: their lengths count something
 * else, or are off, which the first message of a stream hides.
 */
static bool
keep_kin(struct diagnosis *d, const struct framing *fr, bool from_start)
{
	const struct diagnose_guess *g;
	unsigned i;

	for (i = 0; i < d->n; i++) {
		g = &d->guess[i];
		if (!is_helpful(g, fr) || !is_kin(g, fr) ||
		    !(g->kind == DIAGNOSE_FRAMING ? d->sure : from_start))
			continue;
		d->sure = d->sure && i == 0;
		d->guess[0] = *g;
		d->n = 1;
		return true;
	}
	return false;
}

void
diagnose_fault(const struct decode_fault *fault, const struct framing *fr,
    uint64_t good, struct slice seen, bool at_end, struct diagnosis *d)
{
	const bool cut = fault->code == DECODE_ERR_CUT;
	struct slice message = fault->look;

	memset(d, 0, sizeof(*d));
	if (cut && good > 0)
		return;
	if (!cut) {
		message.p -= fault->offset - fault->start;
		message.len += (size_t)(fault->offset - fault->start);
	}
	if (good > 0 && fault->code != DECODE_ERR_LONG) {
		diagnose(seen, at_end, d);
		if (keep_kin(
			d, fr, fault->start == (uint64_t)(message.p - seen.p)))
			return;
	}
	diagnose(message, at_end, d);
	d->behind = good;
	if (fault->code == DECODE_ERR_LONG &&
	    d->guess[0].kind < DIAGNOSE_WINDEV_UTF16)
		d->n = 0;
	keep_helpful(d, fr, cut && !fault->in_header && fault->need > 0);
}
