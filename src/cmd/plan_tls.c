/* From options to a plan: TLS; see plan.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/plan.h"
#include "net/dgram.h"
#include "net/idn.h"

int
set_tls_pin(struct plan *p, const char *value, struct fail *f)
{
	const char **v =
	    realloc(p->tls_pins, (p->tls_pins_n + 1) * sizeof(*p->tls_pins));

	if (v == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	p->tls_pins = v;
	v[p->tls_pins_n++] = value;
	return 0;
}

static struct tls_cert *
last_cert(const struct plan *p)
{
	return p->tls_certs_n == 0 ? NULL : &p->tls_certs[p->tls_certs_n - 1];
}

static int
add_cert(struct plan *p, struct tls_cert cert, struct fail *f)
{
	struct tls_cert *v =
	    realloc(p->tls_certs, (p->tls_certs_n + 1) * sizeof(*v));

	if (v == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	p->tls_certs = v;
	v[p->tls_certs_n++] = cert;
	return 0;
}

/* A certificate and its key stand together, in either order. */
int
set_tls_cert(struct plan *p, const char *value, struct fail *f)
{
	struct tls_cert *last = last_cert(p);

	if (last == NULL || last->p12 != NULL || last->cert != NULL)
		return add_cert(p, (struct tls_cert){.cert = value}, f);
	last->cert = value;
	return 0;
}

int
set_tls_key(struct plan *p, const char *value, struct fail *f)
{
	struct tls_cert *last = last_cert(p);

	if (last == NULL || last->p12 != NULL || last->key != NULL)
		return add_cert(p, (struct tls_cert){.key = value}, f);
	last->key = value;
	return 0;
}

int
set_tls_p12(struct plan *p, const char *value, struct fail *f)
{
	return add_cert(p, (struct tls_cert){.p12 = value}, f);
}

int
set_tls_client(struct plan *p, const char *value, struct fail *f)
{
	if (strcmp(value, "require") == 0)
		p->run.secure.tls.ask = TLS_ASK_REQUIRE;
	else if (strcmp(value, "request") == 0)
		p->run.secure.tls.ask = TLS_ASK_REQUEST;
	else {
		fail_set(f, STATUS_USAGE, "is no such way");
		return fail_hint(f, "try: require or request");
	}
	return 0;
}

static int
set_version(const char *value, enum tls_version *to, struct fail *f)
{
	static const char *const names[] = {"1.0", "1.1", "1.2", "1.3"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			*to = (enum tls_version)(TLS_1_0 + i);
			return 0;
		}
	fail_set(f, STATUS_USAGE, "is no version of TLS");
	return fail_hint(f, "try: 1.0, 1.1, 1.2 or 1.3");
}

int
set_tls_min(struct plan *p, const char *value, struct fail *f)
{
	return set_version(value, &p->run.secure.tls.min, f);
}

int
set_tls_max(struct plan *p, const char *value, struct fail *f)
{
	return set_version(value, &p->run.secure.tls.max, f);
}

