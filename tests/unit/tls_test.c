/*
 * The engine of TLS, client against server in memory: who is believed and who
 * is not, in which words; handshakes in pieces of every size and cut at every
 * byte; versions, pins, sessions, reloads, and what is told of all that.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"
#include "tap.h"
#include "tls_both.h"

/* The certificates that most tests use. */
static struct cert ca, other_ca, middle, good, client_cert, stranger;
static const char *ca_file, *good_file, *key_file, *client_file, *both_file;
static const char *stranger_file;
static struct tls_cert good_pair, client_pair, stranger_pair;

static const struct cert *const good_chain[] = {&good, NULL};

static void
make_all(void)
{
	const struct cert *const all[] = {&ca, NULL};
	const struct cert *const cas[] = {&ca, &other_ca, NULL};
	const struct cert *const one[] = {&client_cert, NULL};
	const struct cert *const strange[] = {&stranger, NULL};

	cert_make(&ca, &(struct cert_kind){.cn = "Test CA", .ca = true}, NULL);
	cert_make(
	    &other_ca, &(struct cert_kind){.cn = "Other CA", .ca = true}, NULL);
	cert_make(
	    &middle, &(struct cert_kind){.cn = "Middle CA", .ca = true}, &ca);
	cert_make(&good,
	    &(struct cert_kind){.cn = "good",
		.sans = "DNS:good.example,DNS:*.wild.example,"
			"IP:127.0.0.1,IP:::1"},
	    &ca);
	cert_make(&client_cert, &(struct cert_kind){.cn = "a client"}, &ca);
	cert_make(
	    &stranger, &(struct cert_kind){.cn = "a stranger"}, &other_ca);
	ca_file = certs_pem("ca.pem", NULL, NULL, all);
	both_file = certs_pem("both.pem", NULL, NULL, cas);
	good_file = certs_pem("good.pem", NULL, NULL, good_chain);
	key_file = certs_pem("good.key", &good, NULL, NULL);
	client_file = certs_pem("client.pem", &client_cert, NULL, one);
	stranger_file = certs_pem("stranger.pem", &stranger, NULL, strange);
	good_pair = (struct tls_cert){.cert = good_file, .key = key_file};
	client_pair = (struct tls_cert){.cert = client_file};
	stranger_pair = (struct tls_cert){.cert = stranger_file};
}

static void
release_all(void)
{
	cert_release(&ca);
	cert_release(&other_ca);
	cert_release(&middle);
	cert_release(&good);
	cert_release(&client_cert);
	cert_release(&stranger);
}

static struct tls_plan
client_plan(void)
{
	return (struct tls_plan){.ca = ca_file};
}

static struct tls_plan
server_plan(void)
{
	return (struct tls_plan){.certs = &good_pair, .certs_n = 1};
}

/* Whom a client meets, and what it makes of it. */
struct encounter {
	const char *sentence;
	const char *host;
	const char *what; /* NULL: it is believed */
	const char *hint;
	bool self, no_ca, by_other, by_middle, middle_shown, by_leaf;
	struct cert_kind kind;
};

