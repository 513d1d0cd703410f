/*
 * Bytes to batches; see source.h.
 *
 *	framed alone	lines, null, whole, raw: what decode() finds
 *	taken		the others: each record that it finds is looked at,
 *			and is replaced in its batch by what it stands for
 */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/source.h"

#define STRIDE_MAX 1024
#define PREFIX_MAX (64u << 10) /* what may stand beside a long message */

/*
 * The record may be longer than the message that it stands for. A JSON string
 * takes six bytes for one at the worst, and other members stand beside it.
 */
static size_t
record_max(enum source_kind kind, size_t max)
{
	switch (kind) {
	case SOURCE_JSON:
		return max * 6 + PREFIX_MAX;
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
	s->spent = s->skipping = false;
	s->stride = STRIDE_MAX;
}

void
source_set_addressed(struct source *s)
{
	s->addressed = true;
	s->command.asks.strict = true;
	/* Each byte of a line may be escaped. */
	if (s->kind == SOURCE_LINES || s->kind == SOURCE_NULL)
		s->fr.max += s->max;
	if (s->kind != SOURCE_JSON)
		s->fr.max += PREFIX_MAX;
}

void
source_rest(struct source *s)
{
	free(s->arena);
	free(s->lists);
	s->arena = NULL;
	s->lists = NULL;
	s->arena_cap = s->lists_cap = 0;
}

void
source_release(struct source *s)
{
	source_rest(s);
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

/* What one call makes of the records that it was given. */
struct making {
	size_t bytes;	/* of the records: what they become is never more */
	uint8_t *room;	/* in the arena: what is free of it, or NULL */
	uint64_t *list; /* the same in the lists */
	bool plain;	/* no backslash is in them */
};

/* Room for what the records stand for. */
static bool
make_room(struct source *s, struct making *w)
{
	const size_t need = w->bytes + 1; /* an empty message has a place */

	if (w->room != NULL)
		return true;
	if (need > s->arena_cap) {
		free(s->arena);
		s->arena = malloc(need);
		s->arena_cap = s->arena == NULL ? 0 : need;
	}
	w->room = s->arena;
	return w->room != NULL;
}

/* Room for all lists that may stand in the records. */
static bool
make_list(struct source *s, struct making *w)
{
	const size_t need = TARGET_ROOM(w->bytes);

	if (w->list != NULL)
		return true;
	if (need > s->lists_cap) {
		free(s->lists);
		s->lists = malloc(need * sizeof(*s->lists));
		s->lists_cap = s->lists == NULL ? 0 : need;
	}
	w->list = s->lists;
	return w->list != NULL;
}

/* The next list is behind this one, if it is one. */
static void
keep_list(struct making *w, const struct target *to)
{
	if (to->n > 1)
		w->list += to->n;
}

static enum json_result
no_memory(struct source *s, struct fail *f)
{
	s->spent = true;
	fail_set(f, STATUS_IO, "out of memory");
	return JSON_LINE_BAD;
}

/* What is wrong with a record, and where in it. */
static enum json_result
bad_record(const struct source *s, struct slice record, size_t at,
    const char *expected, struct fail *f)
{
	char look[96];

	fail_set(f, STATUS_MALFORMED, "%s %llu: byte %zu: expected %s, saw %s",
	    record_name(s), (unsigned long long)s->records, at, expected,
	    text_look(slice_of(record.p + at, record.len - at), 8, look,
		sizeof(look)));
	return JSON_LINE_BAD;
}

/* In front of it is no channel. */
static enum json_result
bad_target(const struct source *s, struct slice record, size_t at,
    enum target_error err, struct fail *f)
{
	char look[96];
	size_t n;

	if (err == TARGET_NO_TAB)
		fail_set(f, STATUS_MALFORMED,
		    "%s %llu: expected a channel, a tab and a message, saw %s",
		    record_name(s), (unsigned long long)s->records,
		    text_look(record, 16, look, sizeof(look)));
	else if (err == TARGET_LONG)
		fail_set(f, STATUS_MALFORMED,
		    "%s %llu: expected at most %d channels, saw more",
		    record_name(s), (unsigned long long)s->records, TARGET_MAX);
	else {
		/* Of the record only what should have been a name. */
		for (n = at; n < record.len && record.p[n] != '\t' &&
		     record.p[n] != ',';)
			n++;
		record.len = n;
		bad_record(s, record, at, "the name of a channel", f);
	}
	fail_hint(f,
	    "try: in front of the tab * (all), c7, c1,c7 or -c7 (all but c7)");
	return JSON_LINE_BAD;
}

/* What of a text is refused. */
static enum json_result
bad_text(const struct source *s, struct slice record, size_t at, struct fail *f)
{
	static const char *const expected[] = {
	    [SOURCE_LINES] = "\\n or \\\\",
	    [SOURCE_NULL] = "\\0, \\n or \\\\",
	    [SOURCE_ESCAPED] = "\\n, \\r, \\t, \\\\ or \\xHH",
	    [SOURCE_HEX] = "pairs of hexadecimal digits",
	};

	bad_record(s, record, at, expected[s->kind], f);
	if (s->kind != SOURCE_HEX)
		fail_hint(f, "try: a backslash is written \\\\");
	return JSON_LINE_BAD;
}

/* A record that is a line of JSON. */
static enum json_result
take_json(struct source *s, struct making *w, struct slice *record,
    struct source_note *note, struct fail *f)
{
	struct json_beside *asks = &s->command.asks;
	enum json_result r;
	size_t len;

	if (!make_room(s, w) ||
	    (memchr(record->p, '[', record->len) != NULL && !make_list(s, w)))
		return no_memory(s, f);
	asks->list = w->list;
	r = s->json->line(*record, w->room, &len, asks, f);
	if (r == JSON_LINE_BAD) {
		fail_prefix(f, "line %llu", (unsigned long long)s->records);
		return r;
	}
	note->to = asks->to;
	keep_list(w, &note->to);
	*record = slice_of(w->room, len);
	w->room += len;
	return r;
}

/* Takes off what stands in front of the message, *at bytes. */
static enum json_result
take_target(struct source *s, struct making *w, struct slice record,
    struct target *to, size_t *at, struct fail *f)
{
	enum target_error err = target_read(record, to, w->list, at);

	if (err == TARGET_NO_ROOM) {
		if (!make_list(s, w))
			return no_memory(s, f);
		err = target_read(record, to, w->list, at);
	}
	if (err != TARGET_OK)
		return bad_target(s, record, *at, err, f);
	keep_list(w, to);
	return JSON_LINE_MESSAGE;
}

/* A record that is a text. Without an escape it is the message as it is. */
static enum json_result
take_text(struct source *s, struct making *w, struct slice *record,
    struct source_note *note, struct fail *f)
{
	struct slice text = *record;
	enum text_error err;
	size_t from = 0, at = 0, len;

	if (s->addressed) {
		if (take_target(s, w, text, &note->to, &from, f) ==
		    JSON_LINE_BAD)
			return JSON_LINE_BAD;
		text.p += from;
		text.len -= from;
	}
	if (s->kind != SOURCE_HEX &&
	    (w->plain || memchr(text.p, '\\', text.len) == NULL)) {
		*record = text;
		return JSON_LINE_MESSAGE;
	}
	if (!make_room(s, w))
		return no_memory(s, f);
	if (s->kind == SOURCE_HEX)
		err = text_unhex(text, w->room, &len, &at);
	else if (s->kind == SOURCE_ESCAPED)
		err = text_unescape(text, w->room, &len, &at);
	else
		err = text_unescape_record(
		    text, s->kind == SOURCE_NULL, w->room, &len, &at);
	if (err != TEXT_OK)
		return bad_text(s, *record, from + at, f);
	*record = slice_of(w->room, len);
	w->room += len;
	return JSON_LINE_MESSAGE;
}

/* A record becomes the message that it stands for, if it is one. */
static inline enum source_result
take_record(struct source *s, struct making *w, struct slice record,
    struct batch *out, struct fail *f)
{
	struct source_note note = {++s->records, target_all()};
	enum json_result r;

	if (s->crlf && s->kind != SOURCE_NULL && record.len > 0 &&
	    record.p[record.len - 1] == '\r')
		record.len--;
	if (s->kind == SOURCE_JSON)
		r = take_json(s, w, &record, &note, f);
	else
		r = take_text(s, w, &record, &note, f);
	if (r == JSON_LINE_MESSAGE) {
		if (s->notes != NULL)
			s->notes[out->n] = note;
		batch_add(out, record.p, record.len);
		if (s->kind != SOURCE_JSON ||
		    s->command.asks.what == JSON_NOTHING)
			return SOURCE_MORE;
	}
	s->command.note = note;
	if (r == JSON_LINE_BAD)
		return SOURCE_BAD;
	return r == JSON_LINE_IGNORED ? SOURCE_MORE : SOURCE_COMMAND;
}

/* Does a record stand for something else? */
static bool
is_taken(const struct source *s)
{
	return s->addressed || s->kind == SOURCE_JSON ||
	    s->kind == SOURCE_ESCAPED || s->kind == SOURCE_HEX;
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

/* Behind the whole there is nothing, behind a record the next one. */
static enum source_result
refuse_long(struct source *s, struct fail *f)
{
	too_long(s, f);
	s->command.note = (struct source_note){s->records + 1, target_all()};
	if (s->fr.mode != FRAMING_LINES) {
		s->spent = true;
		return SOURCE_BAD;
	}
	s->records++;
	s->skipping = true;
	decoder_init(&s->decoder, &s->fr);
	return SOURCE_BAD;
}

/* What has come of a record that is refused; how much that is. */
static size_t
skip(struct source *s, struct slice in)
{
	const uint8_t *end = memchr(in.p, s->fr.tag[0], in.len);

	if (end == NULL)
		return in.len;
	s->skipping = false;
	return (size_t)(end - in.p) + 1;
}

/*
 * Takes the records v[from...], up to one that is no message; *end is where
 * that one ends, or the last.
 */
static enum source_result
take_records(struct source *s, struct making *w, struct batch *b, size_t from,
    const uint8_t **end, struct fail *f)
{
	const struct slice last = b->v[b->n - 1];
	struct batch out = {b->v, from, b->cap};
	enum source_result r = SOURCE_MORE;
	size_t i;

	w->plain = s->kind != SOURCE_JSON &&
	    memchr(b->v[from].p, '\\',
		(size_t)(last.p + last.len - b->v[from].p)) == NULL;
	for (i = from; i < b->n && r == SOURCE_MORE; i++) {
		*end = b->v[i].p + b->v[i].len;
		r = take_record(s, w, b->v[i], &out, f);
	}
	/* What stood behind it is found again, and in smaller portions. */
	if (i < b->n) {
		decoder_init(&s->decoder, &s->fr);
		s->stride = 1;
	} else if (i - from == s->stride && s->stride < STRIDE_MAX)
		s->stride *= 2;
	b->n = out.n;
	return r;
}

static enum source_result
cut_taken(struct source *s, struct slice in, struct batch *out, size_t *used,
    struct fail *f)
{
	struct making w = {.bytes = in.len};
	enum source_result r;
	enum decode_result d;
	const uint8_t *end;
	struct batch some;
	size_t n, from;

	for (*used = 0;;) {
		from = out->n;
		if (from == out->cap)
			return SOURCE_FULL;
		some = *out;
		if (some.cap - from > s->stride)
			some.cap = from + s->stride;
		d = decode(&s->decoder, slice_of(in.p + *used, in.len - *used),
		    &some, &n);
		if (some.n > from) {
			r = take_records(s, &w, &some, from, &end, f);
			out->n = some.n;
			*used = (size_t)(end - in.p) + s->fr.tag_len;
			if (r != SOURCE_MORE)
				return r;
		}
		if (d == DECODE_BAD)
			return refuse_long(s, f);
		if (d == DECODE_MORE)
			return SOURCE_MORE;
	}
}

static enum source_result
cut(struct source *s, struct slice in, struct batch *out, size_t *used,
    struct fail *f)
{
	size_t from = out->n;
	enum decode_result r;

	if (is_taken(s))
		return cut_taken(s, in, out, used, f);
	r = decode(&s->decoder, in, out, used);
	if (s->crlf && s->kind == SOURCE_LINES)
		strip_cr(out, from);
	s->records += out->n - from;
	if (r == DECODE_BAD)
		return refuse_long(s, f);
	return r == DECODE_FULL ? SOURCE_FULL : SOURCE_MORE;
}

enum source_result
source_cut(struct source *s, struct slice in, struct batch *out, size_t *used,
    struct fail *f)
{
	enum source_result r;
	size_t skipped = 0;

	if (s->skipping)
		skipped = skip(s, in);
	r = cut(s, slice_of(in.p + skipped, in.len - skipped), out, used, f);
	*used += skipped;
	return r;
}

enum source_result
source_end(struct source *s, struct slice in, struct batch *out, struct fail *f)
{
	size_t from = out->n;
	struct making w = {.bytes = in.len};
	enum decode_result r;
	const uint8_t *end;

	if (s->skipping)
		return SOURCE_MORE;
	r = decode_end(&s->decoder, in, out);
	if (is_taken(s) && out->n > from)
		return take_records(s, &w, out, from, &end, f);
	if (s->kind == SOURCE_WHOLE && in.len == 0)
		batch_add(out, s->fr.tag, 0);
	if (s->crlf && s->kind == SOURCE_LINES)
		strip_cr(out, from);
	s->records += out->n - from;
	return r == DECODE_BAD ? refuse_long(s, f) : SOURCE_MORE;
}
