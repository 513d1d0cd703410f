/* What was agreed upon, and what certificates say; see tls_openssl.h. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "net/tls_openssl.h"

/*
 * What a certificate says, in one harmless line; what does not fit is left out,
 * and the text ends before it.
 */
static void
tls_text_put(char *buf, size_t cap, const char *text, size_t len)
{
	struct span out = {(uint8_t *)buf, 0, cap - 1};
	size_t pos = 0;

	text_escape(TEXT_LINE, slice_of(text, len), &pos, &out);
	buf[out.len] = '\0';
}

void
tls_text_name(const X509_NAME *name, char *buf, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	buf[0] = '\0';
	if (bio == NULL)
		return;
	X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	len = BIO_get_mem_data(bio, &text);
	if (len > 0)
		tls_text_put(buf, cap, text, (size_t)len);
	BIO_free(bio);
}

/* A name, or an address; "" if it is something else. */
static void
san_text(const GENERAL_NAME *name, char *buf, size_t cap)
{
	const unsigned char *p;
	const ASN1_STRING *s;
	int type, len;

	buf[0] = '\0';
	s = GENERAL_NAME_get0_value(name, &type);
	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	p = ASN1_STRING_get0_data(s);
	len = ASN1_STRING_length(s);
	if (type == GEN_DNS)
		tls_text_put(buf, cap, (const char *)p, (size_t)len);
	else if (len == 4 || len == 16)
		inet_ntop(
		    len == 4 ? AF_INET : AF_INET6, p, buf, (socklen_t)cap);
}

void
tls_text_sans(const X509 *cert, char *buf, size_t cap)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char one[300];
	size_t len = 0, n;
	int i;

	buf[0] = '\0';
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		san_text(sk_GENERAL_NAME_value(names, i), one, sizeof(one));
		n = strlen(one);
		if (n == 0)
			continue;
		if (len + n + sizeof(", ...") > cap) {
			snprintf(buf + len, cap - len, ", ...");
			break;
		}
		len += (size_t)snprintf(
		    buf + len, cap - len, "%s%s", len > 0 ? ", " : "", one);
	}
	GENERAL_NAMES_free(names);
}

void
tls_text_time(const ASN1_TIME *t, char *buf, size_t cap)
{
	struct tm tm;

	buf[0] = '\0';
	if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(buf, cap, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

const char *
tls_text_version(int version)
{
	switch (version) {
	case SSL3_VERSION:
		return "SSLv3";
	case TLS1_VERSION:
		return "TLSv1.0";
	case TLS1_1_VERSION:
		return "TLSv1.1";
	case TLS1_2_VERSION:
		return "TLSv1.2";
	case TLS1_3_VERSION:
		return "TLSv1.3";
	}
	return "an unknown version";
}

void
tls_about_cert(const X509 *cert, struct tls_about *a)
{
	tls_cert_pin(cert, a->pin);
	tls_text_name(
	    X509_get_subject_name(cert), a->subject, sizeof(a->subject));
	tls_text_sans(cert, a->names, sizeof(a->names));
	tls_text_time(X509_get0_notAfter(cert), a->expires, sizeof(a->expires));
}

static void
peer_facts(const X509 *cert, struct tls_facts *f)
{
	tls_text_name(
	    X509_get_subject_name(cert), f->subject, sizeof(f->subject));
	tls_text_name(X509_get_issuer_name(cert), f->issuer, sizeof(f->issuer));
	tls_text_sans(cert, f->names, sizeof(f->names));
	tls_text_time(X509_get0_notAfter(cert), f->expires, sizeof(f->expires));
	tls_cert_pin(cert, f->pin);
}

void
tls_facts_of(const struct tls_engine *e, struct tls_facts *f)
{
	const struct tls_plan *p = e->config->plan;
	const X509 *cert = SSL_get0_peer_certificate(e->ssl);
	const unsigned char *alpn;
	const char *sni, *group;
	unsigned alpn_len;
	int id;

	memset(f, 0, sizeof(*f));
	strlcpy(f->version, tls_text_version(SSL_version(e->ssl)),
	    sizeof(f->version));
	strlcpy(f->cipher, SSL_get_cipher_name(e->ssl), sizeof(f->cipher));
	id = (int)SSL_get_negotiated_group(e->ssl);
	group = id == 0 ? NULL : SSL_group_to_name(e->ssl, id);
	if (group != NULL)
		strlcpy(f->group, group, sizeof(f->group));
	SSL_get0_alpn_selected(e->ssl, &alpn, &alpn_len);
	tls_text_put(f->alpn, sizeof(f->alpn), (const char *)alpn, alpn_len);
	sni = SSL_get_servername(e->ssl, TLSEXT_NAMETYPE_host_name);
	if (sni != NULL && e->config->role == TLS_SERVER)
		tls_text_put(f->sni, sizeof(f->sni), sni, strlen(sni));
	f->resumed = SSL_session_reused(e->ssl) == 1;
	if (cert != NULL)
		peer_facts(cert, f);
	f->verified = cert != NULL && (!p->insecure || p->pins_n > 0);
	ERR_clear_error();
}