/* The first option that only TLS has a use for; NULL: there is none. */
static const char *
given(const struct plan *p)
{
	const struct tls_plan *t = &p->run.secure.tls;
	const struct tls_cert *first = p->tls_certs_n > 0 ? p->tls_certs : NULL;
	const struct {
		bool given;
		const char *option;
	} all[] = {
	    {t->ca != NULL, "--tls-ca"},
	    {t->name != NULL, "--tls-name"},
	    {p->tls_pins_n > 0, "--tls-pin"},
	    {t->crl != NULL, "--tls-crl"},
	    {t->insecure, "--tls-insecure"},
	    {first != NULL && first->cert != NULL, "--tls-cert"},
	    {first != NULL && first->key != NULL, "--tls-key"},
	    {first != NULL && first->p12 != NULL, "--tls-p12"},
	    {p->phrases.path != NULL, "--tls-pass-file"},
	    {t->alpn != NULL, "--tls-alpn"},
	    {t->ask != TLS_ASK_NOT, "--tls-client"},
	    {t->self_signed, "--tls-self-signed"},
	    {t->min != TLS_DEFAULT, "--tls-min"},
	    {t->max != TLS_DEFAULT, "--tls-max"},
	    {t->ciphers != NULL, "--tls-ciphers"},
	    {t->no_close_notify, "--tls-no-close-notify"},
	    {t->keylog != NULL, "--tls-keylog"},
	    {p->tls_handshake_ms != UINT64_MAX, "--tls-handshake-timeout"},
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return all[i].option;
	return NULL;
}

size_t
plan_addresses_n(const struct plan *p)
{
	return p->many ? p->places_n : 1;
}

static struct addr *
plan_address(struct plan *p, size_t i)
{
	return p->many	 ? &p->places[i].listen.at
	    : p->serving ? &p->run.listen.at
			 : &p->run.dial.to;
}

static bool
is_packets(const struct plan *p, const struct addr *a)
{
	return (a->kind == ADDR_UNIX && p->run.dial.seqpacket) ||
	    (a->kind == ADDR_FD &&
		stream_socket_kind(a->fd) == STREAM_SOCKET_PACKETS);
}

/* --tls: each address is one with TLS. Is any? -1: one cannot be. */
static int
find_addresses(struct plan *p, struct fail *f)
{
	char name[ADDR_TEXT_MAX];
	struct addr *a;
	size_t i;
	int found = 0;

	for (i = 0; i < plan_addresses_n(p); i++) {
		a = plan_address(p, i);
		if (p->tls && (plan_is_datagrams(a) || is_packets(p, a))) {
			fail_set(f, STATUS_USAGE,
			    "--tls: expected an address of a stream, saw %s%s",
			    addr_print(a, name),
			    is_packets(p, a) ? ", of packets" : "");
			return fail_hint(f,
			    "try: tls: in front of those addresses that are "
			    "to have it");
		}
		a->tls = a->tls || p->tls;
		if (a->tls && is_packets(p, a)) {
			fail_set(f, STATUS_USAGE,
			    "--seqpacket: expected an address without TLS, saw "
			    "%s",
			    addr_print(a, name));
			return fail_hint(f, "try: without --seqpacket");
		}
		found |= a->tls;
	}
	return found;
}

/* A host as certificates have it. */
static void
fold(const char *name, char host[ADDR_HOST_MAX])
{
	char ascii[IDN_MAX], why[80];
	size_t len;

	snprintf(host, ADDR_HOST_MAX, "%s", name);
	if (strchr(host, ':') != NULL) {
		host[strcspn(host, "%")] = '\0'; /* its scope is ours alone */
		return;
	}
	if (idn_to_ascii(host, ascii, why, sizeof(why)) != NULL)
		return; /* which the resolver says */
	len = strlen(ascii);
	if (len > 1 && ascii[len - 1] == '.')
		ascii[len - 1] = '\0';
	snprintf(host, ADDR_HOST_MAX, "%s", ascii);
}

/* --tls-name: of many, as ".example.org" would be, none is meant. */
static int
finish_name(struct plan *p, struct fail *f)
{
	struct tls_plan *t = &p->run.secure.tls;
	char ascii[IDN_MAX], why[80];
	const char *wrong;

	if (t->name == NULL)
		return 0;
	if (t->name[0] == '\0' || t->name[0] == '.' ||
	    strchr(t->name, '*') != NULL || strlen(t->name) >= ADDR_HOST_MAX) {
		plan_refuse("the name of one host, or its address", t->name, f);
		fail_prefix(f, "--tls-name");
		return fail_hint(f, "try: --tls-name example.org");
	}
	if (strchr(t->name, ':') == NULL) {
		wrong = idn_to_ascii(t->name, ascii, why, sizeof(why));
		if (wrong != NULL)
			return fail_set(f, STATUS_USAGE,
			    "--tls-name '%.128s': %s", t->name, wrong);
	}
	fold(t->name, p->tls_name);
	t->name = p->tls_name;
	return 0;
}

/* Whom a client expects; without a host it goes to this machine. */
static int
finish_client(struct plan *p, struct fail *f)
{
	const struct addr *to = &p->run.dial.to;
	struct secure_plan *s = &p->run.secure;
	const struct tls_plan *t = &s->tls;
	char name[ADDR_TEXT_MAX];

	if (finish_name(p, f) == -1)
		return -1;
	if (to->kind == ADDR_TCP) {
		fold(to->host, p->tls_host);
		if (p->tls_host[0] == '\0')
			snprintf(p->tls_host, sizeof(p->tls_host), "localhost");
		s->host = p->tls_host;
		return 0;
	}
	if (t->name != NULL || t->pins_n > 0 || t->insecure)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "%s: expected a name that the server's certificate is to be for, "
	    "saw an address without any",
	    addr_print(to, name));
	return fail_hint(f, "try: --tls-name NAME, or --tls-pin PIN");
}

