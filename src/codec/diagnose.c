/*
 * Which framing do these bytes speak; see diagnose.h.
 *
 * Marks of other protocols decide at once. Otherwise each candidate framing
 * decodes the bytes, and what it made of them is its score: how many whole
 * messages, and whether what is left may be the beginning of another one.
 * Lengths explain more than tags do, since random bytes rarely add up.
 */

#include <string.h>

#include "codec/decode.h"
#include "codec/diagnose.h"

#define BATCH 64
#define SURE_SCORE 60 /* and this much ahead of the next: */
#define SURE_AHEAD 15

/* What a framing made of the bytes. */
struct trial {
	unsigned messages;
	bool refused; /* it met something that it cannot be */
	bool exact;   /* nothing is left over */
	bool headed;  /* at least one header was whole */
	bool empty;   /* all of its messages are empty */
};

static void
try(const struct framing *fr, struct slice in, bool at_end, struct trial *t)
{
	struct slice v[BATCH];
	struct batch b = {v, 0, BATCH};
	enum decode_result r;
	struct decoder d;
	size_t used, i;

	memset(t, 0, sizeof(*t));
	t->empty = true;
	decoder_init(&d, fr);
	do {
		b.n = 0;
		r = decode(&d, in, &b, &used);
		in.p += used;
		in.len -= used;
		for (i = 0; i < b.n; i++)
			t->empty = t->empty && v[i].len == 0;
	} while (r == DECODE_FULL);
	t->messages = (unsigned)d.messages;
	t->exact = in.len == 0;
	t->refused = r == DECODE_BAD || (at_end && !t->exact);
	t->headed = d.messages > 0 || d.head > 0;
}

