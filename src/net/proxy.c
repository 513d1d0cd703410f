/*
 * Proxies; see proxy.h. What comes is looked at byte by byte, each of them
 * kept in `in` until the piece that is expected is whole: this is a few dozen
 * bytes for each connection, and so no cut can make a difference.
 *
 *	SOCKS4		STAGE_REPLY
 *	SOCKS5		STAGE_METHOD --> (STAGE_AUTH) --> STAGE_REPLY
 *	HTTP		STAGE_STATUS --> STAGE_HEADERS
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "net/proxy.h"

#define LOOK 64 /* bytes that an error text shows */
#define LOOK_MAX (LOOK * 4 + TEXT_STEP)
#define WORD_MAX 255 /* what one byte of SOCKS can count */

enum stage {
	STAGE_METHOD,
	STAGE_AUTH,
	STAGE_REPLY,
	STAGE_STATUS,
	STAGE_HEADERS,
};

enum { /* SOCKS5, RFC 1928 */
	METHOD_NONE = 0,
	METHOD_PASSWORD = 2,
	METHOD_REFUSED = 0xff,
	TYPE_V4 = 1,
	TYPE_NAME = 3,
	TYPE_V6 = 4,
};

static const struct {
	const char *name;
	const char *text;
} kinds[] = {
    [PROXY_NONE] = {"", "no proxy"},
    [PROXY_SOCKS4] = {"4", "the SOCKS4 proxy"},
    [PROXY_SOCKS5] = {"5", "the SOCKS5 proxy"},
    [PROXY_HTTP] = {"connect", "the HTTP proxy"},
};

bool
proxy_kind_of(const char *name, enum proxy_kind *kind)
{
	size_t i;

	for (i = PROXY_SOCKS4; i <= PROXY_HTTP; i++)
		if (strcmp(name, kinds[i].name) == 0) {
			*kind = (enum proxy_kind)i;
			return true;
		}
	return false;
}

static void
put(struct proxy *p, const void *bytes, size_t len)
{
	memcpy(p->out + p->out_len, bytes, len);
	p->out_len += len;
}

static void
put_byte(struct proxy *p, unsigned v)
{
	p->out[p->out_len++] = (uint8_t)v;
}

/* Its length in one byte, then the word; NULL is an empty one. */
static void
put_counted(struct proxy *p, const char *word)
{
	size_t len = word != NULL ? strlen(word) : 0;

	put_byte(p, (unsigned)len);
	if (len > 0)
		put(p, word, len);
}

static void
put_port(struct proxy *p)
{
	put_byte(p, p->port >> 8);
	put_byte(p, p->port & 0xff);
}

static int
check_word(const char *what, const char *word, struct fail *f)
{
	if (word == NULL || strlen(word) <= WORD_MAX)
		return 0;
	return fail_set(f, STATUS_USAGE,
	    "%s: expected at most %d bytes, saw %zu", what, WORD_MAX,
	    strlen(word));
}

/* A blank or a line end in the host would be another request. */
static int
check_host(const struct proxy *p, struct fail *f)
{
	struct slice host = slice_of(p->host, strlen(p->host));
	char look[LOOK_MAX];
	size_t i;

	if (check_word("the host behind the proxy", p->host, f) == -1)
		return -1;
	for (i = 0; i < host.len; i++)
		if (host.p[i] <= ' ' || host.p[i] == 0x7f)
			return fail_set(f, STATUS_USAGE,
			    "the host behind the proxy: expected no blanks "
			    "and controls, saw %s",
			    text_look(host, LOOK, look, sizeof(look)));
	return 0;
}

static int
check_credentials(const struct proxy *p, struct fail *f)
{
	if (check_word("the proxy's user", p->user, f) == -1 ||
	    check_word("the proxy's password", p->password, f) == -1)
		return -1;
	if (p->kind == PROXY_SOCKS4 && p->password != NULL) {
		fail_set(f, STATUS_USAGE,
		    "%s: expected no password, which it has no place for",
		    kinds[p->kind].text);
		return fail_hint(f, "try: a SOCKS5 proxy (-X 5)");
	}
	if (p->kind == PROXY_HTTP && p->user != NULL &&
	    strchr(p->user, ':') != NULL)
		return fail_set(f, STATUS_USAGE,
		    "%s: expected a user without a colon, which ends it",
		    kinds[p->kind].text);
	return 0;
}

/* 4a for a name: an address that none can be, and the name at the end. */
static void
say_socks4(struct proxy *p)
{
	const uint8_t unknown[] = {0, 0, 0, 1};
	const char *host = p->host, *user = p->user;
	struct in_addr in;

	put_byte(p, 4);
	put_byte(p, 1);
	put_port(p);
	if (inet_pton(AF_INET, host, &in) == 1) {
		put(p, &in, sizeof(in));
		host = NULL;
	} else
		put(p, unknown, sizeof(unknown));
	if (user != NULL)
		put(p, user, strlen(user));
	put_byte(p, 0);
	if (host != NULL)
		put(p, host, strlen(host) + 1);
	p->stage = STAGE_REPLY;
}

