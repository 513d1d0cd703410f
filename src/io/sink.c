/*
 * Batches to bytes; see sink.h. Where a message stands as it is, with little
 * around it (lines, NUL, raw, simple formats), it is copied by a loop of its
 * own, since that is what bulk data goes through; the others are written by
 * stages (before, inside, behind) that can stop at any byte.
 */

#include <string.h>

#include "base/copy.h"
#include "base/num.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/sink.h"

enum stage {
	STAGE_BEFORE,
	STAGE_BODY,
	STAGE_BODY_B64, /* JSON, of what is not valid UTF-8 */
	STAGE_AFTER,
};

static const uint8_t newline[] = "\n";

void
sink_init(struct sink *s, enum sink_kind kind, bool terminal)
{
	memset(s, 0, sizeof(*s));
	about_init(&s->about, NULL);
	s->kind = kind;
	s->terminal = terminal;
	s->stage = STAGE_BEFORE;
	s->before = slice_of("", 0);
	/* The NUL behind the newline is the one of SINK_NULL. */
	s->behind = slice_of(newline + (kind == SINK_NULL), kind != SINK_RAW);
	if (kind == SINK_NULL && terminal)
		s->behind = slice_of("\\x00\n", 5);
	s->plain = !terminal &&
	    (kind == SINK_LINES || kind == SINK_NULL || kind == SINK_RAW);
}

void
sink_set_format(struct sink *s, const struct format *f)
{
	s->kind = SINK_FORMAT;
	s->format = f;
	s->plain = !s->terminal && format_is_plain(f, &s->before, &s->behind);
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

void
sink_set_tagged(struct sink *s)
{
	s->tagged = s->kind == SINK_LINES || s->kind == SINK_NULL ||
	    s->kind == SINK_ESCAPED || s->kind == SINK_HEX;
}

void
sink_set_whose(struct sink *s, struct about_of *of)
{
	s->about.of = of;
	if (s->tagged) {
		s->tag_len = about_chan(of->number, s->tag);
		s->tag[s->tag_len++] = '\t';
	}
}

static inline uint8_t *
put_around(uint8_t *to, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		to[i] = text.p[i];
	return to + text.len;
}

/* The bytes as they are, with the same around each of them. */
static enum sink_result
put_plain(struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	uint8_t *to = out->p + out->len, *stop = out->p + out->cap;
	const struct slice before = s->before, behind = s->behind;
	const size_t around = before.len + behind.len, from = *next;
	enum sink_result r = SINK_OK;

	for (; *next < b->n; ++*next) {
		struct slice m = b->v[*next];

		if (s->stage == STAGE_AFTER) {
			/* The caller has written the message itself. */
			s->stage = STAGE_BEFORE;
		} else if (m.len >= SINK_LARGE_MIN ||
		    m.len + around > out->cap) {
			/* Nor is what no emptied buffer would take. */
			if ((size_t)(stop - to) < before.len) {
				r = SINK_FULL;
				break;
			}
			to = put_around(to, before);
			s->stage = STAGE_AFTER;
			r = SINK_LARGE;
			break;
		} else {
			if ((size_t)(stop - to) < m.len + around) {
				r = SINK_FULL;
				break;
			}
			to = put_around(to, before);
			copy_short(to, m.p, m.len);
			to += m.len;
		}
		to = put_around(to, behind);
	}
	s->about.of->n += *next - from;
	out->len = (size_t)(to - out->p);
	return r;
}

static void
add(struct span *out, const void *p, size_t n)
{
	memcpy(out->p + out->len, p, n);
	out->len += n;
}

static void
add_text(struct span *out, const char *text)
{
	add(out, text, strlen(text));
}

/* What a JSON line begins with, up to the message. */
static void
put_json_before(struct sink *s, bool binary, struct span *out)
{
	const struct about *a = &s->about;
	char chan[ABOUT_CHAN_MAX];

	add_text(out, "{\"event\":\"message\",");
	if (a->of->number > 0) {
		add_text(out, "\"chan\":\"");
		add(out, chan, about_chan(a->of->number, chan));
		add_text(out, "\",");
	}
	add_text(
	    out, a->out ? "\"dir\":\"out\",\"n\":" : "\"dir\":\"in\",\"n\":");
	out->len += num_print(a->of->n, (char *)out->p + out->len);
	add_text(out, binary ? ",\"b64\":\"" : ",\"text\":\"");
}

static void
put_json_after(struct sink *s, struct span *out)
{
	struct slice t;

	add_text(out, "\"");
	if (s->about.of->number > 0) {
		t = about_time(&s->about);
		add_text(out, ",\"t\":\"");
		add(out, t.p, t.len);
		add_text(out, "\"");
	}
	add_text(out, "}");
}

static void
put_before(struct sink *s, struct slice m, struct span *out)
{
	bool binary;

	about_next(&s->about);
	s->pos = 0;
	s->stage = STAGE_BODY;
	if (s->stamp != NULL)
		add_text(out, stamp_text(s->stamp));
	if (s->tagged)
		add(out, s->tag, s->tag_len);
	if (s->kind != SINK_JSON)
		return;
	binary = !utf8_valid(m.p, m.len);
	if (binary)
		s->stage = STAGE_BODY_B64;
	put_json_before(s, binary, out);
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
		break;
	}
	if (s->terminal)
		return text_escape(
		    s->tagged ? TEXT_RECORD : TEXT_TERMINAL, m, &s->pos, out);
	if (s->tagged)
		return text_escape_record(
		    s->kind == SINK_NULL, m, &s->pos, out);
	return put_some(m, &s->pos, out);
}