static const struct encounter encounters[] = {
    {.sentence = "a name among the SANs is believed",
	.host = "b.example",
	.kind = {.cn = "x", .sans = "DNS:a.example,DNS:b.example"}},
    {.sentence = "the case of a name does not matter",
	.host = "B.Example",
	.kind = {.cn = "x", .sans = "DNS:b.example"}},
    {.sentence = "a wildcard stands for one label",
	.host = "x.wild.example",
	.kind = {.cn = "x", .sans = "DNS:*.wild.example"}},
    {.sentence = "a wildcard does not stand for two labels",
	.host = "y.x.wild.example",
	.what = "certificate is for *.wild.example, expected y.x.wild.example",
	.hint = "--tls-pin sha256:",
	.kind = {.cn = "x", .sans = "DNS:*.wild.example"}},
    {.sentence = "a wildcard does not stand for no label",
	.host = "wild.example",
	.what = "certificate is for *.wild.example, expected wild.example",
	.kind = {.cn = "x", .sans = "DNS:*.wild.example"}},
    {.sentence = "a wildcard that is a part of a label is none",
	.host = "foobar.example",
	.what = "certificate is for foo*.example, expected foobar.example",
	.kind = {.cn = "x", .sans = "DNS:foo*.example"}},
    {.sentence = "another name is refused",
	.host = "127.0.0.1",
	.what = "certificate is for example.org, expected 127.0.0.1",
	.hint = "try: --tls-name example.org",
	.kind = {.cn = "127.0.0.1", .sans = "DNS:example.org"}},
    {.sentence = "an IPv4 address among the SANs is believed",
	.host = "127.0.0.1",
	.kind = {.cn = "x", .sans = "IP:10.0.0.1,IP:127.0.0.1"}},
    {.sentence = "an IPv6 address is believed, whatever its form and scope",
	.host = "fe80:0:0::1%eth0",
	.kind = {.cn = "x", .sans = "IP:fe80::1"}},
    {.sentence = "another address is refused",
	.host = "127.0.0.2",
	.what = "certificate is for 127.0.0.1, expected 127.0.0.2",
	.hint = "--tls-pin sha256:",
	.kind = {.cn = "x", .sans = "IP:127.0.0.1"}},
    {.sentence = "an address that is written as a name is refused",
	.host = "127.0.0.1",
	.what = "certificate is for 127.0.0.1, expected 127.0.0.1",
	.kind = {.cn = "x", .sans = "DNS:127.0.0.1"}},
    {.sentence = "a CN alone is no name",
	.host = "cn.example",
	.what = "names no host, expected cn.example; its subject is "
		"CN=cn.example, which does not count",
	.hint = "--tls-pin sha256:",
	.kind = {.cn = "cn.example"}},
    {.sentence = "a CN does not help beside an IP address",
	.host = "cn.example",
	.what = "certificate is for 127.0.0.1, expected cn.example",
	.kind = {.cn = "cn.example", .sans = "IP:127.0.0.1"}},
    {.sentence = "an unknown CA is refused",
	.host = "a.example",
	.what = "was issued by CN=Other CA, which is not known here",
	.hint = "try: --tls-ca FILE",
	.by_other = true,
	.kind = {.cn = "x", .sans = "DNS:a.example"}},
    {.sentence = "an incomplete chain is refused",
	.host = "a.example",
	.what = "was issued by CN=Middle CA, which is not known here; it was "
		"shown with 0 above it",
	.hint = "try: --tls-ca FILE",
	.by_middle = true,
	.kind = {.cn = "x", .sans = "DNS:a.example"}},
    {.sentence = "a chain over an intermediate CA is believed",
	.host = "a.example",
	.by_middle = true,
	.middle_shown = true,
	.kind = {.cn = "x", .sans = "DNS:a.example"}},
    {.sentence = "an intermediate that is no CA is refused",
	.host = "a.example",
	.what = "CN=good has issued it, and is no CA",
	.by_leaf = true,
	.kind = {.cn = "x", .sans = "DNS:a.example"}},
    {.sentence = "a self-signed certificate is refused",
	.host = "a.example",
	.what = "is self-signed (CN=alone), expected one of a known CA",
	.hint = "try: --tls-pin sha256:",
	.self = true,
	.kind = {.cn = "alone", .sans = "DNS:a.example"}},
    {.sentence = "one that has expired is refused",
	.host = "a.example",
	.what = "the server's certificate expired on ",
	.hint = "try: the clock; or --tls-pin sha256:",
	.kind = {.cn = "x",
	    .sans = "DNS:a.example",
	    .from_days = -9,
	    .to_days = -1}},
    {.sentence = "one that is not yet valid is refused",
	.host = "a.example",
	.what = "the server's certificate is not valid before ",
	.kind =
	    {.cn = "x", .sans = "DNS:a.example", .from_days = 1, .to_days = 9}},
    {.sentence = "one that is for clients alone is refused",
	.host = "a.example",
	.what = "it is not one of a server (extended key usage)",
	.kind = {.cn = "x", .sans = "DNS:a.example", .usage = "clientAuth"}},
    {.sentence = "what a certificate says cannot drive a terminal",
	.host = "a.example",
	.what = "is self-signed (CN=\\1B",
	.self = true,
	.kind = {.cn = "\033[2J", .sans = "DNS:a.example"}},
};

static bool
has(const char *text, const char *words)
{
	if (words == NULL || strstr(text, words) != NULL)
		return true;
	diag("expected: %s", words);
	diag("saw:      %s", text);
	return false;
}

static void
test_encounter(const struct encounter *m)
{
	const struct cert *issuer = m->self ? NULL
	    : m->by_other		    ? &other_ca
	    : m->by_middle		    ? &middle
	    : m->by_leaf		    ? &good
					    : &ca;
	struct tls_plan client = client_plan(), server = server_plan();
	const struct cert *chain[3] = {NULL};
	struct tls_cert pair = {0};
	struct tls_both p;
	struct cert leaf;
	bool done;

	cert_make(&leaf, &m->kind, issuer);
	chain[0] = &leaf;
	if (m->middle_shown || m->by_leaf)
		chain[1] = issuer;
	pair.cert = certs_pem("leaf.pem", &leaf, NULL, chain);
	server.certs = &pair;
	if (!tls_both_config(&p, &client, &server))
		abort();
	done = tls_both_begin(&p, m->host) && tls_both_shake(&p, 100000);
	ok(done == (m->what == NULL) && has(p.client.fail.what, m->what) &&
		has(p.client.fail.hint, m->hint) &&
		(done || p.client.fail.status == STATUS_TLS),
	    "%s", m->sentence);
	if (done && m->what == NULL)
		ok(p.client.fail.what[0] == '\0' &&
			tls_both_say(&p.client, &p.server, "hello", 5, 9) &&
			tls_both_say(&p.server, &p.client, "there", 5, 9),
		    "and bytes pass");
	tls_both_release(&p);
	cert_release(&leaf);
}

/* One handshake; the fail of whoever failed first, or NULL. */
static const struct fail *
meet(struct tls_both *p, const struct tls_plan *client,
    const struct tls_plan *server, const char *host)
{
	if (!tls_both_config(p, client, server) || !tls_both_begin(p, host))
		return p->client.fail.status != STATUS_DONE ? &p->client.fail
							    : &p->server.fail;
	if (tls_both_shake(p, 100000))
		return NULL;
	return p->client.fail.status != STATUS_DONE &&
		strstr(p->client.fail.what, "alert") == NULL
	    ? &p->client.fail
	    : &p->server.fail;
}

