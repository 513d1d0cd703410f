/*
 * Addresses as people type them; see addr.h. Each refusal shows the word, the
 * part that was in the way and, where the word lets one be made, an address
 * that works.
 */

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"
#include "base/utf8.h"
#include "net/addr_parts.h"

#define LOOK 64 /* bytes that an error text shows */
#define LOOK_MAX (LOOK * 4 + TEXT_STEP)
#define OFFER_MAX 100 /* longer words are not repeated in a hint */
#define DIGITS "0123456789"
#define UNIX_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static const char *const scheme_names[] = {
    [SCHEME_NONE] = "",
    [SCHEME_UNIX] = "unix",
    [SCHEME_UNIX_DGRAM] = "unix-dgram",
    [SCHEME_VSOCK] = "vsock",
    [SCHEME_UDP] = "udp",
    [SCHEME_TLS] = "tls",
    [SCHEME_FD] = "fd",
};

/* What stands behind a scheme, for a hint. */
static const char *const scheme_args[] = {
    [SCHEME_NONE] = "HOST:PORT",
    [SCHEME_UNIX] = "PATH",
    [SCHEME_UNIX_DGRAM] = "PATH",
    [SCHEME_VSOCK] = "CID:PORT",
    [SCHEME_UDP] = "HOST:PORT",
    [SCHEME_TLS] = "HOST:PORT",
    [SCHEME_FD] = "N",
};

/* A word being read: `at` is what is left of `whole`. */
struct word {
	const char *whole;
	const char *at;
	struct fail *fail;
	enum addr_kind plain; /* of what has no scheme */
};

/* What stands before `at`, as arguments for "%.*s". */
#define BEFORE(w) (int)((w)->at - (w)->whole), (w)->whole

/* "WHOLE: expected ..., saw PART", or without WHOLE if that is all of it. */
static int
refuse(const struct word *w, const char *expected, const char *part, size_t len)
{
	char whole[LOOK_MAX], saw[LOOK_MAX];

	text_look(slice_of(part, len), LOOK, saw, sizeof(saw));
	if (part == w->whole && len == strlen(w->whole))
		return fail_set(w->fail, STATUS_USAGE, "expected %s, saw %s",
		    expected, saw);
	text_look(
	    slice_of(w->whole, strlen(w->whole)), LOOK, whole, sizeof(whole));
	return fail_set(w->fail, STATUS_USAGE, "%s: expected %s, saw %s", whole,
	    expected, saw);
}

bool
addr_is_offerable(const char *p, size_t len)
{
	return len > 0 && len <= OFFER_MAX &&
	    strspn(p,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.,:;@%+-_/") >= len;
}

/* An IPv6 address, perhaps with %SCOPE. */
static bool
is_v6(const char *p, size_t len)
{
	const char *percent = memchr(p, '%', len);
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (percent != NULL) {
		if (percent + 1 == p + len)
			return false;
		len = (size_t)(percent - p);
	}
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, p, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, &in6) == 1;
}

static bool
is_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, DIGITS)] == '\0';
}

enum scheme
addr_scheme_named(const char *p, size_t len)
{
	size_t i;

	for (i = 1; i < sizeof(scheme_names) / sizeof(scheme_names[0]); i++)
		if (len == strlen(scheme_names[i]) &&
		    strncasecmp(p, scheme_names[i], len) == 0)
			return (enum scheme)i;
	return SCHEME_NONE;
}

/* What a word that is no address at all could have been. */
static int
refuse_word(const struct word *w)
{
	size_t len = strlen(w->at);
	bool path = strchr(w->at, '/') != NULL;
	bool udp = w->plain == ADDR_UDP || strncmp(w->whole, "udp:", 4) == 0;
	struct in_addr in;

	refuse(w, udp ? "HOST:PORT or PORT" : "HOST:PORT, PORT or unix:PATH",
	    w->at, len);
	if (w->whole[0] == '\0')
		return fail_hint(w->fail, "try: localhost:8000");
	if (!addr_is_offerable(w->at, len) ||
	    addr_scheme_named(w->at, len) != 0 || (udp && path))
		return fail_hint(w->fail, "try: %.*sHOST:8000%s", BEFORE(w),
		    udp ? "" : ", or unix:PATH");
	if (path)
		return fail_hint(w->fail, "try: %.*sunix:%s", BEFORE(w), w->at);
	if (udp || inet_pton(AF_INET, w->at, &in) == 1)
		return fail_hint(w->fail, "try: %.*s%s:8000", BEFORE(w), w->at);
	return fail_hint(w->fail, "try: %.*s%s:8000, or %.*sunix:%s", BEFORE(w),
	    w->at, BEFORE(w), w->at);
}

