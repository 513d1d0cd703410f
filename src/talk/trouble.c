/*
 * What befalls single datagrams, in words. For a client with its one peer it
 * is the end; a server, which answers many, goes on.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "talk/explain.h"
#include "talk/parts.h"

static const char *
reason(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case ENOENT:
	case ENOTCONN: /* a Unix socket that is gone */
		return "nothing listens there";
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return "the host cannot be reached";
	case ENETUNREACH:
	case ENETDOWN:
		return "its network cannot be reached";
	case EMSGSIZE:
		return "a datagram of ours is larger than the way takes";
	case EACCES:
	case EPERM:
		return "sending there is forbidden";
	case EDESTADDRREQ:
	case EINVAL:
		return "it has no address that can be answered";
	}
	return "it could not be sent";
}

static enum status
status_of(const struct talk *t, int err)
{
	switch (err) {
	case EMSGSIZE:
		return STATUS_MALFORMED;
	case ENOMEM:
	case ENOBUFS:
		return STATUS_IO;
	}
	return t->chan.counts.messages_in > 0 ? STATUS_CLOSED : STATUS_CONNECT;
}

static void
set_hint(int err, enum status s, struct fail *f)
{
	if ((err == ECONNREFUSED || err == ENOTCONN || err == ENOENT) &&
	    s == STATUS_CONNECT)
		fail_hint(f, "try: start the server first");
	if (err == EACCES)
		fail_hint(f, "try: --broadcast, if it is such an address");
	if (err == EMSGSIZE)
		fail_hint(f, "try: smaller messages");
}

/* One of ours did not arrive. */
static void
undelivered(struct talk *t, const struct chan_trouble *what)
{
	enum status s = status_of(t, what->err);
	char name[ADDR_TEXT_MAX];
	struct fail f;

	if (t->plan->answers) {
		addr_name(&what->peer->at.sa, what->peer->len, name);
		log_say(t->home->log, LOG_VERBOSE,
		    "%s: what was sent to %s has not arrived: %s (%s)", t->name,
		    name, reason(what->err), strerror(what->err));
		return;
	}
	fail_set(&f, s, "%s: %s%s (%s)", t->name, reason(what->err),
	    s == STATUS_CLOSED ? " any more: what was sent last has not arrived"
			       : "",
	    strerror(what->err));
	set_hint(what->err, s, &f);
	talk_end_with(t, &f, "failed");
}

/* One that came is longer than may be. */
static void
too_long(struct talk *t, const struct chan_trouble *what)
{
	struct log always = *t->home->log;
	const bool cut = what->max < t->chan.in->max;
	char name[ADDR_TEXT_MAX];
	struct fail f;

	addr_name(&what->peer->at.sa, what->peer->len, name);
	fail_set(&f, STATUS_MALFORMED,
	    "%s: a datagram from %s was %s: expected at most %zu bytes, saw "
	    "%zu",
	    t->name, name, cut ? "cut" : "too long", what->max, what->len);
	if (!cut)
		fail_hint(&f, "try: a larger --max-message");
	if (!t->plan->answers) {
		talk_end_with(t, &f, "malformed");
		return;
	}
	always.level = LOG_VERBOSE;
	log_say(&always, LOG_VERBOSE, "%s; it is dropped", f.what);
}

void
talk_on_trouble(struct chan *c, const struct chan_trouble *what)
{
	struct talk *t = talk_of(c);

	if (t->ending)
		return;
	if (what->err != 0)
		undelivered(t, what);
	else
		too_long(t, what);
}

void
talk_on_peer(struct chan *c)
{
	struct talk *t = talk_of(c);
	const struct stream_peer *p = stream_peer(c->stream);
	char name[ADDR_TEXT_MAX];

	if (!t->plan->answers)
		return;
	talk_name_peer(t, addr_name(&p->at.sa, p->len, name));
	log_say(t->home->log, LOG_VERBOSE, "%s: %s speaks", t->name, name);
}

void
talk_refused_text(const struct talk *t, struct fail *f)
{
	const struct encode_fault *fault = &t->chan.work->encoder.fault;
	const struct stream *s = t->chan.stream;

	explain_encode(fault, t->chan.out, f);
	if (stream_has_datagrams(s) && fault->code == ENCODE_ERR_LONG &&
	    fault->limit == stream_datagrams(s)->max)
		fail_hint(f,
		    "a datagram to there holds no more; try: smaller "
		    "messages, or a stream");
}