static void
test_pins(void)
{
	struct tls_plan client = {0}, server = server_plan();
	char pin[64], wrong[64];
	const char *pins[2];
	const struct fail *f;
	struct tls_both p;

	certs_pin(&good, pin);
	certs_pin(&ca, wrong);
	pins[0] = wrong;
	pins[1] = pin;
	client.pins = pins + 1;
	client.pins_n = 1;
	ok(meet(&p, &client, &server, "other.example") == NULL,
	    "a pin stands in place of chain and name");
	tls_both_release(&p);
	ok(meet(&p, &client, &server, NULL) == NULL,
	    "with a pin no name is needed");
	tls_both_release(&p);
	client.pins = pins;
	client.pins_n = 2;
	ok(meet(&p, &client, &server, "x") == NULL, "any of the pins will do");
	tls_both_release(&p);
	client.pins_n = 1;
	client.ca = ca_file;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, pin) && has(f->what, wrong) &&
		has(f->hint, pin),
	    "a wrong pin is refused though the chain is good; both are said");
	tls_both_release(&p);
	pins[0] = "sha256:short=";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_USAGE &&
		has(f->what, "sha256:short="),
	    "what is no pin is a usage error");
	tls_both_release(&p);
}

static void
test_client_side(void)
{
	struct tls_plan client = {0}, server = server_plan();
	const struct fail *f;
	struct tls_facts facts;
	struct tls_both p;

	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_TLS,
	    "the system's CAs do not know ours");
	tls_both_release(&p);
	client.insecure = true;
	ok(meet(&p, &client, &server, "wrong.example") == NULL,
	    "who is insecure believes anybody");
	tls_face.facts(p.client.engine, &facts);
	ok(!facts.verified && facts.pin[0] != '\0',
	    "and it is told that nothing was verified");
	tls_both_release(&p);
	client = client_plan();
	f = meet(&p, &client, &server, NULL);
	ok(f != NULL && f->status == STATUS_USAGE && has(f->hint, "--tls-name"),
	    "without any name to expect, one has to be given");
	tls_both_release(&p);
	client.name = "good.example";
	ok(meet(&p, &client, &server, "10.1.2.3") == NULL,
	    "a name that is given stands in place of the host's");
	tls_face.facts(p.server.engine, &facts);
	is_text(facts.sni, "good.example", "and is told to the server");
	tls_both_release(&p);
	client.name = NULL;
	ok(meet(&p, &client, &server, "127.0.0.1") == NULL,
	    "an address is believed");
	tls_face.facts(p.server.engine, &facts);
	is_text(facts.sni, "", "and never told to the server");
	tls_both_release(&p);
	client.ca = "/nonexistent";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_IO && has(f->what, "/nonexistent"),
	    "a CA file that is missing is named");
	tls_both_release(&p);
	client.ca = key_file;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "expected certificates in PEM"),
	    "a CA file without certificates is refused");
	tls_both_release(&p);
	client.ca = certs_dir();
	ok(meet(&p, &client, &server, "good.example") == NULL,
	    "a directory of certificates needs no hashed names");
	tls_both_release(&p);
}

static void
test_crl(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	const struct fail *f;
	struct tls_both p;

	client.crl = certs_crl("revoked.crl", &good, &ca);
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "has been revoked"),
	    "one that was revoked is refused");
	tls_both_release(&p);
	client.crl = certs_crl("other.crl", &client_cert, &ca);
	ok(meet(&p, &client, &server, "good.example") == NULL,
	    "another than the revoked one is believed");
	tls_both_release(&p);
	client.crl = certs_crl("stranger.crl", &stranger, &other_ca);
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "there is no list of CN=Test CA"),
	    "with the list of another CA alone nobody is believed");
	tls_both_release(&p);
	client.crl = ca_file;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "expected a list"),
	    "a file without a list is refused");
	tls_both_release(&p);
}

/* What becomes of a client that shows this, or nothing. */
static void
show(const char *sentence, enum tls_ask ask, const struct tls_cert *cert,
    const char *words, enum tls_version max)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_facts facts;
	struct tls_both p;
	char byte;
	ssize_t r;
	bool done;

	server.ask = ask;
	server.ca = ca_file;
	client.certs = cert;
	client.certs_n = cert == NULL ? 0 : 1;
	client.max = max;
	if (!tls_both_config(&p, &client, &server))
		abort();
	tls_both_begin(&p, "good.example");
	done = tls_both_shake(&p, 100000);
	ok(done == (words == NULL) && has(p.server.fail.what, words), "%s",
	    sentence);
	if (done) {
		tls_face.facts(p.server.engine, &facts);
		is_text(facts.subject, cert != NULL ? "CN=a client" : "",
		    "and it is told who it is");
	} else {
		/* With 1.3 the client hears of it when it reads. */
		tls_both_hand(&p.server, &p.client, 100000);
		p.client.wire.in = slice_of(p.server.wire.out.p + p.server.at,
		    p.server.wire.out.len - p.server.at);
		r = p.client.shaken == 1
		    ? tls_face.read(p.client.engine, &byte, 1)
		    : p.client.shaken;
		ok(r == TLS_FAILED &&
			has(tls_face.fail(p.client.engine)->what, "alert"),
		    "and the client hears of it");
		ok(has(tls_face.fail(p.client.engine)->hint, "--tls-cert"),
		    "and what helps");
	}
	tls_both_release(&p);
}

