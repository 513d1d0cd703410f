/* Bytes to batches; see source.h. */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/source.h"

/*
 * The record may be longer than the message that it stands for. A JSON string
 * takes six bytes for one at the worst, and other members stand beside it.
 */
static size_t
record_max(enum source_kind kind, size_t max)
{
	switch (kind) {
	case SOURCE_JSON:
		return max * 6 + (64u << 10);
	case SOURCE_ESCAPED:
	case SOURCE_HEX:
		return max * 4 + 4;
	default:
		return max + 1; /* a CR that --crlf takes away */
	}
}

void
source_init(struct source *s, enum source_kind kind, bool crlf, size_t max,
    const struct json_face *json)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->crlf = crlf;
	s->max = max;
	s->json = json;
	s->fr = (struct framing){
	    .mode = FRAMING_LINES,
	    .tag = "\n",
	    .tag_len = 1,
	    .open_end = true,
	    .max = record_max(kind, max),
	};
	if (kind == SOURCE_NULL)
		s->fr.tag[0] = '\0';
	if (kind == SOURCE_WHOLE)
		s->fr.mode = FRAMING_UNTIL_CLOSE;
	if (kind == SOURCE_RAW)
		s->fr.mode = FRAMING_RAW;
	source_restart(s);
}

void
source_restart(struct source *s)
{
	decoder_init(&s->decoder, &s->fr);
	s->records = 0;
	s->spent = false;
}

void
source_release(struct source *s)
{
	free(s->arena);
	s->arena = NULL;
	s->arena_cap = 0;
}

bool
source_kind_of(const char *name, enum source_kind *kind)
{
	static const char *const names[] = {
	    "lines", "null", "whole", "raw", "json", "escaped", "hex"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum source_kind)i;
			return true;
		}
	return false;
}

/* What a record is called in an error. */
static const char *
record_name(const struct source *s)
{
	switch (s->kind) {
	case SOURCE_NULL:
		return "record";
	case SOURCE_WHOLE:
		return "input";
	default:
		return "line";
	}
}

static int
too_long(const struct source *s, struct fail *f)
{
	fail_set(f, STATUS_MALFORMED,
	    "%s %llu: expected at most %zu bytes, saw more", record_name(s),
	    (unsigned long long)s->records + 1, s->fr.max - 1);
	return fail_hint(f, "try: a larger --max-message");
}

/* An escaped or a hexadecimal text: why it is refused. */
static int
bad_text(const struct source *s, struct slice line, size_t at, struct fail *f)
{
	char look[96];

	fail_set(f, STATUS_MALFORMED, "%s %llu: byte %zu: expected %s, saw %s",
	    record_name(s), (unsigned long long)s->records, at,
	    s->kind == SOURCE_HEX ? "pairs of hexadecimal digits"
				  : "\\n, \\r, \\t, \\\\ or \\xHH",
	    text_look(
		slice_of(line.p + at, line.len - at), 8, look, sizeof(look)));
	if (s->kind == SOURCE_ESCAPED)
		fail_hint(f, "try: a backslash is written \\\\");
	return -1;
}

/* What the record stands for is put at `to`. */
static enum json_result
translate(struct source *s, struct slice record, uint8_t *to, size_t *len,
    struct fail *f)
{
	enum json_result r = JSON_LINE_MESSAGE;
	enum text_error err;
	size_t at;

	s->command.asks.chan = JSON_ANYONE;
	switch (s->kind) {
	case SOURCE_JSON:
		r = s->json->line(record, to, len, &s->command.asks, f);
		if (r == JSON_LINE_BAD)
			fail_prefix(
			    f, "line %llu", (unsigned long long)s->records);
		return r;
	case SOURCE_HEX:
		err = text_unhex(record, to, len, &at);
		break;
	default:
		err = text_unescape(record, to, len, &at);
	}
	if (err == TEXT_OK)
		return JSON_LINE_MESSAGE;
	bad_text(s, record, at, f);
	return JSON_LINE_BAD;
}

/* Room for what `len` bytes of records stand for: it is never more. */
static bool
arena_grow(struct source *s, size_t len)
{
	if (len + 1 <= s->arena_cap) /* an empty message has a place, too */
		return true;
	free(s->arena);
	s->arena = malloc(len + 1);
	s->arena_cap = s->arena == NULL ? 0 : len + 1;
	return s->arena != NULL;
}

