/*
 * How a conversation ends: what goes wrong in one turn is judged together,
 * what was heard is shown and what was said is taken, its parts go, and its
 * owner is told.
 *
 *	talk_end --> (the turn is over) judged --> (all is shown) over,
 *	and when all parts are gone --> on_over
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk/parts.h"

#define SETTLE_MS 2
#define SETTLE_LEAST_MS 5000 /* without any progress */

struct talk_words *
talk_words(struct talk *t)
{
	if (t->words == NULL)
		t->words = calloc(1, sizeof(*t->words));
	if (t->words == NULL) {
		/* What another one has still to tell in it stays. */
		if (t->home->spare.fail.what[0] == '\0')
			memset(&t->home->spare, 0, sizeof(t->home->spare));
		t->words = &t->home->spare;
	}
	return t->words;
}

const struct fail *
talk_fail(const struct talk *t)
{
	static const struct fail none;

	return t->words == NULL ? &none : &t->words->fail;
}

const char *
talk_last(const struct talk *t)
{
	return t->words == NULL ? "" : t->words->last;
}

void
talk_end(struct talk *t, enum status s, const char *why)
{
	struct talk_words *w = talk_words(t);

	if (t->over || t->judged)
		return;
	if (t->ending && status_worse(t->status, s) != s)
		return;
	t->status = s;
	snprintf(w->why, sizeof(w->why), "%s", why);
	if (!t->ending) {
		chan_deafen(&t->chan); /* nobody would see it any more */
		chan_mute(&t->chan);
	}
	if (!t->ending && t->handler != NULL)
		talk_end_handler(t);
	if (!t->ending)
		talk_end_soon(t);
	t->ending = true;
}

/* The same with a text. */
void
talk_end_with(struct talk *t, const struct fail *f, const char *why)
{
	if (t->judged ||
	    (t->ending && status_worse(t->status, f->status) != f->status))
		return;
	talk_words(t)->fail = *f;
	talk_end(t, f->status, why);
}

/* One of its parts is gone; the last one tells the owner. */
void
talk_gone(struct talk *t)
{
	if (t->abandoned || t->timers_open > 0 || t->chan.stream != NULL)
		return;
	if (t->handler != NULL && t->handler->state != HANDLER_NONE)
		return;
	if (t->handler != NULL)
		talk_judge_handler(t);
	t->home->on_over(t);
}

/* All of ours has been said and shown: its parts go. */
static void
close_all(struct talk *t)
{
	t->over = true;
	if (t->feed != NULL)
		feed_rest(t->feed);
	talk_wire_end(t, false, false);
	talk_wire_end(t, true, false);
	talk_last_words(t);
	talk_reply_end(t);
	if (t->home->lost != NULL)
		talk_count_untaken(t);
	chan_close(&t->chan, false);
	talk_clocks_close(t);
	if (t->handler != NULL)
		handler_leave(t->handler);
}

/*
 * Lines of the input that were refused, each of which has been told, and a
 * pattern that nothing has met are failures of their own.
 */
static void
judge(struct talk *t)
{
	struct talk_words *w = talk_words(t);

	/* What went wrong since weighs more, unless it only followed. */
	if (w->cut.what[0] != '\0' &&
	    (t->status == STATUS_DONE || t->status == STATUS_CLOSED)) {
		w->fail = w->cut;
		t->status = w->fail.status;
		snprintf(w->why, sizeof(w->why), "truncated");
	}
	if (t->status == STATUS_DONE && w->refused > 0)
		fail_set(&w->fail, t->status = STATUS_MALFORMED,
		    "%s: %" PRIu64 " line%s of standard input could not be "
		    "sent",
		    t->name, w->refused, w->refused == 1 ? "" : "s");
	if (t->status == STATUS_DONE && t->plan->expect != NULL && !t->met)
		fail_set(&w->fail, t->status = STATUS_UNMET,
		    "%s: expected a message that matches '%s', saw none in "
		    "%" PRIu64,
		    t->name, t->plan->expect_text, t->heard);
}

/* The turn is over in which it ended, or what was in its way is gone. */
static void
end_now(struct talk *t)
{
	if (t->over)
		return;
	t->judged = true;
	outlet_flush(t->outlet);
	/* on_empty, or on_room, comes back here. */
	if (t->shared ? t->kept : !outlet_is_empty(t->outlet))
		return;
	judge(t);
	if (talk_tell_close(t))
		close_all(t);
}