static void
test_client_certificates(void)
{
	struct tls_plan server = server_plan(), client = client_plan();
	const struct cert *chain[] = {NULL, NULL};
	struct tls_cert expired = {0};
	const struct fail *f;
	struct tls_both p;
	struct cert old;
	enum tls_version v;

	cert_make(&old,
	    &(struct cert_kind){
		.cn = "a client", .from_days = -9, .to_days = -1},
	    &ca);
	chain[0] = &old;
	expired.cert = certs_pem("old.pem", &old, NULL, chain);
	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		show("a client with a certificate is let in", TLS_ASK_REQUIRE,
		    &client_pair, NULL, v);
		show("one without is let in where it is only asked",
		    TLS_ASK_REQUEST, NULL, NULL, v);
		show("one whose certificate has expired is not",
		    TLS_ASK_REQUIRE, &expired,
		    "the client's certificate expired on", v);
		show("one of another CA is not, where it is only asked",
		    TLS_ASK_REQUEST, &stranger_pair,
		    "the client's certificate was issued by CN=Other CA", v);
	}
	show("one without is not where it has to have one", TLS_ASK_REQUIRE,
	    NULL, "the client showed no certificate", TLS_1_3);
	cert_release(&old);
	server.ask = TLS_ASK_REQUIRE;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_USAGE && has(f->hint, "--tls-ca"),
	    "a server that asks has to know a CA");
	tls_both_release(&p);
}

static void
test_versions(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_facts facts;
	const struct fail *f;
	struct tls_both p;
	enum tls_version v;
	static const char *const names[] = {
	    NULL, "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

	for (v = TLS_1_0; v <= TLS_1_3; v++) {
		client.min = client.max = v;
		server.min = v;
		ok(meet(&p, &client, &server, "good.example") == NULL,
		    "%s is spoken where it is asked for", names[v]);
		tls_face.facts(p.client.engine, &facts);
		is_text(facts.version, names[v], "and nothing else");
		ok(tls_face.has_halves(p.client.engine) == (v == TLS_1_3),
		    "halves close alone from 1.3 on");
		tls_both_release(&p);
	}
	client.min = client.max = TLS_1_1;
	server.min = TLS_DEFAULT;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "the client speaks TLSv1.1, expected") &&
		has(f->hint, "--tls-min"),
	    "a client that is too old is refused");
	ok(has(p.client.fail.what, "alert \"protocol version\" (70)"),
	    "and hears of it");
	tls_both_release(&p);
	client.min = TLS_1_3;
	client.max = TLS_1_2;
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_USAGE,
	    "a --tls-max below --tls-min is a usage error");
	tls_both_release(&p);
}

static void
test_agreement(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_facts facts;
	const struct fail *f;
	struct tls_both p;

	client.alpn = "x,second,first";
	server.alpn = "first,second";
	client.ciphers = "TLS_CHACHA20_POLY1305_SHA256";
	ok(meet(&p, &client, &server, "good.example") == NULL,
	    "protocols and ciphers are agreed upon");
	tls_face.facts(p.client.engine, &facts);
	is_text(
	    facts.alpn, "first", "it is the one that the server likes best");
	is_text(facts.cipher, "TLS_CHACHA20_POLY1305_SHA256",
	    "and the cipher that was asked for");
	is_text(facts.names, "good.example, *.wild.example, 127.0.0.1, ::1",
	    "all names of the peer are told");
	tls_both_release(&p);
	client.alpn = "third";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL &&
		has(f->what, "offered no protocol (ALPN) of first,second"),
	    "without a protocol in common it is refused");
	ok(has(p.client.fail.what, "no application protocol"),
	    "and the client hears why");
	tls_both_release(&p);
	client.alpn = "a,,b";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_USAGE,
	    "an empty protocol is a usage error");
	tls_both_release(&p);
	client.alpn = NULL;
	client.ciphers = "NONE-OF-THEM";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && f->status == STATUS_USAGE && has(f->what, "NONE-OF"),
	    "a cipher that is none is a usage error");
	tls_both_release(&p);
	client.max = TLS_1_2;
	client.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
	server.max = TLS_1_2;
	server.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
	f = meet(&p, &client, &server, "good.example");
	ok(f != NULL && has(f->what, "knows no cipher that is allowed here"),
	    "without a cipher in common it is refused");
	tls_both_release(&p);
}

