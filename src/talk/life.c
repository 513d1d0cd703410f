/* The rules of life; the table is in life.h. */

#include "talk/life.h"

static unsigned
over(struct life *l, enum status s)
{
	l->status = (uint8_t)s;
	return LIFE_DO_END;
}

static unsigned
close_ours(struct life *l)
{
	l->ours = LIFE_CLOSING;
	return LIFE_DO_SHUT;
}

unsigned
life_begin(struct life *l, bool quiet)
{
	l->input = quiet ? LIFE_QUIET : LIFE_FLOWING;
	l->ours = LIFE_OPEN;
	l->theirs_closed = l->enough = l->queued = false;
	l->status = STATUS_DONE;
	if (quiet && l->half_quiet && !l->stay)
		return close_ours(l);
	return quiet ? LIFE_DO_WAIT : LIFE_DO_NOTHING;
}

static unsigned
input_end(struct life *l)
{
	if (l->input == LIFE_FLOWING)
		l->input = LIFE_ENDED;
	if (l->ours != LIFE_OPEN)
		return LIFE_DO_NOTHING;
	if (!l->stay)
		return close_ours(l);
	if (l->queued)
		return LIFE_DO_NOTHING;
	return l->theirs_closed ? over(l, STATUS_DONE) : LIFE_DO_WAIT;
}

static unsigned
drained(struct life *l)
{
	l->queued = false;
	if (l->enough)
		return over(l, STATUS_DONE);
	if (l->ours == LIFE_CLOSING) {
		l->ours = LIFE_CLOSED;
		return l->theirs_closed ? over(l, STATUS_DONE) : LIFE_DO_WAIT;
	}
	if (l->theirs_closed && l->input != LIFE_FLOWING)
		return over(l, STATUS_DONE);
	return l->input != LIFE_FLOWING && l->ours == LIFE_OPEN
	    ? LIFE_DO_WAIT
	    : LIFE_DO_NOTHING;
}

static unsigned
peer_closed(struct life *l)
{
	l->theirs_closed = true;
	switch ((enum life_ours)l->ours) {
	case LIFE_CLOSED:
		return over(l, STATUS_DONE);
	case LIFE_LOST:
		return over(l, STATUS_CLOSED);
	case LIFE_CLOSING:
		return LIFE_DO_NOTHING;
	case LIFE_OPEN:
		break;
	}
	if (l->input == LIFE_FLOWING)
		return LIFE_DO_LINGER;
	return l->queued ? LIFE_DO_NOTHING : over(l, STATUS_DONE);
}

unsigned
life_step(struct life *l, enum life_event event)
{
	switch (event) {
	case LIFE_INPUT_END:
		return input_end(l);
	case LIFE_DRAINED:
		return drained(l);
	case LIFE_PEER_CLOSED:
		return peer_closed(l);
	case LIFE_LINGERED:
		return over(l, l->unminded ? STATUS_DONE : STATUS_CLOSED);
	case LIFE_SEND_FAILED:
		l->ours = LIFE_LOST;
		l->queued = false;
		return l->theirs_closed || l->enough ? over(l, STATUS_CLOSED)
						     : LIFE_DO_NOTHING;
	case LIFE_QUIT:
		return over(l, STATUS_DONE);
	case LIFE_ENOUGH:
		l->enough = true;
		return l->queued ? LIFE_DO_NOTHING : over(l, STATUS_DONE);
	}
	return LIFE_DO_NOTHING;
}
