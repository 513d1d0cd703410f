/* TLS, as a run has it; see secure.h. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "talk/secure.h"

static void
tell_pin(const struct secure *s)
{
	struct fail f;

	fail_set(&f, STATUS_DONE,
	    "a certificate was made for this run, for %s; clients know it by: "
	    "--tls-pin %s",
	    s->about.names[0] == '\0' ? "no name" : s->about.names,
	    s->about.pin);
	s->complain(&f);
}

int
secure_init(struct secure *s, const struct secure_plan *plan,
    void (*complain)(const struct fail *), struct fail *f)
{
	memset(s, 0, sizeof(*s));
	s->plan = plan;
	s->complain = complain;
	if (plan->face == NULL)
		return 0;
	s->tls = tls_new(plan->face, plan->role, &plan->tls, &s->about, f);
	if (s->tls == NULL)
		return -1;
	if (plan->tls.self_signed)
		tell_pin(s);
	return 0;
}

void
secure_reload(struct secure *s, const struct log *log)
{
	struct tls_about about = s->about;
	char before[TLS_PIN_MAX];
	struct fail f;

	if (s->tls == NULL)
		return;
	memcpy(before, about.pin, sizeof(before));
	if (tls_reload(s->tls, &about, &f) == -1) {
		fail_prefix(&f, "the certificates stay as they were");
		s->complain(&f);
		return;
	}
	s->about = about;
	log_say(log, LOG_VERBOSE, "TLS: the certificates are read again%s%s",
	    about.expires[0] == '\0' ? "" : ": ours is good until ",
	    about.expires);
	if (s->plan->tls.self_signed && strcmp(before, about.pin) != 0)
		tell_pin(s);
}

void
secure_release(struct secure *s)
{
	if (s->tls != NULL)
		tls_free(s->tls);
	s->tls = NULL;
}

void
secure_say(const struct log *log, uint64_t number, const char *name,
    const struct stream *s)
{
	char text[TLS_FACTS_TEXT], chan[24] = "";
	struct tls_facts facts;

	if (log->level < LOG_VERBOSE || s == NULL ||
	    !stream_tls_facts(s, &facts))
		return;
	if (number > 0)
		snprintf(chan, sizeof(chan), "c%" PRIu64 " ", number);
	log_say(log, LOG_VERBOSE, "%s%s: %s", chan, name,
	    tls_facts_text(&facts, text));
}
