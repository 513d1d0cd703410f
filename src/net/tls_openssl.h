/*
 * Between the parts of the engine, and for nobody else: tls_openssl.c has the
 * connection, _config.c what connections have in common, _cert.c certificates
 * of ours, _verify.c whom to believe, _words.c what went wrong, _facts.c what
 * was agreed upon.
 */
#ifndef NET_TLS_OPENSSL_H
#define NET_TLS_OPENSSL_H

#include <openssl/ssl.h>

#include "net/tls.h"

#define TLS_PIN_BYTES 32
#define TLS_LOOK 64	/* the first bytes of a peer, for words about it */
#define TLS_SESSIONS 16 /* of so many peers a client keeps one */

struct tls_session {
	char *peer;
	SSL_SESSION *session;
};

/* What is made of the files, and made anew at a reload: one for each name. */
struct tls_identities {
	SSL_CTX **ctx;
	size_t n;
};

struct tls_config {
	enum tls_role role;
	const struct tls_plan *plan;
	struct tls_identities ids;
	uint8_t (*pins)[TLS_PIN_BYTES];
	uint8_t *alpn; /* as it goes over the wire */
	size_t alpn_len;
	int keylog; /* -1: none */
	BIO_METHOD *bio;
	/* Made by self_signed, and kept over reloads. */
	X509 *self_cert;
	EVP_PKEY *self_key;
	struct tls_session sessions[TLS_SESSIONS];
	size_t session_next;
};

/* Where in a record the bytes that came in have ended. */
struct tls_record {
	uint8_t head[5];
	size_t head_n;
	size_t body; /* that is still to come */
	size_t body_n;
	bool first; /* none was complete yet */
};

struct tls_engine {
	struct tls_config *config;
	struct tls_wire *wire;
	SSL *ssl;
	char *host; /* the name or address to be verified; NULL: none */
	char *peer;
	struct tls_record record;
	uint64_t in, out; /* bytes on the wire */
	bool done;	  /* the handshake */
	bool verified;	  /* the peer's certificate has come and is good */
	bool no_memory;
	struct fail *fail; /* NULL: all is well */
	/* Of the handshake alone. */
	uint8_t look[TLS_LOOK];
	size_t look_n;
};

static inline struct tls_engine *
tls_engine_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* --- config */

struct tls_config *tls_config_new(
    enum tls_role, const struct tls_plan *, struct tls_about *, struct fail *);
int tls_config_reload(struct tls_config *, struct tls_about *, struct fail *);
void tls_config_free(struct tls_config *);

/* The newest session with this peer, which is the caller's; or NULL. */
SSL_SESSION *tls_session_take(struct tls_config *, const char *peer);

/* --- certificates of ours */

/* Puts a certificate and its key into the context. -1 and a fail. */
int tls_cert_load(
    const struct tls_plan *, const struct tls_cert *, SSL_CTX *, struct fail *);

/* Makes the config's own, unless it has one, and puts it there. */
int tls_cert_self(struct tls_config *, SSL_CTX *, struct fail *);

/* "sha256:..." of its key. */
void tls_cert_pin(const X509 *, char pin[TLS_PIN_MAX]);
int tls_cert_pin_bytes(const X509 *, uint8_t pin[TLS_PIN_BYTES]);

/* --- whom to believe */

/* CAs and lists of what was revoked. */
int tls_verify_init(const struct tls_config *, SSL_CTX *, struct fail *);

/* For SSL_CTX_set_cert_verify_callback; the argument is the config. */
int tls_verify(X509_STORE_CTX *, void *config);

/* Behind the handshake: is the peer whom we wanted? */
bool tls_is_verified(const struct tls_engine *);

/* Says whom it expects. */
int tls_verify_expect(struct tls_engine *, struct fail *);

/* An address, without the scope of IPv6? */
bool tls_is_address(const char *host, char *plain, size_t cap);

/* --- words */

void tls_text_name(const X509_NAME *, char *buf, size_t cap);
void tls_text_sans(const X509 *, char *buf, size_t cap);
void tls_text_time(const ASN1_TIME *, char *buf, size_t cap);

/* "TLSv1.2" of what stands on the wire. */
const char *tls_text_version(int version);

/*
 * Takes all that OpenSSL has queued: the first of it in words, "" if there is
 * nothing. Returns buf.
 */
char *tls_text_errors(char *buf, size_t cap);

/* Of the engine, from what OpenSSL has queued. Always TLS_FAILED. */
int tls_explain(struct tls_engine *);

/* The peer has ended too early: TLS_FAILED in a handshake, or TLS_CUT. */
int tls_explain_end(struct tls_engine *);

/* What a handshake waits for. */
const char *tls_explain_waiting(const struct tls_engine *);

/* A new fail for the engine; NULL: it has one, which stays, or no memory. */
struct fail *tls_engine_fail(struct tls_engine *);

/* --- facts */

void tls_facts_of(const struct tls_engine *, struct tls_facts *);
void tls_about_cert(const X509 *, struct tls_about *);

#endif
