/* How a connection is secured, in words and in pairs; see tls.h. */

#include <stdio.h>
#include <string.h>

#include "net/tls.h"

/* Adds ", BEFORE VALUE", if there is one. */
static void
add(char *buf, const char *before, const char *value)
{
	size_t len = strlen(buf);

	if (value[0] == '\0')
		return;
	snprintf(buf + len, TLS_FACTS_TEXT - len, "%s%s%s", len > 0 ? ", " : "",
	    before, value);
}

char *
tls_facts_text(const struct tls_facts *f, char *buf)
{
	buf[0] = '\0';
	add(buf, "", f->version);
	add(buf, "", f->cipher);
	add(buf, "", f->group);
	add(buf, "ALPN ", f->alpn);
	add(buf, "for ", f->sni);
	add(buf, "", f->resumed ? "resumed" : "");
	if (f->pin[0] == '\0') {
		add(buf, "", "no certificate of the peer");
		return buf;
	}
	add(buf, "peer ", f->subject);
	add(buf, "for ", f->names);
	add(buf, "by ", f->issuer);
	add(buf, "until ", f->expires);
	add(buf, "", f->pin);
	add(buf, "", f->verified ? "" : "not verified");
	return buf;
}

size_t
tls_facts_pairs(const struct tls_facts *f, struct tls_pair v[TLS_PAIRS])
{
	const struct tls_pair all[TLS_PAIRS] = {
	    {"VERSION", f->version},
	    {"CIPHER", f->cipher},
	    {"GROUP", f->group},
	    {"ALPN", f->alpn},
	    {"SNI", f->sni},
	    {"RESUMED", f->resumed ? "1" : "0"},
	    {"VERIFIED", f->verified ? "1" : "0"},
	    {"PEER_SUBJECT", f->subject},
	    {"PEER_ISSUER", f->issuer},
	    {"PEER_NAMES", f->names},
	    {"PEER_EXPIRES", f->expires},
	    {"PEER_PIN", f->pin},
	};
	size_t i, n = 0;

	for (i = 0; i < TLS_PAIRS; i++)
		if (all[i].value[0] != '\0')
			v[n++] = all[i];
	return n;
}
