/* What is said of a conversation: its state, its end, and what is awaited. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "talk/parts.h"

void
talk_lost_text(const struct talk *t, struct fail *f)
{
	int64_t left = stream_unacked(t->chan.stream);

	fail_set(f, STATUS_CLOSED,
	    "%s: closed by the peer before it had taken all: %" PRIu64
	    " bytes were sent, %zu more were waiting, %" PRId64
	    " were not acknowledged",
	    t->name, t->chan.counts.bytes_out, chan_queued(&t->chan),
	    left < 0 ? 0 : left);
}

/* What of ours has not arrived, and of theirs: for both kinds of a bad end. */
void
talk_broken_text(const struct talk *t, int err, struct fail *f)
{
	const struct fail *why = stream_fail(t->chan.stream);
	int64_t left = stream_unacked(t->chan.stream);
	char lost[160] = "";

	if (chan_queued(&t->chan) > 0 || t->chan.counts.bytes_out > 0)
		snprintf(lost, sizeof(lost),
		    "; %" PRIu64
		    " bytes were sent, %zu more were waiting, %" PRId64
		    " were not acknowledged",
		    t->chan.counts.bytes_out, chan_queued(&t->chan),
		    left > 0 ? left : 0);
	if (why != NULL)
		fail_set(f, why->status, "%s: %s%s", t->name, why->what, lost);
	else if (err == ECONNRESET)
		fail_set(f, STATUS_RESET,
		    "%s: reset by the peer after %" PRIu64 " bytes%s", t->name,
		    t->chan.counts.bytes_in, lost);
	else
		fail_set(f,
		    err == ETIMEDOUT	  ? STATUS_TIMEOUT
			: err == EMSGSIZE ? STATUS_MALFORMED
					  : STATUS_IO,
		    "%s: %s%s", t->name, strerror(err), lost);
	if (err == EMSGSIZE)
		fail_hint(f,
		    "a packet is a whole message; try: a larger --send-buffer");
	if (chan_partial(&t->chan) > 0)
		fail_hint(f, "%zu bytes of a message had come",
		    chan_partial(&t->chan));
	if (why != NULL && why->hint[0] != '\0')
		fail_hint(f, "%s", why->hint);
}

void
talk_waiting_for(const struct talk *t, char *buf, size_t cap)
{
	const struct chan *c = &t->chan;
	uint64_t now = talk_now(t), part = chan_partial(c), need;
	double since = (double)(now - c->counts.last_in_ms) / 1000;

	need = part == 0 ? 0 : decode_need(&c->work->decoder, (size_t)part);
	if (t->handler != NULL && (t->over || t->life.theirs_closed))
		snprintf(buf, cap, "the handler to end");
	else if (c->reading == CHAN_PAUSED && !talk_owes(t))
		snprintf(buf, cap, "%s to take what has come",
		    t->handler != NULL ? "the handler" : "standard output");
	else if (part > 0 && c->work->decoder.head > 0 && need > part &&
	    c->in->count == FRAMING_COUNT_BYTES)
		snprintf(buf, cap,
		    "a message of %" PRIu64
		    " bytes: its header has come and %" PRIu64
		    " bytes, %.1f s since the last byte",
		    c->work->decoder.announced, part - c->work->decoder.head,
		    since);
	else if (part > 0)
		snprintf(buf, cap,
		    "the end of a message: have %" PRIu64
		    " bytes, %.1f s since the last byte",
		    part, since);
	else if (chan_queued(c) > 0)
		snprintf(buf, cap, "the peer to read: %zu bytes of ours wait",
		    chan_queued(c));
	else if (chan_is_stuck(c))
		snprintf(buf, cap, "the peer to read");
	else
		snprintf(buf, cap,
		    "%s: nothing of it has come, %.1f s since %s",
		    t->waiting_reply ? "a reply" : "a message", since,
		    c->counts.bytes_in > 0 ? "the last byte" : "the beginning");
}

/* A clock of ours has run out. */
void
talk_timed_out(struct talk *t, const char *option, uint64_t ms)
{
	char waiting[200];
	struct fail f;

	talk_waiting_for(t, waiting, sizeof(waiting));
	fail_set(&f, STATUS_TIMEOUT,
	    "%s: timeout: %s of %g s has run out, waiting for %s", t->name,
	    option, (double)ms / 1000, waiting);
	talk_end_with(t, &f, "timeout");
}

/* Who closed, in order or not, and who first. */
static const char *
closers(const struct talk *t)
{
	bool ours = t->life.ours == LIFE_CLOSED;

	if (talk_fail(t)->status == STATUS_RESET || t->was_reset)
		return ours ? "FIN by us, then reset by the peer"
			    : "reset by the peer";
	if (ours && t->life.theirs_closed)
		return t->first_fin == TALK_FIN_OURS
		    ? "FIN by us, then by the peer"
		    : "FIN by the peer, then by us";
	if (ours)
		return "FIN by us, none by the peer";
	return t->life.theirs_closed ? "FIN by the peer"
				     : "no FIN by either side";
}

void
talk_describe(const struct talk *t, char *buf, size_t cap)
{
	const struct chan_counts *n = &t->chan.counts;
	int64_t unacked =
	    t->chan.stream == NULL ? -1 : stream_unacked(t->chan.stream);
	char more[64] = "";

	if (chan_partial(&t->chan) > 0)
		snprintf(more, sizeof(more), ", %zu bytes of a message",
		    chan_partial(&t->chan));
	snprintf(buf, cap,
	    "%s: in %" PRIu64 " messages, %" PRIu64 " bytes%s; out %" PRIu64
	    " messages, %" PRIu64 " bytes, %" PRId64
	    " not acknowledged, %zu queued; %.3f s",
	    t->name, n->messages_in, n->bytes_in, more, n->messages_out,
	    n->bytes_out, unacked < 0 ? 0 : unacked, chan_queued(&t->chan),
	    (double)talk_age_ms(t) / 1000);
}

void
talk_last_words(struct talk *t)
{
	struct talk_words *w = talk_words(t);
	char text[400];

	talk_describe(t, text, sizeof(text));
	snprintf(
	    w->last, sizeof(w->last), "%s: %s (%s)", text, w->why, closers(t));
}
