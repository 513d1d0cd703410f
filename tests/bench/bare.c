/*
 * Servers without anything: what the kernel and an epoll cost, the floor. What
 * the load reaches against them is what it can measure at all.
 */
#include "load.h"

#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536

struct bare {
	int listener, epoll;
	bool echo, news;
	char *block;
	int *clients; /* of the news */
	size_t n;
};

static void
watch(const struct bare *b, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		load_die("bare: epoll: %s", strerror(errno));
}

static void
take_in(struct bare *b)
{
	int fd, i, on = 1;

	for (i = 0; i < 64; i++) {
		fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd == -1)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(b, fd);
		if (b->news && b->n < MOST)
			b->clients[b->n++] = fd;
	}
}

static void
give(int fd, const char *bytes, size_t n)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (n > 0) {
		ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);

		if (k == -1 && errno != EAGAIN)
			return;
		if (k == -1) {
			poll(&p, 1, -1);
			continue;
		}
		bytes += k;
		n -= (size_t)k;
	}
}

static void
hear(const struct bare *b, int fd)
{
	ssize_t n = recv(fd, b->block, LOAD_BLOCK, 0);

	if (n > 0 && b->echo)
		give(fd, b->block, (size_t)n);
	else if (n == 0 || (n == -1 && errno != EAGAIN))
		close(fd);
}

static void
tell_all(const struct bare *b)
{
	ssize_t n = read(STDIN_FILENO, b->block, LOAD_BLOCK);
	size_t i;

	if (n == 0)
		exit(0);
	for (i = 0; n > 0 && i < b->n; i++)
		give(b->clients[i], b->block, (size_t)n);
}

static void
bare_listen(struct bare *b)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	FILE *ready;

	b->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (b->listener == -1 ||
	    bind(b->listener, (struct sockaddr *)&at, size) == -1 ||
	    listen(b->listener, 4096) == -1 ||
	    getsockname(b->listener, (struct sockaddr *)&at, &size) == -1)
		load_die("bare: cannot listen: %s", strerror(errno));
	if ((ready = fdopen(3, "w")) == NULL)
		load_die("bare: descriptor 3 is not open");
	fprintf(ready, "127.0.0.1:%d\n", ntohs(at.sin_port));
	fclose(ready);
}

void
bare_run(const char *kind)
{
	struct bare b = {.echo = strcmp(kind, "echo") == 0,
	    .news = strcmp(kind, "news") == 0,
	    .epoll = epoll_create1(0),
	    .block = malloc(LOAD_BLOCK),
	    .clients = calloc(MOST, sizeof(int))};
	struct epoll_event events[512];
	int i, n;

	if (b.block == NULL || b.clients == NULL || b.epoll == -1)
		load_die("bare: no memory");
	if (!b.echo && !b.news && strcmp(kind, "sink") != 0)
		load_die("%s: not echo, sink or news", kind);
	bare_listen(&b);
	watch(&b, b.listener);
	if (b.news)
		watch(&b, STDIN_FILENO);
	for (;;) {
		n = epoll_wait(b.epoll, events, 512, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == b.listener)
				take_in(&b);
			else if (events[i].data.fd == STDIN_FILENO)
				tell_all(&b);
			else
				hear(&b, events[i].data.fd);
		}
	}
}
