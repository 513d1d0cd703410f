/*
 * The engine of TLS, by OpenSSL; see tls.h.
 *
 * A BIO of our own stands between OpenSSL and the wire. It never says that the
 * peer has ended, since after that OpenSSL would not let us write either: the
 * end is looked at behind each call.
 *
 *	handshake --> open --> (TLS_END) --> ...
 *	         \__________\---> TLS_FAILED
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "net/tls_openssl.h"

#define OUT_FIRST 4096

/* Its length stands in two bytes, and three of it have come. */
static size_t
old_body(const uint8_t *head)
{
	size_t len = (size_t)(head[0] & 0x7f) << 8 | head[1];

	return len < 3 ? 0 : len - 3;
}

/* Follows the records as their bytes come in. */
static void
record_follow(struct tls_record *r, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		if (r->head_n < sizeof(r->head)) {
			r->head[r->head_n++] = *p++;
			len--;
			if (r->head_n < sizeof(r->head))
				continue;
			r->body = (size_t)r->head[3] << 8 | r->head[4];
			/* A ClientHello as version 2 had it. */
			if (r->first && r->head[0] & 0x80)
				r->body = old_body(r->head);
			r->body_n = 0;
			r->first = false;
		}
		n = len < r->body ? len : r->body;
		r->body -= n;
		r->body_n += n;
		p += n;
		len -= n;
		if (r->body == 0)
			r->head_n = 0;
	}
}

static int
wire_read(BIO *bio, char *buf, int len)
{
	struct tls_engine *e = BIO_get_data(bio);
	struct slice *in = &e->wire->in;
	size_t n = (size_t)len < in->len ? (size_t)len : in->len, look;

	BIO_clear_retry_flags(bio);
	if (len <= 0 || n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, in->p, n);
	record_follow(&e->record, in->p, n);
	look =
	    sizeof(e->look) - e->look_n < n ? sizeof(e->look) - e->look_n : n;
	memcpy(e->look + e->look_n, in->p, look);
	e->look_n += look;
	e->in += n;
	in->p += n;
	in->len -= n;
	return (int)n;
}

static int
wire_write(BIO *bio, const char *buf, int len)
{
	struct tls_engine *e = BIO_get_data(bio);
	struct span *out = &e->wire->out;
	size_t n = (size_t)len, cap = out->cap;
	uint8_t *p;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	while (cap - out->len < n)
		cap = cap == 0 ? OUT_FIRST : cap * 2;
	if (cap > out->cap) {
		p = realloc(out->p, cap);
		if (p == NULL) {
			e->no_memory = true;
			return -1;
		}
		out->p = p;
		out->cap = cap;
	}
	memcpy(out->p + out->len, buf, n);
	out->len += n;
	e->out += n;
	return len;
}