static int
add_name(struct plan *p, const char *name, struct fail *f)
{
	char **v;
	size_t i;

	for (i = 0; i < p->tls_names_n; i++)
		if (strcmp(p->tls_names[i], name) == 0)
			return 0;
	v = realloc(p->tls_names, (p->tls_names_n + 1) * sizeof(*v));
	if (v == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	p->tls_names = v;
	v[p->tls_names_n] = strdup(name);
	if (v[p->tls_names_n] == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	p->tls_names_n++;
	return 0;
}

/* What this machine is called, by itself and by others. */
static int
add_own_names(struct plan *p, bool others, struct fail *f)
{
	static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
	char host[ADDR_HOST_MAX] = "";
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (add_name(p, own[i], f) == -1)
			return -1;
	if (!others || gethostname(host, sizeof(host) - 1) == -1 ||
	    host[0] == '\0')
		return 0;
	return add_name(p, host, f);
}

/* The names in a certificate that we make: those of its addresses. */
static int
name_ourselves(struct plan *p, struct fail *f)
{
	char host[ADDR_HOST_MAX];
	const struct addr *a;
	bool any;
	size_t i;

	for (i = 0; i < plan_addresses_n(p); i++) {
		a = plan_address(p, i);
		if (!a->tls)
			continue;
		fold(a->host, host);
		any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
		    strcmp(host, "::") == 0;
		if (any || strcmp(host, "localhost") == 0) {
			if (add_own_names(p, any, f) == -1)
				return -1;
		} else if (add_name(p, host, f) == -1)
			return -1;
	}
	p->run.secure.tls.self = (const char *const *)p->tls_names;
	p->run.secure.tls.self_n = p->tls_names_n;
	return 0;
}

static int
finish_server(struct plan *p, struct fail *f)
{
	const struct tls_plan *t = &p->run.secure.tls;
	const char *believes = t->ca != NULL ? "--tls-ca"
	    : t->pins_n > 0		     ? "--tls-pin"
	    : t->crl != NULL		     ? "--tls-crl"
	    : t->insecure		     ? "--tls-insecure"
					     : NULL;

	if (believes != NULL && t->ask == TLS_ASK_NOT) {
		fail_set(f, STATUS_USAGE,
		    "%s: expected --tls-client, without which no client is "
		    "asked who it is",
		    believes);
		return fail_hint(f, "try: --tls-client require");
	}
	if (t->self_signed && t->certs_n > 0) {
		fail_set(f, STATUS_USAGE,
		    "--tls-self-signed and a certificate: expected one of "
		    "them, saw both");
		return fail_hint(f, "try: without --tls-self-signed");
	}
	return t->self_signed ? name_ourselves(p, f) : 0;
}

static int
finish_certs(struct plan *p, struct fail *f)
{
	size_t i;

	for (i = 0; i < p->tls_certs_n; i++)
		if (p->tls_certs[i].cert == NULL &&
		    p->tls_certs[i].p12 == NULL) {
			fail_set(f, STATUS_USAGE,
			    "--tls-key %.256s: expected --tls-cert with the "
			    "certificate of this key, saw none",
			    p->tls_certs[i].key);
			return fail_hint(f,
			    "try: --tls-cert FILE --tls-key FILE, for each "
			    "certificate");
		}
	p->run.secure.tls.certs = p->tls_certs;
	p->run.secure.tls.certs_n = p->tls_certs_n;
	return phrases_check(&p->phrases, f);
}

static ssize_t
pass(void *owner, const char *file, char *buf, size_t cap)
{
	struct plan *p = owner;

	return phrases_get(&p->phrases, file, buf, cap);
}

static void
warn(void *owner, const char *text)
{
	const struct plan *p = owner;
	struct fail f;

	fail_set(&f, STATUS_DONE, "%s", text);
	p->run.complain(&f);
}

static int
refuse_without(const char *option, struct fail *f)
{
	fail_set(f, STATUS_USAGE, "%s: expected an address with TLS, saw none",
	    option);
	return fail_hint(f, "try: tls: in front of the address, or --tls");
}

int
plan_tls_finish(struct plan *p, struct fail *f)
{
	struct secure_plan *s = &p->run.secure;
	const char *option = given(p), *keylog = getenv("SSLKEYLOGFILE");

	switch (find_addresses(p, f)) {
	case -1:
		return -1;
	case 0:
		return option == NULL ? 0 : refuse_without(option, f);
	}
	if (p->tls_handshake_ms == 0) {
		fail_set(f, STATUS_USAGE,
		    "--tls-handshake-timeout '0': expected some time, saw "
		    "none");
		return fail_hint(f, "try: 10s");
	}
	s->role = p->serving ? TLS_SERVER : TLS_CLIENT;
	s->handshake_ms = p->tls_handshake_ms == UINT64_MAX
	    ? SECURE_HANDSHAKE_MS
	    : p->tls_handshake_ms;
	p->run.door.handshake_ms = s->handshake_ms;
	s->tls.pins = p->tls_pins;
	s->tls.pins_n = p->tls_pins_n;
	s->tls.shut_at_once = p->run.talk.half_quiet;
	s->tls.pass = pass;
	s->tls.warn = warn;
	s->tls.owner = p;
	if (s->tls.keylog == NULL && keylog != NULL && keylog[0] != '\0')
		s->tls.keylog = keylog;
	if (finish_certs(p, f) == -1 ||
	    (p->serving ? finish_server(p, f) : finish_client(p, f)) == -1)
		return -1;
	s->face = tls_open(f);
	return s->face == NULL ? -1 : 0;
}

void
plan_tls_release(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->tls_names_n; i++)
		free(p->tls_names[i]);
	free(p->tls_names);
	free(p->tls_pins);
	free(p->tls_certs);
	phrases_release(&p->phrases);
}
