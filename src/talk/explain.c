/* Words for what the codec found; see explain.h. */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "talk/explain.h"

#define LOOK 32 /* bytes that an error text shows */

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
	char mode[FRAMING_TEXT_MAX * 4];

	shell_mode(fr, mode, sizeof(mode));
	if (n->french == NULL)
		snprintf(buf, cap, "-m %s", mode);
	else
		snprintf(buf, cap,
		    "-m %s   (SocketChangeModeTransmission(..., %s))", mode,
		    n->french);
}

/* One guess as a hint: "the peer seems to ...". */
static void
say_guess(const struct diagnose_guess *g, struct fail *f)
{
	char offer[sizeof(f->hint) - 128];

	offer_mode(&g->fr, offer, sizeof(offer));
	switch (g->kind) {
	case DIAGNOSE_FRAMING:
		fail_hint(f, "the peer seems to speak %s; try: %s",
		    framing_name_of(&g->fr)->name, offer);
		break;
	case DIAGNOSE_WINDEV_OFF:
		fail_hint(f,
		    "the peer seems to announce %d byte%s too %s; "
		    "try: have it send the length of what it sends",
		    g->off < 0 ? -g->off : g->off,
		    g->off == 1 || g->off == -1 ? "" : "s",
		    g->off < 0 ? "few" : "many");
		break;
	case DIAGNOSE_WINDEV_UTF16:
		fail_hint(f,
		    "the length is written in UTF-16%s; try: have "
		    "the peer send it as ANSI or UTF-8 text",
		    g->big_endian ? "BE" : "LE");
		break;
	case DIAGNOSE_BOM:
		fail_hint(f,
		    "a UTF-8 byte order mark stands before what "
		    "seems to be %s; try: have the peer leave it out",
		    framing_name_of(&g->fr)->name);
		break;
	case DIAGNOSE_TLS:
		fail_hint(f,
		    "this is a TLS handshake; try: a tls: address, "
		    "or switch TLS off at the peer");
		break;
	case DIAGNOSE_HTTP:
		fail_hint(f, "this is HTTP; try: -m raw to see all of it");
		break;
	case DIAGNOSE_SSH:
		fail_hint(f, "this is an SSH server; try: another port");
		break;
	}
}

/* Does the guess tell the user anything that -m did not? */
static bool
is_news(const struct diagnosis *d, const struct framing *fr)
{
	const struct framing *other = &d->guess[0].fr;

	if (d->n == 0)
		return false;
	if (d->guess[0].kind != DIAGNOSE_FRAMING)
		return true;
	return other->mode != fr->mode || other->width != fr->width ||
	    other->big_endian != fr->big_endian || other->count != fr->count ||
	    other->tag_len != fr->tag_len ||
	    memcmp(other->tag, fr->tag, fr->tag_len) != 0;
}

/* A guess as one of several: "-m MODE", and on what condition. */
static void
offer_guess(const struct diagnose_guess *g, char *buf, size_t cap)
{
	size_t n;

	offer_mode(&g->fr, buf, cap);
	n = strlen(buf);
	if (g->kind == DIAGNOSE_WINDEV_OFF)
		snprintf(
		    buf + n, cap - n, " with lengths corrected by %d", -g->off);
	if (g->kind == DIAGNOSE_BOM)
		snprintf(buf + n, cap - n, " without the byte order mark");
}

static void
say_both(const struct diagnosis *d, struct fail *f)
{
	char one[256], two[256];

	if (d->n == 1) {
		say_guess(&d->guess[0], f);
		return;
	}
	offer_guess(&d->guess[0], one, sizeof(one));
	offer_guess(&d->guess[1], two, sizeof(two));
	fail_hint(f, "try: %s, or %s", one, two);
}

/* What the bytes speak, told if it helps. */
static void
say_diagnosis(const struct decode_fault *fault, const struct framing *fr,
    struct slice seen, bool at_end, struct fail *f)
{
	struct slice message = fault->look;
	struct diagnosis d;

	diagnose(seen, at_end, &d);
	if (d.sure && !is_news(&d, fr) && fault->code == DECODE_ERR_CUT)
		return; /* it is what it was taken for, and ends too early */
	if (fault->code != DECODE_ERR_CUT) {
		message.p -= fault->offset - fault->start;
		message.len += (size_t)(fault->offset - fault->start);
	}
	if (!is_news(&d, fr) && message.p != seen.p)
		diagnose(message, at_end, &d);
	if (is_news(&d, fr)) {
		if (d.sure)
			say_guess(&d.guess[0], f);
		else
			say_both(&d, f);
	}
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
	char look[LOOK * 4 + 16], tag[FRAMING_TAG_MAX * 4 + 16];
	unsigned long long at = fault->offset, have = fault->have;