static long
wire_ctrl(BIO *bio, int what, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

/* The config's, made with the first of its engines. */
static BIO_METHOD *
wire_method(struct tls_config *c)
{
	BIO_METHOD *m = c->bio;

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wdsock wire");
	if (m == NULL)
		return NULL;
	BIO_meth_set_read(m, wire_read);
	BIO_meth_set_write(m, wire_write);
	BIO_meth_set_ctrl(m, wire_ctrl);
	c->bio = m;
	return m;
}

static bool
connect_bio(struct tls_engine *e)
{
	BIO_METHOD *m = wire_method(e->config);
	BIO *bio = m == NULL ? NULL : BIO_new(m);

	if (bio == NULL)
		return false;
	BIO_set_data(bio, e);
	BIO_set_init(bio, 1);
	SSL_set_bio(e->ssl, bio, bio);
	return true;
}

static void
engine_free(struct tls_engine *e)
{
	if (e == NULL)
		return;
	/* Otherwise OpenSSL thinks badly of the session, and forgets it. */
	if (e->ssl != NULL && e->done && e->fail == NULL)
		SSL_set_shutdown(
		    e->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(e->ssl);
	free(e->host);
	free(e->peer);
	free(e->fail);
	free(e);
}

/* Whom a client wants to reach, and what it remembers of it. */
static int
prepare_client(struct tls_engine *e, struct fail *f)
{
	SSL_SESSION *session = tls_session_take(e->config, e->peer);
	char address[64];
	int ok = 1;

	SSL_set_connect_state(e->ssl);
	if (session != NULL) {
		ok = SSL_set_session(e->ssl, session);
		SSL_SESSION_free(session);
	}
	if (ok && e->host != NULL &&
	    !tls_is_address(e->host, address, sizeof(address)))
		ok = (int)SSL_set_tlsext_host_name(e->ssl, e->host);
	if (!ok)
		return fail_set(f, STATUS_TLS,
		    "expected the name of a host, saw %s", e->host);
	return tls_verify_expect(e, f);
}

static struct tls_engine *
engine_make(struct tls_config *c, const struct tls_peer *peer,
    struct tls_wire *wire, const char *host)
{
	struct tls_engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->config = c;
	e->wire = wire;
	e->record.first = true;
	e->peer = strdup(peer->text);
	e->host = host == NULL ? NULL : strdup(host);
	e->ssl = SSL_new(c->ids.ctx[0]);
	if (e->peer == NULL || (host != NULL && e->host == NULL) ||
	    e->ssl == NULL || !SSL_set_app_data(e->ssl, e) || !connect_bio(e)) {
		engine_free(e);
		return NULL;
	}
	return e;
}

static struct tls_engine *
engine_new(struct tls_config *c, const struct tls_peer *peer,
    struct tls_wire *wire, struct fail *f)
{
	const char *host = c->plan->name != NULL ? c->plan->name : peer->host;
	struct tls_engine *e;

	if (c->role == TLS_SERVER)
		host = NULL;
	e = engine_make(c, peer, wire, host);
	ERR_clear_error();
	if (e == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return NULL;
	}
	if (c->role == TLS_SERVER)
		SSL_set_accept_state(e->ssl);
	else if (prepare_client(e, f) == -1) {
		ERR_clear_error();
		engine_free(e);
		return NULL;
	}
	return e;
}

/* What a call of OpenSSL that did not succeed has met. */
static int
look_at(struct tls_engine *e, int result)
{
	int why = SSL_get_error(e->ssl, result);

	if (why == SSL_ERROR_WANT_READ && e->fail == NULL) {
		ERR_clear_error();
		/* Behind a ticket OpenSSL would keep them. */
		if (e->done && e->record.head_n == 0)
			SSL_free_buffers(e->ssl);
		return e->wire->in_ended ? tls_explain_end(e) : TLS_WANT;
	}
	if (why == SSL_ERROR_ZERO_RETURN && e->done) {
		ERR_clear_error();
		return TLS_END;
	}
	return tls_explain(e);
}

static int
handshake(struct tls_engine *e)
{
	struct fail *f;
	int r;

	if (e->fail != NULL)
		return TLS_FAILED;
	ERR_clear_error();
	r = SSL_do_handshake(e->ssl);
	if (r != 1)
		return look_at(e, r);
	/* Whatever the library made of it: nobody passes unseen. */
	if (!tls_is_verified(e)) {
		f = tls_engine_fail(e);
		if (f != NULL)
			fail_set(f, STATUS_TLS,
			    "expected a certificate of the peer, saw none");
		return TLS_FAILED;
	}
	e->done = true;
	SSL_free_buffers(e->ssl);
	return 1;
}

static ssize_t
engine_read(struct tls_engine *e, void *buf, size_t len)
{
	size_t n;
	int r;

	if (e->fail != NULL && e->fail->status != STATUS_TRUNCATED)
		return TLS_FAILED;
	ERR_clear_error();
	r = SSL_read_ex(e->ssl, buf, len, &n);
	return r == 1 ? (ssize_t)n : look_at(e, r);
}

static size_t
engine_pending(const struct tls_engine *e)
{
	return (size_t)SSL_pending(e->ssl);
}

static size_t
engine_missing(const struct tls_engine *e, size_t *held)
{
	const struct tls_record *r = &e->record;

	*held = r->head_n + (r->head_n == sizeof(r->head) ? r->body_n : 0);
	return r->head_n < sizeof(r->head) ? sizeof(r->head) - r->head_n
					   : r->body;
}

static int
engine_write(struct tls_engine *e, const void *p, size_t len)
{
	size_t n;
	int r;

	if (e->fail != NULL && e->fail->status != STATUS_TRUNCATED)
		return TLS_FAILED;
	ERR_clear_error();
	r = SSL_write_ex(e->ssl, p, len, &n);
	return r == 1 ? 0 : tls_explain(e);
}

static int
engine_shut(struct tls_engine *e)
{
	int r;

	if (!e->done || (e->fail != NULL && e->fail->status == STATUS_TLS))
		return TLS_FAILED;
	ERR_clear_error();
	r = SSL_shutdown(e->ssl);
	ERR_clear_error();
	return r < 0 && e->no_memory ? tls_explain(e) : 0;
}

static bool
has_halves(const struct tls_engine *e)
{
	return SSL_version(e->ssl) >= TLS1_3_VERSION;
}

static const struct fail *
engine_fail(const struct tls_engine *e)
{
	return e->fail;
}

const struct tls_face tls_face = {
    .config_new = tls_config_new,
    .config_reload = tls_config_reload,
    .config_free = tls_config_free,
    .engine_new = engine_new,
    .handshake = handshake,
    .waiting = tls_explain_waiting,
    .read = engine_read,
    .pending = engine_pending,
    .missing = engine_missing,
    .write = engine_write,
    .shut = engine_shut,
    .has_halves = has_halves,
    .facts = tls_facts_of,
    .fail = engine_fail,
    .engine_free = engine_free,
    .library = OPENSSL_VERSION_TEXT,
};

const struct module tls_module = {
    .version = MODULE_VERSION,
    .name = "tls",
    .with = OPENSSL_VERSION_TEXT,
    .face = &tls_face,
};
