/*
 * Names to addresses; see resolve.h. What a question needs is on the heap and
 * points to who asked, until that one no longer wants to know: then whoever
 * comes last, libuv's callback, frees it, or nobody does.
 *
 *	asked --> answered		on_answer, freed
 *	  |
 *	  +--> cancelled, was queued	freed in the next turn
 *	  +--> cancelled, has a thread	freed when the thread returns
 */

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "net/idn.h"
#include "net/resolve.h"

struct resolve_query {
	uv_getaddrinfo_t req;
	struct resolve *resolve; /* NULL: nobody wants to know */
	struct resolver *resolver;
	int family; /* AF_INET6, AF_INET */
	uint16_t port;
	bool withdrawn; /* before a thread had it: no longer counted */
};

static void
add_v4(struct resolve *r, struct in_addr in, uint16_t port)
{
	struct sockaddr_in *v4;

	if (r->family == RESOLVE_V6 || r->n4 == RESOLVE_MAX)
		return;
	memset(&r->v4[r->n4], 0, sizeof(r->v4[0]));
	v4 = &r->v4[r->n4++].v4;
	v4->sin_family = AF_INET;
	v4->sin_addr = in;
	v4->sin_port = htons(port);
}

static void
add_v6(struct resolve *r, const struct in6_addr *in6, uint32_t scope,
    uint16_t port)
{
	struct sockaddr_in6 *v6;

	if (r->family == RESOLVE_V4 || r->n6 == RESOLVE_MAX)
		return;
	memset(&r->v6[r->n6], 0, sizeof(r->v6[0]));
	v6 = &r->v6[r->n6++].v6;
	v6->sin6_family = AF_INET6;
	v6->sin6_addr = *in6;
	v6->sin6_scope_id = scope;
	v6->sin6_port = htons(port);
}

static void
say_why(struct resolve *r, const char *why)
{
	snprintf(r->why, sizeof(r->why), "%s", why);
}

/* All is known, though it may be nothing. */
static void
finish(struct resolve *r)
{
	if (r->n6 + r->n4 == 0 && r->why[0] == '\0')
		say_why(r,
		    r->family == RESOLVE_V4
			? "-4: expected an IPv4 address, saw an IPv6 one"
			: "-6: expected an IPv6 address, saw an IPv4 one");
	r->done6 = r->done4 = true;
	r->on_answer(r);
}

/* RFC 6761: these names never leave the machine. */
static bool
is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host), n = sizeof(name) - 1;

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= n && strncasecmp(host + len - n, name, n) == 0 &&
	    (len == n || host[len - n - 1] == '.');
}

/*
 * An interface by its name or number, 0 if there is none. A name goes first:
 * one may consist of digits.
 */
static uint32_t
scope_of(const char *text)
{
	uint64_t v = if_nametoindex(text);

	if (v == 0 && num_parse(text, 1, UINT32_MAX, &v) != NUM_OK)
		return 0;
	return (uint32_t)v;
}

/*
 * An IPv6 address, perhaps with %SCOPE. False if it is none. One whose scope
 * is unknown is one, but has no answer.
 */
static bool
take_v6(struct resolve *r, const char *host, uint16_t port)
{
	size_t len = strcspn(host, "%");
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	uint32_t scope = 0;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, host, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, &in6) != 1)
		return false;
	if (host[len] == '%') {
		scope = scope_of(host + len + 1);
		if (scope == 0) {
			say_why(r,
			    "expected a network interface of this machine "
			    "behind the %");
			return true;
		}
	}
	add_v6(r, &in6, scope, port);
	return true;
}

/*
 * An IPv4 address, and the older forms (127.1, 0x7f000001) that getaddrinfo
 * takes for one. inet_aton alone would pass over what stands behind a blank.
 */
static bool
take_v4(struct resolve *r, const char *host, uint16_t port)
{
	struct in_addr in;

	if (inet_pton(AF_INET, host, &in) != 1 &&
	    (host[strspn(host, "0123456789abcdefABCDEFxX.")] != '\0' ||
		inet_aton(host, &in) == 0))
		return false;
	add_v4(r, in, port);
	return true;
}

/* Whatever is known without asking. */
static bool
take_at_once(struct resolve *r, const char *host, uint16_t port)
{
	struct in_addr loopback = {htonl(INADDR_LOOPBACK)};

	if (host[0] == '\0' || is_localhost(host)) {
		add_v6(r, &in6addr_loopback, 0, port);
		add_v4(r, loopback, port);
		return true;
	}
	if (take_v4(r, host, port) || take_v6(r, host, port))
		return true;
	if (r->numeric)
		say_why(r, "-n: expected a numeric address");
	return r->numeric;
}

