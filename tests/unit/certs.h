/*
 * Certificates for tests, made on the spot: of any kind, good or not, and
 * written to files in a directory of the test's own.
 */
#ifndef UNIT_CERTS_H
#define UNIT_CERTS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

struct cert {
	X509 *x509;
	EVP_PKEY *key;
	const struct cert *issuer; /* NULL: itself */
};

/* All of zero is a good one of a server, of one of today, with EC P-256. */
struct cert_kind {
	const char *cn;
	const char *sans;  /* "DNS:a.example,IP:127.0.0.1"; NULL: none */
	const char *usage; /* extended; NULL: serverAuth,clientAuth */
	bool ca;
	int from_days,
	    to_days;	  /* from today; 0 and 0: yesterday to next month */
	int rsa_bits;	  /* 0: EC */
	const EVP_MD *md; /* NULL: SHA-256 */
};

/* `issuer` stays where it is; NULL: self-signed. */
void cert_make(
    struct cert *, const struct cert_kind *, const struct cert *issuer);
void cert_release(struct cert *);

/* A directory for this run, gone at its end. */
const char *certs_dir(void);

/* DIR/NAME; good until the program ends. */
const char *certs_path(const char *name);

/* Writes these, NULL behind the last; `key` before them, if not NULL. */
const char *certs_pem(const char *name, const struct cert *key,
    const char *pass, const struct cert *const *chain);

/*
 * The same of one certificate with its key and issuer, as PKCS#12; `old`: with
 * the ciphers that Windows has long used. NULL: there are none such here.
 */
const char *certs_p12(
    const char *name, const struct cert *, const char *pass, bool old);

/* A list of its issuer's with this one in it. */
const char *certs_crl(
    const char *name, const struct cert *revoked, const struct cert *issuer);

/* "sha256:...", as openssl itself would say it. */
const char *certs_pin(const struct cert *, char pin[64]);

#endif
