/*
 * Those who come and go: connect, close our half, wait for the server's end,
 * close. DEPTH of them are under way on each of CLIENTS' places. Only what the
 * server closed counts: what the kernel accepted and nobody served does not.
 */
#include "load.h"

#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct visit {
	int fd;
	bool said; /* our half is closed */
};

struct churn {
	const struct load *load;
	int epoll;
	size_t dialed;
	size_t open;
	uint64_t done;
};

static void
begin_visit(struct churn *c, struct visit *v)
{
	/* Once for both: that it is connected, and that the server closed. */
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = v};

	v->fd = crowd_dial(c->load->address, c->dialed++, false);
	v->said = false;
	c->open++;
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, v->fd, &event) == -1)
		load_die("epoll: %s", strerror(errno));
}

/* True when the visit is over. */
static bool
go_on(struct churn *c, struct visit *v, uint32_t events)
{
	char text[256];
	ssize_t n;

	if (!v->said) {
		if (shutdown(v->fd, SHUT_WR) == -1)
			load_die("visit %llu: %s",
			    (unsigned long long)c->done + 1, strerror(errno));
		v->said = true;
		if ((events & EPOLLIN) == 0)
			return false;
	}
	n = recv(v->fd, text, sizeof(text), 0);
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n != 0)
		load_die("visit %llu: %s", (unsigned long long)c->done + 1,
		    n > 0 ? "the server said something" : strerror(errno));
	close(v->fd);
	c->open--;
	c->done++;
	return true;
}

static void
churn(struct churn *c, struct visit *visits, double seconds)
{
	const struct crowd crowd = {.epoll = c->epoll};
	const double end = meter_now() + seconds;
	struct epoll_event events[256];
	size_t i, n;

	for (i = 0; i < c->load->clients; i++)
		begin_visit(c, &visits[i]);
	while (c->open > 0) {
		const bool more = meter_now() < end;

		n = crowd_wait(&crowd, events, 256);
		for (i = 0; i < n; i++)
			if (go_on(c, events[i].data.ptr, events[i].events) &&
			    more)
				begin_visit(c, events[i].data.ptr);
	}
}

void
churn_run(const struct load *l)
{
	struct visit *visits = calloc(l->clients, sizeof(*visits));
	struct churn c = {.load = l, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct meter begin, m;

	if (visits == NULL || c.epoll == -1)
		load_die("no room for %zu visits", l->clients);
	churn(&c, visits, l->seconds / 5);
	c.done = 0;
	meter_read(&begin, l->server);
	churn(&c, visits, l->seconds);
	meter_since(&m, &begin, l->server);
	meter_print(l, &m, "visits", c.done);
	printf("\n");
	close(c.epoll);
	free(visits);
}