static void
test_sni(void)
{
	struct cert a, b;
	const struct cert *chain_a[] = {&a, NULL}, *chain_b[] = {&b, NULL};
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_cert pairs[2] = {{0}, {0}};
	struct tls_facts facts;
	struct tls_both p;

	cert_make(
	    &a, &(struct cert_kind){.cn = "a", .sans = "DNS:a.example"}, &ca);
	cert_make(
	    &b, &(struct cert_kind){.cn = "b", .sans = "DNS:b.example"}, &ca);
	pairs[0].cert = certs_pem("a.pem", &a, NULL, chain_a);
	pairs[1].cert = certs_pem("b.pem", &b, NULL, chain_b);
	server.certs = pairs;
	server.certs_n = 2;
	ok(meet(&p, &client, &server, "b.example") == NULL,
	    "the certificate is the one that the client asks for");
	tls_face.facts(p.client.engine, &facts);
	is_text(facts.subject, "CN=b", "the second");
	tls_both_release(&p);
	client.insecure = true;
	ok(meet(&p, &client, &server, "c.example") == NULL, "or else");
	tls_face.facts(p.client.engine, &facts);
	is_text(facts.subject, "CN=a", "the first");
	tls_both_release(&p);
	cert_release(&a);
	cert_release(&b);
}

static unsigned asked;

static ssize_t
give_pass(void *owner, const char *file, char *buf, size_t cap)
{
	const char *pass = owner;

	(void)file;
	asked++;
	if (pass == NULL)
		return -1;
	snprintf(buf, cap, "%s", pass);
	return (ssize_t)strlen(pass);
}

static void
load(const char *sentence, const struct tls_cert *cert, char *pass,
    enum status status, const char *words)
{
	struct tls_plan client = client_plan(), server = {0};
	const struct fail *f;
	struct tls_both p;

	server.certs = cert;
	server.certs_n = 1;
	server.pass = give_pass;
	server.owner = pass;
	f = meet(&p, &client, &server, "good.example");
	ok((f == NULL) == (words == NULL) &&
		(f == NULL || (has(f->what, words) && f->status == status)),
	    "%s", sentence);
	if (f != NULL)
		diag("%s (%s)", f->what, f->hint);
	tls_both_release(&p);
}

static void
test_files(void)
{
	char secret[] = "geheim", wrong[] = "falsch";
	struct tls_cert locked = {.cert = good_file};
	struct tls_cert p12 = {0}, open12 = {0}, old12 = {0},
			other = {.cert = good_file};
	struct tls_cert bad = {.cert = key_file};
	struct tls_cert missing = {.cert = "/nonexistent.pem"};
	struct tls_cert none = {.cert = good_file};
	struct tls_cert binary = {0};

	locked.key = certs_pem("locked.key", &good, secret, NULL);
	p12.p12 = certs_p12("good.p12", &good, secret, false);
	open12.p12 = certs_p12("open.p12", &good, NULL, false);
	other.key = certs_pem("other.key", &ca, NULL, NULL);
	asked = 0;
	load("a key with a pass phrase is opened", &locked, secret, 0, NULL);
	is_num(asked, 1, "and it is asked for once");
	load("a wrong pass phrase is said", &locked, wrong, STATUS_TLS,
	    "the pass phrase is wrong");
	load("and one that is missing", &locked, NULL, STATUS_TLS,
	    "it wants a pass phrase");
	load("PKCS#12 is opened", &p12, secret, 0, NULL);
	old12.p12 = certs_p12("old.p12", &good, secret, true);
	if (old12.p12 != NULL)
		load("PKCS#12 as Windows has long written it, too", &old12,
		    secret, 0, NULL);
	load("PKCS#12 without a pass phrase, too", &open12, NULL, 0, NULL);
	load("PKCS#12 with a wrong one is not", &p12, wrong, STATUS_TLS,
	    "the pass phrase is wrong");
	load("the key of another certificate is refused", &other, NULL,
	    STATUS_TLS, "the key belongs to another certificate");
	load("a file without a certificate is refused", &bad, NULL, STATUS_TLS,
	    "expected a certificate in PEM");
	load("a file that is missing is named", &missing, NULL, STATUS_IO,
	    "/nonexistent.pem: No such file");
	load("a file without a key is refused", &none, NULL, STATUS_TLS,
	    "expected a private key in PEM");
	binary.cert = p12.p12;
	load("PKCS#12 in the place of PEM is seen", &binary, NULL, STATUS_TLS,
	    "saw binary");
}

static void
test_self_signed(void)
{
	static const char *const names[] = {"127.0.0.1", "box.example", "::1"};
	struct tls_plan client = {0},
			server = {
			    .self_signed = true, .self = names, .self_n = 3};
	struct tls_facts facts;
	const char *pin;
	struct tls_both p;
	char before[TLS_PIN_MAX];
	struct tls_about again;

	client.pins = &pin;
	client.pins_n = 1;
	client.insecure = true;
	memset(&p, 0, sizeof(p));
	p.server.config = tls_face.config_new(
	    TLS_SERVER, &server, &p.server.about, &p.server.fail);
	pin = p.server.about.pin;
	p.client.config = tls_face.config_new(
	    TLS_CLIENT, &client, &p.client.about, &p.client.fail);
	ok(p.server.config != NULL && p.client.config != NULL &&
		tls_both_begin(&p, NULL) && tls_both_shake(&p, 1000),
	    "a self-signed server is believed by the pin that it tells");
	tls_face.facts(p.client.engine, &facts);
	is_text(facts.names, "127.0.0.1, box.example, ::1",
	    "its names are those that it was given");
	is_text(facts.pin, p.server.about.pin, "its pin is told");
	memcpy(before, p.server.about.pin, sizeof(before));
	ok(tls_face.config_reload(p.server.config, &again, &p.server.fail) ==
		    0 &&
		strcmp(before, again.pin) == 0,
	    "a reload keeps it");
	tls_both_release(&p);
	server.self_signed = false;
	ok(!tls_both_config(&p, &client, &server) &&
		p.server.fail.status == STATUS_USAGE &&
		has(p.server.fail.hint, "--tls-self-signed"),
	    "a server without any certificate is a usage error");
	tls_both_release(&p);
}

