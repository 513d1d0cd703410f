/* The door's places: opened, announced, closed; see door.h. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "codec/encode.h"
#include "net/dgram.h"
#include "talk/door_parts.h"
#include "talk/explain.h"

/* Tells a service manager; a failure there is not ours. */
static void
notify_ready(void)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (to == NULL || (to[0] != '/' && to[0] != '@') ||
	    strlen(to) >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, to, strlen(to));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(to));
	if (to[0] == '@')
		un.sun_path[0] = '\0';
	fd = sock_open(AF_UNIX, SOCK_DGRAM);
	if (fd == -1)
		return;
	while (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&un,
		   len) == -1 &&
	    errno == EINTR)
		;
	close(fd);
}

/* All lines in one write, so that whoever reads once has read all. */
static int
write_names(const struct door *d, int fd, struct fail *f)
{
	char *text = malloc(d->opened * (ADDR_TEXT_MAX + 1));
	struct iovec v = {.iov_base = text};
	size_t i;
	int got = 0;

	if (text == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	for (i = 0; i < d->opened; i++)
		if (d->posts[i].what != DOOR_CONNECTED)
			v.iov_len += (size_t)sprintf(
			    text + v.iov_len, "%s\n", d->posts[i].l.name);
	if (fd_write_all(fd, &v, 1) == -1)
		got = fail_set(
		    f, STATUS_IO, "--ready-fd %d: %s", fd, strerror(errno));
	free(text);
	/* 0, 1 and 2 stay taken: no client must get their place. */
	if (fd > STDERR_FILENO)
		close(fd);
	return got;
}

/* Says where we are, to all who want to know. */
static int
announce(struct door *d, struct fail *f)
{
	char mode[FRAMING_TEXT_MAX];
	size_t i, n = 0;

	for (i = 0; i < d->opened; i++)
		if (d->posts[i].what != DOOR_CONNECTED) {
			n++;
			log_say(d->log, LOG_VERBOSE, "listening on %s (%s)",
			    d->posts[i].l.name,
			    framing_print(&d->plan->places[i].in, mode));
		}
	/* What was passed to us connected is known to whoever did. */
	if (n == 0)
		return 0;
	if (d->plan->ready_fd != -1 &&
	    write_names(d, d->plan->ready_fd, f) == -1)
		return -1;
	notify_ready();
	return 0;
}

/* Somebody has connected it and passed it to us. */
static void
give_connected(struct door *d, struct door_post *p)
{
	struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
	struct door_client c = {.fd = p->fd,
	    .borrowed = true,
	    .which = p->which,
	    .kind = stream_socket_kind(p->fd),
	    .peer = (struct sockaddr *)&ss,
	    .peer_len = sizeof(ss)};

	getpeername(p->fd, (struct sockaddr *)&ss, &c.peer_len);
	p->fd = -1;
	d->inside++;
	if (d->plan->count)
		c.guest = guests_enter(&d->guests, c.peer);
	if (door_is_secured(d, c.which))
		door_visit(d, &c, DOOR_VISITOR_LINE);
	else
		d->on_client(d, &c);
}

static void
all_open(struct door *d)
{
	struct door_post *p;
	struct fail f;
	size_t i;
	int fd;

	d->ready = true;
	if (announce(d, &f) == -1) {
		door_fail(d, &f);
		return;
	}
	d->on_open(d);
	for (i = 0; d->alive && i < d->opened; i++) {
		p = &d->posts[i];
		fd = p->fd;
		if (fd == -1)
			continue;
		if (p->what == DOOR_CONNECTED)
			give_connected(d, p);
		else {
			p->fd = -1;
			d->on_datagrams(d, i, fd, p->borrowed);
		}
	}
}

/* --deny-with, in the framing of this place. */
static int
make_words(struct door_post *p, const struct door_plan *plan, struct fail *f)
{
	const struct framing *fr = &plan->places[p->which].out;
	struct slice text = slice_of(plan->deny_text, strlen(plan->deny_text));
	struct batch in = {&text, 1, 1}, out;
	struct encode_frame frame;
	struct encoder e;
	struct charset cs;
	int got = -1;

	if (charset_open(&cs, &plan->charset, CHARSET_SEND, false, f) == -1)
		return -1;
	encoder_init(&e, fr);
	if (charset_convert(&cs, &in, &out, f) == -1)
		fail_prefix(f, "--deny-with");
	else if (encode_wrap(&e, out.v[0], &frame) != ENCODE_OK) {
		explain_encode(&e.fault, fr, f);
		fail_prefix(f, "--deny-with");
	} else {
		p->words_len = frame.head_len + out.v[0].len + frame.tail.len;
		p->words = malloc(p->words_len + 1);
		got = p->words == NULL ? fail_set(f, STATUS_IO, "out of memory")
				       : 0;
	}
	if (got == 0) {
		memcpy(p->words, frame.head, frame.head_len);
		memcpy(p->words + frame.head_len, out.v[0].p, out.v[0].len);
		memcpy(p->words + frame.head_len + out.v[0].len, frame.tail.p,
		    frame.tail.len);
	}
	charset_release(&cs);
	return got;
}

/* As a client would type it. */
static void
name_secured(struct door_post *p)
{
	char name[ADDR_TEXT_MAX];

	memcpy(name, p->l.name, sizeof(name));
	snprintf(p->l.name, sizeof(p->l.name), "tls:%.500s", name);
}

/* A socket that waits for clients, as it now is. */
static int
take_listening(struct door *d, struct door_post *p, struct fail *f)
{
	const struct door_plan *plan = d->plan;
	const struct addr *at = &plan->places[p->which].listen.at;

	p->what = DOOR_LISTENS;
	if (at->kind == ADDR_UNIX)
		addr_print(at, p->l.name);
	else if (at->tls)
		name_secured(p);
	p->kind = stream_socket_kind(p->l.fd.fd);
	if (p->kind == STREAM_SOCKET_PACKETS &&
	    (plan->proxied || d->by_proxy)) {
		fail_set(f, STATUS_LISTEN,
		    "%s: expected a stream for the PROXY protocol, saw a "
		    "socket of packets",
		    p->l.name);
		return fail_hint(f, "try: without --seqpacket");
	}
	return plan->deny_with == FAREWELL_WORDS ? make_words(p, plan, f) : 0;
}

/* A descriptor that was passed to us. */
static int
adopt(struct door *d, struct door_post *p, int fd, struct fail *f)
{
	p->borrowed = true;
	if (dgram_is(fd)) {
		p->what = DOOR_DATAGRAMS;
		p->fd = fd;
		listener_name_datagrams(&p->l, fd);
		return 0;
	}
	switch (listener_adopt(&p->l, d->loop, fd, f)) {
	case 0:
		return take_listening(d, p, f);
	case 1:
		p->what = DOOR_CONNECTED;
		p->fd = fd;
		snprintf(p->l.name, sizeof(p->l.name), "fd:%d", fd);
		return 0;
	}
	return -1;
}

static int
open_post(struct door *d, size_t which, const union resolve_sockaddr *where,
    struct fail *f)
{
	const struct listen_plan *plan = &d->plan->places[which].listen;
	struct door_post *p = &d->posts[which];

	*p = (struct door_post){.door = d, .which = which, .fd = -1};
	p->l.owner = p;
	p->l.on_accept = door_on_accept;
	p->l.on_short = door_on_short;
	p->l.on_failed = door_on_broken;
	d->opened = which + 1; /* what is half open is closed as well */
	if (plan->at.kind == ADDR_FD)
		return adopt(d, p, plan->at.fd, f);
	if (!addr_is_datagrams(&plan->at))
		return listener_open(&p->l, d->loop, plan, where, f) == -1
		    ? -1
		    : take_listening(d, p, f);
	p->what = DOOR_DATAGRAMS;
	p->fd = listener_bind(&p->l, plan, where, f);
	return p->fd == -1 ? -1 : 0;
}

/* A name listens on its first address, IPv4 before IPv6: it is what most
 * peers of a named host ask for. */
static void
on_answer(struct resolve *r)
{
	struct door *d = r->owner;
	const size_t which = d->opened;
	struct fail f;

	/* IPv4 goes first, so whether there is IPv6 makes no difference then;
	 * and what AAAA says is waited for where there is no A. */
	if (r->n4 == 0 && (!r->done4 || !r->done6))
		return;
	resolve_cancel(r);
	if (r->n4 + r->n6 == 0)
		fail_set(&f, STATUS_RESOLVE, "%s: cannot resolve: %s",
		    d->plan->places[which].listen.at.host, r->why);
	else if (open_post(d, which, r->n4 > 0 ? &r->v4[0] : &r->v6[0], &f) ==
	    0) {
		door_open_from(d, which + 1);
		return;
	}
	door_fail(d, &f);
}

void
door_open_from(struct door *d, size_t which)
{
	const struct listen_plan *plan;
	struct fail f;

	for (; which < d->plan->places_n; which++) {
		plan = &d->plan->places[which].listen;
		if (plan->at.host[0] != '\0') {
			d->resolve.family = plan->family;
			d->resolve.on_answer = on_answer;
			d->resolve.owner = d;
			resolve_start(&d->resolve, d->resolver, d->loop,
			    plan->at.host, plan->at.port);
			return;
		}
		if (open_post(d, which, NULL, &f) == -1) {
			door_fail(d, &f);
			return;
		}
	}
	all_open(d);
}

void
door_close_posts(struct door *d)
{
	struct door_post *p;
	size_t i;

	for (i = 0; i < d->opened; i++) {
		p = &d->posts[i];
		listener_close(&p->l);
		sock_file_remove(&p->l.file);
		if (p->fd != -1 && !p->borrowed)
			close(p->fd);
		p->fd = -1;
	}
}
