/*
 * A crowd of clients of serve-multi, in one process:
 *
 *	crowd [--clients N] [--messages N] [--say 0|1] [--hear N] [--bad 0|1]
 *		[--limit SECONDS] [--pid PID] ADDRESS
 *
 * ADDRESS is 127.0.0.1:PORT or [::1]:PORT; the mode is windev. Clients of IPv4
 * have addresses of all of 127.0.0.0/24 but the server's, so that ports do not
 * end. There are good ones, and with --bad 1 in each hundred one that never
 * reads, one that resets in the middle, and one that sends garbage.
 *
 *	--say 1		a good client says N messages, one after the other, and
 *			waits for each to come back (--echo)
 *	--hear N	it hears N messages for all, numbered from 0: "news 17"
 *
 * When all have connected and were heard (an echo each with --say 1), it
 * writes "connected N" on stdout: whoever has news says it now. At the end
 * stand
 *
 *	good 9700 whole 9700 lost 0 twice 0 order 0 torn 0 early 0
 *	never-reads 100 resets 100 garbage 100, closed 98 41 100
 *	rss 123456 KB, peak 234567 KB
 *
 * the last one of the process PID. Status 0 if each good client has had all
 * that was for it, once and in order; 1 if not; 2 if it cannot begin; 77 if the
 * limit of descriptors is too low for so many.
 */

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum kind {
	GOOD,
	SILENT,
	RESETS,
	GARBAGE,
	KINDS
};

struct client {
	int fd;
	enum kind kind;
	bool up, done, gone;
	bool writable;	 /* as far as is known */
	unsigned said;	 /* echoes asked for */
	unsigned echoed; /* and come back */
	unsigned heard;	 /* news */
	size_t in_len;
	char in[64]; /* of a message that is not complete */
	size_t out_at, out_len;
	char out[64];
};

struct tally {
	unsigned whole, lost, twice, order, torn, early, closed[KINDS];
};

struct crowd {
	unsigned n, messages, hear;
	bool say, bad;
	int limit;
	long pid;
	struct sockaddr_storage to;
	socklen_t to_len;
	struct client *v;
	int epoll;
	unsigned next;	 /* to connect */
	unsigned trying; /* connecting now */
	unsigned up;	 /* connected, and echoed once */
	unsigned good, done;
	bool announced;
	struct tally tally;
};

/* As many as the server takes in without dropping one. */
#define AT_ONCE 256

