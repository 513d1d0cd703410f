/*
 * Which framing do these bytes speak; see diagnose.h.
 *
 * Marks of other protocols (marks.h) decide at once. Otherwise each candidate
 * framing decodes the bytes, and what it made of them is its grade: how many
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
};

static void
look_at(struct slice m, struct trial *t)
{
	t->hollow = t->hollow || (t->messages == 0 && marks_hollow(m));
	t->empty = t->empty && marks_hollow(m);
	t->none = t->none && m.len == 0;
	t->lined = t->lined && m.len > 0 && m.p[m.len - 1] == '\n';
	t->text = t->text && !marks_binary(m, '\n');
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

	*t = (struct trial){
	    .empty = true, .none = true, .lined = true, .text = true};
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
	t->cut = at_end && !t->exact && !t->refused && !fr->open_end;
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

/* Puts a guess in its place among the best two; of equals the first leads. */
static void
offer(struct diagnosis *d, const struct diagnose_guess *g)
{
	if (g->grade > d->guess[0].grade) {
		d->guess[1] = d->guess[0];
		d->guess[0] = *g;
	} else if (g->grade > d->guess[1].grade) {
		d->guess[1] = *g;
	}
}

static void
offer_framing(struct diagnosis *d, const char *mode, const struct trial *t,
    enum diagnose_grade grade)
{
	struct diagnose_guess g = {.kind = DIAGNOSE_FRAMING, .grade = grade};
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

	for (i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		g = marks_off(in, offs[i], at_end);
		offer(d, &g);
	}
}

/*
 * Lengths that do not count bytes. A length that fits so is not merely off.
 * Units of 16 bits are not believed of text that has no NULs.
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
		if (t.messages == 0 || t.refused || t.cut || (i > 0 && t.text))
			continue;
		offer_framing(d, modes[i], &t, DIAGNOSE_CERTAIN);
		return true;
	}
	return false;
}

static enum diagnose_grade
grade_windev(const struct trial *t, struct slice payload, bool numbers)
{
	if (t->messages == 0 && t->cut)
		return DIAGNOSE_FAIR;
	if (t->messages == 0)
		return is_long(payload) ? DIAGNOSE_STRONG : DIAGNOSE_LIKELY;
	if (t->refused)
		return t->messages > 1 && !t->lined ? DIAGNOSE_LIKELY
						    : DIAGNOSE_NOTHING;
	if (t->cut || t->none || (numbers && t->lined))
		return DIAGNOSE_STRONG;
	return DIAGNOSE_CERTAIN;
}

static void
try_windev(struct slice in, bool at_end, struct diagnosis *d)
{
	struct diagnose_guess g;
	struct trial t;
	uint64_t length;
	size_t head;

	head = marks_header(in, &length);
	if (head == 0) {
		g = marks_near(in, at_end);
		offer(d, &g);
	}
	if (head == 0 || length > MARKS_LENGTH_MAX)
		return;
	try_mode("windev", in, at_end, &t);
	offer_framing(d, "windev", &t,
	    grade_windev(
		&t, slice_of(in.p + head, in.len - head), marks_numbers(in)));
	if ((t.refused || (t.cut && t.messages == 0)) &&
	    !try_counts(in, at_end, d))
		try_off(in, at_end, d);
}

static enum diagnose_grade
grade_netstring(const struct trial *t, struct slice in)
{
	if (t->messages > 0)
		return t->refused ? DIAGNOSE_FAINT
		    : t->cut	  ? DIAGNOSE_STRONG
				  : DIAGNOSE_CERTAIN;
	if (t->cut)
		return DIAGNOSE_NOTHING;
	/* The beginning of one; a time at the start of a line looks like it. */
	if (is_long(in))
		return DIAGNOSE_FAIR;
	return in.len >= LONG_LINE && t->announced > DIAGNOSE_LOOK &&
		t->announced <= LIKELY_MAX
	    ? DIAGNOSE_POSSIBLE
	    : DIAGNOSE_FAINT;
}

static void
try_netstring(struct slice in, bool at_end, struct diagnosis *d)
{
	struct trial t;

	try_mode("netstring", in, at_end, &t);
	if (t.messages > 0 || (t.headed && !t.refused))
		offer_framing(d, "netstring", &t, grade_netstring(&t, in));
}

static enum diagnose_grade
grade_fixed(const struct trial *t, struct slice header)
{
	if (header.len == 64)
		return t->messages > 0 && !t->cut ? DIAGNOSE_CERTAIN
						  : DIAGNOSE_LIKELY;
	if (t->cut)
		return t->messages > 1 ? DIAGNOSE_LIKELY : DIAGNOSE_NOTHING;
	if (t->messages == 0)
		return marks_padded(header) ? DIAGNOSE_FAINT : DIAGNOSE_NOTHING;
	if (t->messages > 1)
		return DIAGNOSE_STRONG;
	/* Short headers are found in any text. */
	return !t->exact      ? DIAGNOSE_FAINT
	    : header.len >= 8 ? DIAGNOSE_STRONG
			      : DIAGNOSE_POSSIBLE;
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
			    d, mode, &t, grade_fixed(&t, slice_of(in.p, w)));
	}
}

