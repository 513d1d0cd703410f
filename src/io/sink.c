/*
 * Batches to bytes; see sink.h. Lines, NUL and raw are copied by a loop of
 * their own, since they are what bulk data goes through; the others are
 * written by stages (before, inside, behind) that can stop at any byte.
 */

#include <stdio.h>
#include <string.h>

#include "base/copy.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/sink.h"

enum stage {
	STAGE_BEFORE,
	STAGE_BODY,
	STAGE_BODY_B64, /* JSON, of what is not valid UTF-8 */
	STAGE_AFTER,
};

void
sink_init(struct sink *s, enum sink_kind kind, bool terminal)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->terminal = terminal;
	s->stage = STAGE_BEFORE;
}

bool
sink_kind_of(const char *name, enum sink_kind *kind)
{
	static const char *const names[] = {
	    "lines", "null", "raw", "json", "escaped", "hex", "none"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum sink_kind)i;
			return true;
		}
	return false;
}

/* What stands behind a message, if anything; *end is that byte. */
static bool
has_end(const struct sink *s, uint8_t *end)
{
	*end = s->kind == SINK_NULL ? '\0' : '\n';
	return s->kind != SINK_RAW;
}

/* Lines, NUL, raw: the bytes as they are. */
static enum sink_result
put_plain(struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	uint8_t *to = out->p + out->len, *stop = out->p + out->cap;
	enum sink_result r = SINK_OK;
	uint8_t end;
	bool ends = has_end(s, &end);

	for (; *next < b->n; ++*next) {
		struct slice m = b->v[*next];

		if (s->stage == STAGE_AFTER) {
			/* The caller has written the message itself. */
			s->stage = STAGE_BEFORE;
		} else if (m.len >= SINK_LARGE_MIN || m.len >= out->cap) {
			/* Nor is what no emptied buffer would take. */
			s->stage = STAGE_AFTER;
			r = SINK_LARGE;
			break;
		} else {
			if ((size_t)(stop - to) < m.len + 1) {
				r = SINK_FULL;
				break;
			}
			copy_short(to, m.p, m.len);
			to += m.len;
		}
		if (ends)
			*to++ = end;
		s->count++;
	}
	out->len = (size_t)(to - out->p);
	return r;
}

static void
add(struct span *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out->p + out->len, text, n);
	out->len += n;
}

static void
put_before(struct sink *s, struct slice m, struct span *out)
{
	char text[96];

	s->count++;
	s->pos = 0;
	s->stage = STAGE_BODY;
	if (s->stamp != NULL)
		add(out, stamp_text(s->stamp));
	if (s->kind != SINK_JSON)
		return;
	if (!utf8_valid(m.p, m.len))
		s->stage = STAGE_BODY_B64;
	snprintf(text, sizeof(text),
	    "{\"event\":\"message\",\"dir\":\"in\",\"n\":%llu,\"%s\":\"",
	    (unsigned long long)s->count,
	    s->stage == STAGE_BODY ? "text" : "b64");
	add(out, text);
}

/* As it is, as far as there is room. */
static bool
put_some(struct slice m, size_t *pos, struct span *out)
{
	size_t n = m.len - *pos;

	if (n > span_room(out))
		n = span_room(out);
	memcpy(out->p + out->len, m.p + *pos, n);
	out->len += n;
	*pos += n;
	return *pos == m.len;
}

/* True once the whole message is in the buffer. */
static bool
put_body(struct sink *s, struct slice m, struct span *out)
{
	if (s->stage == STAGE_BODY_B64)
		return text_base64(m, &s->pos, out);
	switch (s->kind) {
	case SINK_JSON:
		return s->terminal ? text_json_terminal(m, &s->pos, out)
				   : text_json(m, &s->pos, out);
	case SINK_HEX:
		return text_hex(m, &s->pos, out);
	case SINK_ESCAPED:
		return text_escape(TEXT_ESCAPED, m, &s->pos, out);
	default:
		return s->terminal ? text_escape(TEXT_TERMINAL, m, &s->pos, out)
				   : put_some(m, &s->pos, out);
	}
}

static enum sink_result
put_staged(
    struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	uint8_t end;

	for (; *next < b->n; ++*next) {
		struct slice m = b->v[*next];

		if (s->stage == STAGE_BEFORE) {
			if (span_room(out) < SINK_STEP)
				return SINK_FULL;
			put_before(s, m, out);
		}
		if (s->stage != STAGE_AFTER) {
			if (!put_body(s, m, out))
				return SINK_FULL;
			s->stage = STAGE_AFTER;
		}
		if (span_room(out) < SINK_STEP)
			return SINK_FULL;
		if (s->kind == SINK_JSON)
			add(out, "\"}");
		if (s->kind == SINK_NULL && s->terminal)
			add(out, "\\x00\n");
		else if (has_end(s, &end))
			out->p[out->len++] = end;
		s->stage = STAGE_BEFORE;
	}
	return SINK_OK;
}

enum sink_result
sink_put(struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	/* A batch has one time. */
	if (s->stamp != NULL && *next == 0 && s->stage == STAGE_BEFORE)
		stamp_take(s->stamp);
	switch (s->kind) {
	case SINK_NONE:
		s->count += b->n - *next;
		*next = b->n;
		return SINK_OK;
	case SINK_LINES:
	case SINK_NULL:
	case SINK_RAW:
		if (!s->terminal && s->stamp == NULL)
			return put_plain(s, b, next, out);
		break;
	default:
		break;
	}
	return put_staged(s, b, next, out);
}
