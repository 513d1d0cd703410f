/*
 * What stands between a scripted peer and the wire where that is TLS:
 *
 *	tlspeer client|server WIRE PLAIN CONTROL [NAME=VALUE ...]
 *
 * Three descriptors that it was given: a connected socket, one end of a pair
 * that carries the plain bytes, and one end of another by which it says what
 * happens and is told what to do. Whatever it has read from PLAIN goes out in
 * one record; the end of PLAIN becomes close_notify, and if the other end is
 * gone altogether the wire is closed behind it.
 *
 *	cert= key=	PEM files; ca= asks for the other's certificate
 *	anonymous=yes	asks for it, and goes on without; with ca=
 *	min= max=	1.0 to 1.3
 *	name= alpn=	of a client; of a server alpn= is what it chooses
 *	tickets=N	that a server gives, 2 as ever
 *	session=FILE	is gone on with if it is there, and kept there
 *	hold=N		no more than N bytes ever go out
 *	cut=N		the wire is closed behind N bytes
 *	bad=N		the byte at N of what goes out is turned round
 *	life=FILE	a FIFO; when nobody has it open for writing, all is over
 *
 * It says, each in a line:
 *
 *	up version=... cipher=... sni=... alpn=... resumed=yes|no peer=SUBJECT
 *	end		close_notify came
 *	fin		the end of the wire, without it
 *	reset		the wire was reset
 *	failed TEXT	TLS came to an end by that
 *	done		what it was told is done
 *
 * and is told, each in a byte:
 *
 *	f	all plain bytes so far are to be on the wire
 *	c	the same, and our half of it is closed without close_notify
 *	r	the same, and it is reset
 *	u	the same, and our keys are changed (TLS 1.3)
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#define PATIENCE_S 90
#define RECORD_MAX 16384

struct tlspeer {
	bool server;
	int wire, plain, control, life;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* what came from the wire, and what is to go there */
	const char *session;
	long hold, cut, bad; /* -1: never */
	long sent;	     /* bytes on the wire */
	bool up;
	bool deaf;		  /* nobody reads what came */
	bool dead;		  /* the wire takes nothing any more */
	bool wire_ended;	  /* nothing more comes from it */
	bool said_end;		  /* and that was said */
	bool notified;		  /* close_notify has gone, or never will */
	bool left;		  /* the other end of plain is gone */
	int told;		  /* a command that is to be done */
	uint8_t came[RECORD_MAX]; /* for plain */
	size_t came_at, came_len;
};

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "tlspeer: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void __attribute__((format(printf, 2, 3)))
say(struct tlspeer *p, const char *format, ...)
{
	char line[2048]; /* longer than any can be */
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof line - 1, format, ap);
	va_end(ap);
	line[n++] = '\n';
	/* Whoever does not listen is gone. */
	(void)send(p->control, line, (size_t)n, MSG_NOSIGNAL);
}

static int
version_of(const char *s)
{
	if (strncmp(s, "1.", 2) != 0 || s[2] < '0' || s[2] > '3')
		give_up(s);
	return TLS1_VERSION + (s[2] - '0');
}

/* Wire format: each name behind its length. */
static size_t
alpn_list(const char *names, uint8_t *list, size_t cap)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(names, ",");

		if (n + 1 + len > cap || len > 255)
			give_up("alpn");
		list[n++] = (uint8_t)len;
		memcpy(list + n, names, len);
		n += len;
		if (names[len] == '\0')
			return n;
		names += len + 1;
	}
}

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *theirs, unsigned int n, void *ours)
{
	static uint8_t list[256];
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, len, list,
		(unsigned)alpn_list(ours, list, sizeof list), theirs,
		n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	const struct tlspeer *p = SSL_get_app_data(ssl);
	FILE *f;

	if (p->session == NULL)
		return 0;
	f = fopen(p->session, "w");
	if (f == NULL || PEM_write_SSL_SESSION(f, session) != 1)
		give_up(p->session);
	fclose(f);
	return 0;
}

static void
take_certificate(struct tlspeer *p, const char *name, const char *value)
{
	int ok = strcmp(name, "cert") == 0
	    ? SSL_CTX_use_certificate_chain_file(p->ctx, value)
	    : SSL_CTX_use_PrivateKey_file(p->ctx, value, SSL_FILETYPE_PEM);

	if (ok != 1)
		give_up(value);
}

