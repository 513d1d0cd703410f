/*
 * --relay: what one says is said to all others, as far as their framings can
 * hold it. What they cannot is counted, and told now and then: whoever sends
 * it may do so as often as he likes.
 */

#include <inttypes.h>

#include "talk/many_parts.h"

#define TELL_MS 1000

void
many_tell_unrelayed(struct many *m)
{
	struct fail f = m->unrelayed_why;

	if (m->unrelayed == m->told_unrelayed)
		return;
	if (m->unrelayed > 1)
		fail_prefix(&f,
		    "%" PRIu64 " messages were not relayed so far; the last",
		    m->unrelayed);
	m->told_unrelayed = m->unrelayed;
	m->told_unrelayed_ms = uv_now(&m->run.loop);
	m->run.plan->complain(&f);
}

uint64_t
many_number(const struct many *m, size_t at)
{
	return m->speaks->talk.chan.counts.messages_in - (m->spoken->n - at) +
	    1;
}

static void
not_relayed(struct many *m, size_t at, const struct many_whose *whose,
    const struct fail *why)
{
	char mode[FRAMING_TEXT_MAX];
	struct fail *f = &m->unrelayed_why;

	(void)at;
	*f = *why;
	framing_print(whose->out, mode);
	fail_prefix(f, "--relay: %s to %s", m->speaks->talk.name, mode);
	if (m->unrelayed++ == 0 ||
	    uv_now(&m->run.loop) - m->told_unrelayed_ms >= TELL_MS)
		many_tell_unrelayed(m);
}

void
many_on_heard(struct talk *t, const struct batch *b)
{
	struct member *mem = many_of(t);
	struct many *m = mem->many;
	struct target but = target_one(mem->link.number);

	if (m->stopping)
		return;
	but.kind = TARGET_BUT;
	m->speaks = mem;
	m->spoken = b;
	many_tell_all(m, b, 0, &but, not_relayed);
	m->speaks = NULL;
	if (m->paused)
		many_hold(m, MANY_HOLD_NEWS, true);
}
