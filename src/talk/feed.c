/* What we say; see feed.h. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/feed.h"

/* What --repeat keeps of stdin at the most. */
#define KEEP_MAX (256u << 20)

static void
on_bytes(struct inlet *in)
{
	struct feed *f = in->owner;

	f->on_more(f);
}

static void
on_end(struct inlet *in, int err)
{
	struct feed *f = in->owner;

	f->input_over = true;
	f->err = err;
	f->on_more(f);
}

static int
init(struct feed *f, const struct feed_plan *plan, const char *name,
    struct fail *fail)
{
	f->name = name;
	f->plan = plan;
	f->then = FEED_READY;
	f->is_unfit = false;
	f->chan = 0;
	f->until = f->base = f->cut = 0;
	f->bad = false;
	f->batch = (struct batch){f->v, 0, FEED_BATCH};
	f->next = 0;
	f->send_at = 0;
	f->round = 0;
	f->used = 0;
	f->input_over = f->over = false;
	f->err = 0;
	f->kept = NULL;
	f->kept_len = f->kept_cap = f->kept_at = 0;
	f->terminal = f->quiet = false;
	memset(&f->inlet, 0, sizeof(f->inlet));
	memset(&f->source, 0, sizeof(f->source));
	f->inlet.owner = f;
	f->inlet.on_bytes = on_bytes;
	f->inlet.on_end = on_end;
	if (charset_open(&f->charset, &plan->charset, CHARSET_SEND,
		plan->stream, fail) == -1)
		return -1;
	source_init(&f->source, plan->input, plan->crlf, plan->max, NULL);
	f->source.notes = plan->input == SOURCE_JSON ? f->notes : NULL;
	return 0;
}

/* What reads JSON lines is loaded where there are such lines. */
static int
load(struct feed *f, struct fail *fail)
{
	if (f->plan->input != SOURCE_JSON || f->quiet)
		return 0;
	f->source.json = f->plan->json(fail);
	return f->source.json == NULL ? -1 : 0;
}

int
feed_init(struct feed *f, const struct feed_plan *plan, uv_loop_t *loop,
    struct fail *fail)
{
	if (init(f, plan, "stdin", fail) == -1)
		return -1;
	f->quiet = plan->quiet;
	if (plan->sends_n > 0 || plan->quiet)
		return 0;
	if (inlet_init(&f->inlet, loop, STDIN_FILENO) == -1)
		return fail_set(fail, STATUS_IO, "stdin: %s", strerror(errno));
	f->terminal = f->inlet.terminal;
	f->quiet = f->inlet.quiet;
	return load(f, fail);
}

int
feed_init_pipe(struct feed *f, const struct feed_plan *plan, uv_loop_t *loop,
    int fd, const char *name, struct fail *fail)
{
	int r = init(f, plan, name, fail);

	if (r == 0)
		r = load(f, fail);
	if (r == 0 && inlet_init_own(&f->inlet, loop, fd) == -1)
		r = fail_set(fail, STATUS_IO, "%s: %s", name, strerror(errno));
	if (r == -1)
		feed_release(f);
	return r;
}

void
feed_release(struct feed *f)
{
	inlet_close(&f->inlet);
	source_release(&f->source);
	charset_release(&f->charset);
	free(f->kept);
	f->kept = NULL;
}

void
feed_rest(struct feed *f)
{
	inlet_flow(&f->inlet, false);
}

/* What is wrong ends the feed; the messages before it are still said. */
static enum feed_state
bad(struct feed *f, const char *name)
{
	fail_prefix(&f->fail, "%s", name);
	f->over = f->bad = true;
	return f->batch.n > 0 ? FEED_READY : FEED_BAD;
}

/* Where batch.v[i] stood. */
static struct source_note
note_of(const struct feed *f, size_t i)
{
	if (f->source.notes == NULL || f->plan->sends_n > 0)
		return (struct source_note){0, JSON_ANYONE};
	return f->notes[f->base + i];
}

/*
 * What has been cut, v[base] to v[cut], becomes what the peer is to get. Where
 * lines are refused alone, one that cannot be converted is, too.
 */