static bool
has_credentials(const struct proxy *p)
{
	return p->user != NULL || p->password != NULL;
}

static void
say_methods(struct proxy *p)
{
	put_byte(p, 5);
	put_byte(p, has_credentials(p) ? 2 : 1);
	put_byte(p, METHOD_NONE);
	if (has_credentials(p))
		put_byte(p, METHOD_PASSWORD);
	p->stage = STAGE_METHOD;
}

/* RFC 1929. */
static void
say_password(struct proxy *p)
{
	put_byte(p, 1);
	put_counted(p, p->user);
	put_counted(p, p->password);
	p->stage = STAGE_AUTH;
}

static void
say_socks5(struct proxy *p)
{
	struct in6_addr in6;
	struct in_addr in;

	put(p, "\5\1", 3);
	if (inet_pton(AF_INET, p->host, &in) == 1) {
		put_byte(p, TYPE_V4);
		put(p, &in, sizeof(in));
	} else if (inet_pton(AF_INET6, p->host, &in6) == 1) {
		put_byte(p, TYPE_V6);
		put(p, &in6, sizeof(in6));
	} else {
		put_byte(p, TYPE_NAME);
		put_counted(p, p->host);
	}
	put_port(p);
	p->stage = STAGE_REPLY;
}

/* Text; what check_host and check_word let through fits. */
static void __attribute__((format(printf, 2, 3)))
put_text(struct proxy *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(
	    (char *)p->out + p->out_len, sizeof(p->out) - p->out_len, fmt, ap);
	va_end(ap);
	p->out_len += (size_t)n;
}

static void
put_basic(struct proxy *p)
{
	char pair[2 * WORD_MAX + 2];
	struct span out = {p->out, 0, sizeof(p->out)};
	size_t pos = 0;
	int n;

	put_text(p, "Proxy-Authorization: Basic ");
	n = snprintf(pair, sizeof(pair), "%s:%s",
	    p->user != NULL ? p->user : "",
	    p->password != NULL ? p->password : "");
	out.len = p->out_len;
	text_base64(slice_of(pair, (size_t)n), &pos, &out);
	p->out_len = out.len;
	put_text(p, "\r\n");
}

