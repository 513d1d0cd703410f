/*
 * What a program that reads JSON lines is told of a conversation, beside its
 * messages: that it has begun, which line of the input was refused, and how it
 * has ended. The lines go the way of the messages, and so in their order.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/event.h"
#include "talk/parts.h"

/* The address of the other side, fit for any line. */
void
talk_name_peer(struct talk *t, const char *name)
{
	struct span out = {(uint8_t *)t->peer, 0, sizeof(t->peer) - 1};
	size_t pos = 0;

	text_escape(TEXT_LINE, slice_of(name, strlen(name)), &pos, &out);
	t->peer[out.len] = '\0';
}

/* Who speaks with whom, and which conversation of the run it is. */
void
talk_name(struct talk *t, const char *peer)
{
	snprintf(t->name, sizeof(t->name), "c%" PRIu64 " %s", t->number, peer);
	talk_name_peer(t, peer);
	about_begin(&t->of, t->number, t->peer);
	t->stamped = UINT64_MAX;
	t->feed->chan = t->number;
}

/* When this was read is said of each of its messages: once for each read. */
void
talk_stamp(struct talk *t)
{
	if (t->stamped == t->chan.counts.reads)
		return;
	t->stamped = t->chan.counts.reads;
	about_read(&t->of);
	t->reply.of.time_us = t->of.time_us;
	t->reply.of.since_us = t->of.since_us;
}

static bool
is_told(const struct talk *t)
{
	return !t->plan->no_output && t->outlet->sink.kind == SINK_JSON &&
	    t->outlet->taken && !t->deaf;
}

static void
add_text(struct event *e, const char *name, const char *text)
{
	event_text(e, name, slice_of(text, strlen(text)));
}

static void
begin(const struct talk *t, struct event *e, const char *kind)
{
	char chan[ABOUT_CHAN_MAX];

	about_chan(&t->of, chan);
	event_begin(e, kind, t->outlet->terminal);
	add_text(e, "chan", chan);
}

/* The time is that of the event: a batch that is kept has its own. */
static enum outlet_result
say(struct talk *t, struct event *e)
{
	struct about_of now;
	struct about about;

	about_begin(&now, 0, "");
	about_init(&about, &now);
	event_text(e, "t", about_time(&about));
	return outlet_say(t->outlet, event_end(e));
}

void
talk_tell_open(struct talk *t)
{
	struct event e;

	if (!is_told(t))
		return;
	begin(t, &e, "open");
	add_text(&e, "peer", t->peer);
	say(t, &e);
}

static void
add_fail(struct event *e, const struct fail *f)
{
	if (f->what[0] == '\0')
		return;
	add_text(e, "error", f->what);
	if (f->hint[0] != '\0')
		add_text(e, "hint", f->hint);
}

/* The error that is due, if there is room; false: on_room asks again. */
bool
talk_tell_due(struct talk *t)
{
	struct event e;

	/* It may be a handler that has closed its input since. */
	t->error.due = t->error.due && is_told(t);
	if (!t->error.due)
		return true;
	begin(t, &e, "error");
	if (t->error.line > 0)
		event_number(&e, "line", t->error.line);
	add_fail(&e, &t->error.fail);
	t->error.due = say(t, &e) == OUTLET_WAIT;
	return !t->error.due;
}

/*
 * A line of the input cannot be sent; 0: nobody knows which. False: events
 * are not for this output.
 */
bool
talk_tell_error(struct talk *t, const struct fail *f, uint64_t line)
{
	if (!is_told(t))
		return false;
	t->error.fail = *f;
	t->error.line = line;
	t->error.due = true;
	talk_tell_due(t);
	return true;
}

/*
 * Once, at the end. True: it is out, as is all that came before. A handler is
 * told by an end of file, which comes earlier.
 */
bool
talk_tell_close(struct talk *t)
{
	struct event e;

	if (!is_told(t) || t->handler != NULL)
		return true;
	if (!t->told_close && talk_tell_due(t)) {
		begin(t, &e, "close");
		add_text(&e, "why", t->why);
		event_number(&e, "status",
		    t->fail.signal != 0 ? 128 + (uint64_t)t->fail.signal
					: (uint64_t)t->status);
		add_fail(&e, &t->fail);
		event_number(&e, "messages_in", t->heard);
		event_number(&e, "bytes_in", t->chan.counts.bytes_in);
		event_number(&e, "messages_out", t->chan.counts.messages_out);
		event_number(&e, "bytes_out", t->chan.counts.bytes_out);
		t->told_close = say(t, &e) != OUTLET_WAIT;
		outlet_flush(t->outlet);
	}
	return t->told_close && outlet_is_empty(t->outlet);
}

void
talk_cut(struct talk *t, enum status s, const struct fail *f)
{
	snprintf(t->why, sizeof(t->why), "ended by us: %.140s", f->what);
	t->status = s;
	t->fail = *f;
	talk_tell_close(t);
	talk_last_words(t);
	talk_reply_end(t);
}