static bool
shake_again(struct tls_both *p)
{
	tls_both_end(p);
	return tls_both_begin(p, "good.example") && tls_both_shake(p, 4096);
}

static void
test_resumption(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_facts facts;
	struct tls_about about;
	struct tls_both p;
	enum tls_version v;

	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		client.max = v;
		ok(meet(&p, &client, &server, "good.example") == NULL,
		    "a first handshake");
		tls_face.facts(p.client.engine, &facts);
		ok(!facts.resumed, "is not resumed");
		ok(tls_both_say(&p.server, &p.client, "x", 1, 9000),
		    "what the server says brings a ticket");
		ok(shake_again(&p), "a second one");
		tls_face.facts(p.client.engine, &facts);
		ok(facts.resumed && facts.verified, "is resumed");
		is_text(
		    facts.subject, "CN=good", "and it is still told who it is");
		tls_face.facts(p.server.engine, &facts);
		ok(facts.resumed, "by the server, too");
		ok(tls_both_say(&p.server, &p.client, "x", 1, 9000) &&
			shake_again(&p),
		    "a third one");
		tls_face.facts(p.client.engine, &facts);
		ok(facts.resumed, "is resumed as well");
		ok(tls_face.config_reload(
		       p.server.config, &about, &p.server.fail) == 0 &&
			tls_both_say(&p.server, &p.client, "x", 1, 9000),
		    "a reload leaves connections alone");
		ok(shake_again(&p), "a handshake after it");
		tls_face.facts(p.client.engine, &facts);
		ok(!facts.resumed, "begins anew");
		tls_both_release(&p);
	}
}

static void
test_reload(void)
{
	const struct cert *chain[] = {&stranger, NULL};
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_cert pair = {0};
	struct tls_about about;
	struct tls_facts facts;
	struct tls_both p;
	struct fail f;

	pair.cert = certs_pem("changes.pem", &good, NULL, good_chain);
	server.certs = &pair;
	client.ca = both_file;
	client.insecure = true;
	ok(meet(&p, &client, &server, "good.example") == NULL, "a server runs");
	certs_pem("changes.pem", &good, NULL, chain);
	ok(tls_face.config_reload(p.server.config, &about, &f) == -1 &&
		has(f.what, "another certificate"),
	    "a reload that fails says why");
	ok(shake_again(&p), "and the server goes on");
	tls_face.facts(p.client.engine, &facts);
	is_text(facts.subject, "CN=good", "as before");
	certs_pem("changes.pem", &stranger, NULL, chain);
	ok(tls_face.config_reload(p.server.config, &about, &f) == 0 &&
		shake_again(&p),
	    "after one that succeeds");
	tls_face.facts(p.client.engine, &facts);
	is_text(
	    facts.subject, "CN=a stranger", "the certificate is the new one");
	tls_both_release(&p);
}

/* Who closes, and how that is told. */
static void
test_ends(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_both p;
	enum tls_version v;
	char buf[16];

	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		client.max = v;
		ok(meet(&p, &client, &server, "good.example") == NULL,
		    "a conversation");
		tls_face.shut(p.client.engine);
		p.server.wire.in = slice_of(p.client.wire.out.p + p.client.at,
		    p.client.wire.out.len - p.client.at);
		p.client.at = p.client.wire.out.len;
		is_num(tls_face.read(p.server.engine, buf, sizeof(buf)),
		    TLS_END, "close_notify is the end");
		ok(tls_both_say(&p.server, &p.client, "late", 4, 9),
		    "and what is said behind it arrives");
		p.client.wire.in_ended = true;
		is_num(tls_face.read(p.client.engine, buf, sizeof(buf)),
		    TLS_CUT, "an end without it is a cut");
		ok(tls_face.fail(p.client.engine)->status == STATUS_TRUNCATED &&
			has(tls_face.fail(p.client.engine)->hint,
			    "--tls-no-close-notify"),
		    "and that is said");
		tls_both_release(&p);
	}
}

/* What somebody says who speaks no TLS. */
static void
say_plain(enum tls_role to, const char *bytes, size_t len, const char *words)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_side *s;
	struct tls_both p;

	if (!tls_both_config(&p, &client, &server) ||
	    !tls_both_begin(&p, "good.example"))
		abort();
	s = to == TLS_SERVER ? &p.server : &p.client;
	s->wire.in = slice_of(bytes, len);
	s->shaken = tls_face.handshake(s->engine);
	if (s->shaken == TLS_WANT) {
		s->wire.in_ended = true;
		s->shaken = tls_face.handshake(s->engine);
	}
	ok(s->shaken == TLS_FAILED &&
		has(tls_face.fail(s->engine)->what, words),
	    "to a %s: %s", to == TLS_SERVER ? "server" : "client", words);
	tls_both_release(&p);
}

