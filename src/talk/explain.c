/* Words for what the codec found; see explain.h. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "base/text.h"
#include "talk/explain.h"

#define LOOK 32 /* bytes that an error text shows */
#define LOOK_MAX (FRAMING_TAG_MAX * 4 + 16)
#define MAX_MESSAGE_MAX (UINT64_C(1) << 40) /* what --max-message takes */
#define MODES_MAX 32

/*
 * A look at bytes, between quotes. A quote inside would be taken for the
 * closing one, so it is escaped as well. buf holds LOOK_MAX bytes.
 */
static char *
look_at(struct slice in, size_t show, char *buf)
{
	char plain[LOOK_MAX], *to = buf;
	const char *s = text_look(in, show, plain, sizeof(plain));
	const char *end = strrchr(s, '"');

	for (; *s != '\0' && to + 5 < buf + LOOK_MAX; s++) {
		if (*s == '"' && s != plain && s != end) {
			memcpy(to, "\\x22", 4);
			to += 4;
		} else
			*to++ = *s;
	}
	*to = '\0';
	return buf;
}

/* "byte" or "bytes", and so on. */
static const char *
unit(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

static const char *
bytes(uint64_t n)
{
	return unit(n, "byte", "bytes");
}

/* What the length of this framing counts. */
static const char *
counted(const struct framing *fr, uint64_t n)
{
	switch (fr->count) {
	case FRAMING_COUNT_CHARS:
		return unit(n, "character", "characters");
	case FRAMING_COUNT_UTF16:
		return unit(n, "unit of 16 bits", "units of 16 bits");
	default:
		return bytes(n);
	}
}

/* A mode as the user's shell takes it: quoted if need be. */
static char *
shell_mode(const struct framing *fr, char *buf, size_t cap)
{
	char mode[FRAMING_TEXT_MAX];
	char *to = buf;
	const char *s;

	framing_print(fr, mode);
	if (strspn(mode, "abcdefghijklmnopqrstuvwxyzCFLNRU0123456789=,-") ==
	    strlen(mode)) {
		snprintf(buf, cap, "%s", mode);
		return buf;
	}
	*to++ = '\'';
	for (s = mode; *s != '\0' && (size_t)(to - buf) + 8 < cap; s++) {
		if (*s == '\'') {
			memcpy(to, "'\\''", 4);
			to += 4;
		} else
			*to++ = *s;
	}
	memcpy(to, "'", 2);
	return buf;
}

/* The option that selects it, and the WLanguage line that does. */
static void
offer_mode(const struct framing *fr, char *buf, size_t cap)
{
	const struct framing_name *n = framing_name_of(fr);
	char mode[128]; /* the tags of guesses are short */

	shell_mode(fr, mode, sizeof(mode));
	if (n->french == NULL)
		snprintf(buf, cap, "-m %s", mode);
	else
		snprintf(buf, cap,
		    "-m %s   (SocketChangeModeTransmission(..., %s))", mode,
		    n->french);
}

/*
 * A guess as one of two: what there is to try, or (`named`) what it would be,
 * and on what condition.
 */
static void
name_guess(const struct diagnose_guess *g, bool named, char *buf, size_t cap)
{
	unsigned n = g->off < 0 ? (unsigned)-g->off : (unsigned)g->off;
	size_t len;

	if (g->kind == DIAGNOSE_WINDEV_OFF) {
		snprintf(buf, cap,
		    "%swindev, whose lengths would be %u %s too %s",
		    named ? "" : "-m ", n, bytes(n),
		    g->off < 0 ? "small" : "large");
		return;
	}
	if (g->kind == DIAGNOSE_WINDEV_NEAR) {
		snprintf(buf, cap,
		    "%swindev, whose header would not be a plain "
		    "decimal length",
		    named ? "" : "-m ");
		return;
	}
	if (named)
		shell_mode(&g->fr, buf, cap);
	else
		offer_mode(&g->fr, buf, cap);
	len = strlen(buf);
	if (g->kind == DIAGNOSE_BOM)
		snprintf(buf + len, cap - len, "%s",
		    named ? " behind a byte order mark"
			  : ", once the peer leaves the byte order mark out");
}

/* windev that is not quite right: what the peer has to change. */
static void
say_windev(const struct diagnose_guess *g, const char *who,
    const struct framing *fr, struct fail *f)
{
	const bool in_use = fr != NULL && fr->mode == FRAMING_WINDEV;
	unsigned n = g->off < 0 ? (unsigned)-g->off : (unsigned)g->off;

	if (g->kind == DIAGNOSE_WINDEV_NEAR)
		fail_hint(f,
		    "%s speak windev with a header that is not a plain "
		    "decimal length; try: %shave it send digits alone, then "
		    "CR LF",
		    who, in_use ? "" : "-m windev, and ");
	else if (in_use)
		fail_hint(f,
		    "%s announce %u %s too %s; try: have it send the length "
		    "of what it sends",
		    who, n, bytes(n), g->off < 0 ? "few" : "many");
	else
		fail_hint(f,
		    "%s speak windev and announce %u %s too %s; try: -m "
		    "windev, and have it send the length of what it sends",
		    who, n, bytes(n), g->off < 0 ? "few" : "many");
}

/* "the peer seems to", or with less reason "may"; and behind what. */
static const char *
who_may(const struct diagnosis *d, char *buf, size_t cap)
{
	if (d->behind == 0)
		snprintf(buf, cap, "the peer");
	else
		snprintf(buf, cap, "behind %llu good message%s, what follows",
		    (unsigned long long)d->behind, d->behind == 1 ? "" : "s");
	return strcat(buf, d->sure ? " seems to" : " may");
}

/* The best guess as a hint; fr is the mode in use, or NULL. */
static void
say_guess(const struct diagnosis *d, const struct framing *fr, struct fail *f)
{
	const struct diagnose_guess *g = &d->guess[0];
	char offer[sizeof(f->hint) - 128], buf[96];
	const char *who = who_may(d, buf, sizeof(buf) - sizeof(" seems to"));
	const char *mode = framing_name_of(&g->fr)->name;

	switch (g->kind) {
	case DIAGNOSE_FRAMING:
		if (d->behind > 0) {
			fail_hint(f,
			    "%s speak %s; try: have the peer keep to one mode",
			    who, shell_mode(&g->fr, offer, sizeof(offer)));
			return;
		}
		offer_mode(&g->fr, offer, sizeof(offer));
		fail_hint(f, "%s speak %s; try: %s", who, mode, offer);
		return;
	case DIAGNOSE_WINDEV_OFF:
	case DIAGNOSE_WINDEV_NEAR:
		say_windev(g, who, fr, f);
		return;
	case DIAGNOSE_WINDEV_UTF16:
		fail_hint(f,
		    "the length is written in UTF-16%s; try: have "
		    "the peer send it as ANSI or UTF-8 text",
		    g->big_endian ? "BE" : "LE");
		return;
	case DIAGNOSE_BOM:
		fail_hint(f,
		    "a UTF-8 byte order mark stands before what "
		    "%s be %s; try: have the peer leave it out",
		    d->sure ? "seems to" : "may", mode);
		return;
	case DIAGNOSE_TLS:
		fail_hint(f,
		    "this is a TLS handshake; try: a tls: address, "
		    "or switch TLS off at the peer");
		return;
	case DIAGNOSE_HTTP:
		fail_hint(f, "this is HTTP; try: -m raw to see all of it");
		return;
	case DIAGNOSE_SSH:
		fail_hint(f, "this is an SSH server; try: another port");
		return;
	}
}

/* One guess, or two of which nobody knows which. */
static void
say_guesses(const struct diagnosis *d, const struct framing *fr, struct fail *f)
{
	char one[200], two[200], buf[96];

	if (d->n == 1 || d->sure) {
		say_guess(d, fr, f);
		return;
	}
	name_guess(&d->guess[0], d->behind > 0, one, sizeof(one));
	name_guess(&d->guess[1], d->behind > 0, two, sizeof(two));
	if (d->behind == 0)
		fail_hint(f,
		    "it is not clear what the peer speaks; try: %s, or %s", one,
		    two);
	else
		fail_hint(f,
		    "%s speak %s, or %s; try: have the peer keep to one mode",
		    who_may(d, buf, sizeof(buf) - sizeof(" seems to")), one,
		    two);
}

static const char *
behind_length(const struct framing *fr)
{
	switch (fr->mode) {
	case FRAMING_WINDEV:
		return "a digit, or CR LF behind the length";
	case FRAMING_NETSTRING:
		return "a digit, or a colon behind the length";
	default:
		return "nothing but blanks behind the length";
	}
}

/* What stood in the way, except for a length and for the end. */
static const char *
expected(const struct decode_fault *fault, const struct framing *fr)
{
	switch (fault->code) {
	case DECODE_ERR_HEADER:
		return behind_length(fr);
	case DECODE_ERR_DIGITS:
		return "a length of at most 20 digits";
	case DECODE_ERR_ZERO:
		return "a length without a zero in front";
	case DECODE_ERR_BLANK:
		return "a header with a length in it";
	case DECODE_ERR_TRAILER:
		return fr->mode == FRAMING_NETSTRING
		    ? "a comma behind the payload"
		    : "the tail behind the payload";
	case DECODE_ERR_TAIL:
		return "a length that counts the tail";
	default:
		return "a decimal length";
	}
}

static int
explain_cut(
    const struct decode_fault *fault, const struct framing *fr, struct fail *f)
{
	unsigned long long at = fault->offset, have = fault->have;
	unsigned long long need = fault->need;
	char look[LOOK_MAX], tag[LOOK_MAX];

	look_at(fault->look, LOOK, look);
	if (fr->mode == FRAMING_END_TAG || fr->mode == FRAMING_END_TAG_BUFFER)
		return fail_set(f, STATUS_TRUNCATED,
		    "byte %llu: expected the end tag %s, saw the end of the "
		    "stream behind %s (%llu %s)",
		    at,
		    look_at(
			slice_of(fr->tag, fr->tag_len), FRAMING_TAG_MAX, tag),
		    look, have, bytes(have));
	if (fault->in_header && need == 0)
		return fail_set(f, STATUS_TRUNCATED,
		    "byte %llu: the stream ended inside a header, behind %s "
		    "(%llu %s)",
		    at, look, have, bytes(have));
	return fail_set(f, STATUS_TRUNCATED,
	    "byte %llu: the stream ended inside a %s: expected %llu %s, "
	    "saw %llu: %s",
	    at, fault->in_header ? "header" : "message", need,
	    fr->count == FRAMING_COUNT_CHARS ? counted(fr, need) : bytes(need),
	    have, look);
}

/*
 * The decoder stops counting at the top of 64 bits, so whether that is what
 * the header says must be read from it.
 */
static bool
is_over_64_bits(const struct decode_fault *fault)
{
	static const char top[] = "18446744073709551615";
	struct slice in = fault->look;
	size_t len = sizeof(top) - 1;

	if (fault->announced != UINT64_MAX)
		return false;
	while (in.len > 0 && (*in.p == ' ' || *in.p == '0')) {
		in.p++;
		in.len--;
	}
	return in.len < len || memcmp(in.p, top, len) != 0 ||
	    (in.len > len && in.p[len] >= '0' && in.p[len] <= '9');
}

static int
explain_long(
    const struct decode_fault *fault, const struct framing *fr, struct fail *f)
{
	unsigned long long announced = fault->announced;
	char look[LOOK_MAX], saw[96];

	if (announced == 0)
		snprintf(saw, sizeof(saw), "a longer one");
	else if (is_over_64_bits(fault))
		snprintf(saw, sizeof(saw), "a length of more than 64 bits");
	else
		snprintf(saw, sizeof(saw), "one of %llu %s announced%s",
		    announced, counted(fr, announced),
		    fr->count == FRAMING_COUNT_CHARS && announced <= fr->max
			? ", which take more"
			: "");
	fail_set(f, STATUS_MALFORMED,
	    "byte %llu: expected a message of at most %zu %s, saw %s: %s",
	    (unsigned long long)fault->offset, fr->max, bytes(fr->max), saw,
	    look_at(fault->look, LOOK, look));
	if (announced > MAX_MESSAGE_MAX)
		return fail_hint(f,
		    "no --max-message takes that; try: see what the peer "
		    "sends for a length");
	return fail_hint(f, "try: a larger --max-message");
}

int
explain_decode(const struct decode_fault *fault, const struct framing *fr,
    uint64_t good, struct slice seen, bool at_end, struct fail *f)
{
	struct diagnosis d;
	char look[LOOK_MAX];

	if (fault->code == DECODE_ERR_CUT)
		explain_cut(fault, fr, f);
	else if (fault->code == DECODE_ERR_LONG)
		explain_long(fault, fr, f);
	else
		fail_set(f, STATUS_MALFORMED,
		    "byte %llu: expected %s, saw %s (%zu %s)",
		    (unsigned long long)fault->offset, expected(fault, fr),
		    look_at(fault->look, LOOK, look), fault->look.len,
		    bytes(fault->look.len));
	diagnose_fault(fault, fr, good, seen, at_end, &d);
	if (d.n > 0)
		say_guesses(&d, fr, f);
	return -1;
}

int
explain_encode(
    const struct encode_fault *fault, const struct framing *fr, struct fail *f)
{
	char look[LOOK_MAX], mode[FRAMING_TEXT_MAX];
	unsigned long long n = fault->message;

	framing_print(fr, mode);
	look_at(fault->look, LOOK, look);
	switch (fault->code) {
	case ENCODE_SENDABLE:
		break;
	case ENCODE_ERR_LONG:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected at most %llu %s, saw %zu: %s", n,
		    (unsigned long long)fault->limit, bytes(fault->limit),
		    fault->len, look);
		return fail_hint(f, "try: a larger --max-message");
	case ENCODE_ERR_HEADER:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected at most %llu %s, which is what "
		    "a header of %s can say, saw %zu: %s",
		    n, (unsigned long long)fault->limit, bytes(fault->limit),
		    mode, fault->len, look);
		return fail_hint(f, "try: a mode with a wider header");
	case ENCODE_ERR_TAG:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: byte %zu: expected no end tag (%s) inside "
		    "a message, saw %s: the peer would take it for two",
		    n, fault->offset, mode, look);
		return fail_hint(f,
		    "try: a mode that sends a length, or "
		    "another tag");
	case ENCODE_ERR_UNITS:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected units of 16 bits (count=utf16), "
		    "saw %zu %s: %s",
		    n, fault->len, bytes(fault->len), look);
		return fail_hint(f, "try: --charset UTF-16LE, or count=bytes");
	case ENCODE_ERR_SECOND:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected one message, which is what "
		    "until-close carries, saw another: %s",
		    n, look);
		return fail_hint(f, "try: --input whole");
	}
	return -1;
}