static enum feed_state
ready(struct feed *f, const char *name)
{
	struct batch cut = {f->v + f->base, f->cut - f->base, FEED_BATCH};

	f->next = 0;
	if (charset_convert(&f->charset, &cut, &f->batch, &f->unfit) == 0)
		return FEED_READY;
	if (f->plan->addressed && f->unfit.status != STATUS_IO) {
		fail_prefix(&f->unfit, "%s", name);
		f->is_unfit = true;
		return FEED_READY;
	}
	f->fail = f->unfit;
	f->note = note_of(f, f->batch.n);
	return bad(f, name);
}

/* The messages of --send, as they stand. */
static enum feed_state
next_send(struct feed *f)
{
	const char *text;

	if (f->send_at == f->plan->sends_n) {
		f->send_at = 0;
		f->over = f->over || ++f->round >= f->plan->repeat;
	}
	if (f->over)
		return f->bad ? FEED_BAD : FEED_OVER;
	while (f->send_at < f->plan->sends_n && f->batch.n < f->batch.cap) {
		text = f->plan->sends[f->send_at++];
		batch_add(&f->batch, (const uint8_t *)text, strlen(text));
	}
	f->cut = f->batch.n;
	return ready(f, "--send");
}

/* --repeat keeps what was read, so that it can be said again. */
static bool
keep(struct feed *f, struct slice in)
{
	size_t cap;
	uint8_t *p;

	if (f->plan->repeat <= 1 || f->round > 0 || in.len == 0)
		return true;
	if (f->kept_len + in.len > KEEP_MAX) {
		fail_set(&f->fail, STATUS_IO,
		    "expected at most %u bytes to --repeat, saw more",
		    KEEP_MAX);
		fail_hint(&f->fail, "try: a smaller input");
		return false;
	}
	if (f->kept_len + in.len > f->kept_cap) {
		cap = 2 * (f->kept_len + in.len);
		p = realloc(f->kept, cap);
		if (p == NULL) {
			fail_set(&f->fail, STATUS_IO, "out of memory");
			return false;
		}
		f->kept = p;
		f->kept_cap = cap;
	}
	memcpy(f->kept + f->kept_len, in.p, in.len);
	f->kept_len += in.len;
	return true;
}

/* What is to be cut next: of stdin, or of what was kept of it. */
static struct slice
held(const struct feed *f)
{
	if (f->round == 0)
		return reader_bytes(&f->inlet.reader);
	return slice_of(f->kept + f->kept_at, f->kept_len - f->kept_at);
}

static void
drop_used(struct feed *f)
{
	if (f->round == 0)
		reader_consume(&f->inlet.reader, f->used);
	else
		f->kept_at += f->used;
	f->used = 0;
}

/* The end of one round; true: another one begins. */
static bool
begin_again(struct feed *f)
{
	if (++f->round >= f->plan->repeat || f->kept_len == 0)
		return false;
	f->kept_at = 0;
	source_restart(&f->source);
	return true;
}

/* As bad, with messages before it that have not been converted. */
static enum feed_state
bad_behind(struct feed *f, struct source_note note)
{
	struct batch cut = f->batch;
	struct fail first;

	f->note = note;
	if (charset_convert(&f->charset, &cut, &f->batch, &first) == -1) {
		f->fail = first;
		f->note = note_of(f, f->batch.n);
	}
	return bad(f, f->name);
}

/* The input has ended: inside a character? */
static enum feed_state
end_of_text(struct feed *f)
{
	return charset_end(&f->charset, &f->fail) == -1 ? bad(f, f->name)
							: FEED_OVER;
}

/* What the source says is the end of the feed. */
static bool
is_fatal(const struct feed *f, enum source_result r)
{
	return r == SOURCE_BAD && (!f->plan->addressed || f->source.spent);
}

/* What stands behind the batch is kept until its turn comes. */
static void
look_behind(struct feed *f, enum source_result r)
{
	f->cut = f->batch.n;
	if (r == SOURCE_COMMAND)
		f->then = FEED_COMMAND;
	if (r == SOURCE_BAD) {
		fail_prefix(&f->fail, "%s", f->name);
		f->then = FEED_REFUSED;
	}
}