static void
test_plain(void)
{
	static const char alert[] = {21, 3, 3, 0, 2, 2, 40};
	static const char junk[] = {1, 2, 3, 4, 5, 6, 7, 8};

	say_plain(TLS_SERVER, "GET / HTTP/1.0\r\n\r\n", 18,
	    "expected TLS, saw HTTP in plain text: \"GET / HTTP/1.0");
	say_plain(TLS_SERVER, "11\r\nHello World", 15,
	    "expected TLS, saw a WINDEV message in plain text: \"11\\r\\n");
	say_plain(TLS_SERVER, "Hello<EOF>", 10,
	    "expected TLS, saw plain text: \"Hello");
	say_plain(TLS_SERVER, "hi\n", 3, "expected TLS, saw plain text: \"hi");
	say_plain(TLS_SERVER, junk, sizeof(junk), "saw bytes that are no TLS");
	say_plain(TLS_CLIENT, "220 mail.example ESMTP\r\n", 24,
	    "expected TLS, saw plain text: \"220 mail");
	say_plain(TLS_CLIENT, "HTTP/1.1 400 Bad Request\r\n", 26,
	    "expected TLS, saw HTTP in plain text");
	say_plain(TLS_CLIENT, alert, sizeof(alert),
	    "the server refused with the alert \"handshake failure\" (40)");
	say_plain(TLS_CLIENT, "", 0,
	    "the server closed after 0 bytes of the handshake, expected the "
	    "ServerHello");
	say_plain(TLS_SERVER, "", 0,
	    "the client closed after 0 bytes of the handshake, expected a "
	    "ClientHello");
}

/* The handshake ends after `cut` bytes of the client, or of the server. */
static bool
cut_at(struct tls_both *p, bool of_client, size_t cut, bool *whole)
{
	struct tls_side *from = of_client ? &p->client : &p->server;
	struct tls_side *to = of_client ? &p->server : &p->client;
	size_t moved;
	bool good_end;

	if (!tls_both_begin(p, "good.example"))
		return false;
	do {
		moved = tls_both_hand(to, from, 100000);
		moved += tls_both_hand(from, to, cut - from->at);
	} while (moved > 0 && from->at < cut);
	*whole = to->shaken == 1;
	to->wire.in_ended = true;
	if (!*whole)
		to->shaken = tls_face.handshake(to->engine);
	good_end = *whole ||
	    (to->shaken == TLS_FAILED &&
		strstr(tls_face.fail(to->engine)->what, " closed after ") !=
		    NULL &&
		to->fail.signal == 0);
	tls_both_end(p);
	return good_end;
}

static void
test_cuts(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_both p;
	enum tls_version v;
	bool good_ends, whole;
	size_t cut;
	int of_client;

	for (v = TLS_1_2; v <= TLS_1_3; v++)
		for (of_client = 0; of_client < 2; of_client++) {
			client.max = v;
			if (!tls_both_config(&p, &client, &server))
				abort();
			good_ends = true;
			whole = false;
			for (cut = 0; !whole && good_ends && cut < 10000; cut++)
				good_ends =
				    cut_at(&p, of_client != 0, cut, &whole);
			ok(good_ends && whole && cut > 100,
			    "cut at any of %zu bytes of the %s, the end is "
			    "told",
			    cut, of_client ? "client" : "server");
			tls_both_release(&p);
		}
}

static void
test_pieces(void)
{
	static const size_t sizes[] = {1, 2, 3, 5, 6, 7, 100, 1000, 16384};
	struct tls_plan client = client_plan(), server = server_plan();
	uint64_t state = dice_seed();
	struct tls_both p;
	uint8_t *bytes = malloc(200000);
	enum tls_version v;
	size_t i, len;

	for (i = 0; i < 200000; i++)
		bytes[i] = (uint8_t)dice(&state);
	server.ask = TLS_ASK_REQUIRE;
	server.ca = ca_file;
	client.certs = &client_pair;
	client.certs_n = 1;
	for (v = TLS_1_2; v <= TLS_1_3; v++) {
		client.max = v;
		if (!tls_both_config(&p, &client, &server))
			abort();
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			/* More than a record in any case. */
			len = sizes[i] < 100 ? 20000 : 200000;
			ok(tls_both_begin(&p, "good.example") &&
				tls_both_shake(&p, sizes[i]) &&
				tls_both_say(&p.client, &p.server, bytes, len,
				    sizes[i]) &&
				tls_both_say(
				    &p.server, &p.client, bytes, len, sizes[i]),
			    "all goes in pieces of %zu bytes", sizes[i]);
			tls_both_end(&p);
		}
		tls_both_release(&p);
	}
	free(bytes);
}

/* A byte that is changed on its way is seen, wherever it is. */
static void
test_changed(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_both p;
	char buf[100];
	size_t i, wrong = 0, n = 0;
	ssize_t r;

	if (!tls_both_config(&p, &client, &server))
		abort();
	for (i = 0; i == 0 || i < n; i++) {
		tls_both_begin(&p, "good.example");
		tls_both_shake(&p, 100000);
		tls_face.write(p.client.engine, "money: 1", 8);
		n = p.client.wire.out.len - p.client.at;
		p.client.wire.out.p[p.client.at + i] ^= 1;
		p.server.wire.in =
		    slice_of(p.client.wire.out.p + p.client.at, n);
		p.server.wire.in_ended = true;
		r = tls_face.read(p.server.engine, buf, sizeof(buf));
		wrong += r != TLS_FAILED && r != TLS_CUT;
		tls_both_end(&p);
	}
	ok(n > 20 && wrong == 0, "a change of any of %zu bytes is seen", n);
	tls_both_release(&p);
}

