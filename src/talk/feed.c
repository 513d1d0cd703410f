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

/* What is in hand. */
struct feed_work {
	struct slice v[FEED_BATCH];
	struct fail fail;    /* of the whole, or of what stands behind v */
	struct fail unfit;   /* of the one behind the batch */
	struct fail refused; /* what feed->fail points to meanwhile */
	/* Only where a message may be for somebody, or refused alone. */
	struct source_note notes[];
};

static const struct fail no_memory = {
    .status = STATUS_IO,
    .what = "out of memory",
};

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
	f->work = NULL;
	f->fail = NULL;
	f->note = (struct source_note){0, target_all()};
	f->to = target_all();
	f->then = FEED_READY;
	f->is_unfit = false;
	f->chan = 0;
	f->until = f->base = f->cut = 0;
	f->bad = false;
	f->batch = (struct batch){NULL, 0, FEED_BATCH};
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
		plan->stream && plan->whom != FEED_MANY, fail) == -1)
		return -1;
	source_init(&f->source, plan->input, plan->crlf, plan->max, NULL);
	if (plan->whom == FEED_MANY &&
	    (plan->addressed || plan->input == SOURCE_JSON))
		source_set_addressed(&f->source);
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
	free(f->work);
	f->work = NULL;
	free(f->kept);
	f->kept = NULL;
}

void
feed_rest(struct feed *f)
{
	inlet_flow(&f->inlet, false);
}

/* Do messages stand in records that it is good to know? */
static bool
is_noted(const struct feed *f)
{
	return f->source.addressed || f->plan->input == SOURCE_JSON;
}

/* An empty batch. */
static bool
begin_work(struct feed *f)
{
	const size_t notes =
	    is_noted(f) ? FEED_BATCH * sizeof(struct source_note) : 0;

	if (f->work == NULL)
		f->work = malloc(sizeof(*f->work) + notes);
	f->batch = (struct batch){NULL, 0, FEED_BATCH};
	f->next = f->until = f->base = f->cut = 0;
	if (f->work == NULL)
		return false;
	f->batch.v = f->work->v;
	f->source.notes = notes > 0 ? f->work->notes : NULL;
	return true;
}

/* All has been said, so far. */
static void
end_work(struct feed *f)
{
	free(f->work);
	f->work = NULL;
	f->batch = (struct batch){NULL, 0, FEED_BATCH};
	f->next = f->until = f->base = f->cut = 0;
	f->source.notes = NULL;
	source_rest(&f->source);
}

/* What is wrong ends the feed; the messages before it are still said. */
static enum feed_state
bad(struct feed *f, const char *name)
{
	fail_prefix(&f->work->fail, "%s", name);
	f->fail = &f->work->fail;
	f->then = FEED_READY;
	f->over = f->bad = true;
	return f->batch.n > 0 ? FEED_READY : FEED_BAD;
}

/* Where batch.v[i] stood. */
static struct source_note
note_of(const struct feed *f, size_t i)
{
	if (f->source.notes == NULL || f->plan->sends_n > 0)
		return (struct source_note){0, target_all()};
	return f->source.notes[f->base + i];
}

/*
 * What has been cut, v[base] to v[cut], becomes what the peer is to get. Where
 * lines are refused alone, one that cannot be converted is, too.
 */
static enum feed_state
ready(struct feed *f, const char *name)
{
	struct batch cut = {f->work->v + f->base, f->cut - f->base, FEED_BATCH};
	struct fail *unfit = &f->work->unfit;

	f->next = f->until = 0;
	if (charset_convert(&f->charset, &cut, &f->batch, unfit) == 0)
		return FEED_READY;
	if (f->plan->whom != FEED_PEER && unfit->status != STATUS_IO) {
		fail_prefix(unfit, "%s", name);
		f->is_unfit = true;
		return FEED_READY;
	}
	f->work->fail = *unfit;
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
		fail_set(&f->work->fail, STATUS_IO,
		    "expected at most %u bytes to --repeat, saw more",
		    KEEP_MAX);
		fail_hint(&f->work->fail, "try: a smaller input");
		return false;
	}
	if (f->kept_len + in.len > f->kept_cap) {
		cap = 2 * (f->kept_len + in.len);
		p = realloc(f->kept, cap);
		if (p == NULL) {
			fail_set(&f->work->fail, STATUS_IO, "out of memory");
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
		f->work->fail = first;
		f->note = note_of(f, f->batch.n);
	}
	return bad(f, f->name);
}

/* The input has ended: inside a character? */
static enum feed_state
end_of_text(struct feed *f)
{
	return charset_end(&f->charset, &f->work->fail) == -1 ? bad(f, f->name)
							      : FEED_OVER;
}

/* What the source says is the end of the feed. */
static bool
is_fatal(const struct feed *f, enum source_result r)
{
	return r == SOURCE_BAD &&
	    (f->plan->whom == FEED_PEER || f->source.spent);
}

