/* --dump; see dump.h. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "talk/dump.h"

#define COLUMNS 16

/* What a byte is, as `kind` says it; 0: no byte of this message was shown. */
#define HEAD 'h'
#define PAYLOAD 'p'
#define MAYBE 'm'
#define TAIL 't'
#define REFUSED 'r'

#define PLAIN "\033[0m"

/* A line as it is put together. */
struct line {
	char text[DUMP_LINE_MAX];
	size_t len;
	bool color;
};

static void put(struct line *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct line *l, const char *fmt, ...)
{
	const size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void
put_char(struct line *l, char c)
{
	if (l->len + 1 < sizeof(l->text))
		l->text[l->len++] = c;
	l->text[l->len] = '\0';
}

static void
put_color(struct line *l, const char *color)
{
	if (l->color)
		put(l, "%s", color);
}

static const char *
color_of(char kind)
{
	switch (kind) {
	case HEAD:
		return "\033[36m";
	case MAYBE:
	case TAIL:
		return "\033[33m";
	case REFUSED:
		return "\033[1;31m";
	default:
		return PLAIN;
	}
}

static void
begin(struct line *l, const struct dump *d, const struct dump_side *s)
{
	l->len = 0;
	l->color = d->color;
	put_color(l, s->arrow == '<' ? "\033[32m" : "\033[35m");
	put(l, "%c", s->arrow);
	put_color(l, PLAIN);
}

static void
end(struct line *l, const struct dump *d)
{
	d->show(d->owner, l->text);
}

/* The kind of a piece's byte i. */
static char
kind_at(const struct scan_piece *p, size_t i)
{
	size_t to = p->head;

	if (i < to)
		return HEAD;
	if (i < (to += p->payload))
		return PAYLOAD;
	if (i < (to += p->maybe))
		return MAYBE;
	return i < to + p->tail ? TAIL : REFUSED;
}

/* What stands before a byte whose kind differs from that of the one before. */
static char
mark_of(char before, char kind)
{
	if (before == kind)
		return ' ';
	if (kind == REFUSED)
		return '!';
	if ((before == 0 && kind != MAYBE) ||
	    (before == MAYBE && kind == PAYLOAD))
		return ' ';
	return kind == MAYBE ? '?' : '|';
}

/* Sixteen bytes of a piece, or what it has left. */
static void
show_row(struct dump *d, struct dump_side *s, struct slice row, uint64_t offset,
    const char *kinds)
{
	char color = PAYLOAD;
	struct line l;
	size_t i;

	begin(&l, d, s);
	put(&l, " %08" PRIx64 " ", offset);
	for (i = 0; i < COLUMNS; i++) {
		const char kind = i < row.len ? kinds[i] : PAYLOAD;

		if (i == COLUMNS / 2)
			put_char(&l, ' ');
		if (kind != color)
			put_color(&l, color_of(kind));
		color = kind;
		if (i < row.len)
			put(&l, "%c%02x", mark_of(s->kind, kind), row.p[i]);
		else
			put(&l, "   ");
		if (i < row.len)
			s->kind = kind;
	}
	put(&l, "  ");
	for (i = 0; i < row.len; i++) {
		const char c = (char)row.p[i];

		if (kinds[i] != color)
			put_color(&l, color_of(kinds[i]));
		color = kinds[i];
		put_char(&l, c >= 0x20 && c < 0x7f ? c : '.');
	}
	if (color != PAYLOAD)
		put_color(&l, PLAIN);
	end(&l, d);
}

static void
show_piece(struct dump *d, struct dump_side *s, struct slice bytes,
    uint64_t offset, const struct scan_piece *p)
{
	char kinds[COLUMNS];
	size_t i, k, n;

	for (i = 0; i < bytes.len; i += n) {
		n = bytes.len - i < COLUMNS ? bytes.len - i : COLUMNS;
		for (k = 0; k < n; k++)
			kinds[k] = kind_at(p, i + k);
		show_row(d, s, slice_of(bytes.p + i, n), offset + i, kinds);
	}
}

static void
put_bytes(struct line *l, uint64_t n)
{
	put(l, "%" PRIu64 " byte%s", n, n == 1 ? "" : "s");
}

/* What it is called to read or to write once. */
static const char *
call_of(const struct dump_side *s)
{
	return s->arrow == '<' ? "read" : "write";
}

/* "; 3 reads (4-6)" */
static void
put_calls(struct line *l, const struct dump_side *s)
{
	const uint64_t n = s->last - s->first + 1;

	put(l, "; %" PRIu64 " %s%s (%" PRIu64, n, call_of(s), n == 1 ? "" : "s",
	    s->first);
	if (n > 1)
		put(l, "-%" PRIu64, s->last);
	put(l, ")");
}

static void
put_head(struct line *l, const struct scan_message *m)
{
	char look[FRAMING_WIDTH_MAX * 4 + 8];

	put(l, "header ");
	put_bytes(l, m->head_len);
	put(l, " %s",
	    text_look(slice_of(m->head, m->head_len), FRAMING_WIDTH_MAX, look,
		sizeof(look)));
}

static void
put_tail(struct line *l, const struct dump_side *s, size_t len)
{
	char look[FRAMING_TAG_MAX * 4 + 8];

	put(l, "trailer ");
	put_bytes(l, len);
	put(l, " %s",
	    text_look(
		slice_of(s->fr.tag, len), FRAMING_TAG_MAX, look, sizeof(look)));
}

/* "message 3 at 15" */
static void
put_message(struct line *l, uint64_t number, uint64_t start)
{
	put(l, " message %" PRIu64 " at %" PRIu64 ": ", number, start);
}

/* What one read brought, or a write took, in a mode without messages. */
static void
say_call(struct dump *d, struct dump_side *s, uint64_t start, uint64_t len)
{
	struct line l;

	begin(&l, d, s);
	put(&l, " %s %" PRIu64 " at %" PRIu64 ": ", call_of(s), s->last, start);
	put_bytes(&l, len);
	end(&l, d);
}

/* A message is complete. */
static void
say_message(struct dump *d, struct dump_side *s)
{
	const struct scan_message *m = &s->scan.last;
	struct line l;

	if (s->fr.mode == FRAMING_RAW) {
		say_call(d, s, m->start, m->payload);
		return;
	}
	begin(&l, d, s);
	put_message(&l, m->number, m->start);
	if (m->head_len > 0) {
		put_head(&l, m);
		put(&l, ", ");
	}
	put(&l, "payload ");
	put_bytes(&l, m->payload);
	if (m->tail > 0) {
		put(&l, ", ");
		put_tail(&l, s, m->tail);
	} else if (s->fr.mode == FRAMING_UNTIL_CLOSE)
		put(&l, " until the close");
	else if (s->fr.tag_len > 0)
		put(&l, ", no trailer");
	put_calls(&l, s);
	end(&l, d);
}

/* What is no message: from which byte on. */
static void
say_refused(struct dump *d, struct dump_side *s, uint64_t number,
    uint64_t start, uint64_t offset)
{
	struct line l;

	s->said = true;
	begin(&l, d, s);
	put_message(&l, number, start);
	put(&l, "malformed at byte %" PRIu64, offset);
	put_calls(&l, s);
	end(&l, d);
}

/* Only the beginning of it has passed. */
static void
say_unfinished(struct dump *d, struct dump_side *s)
{
	const struct scan_message *m = &s->scan.last;
	const uint64_t payload = m->need - s->fr.tag_len;
	struct line l;

	s->said = true;
	begin(&l, d, s);
	put_message(&l, m->number, m->start);
	put(&l, "unfinished: ");
	if (m->head_len > 0)
		put_head(&l, m);
	if (m->head_len > 0 && m->has_head)
		put(&l, ", ");
	if (m->head_len == 0 || m->has_head) {
		put(&l, "payload ");
		if (m->need > 0)
			put(&l, "%" PRIu64 " of ", m->payload);
		put_bytes(&l, m->need > 0 ? payload : m->payload);
	}
	if (m->tail > 0) {
		put(&l, ", ");
		put_tail(&l, s, m->tail);
		put(&l, " of %zu", s->fr.tag_len);
	} else if (m->need == 0 && s->fr.tag_len > 0)
		put(&l, ", no trailer");
	put_calls(&l, s);
	end(&l, d);
}

static void
init_side(struct dump_side *s, char arrow, const struct framing *fr)
{
	const struct framing copy = *fr; /* it may be in the struct */

	memset(s, 0, sizeof(*s));
	s->arrow = arrow;
	s->fr = copy;
	/* Where a message ends that we send is not the reader's business. */
	if (arrow == '>' && fr->mode == FRAMING_END_TAG_BUFFER)
		s->fr.mode = FRAMING_END_TAG;
	scan_init(&s->scan, &s->fr);
}

void
dump_init(struct dump *d, const struct framing *in, const struct framing *out,
    bool color, void (*show)(void *owner, const char *line), void *owner)
{
	init_side(&d->in, '<', in);
	init_side(&d->out, '>', out);
	d->reads = d->writes = 0;
	d->color = color;
	d->show = show;
	d->owner = owner;
}

/* The next byte is framed in another way; messages are counted on. */
static void
change_side(struct dump_side *s)
{
	uint64_t offset = s->scan.offset, number = s->scan.last.number;

	init_side(s, s->arrow, &s->next);
	s->scan.offset = offset;
	s->scan.last.number = number;
}

/* What of these bytes is framed as it was. */
static struct slice
before_change(const struct dump_side *s, struct slice bytes)
{
	if (s->changes && s->change_at - s->scan.offset < bytes.len)
		bytes.len = (size_t)(s->change_at - s->scan.offset);
	return bytes;
}

void
dump_change(struct dump *d, bool out, const struct framing *fr, uint64_t at)
{
	struct dump_side *s = out ? &d->out : &d->in;

	s->changes = true;
	s->next = *fr;
	s->change_at = at;
}

void
dump_bytes(struct dump *d, bool out, struct slice bytes, uint64_t number)
{
	struct dump_side *s = out ? &d->out : &d->in;
	struct scan_piece p;
	uint64_t offset;
	size_t used;

	/* A packet may be empty. */
	if (bytes.len == 0) {
		s->last = number;
		say_call(d, s, s->scan.offset, 0);
	}
	while (bytes.len > 0) {
		offset = s->scan.offset;
		if (s->changes && offset >= s->change_at)
			change_side(s);
		if (!s->scan.inside) {
			s->first = number;
			s->kind = 0;
		}
		s->last = number;
		used = scan_take(&s->scan, before_change(s, bytes), &p);
		show_piece(d, s, slice_of(bytes.p, used), offset, &p);
		if (p.ends)
			say_message(d, s);
		if (s->scan.refused && !s->said)
			say_refused(d, s, s->scan.last.number,
			    s->scan.fault.start, s->scan.fault.offset);
		bytes = slice_of(bytes.p + used, bytes.len - used);
	}
}

void
dump_end(struct dump *d, bool out, bool closed)
{
	struct dump_side *s = out ? &d->out : &d->in;
	const struct scan *k = &s->scan;

	if (s->said)
		return;
	if (closed && scan_end(&s->scan))
		say_message(d, s);
	if (k->behind > 0)
		say_refused(d, s, k->last.number + 1, k->offset - k->behind,
		    k->offset - k->behind);
	else if (k->refused)
		say_refused(
		    d, s, k->last.number, k->fault.start, k->fault.offset);
	else if (k->inside)
		say_unfinished(d, s);
	s->said = true;
}