/* http://HOST:PORT/... and its like. */
static int
refuse_url(const struct word *w)
{
	const char *host = strstr(w->at, "//") + 2;
	size_t len = strcspn(host, "/");
	bool whole =
	    addr_is_offerable(host, len) && memchr(host, ':', len) != NULL;

	refuse(w, "HOST:PORT, not a URL", w->at, strlen(w->at));
	return fail_hint(w->fail, "try: %.*s%.*s", BEFORE(w),
	    whole ? (int)len : 9, whole ? host : "HOST:PORT");
}

/*
 * More than one colon and no brackets. What stands behind the last colon may
 * be a port or the end of the address: both are offered if both can be.
 */
static int
refuse_colons(const struct word *w)
{
	size_t len = strlen(w->at);
	const char *port = strrchr(w->at, ':') + 1;
	int host = (int)(port - 1 - w->at);
	bool all = is_v6(w->at, len);
	bool most =
	    is_digits(port) && strlen(port) <= 5 && is_v6(w->at, (size_t)host);

	if (!all && !most) {
		refuse(w, "one colon, between HOST and PORT", w->at, len);
		if (strncmp(w->at, "tcp:", 4) == 0 &&
		    addr_is_offerable(w->at, len))
			return fail_hint(
			    w->fail, "try: %.*s%s", BEFORE(w), w->at + 4);
		return fail_hint(w->fail,
		    "try: %.*sHOST:PORT, or %.*s[V6]:PORT", BEFORE(w),
		    BEFORE(w));
	}
	refuse(w, "an IPv6 address in brackets", w->at, len);
	if (!addr_is_offerable(w->at, len))
		return fail_hint(w->fail, "try: %.*s[V6]:PORT", BEFORE(w));
	if (!all)
		return fail_hint(w->fail, "try: %.*s[%.*s]:%s", BEFORE(w), host,
		    w->at, port);
	if (!most)
		return fail_hint(
		    w->fail, "try: %.*s[%s]:8000", BEFORE(w), w->at);
	return fail_hint(w->fail, "try: %.*s[%.*s]:%s, or %.*s[%s]:8000",
	    BEFORE(w), host, w->at, port, BEFORE(w), w->at);
}

/* UTF-8 that may be shown, without what no host has. */
static bool
is_clean(const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;
	uint32_t cp;
	int n;

	for (; p < end; p += n) {
		n = utf8_next(p, (size_t)(end - p), &cp);
		if (n <= 0 || !utf8_is_safe(cp) ||
		    (cp < 0x80 && strchr(" /[]", (int)cp) != NULL))
			return false;
	}
	return true;
}

static int
refuse_long(const struct word *w, const char *what, size_t max, const char *p,
    size_t len)
{
	char expected[64];

	snprintf(
	    expected, sizeof(expected), "a %s of at most %zu bytes", what, max);
	refuse(w, expected, p, len);
	return fail_hint(w->fail, "try: a shorter %s", what);
}

static int
set_host(const struct word *w, const char *p, size_t len, struct addr *a)
{
	if (len >= sizeof(a->host))
		return refuse_long(w, "host", sizeof(a->host) - 1, p, len);
	if (!is_clean(p, len)) {
		refuse(w, "a host without blanks, / [ ] and controls", p, len);
		return fail_hint(w->fail,
		    "try: the name in ASCII (xn--...), or its numeric address");
	}
	memcpy(a->host, p, len);
	return 0;
}

static int
set_port(const struct word *w, const char *text, struct addr *a)
{
	const struct servent *service;
	enum num_result r;
	uint64_t v;

	r = num_parse(text, 0, UINT16_MAX, &v);
	if (r == NUM_OK) {
		a->port = (uint16_t)v;
		return 0;
	}
	if (r == NUM_BAD) {
		service =
		    getservbyname(text, a->kind == ADDR_UDP ? "udp" : "tcp");
		if (service != NULL) {
			a->port = ntohs((uint16_t)service->s_port);
			return 0;
		}
	}
	refuse(w,
	    r == NUM_BAD ? "a port from 0 to 65535 or a service of this machine"
			 : "a port from 0 to 65535",
	    text, strlen(text));
	return fail_hint(w->fail, "try: a number, such as 8000");
}

/*
 * [V6%SCOPE]. A host that has the name of a scheme can stand there too:
 * otherwise it could not be told from the scheme.
 */
static int
set_bracket(const struct word *w, const char *p, size_t len, struct addr *a)
{
	if (is_v6(p, len) || addr_scheme_named(p, len) != SCHEME_NONE)
		return set_host(w, p, len, a);
	refuse(w, "an IPv6 address between brackets", p, len);
	if (addr_is_offerable(p, len) && memchr(p, ':', len) == NULL)
		return fail_hint(
		    w->fail, "try: %.*s%.*s:PORT", BEFORE(w), (int)len, p);
	return fail_hint(w->fail, "try: %.*s[::1]:PORT", BEFORE(w));
}

