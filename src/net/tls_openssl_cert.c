/*
 * Certificates of ours: from PEM, from PKCS#12, or made on the spot; and the
 * pins of all; see tls_openssl.h.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "net/idn.h"
#include "net/tls_openssl.h"

#define PASS_MAX 1024
#define SELF_DAYS 30

/* A file that may want a pass phrase. */
struct locked {
	const struct tls_plan *plan;
	const char *path;
	bool asked, given;
};

/* Of OpenSSL: a pass phrase into buf; its length, or -1. */
static int
ask_pass(char *buf, int cap, int writing, void *arg)
{
	struct locked *l = arg;
	ssize_t n;

	(void)writing;
	l->asked = true;
	if (l->plan->pass == NULL || cap <= 0)
		return -1;
	n = l->plan->pass(l->plan->owner, l->path, buf, (size_t)cap);
	l->given = n >= 0;
	return n < 0 ? -1 : (int)n;
}

/* Why a file is not what was expected in it. Always -1. */
static int
bad_file(const struct locked *l, const char *expected, struct fail *f)
{
	char why[200];

	tls_text_errors(why, sizeof(why));
	if (l->asked && !l->given) {
		fail_set(f, STATUS_TLS, "%s: it wants a pass phrase", l->path);
		return fail_hint(f, "try: --tls-pass-file FILE");
	}
	if (l->asked)
		return fail_set(f, STATUS_TLS,
		    "%s: the pass phrase is wrong, or it is not %s", l->path,
		    expected);
	return fail_set(f, STATUS_TLS, "%s: expected %s, saw: %s", l->path,
	    expected, why[0] == '\0' ? "nothing of the kind" : why);
}

static BIO *
open_file(const char *path, struct fail *f)
{
	BIO *bio;

	errno = 0;
	bio = BIO_new_file(path, "rb");
	if (bio == NULL)
		fail_set(f, STATUS_IO, "%s: %s", path,
		    errno != 0 ? strerror(errno) : "cannot be opened");
	ERR_clear_error();
	return bio;
}

/* Is it DER, as PKCS#12 is, where text was expected? */
static bool
is_binary(BIO *bio)
{
	unsigned char first = 0;
	bool yes = BIO_read(bio, &first, 1) == 1 && first == 0x30;

	(void)BIO_reset(bio);
	return yes;
}

/* The certificate, and behind it those that lead to its CA. */
static int
load_chain(BIO *bio, struct locked *l, SSL_CTX *ctx, struct fail *f)
{
	X509 *cert;
	bool first = true;
	int ok = 1;

	if (is_binary(bio)) {
		fail_set(f, STATUS_TLS,
		    "%s: expected a certificate in PEM, saw binary", l->path);
		return fail_hint(f,
		    "try: --tls-p12 %s, if it is PKCS#12 (.pfx, .p12)",
		    l->path);
	}
	while (ok &&
	    (cert = PEM_read_bio_X509_AUX(bio, NULL, ask_pass, l)) != NULL) {
		if (first)
			ok = SSL_CTX_use_certificate(ctx, cert);
		else
			ok = (int)SSL_CTX_add1_chain_cert(ctx, cert);
		first = false;
		X509_free(cert);
	}
	if (first || !ok)
		return bad_file(l, "a certificate in PEM", f);
	ERR_clear_error();
	return 0;
}

/* The key goes with the certificate that is there. */
static int
use_key(SSL_CTX *ctx, EVP_PKEY *key, const char *path, struct fail *f)
{
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	char why[200];

	if (X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		fail_set(f, STATUS_TLS,
		    "%s: the key belongs to another certificate", path);
		return fail_hint(f, "try: the key that it was made with");
	}
	if (SSL_CTX_use_PrivateKey(ctx, key) == 1)
		return 0;
	return fail_set(f, STATUS_TLS, "%s: the key cannot be used: %s", path,
	    tls_text_errors(why, sizeof(why)));
}

