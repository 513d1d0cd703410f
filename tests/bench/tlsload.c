/*
 * Clients of TLS for the benchmarks, one after the other, on 127.0.0.1:
 *
 *	tlsload shake PORT N	N full handshakes, each closed in order
 *	tlsload hold PORT N	N of them held open, "held" said, until stdin ends
 *
 * Each reads what a server gives at once (tickets) before the next one comes.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Many more clients than one address of ours has ports are spread. */
static int
dial(unsigned short port, unsigned number)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / 10000)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		err(1, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static SSL *
shake(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(1, "no handshake");
	}
	return ssl;
}

static void
hang_up(SSL *ssl, int fd)
{
	char byte;

	SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (SSL_read(ssl, &byte, 1) > 0)
		;
	ERR_clear_error();
	SSL_free(ssl);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char byte;

	if (argc != 4 || ctx == NULL)
		errx(2, "usage: tlsload shake|hold PORT N");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	for (unsigned i = 0; i < (unsigned)atoi(argv[3]); i++) {
		int fd = dial((unsigned short)atoi(argv[2]), i);
		SSL *ssl = shake(ctx, fd);

		if (strcmp(argv[1], "shake") == 0)
			hang_up(ssl, fd);
	}
	if (strcmp(argv[1], "hold") == 0) {
		puts("held");
		fflush(stdout);
		while (read(0, &byte, 1) > 0)
			;
	}
	SSL_CTX_free(ctx);
	return 0;
}
