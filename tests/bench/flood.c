/*
 * The other end of the benchmark of datagrams.
 *
 *	flood send PORT MILLISECONDS
 *		60 bytes each to 127.0.0.1, as many as go
 *	flood feed N
 *		N packets of 60 bytes into stdout, a pipe of which each read
 *		gives one
 *
 * Prints how many on stderr.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EACH 60
#define RUN 64
#define CALL 16

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long
send_all(int port, long ms)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct mmsghdr m[CALL];
	char text[EACH * RUN];
	struct iovec v = {text, sizeof(text)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), each = EACH, i, n;
	const long end = now_ms() + ms;
	long sent = 0;

	memset(text, 'x', sizeof(text));
	for (i = 1; i <= RUN; i++)
		text[i * EACH - 1] = '\n';
	memset(m, 0, sizeof(m));
	for (i = 0; i < CALL; i++) {
		m[i].msg_hdr.msg_iov = &v;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof(each)) ==
		-1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return -1;
	while (now_ms() < end)
		if ((n = sendmmsg(fd, m, CALL, 0)) > 0)
			sent += n * RUN;
	return sent;
}

static long
feed(long n)
{
	char text[EACH];
	long i;

	memset(text, 'x', sizeof(text));
	text[EACH - 1] = '\n';
	if (fcntl(STDOUT_FILENO, F_SETFL, O_DIRECT) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (write(STDOUT_FILENO, text, EACH) != EACH)
			return -1;
	return n;
}

int
main(int argc, char **argv)
{
	long n = -1;

	if (argc == 4 && strcmp(argv[1], "send") == 0)
		n = send_all(atoi(argv[2]), atol(argv[3]));
	else if (argc == 3 && strcmp(argv[1], "feed") == 0)
		n = feed(atol(argv[2]));
	fprintf(stderr, "%ld\n", n);
	return n == -1 ? 1 : 0;
}
