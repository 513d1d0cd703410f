/*
 * From options to a plan: who may come, and what becomes of those who may not;
 * see plan.h.
 */

#include <stdlib.h>
#include <string.h>

#include "cmd/plan.h"
#include "net/dgram.h"

static int
add_rule(
    struct plan *p, enum rules_kind kind, const char *value, struct fail *f)
{
	struct rules_word *v;
	size_t cap;

	if (rules_check(value, f) == -1)
		return -1;
	if (p->rules_n == p->rules_cap) {
		cap = p->rules_cap == 0 ? 16 : 2 * p->rules_cap;
		v = realloc(p->rules, cap * sizeof(*v));
		if (v == NULL)
			return fail_set(f, STATUS_IO, "out of memory");
		p->rules = v;
		p->rules_cap = cap;
	}
	p->rules[p->rules_n++] = (struct rules_word){kind, value};
	return 0;
}

int
set_allow(struct plan *p, const char *value, struct fail *f)
{
	return add_rule(p, RULES_ALLOW, value, f);
}

int
set_deny(struct plan *p, const char *value, struct fail *f)
{
	return add_rule(p, RULES_DENY, value, f);
}

int
set_proxy_from(struct plan *p, const char *value, struct fail *f)
{
	return add_rule(p, RULES_PROXY, value, f);
}

int
set_deny_with(struct plan *p, const char *value, struct fail *f)
{
	struct door_plan *d = &p->run.door;

	if (strcmp(value, "close") == 0)
		d->deny_with = FAREWELL_CLOSE;
	else if (strcmp(value, "reset") == 0)
		d->deny_with = FAREWELL_RESET;
	else
		d->deny_with = FAREWELL_WORDS;
	d->deny_text = value;
	if (value[0] != '\0')
		return 0;
	fail_set(f, STATUS_USAGE, "expected a message, saw nothing");
	return fail_hint(f, "try: close, reset, or what they are to be told");
}

int
set_accept_cmd(struct plan *p, const char *value, struct fail *f)
{
	p->run.door.ask.name = value;
	if (command_set_words(&p->run.door.ask.command, value, f) == 0)
		return 0;
	return fail_hint(f, "try: \"sh -c '...'\" for what a shell is to read");
}

void
plan_door_release(struct plan *p)
{
	command_release(&p->run.door.ask.command);
	free(p->rules);
	free(p->places);
	free(p->talks);
	free(p->place_words);
}

static int
refuse_zero(const char *option, struct fail *f)
{
	fail_set(
	    f, STATUS_USAGE, "%s '0': expected some time, saw none", option);
	return fail_hint(f, "try: 5s");
}

static bool
expects_proxies(const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->rules_n; i++)
		if (p->rules[i].kind == RULES_PROXY)
			return true;
	return p->run.door.proxied;
}

/* The mode of one place. */
static int
finish_place(struct plan *p, size_t i, struct fail *f)
{
	const struct talk_plan *t = &p->run.talk;
	struct door_place *place = &p->places[i];
	const char *word = p->place_words[i]; /* it has a mode */
	const struct addr at = place->listen.at;
	bool datagrams =
	    addr_is_datagrams(&at) || (at.kind == ADDR_FD && dgram_is(at.fd));
	char name[ADDR_TEXT_MAX];
	size_t bad;

	place->listen = p->run.listen;
	place->listen.at = at;
	if (word != NULL) {
		if (charset_framing(&t->charset, &place->in, f) == -1)
			return fail_prefix(f, "'%.128s'", word);
		place->in.max = t->in.max;
		place->out = place->in;
	} else {
		place->in = t->in;
		place->out = t->out;
	}
	if (!datagrams)
		return 0;
	if (word != NULL && place->in.mode != FRAMING_RAW) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected raw, the one mode of datagrams", word);
		return fail_hint(f, "each is a message by itself; try: %s",
		    addr_print(&at, name));
	}
	framing_parse("raw", &place->in, &bad);
	place->in.max = t->in.max;
	place->out = place->in;
	return 0;
}

int
plan_door_finish(struct plan *p, struct fail *f)
{
	struct door_plan *d = &p->run.door;
	size_t i;

	d->rules.words = p->rules;
	d->rules.n = p->rules_n;
	d->charset = p->run.talk.charset;
	d->places = p->places;
	d->places_n = p->places_n;
	if (d->header_ms == 0)
		return refuse_zero("--header-timeout", f);
	if (d->ask.limit_ms == 0)
		return refuse_zero("--accept-cmd-timeout", f);
	if (expects_proxies(p) && p->run.listen.seqpacket) {
		fail_set(f, STATUS_USAGE,
		    "--seqpacket and a balancer's header: expected one of "
		    "them, saw both");
		return fail_hint(f,
		    "the PROXY protocol is one of streams; try: without "
		    "--seqpacket");
	}
	for (i = 0; i < p->places_n; i++)
		if (finish_place(p, i, f) == -1)
			return -1;
	if (d->ask.command.argv != NULL &&
	    command_find(&d->ask.command, f) == -1)
		return fail_prefix(f, "--accept-cmd");
	return 0;
}
