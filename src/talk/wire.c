/*
 * --dump and a conversation: what passes on its wire, and where that ends.
 */

#include <stdlib.h>

#include "talk/parts.h"

static void
show(void *owner, const char *line)
{
	struct talk *t = owner;

	t->home->on_dump(t, line);
}

void
talk_wire_begin(struct talk *t)
{
	const struct talk_plan *p = t->plan;

	if (p->dump)
		t->dump = malloc(sizeof(*t->dump));
	if (t->dump != NULL)
		dump_init(t->dump, &p->in, &p->out, p->color, show, t);
}

/* Both directions change: ours behind what is queued, theirs from now on. */
void
talk_wire_change(struct talk *t, const struct framing *fr)
{
	const struct chan *c = &t->chan;

	if (t->dump == NULL)
		return;
	dump_change(t->dump, false, fr, c->counts.bytes_in);
	dump_change(t->dump, true, fr, c->counts.bytes_out + chan_queued(c));
}

void
talk_on_wire(struct chan *c, bool out, struct slice bytes, bool more)
{
	struct talk *t = talk_of(c);
	uint64_t *calls = out ? &t->dump->writes : &t->dump->reads;

	log_now(t->home->log);
	*calls += !more;
	dump_bytes(t->dump, out, bytes, *calls);
}

void
talk_wire_end(struct talk *t, bool out, bool closed)
{
	if (t->dump == NULL)
		return;
	log_now(t->home->log);
	dump_end(t->dump, out, closed);
}
