/*
 * What the connections of a role have in common: certificates, rules, and the
 * sessions of a client; see tls_openssl.h.
 *
 * A reload makes new contexts beside the old ones. A connection keeps the one
 * that it began with; tickets of before are of no use any more, since whom to
 * believe may have changed.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "net/tls_openssl.h"

/* What is refused as too weak, but where old versions are asked for. */
#define SECURITY_LEVEL 2

static int
version_of(enum tls_version v, int otherwise)
{
	static const int numbers[] = {
	    [TLS_1_0] = TLS1_VERSION,
	    [TLS_1_1] = TLS1_1_VERSION,
	    [TLS_1_2] = TLS1_2_VERSION,
	    [TLS_1_3] = TLS1_3_VERSION,
	};

	return v == TLS_DEFAULT ? otherwise : numbers[v];
}

static bool
is_old(const struct tls_plan *p)
{
	return p->min == TLS_1_0 || p->min == TLS_1_1;
}

static int
set_versions(const struct tls_plan *p, SSL_CTX *ctx, struct fail *f)
{
	int min = version_of(p->min, TLS1_2_VERSION);
	int max = version_of(p->max, TLS1_3_VERSION);

	if (min > max) {
		fail_set(f, STATUS_USAGE,
		    "expected --tls-max of at least %s, saw %s",
		    tls_text_version(min), tls_text_version(max));
		return fail_hint(f, "try: --tls-min as well");
	}
	SSL_CTX_set_min_proto_version(ctx, min);
	SSL_CTX_set_max_proto_version(ctx, max);
	SSL_CTX_set_security_level(ctx, is_old(p) ? 0 : SECURITY_LEVEL);
	if (is_old(p))
		SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	return 0;
}

/*
 * What nobody has chosen: of those of 1.3 that there are, by whatever policy
 * the system has, AES with 128 bits comes first, as in browsers. It is no less
 * safe, costs less, and SHA-256 makes the handshake cheaper. False: no memory.
 */
static bool
prefer_fast(SSL_CTX *ctx)
{
	static const char fast[] = "TLS_AES_128_GCM_SHA256";
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
	char list[512] = "";
	const char *name;
	size_t len = 0;
	int i, round;

	for (round = 0; round < 2; round++)
		for (i = 0; i < sk_SSL_CIPHER_num(all); i++) {
			name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i));
			if (strncmp(name, "TLS_", 4) != 0 ||
			    (strcmp(name, fast) == 0) != (round == 0) ||
			    len + strlen(name) + 2 > sizeof(list))
				continue;
			len += (size_t)snprintf(list + len, sizeof(list) - len,
			    "%s%s", len > 0 ? ":" : "", name);
		}
	return len == 0 || SSL_CTX_set_ciphersuites(ctx, list);
}

/* Those of 1.3 have names of their own, and a list of their own. */
static int
set_ciphers(const struct tls_plan *p, SSL_CTX *ctx, struct fail *f)
{
	/* Behind them no list brings back what proves or hides nothing. */
	static const char never[] = ":!aNULL:!eNULL:!PSK:!SRP";
	const char *at = p->ciphers;
	char new[512] = "", old[512 + sizeof(never)] = "", *to;
	size_t len, has;

	for (; at != NULL && *at != '\0'; at += len) {
		at += strspn(at, ":, ");
		len = strcspn(at, ":, ");
		if (*at == '@') {
			fail_set(f, STATUS_USAGE,
			    "--tls-ciphers: expected names of ciphers, saw "
			    "%.*s",
			    (int)len, at);
			return fail_hint(
			    f, "try: --tls-min 1.0, which is for old peers");
		}
		to = strncmp(at, "TLS_", 4) == 0 ? new : old;
		has = strlen(to);
		if (has + len + 2 > sizeof(new))
			return fail_set(f, STATUS_USAGE,
			    "--tls-ciphers: the list is too long");
		if (has > 0 && len > 0)
			to[has++] = ':';
		memcpy(to + has, at, len);
		to[has + len] = '\0';
	}
	if (old[0] != '\0')
		strlcat(old, never, sizeof(old));
	if (new[0] == '\0' && !prefer_fast(ctx))
		return fail_set(f, STATUS_IO, "out of memory");
	if ((old[0] == '\0' || SSL_CTX_set_cipher_list(ctx, old)) &&
	    (new[0] == '\0' || SSL_CTX_set_ciphersuites(ctx, new)))
		return 0;
	fail_set(f, STATUS_USAGE,
	    "--tls-ciphers: expected names of ciphers, saw %s", p->ciphers);
	return fail_hint(
	    f, "try: openssl ciphers -v   for those that there are");
}