	text_look(fault->look, LOOK, look, sizeof(look));
	if (fr->mode == FRAMING_END_TAG || fr->mode == FRAMING_END_TAG_BUFFER)
		return fail_set(f, STATUS_TRUNCATED,
		    "byte %llu: expected the end tag %s, saw the end of the "
		    "stream behind %s (%llu bytes)",
		    at,
		    text_look(slice_of(fr->tag, fr->tag_len), FRAMING_TAG_MAX,
			tag, sizeof(tag)),
		    look, have);
	if (fault->in_header)
		return fail_set(f, STATUS_TRUNCATED,
		    "byte %llu: the stream ended inside a header, behind %s "
		    "(%llu bytes)",
		    at, look, have);
	return fail_set(f, STATUS_TRUNCATED,
	    "byte %llu: the stream ended inside a message: expected %llu %s, "
	    "saw %llu: %s",
	    at, (unsigned long long)fault->need,
	    fr->count == FRAMING_COUNT_CHARS ? "characters" : "bytes", have,
	    look);
}

int
explain_decode(const struct decode_fault *fault, const struct framing *fr,
    struct slice seen, bool at_end, struct fail *f)
{
	char look[LOOK * 4 + 16];

	if (fault->code == DECODE_ERR_CUT)
		explain_cut(fault, fr, f);
	else if (fault->code == DECODE_ERR_LONG && fault->announced > 0)
		fail_set(f, STATUS_MALFORMED,
		    "byte %llu: expected a message of at most %zu bytes, saw "
		    "one of %llu announced: %s",
		    (unsigned long long)fault->offset, fr->max,
		    (unsigned long long)fault->announced,
		    text_look(fault->look, LOOK, look, sizeof(look)));
	else if (fault->code == DECODE_ERR_LONG)
		fail_set(f, STATUS_MALFORMED,
		    "byte %llu: expected a message of at most %zu bytes, saw "
		    "no end of it: %s",
		    (unsigned long long)fault->offset, fr->max,
		    text_look(fault->look, LOOK, look, sizeof(look)));
	else
		fail_set(f, STATUS_MALFORMED,
		    "byte %llu: expected %s, saw %s (%zu bytes)",
		    (unsigned long long)fault->offset, expected(fault, fr),
		    text_look(fault->look, LOOK, look, sizeof(look)),
		    fault->look.len);
	if (fault->code == DECODE_ERR_LONG)
		fail_hint(f, "try: a larger --max-message");
	say_diagnosis(fault, fr, seen, at_end, f);
	return -1;
}

int
explain_encode(
    const struct encode_fault *fault, const struct framing *fr, struct fail *f)
{
	char look[LOOK * 4 + 16], mode[FRAMING_TEXT_MAX];
	unsigned long long n = fault->message;

	framing_print(fr, mode);
	text_look(fault->look, LOOK, look, sizeof(look));
	switch (fault->code) {
	case ENCODE_SENDABLE:
		break;
	case ENCODE_ERR_LONG:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected at most %llu bytes, saw %zu: %s", n,
		    (unsigned long long)fault->limit, fault->len, look);
		return fail_hint(f, "try: a larger --max-message");
	case ENCODE_ERR_HEADER:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected at most %llu bytes, which is what "
		    "a header of %s can say, saw %zu: %s",
		    n, (unsigned long long)fault->limit, mode, fault->len,
		    look);
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
		    "saw %zu bytes: %s",
		    n, fault->len, look);
		return fail_hint(f, "try: text in UTF-16, or count=bytes");
	case ENCODE_ERR_SECOND:
		fail_set(f, STATUS_MALFORMED,
		    "message %llu: expected one message, which is what "
		    "until-close carries, saw another: %s",
		    n, look);
		return fail_hint(f, "try: --input whole");
	}
	return -1;
}

int
explain_unsure(const struct diagnosis *d, struct slice seen, struct fail *f)
{
	char look[LOOK * 4 + 16];

	text_look(seen, LOOK, look, sizeof(look));
	fail_set(f, STATUS_MALFORMED,
	    "byte 0: expected bytes that tell their mode, saw %s (%zu bytes)",
	    look, seen.len);
	if (d->n == 0)
		return fail_hint(f,
		    "try: -m with a mode, or -m raw to see "
		    "the bytes");
	say_both(d, f);
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
	    [FRAMING_ERR_UNITS] = "a tail of whole 16-bit units",
	    [FRAMING_ERR_TWICE] = "each parameter once",
	};
	char look[LOOK * 4 + 16], modes[256];
	struct slice rest = slice_of(text + at, strlen(text + at));

	fail_set(f, STATUS_USAGE, "expected %s, saw %s", why[err],
	    text_look(rest, LOOK, look, sizeof(look)));
	if (err == FRAMING_ERR_UNITS)
		return fail_hint(f, "try: tail=\\x00\\x00");
	if (err == FRAMING_ERR_EMPTY)
		return fail_hint(f,
		    "try: a comma inside a tag is written "
		    "\\x2c");
	if (err == FRAMING_ERR_MODE)
		return fail_hint(
		    f, "try: one of %s", all_modes(modes, sizeof(modes)));
	return fail_hint(f, "try: wdsock help modes");
}
