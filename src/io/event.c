/* Events as JSON lines; see event.h. */

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/event.h"

/* Room that every text leaves: for numbers, short texts and the end. */
#define RESERVE 1024
/* The most that one byte of a text becomes. */
#define GROWTH 6

static void
add(struct event *e, const char *text)
{
	size_t n = strlen(text);

	memcpy(e->line.p + e->line.len, text, n);
	e->line.len += n;
}

static void
add_name(struct event *e, const char *name)
{
	add(e, e->first ? "\"" : ",\"");
	add(e, name);
	add(e, "\":");
	e->first = false;
}

void
event_begin(struct event *e, const char *kind, bool terminal)
{
	e->terminal = terminal;
	e->first = false;
	e->line = (struct span){e->bytes, 0, sizeof(e->bytes)};
	add(e, "{\"event\":\"");
	add(e, kind);
	add(e, "\"");
}

/* As much of the text as surely fits. */
static struct slice
fitting(const struct event *e, struct slice text)
{
	size_t room = span_room(&e->line), most;

	most = room > RESERVE ? (room - RESERVE) / GROWTH : 0;
	if (text.len <= most)
		return text;
	while (most > 0 && (text.p[most] & 0xc0) == 0x80)
		most--;
	return slice_of(text.p, most);
}

void
event_text(struct event *e, const char *name, struct slice text)
{
	uint8_t escaped[EVENT_MAX];
	struct span out = {escaped, 0, sizeof(escaped)};
	size_t pos = 0;

	if (!utf8_valid(text.p, text.len)) {
		text_escape(TEXT_LINE, text, &pos, &out);
		text = slice_of(escaped, out.len);
	}
	add_name(e, name);
	add(e, "\"");
	text = fitting(e, text);
	pos = 0;
	if (e->terminal)
		text_json_terminal(text, &pos, &e->line);
	else
		text_json(text, &pos, &e->line);
	add(e, "\"");
}

void
event_number(struct event *e, const char *name, uint64_t v)
{
	add_name(e, name);
	e->line.len += num_print(v, (char *)e->line.p + e->line.len);
}

void
event_object(struct event *e, const char *name)
{
	add_name(e, name);
	add(e, "{");
	e->first = true;
}

void
event_object_end(struct event *e)
{
	add(e, "}");
	e->first = false;
}

struct slice
event_end(struct event *e)
{
	add(e, "}\n");
	return slice_of(e->bytes, e->line.len);
}
