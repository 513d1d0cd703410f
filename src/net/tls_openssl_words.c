/* What went wrong, in words; see tls_openssl.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/text.h"
#include "net/tls_openssl.h"

char *
tls_text_errors(char *buf, size_t cap)
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);

	if (code == 0)
		buf[0] = '\0';
	else if (reason != NULL)
		strlcpy(buf, reason, cap);
	else
		ERR_error_string_n(code, buf, cap);
	ERR_clear_error();
	return buf;
}

struct fail *
tls_engine_fail(struct tls_engine *e)
{
	if (e->fail != NULL)
		return NULL;
	e->fail = calloc(1, sizeof(*e->fail));
	return e->fail;
}

static bool
is_client(const struct tls_engine *e)
{
	return e->config->role == TLS_CLIENT;
}

static const char *
peer_word(const struct tls_engine *e)
{
	return is_client(e) ? "the server" : "the client";
}

const char *
tls_explain_waiting(const struct tls_engine *e)
{
	switch (SSL_get_state(e->ssl)) {
	case TLS_ST_BEFORE:
	case TLS_ST_SR_CLNT_HELLO:
		if (is_client(e))
			return "the ServerHello";
		return e->look_n == 0 ? "a ClientHello"
				      : "the rest of the ClientHello";
	case TLS_ST_CW_CLNT_HELLO:
	case TLS_ST_CR_SRVR_HELLO:
		return e->look_n == 0 ? "the ServerHello"
				      : "the rest of the ServerHello";
	default:
		return is_client(e) ? "the server's Finished"
				    : "the client's Finished";
	}
}

/* Alerts that OpenSSL has no long name for. */
static const char *
alert_name(int alert)
{
	switch (alert) {
	case 109:
		return "missing extension";
	case 116:
		return "certificate required";
	}
	return SSL_alert_desc_string_long(alert);
}

/* What to try where the peer has sent this alert. */
static void
hint_alert(const struct tls_engine *e, int alert, struct fail *f)
{
	const X509 *mine = SSL_get_certificate(e->ssl);
	char pin[TLS_PIN_MAX] = "";

	switch (alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_INSUFFICIENT_SECURITY:
		fail_hint(f, "try: --tls-ciphers, or --tls-min");
		return;
	case SSL_AD_PROTOCOL_VERSION:
		fail_hint(f, "try: --tls-min 1.0, if the peer is that old");
		return;
	case SSL_AD_UNRECOGNIZED_NAME:
		fail_hint(f, "try: --tls-name NAME, with one that it has");
		return;
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		fail_hint(f, "try: --tls-alpn, with one that it knows");
		return;
	case 116:
		fail_hint(f, "try: --tls-cert FILE --tls-key FILE");
		return;
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
		if (is_client(e)) {
			fail_hint(f,
			    "try: --tls-cert FILE, with a certificate that it "
			    "accepts");
			return;
		}
		if (mine != NULL)
			tls_cert_pin(mine, pin);
		fail_hint(f,
		    "it does not accept our certificate; on its side, try: "
		    "--tls-pin %s",
		    pin);
		return;
	}
}

/* A server of TLS 1.2 has no better alert for who shows no certificate. */
static bool
wants_certificate(const struct tls_engine *e, int alert)
{
	const uint8_t *types;

	return alert == 116 ||
	    (alert == SSL_AD_HANDSHAKE_FAILURE && is_client(e) &&
		SSL_get0_certificate_types(e->ssl, &types) > 0);
}

static void
explain_alert(struct tls_engine *e, int alert, struct fail *f)
{
	const bool bare =
	    wants_certificate(e, alert) && SSL_get_certificate(e->ssl) == NULL;

	fail_set(f, STATUS_TLS, "%s refused with the alert \"%s\" (%d)%s",
	    peer_word(e), alert_name(alert), alert,
	    bare ? ": it wants a certificate of ours, and we have none" : "");
	hint_alert(e, bare ? 116 : alert, f);
}

/* What begins otherwise than TLS does, as its first bytes show. */
static const char *
plain_kind(const uint8_t *p, size_t len)
{
	static const char *const http[] = {
	    "GET ", "POST", "HEAD", "PUT ", "HTTP", "CONN", "OPTI", "DELE"};
	size_t i, digits = 0;

	for (i = 0; i < sizeof(http) / sizeof(http[0]); i++)
		if (len >= 4 && memcmp(p, http[i], 4) == 0)
			return "HTTP in plain text";
	if (len >= 4 && memcmp(p, "SSH-", 4) == 0)
		return "SSH";
	while (digits < len && p[digits] >= '0' && p[digits] <= '9')
		digits++;
	if (digits > 0 && len - digits >= 2 && p[digits] == '\r' &&
	    p[digits + 1] == '\n')
		return "a WINDEV message in plain text";
	for (i = 0; i < len; i++)
		if ((p[i] < 0x20 && memchr("\t\r\n\x1b", p[i], 4) == NULL) ||
		    p[i] == 0x7f)
			return "bytes that are no TLS";
	return "plain text";
}

/* Can what came first be a record of TLS, or a hello as version 2 had it? */
static bool
begins_as_tls(const struct tls_engine *e)
{
	const uint8_t *p = e->look;

	if (e->look_n < 3)
		return e->look_n == 0 || (p[0] >= 20 && p[0] <= 23);
	if (p[0] >= 20 && p[0] <= 23 && p[1] == 3)
		return true;
	return !is_client(e) && (p[0] & 0x80) != 0 && p[2] == 1;
}

