/* What is said to proxies, and what is made of their answers. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "net/proxy.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Bytes with NULs in them, and how many. */
#define BYTES(s) s, sizeof(s) - 1

#define V6 "2001:db8::1"
#define V6_BYTES "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"

/* The first words. */
static const struct {
	enum proxy_kind kind;
	const char *host, *user, *password;
	unsigned port;
	const char *bytes;
	size_t len;
} starts[] = {
    {PROXY_SOCKS4, "10.1.2.3", NULL, NULL, 80, BYTES("\4\1\0\x50\x0a\1\2\3\0")},
    {PROXY_SOCKS4, "10.1.2.3", "me", NULL, 8000,
	BYTES("\4\1\x1f\x40\x0a\1\2\3me\0")},
    {PROXY_SOCKS4, "host.example", NULL, NULL, 80,
	BYTES("\4\1\0\x50\0\0\0\1\0host.example\0")},
    {PROXY_SOCKS4, "host", "me", NULL, 80,
	BYTES("\4\1\0\x50\0\0\0\1me\0host\0")},
    {PROXY_SOCKS4, V6, NULL, NULL, 80, BYTES("\4\1\0\x50\0\0\0\1\0" V6 "\0")},
    {PROXY_SOCKS4, "", NULL, NULL, 80,
	BYTES("\4\1\0\x50\0\0\0\1\0localhost\0")},
    {PROXY_SOCKS5, "host", NULL, NULL, 80, BYTES("\5\1\0")},
    {PROXY_SOCKS5, "host", "me", NULL, 80, BYTES("\5\2\0\2")},
    {PROXY_SOCKS5, "host", NULL, "word", 80, BYTES("\5\2\0\2")},
    {PROXY_HTTP, "host.example", NULL, NULL, 80,
	BYTES("CONNECT host.example:80 HTTP/1.1\r\n"
	      "Host: host.example:80\r\n\r\n")},
    {PROXY_HTTP, V6, NULL, NULL, 65535,
	BYTES("CONNECT [" V6 "]:65535 HTTP/1.1\r\n"
	      "Host: [" V6 "]:65535\r\n\r\n")},
    {PROXY_HTTP, "", NULL, NULL, 0,
	BYTES("CONNECT localhost:0 HTTP/1.1\r\nHost: localhost:0\r\n\r\n")},
    {PROXY_HTTP, "h", "Aladdin", "open sesame", 1,
	BYTES("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
	      "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
	      "\r\n")},
    {PROXY_HTTP, "h", "u", NULL, 1,
	BYTES("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
	      "Proxy-Authorization: Basic dTo=\r\n\r\n")},
    {PROXY_HTTP, "h", NULL, "p", 1,
	BYTES("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
	      "Proxy-Authorization: Basic OnA=\r\n\r\n")},
};

static void
set(struct proxy *p, enum proxy_kind kind, const char *host, const char *user,
    const char *password)
{
	memset(p, 0x5a, sizeof(*p));
	p->kind = kind;
	p->host = host;
	p->user = user;
	p->password = password;
	p->port = 80;
}

static void
check_starts(void)
{
	struct proxy p;
	struct fail f;
	size_t i;

	for (i = 0; i < COUNT(starts); i++) {
		set(&p, starts[i].kind, starts[i].host, starts[i].user,
		    starts[i].password);
		p.port = (uint16_t)starts[i].port;
		is_num(proxy_start(&p, &f), 0, "start %zu fits", i);
		is_bytes(p.out, p.out_len, starts[i].bytes, starts[i].len,
		    "start %zu says the right words", i);
	}
}