static void
take_ca(struct tlspeer *p, const char *file)
{
	if (SSL_CTX_load_verify_file(p->ctx, file) != 1)
		give_up(file);
	SSL_CTX_set_client_CA_list(p->ctx, SSL_load_client_CA_file(file));
	SSL_CTX_set_verify(
	    p->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* What concerns the context; false: something else. */
static bool
set_up_context(struct tlspeer *p, const char *name, char *value)
{
	if (strcmp(name, "cert") == 0 || strcmp(name, "key") == 0) {
		take_certificate(p, name, value);
	} else if (strcmp(name, "ca") == 0) {
		take_ca(p, value);
	} else if (strcmp(name, "anonymous") == 0) {
		SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, NULL);
	} else if (strcmp(name, "min") == 0) {
		SSL_CTX_set_min_proto_version(p->ctx, version_of(value));
	} else if (strcmp(name, "max") == 0) {
		SSL_CTX_set_max_proto_version(p->ctx, version_of(value));
	} else if (strcmp(name, "tickets") == 0) {
		SSL_CTX_set_num_tickets(p->ctx, (size_t)atoi(value));
	} else if (strcmp(name, "alpn") == 0 && p->server) {
		SSL_CTX_set_alpn_select_cb(p->ctx, choose_alpn, value);
	} else {
		return false;
	}
	return true;
}

/* What concerns the connection. */
static void
set_up_connection(struct tlspeer *p, const char *name, char *value)
{
	if (strcmp(name, "name") == 0) {
		SSL_set_tlsext_host_name(p->ssl, value);
	} else if (strcmp(name, "alpn") == 0) {
		uint8_t list[256];

		SSL_set_alpn_protos(p->ssl, list,
		    (unsigned)alpn_list(value, list, sizeof list));
	} else if (strcmp(name, "session") == 0) {
		FILE *f = fopen(value, "r");
		SSL_SESSION *session = NULL;

		p->session = value;
		if (f != NULL) {
			session = PEM_read_SSL_SESSION(f, NULL, NULL, NULL);
			fclose(f);
		}
		if (session != NULL)
			SSL_set_session(p->ssl, session);
	} else if (strcmp(name, "hold") == 0) {
		p->hold = atol(value);
	} else if (strcmp(name, "cut") == 0) {
		p->cut = atol(value);
	} else if (strcmp(name, "bad") == 0) {
		p->bad = atol(value);
	} else if (strcmp(name, "life") == 0) {
		p->life = open(value, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	} else {
		errno = EINVAL;
		give_up(name);
	}
}

static void
set_up(struct tlspeer *p, char **words, int n)
{
	p->ctx =
	    SSL_CTX_new(p->server ? TLS_server_method() : TLS_client_method());
	if (p->ctx == NULL)
		give_up("SSL_CTX_new");
	/* What is weak is for the other side to refuse. */
	SSL_CTX_set_security_level(p->ctx, 0);
	SSL_CTX_set_session_cache_mode(
	    p->ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(p->ctx, keep_session);
	for (int i = 0; i < n; i++) {
		char *value = strchr(words[i], '=');

		if (value == NULL)
			give_up(words[i]);
		*value++ = '\0';
		if (set_up_context(p, words[i], value))
			words[i] = NULL;
	}
	p->ssl = SSL_new(p->ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	if (p->ssl == NULL || p->in == NULL || p->out == NULL)
		give_up("SSL_new");
	BIO_set_mem_eof_return(p->in, -1);
	SSL_set_bio(p->ssl, p->in, p->out);
	SSL_set_app_data(p->ssl, p);
	for (int i = 0; i < n; i++)
		if (words[i] != NULL)
			set_up_connection(
			    p, words[i], words[i] + strlen(words[i]) + 1);
	if (p->server)
		SSL_set_accept_state(p->ssl);
	else
		SSL_set_connect_state(p->ssl);
}

static void
say_up(struct tlspeer *p)
{
	const char *sni = SSL_get_servername(p->ssl, TLSEXT_NAMETYPE_host_name);
	X509 *cert = SSL_get1_peer_certificate(p->ssl);
	char subject[256] = "";
	const unsigned char *alpn;
	unsigned alpn_len;

	if (cert != NULL)
		X509_NAME_oneline(
		    X509_get_subject_name(cert), subject, sizeof subject);
	X509_free(cert);
	SSL_get0_alpn_selected(p->ssl, &alpn, &alpn_len);
	say(p, "up version=%s cipher=%s sni=%s alpn=%.*s resumed=%s peer=%s",
	    SSL_get_version(p->ssl), SSL_get_cipher_name(p->ssl),
	    sni == NULL ? "" : sni, (int)alpn_len, (const char *)alpn,
	    SSL_session_reused(p->ssl) ? "yes" : "no", subject);
}

/* Nothing more comes; `how` is said once. */
static void
come_to_end(struct tlspeer *p, const char *how, const char *why)
{
	if (!p->said_end)
		say(p, "%s%s%s", how, *why == '\0' ? "" : " ", why);
	p->said_end = true;
	shutdown(p->plain, SHUT_WR);
}

/* Of a call that did not go on: false if it only waits. */
static bool
has_failed(struct tlspeer *p, int result)
{
	unsigned long e;
	const char *why;

	switch (SSL_get_error(p->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return false;
	case SSL_ERROR_ZERO_RETURN:
		come_to_end(p, "end", "");
		return true;
	default:
		e = ERR_get_error();
		why = ERR_reason_error_string(e);
		come_to_end(p, "failed", why == NULL ? "?" : why);
		ERR_clear_error();
		p->notified = true;
		return true;
	}
}

static void
shake_hands(struct tlspeer *p)
{
	int n;

	if (p->up || p->said_end)
		return;
	n = SSL_do_handshake(p->ssl);
	if (n == 1) {
		p->up = true;
		say_up(p);
	} else {
		has_failed(p, n);
	}
}

/* From TLS to plain: as much as it takes. */
static void
pass_in(struct tlspeer *p)
{
	while (p->up) {
		if (p->came_at == p->came_len) {
			int n;

			if (p->said_end)
				return;
			n = SSL_read(p->ssl, p->came, sizeof p->came);
			if (n <= 0) {
				has_failed(p, n);
				return;
			}
			p->came_at = 0;
			p->came_len = (size_t)n;
		}
		ssize_t n = p->deaf
		    ? (ssize_t)(p->came_len - p->came_at)
		    : send(p->plain, p->came + p->came_at,
			  p->came_len - p->came_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			p->deaf = true;
		else
			p->came_at += (size_t)n;
	}
}

/* From plain to TLS, a record each time. */
static void
pass_out(struct tlspeer *p)
{
	uint8_t buf[RECORD_MAX];
	ssize_t n;

	while (p->up && !p->notified && BIO_ctrl_pending(p->out) < RECORD_MAX) {
		n = recv(p->plain, buf, sizeof buf, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			SSL_shutdown(p->ssl);
			p->notified = true;
		} else if (SSL_write(p->ssl, buf, (int)n) <= 0) {
			p->notified = true;
		}
	}
}

static void
close_wire(struct tlspeer *p)
{
	p->dead = true;
	p->notified = true;
	shutdown(p->wire, SHUT_RDWR);
}

/* From TLS to the wire: what is not held back. */
static void
send_out(struct tlspeer *p)
{
	char *all;
	long len, n;

	for (;;) {
		len = BIO_get_mem_data(p->out, &all);
		if (p->hold >= 0 && p->sent + len > p->hold)
			len = p->hold - p->sent;
		if (p->cut >= 0 && p->sent + len > p->cut)
			len = p->cut - p->sent;
		if (p->dead) {
			(void)BIO_reset(p->out);
			return;
		}
		if (len <= 0)
			break;
		if (p->bad >= p->sent && p->bad < p->sent + len)
			all[p->bad - p->sent] ^= 0x55;
		n = send(p->wire, all, (size_t)len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			p->dead = true;
			continue;
		}
		p->sent += n;
		for (char gone[1024]; n > 0;)
			n -= BIO_read(p->out, gone, n < 1024 ? (int)n : 1024);
	}
	if (p->cut >= 0 && p->sent >= p->cut)
		close_wire(p);
}

/* From the wire to TLS. */
static void
take_in(struct tlspeer *p)
{
	uint8_t buf[RECORD_MAX];
	ssize_t n;

	if (p->wire_ended || p->came_at < p->came_len)
		return;
	n = recv(p->wire, buf, sizeof buf, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		BIO_write(p->in, buf, (int)n);
		return;
	}
	p->wire_ended = true;
	if (!p->up)
		p->notified = true;
	come_to_end(p, n == 0 ? "fin" : "reset", "");
}

static bool
is_held(const struct tlspeer *p)
{
	return p->hold >= 0 && p->sent >= p->hold;
}

/* Is all that was given before the command on the wire? */
static bool
is_flushed(const struct tlspeer *p)
{
	struct pollfd f = {.fd = p->plain, .events = POLLIN};

	if (p->dead || is_held(p))
		return true;
	if (BIO_ctrl_pending(p->out) > 0 || !p->up)
		return false;
	return p->notified || poll(&f, 1, 0) == 0 || (f.revents & POLLIN) == 0;
}

static void
do_as_told(struct tlspeer *p)
{
	static const struct linger none = {.l_onoff = 1, .l_linger = 0};
	char command;

	if (p->told == 0 && recv(p->control, &command, 1, 0) == 1)
		p->told = command;
	if (p->told == 0 || !is_flushed(p))
		return;
	if (p->told == 'c') {
		p->notified = true;
		shutdown(p->wire, SHUT_WR);
	} else if (p->told == 'r') {
		setsockopt(p->wire, SOL_SOCKET, SO_LINGER, &none, sizeof none);
		close(p->wire);
	} else if (p->told == 'u') {
		SSL_key_update(p->ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(p->ssl);
		send_out(p);
	}
	say(p, "done");
	if (p->told == 'r')
		exit(0);
	p->told = 0;
}

/* The script has ended, and what it gave is out: so does this. */
static bool
is_over(const struct tlspeer *p)
{
	return p->left &&
	    (is_held(p) || (p->notified && BIO_ctrl_pending(p->out) == 0));
}

static void
wait_for_more(struct tlspeer *p)
{
	bool waits = p->came_at < p->came_len;
	bool to_send = BIO_ctrl_pending(p->out) > 0 && !is_held(p);
	struct pollfd f[4] = {
	    {.fd = p->wire},
	    {.fd = p->plain},
	    {.fd = p->left ? -1 : p->control},
	    {.fd = p->life},
	};

	if (!p->wire_ended && !waits)
		f[0].events |= POLLIN;
	if (to_send)
		f[0].events |= POLLOUT;
	if (f[0].events == 0)
		f[0].fd = -1;
	if (p->up && !p->notified && !to_send)
		f[1].events |= POLLIN;
	if (waits)
		f[1].events |= POLLOUT;
	/* It says at once that the other end is gone, each time. */
	if (p->left && f[1].events == 0)
		f[1].fd = -1;
	if (p->told == 0)
		f[2].events |= POLLIN;
	if (poll(f, 4, -1) < 0 && errno != EINTR)
		give_up("poll");
	if ((f[1].revents & (POLLHUP | POLLERR)) != 0)
		p->left = true;
	if ((f[3].revents & POLLHUP) != 0)
		exit(0);
}

static int
nonblocking(const char *number)
{
	int fd = atoi(number);

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		give_up(number);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct tlspeer p = {
	    .hold = -1, .cut = -1, .bad = -1, .life = -1};

	if (argc < 5) {
		fputs("usage: tlspeer client|server WIRE PLAIN CONTROL "
		      "[NAME=VALUE ...]\n",
		    stderr);
		return 2;
	}
	alarm(PATIENCE_S);
	p.server = strcmp(argv[1], "server") == 0;
	p.wire = nonblocking(argv[2]);
	p.plain = nonblocking(argv[3]);
	p.control = nonblocking(argv[4]);
	set_up(&p, argv + 5, argc - 5);
	for (;;) {
		shake_hands(&p);
		pass_in(&p);
		pass_out(&p);
		send_out(&p);
		do_as_told(&p);
		if (is_over(&p))
			return 0;
		wait_for_more(&p);
		take_in(&p);
	}
}