/* What stands behind the batch is kept until its turn comes. */
static void
look_behind(struct feed *f, enum source_result r)
{
	f->cut = f->batch.n;
	if (r == SOURCE_COMMAND)
		f->then = FEED_COMMAND;
	if (r == SOURCE_BAD) {
		fail_prefix(&f->work->fail, "%s", f->name);
		f->then = FEED_REFUSED;
	}
}

/* The input has ended: its last message, if it has one, or another round. */
static enum feed_state
next_of_end(struct feed *f, struct slice in)
{
	enum source_result r;

	if (f->err != 0) {
		fail_set(&f->work->fail, STATUS_IO, "%s: %s", f->name,
		    strerror(f->err));
		f->fail = &f->work->fail;
		f->over = f->bad = true;
		return FEED_BAD;
	}
	r = source_end(&f->source, in, &f->batch, &f->work->fail);
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
	const struct source_note nowhere = {0, target_all()};
	enum source_result r;
	struct slice in;

	drop_used(f);
	if (f->over)
		return f->bad ? FEED_BAD : end_of_text(f);
	in = held(f);
	r = source_cut(&f->source, in, &f->batch, &f->used, &f->work->fail);
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

/* A line for a channel that is not there, or no longer. */
static enum feed_state
refuse_chan(struct feed *f, struct source_note note)
{
	struct fail *fail = &f->work->refused;
	char name[32] = "none of that name";

	f->note = note;
	f->fail = fail;
	if (note.to.kind == TARGET_ONE)
		snprintf(name, sizeof(name), "c%" PRIu64, note.to.one);
	else if (note.to.kind != TARGET_NOBODY)
		snprintf(name, sizeof(name), "others");
	fail_set(fail, STATUS_DONE,
	    "%s: line %" PRIu64 ": expected the channel c%" PRIu64 ", saw %s",
	    f->name, note.record, f->chan, name);
	fail_hint(fail, "try: \"chan\":\"*\" for whoever is there");
	return FEED_REFUSED;
}

/* Of the batch, what is for the channel that is open. */
static enum feed_state
next_for_one(struct feed *f)
{
	struct source_note note;

	for (f->until = f->next; f->until < f->batch.n; f->until++) {
		note = note_of(f, f->until);
		if (!target_has(&note.to, f->chan))
			break;
	}
	if (f->until > f->next)
		return FEED_READY;
	return refuse_chan(f, note_of(f, f->next++));
}

/* Of the batch, what is for the same as its next one. */
static enum feed_state
next_for_many(struct feed *f)
{
	const struct source_note *notes = f->source.notes;

	if (f->next < f->until)
		return FEED_READY;
	f->until = f->batch.n;
	f->to = target_all();
	if (notes == NULL || f->plan->sends_n > 0)
		return FEED_READY;
	notes += f->base;
	f->to = notes[f->next].to;
	for (f->until = f->next + 1; f->until < f->batch.n; f->until++)
		if (!target_equal(&f->to, &notes[f->until].to))
			break;
	return FEED_READY;
}

static enum feed_state
next_of_batch(struct feed *f)
{
	switch (f->plan->whom) {
	case FEED_ONE:
		return next_for_one(f);
	case FEED_MANY:
		return next_for_many(f);
	case FEED_PEER:
		break;
	}
	f->until = f->batch.n;
	return FEED_READY;
}

/* The one that could not be converted; the rest of its batch is next. */
static enum feed_state
next_unfit(struct feed *f)
{
	f->is_unfit = false;
	f->work->refused = f->work->unfit;
	f->note = note_of(f, f->batch.n);
	f->base += f->batch.n + 1;
	ready(f, f->name);
	f->fail = &f->work->refused;
	return FEED_REFUSED;
}

/* What stood behind the batch. */
static enum feed_state
next_behind(struct feed *f)
{
	enum feed_state then = f->then;

	f->then = FEED_READY;
	f->fail = &f->work->fail;
	f->note = f->source.command.note;
	f->to = f->note.to;
	if (then == FEED_COMMAND && f->plan->whom == FEED_ONE &&
	    !target_has(&f->to, f->chan))
		return refuse_chan(f, f->note);
	return then;
}

/* Cuts what has come. */
static enum feed_state
next_batch(struct feed *f)
{
	enum feed_state s;

	if (f->bad || !begin_work(f)) {
		f->bad = f->over = true;
		f->fail = f->work == NULL ? &no_memory : &f->work->fail;
		return FEED_BAD;
	}
	s = f->plan->sends_n > 0 ? next_send(f) : next_of_input(f);
	if (s == FEED_LATER || s == FEED_OVER)
		end_work(f);
	return s;
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
		s = next_batch(f);
	}
	return s;
}

void
feed_look(struct feed *f, size_t at)
{
	f->note = note_of(f, at);
}

void
feed_skip(struct feed *f)
{
	feed_look(f, f->next);
	f->next++;
}