/* What binary lengths are worth: wide ones rarely add up by chance. */
struct width {
	const char *mode;
	enum diagnose_grade many, many_more; /* and a part of another one */
	enum diagnose_grade one, one_more;
	enum diagnose_grade begun; /* the beginning of one alone */
	enum diagnose_grade cut;   /* several, the end inside another */
	unsigned binary; /* grades less if the payloads are not text */
};

/*
 * Four bytes that are no text, and text behind them that goes on, are a long
 * message. Other long ones may be: but not if the other order of bytes finds
 * a whole message here.
 */
static enum diagnose_grade
grade_begun(
    const struct trial *t, const struct width *w, struct slice in, bool at_end)
{
	uint32_t other = 0, c;
	unsigned odd = 0, i;
	bool likely;

	if (w->begun == DIAGNOSE_NOTHING)
		return DIAGNOSE_NOTHING;
	for (i = 0; i < 4; i++) {
		c = in.p[w->mode[3] == 'b' ? 3 - i : i];
		other = other << 8 | c;
		odd += c < 0x20 || c > 0x7e;
	}
	in = slice_of(in.p + 4, in.len - 4);
	likely = in.len >= LONG_LINE && odd >= 2 && other > in.len &&
	    t->announced <= LIKELY_MAX;
	if (likely && !marks_binary(in, '\n'))
		return at_end ? DIAGNOSE_LIKELY : DIAGNOSE_STRONG;
	if (at_end)
		return DIAGNOSE_NOTHING;
	return t->announced <= UINT16_MAX ? w->begun
	    : likely			  ? DIAGNOSE_FAINT
					  : DIAGNOSE_NOTHING;
}

static enum diagnose_grade
grade_binary(
    const struct trial *t, const struct width *w, struct slice in, bool at_end)
{
	enum diagnose_grade grade;

	if (!t->headed || t->refused || t->hollow)
		return DIAGNOSE_NOTHING;
	if (t->messages == 0)
		return grade_begun(t, w, in, at_end);
	if (t->cut)
		return t->messages > 1 ? w->cut : DIAGNOSE_NOTHING;
	if (t->messages > 1)
		grade = t->exact ? w->many : w->many_more;
	else
		grade = t->exact ? w->one : w->one_more;
	if (t->text)
		return grade;
	return grade > w->binary ? grade - w->binary : DIAGNOSE_NOTHING;
}

static void
try_binary(struct slice in, bool at_end, struct diagnosis *d)
{
	static const struct width widths[] = {
	    {"u32be", DIAGNOSE_CERTAIN, DIAGNOSE_STRONG, DIAGNOSE_STRONG,
		DIAGNOSE_POSSIBLE, DIAGNOSE_POSSIBLE, DIAGNOSE_LIKELY, 0},
	    {"u32le", DIAGNOSE_CERTAIN, DIAGNOSE_STRONG, DIAGNOSE_STRONG,
		DIAGNOSE_POSSIBLE, DIAGNOSE_POSSIBLE, DIAGNOSE_LIKELY, 0},
	    {"u16be", DIAGNOSE_CLEAR, DIAGNOSE_LIKELY, DIAGNOSE_STRONG,
		DIAGNOSE_FAINT, DIAGNOSE_NOTHING, DIAGNOSE_NOTHING, 2},
	    {"u16le", DIAGNOSE_CLEAR, DIAGNOSE_LIKELY, DIAGNOSE_STRONG,
		DIAGNOSE_FAINT, DIAGNOSE_NOTHING, DIAGNOSE_NOTHING, 2},
	    {"u8", DIAGNOSE_STRONG, DIAGNOSE_POSSIBLE, DIAGNOSE_POSSIBLE,
		DIAGNOSE_FAINT, DIAGNOSE_NOTHING, DIAGNOSE_NOTHING, 4},
	};
	struct trial t;
	size_t i;

	if (!marks_binary(in, '\n') || marks_utf16_text(in))
		return;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		try_mode(widths[i].mode, in, at_end, &t);
		offer_framing(d, widths[i].mode, &t,
		    grade_binary(&t, &widths[i], in, at_end));
	}
}

/*
 * `ended`: the grade if a tag is the last there is; `inside`: if not. A tag
 * that is missing at the end of the stream counts against it, unless many
 * others are there.
 */
static void
try_tag(struct slice in, bool at_end, const char *mode,
    enum diagnose_grade ended, enum diagnose_grade inside, struct diagnosis *d)
{
	enum diagnose_grade grade;
	struct framing fr;
	struct trial t;
	size_t at;