/* What of these bytes is in the way of `-m auto`. */
static const char *
expected_by_auto(const struct diagnosis *d)
{
	if (!d->sure)
		return "bytes that tell their mode";
	switch (d->guess[0].kind) {
	case DIAGNOSE_BOM:
		return "no byte order mark before the first message";
	case DIAGNOSE_WINDEV_OFF:
		return "lengths that fit their messages";
	case DIAGNOSE_WINDEV_NEAR:
	case DIAGNOSE_WINDEV_UTF16:
		return "a plain decimal length";
	default:
		return "a mode of wdsock";
	}
}

int
explain_unsure(const struct diagnosis *d, struct slice seen, struct fail *f)
{
	char look[LOOK_MAX];

	fail_set(f, STATUS_MALFORMED, "byte 0: expected %s, saw %s (%zu %s)",
	    expected_by_auto(d), look_at(seen, LOOK, look), seen.len,
	    bytes(seen.len));
	if (d->n == 0)
		return fail_hint(f,
		    "try: -m with a mode, or -m raw to see "
		    "the bytes");
	say_guesses(d, NULL, f);
	return -1;
}

/* The names that there are, in a line. */
static const char *
all_modes(char *buf, size_t cap)
{
	size_t i, n = 0;

	buf[0] = '\0';
	for (i = 0; i < framing_names_count && n < cap; i++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%s",
		    i > 0 ? " " : "", framing_names[i].name);
	return buf;
}

