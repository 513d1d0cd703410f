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
	struct talk_extra *extra = p->dump ? talk_extra(t) : NULL;

	if (extra != NULL)
		extra->dump = malloc(sizeof(*extra->dump));
	if (extra != NULL && extra->dump != NULL)
		dump_init(extra->dump, &p->in, &p->out, p->color, show, t);
}

/* Both directions change: ours behind what is queued, theirs from now on. */
void
talk_wire_change(struct talk *t, const struct framing *fr)
{
	const struct chan *c = &t->chan;
	struct dump *d = talk_has(t)->dump;

	if (d == NULL)
		return;
	dump_change(d, false, fr, c->counts.bytes_in);
	dump_change(d, true, fr, c->counts.bytes_out + chan_queued(c));
}

void
talk_on_wire(struct chan *c, bool out, struct slice bytes, bool more)
{
	struct talk *t = talk_of(c);
	struct dump *d = t->extra->dump;
	uint64_t *calls = out ? &d->writes : &d->reads;

	log_now(t->home->log);
	*calls += !more;
	dump_bytes(d, out, bytes, *calls);
}

void
talk_wire_end(struct talk *t, bool out, bool closed)
{
	struct dump *d = talk_has(t)->dump;

	if (d == NULL)
		return;
	log_now(t->home->log);
	dump_end(d, out, closed);
}
