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

/*
 * Puts what the record stands for at `to`; 1: it is a message, 0: it is none,
 * -1: it is refused.
 */
static int
translate(struct source *s, struct slice record, uint8_t *to, size_t *len,
    struct fail *f)
{
	enum text_error err;
	size_t at;

	switch (s->kind) {
	case SOURCE_JSON:
		switch (s->json->line(record, to, len, f)) {
		case JSON_LINE_MESSAGE:
			return 1;
		case JSON_LINE_IGNORED:
			return 0;
		case JSON_LINE_BAD:
			break;
		}
		return fail_prefix(
		    f, "line %llu", (unsigned long long)s->records);
	case SOURCE_HEX:
		err = text_unhex(record, to, len, &at);
		break;
	default:
		err = text_unescape(record, to, len, &at);
	}
	return err == TEXT_OK ? 1 : bad_text(s, record, at, f);
}

static bool
arena_grow(struct source *s, const struct batch *b, size_t from)
{
	size_t need = 1, i; /* one, so that an empty message has a place */
	uint8_t *p;

	for (i = from; i < b->n; i++)
		need += b->v[i].len;
	if (need <= s->arena_cap)
		return true;
	free(s->arena);
	p = malloc(need);
	s->arena = p;
	s->arena_cap = p == NULL ? 0 : need;
	return p != NULL;
}

/* Replaces the records v[from...] by the messages that they stand for. */
static enum source_result
translate_all(struct source *s, struct batch *b, size_t from, struct fail *f)
{
	size_t kept = from, i, n = b->n, len;
	uint8_t *to;
	int r;

	if (!arena_grow(s, b, from)) {
		b->n = from;
		fail_set(f, STATUS_IO, "out of memory");
		return SOURCE_BAD;
	}
	to = s->arena;
	for (i = from; i < n; i++) {
		s->records++;
		r = translate(s, b->v[i], to, &len, f);
		if (r == -1) {
			b->n = kept;
			return SOURCE_BAD;
		}
		if (r == 0)
			continue;
		b->v[kept++] = slice_of(to, len);
		to += len;
	}
	b->n = kept;
	return SOURCE_MORE;
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

/* What the decoder gave becomes what the user meant. */
static enum source_result
finish(struct source *s, enum decode_result r, struct batch *b, size_t from,
    struct fail *f)
{
	if (s->crlf && s->fr.mode == FRAMING_LINES && s->kind != SOURCE_NULL)
		strip_cr(b, from);
	if (s->kind == SOURCE_JSON || s->kind == SOURCE_ESCAPED ||
	    s->kind == SOURCE_HEX) {
		if (translate_all(s, b, from, f) == SOURCE_BAD)
			return SOURCE_BAD;
	} else
		s->records += b->n - from;
	if (r == DECODE_BAD) {
		too_long(s, f);
		return SOURCE_BAD;
	}
	return r == DECODE_FULL ? SOURCE_FULL : SOURCE_MORE;
}

enum source_result
source_cut(struct source *s, struct slice in, struct batch *out, size_t *used,
    struct fail *f)
{
	size_t from = out->n;
	enum decode_result r = decode(&s->decoder, in, out, used);

	return finish(s, r, out, from, f);
}

enum source_result
source_end(struct source *s, struct slice in, struct batch *out, struct fail *f)
{
	size_t from = out->n;
	enum decode_result r = decode_end(&s->decoder, in, out);

	if (s->kind == SOURCE_WHOLE && in.len == 0)
		batch_add(out, s->fr.tag, 0);
	return finish(s, r, out, from, f);
}
