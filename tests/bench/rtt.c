/*
 * The round trip through a tool's pipes: a line goes into its stdin, over a
 * connection to an echo server in here, and comes out of its stdout. Prints
 * the median and the mean in microseconds.
 *
 *	rtt ROUNDS BYTES COMMAND...	HOST and PORT stand for the server's
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
echo_forever(int listener)
{
	int fd = accept(listener, NULL, NULL), on = 1;
	char buf[65536];
	ssize_t n;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			break;
	_exit(0);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static pid_t
start(char **argv, int to[2], int from[2])
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	dup2(to[0], 0);
	dup2(from[1], 1);
	close(to[1]);
	close(from[0]);
	execvp(argv[0], argv);
	_exit(127);
}

/* One line out and back; false: the tool is gone. */
static int
round_trip(int in, int out, const char *line, size_t len)
{
	char buf[65536];
	size_t got = 0;
	ssize_t n;

	if (write(in, line, len) != (ssize_t)len)
		return 0;
	while (got < len) {
		n = read(out, buf, sizeof(buf));
		if (n <= 0)
			return 0;
		got += (size_t)n;
	}
	return 1;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0), to[2], from[2], i;
	int rounds = argc > 3 ? atoi(argv[1]) : 0, bytes;
	double *us = calloc((size_t)rounds + 1, sizeof(*us)), sum = 0, begun;
	char port[16], host[] = "127.0.0.1", *line;

	if (rounds < 1 || us == NULL || pipe(to) == -1 || pipe(from) == -1)
		return 2;
	bytes = atoi(argv[2]);
	line = malloc((size_t)bytes);
	memset(line, 'x', (size_t)bytes);
	line[bytes - 1] = '\n';
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&sin, len) == -1 ||
	    listen(listener, 1) == -1 ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) == -1)
		return 2;
	snprintf(port, sizeof(port), "%d", ntohs(sin.sin_port));
	for (i = 3; i < argc; i++) {
		if (strcmp(argv[i], "PORT") == 0)
			argv[i] = port;
		if (strcmp(argv[i], "HOST") == 0)
			argv[i] = host;
	}
	if (fork() == 0) {
		/* The tool must see the end of its stdin. */
		close(to[1]);
		echo_forever(listener);
	}
	start(argv + 3, to, from);
	close(to[0]);
	close(from[1]);
	for (i = -rounds / 10; i < rounds; i++) {
		begun = now_us();
		if (!round_trip(to[1], from[0], line, (size_t)bytes))
			return 1;
		if (i >= 0)
			sum += us[i] = now_us() - begun;
	}
	close(to[1]);
	while (wait(NULL) > 0)
		;
	qsort(us, (size_t)rounds, sizeof(*us), compare);
	printf("%.2f %.2f\n", us[rounds / 2], sum / rounds);
	return 0;
}