static int
parse_bracket(const struct word *w, struct addr *a)
{
	const char *host = w->at + 1, *end = strchr(host, ']');
	size_t len;

	if (end == NULL) {
		refuse(w, "a ] behind the IPv6 address", w->at, strlen(w->at));
		return fail_hint(w->fail, "try: %.*s[V6]:PORT", BEFORE(w));
	}
	len = (size_t)(end - host);
	if (end[1] != ':') {
		refuse(w, ":PORT behind the ]", end + 1, strlen(end + 1));
		if (addr_is_offerable(host, len))
			return fail_hint(w->fail, "try: %.*s[%.*s]:8000",
			    BEFORE(w), (int)len, host);
		return fail_hint(w->fail, "try: %.*s[V6]:PORT", BEFORE(w));
	}
	if (set_bracket(w, host, len, a) == -1)
		return -1;
	return set_port(w, end + 2, a);
}

/* HOST:PORT, [V6%SCOPE]:PORT, PORT or :PORT. */
static int
parse_inet(const struct word *w, struct addr *a)
{
	const char *colon = strchr(w->at, ':');

	if (w->at[0] == '[')
		return parse_bracket(w, a);
	if (strncmp(w->at, "//", 2) == 0 || strstr(w->at, "://") != NULL)
		return refuse_url(w);
	if (colon == NULL)
		return is_digits(w->at) ? set_port(w, w->at, a)
					: refuse_word(w);
	if (strchr(colon + 1, ':') != NULL)
		return refuse_colons(w);
	if (set_host(w, w->at, (size_t)(colon - w->at), a) == -1)
		return -1;
	return set_port(w, colon + 1, a);
}

/* Behind unix: and unix-dgram: */
static int
parse_unix(const struct word *w, enum addr_kind kind, struct addr *a)
{
	size_t len = strlen(w->at);
	size_t head = offsetof(struct sockaddr_un, sun_path);

	a->kind = kind;
	a->un.sun_family = AF_UNIX;
	if (len == 0) {
		refuse(w, "a path", w->at, len);
		return fail_hint(w->fail, "try: %.*s/tmp/socket", BEFORE(w));
	}
	/* The @ of an abstract name stands for the NUL that begins it. */
	if (len > UNIX_MAX + (w->at[0] == '@'))
		return refuse_long(
		    w, w->at[0] == '@' ? "name" : "path", UNIX_MAX, w->at, len);
	if (w->at[0] != '@') {
		memcpy(a->un.sun_path, w->at, len);
		a->un_len = (socklen_t)(head + len + 1);
		return 0;
	}
	if (len == 1) {
		refuse(w, "a name behind the @", w->at + 1, 0);
		return fail_hint(w->fail, "try: %.*s@NAME", BEFORE(w));
	}
#ifdef __linux__
	memcpy(a->un.sun_path + 1, w->at + 1, len - 1);
	a->un_len = (socklen_t)(head + len);
	return 0;
#else
	refuse(w, "a path, as only Linux has abstract names", w->at, len);
	return fail_hint(w->fail, "try: %.*s./@NAME for a file", BEFORE(w));
#endif
}

/* Behind fd: */
static int
parse_fd(const struct word *w, struct addr *a)
{
	uint64_t v;

	a->kind = ADDR_FD;
	if (num_parse(w->at, 0, INT_MAX, &v) != NUM_OK) {
		refuse(w, "the number of an open descriptor", w->at,
		    strlen(w->at));
		return fail_hint(w->fail, "try: fd:3");
	}
	a->fd = (int)v;
	return 0;
}

/* Behind vsock: */
static int
parse_vsock(const struct word *w, struct addr *a)
{
	const char *colon = strchr(w->at, ':');
	const char *port = colon == NULL ? w->at : colon + 1;
	char cid[16] = "";
	uint64_t v = ADDR_CID_ANY;

	a->kind = ADDR_VSOCK;
	if (colon != NULL && (size_t)(colon - w->at) < sizeof(cid))
		memcpy(cid, w->at, (size_t)(colon - w->at));
	if (colon != NULL &&
	    num_parse(cid, 0, ADDR_CID_ANY - 1, &v) != NUM_OK) {
		refuse(w, "the number of a machine (CID)", w->at,
		    (size_t)(colon - w->at));
		return fail_hint(w->fail, "try: vsock:2:8000 for the host");
	}
	a->cid = (uint32_t)v;
	if (num_parse(port, 0, UINT32_MAX - 1, &v) != NUM_OK) {
		refuse(w, "a port from 0 to 4294967294", port, strlen(port));
		return fail_hint(w->fail, "try: a number, such as 8000");
	}
	a->vsock_port = (uint32_t)v;
	return 0;
}

