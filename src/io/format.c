/*
 * Formats; see format.h. A piece is written in stages that can stop at any
 * byte: what fills its width, what it shows, and again what fills its width.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/format.h"

#define PLAIN_MAX 64 /* of text before or behind the message */
#define FIELD_MAX 64

const struct format_directive format_directives[] = {
    {'m', FORMAT_OF_MESSAGE, "the message"},
    {'e', FORMAT_OF_MESSAGE, "the message, escaped"},
    {'x', FORMAT_OF_MESSAGE, "the message in hexadecimal"},
    {'b', FORMAT_OF_MESSAGE, "the message in base64"},
    {'j', FORMAT_OF_MESSAGE, "\"text\":\"...\" or \"b64\":\"...\", for JSON"},
    {'l', FORMAT_OF_NUMBER, "its length in bytes"},
    {'n', FORMAT_OF_NUMBER, "its number in the conversation"},
    {'c', FORMAT_OF_WORD, "the channel"},
    {'p', FORMAT_OF_WORD, "the peer"},
    {'d', FORMAT_OF_WORD, "the direction"},
    {'t', FORMAT_OF_WORD, "the time, ISO 8601, UTC"},
    {'T', FORMAT_OF_NUMBER, "seconds since the epoch"},
    {'r', FORMAT_OF_NUMBER, "seconds since the conversation began"},
    {'D', FORMAT_OF_NUMBER, "seconds since the message before"},
};
const size_t format_directives_count =
    sizeof(format_directives) / sizeof(format_directives[0]);

static const struct format_directive *
find(char letter)
{
	size_t i;

	for (i = 0; i < format_directives_count; i++)
		if (format_directives[i].letter == letter)
			return &format_directives[i];
	return NULL;
}

/* Reading a format. */

struct parse {
	const char *text;
	const char *p;
	struct format *f;
	size_t len; /* of f->text */
	struct fail *fail;
};

static int
refuse(struct parse *s, const char *at, const char *expected)
{
	char look[64];

	return fail_set(s->fail, STATUS_USAGE, "byte %zu: expected %s, saw %s",
	    (size_t)(at - s->text), expected,
	    *at == '\0'
		? "the end"
		: text_look(slice_of(at, strlen(at)), 8, look, sizeof(look)));
}

/* The letter that somebody may have meant; 0: nobody knows. */
static char
meant(char letter)
{
	static const char other[] = "sm Sl Km om"; /* as kcat says it */
	char flipped = (char)(letter ^ ('a' ^ 'A'));
	const char *p;

	if (find(flipped) != NULL)
		return flipped;
	for (p = other; *p != '\0' && p[1] != '\0'; p += p[2] == '\0' ? 2 : 3)
		if (p[0] == letter)
			return p[1];
	return 0;
}

/* Behind a percent sign stands what is no directive. */
static int
no_directive(struct parse *s, const char *at)
{
	char all[64], near = meant(*s->p), *to = all;
	size_t i;

	for (i = 0; i < format_directives_count; i++)
		to += sprintf(to, "%%%c ", format_directives[i].letter);
	refuse(s, at, "a directive");
	if (near != 0)
		return fail_hint(
		    s->fail, "try: %%%c; there are %sand %%%%", near, all);
	return fail_hint(s->fail, "try: one of %sand %%%%", all);
}

static struct format_piece *
add_piece(struct parse *s, char directive)
{
	struct format_piece *p = &s->f->v[s->f->n++];

	memset(p, 0, sizeof(*p));
	p->directive = directive;
	p->text = slice_of(s->f->text + s->len, 0);
	return p;
}

/* One byte of text. */
static void
add_byte(struct parse *s, uint8_t c)
{
	struct format *f = s->f;

	if (f->n == 0 || f->v[f->n - 1].directive != 0)
		add_piece(s, 0);
	f->text[s->len++] = c;
	f->v[f->n - 1].text.len++;
}

