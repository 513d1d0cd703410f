/* Certificates for tests; see certs.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "certs.h"

#define PATHS 64

static char dir[64];
static char *paths[PATHS];
static size_t paths_n;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
extend(X509 *x, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext != NULL && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

void
cert_make(struct cert *c, const struct cert_kind *k, const struct cert *issuer)
{
	static long serial = 1;
	const bool dated = k->from_days != 0 || k->to_days != 0;
	const struct cert *by = issuer != NULL ? issuer : c;
	X509_NAME *name;
	X509 *x = X509_new();

	c->issuer = issuer;
	c->x509 = x;
	c->key = k->rsa_bits > 0 ? EVP_RSA_gen((unsigned)k->rsa_bits)
				 : EVP_EC_gen("P-256");
	must(x != NULL && c->key != NULL);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(
	    X509_getm_notBefore(x), (dated ? k->from_days : -1) * 86400L);
	X509_gmtime_adj(
	    X509_getm_notAfter(x), (dated ? k->to_days : 30) * 86400L);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)k->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by->x509));
	X509_set_pubkey(x, c->key);
	extend(x, by->x509, NID_basic_constraints,
	    k->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(x, by->x509, NID_subject_key_identifier, "hash");
	if (k->ca)
		extend(
		    x, by->x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	else
		extend(x, by->x509, NID_ext_key_usage,
		    k->usage != NULL ? k->usage : "serverAuth,clientAuth");
	if (k->sans != NULL)
		extend(x, by->x509, NID_subject_alt_name, k->sans);
	must(X509_sign(x, by->key, k->md != NULL ? k->md : EVP_sha256()) > 0);
}

void
cert_release(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

static void
remove_all(void)
{
	size_t i;

	for (i = 0; i < paths_n; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	rmdir(dir);
}

const char *
certs_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (dir[0] != '\0')
		return dir;
	snprintf(dir, sizeof(dir), "%s/wdsock-certs.XXXXXX",
	    tmp != NULL && strlen(tmp) < 30 ? tmp : "/tmp");
	must(mkdtemp(dir) != NULL);
	atexit(remove_all);
	return dir;
}

const char *
certs_path(const char *name)
{
	char path[200];
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", certs_dir(), name);
	for (i = 0; i < paths_n; i++)
		if (strcmp(paths[i], path) == 0)
			return paths[i];
	must(paths_n < PATHS);
	paths[paths_n] = strdup(path);
	must(paths[paths_n] != NULL);
	return paths[paths_n++];
}

static FILE *
create(const char *path)
{
	FILE *f = fopen(path, "wb");

	must(f != NULL);
	return f;
}

const char *
certs_pem(const char *name, const struct cert *key, const char *pass,
    const struct cert *const *chain)
{
	const char *path = certs_path(name);
	FILE *f = create(path);

	if (key != NULL)
		must(
		    PEM_write_PrivateKey(f, key->key,
			pass != NULL ? EVP_aes_256_cbc() : NULL,
			(const unsigned char *)pass,
			pass != NULL ? (int)strlen(pass) : 0, NULL, NULL) == 1);
	for (; chain != NULL && *chain != NULL; chain++)
		must(PEM_write_X509(f, (*chain)->x509) == 1);
	fclose(f);
	return path;
}

const char *
certs_p12(const char *name, const struct cert *c, const char *pass, bool old)
{
	OSSL_PROVIDER *legacy =
	    old ? OSSL_PROVIDER_try_load(NULL, "legacy", 1) : NULL;
	const char *path = certs_path(name);
	STACK_OF(X509) * chain;
	PKCS12 *p12;
	FILE *f;

	if (old && legacy == NULL)
		return NULL;
	chain = sk_X509_new_null();
	f = create(path);
	if (c->issuer != NULL)
		sk_X509_push(chain, c->issuer->x509);
	p12 = PKCS12_create(pass, "test", c->key, c->x509, chain,
	    old ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : 0,
	    old ? NID_pbe_WithSHA1And40BitRC2_CBC : 0, 0, 0, 0);
	must(p12 != NULL && i2d_PKCS12_fp(f, p12) == 1);
	PKCS12_free(p12);
	sk_X509_free(chain);
	fclose(f);
	if (old)
		OSSL_PROVIDER_unload(legacy);
	return path;
}

const char *
certs_crl(
    const char *name, const struct cert *revoked, const struct cert *issuer)
{
	const char *path = certs_path(name);
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_new();
	FILE *f = create(path);

	must(crl != NULL && r != NULL && t != NULL);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509));
	X509_gmtime_adj(t, -86400L);
	X509_CRL_set1_lastUpdate(crl, t);
	X509_REVOKED_set_revocationDate(r, t);
	X509_gmtime_adj(t, 86400L);
	X509_CRL_set1_nextUpdate(crl, t);
	X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x509));
	X509_CRL_add0_revoked(crl, r);
	must(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
	must(PEM_write_X509_CRL(f, crl) == 1);
	fclose(f);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return path;
}

const char *
certs_pin(const struct cert *c, char pin[64])
{
	unsigned char *der = NULL, hash[32];
	int len = i2d_PUBKEY(c->key, &der);

	must(len > 0);
	EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	memcpy(pin, "sha256:", 7);
	EVP_EncodeBlock((unsigned char *)pin + 7, hash, sizeof(hash));
	return pin;
}