static void
check_limit(enum proxy_kind kind)
{
	char word[257], more[257];
	struct proxy p;
	struct fail f;

	memset(word, 'w', 255);
	word[255] = '\0';
	memset(more, 'w', 256);
	more[256] = '\0';
	set(&p, kind, word, word, kind == PROXY_SOCKS4 ? NULL : word);
	is_num(proxy_start(&p, &f), 0, "words of 255 bytes fit (kind %d)",
	    (int)kind);
	ok(p.out_len > 0 && p.out_len <= PROXY_OUT_MAX,
	    "what is said keeps to its limit");
	set(&p, kind, more, NULL, NULL);
	is_num(proxy_start(&p, &f), -1, "a host of 256 bytes is refused");
	is_text(f.what,
	    "the host behind the proxy: expected at most 255 bytes, saw 256",
	    "a host of 256 bytes is refused in words");
	set(&p, kind, "h", more, NULL);
	is_num(proxy_start(&p, &f), -1, "a user of 256 bytes is refused");
	set(&p, kind, "h", "u", more);
	is_num(proxy_start(&p, &f), -1, "a password of 256 bytes is refused");
	is_num(f.status, STATUS_USAGE, "which is a usage error");
	set(&p, kind, "h\r\nX: y", NULL, NULL);
	is_num(proxy_start(&p, &f), -1, "a host with a line end is refused");
	is_text(f.what,
	    "the host behind the proxy: expected no blanks and controls, saw "
	    "\"h\\r\\nX: y\"",
	    "a host with a line end is refused in words");
	set(&p, kind, "h\x7f", NULL, NULL);
	is_num(proxy_start(&p, &f), -1, "a host with DEL in it is refused");
}

static void
check_credentials(void)
{
	struct proxy p;
	struct fail f;

	set(&p, PROXY_SOCKS4, "h", "u", "p");
	is_num(proxy_start(&p, &f), -1, "SOCKS4 refuses a password");
	is_text(f.what,
	    "the SOCKS4 proxy: expected no password, which it has no place for",
	    "SOCKS4 refuses a password in words");
	is_text(f.hint, "try: a SOCKS5 proxy (-X 5)", "SOCKS5 is offered");
	set(&p, PROXY_HTTP, "h", "a:b", "p");
	is_num(proxy_start(&p, &f), -1, "HTTP refuses a colon in the user");
	is_num(f.status, STATUS_USAGE, "which is a usage error");
	set(&p, PROXY_HTTP, "h", "a", "b:c");
	is_num(proxy_start(&p, &f), 0, "HTTP takes a colon in the password");
}

/*
 * What comes back, in one piece. `said` is all that is written on the way,
 * behind the first words; `left` is how much of the answer is not the proxy's.
 */
struct row {
	enum proxy_kind kind;
	const char *host, *user;
	const char *answer;
	size_t answer_len;
	enum proxy_step step;
	size_t left;
	const char *said;
	size_t said_len;
	const char *what, *hint;
};

#define SAW4 "the SOCKS4 proxy: expected a connection to \"h\" port 80, saw "
#define SAW5 "the SOCKS5 proxy: expected a connection to \"h\" port 80, saw "
#define SAWH "the HTTP proxy: expected a connection to \"h\" port 80, saw "
#define HINT4 "it may know IPv4 addresses alone; try: one, or -X 5"
#define HINT_KIND "try: another kind of proxy, -X 4, 5 or connect"
#define HINT_WHO "try: a user and a password that the proxy takes"
#define ASK5 "\5\1\0\3\1h\0\x50"
#define AUTH5 "\1\2me\4word"
#define OPEN5 "\5\0\0\1\1\2\3\4\5\6"
#define NOTHING NULL, 0