static int
load_key(BIO *bio, struct locked *l, SSL_CTX *ctx, struct fail *f)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, ask_pass, l);
	int r;

	if (key == NULL) {
		bad_file(l, "a private key in PEM", f);
		if (!l->asked)
			fail_hint(f, "try: --tls-key FILE");
		return -1;
	}
	ERR_clear_error();
	r = use_key(ctx, key, l->path, f);
	EVP_PKEY_free(key);
	return r;
}

static int
load_pem(const struct tls_plan *p, const struct tls_cert *cert, SSL_CTX *ctx,
    struct fail *f)
{
	const char *key = cert->key != NULL ? cert->key : cert->cert;
	struct locked l = {p, cert->cert, false, false};
	BIO *bio = open_file(cert->cert, f);
	int r;

	if (bio == NULL)
		return -1;
	r = load_chain(bio, &l, ctx, f);
	BIO_free(bio);
	if (r == -1)
		return -1;
	l = (struct locked){p, key, false, false};
	bio = open_file(key, f);
	if (bio == NULL)
		return -1;
	r = load_key(bio, &l, ctx, f);
	BIO_free(bio);
	return r;
}

struct opened {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * chain;
};

/*
 * Opens it with a pass phrase. What Windows has long written is encrypted with
 * RC2, which is found only in the provider of what is outdated.
 */
static bool
open_p12(PKCS12 *p12, const char *pass, struct opened *o)
{
	OSSL_PROVIDER *old;
	bool done;

	if (PKCS12_parse(p12, pass, &o->key, &o->cert, &o->chain) == 1)
		return true;
	old = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	if (old == NULL)
		return false;
	done = PKCS12_parse(p12, pass, &o->key, &o->cert, &o->chain) == 1;
	OSSL_PROVIDER_unload(old);
	return done;
}

/* Without a pass phrase, with an empty one, or with the one that is asked. */
static bool
unlock_p12(PKCS12 *p12, struct locked *l, struct opened *o)
{
	char pass[PASS_MAX];
	bool done;
	int n;

	if (PKCS12_verify_mac(p12, NULL, 0) || PKCS12_verify_mac(p12, "", 0))
		return open_p12(
		    p12, PKCS12_verify_mac(p12, NULL, 0) ? NULL : "", o);
	ERR_clear_error();
	n = ask_pass(pass, sizeof(pass) - 1, 0, l);
	if (n < 0)
		return false;
	pass[n] = '\0';
	done = PKCS12_verify_mac(p12, pass, -1) && open_p12(p12, pass, o);
	OPENSSL_cleanse(pass, sizeof(pass));
	return done;
}

static int
use_opened(
    const struct opened *o, const char *path, SSL_CTX *ctx, struct fail *f)
{
	char why[200];
	int i;

	if (o->cert == NULL || o->key == NULL)
		return fail_set(f, STATUS_TLS,
		    "%s: expected a certificate and its key, saw %s", path,
		    o->cert == NULL ? "no certificate" : "no key");
	if (SSL_CTX_use_certificate(ctx, o->cert) != 1)
		return fail_set(f, STATUS_TLS,
		    "%s: the certificate cannot be used: %s", path,
		    tls_text_errors(why, sizeof(why)));
	for (i = 0; i < sk_X509_num(o->chain); i++)
		SSL_CTX_add1_chain_cert(ctx, sk_X509_value(o->chain, i));
	return use_key(ctx, o->key, path, f);
}

static int
load_p12(
    const struct tls_plan *p, const char *path, SSL_CTX *ctx, struct fail *f)
{
	struct locked l = {p, path, false, false};
	struct opened o = {NULL, NULL, NULL};
	BIO *bio = open_file(path, f);
	PKCS12 *p12;
	int r;

	if (bio == NULL)
		return -1;
	p12 = d2i_PKCS12_bio(bio, NULL);
	BIO_free(bio);
	if (p12 == NULL)
		return bad_file(&l, "PKCS#12 (.pfx, .p12)", f);
	r = unlock_p12(p12, &l, &o)
	    ? use_opened(&o, path, ctx, f)
	    : bad_file(&l, "PKCS#12 that can be read", f);
	ERR_clear_error();
	PKCS12_free(p12);
	EVP_PKEY_free(o.key);
	X509_free(o.cert);
	sk_X509_pop_free(o.chain, X509_free);
	return r;
}