/* The name of a mode that is nearest to the one typed, or NULL. */
static const char *
nearest_mode(const char *typed)
{
	const char *names[3 * MODES_MAX];
	char word[NEAR_MAX + 2];
	size_t i, n = 0;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "=,"), typed);
	for (i = 0; i < framing_names_count && i < MODES_MAX; i++) {
		names[n++] = framing_names[i].name;
		if (framing_names[i].english != NULL)
			names[n++] = framing_names[i].english;
		if (framing_names[i].french != NULL)
			names[n++] = framing_names[i].french;
	}
	return near_of(word, names, n);
}

/* A mode that there is not: all there are, and the one that was meant. */
static int
offer_names(const char *typed, struct fail *f)
{
	const char *near = nearest_mode(typed);
	char modes[256];

	all_modes(modes, sizeof(modes));
	if (near == NULL)
		return fail_hint(f, "try: one of %s", modes);
	return fail_hint(f, "try: %s; the modes are %s", near, modes);
}

int
explain_mode(
    enum framing_error err, const char *text, size_t at, struct fail *f)
{
	static const char *const why[] = {
	    [FRAMING_OK] = "nothing",
	    [FRAMING_ERR_MODE] = "a mode",
	    [FRAMING_ERR_PARAM] = "a parameter of this mode",
	    [FRAMING_ERR_NO_VALUE] = "no value, which this mode does not take",
	    [FRAMING_ERR_EMPTY] = "a value that is not empty",
	    [FRAMING_ERR_ESCAPE] = "\\n, \\r, \\t, \\\\ or \\xHH",
	    [FRAMING_ERR_TAG_LONG] = "at most 64 bytes",
	    [FRAMING_ERR_WIDTH] = "a width from 1 to 64",
	    [FRAMING_ERR_COUNT] = "count=bytes, count=chars or count=utf16",
	    [FRAMING_ERR_TWICE] = "each parameter once",
	};
	struct slice rest = slice_of(text + at, strlen(text + at));
	char look[LOOK_MAX];

	fail_set(f, STATUS_USAGE, "expected %s, saw %s", why[err],
	    look_at(rest, LOOK, look));
	switch (err) {
	case FRAMING_ERR_MODE:
		return offer_names(text, f);
	case FRAMING_ERR_EMPTY:
		if (strncasecmp(text, "fixed-header", 12) == 0)
			return fail_hint(f,
			    "try: a width from 1 to 64, such as "
			    "fixed-header=64");
		return fail_hint(
		    f, "try: a comma inside a tag is written \\x2c");
	default:
		return fail_hint(f, "try: wdsock help modes");
	}
}