static int
parse_escape(struct parse *s)
{
	size_t len = strlen(s->p), out_len, at;
	uint8_t out[4];

	if (s->p[1] == '0') {
		add_byte(s, '\0');
		s->p += 2;
		return 0;
	}
	if (len > (s->p[1] == 'x' ? 4u : 2u))
		len = s->p[1] == 'x' ? 4 : 2;
	if (text_unescape(slice_of(s->p, len), out, &out_len, &at) != TEXT_OK) {
		refuse(s, s->p, "\\n, \\r, \\t, \\\\, \\0 or \\xHH");
		return fail_hint(s->fail, "try: a backslash is written \\\\");
	}
	add_byte(s, out[0]);
	s->p += len;
	return 0;
}

/* Digits, as a width or behind a dot; -1: too many. */
static int
parse_width(struct parse *s, unsigned *out)
{
	const char *at = s->p;

	for (*out = 0; *s->p >= '0' && *s->p <= '9'; s->p++) {
		*out = *out * 10 + (unsigned)(*s->p - '0');
		if (*out > FORMAT_WIDTH_MAX) {
			refuse(s, at, "a number of at most 4096");
			return fail_hint(s->fail, "try: a smaller one");
		}
	}
	return 0;
}

/* Do what stands before the letter and the letter go together? */
static int
check_piece(struct parse *s, const struct format_piece *p, const char *at)
{
	const struct format_directive *d = find(p->directive);

	if (p->zero && (d->of != FORMAT_OF_NUMBER || p->left)) {
		refuse(s, at, "zeros in front of a number alone");
		return fail_hint(s->fail, "try: without the 0");
	}
	if (p->cut && d->of != FORMAT_OF_MESSAGE) {
		refuse(s, at, "a dot for what shows the message alone");
		return fail_hint(s->fail, "try: without the dot");
	}
	return 0;
}

static int
parse_directive(struct parse *s)
{
	const char *at = s->p++;
	struct format_piece piece = {0}, *p;

	if (*s->p == '%') {
		add_byte(s, '%');
		s->p++;
		return 0;
	}
	for (; *s->p == '-' || *s->p == '0'; s->p++)
		*(*s->p == '-' ? &piece.left : &piece.zero) = true;
	if (parse_width(s, &piece.width) == -1)
		return -1;
	piece.cut = *s->p == '.';
	if (piece.cut) {
		s->p++;
		if (parse_width(s, &piece.most) == -1)
			return -1;
	}
	if (*s->p == '\0') {
		refuse(s, s->p, "a directive");
		return fail_hint(
		    s->fail, "try: a percent sign is written %%%%");
	}
	if (find(*s->p) == NULL)
		return no_directive(s, at);
	piece.directive = *s->p++;
	if (check_piece(s, &piece, at) == -1)
		return -1;
	p = add_piece(s, piece.directive);
	piece.text = p->text;
	*p = piece;
	return 0;
}

static int
parse(struct parse *s)
{
	int r = 0;

	while (*s->p != '\0' && r == 0) {
		if (*s->p == '%')
			r = parse_directive(s);
		else if (*s->p == '\\')
			r = parse_escape(s);
		else
			add_byte(s, (uint8_t)*s->p++);
	}
	return r;
}

int
format_init(struct format *f, const char *text, struct fail *fail)
{
	struct parse s = {.text = text, .p = text, .f = f, .fail = fail};
	size_t len = strlen(text);

	/* No piece is shorter than a byte, nor is one of its text. */
	f->n = 0;
	f->v = calloc(len + 1, sizeof(*f->v));
	f->text = malloc(len + 1);
	if (f->v == NULL || f->text == NULL) {
		format_release(f);
		return fail_set(fail, STATUS_IO, "out of memory");
	}
	if (parse(&s) == 0)
		return 0;
	format_release(f);
	return -1;
}