static bool
starts(struct slice in, const char *text, size_t len)
{
	return in.len >= len && memcmp(in.p, text, len) == 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Puts a guess in its place among the best two. */
static void
offer(struct diagnosis *d, const struct diagnose_guess *g)
{
	if (g->score == 0)
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

static void
decide(struct diagnosis *d, enum diagnose_kind kind)
{
	d->guess[0] = (struct diagnose_guess){.kind = kind, .score = 100};
	d->n = 1;
	d->sure = true;
}

static bool
is_tls(struct slice in)
{
	/* A handshake record of SSL 3.0 to TLS 1.3. */
	return in.len >= 3 && in.p[0] == 0x16 && in.p[1] == 3 && in.p[2] <= 4;
}

/* A request or a response line of HTTP; a mere "GET" at its start is none. */
static bool
is_http(struct slice in)
{
	static const char *const methods[] = {"GET ", "POST ", "PUT ", "HEAD ",
	    "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI "};
	const uint8_t *line_end;
	size_t i;

	if (starts(in, "HTTP/1.", 7))
		return true;
	line_end = memchr(in.p, '\n', in.len);
	if (line_end != NULL)
		in.len = (size_t)(line_end - in.p);
	if (memmem(in.p, in.len, " HTTP/", 6) == NULL)
		return false;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (starts(in, methods[i], strlen(methods[i])))
			return true;
	return false;
}

/* Digits, CR, LF in 16 bits each, perhaps behind a byte order mark. */
static bool
is_utf16_windev(struct slice in, bool big_endian)
{
	size_t high = big_endian ? 0 : 1, low = 1 - high, i;

	if (starts(in, big_endian ? "\xfe\xff" : "\xff\xfe", 2)) {
		in.p += 2;
		in.len -= 2;
	}
	for (i = 0; i + 1 < in.len && in.p[i + high] == 0; i += 2)
		if (!is_digit(in.p[i + low]))
			break;
	return i > 0 && i + 3 < in.len && in.p[i + high] == 0 &&
	    in.p[i + low] == '\r' && in.p[i + 2 + high] == 0 &&
	    in.p[i + 2 + low] == '\n';
}

static bool
try_marks(struct slice in, struct diagnosis *d)
{
	if (is_tls(in))
		decide(d, DIAGNOSE_TLS);
	else if (starts(in, "SSH-", 4))
		decide(d, DIAGNOSE_SSH);
	else if (is_http(in))
		decide(d, DIAGNOSE_HTTP);
	else if (is_utf16_windev(in, false) || is_utf16_windev(in, true)) {
		decide(d, DIAGNOSE_WINDEV_UTF16);
		d->guess[0].big_endian = is_utf16_windev(in, true);
	} else
		return false;
	return true;
}

/* The decimal length and CR LF at in.p; 0 if they do not stand there. */
static size_t
windev_header(struct slice in, size_t *length)
{
	size_t i, v = 0;

	for (i = 0; i < in.len && i < 7 && is_digit(in.p[i]); i++)
		v = v * 10 + (size_t)(in.p[i] - '0');
	if (i == 0 || i + 1 >= in.len || in.p[i] != '\r' || in.p[i + 1] != '\n')
		return 0;
	*length = v;
	return i + 2;
}

/*
 * windev whose lengths are `off` larger than the payloads: walks from header
 * to header as if they were right. How many messages there are, or 0 if it
 * does not add up either.
 */
static unsigned
walk_off(struct slice in, int off, bool at_end)
{
	unsigned n = 0;
	size_t head, length, i = 0, left;

	while (i < in.len) {
		left = in.len - i;
		head = windev_header(slice_of(in.p + i, left), &length);
		if (head == 0)
			return at_end || left > 8 ? 0 : n;
		if ((off > 0 && length < (size_t)off) ||
		    length > FRAMING_MAX_DEFAULT)
			return 0;
		length -= (size_t)(long long)off;
		if (left - head < length)
			return at_end ? 0 : n;
		i += head + length;
		n++;
	}
	return n;
}

/* The vendor's samples and their kin: the length is one or two off. */
static void
try_off(struct slice in, bool at_end, struct diagnosis *d)
{
	static const int offs[] = {1, 2, -1, -2};
	struct diagnose_guess g = {.kind = DIAGNOSE_WINDEV_OFF};
	size_t i, at;

	framing_parse("windev", &g.fr, &at);
	for (i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		g.off = offs[i];
		g.messages = walk_off(in, g.off, at_end);
		g.score = g.messages >= 2 ? 90 : g.messages == 1 ? 70 : 0;
		offer(d, &g);
	}
}

static void
try_windev(struct slice in, bool at_end, struct diagnosis *d)
{
	struct framing fr;
	struct trial t;
	size_t at, length;

	if (windev_header(in, &length) == 0)
		return;
	framing_parse("windev", &fr, &at);
	try(&fr, in, at_end, &t);
	if (!t.refused)
		offer_framing(d, "windev", &t, t.messages > 0 ? 95 : 75);
	else
		try_off(in, at_end, d);
}

static void
try_netstring(struct slice in, bool at_end, struct diagnosis *d)
{
	struct framing fr;
	struct trial t;
	size_t at;

	framing_parse("netstring", &fr, &at);
	try(&fr, in, at_end, &t);
	if (t.messages > 0)
		offer_framing(d, "netstring", &t, t.refused ? 50 : 95);
	else if (t.headed && !t.refused)
		offer_framing(d, "netstring", &t, 40);
}

/* Digits padded by blanks, or by zeros, and in which width? */
static void
try_fixed(struct slice in, bool at_end, struct diagnosis *d)
{
	char mode[] = "fixed-header=00";
	struct framing fr;
	struct trial t;
	unsigned w, score;
	size_t at;

	for (w = FRAMING_WIDTH_MAX; w >= 2; w--) {
		if (in.len < w ||
		    (memchr(in.p, ' ', w) == NULL && in.p[0] != '0'))
			continue;
		mode[13] = (char)('0' + w / 10);
		mode[14] = (char)('0' + w % 10);
		framing_parse(mode, &fr, &at);
		try(&fr, in, at_end, &t);
		if (!t.headed || t.refused || t.empty)
			continue;
		score = t.messages >= 2 ? 90 : t.exact ? 80 : 40;
		if (w == 64)
			score = t.messages > 0 ? 95 : 75;
		offer_framing(d, mode, &t, score);
	}
}

/* Is there a byte that text has not? */
static bool
has_binary(struct slice in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		if (in.p[i] < 0x20 && memchr("\t\n\r", in.p[i], 3) == NULL)
			return true;
	return false;
}

static void
try_binary(struct slice in, bool at_end, struct diagnosis *d)
{
	static const struct {
		const char *mode;
		unsigned many; /* score of several whole messages */
		unsigned one;  /* score of one that fits to the byte */
	} widths[] = {
	    {"u32be", 92, 85},
	    {"u32le", 92, 85},
	    {"u16be", 86, 80},
	    {"u16le", 86, 80},
	    {"u8", 80, 55},
	};
	struct framing fr;
	struct trial t;
	unsigned score;
	size_t i, at;

	if (!has_binary(in))
		return;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		framing_parse(widths[i].mode, &fr, &at);
		try(&fr, in, at_end, &t);
		if (t.refused || t.messages == 0 || t.empty)
			continue;
		score = t.messages >= 2 ? widths[i].many : widths[i].one;
		if (!t.exact)
			score -= 30;
		offer_framing(d, widths[i].mode, &t, score);
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

static void
try_tag(struct slice in, const char *mode, unsigned ended, unsigned inside,
    struct diagnosis *d)
{
	struct framing fr;
	struct trial t;
	size_t at;

	framing_parse(mode, &fr, &at);
	try(&fr, in, false, &t);
	if (t.messages > 0 && !t.empty)
		offer_framing(d, mode, &t,
		    (t.exact ? ended : inside) + (t.messages > 1 ? 5 : 0));
}

static void
try_tags(struct slice in, struct diagnosis *d)
{
	size_t lf = count_byte(in, '\n'), i, crlf = 0;

	for (i = 1; i < in.len; i++)
		crlf += in.p[i] == '\n' && in.p[i - 1] == '\r';
	try_tag(in, "end-tag=<EOF>", 90, 85, d);
	try_tag(in, "end-tag=\\x03", 85, 60, d);
	try_tag(in, "end-tag=\\x04", 85, 60, d);
	if (!has_binary(in) || count_byte(in, '\0') > 0)
		try_tag(in, "end-tag=NUL", 78, 45, d);
	if (has_binary(in))
		return;
	if (lf > 0 && crlf == lf)
		try_tag(in, "end-tag=CRLF", 75, 65, d);
	else
		try_tag(in, "lines", 72, 62, d);
}

void
diagnose(struct slice in, bool at_end, struct diagnosis *d)
{
	bool bom;

	memset(d, 0, sizeof(*d));
	if (in.len > DIAGNOSE_LOOK) {
		in.len = DIAGNOSE_LOOK;
		at_end = false;
	}
	if (in.len == 0 || try_marks(in, d))
		return;
	bom = starts(in, "\xef\xbb\xbf", 3);
	if (bom) {
		in.p += 3;
		in.len -= 3;
	}
	try_windev(in, at_end, d);
	try_netstring(in, at_end, d);
	try_fixed(in, at_end, d);
	try_binary(in, at_end, d);
	try_tags(in, d);
	d->sure = d->n > 0 && d->guess[0].score >= SURE_SCORE &&
	    (d->n == 1 || d->guess[0].score - d->guess[1].score >= SURE_AHEAD);
	if (bom && d->n > 0 && d->guess[0].kind == DIAGNOSE_FRAMING)
		d->guess[0].kind = DIAGNOSE_BOM;
}
