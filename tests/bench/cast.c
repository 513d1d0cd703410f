/*
 * One speaks as fast as it is taken, all others hear every word. The news goes
 * to what the server reads (--feed), or comes from one more client. It is never
 * further ahead of the slowest than WINDOW bytes: a server that throws away
 * what is too slow is measured in what it delivers.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct cast {
	const struct load *load;
	struct wire wire;
	struct crowd crowd;
	struct member *voice; /* a client, or &feed */
	struct member feed;
	char *block;
	size_t reads;
};

static void
cast_init(struct cast *c, const struct load *l)
{
	size_t i, before = 0;

	memset(c, 0, sizeof(*c));
	c->load = l;
	if (l->server != 0)
		before = meter_sockets(l->server);
	wire_init(&c->wire, l->mode, l->size, l->clients);
	crowd_init(&c->crowd, l->clients + 1);
	if ((c->block = malloc(LOAD_BLOCK)) == NULL)
		load_die("no memory");
	for (i = 0; i < l->clients; i++) {
		struct member *m = crowd_join(&c->crowd, l->address);

		m->lead = 0;
		if (c->wire.join != NULL)
			crowd_greet(m, c->wire.join, c->wire.joined);
	}
	/* Who is not there yet when the first word is said does not hear it. */
	if (l->server != 0)
		meter_accepted(l->server, before + l->clients);
	if (l->feed != NULL) {
		c->voice = &c->feed;
		c->feed.fd = open(l->feed, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (c->feed.fd == -1)
			load_die("%s: %s", l->feed, strerror(errno));
		/* Nobody waits for us while we listen. */
		fcntl(c->feed.fd, F_SETPIPE_SZ, 1 << 20);
		return;
	}
	c->voice = crowd_join(&c->crowd, l->address);
	c->voice->lead = 0;
	if (c->wire.greet != NULL)
		crowd_greet(c->voice, c->wire.greet, c->wire.greeted);
}

static void
cast_release(struct cast *c)
{
	if (c->voice == &c->feed)
		close(c->feed.fd);
	crowd_release(&c->crowd);
	wire_release(&c->wire);
	free(c->block);
}

/* Takes a ping out of what came between two messages: how many bytes. */
static size_t
pinged(struct cast *c, struct member *m, const char *bytes, size_t n)
{
	const char *ping = c->wire.ping;
	const size_t all = ping == NULL ? 0 : strlen(ping);
	size_t k = 0;

	if (all == 0 || (m->ignored == 0 && m->got % c->wire.deliver.each != 0))
		return 0;
	while (k < n && m->ignored < all && bytes[k] == ping[m->ignored]) {
		m->ignored++;
		k++;
	}
	if (m->ignored < all)
		return k;
	m->ignored = 0;
	if (send(m->fd, c->wire.pong, strlen(c->wire.pong), MSG_NOSIGNAL) == -1)
		load_die("pong: %s", strerror(errno));
	return k;
}

static void
compare(struct cast *c, struct member *m, const char *bytes, size_t n)
{
	const struct pattern *p =
	    m == c->voice ? &c->wire.receipt : &c->wire.deliver;

	while (n > 0) {
		size_t k = pinged(c, m, bytes, n);

		bytes += k;
		n -= k;
		/* Where a ping may come we go from message to message. */
		k = c->wire.ping == NULL ? n : p->each - m->got % p->each;
		if (k > n)
			k = n;
		if (m->ignored == 0 && !pattern_is(p, m->got, bytes, k))
			load_die("client %td: wrong news in bytes %llu to %llu",
			    m - c->crowd.members + 1,
			    (unsigned long long)m->got,
			    (unsigned long long)m->got + k);
		m->got += k;
		bytes += k;
		n -= k;
	}
}

static void
hear(struct cast *c, struct member *m)
{
	const bool look = c->wire.ping != NULL || m == c->voice ||
	    c->reads++ % c->load->verify == 0;
	/* What is not looked at is counted without being copied. */
	ssize_t n = recv(m->fd, c->block, LOAD_BLOCK, look ? 0 : MSG_TRUNC);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		load_die("client %td: %s after %llu bytes",
		    m - c->crowd.members + 1,
		    n == 0 ? "closed" : strerror(errno),
		    (unsigned long long)m->got);
	if (look && m == c->voice && c->wire.receipt.each == 0) {
		if (c->wire.ping == NULL)
			load_die("the publisher was told something");
		pinged(c, m, c->block, (size_t)n);
		return;
	}
	if (look)
		compare(c, m, c->block, (size_t)n);
	else
		m->got += (size_t)n;
}

/* Messages that all have. */
static uint64_t
heard_by_all(const struct cast *c)
{
	uint64_t least = UINT64_MAX;
	size_t i;

	for (i = 0; i < c->load->clients; i++)
		if (c->crowd.members[i].got < least)
			least = c->crowd.members[i].got;
	return least / c->wire.deliver.each;
}

/* What the voice may say now; what is not taken now is tried again later. */
static void
speak(struct cast *c)
{
	const struct pattern *p = &c->wire.publish;
	struct member *m = c->voice;

	while (m->sent < m->due) {
		size_t n;
		const char *bytes =
		    pattern_at(p, m->sent, m->due - m->sent, &n);
		ssize_t k = write(m->fd, bytes, n);

		if (k == -1 && errno == EAGAIN)
			return;
		if (k == -1)
			load_die("the news: %s", strerror(errno));
		m->sent += (size_t)k;
	}
}

/* News for some seconds, then until all have all. The number of messages. */
static uint64_t
cast(struct cast *c, double seconds)
{
	const struct pattern *p = &c->wire.publish;
	const uint64_t window = c->load->window / p->each;
	const double end = meter_now() + seconds;
	const uint64_t before = heard_by_all(c);
	struct epoll_event events[256];
	uint64_t heard = before;
	size_t i, n;

	do {
		const uint64_t due = (heard + window) * p->each;

		if (meter_now() < end && due > c->voice->due)
			c->voice->due = due;
		speak(c);
		n = crowd_wait(&c->crowd, events, 256);
		for (i = 0; i < n; i++)
			hear(c, events[i].data.ptr);
		heard = heard_by_all(c);
	} while (meter_now() < end || heard * p->each < c->voice->due);
	return heard - before;
}

void
cast_run(const struct load *l)
{
	struct meter begin, m;
	struct cast c;
	uint64_t messages;

	cast_init(&c, l);
	cast(&c, l->seconds / 5);
	meter_read(&begin, l->server);
	messages = cast(&c, l->seconds);
	meter_since(&m, &begin, l->server);
	meter_print(l, &m, "deliveries", messages * l->clients);
	printf(" published=%llu\n", (unsigned long long)messages);
	cast_release(&c);
}