static const struct row rows[] = {
    /* SOCKS4 */
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5a\0\0\0\0\0\0"), PROXY_OPEN, 0,
	NOTHING, NULL, NULL},
    {PROXY_SOCKS4, "h", NULL, BYTES("\4\x5a\1\2\3\4\5\6more"), PROXY_OPEN, 4,
	NOTHING, NULL, NULL},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5a\0\0\0\0\0"), PROXY_MORE, 0, NOTHING,
	NULL, NULL},
    {PROXY_SOCKS4, "10.0.0.1", NULL, BYTES("\0\x5b\0\0\0\0\0\0"), PROXY_REFUSED,
	6, NOTHING,
	"the SOCKS4 proxy: expected a connection to \"10.0.0.1\" port 80, saw "
	"answer 91: rejected or failed",
	""},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5b"), PROXY_REFUSED, 0, NOTHING,
	SAW4 "answer 91: rejected or failed", HINT4},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5c"), PROXY_REFUSED, 0, NOTHING,
	SAW4 "answer 92: it cannot reach identd here",
	"try: the user that identd names here"},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5d"), PROXY_REFUSED, 0, NOTHING,
	SAW4 "answer 93: identd here names another user",
	"try: the user that identd names here"},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\x5e"), PROXY_REFUSED, 0, NOTHING,
	SAW4 "answer 94: no code of SOCKS4", HINT4},
    {PROXY_SOCKS4, "h", NULL, BYTES("\0\0"), PROXY_REFUSED, 0, NOTHING,
	SAW4 "answer 0: no code of SOCKS4", HINT4},
    {PROXY_SOCKS4, "h", NULL, BYTES("\5\xff"), PROXY_REFUSED, 1, NOTHING,
	"the SOCKS4 proxy: expected a SOCKS4 answer (a first byte of 0), saw "
	"\"\\x05\\xff\"",
	"this seems to be SOCKS5; try: -X 5"},
    {PROXY_SOCKS4, "h", NULL, BYTES("HTTP/1.1 400 Bad"), PROXY_REFUSED, 15,
	NOTHING,
	"the SOCKS4 proxy: expected a SOCKS4 answer (a first byte of 0), saw "
	"\"HTTP/1.1 400 Bad\"",
	"this seems to be HTTP; try: -X connect"},

    /* SOCKS5, nobody is asked who he is */
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0" OPEN5), PROXY_OPEN, 0, BYTES(ASK5),
	NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0" OPEN5 "12"), PROXY_OPEN, 2,
	BYTES(ASK5), NULL, NULL},
    {PROXY_SOCKS5, "10.0.0.1", NULL, BYTES("\5\0" OPEN5), PROXY_OPEN, 0,
	BYTES("\5\1\0\1\x0a\0\0\1\0\x50"), NULL, NULL},
    {PROXY_SOCKS5, V6, NULL, BYTES("\5\0" OPEN5), PROXY_OPEN, 0,
	BYTES("\5\1\0\4" V6_BYTES "\0\x50"), NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\0\0\4" V6_BYTES "\0\1x"),
	PROXY_OPEN, 1, BYTES(ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\0\0\3\4name\0\1x"), PROXY_OPEN, 1,
	BYTES(ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\0\0\3\0\0\1x"), PROXY_OPEN, 1,
	BYTES(ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\0\0\3\4name\0"), PROXY_MORE, 0,
	BYTES(ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5"), PROXY_MORE, 0, NOTHING, NULL, NULL},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\xff"), PROXY_REFUSED, 0, NOTHING,
	SAW5 "that it serves nobody without credentials", HINT_WHO},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\2"), PROXY_REFUSED, 0, NOTHING,
	SAW5 "authentication 2, which was not offered", HINT_WHO},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\1"), PROXY_REFUSED, 0, NOTHING,
	SAW5 "authentication 1, which was not offered", HINT_WHO},
    {PROXY_SOCKS5, "h", NULL, BYTES("\4\x5b"), PROXY_REFUSED, 1, NOTHING,
	"the SOCKS5 proxy: expected a SOCKS5 answer (a first byte of 5), saw "
	"\"\\x04[\"",
	"this seems to be SOCKS4; try: -X 4"},
    {PROXY_SOCKS5, "h", NULL, BYTES("SSH-2.0-x\r\n"), PROXY_REFUSED, 10,
	NOTHING,
	"the SOCKS5 proxy: expected a SOCKS5 answer (a first byte of 5), saw "
	"\"SSH-2.0-x\\r\\n\"",
	HINT_KIND},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\1"), PROXY_REFUSED, 0, BYTES(ASK5),
	"the SOCKS5 proxy: expected a SOCKS5 answer (a first byte of 5), saw "
	"\"\\x01\"",
	HINT_KIND},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\1"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 1: general failure of the proxy", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\2"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 2: not allowed by its rules", HINT_WHO},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\3"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 3: network unreachable", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\4"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 4: host unreachable", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"), PROXY_REFUSED,
	8, BYTES(ASK5), SAW5 "answer 5: connection refused", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\6"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 6: time to live expired", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\7"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 7: it cannot connect", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\x8"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 8: it cannot reach addresses of this type",
	"try: a numeric address"},
    {PROXY_SOCKS5, "::1", NULL, BYTES("\5\0\5\x8"), PROXY_REFUSED, 0,
	BYTES("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"),
	"the SOCKS5 proxy: expected a connection to \"::1\" port 80, saw "
	"answer 8: it cannot reach addresses of this type",
	"try: an IPv4 address"},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\x9"), PROXY_REFUSED, 0, BYTES(ASK5),
	SAW5 "answer 9: no code of SOCKS5", ""},
    {PROXY_SOCKS5, "h", NULL, BYTES("\5\0\5\0\0\2\0"), PROXY_REFUSED, 0,
	BYTES(ASK5), SAW5 "an address of unknown type 2", ""},

    /* SOCKS5, with a user and a password */
    {PROXY_SOCKS5, "h", "me", BYTES("\5\2\1\0" OPEN5), PROXY_OPEN, 0,
	BYTES(AUTH5 ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", "me", BYTES("\5\2\5\0" OPEN5 "!"), PROXY_OPEN, 1,
	BYTES(AUTH5 ASK5), NULL, NULL},
    {PROXY_SOCKS5, "h", "me", BYTES("\5\0" OPEN5), PROXY_OPEN, 0, BYTES(ASK5),
	NULL, NULL},
    {PROXY_SOCKS5, "h", "me", BYTES("\5\2\1\1"), PROXY_REFUSED, 0, BYTES(AUTH5),
	SAW5 "the credentials refused (status 1)", HINT_WHO},
    {PROXY_SOCKS5, "h", "me", BYTES("\5\xff"), PROXY_REFUSED, 0, NOTHING,
	SAW5 "that it serves nobody with such credentials", HINT_WHO},
    {PROXY_SOCKS5, "h", "me", BYTES("\5\2\1\0\5\2"), PROXY_REFUSED, 0,
	BYTES(AUTH5 ASK5), SAW5 "answer 2: not allowed by its rules", ""},

    /* HTTP */
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 200 OK\r\n\r\nmore"), PROXY_OPEN, 4,
	NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL,
	BYTES("HTTP/1.0 200 Connection established\r\n"
	      "Via: x\r\nContent-Length: 5\r\n\r\n12345"),
	PROXY_OPEN, 5, NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 299\r\n\r\n"), PROXY_OPEN, 0,
	NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 200\n\n\n"), PROXY_OPEN, 1, NOTHING,
	NULL, NULL},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 200 OK\nA: b\n\r\n"), PROXY_OPEN, 0,
	NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 200 OK\r\nA: b\r\n"), PROXY_MORE, 0,
	NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL,
	BYTES("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
	      "HTTP/1.1 200 OK\r\n\r\n."),
	PROXY_OPEN, 1, NOTHING, NULL, NULL},
    {PROXY_HTTP, "h", NULL,
	BYTES("HTTP/1.1 407 Proxy Authentication "
	      "Required\r\nProxy-Authenticate: Basic\r\n"),
	PROXY_REFUSED, 27, NOTHING,
	SAWH "\"HTTP/1.1 407 Proxy Authentication Required\"", HINT_WHO},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 403 Forbidden\r\n"), PROXY_REFUSED,
	0, NOTHING, SAWH "\"HTTP/1.1 403 Forbidden\"",
	"try: port 443, the only one that some proxies allow"},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 502 \x1b[2J\r\n"), PROXY_REFUSED, 0,
	NOTHING, SAWH "\"HTTP/1.1 502 \\x1b[2J\"", ""},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 302\n"), PROXY_REFUSED, 0, NOTHING,
	SAWH "\"HTTP/1.1 302\"", ""},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 000 x\r\n"), PROXY_REFUSED, 0,
	NOTHING, SAWH "\"HTTP/1.1 000 x\"", ""},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/2.0 200 OK\r\n"), PROXY_REFUSED, 11,
	NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw "
	"\"HTTP/2.0 200 OK\\r\\n\"",
	HINT_KIND},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 20 OK\r\n"), PROXY_REFUSED, 4,
	NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw "
	"\"HTTP/1.1 20 OK\\r\\n\"",
	HINT_KIND},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 2000 OK\r\n"), PROXY_REFUSED, 5,
	NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw "
	"\"HTTP/1.1 2000 OK\\r\\n\"",
	HINT_KIND},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1  200 OK\r\n"), PROXY_REFUSED, 8,
	NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw "
	"\"HTTP/1.1  200 OK\\r\\n\"",
	HINT_KIND},
    {PROXY_HTTP, "h", NULL, BYTES("HTTP/1.1 200"), PROXY_MORE, 0, NOTHING, NULL,
	NULL},
    {PROXY_HTTP, "h", NULL, BYTES("\5\xff"), PROXY_REFUSED, 1, NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw \"\\x05\\xff\"",
	"this seems to be SOCKS5; try: -X 5"},
    {PROXY_HTTP, "h", NULL, BYTES("\0\x5b"), PROXY_REFUSED, 1, NOTHING,
	"the HTTP proxy: expected HTTP/1.1 and a status, saw \"\\x00[\"",
	"this seems to be SOCKS4; try: -X 4"},
};

