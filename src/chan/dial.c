/* The dialer; see dial.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chan/dial_parts.h"
#include "net/vsock.h"

#define STAGGER_MS 250	  /* RFC 8305: Connection Attempt Delay */
#define WAIT_FOR_V6_MS 50 /* RFC 8305: Resolution Delay */
#define BUSY_MS 10	  /* a Unix socket whose backlog is full */

/* One socket on its way; freed when libuv has closed its handle. */
struct dial_attempt {
	struct dial *dial; /* NULL: nobody waits for it any more */
	struct dial_attempt *next;
	int fd;
	struct sockaddr_storage to;
	socklen_t to_len;
	uv_poll_t poll;
};

static void try_next(struct dial *);

static void
on_attempt_closed(uv_handle_t *h)
{
	struct dial_attempt *a = h->data;

	if (a->fd != -1)
		close(a->fd);
	free(a);
}

/* Takes it off the list; its socket goes too unless it was taken out. */
static void
drop_attempt(struct dial_attempt *a)
{
	struct dial_attempt **at = &a->dial->running;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->dial = NULL;
	uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
}

static void
on_timer_closed(uv_handle_t *h)
{
	free(h);
}

static void
stop(struct dial *d)
{
	d->over = true;
	resolve_cancel(&d->resolve);
	while (d->running != NULL)
		drop_attempt(d->running);
	if (d->timer != NULL)
		uv_close((uv_handle_t *)d->timer, on_timer_closed);
	d->timer = NULL;
}

void
dial_cancel(struct dial *d)
{
	if (!d->over)
		stop(d);
}

static void
finish(struct dial *d, int fd)
{
	stop(d);
	d->on_done(d, fd);
}

static void
on_give_up(uv_timer_t *t)
{
	finish(t->data, -1);
}

/* The end without a connection, told from the loop. */
static void
give_up(struct dial *d)
{
	uv_timer_start(d->timer, on_give_up, 0, 0);
}

static void
cannot_connect(struct dial *d)
{
	dial_explain(d);
	give_up(d);
}

static void
note_tried(struct dial *d, const struct dial_attempt *a)
{
	char name[ADDR_TEXT_MAX];
	size_t n = strlen(d->tried);

	addr_name((const struct sockaddr *)&a->to, a->to_len, name);
	snprintf(d->tried + n, sizeof(d->tried) - n, "%s%s", n > 0 ? ", " : "",
	    name);
	if (d->plan->log != NULL)
		log_say(d->plan->log, LOG_CHATTY, "%s: connecting", name);
}

/* One of several attempts came to nothing. */
static void
note_failed(const struct dial *d, const struct dial_attempt *a, int err)
{
	char name[ADDR_TEXT_MAX];

	if (d->plan->log == NULL)
		return;
	addr_name((const struct sockaddr *)&a->to, a->to_len, name);
	log_say(d->plan->log, LOG_CHATTY, "%s: %s", name, strerror(err));
}