void
format_release(struct format *f)
{
	free(f->v);
	free(f->text);
	*f = (struct format){NULL, 0, NULL};
}

bool
format_is_plain(
    const struct format *f, struct slice *before, struct slice *behind)
{
	size_t at = f->n > 0 && f->v[0].directive == 0 ? 1 : 0;

	if (f->n <= at || f->n - at > 2 || f->v[at].directive != 'm' ||
	    f->v[at].width > 0 || f->v[at].cut)
		return false;
	*before = at == 1 ? f->v[0].text : slice_of(f->text, 0);
	*behind = slice_of(f->text, 0);
	if (f->n - at == 2) {
		if (f->v[at + 1].directive != 0)
			return false;
		*behind = f->v[at + 1].text;
	}
	return before->len <= PLAIN_MAX && behind->len <= PLAIN_MAX;
}

/* Writing it down. */

enum stage {
	STAGE_BEGIN,
	STAGE_BEFORE, /* fill */
	STAGE_BODY,
	STAGE_BEHIND, /* fill */
};

/* What of the message is shown: no character is cut in two. */
static struct slice
shown(const struct format_piece *p, struct slice m)
{
	size_t end = p->most, back;
	uint32_t cp;

	if (!p->cut || m.len <= end)
		return m;
	for (back = 1; back <= 3 && back <= end; back++)
		if (utf8_next(m.p + end - back, m.len - end + back, &cp) >
		    (int)back)
			return slice_of(m.p, end - back);
	return slice_of(m.p, end);
}