/* What came of an answer, in the end. */
struct outcome {
	enum proxy_step step;
	size_t used;
	uint8_t said[256];
	size_t said_len;
	bool broken; /* a rule of the header */
	struct fail f;
};

/* Feeds it in pieces that end at the cut, or in single bytes (cut 0). */
static void
run(const struct row *row, size_t cut, struct guard *g, struct outcome *o)
{
	size_t end, used;
	struct proxy p;

	memset(o, 0, sizeof(*o));
	set(&p, row->kind, row->host, row->user,
	    row->user != NULL ? "word" : NULL);
	o->broken = proxy_start(&p, &o->f) != 0;
	o->step = PROXY_MORE;
	while (o->used < row->answer_len) {
		end = cut == 0	    ? o->used + 1
		    : o->used < cut ? cut
				    : row->answer_len;
		o->step = proxy_feed(&p,
		    slice_of(guard_end(g, row->answer + o->used, end - o->used),
			end - o->used),
		    &used, &o->f);
		o->broken |= used > end - o->used ||
		    (p.out_len > 0) != (o->step == PROXY_WRITE) ||
		    (o->step == PROXY_MORE && used != end - o->used);
		if (o->broken)
			return;
		o->used += used;
		memcpy(o->said + o->said_len, p.out, p.out_len);
		o->said_len += p.out_len;
		if (o->step == PROXY_OPEN || o->step == PROXY_REFUSED)
			return;
	}
}

