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
#define LONG_LINE 128 /* lines of text are rarely longer */

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
	bool lined;  /* each message ends in a line's end */
	bool text;   /* no message holds a control character */
	bool ascii;  /* no message holds a byte over 127 */
};

/* Is there a byte that text has not, and that is not `but` either? LF: any. */
static bool
has_binary(struct slice in, uint8_t but)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] < 0x20 && in.p[i] != but &&
		    memchr("\t\n\r", in.p[i], 3) == NULL)
			return true;
	return false;
}

static bool
is_hollow(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] != ' ' && in.p[i] != '\0')
			return false;
	return true;
}

static bool
is_ascii(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] > 0x7f)
			return false;
	return true;
}

static void
look_at(struct slice m, struct trial *t)
{
	t->hollow = t->hollow || (t->messages == 0 && is_hollow(m));
	t->empty = t->empty && is_hollow(m);
	t->lined = t->lined && m.len > 0 && m.p[m.len - 1] == '\n';
	t->text = t->text && !has_binary(m, '\n');
	t->ascii = t->ascii && is_ascii(m);
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
	    .empty = true, .lined = true, .text = true, .ascii = true};
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
	try(&fr, in, at_end, t);
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Lines that hold numbers and nothing else, whatever their lengths say. */
static bool
is_numbers(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (!is_digit(in.p[i]) && in.p[i] != '\r' && in.p[i] != '\n')
			return false;
	return true;
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

/* Every second byte is a NUL and the others are not: Western text in UTF-16. */
static bool
is_utf16_text(struct slice in)
{
	size_t i, low;

	if (in.len < 4)
		return false;
	low = in.p[0] == 0;
	for (i = 0; i < in.len; i++)
		if ((in.p[i] != 0) != (i % 2 == low))
			return false;
	return true;
}

/* The decimal length and CR LF at in.p; 0 if they do not stand there. */
static size_t
windev_header(struct slice in, size_t *length)
{
	size_t i, v = 0;

	for (i = 0; i < in.len && is_digit(in.p[i]); i++) {
		if (i == FRAMING_DIGITS_MAX)
			return 0;
		if (v <= FRAMING_MAX_DEFAULT)
			v = v * 10 + (size_t)(in.p[i] - '0');
	}
	if (i == 0 || i + 1 >= in.len || in.p[i] != '\r' || in.p[i + 1] != '\n')
		return 0;
	*length = v;
	return i + 2;
}

/* Might these bytes be a header that goes on behind their end? */
static bool
begins_header(struct slice in)
{
	size_t i = 0;

	while (i < in.len && i <= FRAMING_DIGITS_MAX && is_digit(in.p[i]))
		i++;
	return i == in.len || (i > 0 && i + 1 == in.len && in.p[i] == '\r');
}

/* What a walk from header to header found. */
struct walk {
	unsigned n;
	size_t bytes; /* of the payloads */
	bool wide;    /* a length of two digits or more */
	bool headed;  /* a whole header stands where the walk ended */
	bool glued;   /* a header stands right behind a payload, in its line */
	bool exact;
};

/*
 * windev whose lengths are `off` larger than the payloads, as if they were
 * right otherwise. False if that does not add up either.
 */
static bool
walk_off(struct slice in, int off, bool at_end, struct walk *w)
{
	size_t head, length;

	memset(w, 0, sizeof(*w));
	for (; in.len > 0; w->n++) {
		w->headed = false;
		head = windev_header(in, &length);
		if (head == 0)
			return !at_end && begins_header(in);
		if ((off > 0 && length < (size_t)off) ||
		    length > FRAMING_MAX_DEFAULT)
			return false;
		length = off > 0 ? length - (size_t)off : length + (size_t)-off;
		w->glued = w->glued || (w->n > 0 && in.p[-1] != '\n');
		w->headed = true;
		if (in.len - head < length)
			return !at_end;
		w->wide = w->wide || head > 3;
		w->bytes += length;
		in.p += head + length;
		in.len -= head + length;
	}
	w->exact = true;
	return true;
}

static unsigned
score_off(const struct walk *w, struct slice in)
{
	if (w->n == 0 || w->bytes == 0)
		return 0;
	if (is_numbers(in))
		return 45;
	if (w->exact)
		return w->n >= 2 ? 98 : w->wide ? 95 : 78;
	if (w->n >= 2 || (w->headed && w->glued))
		return 88;
	return w->headed ? 65 : 50;
}

/* The vendor's samples and their kin: the length is one or two off. */
static void
try_off(struct slice in, bool at_end, struct diagnosis *d)
{
	static const int offs[] = {1, 2, -1, -2};
	struct diagnose_guess g = {.kind = DIAGNOSE_WINDEV_OFF};
	struct walk w;
	size_t i, at;

	framing_parse("windev", &g.fr, &at);
	for (i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		if (!walk_off(in, offs[i], at_end, &w))
			continue;
		g.off = offs[i];
		g.messages = w.n;
		g.score = score_off(&w, in);
		offer(d, &g);
	}
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
	return t->empty || (numbers && t->lined) ? 80 : 95;
}

static void
try_windev(struct slice in, bool at_end, struct diagnosis *d)
{
	struct trial t;
	size_t head, length;

	head = windev_header(in, &length);
	if (head == 0 || length > FRAMING_MAX_DEFAULT)
		return;
	try_mode("windev", in, at_end, &t);
	offer_framing(d, "windev", &t,
	    score_windev(
		&t, slice_of(in.p + head, in.len - head), is_numbers(in)));
	if ((t.refused || (t.cut && t.messages == 0)) &&
	    !try_counts(in, at_end, d))
		try_off(in, at_end, d);
}

static void
try_netstring(struct slice in, bool at_end, struct diagnosis *d)
{
	struct trial t;

	try_mode("netstring", in, at_end, &t);
	if (t.messages > 0)
		offer_framing(d, "netstring", &t,
		    t.refused	  ? 50
			: t.cut	  ? 85
			: t.empty ? 80
				  : 95);
	else if (t.headed && !t.refused && !t.cut)
		offer_framing(d, "netstring", &t, is_long(in) ? 70 : 40);
}

/* Blanks that go on behind the header, or may, say that it is wider. */
static bool
is_wider(struct slice in, size_t w)
{
	return in.p[w - 1] == ' ' && w < FRAMING_WIDTH_MAX &&
	    (in.len == w || in.p[w] == ' ');
}

/* Is the header padded by two or more? One blank is what words have. */
static bool
is_padded(struct slice header)
{
	const uint8_t *p = header.p, *last = p + header.len - 1;

	if (*p == ' ' || *p == '0')
		return p[1] == *p;
	return *last == ' ' && last[-1] == ' ';
}

static unsigned
score_fixed(const struct trial *t, struct slice header)
{
	bool usual = header.len == 64;

	if (t->messages == 0 && t->cut)
		return usual ? 61 : 0;
	if (t->messages == 0)
		return usual ? 75 : is_padded(header) ? 40 : 0;
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
		if (in.len < w || is_wider(in, w) ||
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

static unsigned
score_binary(const struct trial *t, const struct width *w, bool at_end)
{
	unsigned score;

	if (t->refused || t->hollow)
		return 0;
	if (t->messages == 0)
		return at_end || t->announced > UINT16_MAX ? 0 : w->none;
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

	if (!has_binary(in, '\n') || is_utf16_text(in))
		return;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		try_mode(widths[i].mode, in, at_end, &t);
		offer_framing(d, widths[i].mode, &t,
		    t.headed ? score_binary(&t, &widths[i], at_end) : 0);
	}
}

/* How often a byte stands in the bytes. */
static size_t
count_byte(struct slice in, uint8_t c)
{
	size_t i, n = 0;

	for (i = 0; i < in.len; i++)
		n += in.p[i] == c;
	return n;
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

/* Text between control characters: a tag, and what may open a message. */
static bool
is_control_tagged(struct slice in, uint8_t tag)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] != tag && in.p[i] != 1 && in.p[i] != 2 &&
		    has_binary(slice_of(in.p + i, 1), '\n'))
			return false;
	return true;
}

static void
try_tags(struct slice in, bool at_end, struct diagnosis *d)
{
	size_t lf = count_byte(in, '\n'), nul = count_byte(in, '\0');
	size_t crlf = 0, i;

	for (i = 1; i < in.len; i++)
		crlf += in.p[i] == '\n' && in.p[i - 1] == '\r';
	try_tag(in, at_end, "end-tag=<EOF>", 90, 85, d);
	if (is_control_tagged(in, 3))
		try_tag(in, at_end, "end-tag=\\x03", 85, 60, d);
	if (is_control_tagged(in, 4))
		try_tag(in, at_end, "end-tag=\\x04", 85, 60, d);
	/* Of UTF-16 half the bytes are NULs. */
	if (!has_binary(in, '\0') && 3 * nul <= in.len)
		try_tag(in, at_end, "end-tag=NUL", 78, 45, d);
	if (has_binary(in, '\n'))
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
