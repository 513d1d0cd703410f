/*
 * Between the parts of a conversation, and for nobody else: talk.c has its
 * life, end.c its end, clock.c its clocks, say.c what we say, hear.c what we
 * hear, pass.c what passes unseen in place of both, handled.c what is different
 * where a handler does both, events.c what programs are told, words.c the texts
 * for people, trouble.c what befalls datagrams.
 */
#ifndef TALK_PARTS_H
#define TALK_PARTS_H

#include "talk/talk.h"

/* clock.c; the timer's data is the talk. */
void talk_clock(struct talk *, enum talk_clock, uint64_t ms, uv_timer_cb);
void talk_clock_stop(struct talk *, enum talk_clock);
bool talk_clock_runs(const struct talk *, enum talk_clock);
void talk_clocks_close(struct talk *);

/* end.c */
/* What there is to say: never NULL, and perhaps another's if memory is out. */
struct talk_words *talk_words(struct talk *);
void talk_settle(struct talk *);
void talk_end_soon(struct talk *);
void talk_gone(struct talk *);

/* talk.c */
void talk_act(struct talk *, unsigned todo);
void talk_input_failed(struct talk *);
void talk_on_quit(uv_timer_t *);

/* say.c */
void talk_said(struct talk *);
void talk_greet(struct talk *);
void talk_say_unsent(struct talk *);
void talk_count_untaken(struct talk *);
void talk_pump(struct talk *);
bool talk_echo(struct talk *);
/* Is there something that it has not answered? */
static inline bool
talk_owes(const struct talk *t)
{
	return t->owed != NULL && t->owed->echo_next < t->owed->echo.n;
}
/* Gives it up if nothing is owed any more. */
void talk_owed_rest(struct talk *);
void talk_reply_end(struct talk *);
void talk_on_more(struct feed *);
void talk_on_low(struct chan *);
void talk_on_reply_clock(uv_timer_t *);

/* hear.c */
bool talk_on_batch(struct chan *, struct batch *);
bool talk_show_kept(struct talk *);
bool talk_ends_in_text(struct talk *);

/* pass.c */
void talk_pass_begin(struct talk *);
/* True: stdin goes this way, and there is nothing to be done by others. */
bool talk_pass_out(struct talk *);
void talk_pass_resume(struct talk *);
/* What goes is read from now on: where it ends is not for the pump to see. */
void talk_pass_plainly(struct talk *);
void talk_pass_end(struct talk *);

/* events.c */
void talk_name(struct talk *, const char *peer);
void talk_unname(struct talk *);
void talk_name_peer(struct talk *, const char *name);
bool talk_stamp(struct talk *);
void talk_tell_open(struct talk *);
bool talk_tell_error(struct talk *, const struct fail *, uint64_t line);
bool talk_tell_due(struct talk *);
bool talk_tell_close(struct talk *);

/* wire.c */
void talk_wire_begin(struct talk *);
void talk_wire_change(struct talk *, const struct framing *);
void talk_on_wire(struct chan *, bool out, struct slice bytes, bool more);

/* shared.c */
void talk_on_paused(struct chan *);

/* handled.c; but for the first they ask for a handler. */
void talk_take_handler(struct talk *);
void talk_look(struct talk *);
bool talk_handler_done(const struct talk *);
void talk_end_handler(struct talk *);
void talk_drop(struct talk *);
void talk_handle_enough(struct talk *);
void talk_judge_handler(struct talk *);

/* words.c */
void talk_lost_text(const struct talk *, struct fail *);
void talk_broken_text(const struct talk *, int err, struct fail *);

/* trouble.c */
void talk_on_peer(struct chan *);
void talk_on_trouble(struct chan *, const struct chan_trouble *);

#endif