/* Large, and nothing is to be done to its bytes. */
static bool
is_large(const struct sink *s, struct slice m)
{
	if (!s->plain || m.len < SINK_LARGE_MIN)
		return false;
	return !s->tagged ||
	    (memchr(m.p, s->behind.p[0], m.len) == NULL &&
		memchr(m.p, '\\', m.len) == NULL);
}

/* One message, from where it stands. */
static enum sink_result
put_message(struct sink *s, struct slice m, struct span *out)
{
	if (s->stage == STAGE_BEFORE) {
		if (span_room(out) < SINK_STEP)
			return SINK_FULL;
		put_before(s, m, out);
		if (is_large(s, m)) {
			/* The caller writes it, and comes again. */
			s->stage = STAGE_AFTER;
			return SINK_LARGE;
		}
	}
	if (s->stage != STAGE_AFTER) {
		if (!put_body(s, m, out))
			return SINK_FULL;
		s->stage = STAGE_AFTER;
	}
	if (span_room(out) < SINK_STEP)
		return SINK_FULL;
	if (s->kind == SINK_JSON)
		put_json_after(s, out);
	add(out, s->behind.p, s->behind.len);
	s->stage = STAGE_BEFORE;
	return SINK_OK;
}

static enum sink_result
put_staged(
    struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	enum sink_result r;

	for (; *next < b->n; ++*next) {
		r = put_message(s, b->v[*next], out);
		if (r != SINK_OK)
			return r;
	}
	return SINK_OK;
}

/*
 * Lines and NUL with a tag: a short message in which nothing is escaped, as
 * most are, is copied by a loop of its own, the others go by stages.
 */
static enum sink_result
put_tagged(
    struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	const uint8_t end = s->behind.p[0];
	enum sink_result r = SINK_OK;
	uint8_t *to;
	size_t n = 0; /* so many were short */

	for (; *next < b->n; ++*next) {
		const struct slice m = b->v[*next];

		if (s->stage == STAGE_BEFORE && m.len < SINK_LARGE_MIN &&
		    span_room(out) > SINK_TAG_MAX + m.len) {
			to = out->p + out->len;
			memcpy(to, s->tag, SINK_TAG_MAX);
			to += s->tag_len;
			if (copy_without(to, m.p, m.len, end, '\\')) {
				to[m.len] = end;
				out->len += s->tag_len + m.len + 1;
				n++;
				continue;
			}
		}
		r = put_message(s, m, out);
		if (r != SINK_OK)
			break;
	}
	s->about.of->n += n;
	return r;
}

static enum sink_result
put_format(
    struct sink *s, const struct batch *b, size_t *next, struct span *out)
{
	enum format_for whom =
	    s->terminal ? FORMAT_FOR_TERMINAL : FORMAT_FOR_PIPE;
	enum format_result r;

	for (; *next < b->n; ++*next) {
		if (s->stage == STAGE_BEFORE) {
			about_next(&s->about);
			s->stage = STAGE_BODY;
		}
		r = format_put(
		    s->format, &s->at, &s->about, b->v[*next], whom, out);
		if (r != FORMAT_DONE)
			return r == FORMAT_LARGE ? SINK_LARGE : SINK_FULL;
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
	if (s->plain && s->stamp == NULL)
		return s->tagged ? put_tagged(s, b, next, out)
				 : put_plain(s, b, next, out);
	if (s->kind == SINK_FORMAT)
		return put_format(s, b, next, out);
	if (s->kind == SINK_NONE) {
		s->about.of->n += b->n - *next;
		*next = b->n;
		return SINK_OK;
	}
	return put_staged(s, b, next, out);
}
