/*
 * The handshakes at the door. A certificate is not all that they cost: each
 * takes memory and time before anybody is known, so there are only so many of
 * them at once, and none is waited for long while others stand in line.
 *
 *	LINE --> SHAKE --> what is next, or turned away
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "talk/door_parts.h"

#define HANDSHAKES_MAX 1024
#define IN_A_HURRY_MS 3000 /* what one has while others stand in line */

static void go_on(struct door *);

/* The words of a handshake, without the name that the door says itself. */
static const char *
words(const struct fail *f, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(f->what, name, len) == 0 &&
	    strncmp(f->what + len, ": ", 2) == 0)
		return f->what + len + 2;
	return f->what;
}

/*
 * -v tells of all whose handshake failed, and what to try. The first one is
 * told without it, too: it may be that our certificate is good for nobody, and
 * then nobody would know why no client comes.
 */
static void
tell(struct door *d, const char *name, const struct fail *f)
{
	struct fail told;

	if (d->log->level >= LOG_VERBOSE) {
		if (f->hint[0] != '\0')
			log_say(d->log, LOG_VERBOSE, "%s", f->hint);
	} else if (f->status == STATUS_TLS && !d->told_handshake) {
		d->told_handshake = true;
		fail_set(&told, STATUS_TLS,
		    "%s: denied, %s (others are told with -v)", name,
		    words(f, name));
		if (f->hint[0] != '\0')
			fail_hint(&told, "%s", f->hint);
		d->on_trouble(d, &told);
	}
}

/* By now its descriptor is closed, or will be by whoever has it. */
static void
turn_away(struct visitor *v, const struct fail *f)
{
	struct door *d = v->door;
	char name[ADDR_TEXT_MAX];

	door_client_name(d, &v->client, name);
	v->client.fd = -1;
	door_visit_turn_away(v, words(f, name));
	tell(d, name, f);
}

static void
on_done(void *owner, struct stream *s, const struct fail *f)
{
	struct visitor *v = owner;
	struct door *d = v->door;

	v->handshake = NULL;
	d->handshakes--;
	v->client.stream = s;
	if (s == NULL)
		turn_away(v, f);
	else
		door_visit_pass(v);
	if (d->alive)
		go_on(d);
}

/* 0, or -1 and the fail; its descriptor is taken. */
static int
begin(struct visitor *v, struct fail *f)
{
	struct door *d = v->door;
	const struct door_client *c = &v->client;
	char name[ADDR_TEXT_MAX];
	const struct tls_peer peer = {
	    .text = door_client_name(d, c, name),
	};
	struct stream *lower = stream_socket_new(d->loop, c->fd, c->borrowed);

	if (lower == NULL)
		return fail_set(f, STATUS_IO, "%s", strerror(errno));
	v->until_ms = uv_now(d->loop) + IN_A_HURRY_MS;
	v->handshake = tls_begin(d->tls, d->loop, lower, &peer,
	    d->plan->handshake_ms, on_done, v, f);
	return v->handshake == NULL ? -1 : 0;
}

static void
on_line(uv_timer_t *t)
{
	struct door *d = t->data;
	struct visitor *v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_SHAKE]);
	struct fail f;

	if (v != NULL && v->until_ms <= uv_now(d->loop)) {
		fail_set(&f, STATUS_TIMEOUT,
		    "its handshake took longer than %d s while others waited",
		    IN_A_HURRY_MS / 1000);
		door_secure_cancel(v);
		turn_away(v, &f);
	}
	if (d->alive)
		go_on(d);
}

/* Those who stand in line go on as there is room. */
static void
go_on(struct door *d)
{
	struct visitor *v;
	struct fail f;
	uint64_t now = uv_now(d->loop);

	while (d->handshakes < HANDSHAKES_MAX &&
	    (v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_LINE])) != NULL) {
		door_visit_move(v, DOOR_VISITOR_SHAKE);
		if (begin(v, &f) == 0)
			d->handshakes++;
		else
			turn_away(v, &f);
	}
	if (TAILQ_EMPTY(&d->visitors[DOOR_VISITOR_LINE])) {
		uv_timer_stop(&d->line);
		return;
	}
	/* The oldest one's time is over first. */
	v = TAILQ_FIRST(&d->visitors[DOOR_VISITOR_SHAKE]);
	uv_timer_start(
	    &d->line, on_line, v->until_ms > now ? v->until_ms - now : 0, 0);
}

void
door_secure_init(struct door *d)
{
	uv_timer_init(d->loop, &d->line);
	uv_unref((uv_handle_t *)&d->line);
	d->line.data = d;
}

void
door_secure(struct visitor *v)
{
	go_on(v->door);
}

void
door_secure_cancel(struct visitor *v)
{
	tls_cancel(v->handshake);
	v->handshake = NULL;
	v->door->handshakes--;
}