/* Two schemes that do not go together. */
static int
refuse_pair(const struct word *w, enum scheme outer, enum scheme inner)
{
	refuse(w,
	    outer == SCHEME_TLS ? "HOST:PORT or unix:PATH behind tls:"
				: "HOST:PORT behind udp:",
	    w->at, strlen(w->at));
	if (outer == inner)
		return fail_hint(w->fail, "once is enough; try: %s:HOST:PORT",
		    scheme_names[outer]);
	if (inner != SCHEME_UDP && inner != SCHEME_TLS)
		return fail_hint(w->fail, "try: %s:%s alone",
		    scheme_names[inner], scheme_args[inner]);
	return fail_hint(w->fail,
	    "TLS needs a stream; try: tls:HOST:PORT, or udp:HOST:PORT");
}

/* Steps over a scheme in front; SCHEME_NONE if there is none, or -1. */
static int
parse_scheme(struct word *w, enum scheme *scheme)
{
	size_t len = strcspn(w->at, ":");
	const char *name;

	*scheme =
	    w->at[len] == ':' ? addr_scheme_named(w->at, len) : SCHEME_NONE;
	if (*scheme == SCHEME_NONE)
		return 0;
	name = scheme_names[*scheme];
	if (strncmp(w->at, name, len) != 0) {
		refuse(w, "a scheme in lower case", w->at, len + 1);
		if (!addr_is_offerable(w->at, strlen(w->at)))
			return fail_hint(
			    w->fail, "try: %.*s%s:...", BEFORE(w), name);
		return fail_hint(
		    w->fail, "try: %.*s%s%s", BEFORE(w), name, w->at + len);
	}
	w->at += len + 1;
	return 0;
}

static int
parse_any(struct word *w, struct addr *a)
{
	enum scheme outer, inner = SCHEME_NONE;
	const char *before;

	if (parse_scheme(w, &outer) == -1)
		return -1;
	if (outer == SCHEME_UNIX)
		return parse_unix(w, ADDR_UNIX, a);
	if (outer == SCHEME_UNIX_DGRAM)
		return parse_unix(w, ADDR_UNIX_DGRAM, a);
	if (outer == SCHEME_VSOCK)
		return parse_vsock(w, a);
	if (outer == SCHEME_FD)
		return parse_fd(w, a);
	before = w->at;
	if (outer != SCHEME_NONE && parse_scheme(w, &inner) == -1)
		return -1;
	a->tls = outer == SCHEME_TLS;
	a->kind = outer == SCHEME_UDP ? ADDR_UDP
	    : outer == SCHEME_NONE    ? w->plain
				      : ADDR_TCP;
	if (inner == SCHEME_NONE)
		return parse_inet(w, a);
	if (outer == SCHEME_TLS && inner == SCHEME_UNIX)
		return parse_unix(w, ADDR_UNIX, a);
	w->at = before;
	return refuse_pair(w, outer, inner);
}

int
addr_parse(const char *text, struct addr *addr, struct fail *f)
{
	return addr_parse_as(ADDR_TCP, text, addr, f);
}

bool
addr_is_datagrams(const struct addr *a)
{
	return a->kind == ADDR_UDP || a->kind == ADDR_UNIX_DGRAM;
}

int
addr_parse_as(
    enum addr_kind plain, const char *text, struct addr *addr, struct fail *f)
{
	struct word w = {text, text, f, plain};
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.fd = -1;
	if (parse_any(&w, &a) == -1)
		return -1;
	*addr = a;
	return 0;
}

/* The first of two words is no host, but an address of its own, or nothing. */
static int
refuse_first(const struct word *w)
{
	refuse(w, "a host in front of the port", w->at, strlen(w->at));
	return fail_hint(
	    w->fail, "try: HOST PORT, or one word, as in localhost:8000");
}

static int
parse_first(const struct word *w, struct addr *a)
{
	size_t len = strlen(w->at);

	if (w->at[0] == '[' && w->at[len - 1] == ']')
		return set_bracket(w, w->at + 1, len - 2, a);
	if (len == 0 || w->at[0] == '[' ||
	    (strchr(w->at, ':') != NULL && !is_v6(w->at, len)))
		return refuse_first(w);
	return set_host(w, w->at, len, a);
}

int
addr_parse_two(enum addr_kind plain, const char *host, const char *port,
    struct addr *addr, struct fail *f)
{
	struct word first = {host, host, f, plain};
	struct word second = {port, port, f, plain};
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.fd = -1;
	a.kind = plain;
	if (parse_first(&first, &a) == -1 || set_port(&second, port, &a) == -1)
		return -1;
	*addr = a;
	return 0;
}
