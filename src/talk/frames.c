/* The frames of a stream, a line each; see frames.h. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "talk/frames.h"

enum stage {
	STAGE_BEFORE,
	STAGE_BODY,
	STAGE_AFTER,
};

void
frames_init(struct frames *s, const struct framing *fr)
{
	memset(s, 0, sizeof(*s));
	s->fr = fr;
	s->stage = STAGE_BEFORE;
}

void
frames_given(struct frames *s, struct slice in, uint64_t offset)
{
	s->at = in.p;
	s->offset = offset;
}

/* All that stands in the line before the payload. */
static void
put_before(struct frames *s, struct slice m, struct span *out)
{
	char look[FRAMING_WIDTH_MAX * 4 + 8];
	struct slice head = slice_of(s->at, (size_t)(m.p - s->at));

	s->count++;
	s->pos = 0;
	text_look(head, FRAMING_WIDTH_MAX, look, sizeof(look));
	out->len += (size_t)snprintf((char *)out->p + out->len, span_room(out),
	    "%" PRIu64 "\toffset %" PRIu64 "\theader %s\t%zu byte%s\t\"",
	    s->count, s->offset, look, m.len, m.len == 1 ? "" : "s");
}

/* The frame ends behind its trailer, which only the last one may lack. */
static void
move_on(struct frames *s, struct slice m)
{
	const uint8_t *end = m.p + m.len + s->fr->tag_len;

	s->offset += (uint64_t)(end - s->at);
	s->at = end;
}

bool
frames_put(
    struct frames *s, const struct batch *b, size_t *next, struct span *out)
{
	for (; *next < b->n; ++*next) {
		struct slice m = b->v[*next];

		if (s->stage == STAGE_BEFORE) {
			if (span_room(out) < FRAMES_STEP)
				return false;
			put_before(s, m, out);
			s->stage = STAGE_BODY;
		}
		if (s->stage == STAGE_BODY) {
			if (!text_escape(TEXT_ESCAPED, m, &s->pos, out))
				return false;
			s->stage = STAGE_AFTER;
		}
		if (span_room(out) < 2)
			return false;
		memcpy(out->p + out->len, "\"\n", 2);
		out->len += 2;
		move_on(s, m);
		s->stage = STAGE_BEFORE;
	}
	return true;
}
