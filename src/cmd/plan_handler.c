/* From options to a plan: --exec, --sh and what goes with them; see plan.h. */

#include <stdio.h>

#include "cmd/plan.h"

static int
set_command(struct plan *p, const char *option, const char *value,
    int (*set)(struct command *, const char *, struct fail *), struct fail *f)
{
	struct handler_plan *h = &p->run.handler;

	if (h->name != NULL) {
		fail_set(f, STATUS_USAGE,
		    "is one too many: expected one process, saw %s '%.64s' "
		    "before",
		    p->handler_option, h->name);
		return fail_hint(f, "try: one of them");
	}
	p->handler_option = option;
	h->name = value;
	return set(&h->command, value, f);
}

int
set_exec(struct plan *p, const char *value, struct fail *f)
{
	return set_command(p, "--exec", value, command_set_words, f);
}

int
set_sh(struct plan *p, const char *value, struct fail *f)
{
	return set_command(p, "--sh", value, command_set_shell, f);
}

/* What the handler says is the input, and when and for how long is its own. */
static int
refuse_others(const struct plan *p, struct fail *f)
{
	const char *other = p->has_reply ? "--reply"
	    : p->run.talk.echo		 ? "--echo"
	    : p->filter.sends_n > 0	 ? "--send"
	    : p->repeat != 1		 ? "--repeat"
	    : p->run.talk.stay		 ? "--stay"
	    : p->run.talk.ask		 ? "--ask"
					 : NULL;

	if (other == NULL)
		return 0;
	fail_set(f, STATUS_USAGE, "%s and %s: expected one of them, saw both",
	    p->handler_option, other);
	return fail_hint(f, "try: without %s", other);
}

int
plan_handler_finish(struct plan *p, struct fail *f)
{
	struct run_plan *r = &p->run;

	if (r->handler.command.argv == NULL)
		return 0;
	if (refuse_others(p, f) == -1)
		return -1;
	if (command_find(&r->handler.command, f) == -1)
		return fail_prefix(f, "%s", p->handler_option);
	r->handler.feed = r->feed;
	/* It has one conversation, and its faults are its status. */
	r->handler.feed.whom = FEED_PEER;
	r->handler.output = r->output;
	r->handler.format = r->format;
	/* Our own stdin is not read, and nothing goes to our stdout. */
	r->feed.quiet = true;
	r->talk.no_output = false;
	/* What one process has said is not for another connection. */
	r->talk.track = false;
	return 0;
}