/* Of what the client likes, what we like best. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *config)
{
	const struct tls_config *c = config;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, c->alpn,
		(unsigned)c->alpn_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* As it goes over the wire: each with its length before it. */
static int
read_alpn(struct tls_config *c, struct fail *f)
{
	const char *at = c->plan->alpn;
	size_t len;

	if (at == NULL)
		return 0;
	c->alpn = malloc(strlen(at) + 1);
	if (c->alpn == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	for (;; at += len + 1) {
		len = strcspn(at, ",");
		if (len == 0 || len > 255)
			return fail_set(f, STATUS_USAGE,
			    "--tls-alpn: expected names of 1 to 255 bytes with "
			    "commas between, saw \"%s\"",
			    c->plan->alpn);
		c->alpn[c->alpn_len++] = (uint8_t)len;
		memcpy(c->alpn + c->alpn_len, at, len);
		c->alpn_len += len;
		if (at[len] == '\0')
			return 0;
	}
}

static int
bad_pin(const char *pin, struct fail *f)
{
	fail_set(f, STATUS_USAGE,
	    "--tls-pin: expected sha256: and 44 characters of base64, saw %s",
	    pin);
	return fail_hint(f, "wdsock -v says the pin of its peer");
}

static int
read_pins(struct tls_config *c, struct fail *f)
{
	static const char prefix[] = "sha256:";
	const struct tls_plan *p = c->plan;
	uint8_t bytes[TLS_PIN_MAX];
	size_t i, n, pos;
	struct slice in;

	c->pins = calloc(p->pins_n + 1, sizeof(c->pins[0]));
	if (c->pins == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	for (i = 0; i < p->pins_n; i++) {
		if (strncmp(p->pins[i], prefix, sizeof(prefix) - 1) != 0 ||
		    strlen(p->pins[i]) >= TLS_PIN_MAX)
			return bad_pin(p->pins[i], f);
		in = slice_of(p->pins[i] + sizeof(prefix) - 1,
		    strlen(p->pins[i]) - sizeof(prefix) + 1);
		if (text_unbase64(in, bytes, &n, &pos) != TEXT_OK ||
		    n != TLS_PIN_BYTES)
			return bad_pin(p->pins[i], f);
		memcpy(c->pins[i], bytes, TLS_PIN_BYTES);
	}
	return 0;
}

/* A line is written with one call, so that several of us may share a file. */
static void
log_key(const SSL *ssl, const char *line)
{
	const struct tls_config *c = tls_engine_of(ssl)->config;
	char text[512];
	size_t len = strlen(line);

	if (len + 1 >= sizeof(text))
		return;
	memcpy(text, line, len);
	text[len] = '\n';
	while (write(c->keylog, text, len + 1) == -1 && errno == EINTR)
		;
}

/* Whoever reads it reads the conversations: it is for us alone. */
static int
open_keylog(struct tls_config *c, struct fail *f)
{
	const char *path = c->plan->keylog;
	struct stat st;

	if (path == NULL)
		return 0;
	c->keylog = open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    0600);
	if (c->keylog == -1)
		return fail_set(f, STATUS_IO, "--tls-keylog: %s: %s", path,
		    strerror(errno));
	if (fstat(c->keylog, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid != geteuid())
		return fail_set(f, STATUS_IO,
		    "--tls-keylog: %s: expected a file of ours, saw one of "
		    "another user, who could read it",
		    path);
	if (fstat(c->keylog, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) != 0 && fchmod(c->keylog, 0600) == -1)
		return fail_set(f, STATUS_IO,
		    "--tls-keylog: %s: others may read it, and that cannot be "
		    "changed: %s",
		    path, strerror(errno));
	return 0;
}

/* A client keeps what a server gave it, to come back sooner. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_engine *e = tls_engine_of(ssl);
	struct tls_config *c = e->config;
	struct tls_session *s = NULL;
	size_t i;

	for (i = 0; i < TLS_SESSIONS && s == NULL; i++)
		if (c->sessions[i].peer != NULL &&
		    strcmp(c->sessions[i].peer, e->peer) == 0)
			s = &c->sessions[i];
	if (s == NULL) {
		s = &c->sessions[c->session_next++ % TLS_SESSIONS];
		free(s->peer);
		s->peer = strdup(e->peer);
	}
	SSL_SESSION_free(s->session);
	s->session = s->peer == NULL ? NULL : session;
	return s->session != NULL;
}

SSL_SESSION *
tls_session_take(struct tls_config *c, const char *peer)
{
	SSL_SESSION *session;
	size_t i;

	for (i = 0; i < TLS_SESSIONS; i++) {
		if (c->sessions[i].peer == NULL ||
		    strcmp(c->sessions[i].peer, peer) != 0)
			continue;
		session = c->sessions[i].session;
		if (session == NULL || !SSL_SESSION_is_resumable(session))
			return NULL;
		/* Those of 1.3 are used once. */
		if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
			c->sessions[i].session = NULL;
		else
			SSL_SESSION_up_ref(session);
		return session;
	}
	return NULL;
}