static void
on_judge(uv_timer_t *timer)
{
	struct talk_home *home = timer->data;
	struct talk *t = home->ending, *next;

	home->ending = NULL;
	for (; t != NULL; t = next) {
		next = t->next_ending;
		t->due = false;
		end_now(t);
	}
}

/*
 * The end is told once the turn is over: what else goes wrong in this turn may
 * weigh more, and then it names the status.
 */
void
talk_end_soon(struct talk *t)
{
	if (t->over || t->due)
		return;
	t->due = true;
	t->next_ending = t->home->ending;
	t->home->ending = t;
	uv_timer_start(&t->home->judge, on_judge, 0, 0);
}

/*
 * Ours is done, and the peer has closed its half or is to be left: are our last
 * bytes taken? A peer that no longer reads answers them by a reset, so the
 * kernel is asked until it has nothing of ours left, for as long as --linger at
 * the most.
 */
static void on_settle(uv_timer_t *);

static void
settle(struct talk *t)
{
	struct talk_words *w = talk_words(t);
	int64_t left = stream_unacked(t->chan.stream);
	bool broken = stream_broken(t->chan.stream);
	struct fail f;

	if (broken ||
	    (left > 0 && w->settle_ms > t->plan->linger_ms + SETTLE_LEAST_MS)) {
		talk_lost_text(t, &f);
		talk_end_with(t, &f, "closed by the peer");
		return;
	}
	if (left <= 0) {
		talk_end(t, STATUS_DONE,
		    t->closing ? "closed by us" : "closed by the peer");
		return;
	}
	/* As long as it becomes less, the peer is only slow. */
	w->settle_ms = left < w->settle_left ? 0 : w->settle_ms + SETTLE_MS;
	w->settle_left = left;
	talk_clock(t, TALK_SETTLE, SETTLE_MS, on_settle);
}

static void
on_settle(uv_timer_t *timer)
{
	settle(timer->data);
}

void
talk_settle(struct talk *t)
{
	struct talk_words *w = talk_words(t);

	snprintf(w->why, sizeof(w->why), "%s",
	    t->closing ? "closed by us" : "closed by the peer");
	w->settle_ms = 0;
	w->settle_left = INT64_MAX;
	settle(t);
}

struct talk_extra *
talk_extra(struct talk *t)
{
	if (t->extra == NULL)
		t->extra = calloc(1, sizeof(*t->extra));
	return t->extra;
}

void
talk_home_init(struct talk_home *home)
{
	home->ending = NULL;
	uv_timer_init(home->chans->uv, &home->judge);
	home->judge.data = home;
}

void
talk_not_begun(struct talk *t, const struct fail *f)
{
	t->status = f->status;
	talk_words(t)->fail = *f;
}

/* Takes it out of those that are to be judged. */
static void
forget(struct talk *t)
{
	struct talk **at = &t->home->ending;

	while (*at != NULL && *at != t)
		at = &(*at)->next_ending;
	if (*at == t)
		*at = t->next_ending;
	t->due = false;
}

void
talk_cut(struct talk *t, enum status s, const struct fail *f)
{
	struct talk_words *w = talk_words(t);

	if (t->over)
		return;
	talk_wire_end(t, false, false);
	talk_wire_end(t, true, false);
	snprintf(w->why, sizeof(w->why), "ended by us: %.140s", f->what);
	t->status = s;
	w->fail = *f;
	talk_tell_close(t);
	talk_last_words(t);
	talk_reply_end(t);
}

void
talk_abandon(struct talk *t)
{
	t->abandoned = true;
	if (t->due)
		forget(t);
	if (!t->over) {
		chan_close(&t->chan, false);
		talk_clocks_close(t);
	}
	t->over = true;
}

void
talk_release(struct talk *t)
{
	if (t->home != NULL && t->words != &t->home->spare)
		free(t->words);
	t->words = NULL;
	talk_unname(t);
	free(t->owed);
	t->owed = NULL;
	if (t->extra == NULL)
		return;
	free(t->extra->dump);
	free(t->extra->pumps);
	if (!t->extra_lent)
		free(t->extra);
	t->extra = NULL;
}