/*
 * The record v[n - 1] becomes the message that it stands for, if it is one;
 * *room moves over its bytes.
 */
static enum source_result
take_record(struct source *s, struct batch *b, uint8_t **room, struct fail *f)
{
	struct slice record = b->v[--b->n];
	struct source_note *note = &s->command.note;
	enum json_result r;
	size_t len;

	if (s->crlf && record.len > 0 && record.p[record.len - 1] == '\r')
		record.len--;
	s->records++;
	r = translate(s, record, *room, &len, f);
	*note = (struct source_note){s->records, s->command.asks.chan};
	switch (r) {
	case JSON_LINE_BAD:
		return SOURCE_BAD;
	case JSON_LINE_COMMAND:
		return SOURCE_COMMAND;
	case JSON_LINE_IGNORED:
		return SOURCE_MORE;
	case JSON_LINE_MESSAGE:
		break;
	}
	if (s->notes != NULL)
		s->notes[b->n] = *note;
	batch_add(b, *room, len);
	*room += len;
	return SOURCE_MORE;
}

/* Does a record stand for something else? Then they are taken one by one. */
static bool
is_translated(const struct source *s)
{
	return s->kind == SOURCE_JSON || s->kind == SOURCE_ESCAPED ||
	    s->kind == SOURCE_HEX;
}

static void
strip_cr(struct batch *b, size_t from)
{
	size_t i;

	for (i = from; i < b->n; i++) {
		struct slice *m = &b->v[i];

		if (m->len > 0 && m->p[m->len - 1] == '\r')
			m->len--;
	}
}

static enum source_result
stream_is_bad(struct source *s, struct fail *f)
{
	s->spent = true;
	s->command.note = (struct source_note){s->records + 1, JSON_ANYONE};
	too_long(s, f);
	return SOURCE_BAD;
}

static enum source_result
out_of_memory(struct source *s, struct fail *f)
{
	s->spent = true;
	fail_set(f, STATUS_IO, "out of memory");
	return SOURCE_BAD;
}

/* Record by record, up to one that is no message. */
static enum source_result
cut_translated(struct source *s, struct slice in, struct batch *out,
    size_t *used, struct fail *f)
{
	enum source_result r = SOURCE_MORE;
	struct batch one = *out;
	enum decode_result d;
	uint8_t *room = NULL;
	size_t n;

	for (*used = 0; r == SOURCE_MORE; *used += n) {
		if (out->n == out->cap)
			return SOURCE_FULL;
		one.n = out->n;
		one.cap = out->n + 1;
		d = decode(&s->decoder, slice_of(in.p + *used, in.len - *used),
		    &one, &n);
		if (one.n == out->n)
			return d == DECODE_BAD ? stream_is_bad(s, f)
					       : SOURCE_MORE;
		if (room == NULL && !arena_grow(s, in.len))
			return out_of_memory(s, f);
		room = room == NULL ? s->arena : room;
		r = take_record(s, &one, &room, f);
		out->n = one.n;
	}
	return r;
}

enum source_result
source_cut(struct source *s, struct slice in, struct batch *out, size_t *used,
    struct fail *f)
{
	size_t from = out->n;
	enum decode_result r;

	if (is_translated(s))
		return cut_translated(s, in, out, used, f);
	r = decode(&s->decoder, in, out, used);
	if (s->crlf && s->kind == SOURCE_LINES)
		strip_cr(out, from);
	s->records += out->n - from;
	if (r == DECODE_BAD)
		return stream_is_bad(s, f);
	return r == DECODE_FULL ? SOURCE_FULL : SOURCE_MORE;
}

enum source_result
source_end(struct source *s, struct slice in, struct batch *out, struct fail *f)
{
	size_t from = out->n;
	enum decode_result r = decode_end(&s->decoder, in, out);
	uint8_t *room;

	if (is_translated(s) && out->n > from) {
		if (!arena_grow(s, in.len))
			return out_of_memory(s, f);
		room = s->arena;
		return take_record(s, out, &room, f);
	}
	if (s->kind == SOURCE_WHOLE && in.len == 0)
		batch_add(out, s->fr.tag, 0);
	if (s->crlf && s->kind == SOURCE_LINES)
		strip_cr(out, from);
	s->records += out->n - from;
	return r == DECODE_BAD ? stream_is_bad(s, f) : SOURCE_MORE;
}