static bool
has_name(SSL_CTX *ctx, const char *name)
{
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

	return cert != NULL && X509_check_host(cert, name, 0, flags, NULL) == 1;
}

/* The certificate that a client asks for, or else the first. */
static int
choose_identity(SSL *ssl, int *alert, void *config)
{
	const struct tls_config *c = config;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t i;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (i = 0; i < c->ids.n; i++)
		if (has_name(c->ids.ctx[i], name)) {
			SSL_set_SSL_CTX(ssl, c->ids.ctx[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_NOACK;
}

static int
set_server(struct tls_config *c, SSL_CTX *ctx, struct fail *f)
{
	static const unsigned char context[] = "wdsock";

	/* Tickets remember for us: what a client is given costs us nothing. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_options(
	    ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_identity);
	SSL_CTX_set_tlsext_servername_arg(ctx, c);
	if (c->alpn != NULL)
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, c);
	if (c->plan->ask == TLS_ASK_NOT)
		return 0;
	SSL_CTX_set_verify(ctx,
	    SSL_VERIFY_PEER |
		(c->plan->ask == TLS_ASK_REQUIRE
			? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
			: 0),
	    NULL);
	return tls_verify_init(c, ctx, f);
}

static int
set_client(struct tls_config *c, SSL_CTX *ctx, struct fail *f)
{
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	if (c->alpn != NULL)
		SSL_CTX_set_alpn_protos(ctx, c->alpn, (unsigned)c->alpn_len);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return tls_verify_init(c, ctx, f);
}

static int
set_common(struct tls_config *c, SSL_CTX *ctx, struct fail *f)
{
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify, c);
	if (c->keylog != -1)
		SSL_CTX_set_keylog_callback(ctx, log_key);
	if (set_versions(c->plan, ctx, f) == -1)
		return -1;
	return set_ciphers(c->plan, ctx, f);
}

/* NULL: of nothing, or our own. */
static SSL_CTX *
context_new(struct tls_config *c, const struct tls_cert *cert, struct fail *f)
{
	const bool server = c->role == TLS_SERVER;
	SSL_CTX *ctx =
	    SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	int r;

	if (ctx == NULL) {
		char text[200];

		fail_set(f, STATUS_TLS, "TLS: %s",
		    tls_text_errors(text, sizeof(text)));
		return NULL;
	}
	r = set_common(c, ctx, f);
	if (r == 0)
		r = server ? set_server(c, ctx, f) : set_client(c, ctx, f);
	if (r == 0 && cert != NULL)
		r = tls_cert_load(c->plan, cert, ctx, f);
	else if (r == 0 && server)
		r = tls_cert_self(c, ctx, f);
	if (r == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static void
identities_free(struct tls_identities *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		SSL_CTX_free(ids->ctx[i]);
	free(ids->ctx);
	memset(ids, 0, sizeof(*ids));
}

static int
identities_new(struct tls_config *c, struct tls_identities *ids,
    struct tls_about *about, struct fail *f)
{
	const struct tls_plan *p = c->plan;
	size_t i, n = p->certs_n > 0 ? p->certs_n : 1;

	memset(ids, 0, sizeof(*ids));
	memset(about, 0, sizeof(*about));
	ids->ctx = calloc(n, sizeof(SSL_CTX *));
	if (ids->ctx == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	for (i = 0; i < n; i++) {
		ids->ctx[i] =
		    context_new(c, p->certs_n > 0 ? &p->certs[i] : NULL, f);
		if (ids->ctx[i] == NULL) {
			identities_free(ids);
			return -1;
		}
		ids->n++;
	}
	if (SSL_CTX_get0_certificate(ids->ctx[0]) != NULL)
		tls_about_cert(SSL_CTX_get0_certificate(ids->ctx[0]), about);
	return 0;
}

static int
check_plan(enum tls_role role, const struct tls_plan *p, struct fail *f)
{
	if (role == TLS_SERVER && p->certs_n == 0 && !p->self_signed) {
		fail_set(f, STATUS_USAGE, "a server of TLS has a certificate");
		return fail_hint(f,
		    "try: --tls-cert FILE --tls-key FILE, --tls-p12 FILE, or "
		    "--tls-self-signed");
	}
	if (role == TLS_CLIENT && p->certs_n > 1)
		return fail_set(f, STATUS_USAGE,
		    "expected one certificate of a client, saw %zu",
		    p->certs_n);
	if (role == TLS_SERVER && p->ask != TLS_ASK_NOT && p->ca == NULL &&
	    p->pins_n == 0 && !p->insecure) {
		fail_set(f, STATUS_USAGE,
		    "--tls-client: expected the CA of the clients");
		return fail_hint(f, "try: --tls-ca FILE, or --tls-pin PIN");
	}
	return 0;
}

static void
tell(const struct tls_plan *p, const char *text)
{
	void (*user)(void *, const char *) = p->warn;

	if (user != NULL)
		user(p->owner, text);
}

static void
tell_warnings(enum tls_role role, const struct tls_plan *p)
{
	char text[400];

	if (p->insecure)
		tell(p,
		    role == TLS_CLIENT
			? "warning: --tls-insecure: the server may be anybody; "
			  "whoever is on the way can read and change all"
			: "warning: --tls-insecure: clients may show any "
			  "certificate");
	if (is_old(p))
		tell(p,
		    "warning: TLS 1.0 and 1.1 are broken, and what is weak is "
		    "allowed with them: whoever is on the way may read and "
		    "change all");
	if (p->keylog != NULL) {
		strlcpy(text, "warning: the keys of all connections go to ",
		    sizeof(text));
		strlcat(text, p->keylog, sizeof(text));
		strlcat(text, ": whoever reads it reads them", sizeof(text));
		tell(p, text);
	}
}

struct tls_config *
tls_config_new(enum tls_role role, const struct tls_plan *p,
    struct tls_about *about, struct fail *f)
{
	struct tls_config *c;

	if (check_plan(role, p, f) == -1)
		return NULL;
	/* What it frees at the end of the process others may still use. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
	ERR_clear_error();
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		fail_set(f, STATUS_IO, "out of memory");
		return NULL;
	}
	c->role = role;
	c->plan = p;
	c->keylog = -1;
	if (read_pins(c, f) == -1 || read_alpn(c, f) == -1 ||
	    open_keylog(c, f) == -1 ||
	    identities_new(c, &c->ids, about, f) == -1) {
		tls_config_free(c);
		ERR_clear_error();
		return NULL;
	}
	tell_warnings(role, p);
	return c;
}

static void
forget_sessions(struct tls_config *c)
{
	size_t i;

	for (i = 0; i < TLS_SESSIONS; i++) {
		SSL_SESSION_free(c->sessions[i].session);
		free(c->sessions[i].peer);
	}
	memset(c->sessions, 0, sizeof(c->sessions));
}

int
tls_config_reload(struct tls_config *c, struct tls_about *about, struct fail *f)
{
	struct tls_identities fresh;
	int r;

	ERR_clear_error();
	r = identities_new(c, &fresh, about, f);
	ERR_clear_error();
	if (r == -1)
		return -1;
	identities_free(&c->ids);
	c->ids = fresh;
	forget_sessions(c);
	return 0;
}

void
tls_config_free(struct tls_config *c)
{
	if (c == NULL)
		return;
	forget_sessions(c);
	identities_free(&c->ids);
	free(c->pins);
	free(c->alpn);
	if (c->keylog != -1)
		close(c->keylog);
	BIO_meth_free(c->bio);
	X509_free(c->self_cert);
	EVP_PKEY_free(c->self_key);
	free(c);
}
