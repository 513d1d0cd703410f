/*
 * --dump and a conversation: what passes on its wire, and where that ends.
 */

#include "talk/parts.h"

static void
show(void *owner, const char *line)
{
	struct talk *t = owner;

	t->on_dump(t, line);
}

void
talk_wire_begin(struct talk *t)
{
	const struct talk_plan *p = t->plan;

	if (p->dump)
		dump_init(&t->dump, &p->in, &p->out, p->color, show, t);
}

/* Both directions change: ours behind what is queued, theirs from now on. */
void
talk_wire_change(struct talk *t, const struct framing *fr)
{
	const struct chan *c = &t->chan;

	if (!t->plan->dump)
		return;
	dump_change(&t->dump, false, fr, c->counts.bytes_in);
	dump_change(&t->dump, true, fr, c->counts.bytes_out + chan_queued(c));
}

void
talk_on_wire(struct chan *c, bool out, struct slice bytes)
{
	struct talk *t = c->owner;

	log_now(t->log);
	dump_bytes(
	    &t->dump, out, bytes, out ? c->counts.writes : c->counts.reads);
}

void
talk_wire_end(struct talk *t, bool out, bool closed)
{
	if (!t->plan->dump)
		return;
	log_now(t->log);
	dump_end(&t->dump, out, closed);
}