int
tls_cert_load(const struct tls_plan *p, const struct tls_cert *cert,
    SSL_CTX *ctx, struct fail *f)
{
	ERR_clear_error();
	return cert->p12 != NULL ? load_p12(p, cert->p12, ctx, f)
				 : load_pem(p, cert, ctx, f);
}

/* A name or an address of ours; what is neither is left out. */
static bool
add_san(GENERAL_NAMES *names, const char *text)
{
	char plain[64], ascii[IDN_MAX], why[80];
	GENERAL_NAME *name;
	int type = GEN_DNS;

	if (tls_is_address(text, plain, sizeof(plain))) {
		type = GEN_IPADD;
		text = plain;
	} else if (idn_to_ascii(text, ascii, why, sizeof(why)) == NULL)
		text = ascii;
	else
		return true;
	if (text[0] == '\0')
		return true;
	name = a2i_GENERAL_NAME(NULL, NULL, NULL, type, text, 0);
	if (name == NULL)
		return false;
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool
add_sans(X509 *cert, const struct tls_plan *p)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool done = names != NULL;
	size_t i;

	for (i = 0; done && i < p->self_n; i++)
		done = add_san(names, p->self[i]);
	if (done && sk_GENERAL_NAME_num(names) == 0)
		done = add_san(names, "localhost");
	done = done &&
	    X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return done;
}

static bool
add_text(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool done = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return done;
}

static bool
fill(X509 *cert, EVP_PKEY *key, const struct tls_plan *p)
{
	static const unsigned char cn[] = "wdsock --tls-self-signed";
	X509_NAME *name = X509_get_subject_name(cert);
	BIGNUM *serial = BN_new();
	bool done;

	done = serial != NULL &&
	    BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
	BN_free(serial);
	return done && X509_set_version(cert, X509_VERSION_3) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600L) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), SELF_DAYS * 86400L) !=
	    NULL &&
	    X509_NAME_add_entry_by_NID(
		name, NID_commonName, MBSTRING_ASC, cn, -1, -1, 0) &&
	    X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
	    add_text(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_text(cert, NID_key_usage, "critical,digitalSignature") &&
	    add_text(cert, NID_ext_key_usage, "serverAuth") &&
	    add_sans(cert, p) && X509_sign(cert, key, EVP_sha256()) > 0;
}

int
tls_cert_self(struct tls_config *c, SSL_CTX *ctx, struct fail *f)
{
	char why[200];

	if (c->self_cert == NULL) {
		c->self_key = EVP_EC_gen("P-256");
		c->self_cert = X509_new();
		if (c->self_key == NULL || c->self_cert == NULL ||
		    !fill(c->self_cert, c->self_key, c->plan))
			return fail_set(f, STATUS_TLS, "--tls-self-signed: %s",
			    tls_text_errors(why, sizeof(why)));
	}
	if (SSL_CTX_use_certificate(ctx, c->self_cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, c->self_key) != 1)
		return fail_set(f, STATUS_TLS, "--tls-self-signed: %s",
		    tls_text_errors(why, sizeof(why)));
	return 0;
}

int
tls_cert_pin_bytes(const X509 *cert, uint8_t pin[TLS_PIN_BYTES])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int done;

	if (len < 0)
		return -1;
	done = EVP_Digest(der, (size_t)len, pin, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return done == 1 ? 0 : -1;
}

void
tls_cert_pin(const X509 *cert, char pin[TLS_PIN_MAX])
{
	uint8_t bytes[TLS_PIN_BYTES];
	struct span out = {(uint8_t *)pin, 7, TLS_PIN_MAX};
	size_t pos = 0;

	pin[0] = '\0';
	if (tls_cert_pin_bytes(cert, bytes) == -1)
		return;
	memcpy(pin, "sha256:", 7);
	text_base64(slice_of(bytes, sizeof(bytes)), &pos, &out);
	pin[out.len] = '\0';
}
