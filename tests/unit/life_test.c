/*
 * The rules of life. The rows of the table in life.h, one by one; and then all
 * states that can be reached from life_begin, each with each event, found
 * breadth-first: what must never be true of any of them.
 */

#include <string.h>

#include "talk/life.h"
#include "tap.h"

#define EVENTS 7
#define STATES_MAX 4096

static const char *const event_names[EVENTS] = {"INPUT_END", "DRAINED",
    "PEER_CLOSED", "LINGERED", "SEND_FAILED", "QUIT", "ENOUGH"};

struct row {
	const char *says;
	enum life_input input;
	enum life_ours ours;
	bool theirs_closed, stay, unminded, queued;
	enum life_event event;
	unsigned todo;
	enum life_ours then;
	enum status status;
};

/* clang-format off */
static const struct row rows[] = {
	{"the input ends: our half closes",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, false,
	    LIFE_INPUT_END, LIFE_DO_SHUT, LIFE_CLOSING, STATUS_DONE},
	{"the input ends: with stay it does not, and -q begins",
	    LIFE_FLOWING, LIFE_OPEN, false, true, false, false,
	    LIFE_INPUT_END, LIFE_DO_WAIT, LIFE_OPEN, STATUS_DONE},
	{"with stay and something queued -q does not begin yet",
	    LIFE_FLOWING, LIFE_OPEN, false, true, false, true,
	    LIFE_INPUT_END, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
	{"drained behind the input's end, with stay: now -q begins",
	    LIFE_ENDED, LIFE_OPEN, false, true, false, true,
	    LIFE_DRAINED, LIFE_DO_WAIT, LIFE_OPEN, STATUS_DONE},
	{"the input ends behind the peer: our half closes",
	    LIFE_FLOWING, LIFE_OPEN, true, false, false, false,
	    LIFE_INPUT_END, LIFE_DO_SHUT, LIFE_CLOSING, STATUS_DONE},
	{"the input ends behind the peer, with stay: over",
	    LIFE_FLOWING, LIFE_OPEN, true, true, false, false,
	    LIFE_INPUT_END, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"the same with something queued: not yet",
	    LIFE_FLOWING, LIFE_OPEN, true, true, false, true,
	    LIFE_INPUT_END, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
	{"drained while closing: closed, and -q begins",
	    LIFE_ENDED, LIFE_CLOSING, false, false, false, true,
	    LIFE_DRAINED, LIFE_DO_WAIT, LIFE_CLOSED, STATUS_DONE},
	{"drained while closing, behind the peer: over",
	    LIFE_ENDED, LIFE_CLOSING, true, false, false, true,
	    LIFE_DRAINED, LIFE_DO_END, LIFE_CLOSED, STATUS_DONE},
	{"drained, no more to come, behind the peer: over",
	    LIFE_QUIET, LIFE_OPEN, true, false, false, true,
	    LIFE_DRAINED, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"drained, more may come, behind the peer: it goes on",
	    LIFE_FLOWING, LIFE_OPEN, true, false, false, true,
	    LIFE_DRAINED, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
	{"drained, nobody has closed: it goes on, and -q begins",
	    LIFE_QUIET, LIFE_OPEN, false, false, false, true,
	    LIFE_DRAINED, LIFE_DO_WAIT, LIFE_OPEN, STATUS_DONE},
	{"drained, and more may come: it goes on",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, true,
	    LIFE_DRAINED, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
	{"the peer closes after us: over",
	    LIFE_ENDED, LIFE_CLOSED, false, false, false, false,
	    LIFE_PEER_CLOSED, LIFE_DO_END, LIFE_CLOSED, STATUS_DONE},
	{"the peer closes and ours is lost: over, 6",
	    LIFE_FLOWING, LIFE_LOST, false, false, false, false,
	    LIFE_PEER_CLOSED, LIFE_DO_END, LIFE_LOST, STATUS_CLOSED},
	{"the peer closes while ours is closing: once it is sent",
	    LIFE_ENDED, LIFE_CLOSING, false, false, false, true,
	    LIFE_PEER_CLOSED, LIFE_DO_NOTHING, LIFE_CLOSING, STATUS_DONE},
	{"the peer closes while the input flows: linger",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, false,
	    LIFE_PEER_CLOSED, LIFE_DO_LINGER, LIFE_OPEN, STATUS_DONE},
	{"the peer closes, the input is quiet: over",
	    LIFE_QUIET, LIFE_OPEN, false, false, false, false,
	    LIFE_PEER_CLOSED, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"the peer closes, the input has ended, with stay: over",
	    LIFE_ENDED, LIFE_OPEN, false, true, false, false,
	    LIFE_PEER_CLOSED, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"the same with something queued: not yet",
	    LIFE_QUIET, LIFE_OPEN, false, false, false, true,
	    LIFE_PEER_CLOSED, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
	{"lingered: over, 6",
	    LIFE_FLOWING, LIFE_OPEN, true, false, false, false,
	    LIFE_LINGERED, LIFE_DO_END, LIFE_OPEN, STATUS_CLOSED},
	{"lingered, and nobody minds: over, 0",
	    LIFE_FLOWING, LIFE_OPEN, true, false, true, false,
	    LIFE_LINGERED, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"a send fails: what comes is still read",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, true,
	    LIFE_SEND_FAILED, LIFE_DO_NOTHING, LIFE_LOST, STATUS_DONE},
	{"a send fails while closing: the same",
	    LIFE_ENDED, LIFE_CLOSING, false, false, false, true,
	    LIFE_SEND_FAILED, LIFE_DO_NOTHING, LIFE_LOST, STATUS_DONE},
	{"a send fails behind the peer: over, 6",
	    LIFE_FLOWING, LIFE_OPEN, true, false, false, true,
	    LIFE_SEND_FAILED, LIFE_DO_END, LIFE_LOST, STATUS_CLOSED},
	{"-q runs out: over, 0",
	    LIFE_ENDED, LIFE_CLOSED, false, false, false, false,
	    LIFE_QUIT, LIFE_DO_END, LIFE_CLOSED, STATUS_DONE},
	{"enough, and nothing queued: over, 0",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, false,
	    LIFE_ENOUGH, LIFE_DO_END, LIFE_OPEN, STATUS_DONE},
	{"enough, with something queued: once it is sent",
	    LIFE_FLOWING, LIFE_OPEN, false, false, false, true,
	    LIFE_ENOUGH, LIFE_DO_NOTHING, LIFE_OPEN, STATUS_DONE},
};
/* clang-format on */

static void
test_rows(void)
{
	const struct row *r;
	struct life l;
	unsigned todo;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		memset(&l, 0, sizeof(l));
		l.stay = r->stay;
		l.unminded = r->unminded;
		l.input = r->input;
		l.ours = r->ours;
		l.theirs_closed = r->theirs_closed;
		l.queued = r->queued;
		todo = life_step(&l, r->event);
		if (!ok(todo == r->todo && l.ours == r->then &&
			    l.status == r->status,
			"%s", r->says))
			diag("todo %u, ours %d, status %d", todo, (int)l.ours,
			    (int)l.status);
	}
}

static void
test_begin(void)
{
	struct life l;

	memset(&l, 0, sizeof(l));
	is_num(life_begin(&l, false), LIFE_DO_NOTHING, "it begins open");
	is_num(l.input, LIFE_FLOWING, "and its input flows");
	is_num(life_begin(&l, true), LIFE_DO_WAIT,
	    "a quiet input closes nothing, and has ended for -q");
	is_num(l.input, LIFE_QUIET, "and is quiet");
	l.half_quiet = true;
	is_num(life_begin(&l, true), LIFE_DO_SHUT, "-N closes it all the same");
	is_num(l.ours, LIFE_CLOSING, "so ours is closing");
	is_num(life_begin(&l, false), LIFE_DO_NOTHING,
	    "-N and an input that flows: nothing yet");
	l.stay = true;
	is_num(life_begin(&l, true), LIFE_DO_WAIT, "stay weighs more");
}

/* What a state was like on the way, beside what it is. */
struct node {
	struct life l;
	unsigned shuts;
	bool lingering, waiting, over;
};

static struct node nodes[STATES_MAX];
static size_t nodes_n;

static bool
same(const struct node *a, const struct node *b)
{
	const struct life *x = &a->l, *y = &b->l;

	return x->stay == y->stay && x->half_quiet == y->half_quiet &&
	    x->unminded == y->unminded && x->input == y->input &&
	    x->ours == y->ours && x->theirs_closed == y->theirs_closed &&
	    x->enough == y->enough && x->queued == y->queued &&
	    x->status == y->status && a->shuts == b->shuts &&
	    a->lingering == b->lingering && a->waiting == b->waiting &&
	    a->over == b->over;
}

static void
found(const struct node *n)
{
	size_t i;

	for (i = 0; i < nodes_n; i++)
		if (same(&nodes[i], n))
			return;
	if (nodes_n < STATES_MAX)
		nodes[nodes_n++] = *n;
}

/* Can the owner be told this now? */
static bool
may_happen(const struct node *n, enum life_event e)
{
	const struct life *l = &n->l;

	switch (e) {
	case LIFE_INPUT_END:
		return l->input == LIFE_FLOWING;
	case LIFE_DRAINED:
		return (l->queued || l->ours == LIFE_CLOSING) &&
		    l->ours != LIFE_LOST;
	case LIFE_PEER_CLOSED:
		return !l->theirs_closed;
	case LIFE_LINGERED:
		return n->lingering;
	case LIFE_SEND_FAILED:
		return l->ours == LIFE_OPEN || l->ours == LIFE_CLOSING;
	case LIFE_QUIT:
		return n->waiting;
	case LIFE_ENOUGH:
		return !l->enough;
	}
	return false;
}

static const char *broken;

static void
must(bool holds, const char *rule, const struct node *before, enum life_event e)
{
	const struct life *l = &before->l;

	if (holds)
		return;
	if (broken == NULL || strcmp(broken, rule) != 0)
		diag("%s: %s in input %d, ours %d, theirs %s, enough %d, "
		     "queued %d, stay %d, unminded %d",
		    rule, event_names[e], (int)l->input, (int)l->ours,
		    l->theirs_closed ? "closed" : "open", l->enough, l->queued,
		    l->stay, l->unminded);
	broken = rule;
}

static void
judge(const struct node *before, enum life_event e, const struct node *after,
    unsigned todo)
{
	const struct life *b = &before->l, *a = &after->l;

	must(after->shuts <= 1, "our half closes once at the most", before, e);
	must(!(a->stay && a->ours == LIFE_CLOSING), "stay never closes it",
	    before, e);
	must(b->ours != LIFE_LOST || a->ours == LIFE_LOST,
	    "what is lost stays lost", before, e);
	must(b->ours != LIFE_CLOSED || a->ours == LIFE_CLOSED,
	    "what is closed stays closed", before, e);
	must((todo & LIFE_DO_END) == 0 || todo == LIFE_DO_END,
	    "the end is the end, and nothing else", before, e);
	must(a->status == STATUS_DONE || a->status == STATUS_CLOSED,
	    "a life ends with 0 or 6", before, e);
	must(todo & LIFE_DO_END || a->status == STATUS_DONE,
	    "there is no status before the end", before, e);
	must(b->theirs_closed == a->theirs_closed || e == LIFE_PEER_CLOSED,
	    "only the peer closes its half", before, e);
	must(!(todo & LIFE_DO_LINGER) ||
		(a->theirs_closed && a->input == LIFE_FLOWING),
	    "one lingers for an input that flows, behind the peer", before, e);
	must(!(todo & LIFE_DO_WAIT) ||
		(!a->theirs_closed && !a->queued &&
		    (a->ours == LIFE_CLOSED || a->input != LIFE_FLOWING)),
	    "-q begins when we have no more to say and theirs is open", before,
	    e);
	must(!(todo & LIFE_DO_END) || a->status == STATUS_CLOSED ||
		!a->queued || e == LIFE_QUIT || e == LIFE_LINGERED,
	    "a good end leaves nothing queued", before, e);
	must(
	    !(a->theirs_closed && a->ours == LIFE_CLOSED) || todo & LIFE_DO_END,
	    "both closed is over", before, e);
	must(!(a->theirs_closed && a->ours == LIFE_LOST) || todo & LIFE_DO_END,
	    "closed there and lost here is over", before, e);
	must(!(a->theirs_closed && a->input != LIFE_FLOWING && !a->queued &&
		 a->ours != LIFE_CLOSING) ||
		todo & LIFE_DO_END,
	    "closed there and nothing to say is over", before, e);
	must(!(a->enough && !a->queued) || todo & LIFE_DO_END,
	    "enough and nothing queued is over", before, e);
}

static void
step(const struct node *n, enum life_event e)
{
	struct node next = *n;
	unsigned todo = life_step(&next.l, e);

	if (todo & LIFE_DO_SHUT)
		next.shuts++;
	if (todo & LIFE_DO_LINGER)
		next.lingering = true;
	if (todo & LIFE_DO_WAIT)
		next.waiting = true;
	judge(n, e, &next, todo);
	next.over = (todo & LIFE_DO_END) != 0;
	found(&next);
}

static void
begin_all(void)
{
	struct node n;
	unsigned i;

	for (i = 0; i < 16; i++) {
		memset(&n, 0, sizeof(n));
		n.l.stay = i & 1;
		n.l.half_quiet = (i & 2) != 0;
		n.l.unminded = (i & 4) != 0;
		if (life_begin(&n.l, (i & 8) != 0) & LIFE_DO_SHUT)
			n.shuts = 1;
		found(&n);
	}
}

/* From each state there is a way to the end. */
static bool
may_end(const struct node *n)
{
	struct life l;
	unsigned e;

	for (e = 0; e < EVENTS; e++) {
		l = n->l;
		if (may_happen(n, e) && life_step(&l, e) & LIFE_DO_END)
			return true;
	}
	return false;
}

static void
test_all_states(void)
{
	struct node sent;
	size_t i, ends = 0, dead = 0;
	unsigned e;

	begin_all();
	for (i = 0; i < nodes_n; i++) {
		if (nodes[i].over) {
			ends++;
			continue;
		}
		if (nodes[i].l.ours == LIFE_OPEN) {
			sent = nodes[i];
			sent.l.queued = true;
			found(&sent);
		}
		for (e = 0; e < EVENTS; e++)
			if (may_happen(&nodes[i], e))
				step(&nodes[i], e);
		/* Two steps are always enough: the peer closes, then drain. */
		if (!may_end(&nodes[i]) && nodes[i].l.theirs_closed &&
		    nodes[i].l.ours == LIFE_LOST)
			dead++;
	}
	ok(nodes_n < STATES_MAX, "%zu states can be reached, %zu of them ends",
	    nodes_n, ends);
	ok(broken == NULL, "no rule of life is broken in any of them");
	is_num(dead, 0, "no state waits for what cannot come");
}

int
main(void)
{
	test_begin();
	test_rows();
	test_all_states();
	return done_testing();
}