static void stop(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
stop(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("crowd: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(status);
}

static void
watch(struct crowd *c, struct client *one, int how)
{
	struct epoll_event e = {.data.u32 = (uint32_t)(one - c->v)};

	e.events = one->kind == SILENT && one->up ? 0 : EPOLLIN;
	if (!one->up || one->out_at < one->out_len || one->kind == SILENT)
		e.events |= EPOLLOUT;
	if (one->kind == SILENT && one->up && !one->writable)
		e.events = 0;
	if (epoll_ctl(c->epoll, how, one->fd, &e) != 0)
		stop(2, "epoll_ctl: %s", strerror(errno));
}

/* What it has to say: "17 3", its own number and that of the message. */
static void
say(struct crowd *c, struct client *one)
{
	char body[32];
	int n;

	n = snprintf(
	    body, sizeof body, "%u %u", (unsigned)(one - c->v), one->said++);
	one->out_at = 0;
	one->out_len =
	    (size_t)snprintf(one->out, sizeof one->out, "%d\r\n%s", n, body);
}

static void
finish(struct crowd *c, struct client *one)
{
	if (one->done)
		return;
	one->done = true;
	if (one->kind == GOOD)
		c->done++;
}

static void
leave(struct crowd *c, struct client *one)
{
	if (!one->gone)
		c->tally.closed[one->kind]++;
	finish(c, one);
	if (!one->up) {
		one->up = true;
		c->trying--;
		c->up++;
	}
	one->gone = true;
	close(one->fd);
	one->fd = -1;
}

static void
reset(struct crowd *c, struct client *one)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	leave(c, one);
}

static void
write_some(struct crowd *c, struct client *one)
{
	ssize_t n;

	for (;;) {
		if (one->out_at == one->out_len) {
			if (one->kind != SILENT || !c->say)
				break;
			/* Asks for more and more, and reads nothing of it. */
			say(c, one);
		}
		n = send(one->fd, one->out + one->out_at,
		    one->out_len - one->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			leave(c, one);
			return;
		}
		one->out_at += (size_t)n;
		if (one->kind == SILENT && one->said >= c->messages * 100) {
			one->writable = false;
			break;
		}
	}
	watch(c, one, EPOLL_CTL_MOD);
}

/* All that a good one waits for has come. */
static bool
has_all(const struct crowd *c, const struct client *one)
{
	return (!c->say || one->echoed == c->messages) && one->heard == c->hear;
}

static bool
has_half(const struct crowd *c, const struct client *one)
{
	return (!c->say || one->echoed >= c->messages / 2) &&
	    one->heard >= c->hear / 2;
}

static void
go_on(struct crowd *c, struct client *one)
{
	/* The first one only says that it was heard. */
	if (one->kind == GARBAGE && c->announced) {
		one->out_at = 0;
		one->out_len = (size_t)snprintf(one->out, sizeof one->out,
		    "garbage %u<EOF>\r\n", (unsigned)(one - c->v));
		write_some(c, one);
	} else if (one->kind == RESETS && c->announced && has_half(c, one)) {
		reset(c, one);
	} else if (c->say && one->said < c->messages &&
	    (c->announced || one->said == 0)) {
		say(c, one);
		write_some(c, one);
	}
	if (one->fd >= 0 && one->kind == GOOD && has_all(c, one))
		finish(c, one);
}

/* One number in its turn, or what is wrong with it. */
static bool
turn(struct crowd *c, unsigned *expected, unsigned long got)
{
	if (got == *expected) {
		++*expected;
		return true;
	}
	if (got < *expected)
		c->tally.twice++;
	else
		c->tally.order++;
	return false;
}

static void
heard(struct crowd *c, struct client *one, const char *text)
{
	unsigned long who, got;
	char more;

	if (one->kind == SILENT)
		return;
	if (sscanf(text, "news %lu%c", &got, &more) == 1) {
		if (!c->announced)
			c->tally.early++;
		turn(c, &one->heard, got);
	} else if (c->say &&
	    sscanf(text, "%lu %lu%c", &who, &got, &more) == 2 &&
	    who == (unsigned long)(one - c->v)) {
		if (!turn(c, &one->echoed, got))
			return;
		if (one->echoed == 1)
			c->up++;
		go_on(c, one);
		return;
	} else {
		c->tally.torn++;
		if (c->tally.torn == 1)
			fprintf(stderr, "crowd: client %u heard '%s'\n",
			    (unsigned)(one - c->v), text);
	}
	go_on(c, one);
}

/* The first message of the buffer; false: it is not there yet. */
static bool
take(struct crowd *c, struct client *one, const char *buf, size_t len,
    size_t *at)
{
	const char *body;
	char text[64], *end;
	unsigned long n;

	body = memmem(buf + *at, len - *at, "\r\n", 2);
	if (body == NULL)
		return false;
	n = strtoul(buf + *at, &end, 10);
	if (end != body || n >= sizeof text) {
		c->tally.torn++;
		*at = len;
		return false;
	}
	body += 2;
	if ((size_t)(buf + len - body) < n)
		return false;
	memcpy(text, body, n);
	text[n] = '\0';
	*at = (size_t)(body - buf) + n;
	heard(c, one, text);
	return true;
}

static void
read_some(struct crowd *c, struct client *one)
{
	static char buf[65536 + 1];
	size_t len, at = 0;
	ssize_t n;

	memcpy(buf, one->in, one->in_len);
	n = recv(one->fd, buf + one->in_len, 65536 - one->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (one->kind == GOOD && one->in_len > 0)
			c->tally.torn++;
		leave(c, one);
		return;
	}
	len = one->in_len + (size_t)n;
	buf[len] = '\0';
	while (one->fd >= 0 && take(c, one, buf, len, &at))
		;
	if (one->fd < 0)
		return;
	if (len - at > sizeof one->in) {
		c->tally.torn++;
		at = len;
	}
	one->in_len = len - at;
	memcpy(one->in, buf + at, one->in_len);
}

/* The whole first block of loopback has addresses to call from. */
static void
bind_apart(const struct crowd *c, int fd, unsigned i)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int one = 1;

	if (c->to.ss_family != AF_INET)
		return;
	from.sin_addr.s_addr = htonl(0x7f000002 + i % 250);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
		stop(2, "bind: %s", strerror(errno));
}

static void
start_one(struct crowd *c)
{
	static const enum kind bad[] = {
	    [10] = SILENT, [40] = RESETS, [70] = GARBAGE};
	struct client *one = &c->v[c->next];
	unsigned at = c->next % 100;
	int small = 4096, on = 1;

	if (c->bad && at < sizeof bad / sizeof *bad)
		one->kind = bad[at];
	c->good += one->kind == GOOD;
	one->fd = socket(c->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (one->fd < 0)
		stop(2, "socket: %s", strerror(errno));
	bind_apart(c, one->fd, c->next);
	if (one->kind == SILENT)
		setsockopt(
		    one->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(one->fd, (struct sockaddr *)&c->to, c->to_len) != 0 &&
	    errno != EINPROGRESS)
		stop(2, "client %u: connect: %s", c->next, strerror(errno));
	one->writable = true;
	watch(c, one, EPOLL_CTL_ADD);
	c->next++;
	c->trying++;
}

static void
connected(struct crowd *c, struct client *one)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0)
		stop(2, "client %u: connect: %s", (unsigned)(one - c->v),
		    strerror(err));
	one->up = true;
	c->trying--;
	/* Those who are asked for an echo are up when it has come. */
	if (!c->say || one->kind == SILENT)
		c->up++;
	if (one->kind == SILENT)
		write_some(c, one);
	else {
		watch(c, one, EPOLL_CTL_MOD);
		go_on(c, one);
	}
}

