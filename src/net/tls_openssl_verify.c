/*
 * Whom to believe, and what is said of whom we do not; see tls_openssl.h.
 *
 * A pin that matches stands in place of chain, name and dates; where there are
 * pins and none matches, nothing else helps.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_openssl.h"

#define CHAIN_LEVEL 2 /* of what a chain is made, also with old versions */

bool
tls_is_address(const char *host, char *plain, size_t cap)
{
	size_t len = strcspn(host, "%");
	struct in6_addr in6;
	struct in_addr in;

	if (len >= cap)
		return false;
	memcpy(plain, host, len);
	plain[len] = '\0';
	return inet_pton(AF_INET, host, &in) == 1 ||
	    inet_pton(AF_INET6, plain, &in6) == 1;
}

/* Does OpenSSL's directory of hashed names know it, or is it a plain one? */
static bool
is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.';
}

static bool
is_certificate(const char *name)
{
	static const char *const ends[] = {".pem", ".crt", ".cer"};
	size_t i, len = strlen(name);

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > 4 && strcmp(name + len - 4, ends[i]) == 0)
			return true;
	return false;
}

/* A directory: what is hashed is found when needed, all else is read now. */
static int
load_directory(X509_STORE *store, const char *path, struct fail *f)
{
	char file[PATH_MAX];
	const struct dirent *d;
	bool any = false;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return fail_set(
		    f, STATUS_IO, "--tls-ca: %s: %s", path, strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		if (is_hashed(d->d_name))
			any = true;
		if (!is_certificate(d->d_name) ||
		    snprintf(file, sizeof(file), "%s/%s", path, d->d_name) >=
			(int)sizeof(file))
			continue;
		any = X509_STORE_load_file(store, file) == 1 || any;
	}
	closedir(dir);
	ERR_clear_error();
	if (any && X509_STORE_load_path(store, path) == 1)
		return 0;
	return fail_set(f, STATUS_TLS,
	    "--tls-ca: %s: expected certificates in PEM (.pem, .crt, .cer), "
	    "saw none",
	    path);
}

static int
load_ca(const char *path, SSL_CTX *ctx, struct fail *f)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	struct stat st;
	char why[200];

	if (path == NULL) {
		X509_STORE_set_default_paths(store);
		ERR_clear_error();
		return 0;
	}
	if (stat(path, &st) == -1)
		return fail_set(
		    f, STATUS_IO, "--tls-ca: %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return load_directory(store, path, f);
	if (X509_STORE_load_file(store, path) == 1)
		return 0;
	return fail_set(f, STATUS_TLS,
	    "--tls-ca: %s: expected certificates in PEM, saw: %s", path,
	    tls_text_errors(why, sizeof(why)));
}

