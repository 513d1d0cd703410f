/* The door: who comes, and who goes; see door.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk/door_parts.h"

#define FULL "as many as --max-clients are there"

bool
door_listens(const struct door *d)
{
	size_t i;

	for (i = 0; i < d->opened; i++)
		if (d->posts[i].l.open)
			return true;
	return false;
}

const char *
door_name(const struct door *d, size_t which)
{
	return which < d->opened ? d->posts[which].l.name : "";
}

char *
door_client_name(const struct door *d, const struct door_client *c, char *buf)
{
	if (c->peer->sa_family == AF_UNSPEC) {
		snprintf(buf, ADDR_TEXT_MAX, "fd:%d", c->fd);
		return buf;
	}
	addr_name(c->peer, c->peer_len, buf);
	/* A client of a Unix socket is rarely bound: ours names it. */
	if (strcmp(buf, "unix:") == 0 && !c->borrowed)
		snprintf(buf, ADDR_TEXT_MAX, "%s", d->posts[c->which].l.name);
	return buf;
}

/* There is room again. */
static void
retry(struct door *d)
{
	size_t i;

	for (i = 0; i < d->opened; i++)
		listener_retry(&d->posts[i].l);
}

void
door_left(struct door *d, struct guest *g)
{
	d->inside--;
	guests_leave(&d->guests, g);
	retry(d);
}

bool
door_is_secured(const struct door *d, size_t which)
{
	return d->plan->places[which].listen.at.tls;
}

/* Who stands behind a handshake is told in the stream. */
static void
dismiss(struct door *d, struct stream *s, struct slice words)
{
	struct iovec v = {
	    .iov_base = (void *)(uintptr_t)words.p, .iov_len = words.len};

	if (d->plan->deny_with == FAREWELL_WORDS)
		stream_write(s, &v, 1);
	stream_close(s, d->plan->deny_with == FAREWELL_RESET);
}

void
door_turn_away(struct door *d, const struct door_client *c, const char *why)
{
	const struct door_post *p = &d->posts[c->which];
	const struct slice words = slice_of(
	    p->words == NULL ? (const uint8_t *)"" : p->words, p->words_len);

	d->denied++;
	d->on_denied(d, c, why);
	if (c->stream != NULL)
		dismiss(d, c->stream, words);
	else if (!c->borrowed && c->fd != -1)
		/* What was passed to us is for others to close; and words in
		 * plain are none for who speaks TLS. */
		farewell(&d->farewells, c->fd,
		    door_is_secured(d, c->which) &&
			    d->plan->deny_with == FAREWELL_WORDS
			? FAREWELL_CLOSE
			: d->plan->deny_with,
		    words);
	door_left(d, c->guest);
}

void
door_deny(struct door *d, const struct door_client *c, const char *why)
{
	door_turn_away(d, c, why);
}

const char *
door_objection(struct door *d, struct door_client *c)
{
	const struct door_plan *p = d->plan;

	if (!access_admits(&d->rules.access, c->peer))
		return access_has(&d->rules.access.deny, c->peer)
		    ? "its address is in --deny"
		    : "its address is not in --allow";
	if (p->per_ip_max == 0 && !p->count)
		return NULL;
	c->guest = guests_enter(&d->guests, c->peer);
	if (p->per_ip_max > 0 && c->guest != NULL &&
	    c->guest->n > p->per_ip_max)
		return "as many as --max-per-ip are there from its address";
	return NULL;
}

const char *
door_admit(struct door *d, const struct sockaddr *peer, struct guest **guest)
{
	struct door_client c = {.peer = peer};
	const char *why;

	d->inside++;
	why = d->plan->clients_max > 0 && d->inside > d->plan->clients_max
	    ? FULL
	    : door_objection(d, &c);
	if (why != NULL) {
		d->denied++;
		door_left(d, c.guest);
		c.guest = NULL;
	}
	*guest = c.guest;
	return why;
}

/* Must it say whose it is? *why: it may not, and must. */
static bool
is_forwarded(
    const struct door *d, const struct door_client *c, const char **why)
{
	*why = NULL;
	if (!d->by_proxy)
		return d->plan->proxied;
	if (access_has(&d->rules.proxies, c->peer))
		return true;
	if (d->plan->proxied)
		*why = "its address is not in --proxy-from";
	return false;
}