/* libuv's code in the words of the system's resolver. */
static const char *
error_text(int err)
{
	static const struct {
		int uv, gai;
	} codes[] = {
	    {UV_EAI_AGAIN, EAI_AGAIN},
	    {UV_EAI_BADFLAGS, EAI_BADFLAGS},
	    {UV_EAI_FAIL, EAI_FAIL},
	    {UV_EAI_FAMILY, EAI_FAMILY},
	    {UV_EAI_MEMORY, EAI_MEMORY},
	    {UV_EAI_NONAME, EAI_NONAME},
	    {UV_EAI_SERVICE, EAI_SERVICE},
	    {UV_EAI_SOCKTYPE, EAI_SOCKTYPE},
	    {UV_EAI_OVERFLOW, EAI_OVERFLOW},
#ifdef EAI_NODATA
	    {UV_EAI_NODATA, EAI_NODATA},
#endif
#ifdef EAI_ADDRFAMILY
	    {UV_EAI_ADDRFAMILY, EAI_ADDRFAMILY},
#endif
	};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].uv == err)
			return gai_strerror(codes[i].gai);
	return uv_strerror(err);
}

/* How much an error tells: no address of one kind is no news of the other. */
static int
weight(int err)
{
	switch (err) {
	case 0:
		return 0;
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		return 1;
	case UV_EAI_NONAME:
		return 2;
	}
	return 3;
}

static void
take_error(struct resolve *r, int err)
{
	if (weight(err) <= weight(r->err))
		return;
	r->err = err;
	say_why(r, error_text(err));
}

static void
take_list(struct resolve *r, const struct addrinfo *ai, uint16_t port)
{
	union resolve_sockaddr u;

	for (; ai != NULL; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(u))
			continue;
		memset(&u, 0, sizeof(u));
		memcpy(&u, ai->ai_addr, ai->ai_addrlen);
		if (u.sa.sa_family == AF_INET)
			add_v4(r, u.v4.sin_addr, port);
		else if (u.sa.sa_family == AF_INET6)
			add_v6(r, &u.v6.sin6_addr, u.v6.sin6_scope_id, port);
	}
}

/* One family's answer: addresses, or an error. */
static void
take_answer(struct resolve *r, int family, int err, const struct addrinfo *list,
    uint16_t port)
{
	size_t before = r->n6 + r->n4;

	take_list(r, list, port);
	if (r->n6 + r->n4 == before)
		take_error(r, err != 0 ? err : UV_EAI_NODATA);
	if (family == AF_INET6)
		r->done6 = true;
	else
		r->done4 = true;
}

static void
on_info(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct resolve_query *q = req->data;
	struct resolve *r = q->resolve;

	if (!q->withdrawn)
		q->resolver->pending--;
	if (r != NULL) {
		r->asked[q->family == AF_INET] = NULL;
		take_answer(r, q->family, status, list, q->port);
	}
	uv_freeaddrinfo(list);
	free(q);
	/* Last of all: whoever is called may free it. */
	if (r != NULL)
		r->on_answer(r);
}

/*
 * Both families are asked for, whatever addresses this machine has: whether
 * one can be reached is for connect to say.
 */
static void
ask(struct resolve *r, struct resolver *resolver, uv_loop_t *loop,
    const char *host, uint16_t port, int family)
{
	struct resolve_query *q = calloc(1, sizeof(*q));
	struct addrinfo hints;
	int err = UV_ENOMEM;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = family;
	hints.ai_socktype = SOCK_STREAM;
	if (q != NULL) {
		q->req.data = q;
		q->resolve = r;
		q->resolver = resolver;
		q->family = family;
		q->port = port;
		err =
		    uv_getaddrinfo(loop, &q->req, on_info, host, NULL, &hints);
	}
	if (err == 0) {
		r->asked[family == AF_INET] = q;
		resolver->pending++;
		return;
	}
	free(q);
	take_answer(r, family, err, NULL, port);
}

void
resolve_start(struct resolve *r, struct resolver *resolver, uv_loop_t *loop,
    const char *host, uint16_t port)
{
	char name[IDN_MAX];

	r->n6 = r->n4 = 0;
	r->done6 = r->family == RESOLVE_V4;
	r->done4 = r->family == RESOLVE_V6;
	r->why[0] = '\0';
	r->err = 0;
	r->asked[0] = r->asked[1] = NULL;
	if (take_at_once(r, host, port)) {
		finish(r);
		return;
	}
	if (idn_to_ascii(host, name, r->why, sizeof(r->why)) != NULL) {
		finish(r);
		return;
	}
	if (!r->done6)
		ask(r, resolver, loop, name, port, AF_INET6);
	if (!r->done4)
		ask(r, resolver, loop, name, port, AF_INET);
	/* What failed at once is told at once, after both have been asked. */
	if (r->err != 0)
		r->on_answer(r);
}

void
resolve_cancel(struct resolve *r)
{
	struct resolve_query *q;
	size_t i;

	for (i = 0; i < 2; i++) {
		q = r->asked[i];
		if (q == NULL)
			continue;
		r->asked[i] = NULL;
		q->resolve = NULL;
		q->withdrawn = uv_cancel((uv_req_t *)&q->req) == 0;
		if (q->withdrawn)
			q->resolver->pending--;
	}
}

bool
resolve_is_hung(const struct resolver *resolver)
{
	return resolver->pending > 0;
}
