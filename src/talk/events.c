/*
 * What a program that reads JSON lines is told of a conversation, beside its
 * messages: that it has begun, which line of the input was refused, and how it
 * has ended. The lines go the way of the messages, and so in their order.
 */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/event.h"
#include "net/stream_tls.h"
#include "talk/parts.h"

static const char nobody[] = "";

/* What is shown of the peer from now on; NULL: it is in the name. */
static void
set_peer(struct talk *t, const char *peer)
{
	if (t->peer_apart && t->about->peer != nobody)
		free((void *)(uintptr_t)t->about->peer);
	t->peer_apart = peer != NULL;
	if (peer != NULL)
		t->about->peer = peer;
}

/* In the name it is the second word. */
const char *
talk_peer(const struct talk *t)
{
	const char *blank = strchr(t->name, ' ');

	if (t->peer_apart)
		return t->about->peer;
	return blank == NULL ? nobody : blank + 1;
}

/* NULL: out of memory. */
static struct about_of *
make_about(struct talk *t)
{
	if (t->about != NULL)
		return t->about;
	t->about = calloc(1, sizeof(*t->about));
	if (t->about != NULL)
		about_begin_late(
		    t->about, t->number, talk_peer(t), t->begun_us);
	return t->about;
}

/* What is said of its messages; NULL: out of memory, and it ends. */
static struct about_of *
talk_about(struct talk *t)
{
	struct fail f;

	if (make_about(t) == NULL) {
		fail_set(&f, STATUS_IO, "%s: out of memory", t->name);
		talk_end_with(t, &f, "failed");
	}
	return t->about;
}

/* The address of the other side, fit for any line: as it is, most often. */
void
talk_name_peer(struct talk *t, const char *name)
{
	struct span out = {NULL, 0, 4 * strlen(name)};
	size_t pos = 0;

	if (make_about(t) == NULL)
		return;
	set_peer(t, nobody);
	out.p = malloc(out.cap + 1);
	if (out.p == NULL)
		return;
	text_escape(TEXT_LINE, slice_of(name, strlen(name)), &pos, &out);
	out.p[out.len] = '\0';
	set_peer(t, (char *)out.p);
}

uint64_t
talk_age_ms(const struct talk *t)
{
	return (about_even_us() - t->begun_us) / 1000;
}

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || *text == '\\')
			return false;
	return true;
}

/* Who speaks with whom, and which conversation of the run it is. */
void
talk_name(struct talk *t, const char *peer)
{
	char chan[ABOUT_CHAN_MAX], *name;
	size_t len = about_chan(t->number, chan);

	t->begun_us = about_even_us();
	name = malloc(len + strlen(peer) + 2);
	t->name = nobody;
	if (name != NULL) {
		sprintf(name, "%s %s", chan, peer);
		t->name = name;
		if (!is_plain(peer))
			talk_name_peer(t, peer);
	}
	if (t->feed != NULL)
		t->feed->chan = t->number;
}

void
talk_unname(struct talk *t)
{
	set_peer(t, NULL);
	free(t->about);
	t->about = NULL;
	if (t->name != NULL && t->name != nobody)
		free((void *)(uintptr_t)t->name);
	t->name = NULL;
}

/* When this was read is said of each of its messages: once for each read. */
bool
talk_stamp(struct talk *t)
{
	struct about_of *of = talk_about(t);
	struct reply *r = talk_has(t)->reply;

	if (of == NULL)
		return false;
	if (!t->chan.fresh)
		return true;
	t->chan.fresh = false;
	about_read(of);
	if (r != NULL) {
		r->of.peer = of->peer;
		r->of.time_us = of->time_us;
		r->of.since_us = of->since_us;
	}
	return true;
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

	about_chan(t->number, chan);
	event_begin(e, kind, t->outlet->terminal);
	add_text(e, "chan", chan);
}

/*
 * The time is that of the event: a batch that is kept has its own. False:
 * there is no room for it.
 */
static bool
say(struct talk *t, struct event *e)
{
	struct about_of now;
	struct about about;

	about_begin(&now, 0, "");
	about_init(&about, &now);
	event_text(e, "t", about_time(&about));
	if (outlet_say(t->outlet, event_end(e)) != OUTLET_BUSY)
		return true;
	if (t->shared)
		t->home->on_wait(t);
	return false;
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

/* "tls":{"version":"TLSv1.3",...}: the names of the variables. */
static void
add_tls(const struct talk *t, struct event *e)
{
	struct tls_pair v[TLS_PAIRS];
	struct tls_facts facts;
	char name[32];
	size_t n, i, at;

	if (t->chan.stream == NULL || !stream_tls_facts(t->chan.stream, &facts))
		return;
	n = tls_facts_pairs(&facts, v);
	event_object(e, "tls");
	for (i = 0; i < n; i++) {
		for (at = 0; v[i].name[at] != '\0'; at++)
			name[at] = (char)tolower((unsigned char)v[i].name[at]);
		name[at] = '\0';
		add_text(e, name, v[i].value);
	}
	event_object_end(e);
}

static bool
tell_open(struct talk *t)
{
	struct event e;

	begin(t, &e, "open");
	add_text(&e, "peer", talk_peer(t));
	add_tls(t, &e);
	return say(t, &e);
}

static bool
tell_error(struct talk *t, const struct talk_error *error)
{
	struct event e;

	begin(t, &e, "error");
	if (error->line > 0)
		event_number(&e, "line", error->line);
	add_fail(&e, &error->fail);
	return say(t, &e);
}

/*
 * What is due, in its order, as far as there is room; false: on_room asks
 * again. It may be a handler that has closed its input since.
 */
bool
talk_tell_due(struct talk *t)
{
	const bool told = is_told(t);
	struct talk_error *error = t->words == NULL ? NULL : &t->words->error;

	t->open_due = t->open_due && told && !tell_open(t);
	if (error == NULL || !error->due)
		return !t->open_due;
	error->due = told && (t->open_due || !tell_error(t, error));
	return !t->open_due && !error->due;
}

void
talk_tell_open(struct talk *t)
{
	t->open_due = true;
	talk_tell_due(t);
}

/*
 * A line of the input cannot be sent; 0: nobody knows which. False: events
 * are not for this output.
 */
bool
talk_tell_error(struct talk *t, const struct fail *f, uint64_t line)
{
	struct talk_error *error;

	if (!is_told(t))
		return false;
	error = &talk_words(t)->error;
	error->fail = *f;
	error->line = line;
	error->due = true;
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
	const struct fail *f = talk_fail(t);
	struct event e;

	if (!is_told(t) || t->handler != NULL)
		return true;
	if (!t->told_close && !t->kept && talk_tell_due(t)) {
		begin(t, &e, "close");
		add_text(&e, "why", talk_words(t)->why);
		event_number(&e, "status",
		    f->signal != 0 ? 128 + (uint64_t)f->signal
				   : (uint64_t)t->status);
		add_fail(&e, f);
		event_number(&e, "messages_in", t->heard);
		event_number(&e, "bytes_in", t->chan.counts.bytes_in);
		event_number(&e, "messages_out", t->chan.counts.messages_out);
		event_number(&e, "bytes_out", t->chan.counts.bytes_out);
		t->told_close = say(t, &e);
		outlet_flush(t->outlet);
	}
	return t->told_close && (t->shared || outlet_is_empty(t->outlet));
}