static bool
is_same(const struct outcome *a, const struct outcome *b)
{
	return a->step == b->step && a->used == b->used &&
	    a->said_len == b->said_len &&
	    memcmp(a->said, b->said, a->said_len) == 0 && !b->broken &&
	    a->f.status == b->f.status && strcmp(a->f.hint, b->f.hint) == 0;
}

static void
check_row(size_t i)
{
	const struct row *row = &rows[i];
	struct outcome whole, part;
	struct guard g = {0};
	size_t cut;

	run(row, row->answer_len, &g, &whole);
	ok(!whole.broken, "answer %zu: the rules hold", i);
	is_num(whole.step, row->step, "answer %zu: the step is right", i);
	is_num(row->answer_len - whole.used, row->left,
	    "answer %zu: what is not the proxy's is left", i);
	is_bytes(whole.said, whole.said_len, row->said, row->said_len,
	    "answer %zu: the right words are said", i);
	if (row->step == PROXY_REFUSED) {
		is_num(whole.f.status, STATUS_CONNECT,
		    "answer %zu: cannot connect", i);
		is_text(whole.f.what, row->what, "answer %zu: in words", i);
		is_text(whole.f.hint, row->hint, "answer %zu: its hint", i);
	}
	for (cut = 0; cut < row->answer_len; cut++) {
		run(row, cut, &g, &part);
		if (!is_same(&whole, &part))
			break;
	}
	is_num(
	    cut, row->answer_len, "answer %zu: no cut makes a difference", i);
	guard_free(&g);
}