void
door_on_accept(
    struct listener *l, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct door_post *post = l->owner;
	struct door *d = post->door;
	const struct door_plan *p = d->plan;
	struct door_client c = {.fd = fd,
	    .which = post->which,
	    .kind = post->kind,
	    .peer = peer,
	    .peer_len = len};
	const char *why = NULL;
	struct fail f;

	/* Otherwise the options of the listening socket are the client's. */
	if (l->borrowed)
		sock_apply(fd, peer->sa_family,
		    &p->places[post->which].listen.opts, &f);
	d->inside++;
	if (p->clients_max > 0 && d->inside > p->clients_max) {
		door_turn_away(d, &c, FULL);
		return;
	}
	if (is_forwarded(d, &c, &why)) {
		door_visit(d, &c, DOOR_VISITOR_HEADER);
		return;
	}
	if (why == NULL)
		why = door_objection(d, &c);
	if (why != NULL)
		door_turn_away(d, &c, why);
	else if (door_is_secured(d, c.which))
		door_visit(d, &c, DOOR_VISITOR_LINE);
	else if (p->ask.command.argv != NULL)
		door_visit(d, &c, DOOR_VISITOR_ASK);
	else
		d->on_client(d, &c);
}

/* The client that comes waits in the backlog, and so do we. */
void
door_on_short(struct listener *l, int err)
{
	struct door_post *post = l->owner;
	struct fail f;

	fail_set(&f, STATUS_LISTEN,
	    "%s: cannot accept: %s; clients wait until that is over", l->name,
	    strerror(err));
	if (err == EMFILE)
		fail_hint(&f, "try: a larger limit of descriptors (ulimit -n)");
	post->door->on_trouble(post->door, &f);
}

void
door_on_broken(struct listener *l, int err)
{
	struct door_post *post = l->owner;
	struct fail f;

	fail_set(
	    &f, STATUS_LISTEN, "%s: cannot accept: %s", l->name, strerror(err));
	door_fail(post->door, &f);
}

void
door_fail(struct door *d, const struct fail *f)
{
	door_close(d);
	d->on_failed(d, f);
}

static void
on_loaded(struct rules *r, const struct fail *f)
{
	struct door *d = r->owner;
	struct fail kept;

	if (f == NULL) {
		if (!d->ready)
			door_open_from(d, 0);
		return;
	}
	kept = *f; /* it goes with the rules */
	if (!d->ready) {
		door_fail(d, &kept);
		return;
	}
	fail_prefix(&kept, "the rules stay as they were");
	d->on_trouble(d, &kept);
}

static void
on_room(struct farewells *all)
{
	retry(all->owner);
}

static void
set_up(struct door *d)
{
	size_t i;

	d->alive = true;
	d->paused = true;
	for (i = 0; i < d->plan->rules.n; i++)
		d->by_proxy |= d->plan->rules.words[i].kind == RULES_PROXY;
	rules_init(&d->rules, d->loop, d->resolver);
	d->rules.on_loaded = on_loaded;
	d->rules.owner = d;
	d->farewells.on_gone = on_room;
	d->farewells.owner = d;
	farewells_init(&d->farewells, d->loop);
	door_visit_init(d);
}

void
door_start(struct door *d, const struct door_plan *plan, uv_loop_t *loop,
    struct resolver *resolver)
{
	struct fail f;

	d->plan = plan;
	d->loop = loop;
	d->resolver = resolver;
	set_up(d);
	d->posts = calloc(plan->places_n, sizeof(*d->posts));
	if (d->posts == NULL) {
		fail_set(&f, STATUS_IO, "out of memory");
		door_fail(d, &f);
		return;
	}
	if (plan->ask.command.argv != NULL &&
	    asks_init(&d->asks, &plan->ask, loop, d->origin) == -1) {
		fail_set(&f, STATUS_IO, "--accept-cmd: %s", strerror(errno));
		door_fail(d, &f);
		return;
	}
	rules_load(&d->rules, &plan->rules);
}

void
door_reload(struct door *d)
{
	if (d->alive && d->ready)
		rules_load(&d->rules, &d->plan->rules);
}

void
door_pause(struct door *d)
{
	size_t i;

	d->paused = true;
	for (i = 0; i < d->opened; i++)
		listener_pause(&d->posts[i].l);
}

void
door_resume(struct door *d)
{
	size_t i;

	if (!d->alive)
		return;
	d->paused = false;
	door_visit_resume(d);
	for (i = 0; i < d->opened && !d->paused; i++)
		listener_resume(&d->posts[i].l);
}

void
door_close(struct door *d)
{
	if (!d->alive)
		return;
	d->alive = false;
	resolve_cancel(&d->resolve);
	door_close_posts(d);
	door_visit_close(d);
	asks_close(&d->asks);
	farewells_close(&d->farewells);
	rules_release(&d->rules);
}

void
door_release(struct door *d)
{
	size_t i;

	if (d->posts != NULL)
		for (i = 0; i < d->plan->places_n; i++)
			free(d->posts[i].words);
	free(d->posts);
	d->posts = NULL;
	d->opened = 0;
	guests_release(&d->guests);
}