static void
say_connect(struct proxy *p)
{
	bool v6 = strchr(p->host, ':') != NULL;
	char at[WORD_MAX + 16];

	snprintf(at, sizeof(at), "%s%s%s:%u", v6 ? "[" : "", p->host,
	    v6 ? "]" : "", p->port);
	put_text(p, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", at, at);
	if (has_credentials(p))
		put_basic(p);
	put_text(p, "\r\n");
	p->stage = STAGE_STATUS;
}

int
proxy_start(struct proxy *p, struct fail *f)
{
	p->out_len = p->in_len = 0;
	if (p->host[0] == '\0')
		p->host = "localhost";
	if (check_host(p, f) == -1 || check_credentials(p, f) == -1)
		return -1;
	if (p->kind == PROXY_SOCKS4)
		say_socks4(p);
	else if (p->kind == PROXY_SOCKS5)
		say_methods(p);
	else if (p->kind == PROXY_HTTP)
		say_connect(p);
	return 0;
}

/* "KIND: expected a connection to HOST port N, saw ..." */
static enum proxy_step __attribute__((format(printf, 3, 4)))
refuse(const struct proxy *p, struct fail *f, const char *fmt, ...)
{
	struct slice host = slice_of(p->host, strlen(p->host));
	char look[LOOK_MAX], saw[LOOK_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(saw, sizeof(saw), fmt, ap);
	va_end(ap);
	fail_set(f, STATUS_CONNECT,
	    "%s: expected a connection to %s port %u, saw %s",
	    kinds[p->kind].text, text_look(host, LOOK, look, sizeof(look)),
	    p->port, saw);
	return PROXY_REFUSED;
}

static void
hint_kind(const struct proxy *p, struct fail *f)
{
	uint8_t first = p->in_len > 0 ? p->in[0] : 1;

	if (p->kind != PROXY_HTTP && first == 'H')
		fail_hint(f, "this seems to be HTTP; try: -X connect");
	else if (p->kind != PROXY_SOCKS5 && first == 5)
		fail_hint(f, "this seems to be SOCKS5; try: -X 5");
	else if (p->kind != PROXY_SOCKS4 && (first == 0 || first == 4))
		fail_hint(f, "this seems to be SOCKS4; try: -X 4");
	else
		fail_hint(f, "try: another kind of proxy, -X 4, 5 or connect");
}

static void
hint_credentials(struct fail *f)
{
	fail_hint(f, "try: a user and a password that the proxy takes");
}

/* The answer is none of this kind: `rest` came behind what `in` holds. */
static enum proxy_step
refuse_foreign(const struct proxy *p, const char *expected, struct slice rest,
    struct fail *f)
{
	char look[LOOK_MAX];
	uint8_t seen[LOOK + 1];
	size_t n = p->in_len, more;

	if (n > sizeof(seen))
		n = sizeof(seen);
	more = sizeof(seen) - n < rest.len ? sizeof(seen) - n : rest.len;
	memcpy(seen, p->in, n);
	if (more > 0)
		memcpy(seen + n, rest.p, more);
	fail_set(f, STATUS_CONNECT, "%s: expected %s, saw %s",
	    kinds[p->kind].text, expected,
	    text_look(slice_of(seen, n + more), LOOK, look, sizeof(look)));
	hint_kind(p, f);
	return PROXY_REFUSED;
}

static enum proxy_step
refuse_socks4(const struct proxy *p, unsigned code, struct fail *f)
{
	static const char *const why[] = {
	    "rejected or failed",
	    "it cannot reach identd here",
	    "identd here names another user",
	};
	bool known = code >= 91 && code <= 93;
	struct in_addr in;

	refuse(p, f, "answer %u: %s", code,
	    known ? why[code - 91] : "no code of SOCKS4");
	if (code == 92 || code == 93)
		fail_hint(f, "try: the user that identd names here");
	else if (inet_pton(AF_INET, p->host, &in) != 1)
		fail_hint(
		    f, "it may know IPv4 addresses alone; try: one, or -X 5");
	return PROXY_REFUSED;
}

static enum proxy_step
step_socks4(struct proxy *p, struct slice rest, struct fail *f)
{
	/* Some say 4 where 0 is due. */
	if (p->in[0] != 0 && p->in[0] != 4)
		return refuse_foreign(
		    p, "a SOCKS4 answer (a first byte of 0)", rest, f);
	if (p->in_len < 2)
		return PROXY_MORE;
	if (p->in[1] != 90)
		return refuse_socks4(p, p->in[1], f);
	return p->in_len < 8 ? PROXY_MORE : PROXY_OPEN;
}

static enum proxy_step
step_method(struct proxy *p, struct fail *f)
{
	unsigned method = p->in[1];
	bool password = method == METHOD_PASSWORD && has_credentials(p);

	if (method != METHOD_NONE && !password) {
		if (method == METHOD_REFUSED)
			refuse(p, f, "that it serves nobody %s credentials",
			    has_credentials(p) ? "with such" : "without");
		else
			refuse(p, f, "authentication %u, which was not offered",
			    method);
		hint_credentials(f);
		return PROXY_REFUSED;
	}
	p->in_len = 0;
	if (password)
		say_password(p);
	else
		say_socks5(p);
	return PROXY_WRITE;
}

static enum proxy_step
step_auth(struct proxy *p, struct fail *f)
{
	if (p->in[1] != 0) {
		refuse(p, f, "the credentials refused (status %u)", p->in[1]);
		hint_credentials(f);
		return PROXY_REFUSED;
	}
	p->in_len = 0;
	say_socks5(p);
	return PROXY_WRITE;
}

static enum proxy_step
refuse_socks5(const struct proxy *p, unsigned code, struct fail *f)
{
	static const char *const why[] = {
	    [1] = "general failure of the proxy",
	    [2] = "not allowed by its rules",
	    [3] = "network unreachable",
	    [4] = "host unreachable",
	    [5] = "connection refused",
	    [6] = "time to live expired",
	    [7] = "it cannot connect",
	    [8] = "it cannot reach addresses of this type",
	};

	refuse(p, f, "answer %u: %s", code,
	    code < sizeof(why) / sizeof(why[0]) ? why[code]
						: "no code of SOCKS5");
	if (code == 2 && !has_credentials(p))
		hint_credentials(f);
	if (code == 8)
		fail_hint(f, "try: %s",
		    strchr(p->host, ':') != NULL ? "an IPv4 address"
						 : "a numeric address");
	return PROXY_REFUSED;
}

/* How long a reply is: the address that it carries tells. */
static enum proxy_step
step_reply(const struct proxy *p, struct fail *f)
{
	size_t need;

	if (p->in[1] != 0)
		return refuse_socks5(p, p->in[1], f);
	if (p->in_len < 5)
		return PROXY_MORE;
	switch (p->in[3]) {
	case TYPE_V4:
		need = 4 + 4 + 2;
		break;
	case TYPE_V6:
		need = 4 + 16 + 2;
		break;
	case TYPE_NAME:
		need = 4 + 1 + (size_t)p->in[4] + 2;
		break;
	default:
		return refuse(p, f, "an address of unknown type %u", p->in[3]);
	}
	return p->in_len < need ? PROXY_MORE : PROXY_OPEN;
}

static enum proxy_step
step_socks5(struct proxy *p, struct slice rest, struct fail *f)
{
	/* RFC 1929 has a version of its own, which not all servers know. */
	if (p->stage != STAGE_AUTH && p->in[0] != 5)
		return refuse_foreign(
		    p, "a SOCKS5 answer (a first byte of 5)", rest, f);
	if (p->in_len < 2)
		return PROXY_MORE;
	switch (p->stage) {
	case STAGE_METHOD:
		return step_method(p, f);
	case STAGE_AUTH:
		return step_auth(p, f);
	default:
		return step_reply(p, f);
	}
}

/* May this byte stand there in "HTTP/1.1 200 Reason"? */
static bool
is_status(size_t at, uint8_t c)
{
	static const char form[] = "HTTP/1.0 000 ";

	if (at >= sizeof(form) - 1)
		return true;
	if (at == sizeof(form) - 2 && (c == '\r' || c == '\n'))
		return true;
	if (form[at] == '0')
		return c >= '0' && c <= '9';
	return c == (uint8_t)form[at];
}

static enum proxy_step
refuse_status(const struct proxy *p, size_t len, struct fail *f)
{
	char look[LOOK_MAX];

	refuse(p, f, "%s",
	    text_look(slice_of(p->in, len), LOOK, look, sizeof(look)));
	if (memcmp(p->in + 9, "407", 3) == 0)
		hint_credentials(f);
	if (memcmp(p->in + 9, "403", 3) == 0)
		fail_hint(
		    f, "try: port 443, the only one that some proxies allow");
	return PROXY_REFUSED;
}

/*
 * 2xx opens, whatever the headers say; 1xx is not yet the answer, and is
 * passed over with its headers.
 */
static enum proxy_step
step_status(struct proxy *p, struct slice rest, struct fail *f)
{
	size_t len = p->in_len;

	if (!is_status(len - 1, p->in[len - 1]))
		return refuse_foreign(p, "HTTP/1.1 and a status", rest, f);
	if (p->in[len - 1] != '\n')
		return PROXY_MORE;
	len--;
	if (p->in[len - 1] == '\r')
		len--;
	if (p->in[9] != '1' && p->in[9] != '2')
		return refuse_status(p, len, f);
	p->stage = STAGE_HEADERS;
	return PROXY_MORE;
}

static enum proxy_step
step_headers(struct proxy *p)
{
	const uint8_t *end = p->in + p->in_len;

	if (end[-1] != '\n' ||
	    (end[-2] != '\n' && (end[-2] != '\r' || end[-3] != '\n')))
		return PROXY_MORE;
	if (p->in[9] == '2')
		return PROXY_OPEN;
	p->in_len = 0;
	p->stage = STAGE_STATUS;
	return PROXY_MORE;
}

static enum proxy_step
step(struct proxy *p, struct slice rest, struct fail *f)
{
	if (p->kind == PROXY_SOCKS4)
		return step_socks4(p, rest, f);
	if (p->kind == PROXY_SOCKS5)
		return step_socks5(p, rest, f);
	if (p->stage == STAGE_STATUS)
		return step_status(p, rest, f);
	return step_headers(p);
}

enum proxy_step
proxy_feed(struct proxy *p, struct slice in, size_t *used, struct fail *f)
{
	enum proxy_step s;

	*used = 0;
	p->out_len = 0;
	if (p->kind == PROXY_NONE)
		return PROXY_OPEN;
	while (*used < in.len) {
		if (p->in_len == sizeof(p->in))
			return refuse(p, f, "an answer of more than %d bytes",
			    PROXY_IN_MAX);
		p->in[p->in_len++] = in.p[(*used)++];
		s = step(p, slice_of(in.p + *used, in.len - *used), f);
		if (s != PROXY_MORE)
			return s;
	}
	return PROXY_MORE;
}

int
proxy_explain_end(const struct proxy *p, struct fail *f)
{
	char look[LOOK_MAX];

	fail_set(f, STATUS_CONNECT,
	    "%s: expected an answer, saw the end of the stream behind %s "
	    "(%zu bytes)",
	    kinds[p->kind].text,
	    text_look(slice_of(p->in, p->in_len), LOOK, look, sizeof(look)),
	    p->in_len);
	if (p->in_len == 0 &&
	    (p->kind != PROXY_SOCKS5 || p->stage == STAGE_METHOD))
		hint_kind(p, f);
	return -1;
}