/* Headers fill the room that there is, and no more. */
static void
check_headers(size_t len, enum proxy_step want)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nX: ";
	static const char end[] = "\r\n\r\n";
	char *answer = malloc(len);
	struct row row = {.kind = PROXY_HTTP, .host = "h"};
	struct outcome o, part;
	struct guard g = {0};

	if (answer == NULL)
		abort();
	memset(answer, 'x', len);
	memcpy(answer, head, sizeof(head) - 1);
	memcpy(answer + len - (sizeof(end) - 1), end, sizeof(end) - 1);
	row.answer = answer;
	row.answer_len = len;
	run(&row, len, &g, &o);
	run(&row, len / 2, &g, &part);
	is_num(o.step, want, "headers of %zu bytes are %s", len,
	    want == PROXY_OPEN ? "taken" : "too long");
	ok(is_same(&o, &part), "and cut in two it is the same");
	if (want == PROXY_REFUSED)
		is_text(o.f.what, SAWH "an answer of more than 8192 bytes",
		    "the limit is told");
	guard_free(&g);
	free(answer);
}

static void
check_end(void)
{
	struct proxy p;
	struct fail f;
	size_t used;

	set(&p, PROXY_SOCKS5, "h", NULL, NULL);
	proxy_start(&p, &f);
	is_num(proxy_explain_end(&p, &f), -1, "an end is a failure");
	is_num(f.status, STATUS_CONNECT, "an end is no connection");
	is_text(f.what,
	    "the SOCKS5 proxy: expected an answer, saw the end of the stream "
	    "behind \"\" (0 bytes)",
	    "an end without an answer has words");
	is_text(f.hint, HINT_KIND, "it may be of another kind");
	set(&p, PROXY_HTTP, "h", NULL, NULL);
	proxy_start(&p, &f);
	proxy_feed(&p, slice_of("HTTP/1.1 2", 10), &used, &f);
	proxy_explain_end(&p, &f);
	is_text(f.what,
	    "the HTTP proxy: expected an answer, saw the end of the stream "
	    "behind \"HTTP/1.1 2\" (10 bytes)",
	    "an end within an answer shows it");
	is_text(f.hint, "", "and is of its kind");
}

static void
check_kinds(void)
{
	enum proxy_kind k = PROXY_NONE;

	ok(proxy_kind_of("4", &k) && k == PROXY_SOCKS4, "4 is SOCKS4");
	ok(proxy_kind_of("5", &k) && k == PROXY_SOCKS5, "5 is SOCKS5");
	ok(proxy_kind_of("connect", &k) && k == PROXY_HTTP, "connect is HTTP");
	k = PROXY_NONE;
	ok(!proxy_kind_of("", &k) && !proxy_kind_of("6", &k) &&
		!proxy_kind_of("CONNECT", &k) && k == PROXY_NONE,
	    "nothing else is a kind of proxy");
}

int
main(void)
{
	size_t i;

	check_kinds();
	check_starts();
	check_limit(PROXY_SOCKS4);
	check_limit(PROXY_SOCKS5);
	check_limit(PROXY_HTTP);
	check_credentials();
	for (i = 0; i < COUNT(rows); i++)
		check_row(i);
	check_headers(PROXY_IN_MAX, PROXY_OPEN);
	check_headers(PROXY_IN_MAX + 1, PROXY_REFUSED);
	check_end();
	return done_testing();
}