/* What the proxy is told: a few hundred bytes, which a new socket takes. */
static bool
tell_proxy(struct dial_attempt *a, const struct proxy *p)
{
	size_t done = 0;
	ssize_t n;

	while (done < p->out_len) {
		n = send(a->fd, p->out + done, p->out_len - done, MSG_NOSIGNAL);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

/* Takes away what has been looked at. */
static void
take_seen(struct dial_attempt *a, uint8_t *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = recv(a->fd, buf, len, MSG_DONTWAIT);
		if (n > 0)
			len -= (size_t)n;
		else if (n == 0 || errno != EINTR)
			return;
	}
}

/* The connection to the proxy broke: that is no answer. */
static void
proxy_failed(struct dial *d, int err)
{
	char name[ADDR_TEXT_MAX];

	fail_set(&d->fail, err == ECONNRESET ? STATUS_RESET : STATUS_CONNECT,
	    "%s: expected the proxy's answer, saw: %s",
	    addr_print(&d->plan->proxy_at, name), strerror(err));
	fail_hint(&d->fail, "try: another -X; is it a proxy of that kind?");
}

/* Asks the proxy; true while there is more to wait for. */
static bool
talk_to_proxy(struct dial *d, struct dial_attempt *a)
{
	uint8_t buf[1024];
	enum proxy_step step;
	size_t used;
	ssize_t n;

	for (;;) {
		if (!tell_proxy(a, &d->proxy)) {
			proxy_failed(d, errno);
			finish(d, -1);
			return false;
		}
		d->proxy.out_len = 0;
		/* Looked at first: what follows the answer is not ours. */
		n = recv(a->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0) {
			if (n == 0)
				proxy_explain_end(&d->proxy, &d->fail);
			else
				proxy_failed(d, errno);
			finish(d, -1);
			return false;
		}
		step = proxy_feed(
		    &d->proxy, slice_of(buf, (size_t)n), &used, &d->fail);
		take_seen(a, buf, used);
		if (step == PROXY_OPEN) {
			n = a->fd;
			a->fd = -1;
			finish(d, (int)n);
			return false;
		}
		if (step == PROXY_REFUSED) {
			finish(d, -1);
			return false;
		}
	}
}

static void
on_proxy(uv_poll_t *poll, int status, int events)
{
	struct dial_attempt *a = poll->data;

	(void)status;
	(void)events;
	talk_to_proxy(a->dial, a);
}

/* The socket is connected: to the peer, or to the proxy. */
static void
connected(struct dial *d, struct dial_attempt *a)
{
	int fd = a->fd;

	if (d->plan->proxy == PROXY_NONE) {
		a->fd = -1;
		finish(d, fd);
		return;
	}
	/* From here on this attempt is the only one. */
	resolve_cancel(&d->resolve);
	uv_timer_stop(d->timer);
	while (d->running != a)
		drop_attempt(d->running);
	while (a->next != NULL)
		drop_attempt(a->next);
	snprintf(d->doing, sizeof(d->doing), "for the proxy's answer");
	d->proxy = (struct proxy){
	    .kind = d->plan->proxy,
	    .user = d->plan->proxy_user,
	    .password = d->plan->proxy_password,
	    .host = d->behind,
	    .port = d->plan->to.port,
	};
	if (proxy_start(&d->proxy, &d->fail) == -1) {
		finish(d, -1);
		return;
	}
	uv_poll_start(&a->poll, UV_READABLE, on_proxy);
	talk_to_proxy(d, a);
}

static void
attempt_failed(struct dial *d, struct dial_attempt *a, int err)
{
	d->err = err;
	note_failed(d, a, err);
	drop_attempt(a);
	if (d->at_once != NULL)
		return; /* another one is connected already */
	uv_timer_stop(d->timer);
	try_next(d);
}

static void
on_writable(uv_poll_t *poll, int status, int events)
{
	struct dial_attempt *a = poll->data;
	ssize_t n;
	char byte;
	int err = 0;

	/* It may be connected and reset already, with data in front of that;
	 * asking for the outcome would take the reset away from recv. */
	do
		n = recv(a->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		err = errno == EAGAIN ? sock_outcome(a->fd) : errno;
	(void)status;
	(void)events;
	uv_poll_stop(poll);
	if (err == 0)
		connected(a->dial, a);
	else
		attempt_failed(a->dial, a, err);
}

static void
on_connected_at_once(uv_timer_t *t)
{
	struct dial *d = t->data;

	connected(d, d->at_once);
}

static void
on_timer(uv_timer_t *t)
{
	try_next(t->data);
}

/* -s and -p: where the connection comes from. */
static int
bind_source(struct dial *d, int fd, int family)
{
	const struct dial_plan *p = d->plan;
	union resolve_sockaddr from = p->source;
	int on = 1;

	if (!p->has_source || (family != AF_INET && family != AF_INET6))
		return 0;
	if (from.sa.sa_family != AF_UNSPEC && from.sa.sa_family != family)
		return EAFNOSUPPORT;
	from.sa.sa_family = (sa_family_t)family;
	/* With datagrams it would let two have one port at a time. */
	if (!addr_is_datagrams(dial_target(d)) || p->dgram.joins_n > 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET)
		from.v4.sin_port = htons(p->source_port);
	else
		from.v6.sin6_port = htons(p->source_port);
	return bind(fd, &from.sa,
		   family == AF_INET ? sizeof(from.v4) : sizeof(from.v6)) == -1
	    ? errno
	    : 0;
}

static struct dial_attempt *
new_attempt(struct dial *d, const struct sockaddr *sa, socklen_t len)
{
	struct dial_attempt *a = calloc(1, sizeof(*a));
	int type = addr_is_datagrams(dial_target(d))	     ? SOCK_DGRAM
	    : sa->sa_family == AF_UNIX && d->plan->seqpacket ? SOCK_SEQPACKET
							     : SOCK_STREAM;
	int err;

	if (a == NULL) {
		d->err = ENOMEM;
		return NULL;
	}
	a->fd = sock_open(sa->sa_family, type);
	err = a->fd == -1 ? errno : -uv_poll_init(d->loop, &a->poll, a->fd);
	if (err != 0) {
		d->err = err;
		if (a->fd != -1)
			close(a->fd);
		free(a);
		return NULL;
	}
	memcpy(&a->to, sa, len);
	a->to_len = len;
	a->poll.data = a;
	a->dial = d;
	a->next = d->running;
	d->running = a;
	return a;
}

static void
say_connecting(struct dial *d)
{
	char name[ADDR_TEXT_MAX];

	snprintf(d->doing, sizeof(d->doing), "for a connection to %s",
	    addr_print(dial_target(d), name));
}

/* Begins one attempt; false: it failed at once, err says how. */
static bool
attempt(struct dial *d, const struct sockaddr *sa, socklen_t len)
{
	struct dial_attempt *a = new_attempt(d, sa, len);
	const bool datagrams = addr_is_datagrams(dial_target(d));
	int err;

	if (a == NULL)
		return false;
	note_tried(d, a);
	say_connecting(d);
	if (sock_apply(a->fd, sa->sa_family, &d->plan->opts, &d->fail) == -1 ||
	    (datagrams &&
		dgram_apply(a->fd, sa->sa_family, &d->plan->dgram,
		    &d->plan->opts, &d->fail) == -1)) {
		drop_attempt(a);
		give_up(d);
		return true; /* the same would happen to any other */
	}
	err = bind_source(d, a->fd, sa->sa_family);
	d->from = err != 0;
	if (err == 0)
		switch (datagrams ? dgram_connect(a->fd, sa, len,
					&d->plan->dgram, &d->group, &d->own)
				  : sock_connect(a->fd, sa, len)) {
		case SOCK_DONE:
			d->at_once = a;
			uv_timer_start(d->timer, on_connected_at_once, 0, 0);
			return true;
		case SOCK_LATER:
			uv_poll_start(&a->poll, UV_WRITABLE, on_writable);
			uv_timer_start(d->timer, on_timer, STAGGER_MS, 0);
			return true;
		case SOCK_FAILED:
			err = errno;
		}
	d->err = err;
	note_failed(d, a, err);
	sock_file_remove(&d->own);
	drop_attempt(a);
	return false;
}

/* One attempt; of a Unix socket again and again while the backlog is full. */
static void
try_one(struct dial *d)
{
	const struct addr *to = dial_target(d);
	struct sockaddr_storage ss;
	socklen_t len = to->un_len;

	d->tried[0] = '\0';
	if (to->kind == ADDR_VSOCK)
		len = vsock_address(to, &ss);
	else
		memcpy(&ss, &to->un, sizeof(to->un));
	if (len == 0)
		d->err = errno;
	else if (attempt(d, (const struct sockaddr *)&ss, len))
		return;
	if (d->err == EAGAIN)
		uv_timer_start(d->timer, on_timer, BUSY_MS, 0);
	else
		cannot_connect(d);
}

/* The next address in turn, IPv6 first; NULL: none is known. */
static const union resolve_sockaddr *
next_address(struct dial *d)
{
	struct resolve *r = &d->resolve;
	bool has6 = d->at6 < r->n6, has4 = d->at4 < r->n4;

	if (!has6 && !has4)
		return NULL;
	if (has4 && (d->v4_next || !has6)) {
		d->v4_next = false;
		return &r->v4[d->at4++];
	}
	d->v4_next = true;
	return &r->v6[d->at6++];
}

static void
not_resolved(struct dial *d)
{
	fail_set(&d->fail, STATUS_RESOLVE, "%s: cannot resolve: %s",
	    dial_target(d)->host, d->resolve.why);
	fail_hint(&d->fail, "try: the numeric address");
	give_up(d);
}

static void
try_next(struct dial *d)
{
	struct resolve *r = &d->resolve;
	const union resolve_sockaddr *a;

	if (dial_is_one(dial_target(d))) {
		try_one(d);
		return;
	}
	while ((a = next_address(d)) != NULL)
		if (attempt(d, &a->sa,
			a->sa.sa_family == AF_INET ? sizeof(a->v4)
						   : sizeof(a->v6)))
			return;
	if (d->running != NULL || !r->done4 || !r->done6)
		return; /* an answer of the one or of the other is to come */
	if (d->tried[0] == '\0' && d->err == 0)
		not_resolved(d);
	else
		cannot_connect(d);
}

static void
on_answer(struct resolve *r)
{
	struct dial *d = r->owner;
	bool late;

	if (uv_is_active((uv_handle_t *)d->timer) && d->running != NULL)
		return; /* an attempt has its time first */
	/* The family that is to be tried first is waited for, but not long. */
	late = addr_is_datagrams(dial_target(d)) ? r->n6 > 0 && !r->done4
						 : r->n4 > 0 && !r->done6;
	if (late && d->running == NULL)
		uv_timer_start(d->timer, on_timer, WAIT_FOR_V6_MS, 0);
	else
		try_next(d);
}

static void
on_start(uv_timer_t *t)
{
	struct dial *d = t->data;
	const struct addr *to = dial_target(d);

	if (dial_is_one(to)) {
		try_one(d);
		return;
	}
	snprintf(d->doing, sizeof(d->doing), "for the address of %s", to->host);
	d->resolve.family = d->plan->family;
	d->resolve.numeric = d->plan->numeric;
	d->resolve.on_answer = on_answer;
	d->resolve.owner = d;
	resolve_start(&d->resolve, d->resolver, d->loop, to->host, to->port);
}

/*
 * The host as the proxy is told it: its ASCII form, unless it is an IPv6
 * address or empty.
 */
static int
name_behind(struct dial *d)
{
	const char *host = d->plan->to.host;
	char why[128];

	if (host[0] == '\0' || strchr(host, ':') != NULL) {
		snprintf(d->behind, sizeof(d->behind), "%s", host);
		return 0;
	}
	if (idn_to_ascii(host, d->behind, why, sizeof(why)) == NULL)
		return 0;
	return fail_set(
	    &d->fail, STATUS_RESOLVE, "%s: cannot resolve: %s", host, why);
}

int
dial_start(struct dial *d, const struct dial_plan *plan, uv_loop_t *loop,
    struct resolver *resolver)
{
	d->plan = plan;
	d->loop = loop;
	d->resolver = resolver;
	memset(&d->resolve, 0, sizeof(d->resolve));
	d->running = d->at_once = NULL;
	d->at6 = d->at4 = 0;
	d->v4_next = addr_is_datagrams(dial_target(d));
	d->over = false;
	d->group.len = 0;
	memset(&d->own, 0, sizeof(d->own));
	d->err = 0;
	d->from = false;
	d->tried[0] = '\0';
	d->timer = NULL;
	if (plan->proxy != PROXY_NONE && name_behind(d) == -1)
		return -1;
	d->timer = malloc(sizeof(*d->timer));
	if (d->timer == NULL)
		return fail_set(&d->fail, STATUS_IO, "out of memory");
	say_connecting(d);
	uv_timer_init(loop, d->timer);
	d->timer->data = d;
	uv_timer_start(d->timer, on_start, 0, 0);
	return 0;
}
