/*
 * Many connections in one epoll. One address has some 28,000 ports, and those
 * of closed connections stay taken for a minute, so each thousand comes from
 * another place of 127.0.0.0/8.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
crowd_init(struct crowd *c, size_t most)
{
	memset(c, 0, sizeof(*c));
	c->most = most;
	c->members = calloc(most, sizeof(*c->members));
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->members == NULL || c->epoll == -1)
		load_die("no room for %zu connections", most);
}

void
crowd_release(struct crowd *c)
{
	const struct linger reset = {.l_onoff = 1};
	size_t i;

	for (i = 0; i < c->n; i++) {
		setsockopt(c->members[i].fd, SOL_SOCKET, SO_LINGER, &reset,
		    sizeof(reset));
		close(c->members[i].fd);
	}
	close(c->epoll);
	free(c->members);
}

static void
address_read(struct sockaddr_in *to, const char *address)
{
	char host[32];
	unsigned int port;

	*to = (struct sockaddr_in){.sin_family = AF_INET};
	if (sscanf(address, "%31[0-9.]:%u", host, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, host, &to->sin_addr) != 1)
		load_die("%s: not an address like 127.0.0.1:8000", address);
	to->sin_port = htons((uint16_t)port);
}

int
crowd_dial(const char *address, size_t i, bool wait)
{
	const uint32_t place = (uint32_t)(i / 1000 % 60000);
	struct sockaddr_in to, from = {.sin_family = AF_INET};
	const struct timeval patience = {.tv_sec = LOAD_PATIENCE_MS / 1000};
	int fd, on = 1;

	address_read(&to, address);
	from.sin_addr.s_addr =
	    htonl(0x7f000002 + place / 250 * 256 + place % 250);
	fd = socket(AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd == -1)
		load_die("connection %zu: %s", i + 1, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* The port is chosen when both ends are known. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (wait)
		setsockopt(
		    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
		(wait || errno != EINPROGRESS)))
		load_die("%s: connection %zu: %s", address, i + 1,
		    errno == EINPROGRESS ? "not in time" : strerror(errno));
	if (wait && fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		load_die("connection %zu: %s", i + 1, strerror(errno));
	return fd;
}

struct member *
crowd_join(struct crowd *c, const char *address)
{
	struct member *m = &c->members[c->n];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};

	if (c->n == c->most)
		load_die("more connections than %zu", c->most);
	m->fd = crowd_dial(address, c->n, true);
	/* Each begins elsewhere, so that one who hears another's answer
	 * knows. */
	m->lead = (uint32_t)(c->n * 7 % WIRE_PERIOD);
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, m->fd, &event) == -1)
		load_die("epoll: %s", strerror(errno));
	c->n++;
	return m;
}

static void
await(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (poll(&p, 1, LOAD_PATIENCE_MS) != 1)
		load_die("the server does not answer the greeting");
}

void
crowd_greet(struct member *m, const char *hello, const char *last)
{
	char text[8192];
	const size_t tail = strlen(last);
	size_t have = 0;
	ssize_t n;

	if (send(m->fd, hello, strlen(hello), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(hello))
		load_die("greeting: %s", strerror(errno));
	while (have < tail || memcmp(text + have - tail, last, tail) != 0) {
		await(m->fd, POLLIN);
		n = recv(m->fd, text + have, sizeof(text) - have, 0);
		if (n <= 0)
			load_die("the server closed at the greeting");
		have += (size_t)n;
	}
}

size_t
crowd_wait(const struct crowd *c, struct epoll_event *events, int max)
{
	int n;

	while ((n = epoll_wait(c->epoll, events, max, LOAD_PATIENCE_MS)) == -1)
		if (errno != EINTR)
			load_die("epoll: %s", strerror(errno));
	if (n == 0)
		load_die("nothing came for %d s", LOAD_PATIENCE_MS / 1000);
	return (size_t)n;
}

void
crowd_writable(const struct crowd *c, struct member *m, bool on)
{
	struct epoll_event event = {
	    .events = EPOLLIN | (on ? EPOLLOUT : 0U), .data.ptr = m};

	if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, m->fd, &event) == -1)
		load_die("epoll: %s", strerror(errno));
}

void
member_block(struct member *m)
{
	const struct timeval patience = {.tv_sec = LOAD_PATIENCE_MS / 1000};

	if (fcntl(m->fd, F_SETFL, 0) == -1 ||
	    setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience)) == -1)
		load_die("blocking: %s", strerror(errno));
}

bool
member_send(struct member *m, const struct pattern *p)
{
	while (m->sent < m->due) {
		size_t n;
		const char *bytes = pattern_at(
		    p, m->lead * p->each + m->sent, m->due - m->sent, &n);
		ssize_t k = send(m->fd, bytes, n, MSG_NOSIGNAL);

		if (k == -1 && errno == EAGAIN)
			return false;
		if (k == -1)
			load_die("send: %s", strerror(errno));
		m->sent += (size_t)k;
	}
	return true;
}