static unsigned warned;

static void
count_warning(void *owner, const char *text)
{
	(void)owner;
	warned += strncmp(text, "warning: ", 9) == 0;
}

static void
test_keylog(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	const char *path = certs_path("keys.log");
	char line[400] = "";
	struct tls_both p;
	struct stat st = {0};
	FILE *f;

	fclose(fopen(path, "w"));
	chmod(path, 0644);
	client.keylog = path;
	client.warn = count_warning;
	ok(meet(&p, &client, &server, "good.example") == NULL,
	    "with a key log");
	f = fopen(path, "r");
	ok(fgets(line, sizeof(line), f) != NULL &&
		(strncmp(line, "SERVER_HANDSHAKE_", 17) == 0 ||
		    strncmp(line, "CLIENT_", 7) == 0),
	    "there are keys in it");
	fclose(f);
	stat(path, &st);
	is_num(st.st_mode & 0777, 0600, "it is for nobody else");
	is_num(warned, 1, "and there is a warning");
	tls_both_release(&p);
	warned = 0;
	client.keylog = NULL;
	client.insecure = true;
	client.min = TLS_1_0;
	tls_both_config(&p, &client, &server);
	is_num(warned, 2, "as there are for what is insecure and what is old");
	tls_both_release(&p);
	client.keylog = "/nonexistent/log";
	ok(!tls_both_config(&p, &client, &server) &&
		p.client.fail.status == STATUS_IO &&
		has(p.client.fail.what, "/nonexistent/log"),
	    "a key log that cannot be written is status 10");
	tls_both_release(&p);
}

static void
test_weak(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	const struct cert *chain[] = {NULL, NULL, NULL};
	struct cert weak_ca, sha1_ca, leaf;
	struct tls_cert pair = {0};
	const struct cert *one[] = {&weak_ca, NULL};
	const struct fail *f;
	struct tls_both p;

	cert_make(&weak_ca,
	    &(struct cert_kind){.cn = "Weak CA", .ca = true, .rsa_bits = 1024},
	    NULL);
	cert_make(&leaf,
	    &(struct cert_kind){.cn = "x", .sans = "DNS:a.example"}, &weak_ca);
	chain[0] = &leaf;
	pair.cert = certs_pem("leaf.pem", &leaf, NULL, chain);
	server.certs = &pair;
	client.ca = certs_pem("weak.pem", NULL, NULL, one);
	f = meet(&p, &client, &server, "a.example");
	ok(f != NULL && has(f->what, "has a weak key: RSA of 1024 bits"),
	    "a weak key is refused");
	tls_both_release(&p);
	cert_release(&leaf);
	cert_release(&weak_ca);
	cert_make(&sha1_ca,
	    &(struct cert_kind){.cn = "SHA-1 CA", .ca = true, .md = EVP_sha1()},
	    &ca);
	cert_make(&leaf,
	    &(struct cert_kind){.cn = "x", .sans = "DNS:a.example"}, &sha1_ca);
	chain[1] = &sha1_ca;
	/* Ours are looked at as well, but for old versions. */
	server.min = TLS_1_0;
	pair.cert = certs_pem("leaf.pem", &leaf, NULL, chain);
	client.ca = ca_file;
	f = meet(&p, &client, &server, "a.example");
	ok(f != NULL && has(f->what, "is signed with ecdsa-with-SHA1"),
	    "a signature by SHA-1 is refused");
	tls_both_release(&p);
	client.min = TLS_1_0;
	f = meet(&p, &client, &server, "a.example");
	ok(f != NULL && has(f->what, "is signed with ecdsa-with-SHA1"),
	    "also where old versions are allowed");
	tls_both_release(&p);
	cert_release(&leaf);
	cert_release(&sha1_ca);
}

static void
test_facts(void)
{
	struct tls_plan client = client_plan(), server = server_plan();
	struct tls_facts now;
	struct tls_both p;
	char text[TLS_FACTS_TEXT];

	ok(meet(&p, &client, &server, "good.example") == NULL, "facts");
	tls_face.facts(p.client.engine, &now);
	tls_facts_text(&now, text);
	ok(has(text,
	       "TLSv1.3, TLS_AES_128_GCM_SHA256, x25519, peer CN=good, "
	       "for good.example, *.wild.example, 127.0.0.1, ::1, by "
	       "CN=Test CA, until 20"),
	    "are told in one line");
	tls_both_release(&p);
}

int
main(void)
{
	size_t i;

	make_all();
	for (i = 0; i < sizeof(encounters) / sizeof(encounters[0]); i++)
		test_encounter(&encounters[i]);
	test_pins();
	test_client_side();
	test_crl();
	test_client_certificates();
	test_versions();
	test_agreement();
	test_sni();
	test_files();
	test_self_signed();
	test_resumption();
	test_reload();
	test_ends();
	test_plain();
	test_cuts();
	test_pieces();
	test_changed();
	test_keylog();
	test_weak();
	test_facts();
	release_all();
	return done_testing();
}