static int
load_crl(const char *path, SSL_CTX *ctx, struct fail *f)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio;
	X509_CRL *crl;
	int n = 0;

	if (path == NULL)
		return 0;
	errno = 0;
	bio = BIO_new_file(path, "rb");
	if (bio == NULL)
		return fail_set(f, STATUS_IO, "--tls-crl: %s: %s", path,
		    errno != 0 ? strerror(errno) : "cannot be opened");
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
	}
	if (n == 0) {
		(void)BIO_reset(bio);
		crl = d2i_X509_CRL_bio(bio, NULL);
		if (crl != NULL)
			n = X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (n == 0)
		return fail_set(f, STATUS_TLS,
		    "--tls-crl: %s: expected a list of revoked certificates "
		    "(CRL), saw none",
		    path);
	X509_STORE_set_flags(
	    store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

int
tls_verify_init(const struct tls_config *c, SSL_CTX *ctx, struct fail *f)
{
	const struct tls_plan *p = c->plan;
	STACK_OF(X509_NAME) * names;
	struct stat st;

	/* The system's CAs say nothing about who may be a client. */
	if (!(c->role == TLS_SERVER && p->ca == NULL) &&
	    load_ca(p->ca, ctx, f) == -1)
		return -1;
	if (load_crl(p->crl, ctx, f) == -1)
		return -1;
	if (c->role == TLS_CLIENT || p->ca == NULL || stat(p->ca, &st) == -1 ||
	    S_ISDIR(st.st_mode))
		return 0;
	names = SSL_load_client_CA_file(p->ca);
	if (names != NULL)
		SSL_CTX_set_client_CA_list(ctx, names);
	ERR_clear_error();
	return 0;
}

int
tls_verify_expect(struct tls_engine *e, struct fail *f)
{
	const struct tls_config *c = e->config;
	X509_VERIFY_PARAM *p = SSL_get0_param(e->ssl);
	char address[64];
	int ok = 1;

	if (c->plan->insecure || c->plan->pins_n > 0)
		return 0;
	if (e->host == NULL) {
		fail_set(f, STATUS_USAGE,
		    "there is no name that the certificate could be for");
		return fail_hint(
		    f, "try: --tls-name NAME, or --tls-pin sha256:...");
	}
	X509_VERIFY_PARAM_set_hostflags(p,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (tls_is_address(e->host, address, sizeof(address)))
		ok = X509_VERIFY_PARAM_set1_ip_asc(p, address);
	else
		/* With a dot before it, it would be any name below that. */
		ok = e->host[0] != '.' &&
		    X509_VERIFY_PARAM_set1_host(p, e->host, 0);
	if (ok)
		return 0;
	return fail_set(
	    f, STATUS_USAGE, "expected a name or an address, saw %s", e->host);
}

/* What is said of a certificate that is refused. */
struct refused {
	struct tls_engine *e;
	X509 *cert; /* the one that is wrong */
	X509 *leaf; /* the peer's */
	int depth;
	int shown; /* how many the peer has shown */
	char subject[256];
	char issuer[256];
	char names[512];
	char pin[TLS_PIN_MAX];
};

static const char *
whose(const struct refused *r)
{
	return r->e->config->role == TLS_CLIENT ? "the server's certificate"
						: "the client's certificate";
}

/* "its certificate", or the one above it that is wrong. */
static void
which(const struct refused *r, char *buf, size_t cap)
{
	if (r->depth == 0)
		snprintf(buf, cap, "%s", whose(r));
	else
		snprintf(
		    buf, cap, "%s: the CA %s above it", whose(r), r->subject);
}

static void
say_name(const struct refused *r, struct fail *f)
{
	const char *host = r->e->host;
	char first[256], address[64];

	if (r->names[0] == '\0')
		fail_set(f, STATUS_TLS,
		    "%s names no host, expected %s; its subject is %s, which "
		    "does not count",
		    whose(r), host, r->subject);
	else
		fail_set(f, STATUS_TLS, "certificate is for %s, expected %s",
		    r->names, host);
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(r->names, ","),
	    r->names);
	if (first[0] != '\0' && first[0] != '*' &&
	    !tls_is_address(first, address, sizeof(address)))
		fail_hint(f, "try: --tls-name %s, if that is who it should be",
		    first);
	else
		fail_hint(f, "try: --tls-pin %s, if this is its key", r->pin);
}

static void
say_dates(const struct refused *r, bool early, struct fail *f)
{
	char when[32], now[32], what[400];
	ASN1_TIME *t = ASN1_TIME_set(NULL, time(NULL));

	tls_text_time(
	    early ? X509_get0_notBefore(r->cert) : X509_get0_notAfter(r->cert),
	    when, sizeof(when));
	tls_text_time(t, now, sizeof(now));
	ASN1_TIME_free(t);
	which(r, what, sizeof(what));
	fail_set(f, STATUS_TLS, "%s %s %s; it is %s now", what,
	    early ? "is not valid before" : "expired on", when, now);
	fail_hint(
	    f, "try: the clock; or --tls-pin %s, if this is its key", r->pin);
}

static void
say_unknown(const struct refused *r, int err, struct fail *f)
{
	char what[400];

	which(r, what, sizeof(what));
	if (err == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
		fail_set(f, STATUS_TLS,
		    "%s is self-signed (%s), expected one of a known CA", what,
		    r->subject);
		fail_hint(f, "try: --tls-pin %s, if this is its key", r->pin);
		return;
	}
	if (err == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
		fail_set(f, STATUS_TLS,
		    "%s is of an unknown CA: its chain ends in %s", whose(r),
		    r->subject);
	else
		fail_set(f, STATUS_TLS,
		    "%s was issued by %s, which is not known here; it was "
		    "shown with %d above it",
		    what, r->issuer, r->shown > 0 ? r->shown - 1 : 0);
	fail_hint(f, "try: --tls-ca FILE, with that CA in it; or --tls-pin %s",
	    r->pin);
}

/* What is too weak to be believed. */
static void
say_weak(const struct refused *r, int err, struct fail *f)
{
	EVP_PKEY *key = X509_get0_pubkey(r->cert);
	char what[400];
	const char *by = OBJ_nid2ln(X509_get_signature_nid(r->cert));

	which(r, what, sizeof(what));
	if (err == X509_V_ERR_CA_MD_TOO_WEAK)
		fail_set(f, STATUS_TLS, "%s is signed with %s, which is weak",
		    what, by);
	else
		fail_set(f, STATUS_TLS, "%s has a weak key: %s of %d bits",
		    what, key == NULL ? "one" : EVP_PKEY_get0_type_name(key),
		    key == NULL ? 0 : EVP_PKEY_get_bits(key));
	fail_hint(f, "try: --tls-pin %s, if this is its key", r->pin);
}

static void
say_other(const struct refused *r, int err, struct fail *f)
{
	char what[400];

	which(r, what, sizeof(what));
	switch (err) {
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		fail_set(f, STATUS_TLS, "%s: %s has issued it, and is no CA",
		    whose(r), r->subject);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		fail_set(f, STATUS_TLS,
		    "%s may not be used for this: it is not one of a %s "
		    "(extended key usage)",
		    what,
		    r->e->config->role == TLS_CLIENT ? "server" : "client");
		break;
	case X509_V_ERR_CERT_REVOKED:
		fail_set(f, STATUS_TLS, "%s has been revoked (%s)", what,
		    r->subject);
		return;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		fail_set(f, STATUS_TLS,
		    "--tls-crl: there is no list of %s, which issued %s",
		    r->issuer, whose(r));
		fail_hint(f, "try: a --tls-crl with that list in it");
		return;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		fail_set(f, STATUS_TLS,
		    "--tls-crl: the list of %s is out of date", r->issuer);
		fail_hint(f, "try: its newest list");
		return;
	default:
		fail_set(f, STATUS_TLS, "%s: %s", what,
		    X509_verify_cert_error_string(err));
		break;
	}
	fail_hint(f, "try: --tls-pin %s, if this is its key", r->pin);
}

static void
explain(struct tls_engine *e, X509_STORE_CTX *s)
{
	int err = X509_STORE_CTX_get_error(s);
	struct refused r = {.e = e,
	    .cert = X509_STORE_CTX_get_current_cert(s),
	    .leaf = X509_STORE_CTX_get0_cert(s),
	    .depth = X509_STORE_CTX_get_error_depth(s),
	    .shown = sk_X509_num(X509_STORE_CTX_get0_untrusted(s))};
	struct fail *f = tls_engine_fail(e);

	if (f == NULL)
		return;
	if (r.cert == NULL)
		r.cert = r.leaf;
	tls_text_name(
	    X509_get_subject_name(r.cert), r.subject, sizeof(r.subject));
	tls_text_name(X509_get_issuer_name(r.cert), r.issuer, sizeof(r.issuer));
	tls_text_sans(r.leaf, r.names, sizeof(r.names));
	tls_cert_pin(r.leaf, r.pin);
	switch (err) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		say_name(&r, f);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		say_dates(&r, err == X509_V_ERR_CERT_NOT_YET_VALID, f);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		say_unknown(&r, err, f);
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		say_weak(&r, err, f);
		break;
	default:
		say_other(&r, err, f);
		break;
	}
}

/* 1: one of the pins is its. Otherwise it is said what its pin is. */
static int
check_pins(struct tls_engine *e, X509_STORE_CTX *s)
{
	const struct tls_config *c = e->config;
	const X509 *leaf = X509_STORE_CTX_get0_cert(s);
	uint8_t pin[TLS_PIN_BYTES];
	char text[TLS_PIN_MAX];
	struct fail *f;
	size_t i;

	if (tls_cert_pin_bytes(leaf, pin) == 0)
		for (i = 0; i < c->plan->pins_n; i++)
			if (memcmp(c->pins[i], pin, sizeof(pin)) == 0)
				return 1;
	X509_STORE_CTX_set_error(s, X509_V_ERR_CERT_UNTRUSTED);
	f = tls_engine_fail(e);
	if (f == NULL)
		return 0;
	tls_cert_pin(leaf, text);
	fail_set(f, STATUS_TLS, "the pin of its key is %s, expected %s%s", text,
	    c->plan->pins[0], c->plan->pins_n > 1 ? " or another" : "");
	fail_hint(f, "try: --tls-pin %s, if this is its key", text);
	return 0;
}

int
tls_verify(X509_STORE_CTX *s, void *config)
{
	const struct tls_config *c = config;
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(s, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_engine *e = tls_engine_of(ssl);
	int ok;

	if (c->plan->pins_n > 0)
		ok = check_pins(e, s);
	else if (c->plan->insecure)
		return 1;
	else {
		X509_VERIFY_PARAM_set_auth_level(
		    X509_STORE_CTX_get0_param(s), CHAIN_LEVEL);
		ok = X509_verify_cert(s) == 1;
		if (!ok)
			explain(e, s);
	}
	if (ok)
		X509_STORE_CTX_set_error(s, X509_V_OK);
	e->verified = ok != 0;
	return ok;
}

bool
tls_is_verified(const struct tls_engine *e)
{
	const struct tls_plan *p = e->config->plan;

	if (p->insecure && p->pins_n == 0)
		return true;
	if (e->config->role == TLS_SERVER && p->ask != TLS_ASK_REQUIRE)
		return true;
	return e->verified || SSL_session_reused(e->ssl);
}