static void
explain_plain(struct tls_engine *e, struct fail *f)
{
	const struct slice *in = &e->wire->in;
	char look[TLS_LOOK * 4 + TEXT_STEP];
	size_t n = sizeof(e->look) - e->look_n;

	/* OpenSSL has looked at the first five alone. */
	if (n > in->len)
		n = in->len;
	if (n > 0)
		memcpy(e->look + e->look_n, in->p, n);
	e->look_n += n;
	fail_set(f, STATUS_TLS, "expected TLS, saw %s: %s",
	    plain_kind(e->look, e->look_n),
	    text_look(slice_of(e->look, e->look_n), 48, look, sizeof(look)));
	fail_hint(f,
	    is_client(e) ? "the server speaks no TLS here; try: the address "
			   "without tls:, or another port"
			 : "the client speaks no TLS; try: tls: with its "
			   "address, too");
}

/* The version that a peer has offered or chosen, as its hello begins. */
static const char *
hello_version(const struct tls_engine *e)
{
	if (e->look_n < 11 || e->look[0] != 22)
		return "an unknown version";
	return tls_text_version(e->look[9] << 8 | e->look[10]);
}

static void
explain_version(const struct tls_engine *e, struct fail *f)
{
	const int min = (int)SSL_get_min_proto_version(e->ssl);
	const int max = (int)SSL_get_max_proto_version(e->ssl);

	fail_set(f, STATUS_TLS, "%s speaks %s, expected %s to %s", peer_word(e),
	    hello_version(e), tls_text_version(min), tls_text_version(max));
	if (e->config->plan->max != TLS_DEFAULT)
		fail_hint(f, "try: without --tls-max, or a lower --tls-min");
	else
		fail_hint(f,
		    "try: --tls-min 1.0, if it is that old and cannot be "
		    "mended");
}

/* Reasons that have better words than OpenSSL's. True: f says it. */
static bool
explain_reason(const struct tls_engine *e, int reason, struct fail *f)
{
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH:
	case SSL_R_UNKNOWN_PROTOCOL:
		explain_version(e, f);
		return true;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
		fail_set(f, STATUS_TLS,
		    "%s knows no cipher that is allowed here, with a "
		    "certificate as ours",
		    peer_word(e));
		fail_hint(f, "try: --tls-ciphers, or --tls-min");
		return true;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		fail_set(f, STATUS_TLS,
		    "the client showed no certificate, expected one");
		fail_hint(f,
		    "on its side, try: --tls-cert FILE; here: --tls-client "
		    "request");
		return true;
	case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
		fail_set(f, STATUS_TLS,
		    "the server is too old to be safe: it knows no secure "
		    "renegotiation");
		fail_hint(f, "try: --tls-min 1.0, if it cannot be mended");
		return true;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		fail_set(f, STATUS_TLS,
		    "the client offered no protocol (ALPN) of %s",
		    e->config->plan->alpn);
		fail_hint(f, "try: --tls-alpn with one of its own");
		return true;
	case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
	case SSL_R_BAD_RECORD_TYPE:
	case SSL_R_DIGEST_CHECK_FAILED:
		fail_set(f, STATUS_TLS,
		    "a record of TLS was broken on its way: byte %llu",
		    (unsigned long long)e->in);
		return true;
	}
	return false;
}

int
tls_explain(struct tls_engine *e)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	struct fail *f = tls_engine_fail(e);
	char why[200];

	if (f == NULL) {
		ERR_clear_error();
		return TLS_FAILED;
	}
	if (e->no_memory || ERR_GET_LIB(code) == ERR_LIB_SYS ||
	    (code != 0 && reason == ERR_R_MALLOC_FAILURE))
		fail_set(f, STATUS_IO, "out of memory");
	else if (!e->done && !begins_as_tls(e))
		explain_plain(e, f);
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    reason >= SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		explain_alert(e, reason - SSL_AD_REASON_OFFSET, f);
	else if (ERR_GET_LIB(code) != ERR_LIB_SSL ||
	    !explain_reason(e, reason, f))
		fail_set(f, STATUS_TLS, "%s: %s",
		    e->done ? "broken off" : "the handshake failed",
		    code == 0 ? "no reason is known"
			      : tls_text_errors(why, sizeof(why)));
	ERR_clear_error();
	return TLS_FAILED;
}

int
tls_explain_end(struct tls_engine *e)
{
	struct fail *f = tls_engine_fail(e);

	if (e->done) {
		if (f == NULL)
			return TLS_CUT;
		fail_set(f, STATUS_TRUNCATED,
		    "the TLS stream ended without close_notify%s: it may have "
		    "been cut",
		    e->record.head_n > 0 ? ", within a record" : "");
		fail_hint(f,
		    "try: --tls-no-close-notify, if the peer is known to end "
		    "so");
		return TLS_CUT;
	}
	if (f == NULL)
		return TLS_FAILED;
	if (!begins_as_tls(e)) {
		explain_plain(e, f);
		return TLS_FAILED;
	}
	fail_set(f, STATUS_TLS,
	    "%s closed after %llu bytes of the handshake, expected %s",
	    peer_word(e), (unsigned long long)e->in, tls_explain_waiting(e));
	if (is_client(e) && e->in == 0)
		fail_hint(
		    f, "it may speak no TLS; try: the address without tls:");
	return TLS_FAILED;
}