/* The input has ended: its last message, if it has one, or another round. */
static enum feed_state
next_of_end(struct feed *f, struct slice in)
{
	enum source_result r;

	if (f->err != 0) {
		fail_set(
		    &f->fail, STATUS_IO, "%s: %s", f->name, strerror(f->err));
		f->over = f->bad = true;
		return FEED_BAD;
	}
	r = source_end(&f->source, in, &f->batch, &f->fail);
	f->used = in.len;
	if (is_fatal(f, r))
		return bad_behind(f, f->source.command.note);
	look_behind(f, r);
	if (!begin_again(f))
		f->over = true;
	else
		f->used = 0;
	if (f->over && f->batch.n == 0 && f->then == FEED_READY)
		return end_of_text(f);
	return ready(f, f->name);
}

static enum feed_state
next_of_input(struct feed *f)
{
	const struct source_note nowhere = {0, JSON_ANYONE};
	enum source_result r;
	struct slice in;

	drop_used(f);
	if (f->over)
		return f->bad ? FEED_BAD : end_of_text(f);
	in = held(f);
	r = source_cut(&f->source, in, &f->batch, &f->used, &f->fail);
	if (!keep(f, slice_of(in.p, f->used)))
		return bad_behind(f, nowhere);
	if (is_fatal(f, r))
		return bad_behind(f, f->source.command.note);
	look_behind(f, r);
	if (f->batch.n > 0 || f->then != FEED_READY)
		return ready(f, f->name);
	drop_used(f);
	in = held(f);
	if (f->input_over) {
		if (!keep(f, in))
			return bad(f, f->name);
		return next_of_end(f, in);
	}
	inlet_flow(&f->inlet, true);
	return FEED_LATER;
}

static bool
is_for_us(const struct feed *f, struct source_note note)
{
	return note.chan == JSON_ANYONE || note.chan == f->chan;
}

/* A line for a channel that is not there, or no longer. */
static enum feed_state
refuse_chan(struct feed *f, struct source_note note)
{
	char name[32] = "none of that name";

	f->note = note;
	if (note.chan != JSON_NOBODY)
		snprintf(name, sizeof(name), "c%" PRIu64, note.chan);
	fail_set(&f->refused, STATUS_DONE,
	    "%s: line %" PRIu64 ": expected the channel c%" PRIu64 ", saw %s",
	    f->name, note.record, f->chan, name);
	fail_hint(&f->refused, "try: \"chan\":\"*\" for whoever is there");
	return FEED_REFUSED;
}

/* Of the batch, what is for the channel that is open. */
static enum feed_state
next_of_batch(struct feed *f)
{
	f->until = f->batch.n;
	if (!f->plan->addressed)
		return FEED_READY;
	for (f->until = f->next; f->until < f->batch.n; f->until++)
		if (!is_for_us(f, note_of(f, f->until)))
			break;
	if (f->until > f->next)
		return FEED_READY;
	return refuse_chan(f, note_of(f, f->next++));
}

/* The one that could not be converted; the rest of its batch is next. */
static enum feed_state
next_unfit(struct feed *f)
{
	f->is_unfit = false;
	f->refused = f->unfit;
	f->note = note_of(f, f->batch.n);
	f->base += f->batch.n + 1;
	ready(f, f->name);
	return FEED_REFUSED;
}

/* What stood behind the batch. */
static enum feed_state
next_behind(struct feed *f)
{
	enum feed_state then = f->then;

	f->then = FEED_READY;
	f->note = f->source.command.note;
	f->refused = f->fail;
	if (then == FEED_COMMAND && f->plan->addressed &&
	    !is_for_us(f, f->note))
		return refuse_chan(f, f->note);
	return then;
}

enum feed_state
feed_next(struct feed *f)
{
	enum feed_state s = FEED_READY;

	/*
	 * A round of --repeat may hold no message at all, and what has been
	 * read of a stream no whole character.
	 */
	while (s == FEED_READY) {
		if (f->next < f->batch.n)
			return next_of_batch(f);
		if (f->is_unfit)
			return next_unfit(f);
		if (f->then != FEED_READY)
			return next_behind(f);
		f->batch = (struct batch){f->v, 0, FEED_BATCH};
		f->next = f->base = 0;
		s = f->plan->sends_n > 0 ? next_send(f) : next_of_input(f);
	}
	return s;
}

void
feed_skip(struct feed *f)
{
	f->note = note_of(f, f->next);
	f->next++;
}