	framing_parse(mode, &fr, &at);
	try(&fr, in, at_end, &t);
	if (t.empty)
		return;
	if (t.exact)
		grade = t.messages > 1 ? ended + 1 : ended;
	else
		grade = t.cut && t.messages <= 2 ? inside - 1 : inside;
	offer_framing(d, mode, &t, grade);
}

static void
try_tags(struct slice in, bool at_end, struct diagnosis *d)
{
	size_t lf = marks_count(in, '\n'), nul = marks_count(in, '\0');
	size_t crlf = 0, i;

	for (i = 1; i < in.len; i++)
		crlf += in.p[i] == '\n' && in.p[i - 1] == '\r';
	try_tag(
	    in, at_end, "end-tag=<EOF>", DIAGNOSE_STRONG, DIAGNOSE_STRONG, d);
	if (marks_control_tagged(in, 3))
		try_tag(in, at_end, "end-tag=\\x03", DIAGNOSE_STRONG,
		    DIAGNOSE_FAIR, d);
	if (marks_control_tagged(in, 4))
		try_tag(in, at_end, "end-tag=\\x04", DIAGNOSE_STRONG,
		    DIAGNOSE_FAIR, d);
	/* Of UTF-16 half the bytes are NULs. */
	if (!marks_binary(in, '\0') && 3 * nul <= in.len)
		try_tag(in, at_end, "end-tag=NUL", DIAGNOSE_LIKELY,
		    DIAGNOSE_POSSIBLE, d);
	if (marks_binary(in, '\n'))
		return;
	if (crlf == lf)
		try_tag(in, at_end, "end-tag=CRLF", DIAGNOSE_LIKELY,
		    DIAGNOSE_FAIR, d);
	else
		try_tag(in, at_end, "lines", DIAGNOSE_LIKELY, DIAGNOSE_FAIR, d);
}

void
diagnose(struct slice in, bool at_end, struct diagnosis *d)
{
	const bool bom = marks_bom(in);
	unsigned i;

	memset(d, 0, sizeof(*d));
	if (in.len > DIAGNOSE_LOOK) {
		in.len = DIAGNOSE_LOOK;
		at_end = false;
	}
	if (marks_find(in, &d->guess[0])) {
		d->guess[0].grade = DIAGNOSE_CERTAIN;
		d->n = 1;
		d->sure = true;
		return;
	}
	if (bom) {
		in.p += 3;
		in.len -= 3;
	}
	try_windev(in, at_end, d);
	try_netstring(in, at_end, d);
	try_fixed(in, at_end, d);
	try_binary(in, at_end, d);
	try_tags(in, at_end, d);
	while (d->n < 2 && d->guess[d->n].grade > DIAGNOSE_NOTHING)
		d->n++;
	d->sure = d->guess[0].grade >= DIAGNOSE_FAIR &&
	    d->guess[0].grade >= d->guess[1].grade + 2;
	for (i = 0; bom && i < d->n; i++)
		if (d->guess[i].kind == DIAGNOSE_FRAMING)
			d->guess[i].kind = DIAGNOSE_BOM;
}

/* Does the guess tell anything but the mode in use? */
static bool
is_news(const struct diagnose_guess *g, const struct framing *fr)
{
	char one[FRAMING_TEXT_MAX], two[FRAMING_TEXT_MAX];

	return g->kind != DIAGNOSE_FRAMING ||
	    strcmp(framing_print(&g->fr, one), framing_print(fr, two)) != 0;
}

/* The same, but lengths off by bytes are none where others are counted. */
static bool
is_helpful(const struct diagnose_guess *g, const struct framing *fr)
{
	return is_news(g, fr) &&
	    !(g->kind == DIAGNOSE_WINDEV_OFF &&
		fr->count != FRAMING_COUNT_BYTES);
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

	if (d->sure) {
		d->sure = is_helpful(&d->guess[0], fr);
		d->n = d->sure;
		return;
	}
	d->n = 0;
	for (i = 0; i < all.n; i++) {
		g = &all.guess[i];
		if (!is_helpful(g, fr) || (headed && !is_kin(g, fr)))
			continue;
		if (g->kind == DIAGNOSE_WINDEV_NEAR && is_kin(g, fr)) {
			d->guess[0] = *g;
			d->n = 1;
			return;
		}
		d->guess[d->n++] = *g;
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
	unsigned i, n = d->sure ? 1 : d->n;

	for (i = 0; i < n; i++) {
		g = &d->guess[i];
		if (!is_helpful(g, fr) || !is_kin(g, fr) ||
		    !(g->kind == DIAGNOSE_FRAMING ? d->sure : from_start))
			continue;
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
	    d->guess[0].kind < DIAGNOSE_WINDEV_UTF16) {
		d->n = 0;
		d->sure = false;
		return;
	}
	keep_helpful(d, fr, cut && !fault->in_header && fault->need > 0);
}