/* Seconds and what is less than one. */
static size_t
write_seconds(char *to, uint64_t us)
{
	size_t n = num_print(us / 1000000, to), i;
	uint64_t rest = us % 1000000;

	to[n] = '.';
	for (i = n + 6; i > n; i--) {
		to[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	return n + 7;
}

/* What a directive says that does not show the message; `buf` is FIELD_MAX. */
static struct slice
field(const struct format_piece *p, struct about *a, struct slice m, char *buf)
{
	static const struct slice none = {(const uint8_t *)"-", 1};
	const struct about_of *of = a->of;

	switch (p->directive) {
	case 0:
		return p->text;
	case 'c':
		return of->number > 0
		    ? slice_of(buf, about_chan(of->number, buf))
		    : none;
	case 'p':
		return of->peer[0] != '\0'
		    ? slice_of(of->peer, strlen(of->peer))
		    : none;
	case 'd':
		return a->out ? slice_of("out", 3) : slice_of("in", 2);
	case 't':
		return about_time(a);
	case 'T':
		return slice_of(buf, write_seconds(buf, of->time_us));
	case 'r':
		return slice_of(buf, write_seconds(buf, of->since_us));
	case 'D':
		return slice_of(buf, write_seconds(buf, a->after_us));
	case 'l':
		return slice_of(buf, num_print(m.len, buf));
	default:
		return slice_of(buf, num_print(of->n, buf));
	}
}

/* The bytes as they are, as far as there is room. */
static bool
copy(struct slice in, size_t *pos, struct span *out)
{
	size_t n = in.len - *pos;

	if (n > span_room(out))
		n = span_room(out);
	memcpy(out->p + out->len, in.p + *pos, n);
	out->len += n;
	*pos += n;
	return *pos == in.len;
}

/* A member of JSON: its name, the message, and a quote. */
static bool
put_member(struct format_at *at, struct slice m, enum format_for whom,
    struct span *out)
{
	const char *name;
	bool all;

	if (!at->named) {
		at->binary = !utf8_valid(m.p, m.len);
		name = at->binary ? "\"b64\":\"" : "\"text\":\"";
		if (span_room(out) < TEXT_STEP)
			return false;
		memcpy(out->p + out->len, name, strlen(name));
		out->len += strlen(name);
		at->named = true;
	}
	if (at->binary)
		all = text_base64(m, &at->pos, out);
	else if (whom == FORMAT_FOR_TERMINAL)
		all = text_json_terminal(m, &at->pos, out);
	else
		all = text_json(m, &at->pos, out);
	if (!all || span_room(out) == 0)
		return false;
	out->p[out->len++] = '"';
	return true;
}

/* What the piece says, as far as there is room. */
static bool
put_body(const struct format_piece *p, struct format_at *at, struct about *a,
    struct slice m, enum format_for whom, struct span *out)
{
	char buf[FIELD_MAX];

	switch (p->directive) {
	case 'm':
		m = shown(p, m);
		return whom == FORMAT_FOR_TERMINAL
		    ? text_escape(TEXT_TERMINAL, m, &at->pos, out)
		    : copy(m, &at->pos, out);
	case 'e':
		return text_escape(TEXT_ESCAPED, shown(p, m), &at->pos, out);
	case 'x':
		return text_hex(shown(p, m), &at->pos, out);
	case 'b':
		return text_base64(shown(p, m), &at->pos, out);
	case 'j':
		return put_member(at, shown(p, m), whom, out);
	default:
		return copy(field(p, a, m, buf), &at->pos, out);
	}
}

/* How many characters the piece has, `p->width` at the most. */
static size_t
width_of(const struct format_piece *p, struct about *a, struct slice m,
    enum format_for whom)
{
	uint8_t buf[256];
	struct span out = {buf, 0, sizeof(buf)};
	struct format_at at = {0};
	size_t n = 0, used, i;
	bool all;

	if (p->directive == 'm' && whom != FORMAT_FOR_TERMINAL) {
		m = shown(p, m);
		return (size_t)utf8_count(m.p, m.len, p->width, true, &used);
	}
	do {
		out.len = 0;
		all = put_body(p, &at, a, m, whom, &out);
		/* All of it is UTF-8, perhaps cut where the buffer ended. */
		for (i = 0; i < out.len; i++)
			n += (buf[i] & 0xc0) != 0x80;
	} while (!all && n < p->width);
	return n < p->width ? n : p->width;
}

/* What fills the width, as far as there is room. */
static bool
put_fill(struct format_at *at, int c, struct span *out)
{
	size_t n = at->pad < span_room(out) ? at->pad : span_room(out);

	memset(out->p + out->len, c, n);
	out->len += n;
	at->pad -= n;
	return at->pad == 0;
}

static enum format_result
put_piece(const struct format_piece *p, struct format_at *at, struct about *a,
    struct slice m, enum format_for whom, struct span *out)
{
	if (at->stage == STAGE_BEGIN) {
		at->pad = p->width > 0 ? p->width - width_of(p, a, m, whom) : 0;
		at->stage = p->left ? STAGE_BODY : STAGE_BEFORE;
	}
	if (at->stage == STAGE_BEFORE) {
		if (!put_fill(at, p->zero ? '0' : ' ', out))
			return FORMAT_FULL;
		at->stage = STAGE_BODY;
	}
	if (at->stage == STAGE_BODY) {
		if (p->directive == 'm' && whom == FORMAT_FOR_PIPE && !p->cut &&
		    m.len >= FORMAT_LARGE_MIN) {
			at->stage = STAGE_BEHIND;
			return FORMAT_LARGE;
		}
		if (!put_body(p, at, a, m, whom, out))
			return FORMAT_FULL;
		at->stage = STAGE_BEHIND;
	}
	return put_fill(at, ' ', out) ? FORMAT_DONE : FORMAT_FULL;
}

enum format_result
format_put(const struct format *f, struct format_at *at, struct about *a,
    struct slice m, enum format_for whom, struct span *out)
{
	enum format_result r;

	while (at->piece < f->n) {
		r = put_piece(&f->v[at->piece], at, a, m, whom, out);
		if (r != FORMAT_DONE)
			return r;
		*at = (struct format_at){.piece = at->piece + 1};
	}
	at->piece = 0;
	return FORMAT_DONE;
}