static void
happened(struct crowd *c, const struct epoll_event *e)
{
	struct client *one = &c->v[e->data.u32];

	if (one->fd < 0)
		return;
	if (!one->up) {
		connected(c, one);
		return;
	}
	/* One that never reads is told of its end all the same. */
	if (one->kind == SILENT && (e->events & (EPOLLERR | EPOLLHUP))) {
		leave(c, one);
		return;
	}
	if (e->events & EPOLLOUT)
		write_some(c, one);
	if (one->fd >= 0 && (e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		read_some(c, one);
}

static void
announce(struct crowd *c)
{
	unsigned i;

	c->announced = true;
	printf("connected %u\n", c->n);
	fflush(stdout);
	for (i = 0; i < c->n; i++) {
		if (c->v[i].fd >= 0 && c->v[i].kind != SILENT)
			go_on(c, &c->v[i]);
	}
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
run(struct crowd *c)
{
	struct epoll_event e[256];
	int64_t end = now_ms() + (int64_t)c->limit * 1000;
	int i, n;

	while (!c->announced || c->done < c->good) {
		while (c->next < c->n && c->trying < AT_ONCE)
			start_one(c);
		if (!c->announced && c->next == c->n && c->up >= c->n)
			announce(c);
		n = epoll_wait(c->epoll, e, 256, 1000);
		for (i = 0; i < n; i++)
			happened(c, &e[i]);
		if (now_ms() < end)
			continue;
		fprintf(stderr,
		    "crowd: the watch-dog: %d s are over; of %u, %u are up, "
		    "%u of %u have all\n",
		    c->limit, c->n, c->up, c->done, c->good);
		return;
	}
}

/* A line of /proc/PID/status, in KB. */
static long
memory_of(long pid, const char *name)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/status", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	}
	fclose(f);
	return kb;
}

static int
report(struct crowd *c)
{
	struct tally *t = &c->tally;
	unsigned i, n[KINDS] = {0};
	bool fine;

	for (i = 0; i < c->n; i++) {
		n[c->v[i].kind]++;
		if (c->v[i].kind != GOOD)
			continue;
		if (has_all(c, &c->v[i])) {
			t->whole++;
			continue;
		}
		if (c->say)
			t->lost += c->messages - c->v[i].echoed;
		t->lost += c->hear - c->v[i].heard;
	}
	printf("good %u whole %u lost %u twice %u order %u torn %u early %u\n",
	    n[GOOD], t->whole, t->lost, t->twice, t->order, t->torn, t->early);
	printf("never-reads %u resets %u garbage %u, closed %u %u %u\n",
	    n[SILENT], n[RESETS], n[GARBAGE], t->closed[SILENT],
	    t->closed[RESETS], t->closed[GARBAGE]);
	if (c->pid > 0)
		printf("rss %ld KB, peak %ld KB\n", memory_of(c->pid, "VmRSS:"),
		    memory_of(c->pid, "VmHWM:"));
	fine = t->whole == n[GOOD] && t->twice == 0 && t->order == 0 &&
	    t->torn == 0 && t->early == 0;
	return fine ? 0 : 1;
}

static void
parse_address(struct crowd *c, char *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&c->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&c->to;
	char *colon = strrchr(a, ':');
	bool six = a[0] == '[';

	if (colon == NULL || (six && colon[-1] != ']'))
		stop(2, "no address: %s", a);
	*colon = '\0';
	if (six) {
		colon[-1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)atoi(colon + 1));
		c->to_len = sizeof *v6;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(colon + 1));
		c->to_len = sizeof *v4;
	}
	if (inet_pton(six ? AF_INET6 : AF_INET, a + six,
		six ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		stop(2, "no address: %s", a);
}

static void
option(struct crowd *c, const char *name, const char *value)
{
	long n = strtol(value, NULL, 10);

	if (strcmp(name, "--clients") == 0)
		c->n = (unsigned)n;
	else if (strcmp(name, "--messages") == 0)
		c->messages = (unsigned)n;
	else if (strcmp(name, "--say") == 0)
		c->say = n != 0;
	else if (strcmp(name, "--hear") == 0)
		c->hear = (unsigned)n;
	else if (strcmp(name, "--bad") == 0)
		c->bad = n != 0;
	else if (strcmp(name, "--limit") == 0)
		c->limit = (int)n;
	else if (strcmp(name, "--pid") == 0)
		c->pid = n;
	else
		stop(2, "no option: %s", name);
}

int
main(int argc, char **argv)
{
	struct crowd c = {.n = 100, .messages = 100, .limit = 60};
	struct rlimit files;
	int i, status;

	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2)
		option(&c, argv[i], argv[i + 1]);
	if (i != argc - 1)
		stop(2, "usage: crowd [options] ADDRESS");
	parse_address(&c, argv[i]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < c.n + 16)
		stop(77, "%u clients need %u descriptors, the limit is %llu",
		    c.n, c.n + 16, (unsigned long long)files.rlim_cur);
	c.v = calloc(c.n, sizeof *c.v);
	c.epoll = epoll_create1(0);
	if (c.v == NULL || c.epoll < 0)
		stop(2, "%s", strerror(errno));
	run(&c);
	status = report(&c);
	free(c.v);
	return status;
}
