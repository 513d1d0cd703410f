/* What a process is told of its connection; see ucspi.h. */

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"
#include "talk/ucspi.h"

#define VARIABLES_MAX (20 + TLS_PAIRS)
#define TEXT_MAX 8192
#define TLS_PREFIX "WDSOCK_TLS_"

static const char *const protocols[] = {"TCP6", "TCP", "UDP6", "UDP", "UNIX"};
static const char *const facts[] = {"LOCALIP", "LOCALPORT", "LOCALHOST",
    "LOCALPATH", "LOCALUID", "LOCALGID", "LOCALPID", "REMOTEIP", "REMOTEPORT",
    "REMOTEHOST", "REMOTEINFO", "REMOTEPATH", "REMOTEPID", "REMOTEEUID",
    "REMOTEEGID", "CONNNUM", "INTERFACE"};
static const char *const others[] = {"PROTO", "WDSOCK_CHANNEL", "WDSOCK_PEER",
    "WDSOCK_MODE", "WDSOCK_MODE_OUT", "LISTEN_FDS", "LISTEN_PID",
    "LISTEN_FDNAMES"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The environment as it grows. */
struct environment {
	char **v;
	size_t n;
	char *text; /* where the next one is written */
	char *end;
};

static bool
is_one_of(const char *name, size_t len, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	return false;
}

/* Does it speak of a connection, or of what was passed to us? */
static bool
is_ours(const char *entry)
{
	size_t len = strcspn(entry, "="), i, n;

	if (is_one_of(entry, len, others, COUNT(others)) ||
	    strncmp(entry, TLS_PREFIX, strlen(TLS_PREFIX)) == 0)
		return true;
	for (i = 0; i < COUNT(protocols); i++) {
		n = strlen(protocols[i]);
		if (len > n && memcmp(entry, protocols[i], n) == 0 &&
		    is_one_of(entry + n, len - n, facts, COUNT(facts)))
			return true;
	}
	return false;
}

static void put(struct environment *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* NAME=VALUE; what does not fit is not there at all. */
static void
put(struct environment *e, const char *fmt, ...)
{
	size_t room = (size_t)(e->end - e->text);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(e->text, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		return;
	e->v[e->n++] = e->text;
	e->text += n + 1;
}

/* An address as text, and its port; IPv4 in IPv6 is IPv4. */
struct place {
	char ip[INET6_ADDRSTRLEN];
	unsigned port;
	unsigned scope;
	bool v6;
};

static void
read_place(const struct sockaddr_storage *ss, struct place *p)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;

	memset(p, 0, sizeof(*p));
	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, p->ip, sizeof(p->ip));
		p->port = ntohs(v4->sin_port);
		return;
	}
	p->port = ntohs(v6->sin6_port);
	p->v6 = !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
	p->scope = v6->sin6_scope_id;
	if (p->v6)
		inet_ntop(AF_INET6, &v6->sin6_addr, p->ip, sizeof(p->ip));
	else
		inet_ntop(
		    AF_INET, &v6->sin6_addr.s6_addr[12], p->ip, sizeof(p->ip));
}

static void
put_places(struct environment *e, const char *proto, const struct place *local,
    const struct place *remote)
{
	put(e, "%sLOCALIP=%s", proto, local->ip);
	put(e, "%sLOCALPORT=%u", proto, local->port);
	put(e, "%sREMOTEIP=%s", proto, remote->ip);
	put(e, "%sREMOTEPORT=%u", proto, remote->port);
}

static void
put_internet(struct environment *e, const struct ucspi *u, const char *proto,
    const struct place *local, const struct place *remote)
{
	char interface[IF_NAMESIZE], six[8];

	put(e, "PROTO=%s%s", proto, remote->v6 ? "6" : "");
	put_places(e, proto, local, remote);
	put(e, "%sCONNNUM=%u", proto, u->connnum);
	if (!remote->v6)
		return;
	snprintf(six, sizeof(six), "%s6", proto);
	put_places(e, six, local, remote);
	if (remote->scope != 0 && if_indextoname(remote->scope, interface))
		put(e, "%sINTERFACE=%s", six, interface);
}

/* As addr_name shows it, without "unix:"; a path as it stands. */
static void
put_path(struct environment *e, const struct sockaddr_storage *ss, socklen_t n)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)ss;
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	char name[ADDR_TEXT_MAX];

	if (un->sun_path[0] != '\0')
		put(e, "UNIXLOCALPATH=%.*s", (int)(n - head), un->sun_path);
	else if (n > head)
		put(e, "UNIXLOCALPATH=%s",
		    addr_name((const struct sockaddr *)ss, n, name) +
			strlen("unix:"));
}

static void
put_unix(struct environment *e, int fd, const struct sockaddr_storage *local,
    socklen_t local_len, const struct sockaddr_storage *remote,
    socklen_t remote_len)
{
#ifdef __linux__
	struct ucred who;
	socklen_t len = sizeof(who);
#else
	uid_t uid;
	gid_t gid;
#endif

	put(e, "PROTO=UNIX");
	/* Of a client, too, it is the path of the socket that both know. */
	if (local_len > offsetof(struct sockaddr_un, sun_path))
		put_path(e, local, local_len);
	else
		put_path(e, remote, remote_len);
#ifdef __linux__
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return;
	if (who.pid != 0) /* it is 0 where it lives in another world */
		put(e, "UNIXREMOTEPID=%ld", (long)who.pid);
	put(e, "UNIXREMOTEEUID=%lu", (unsigned long)who.uid);
	put(e, "UNIXREMOTEEGID=%lu", (unsigned long)who.gid);
#else
	if (getpeereid(fd, &uid, &gid) == -1)
		return;
	put(e, "UNIXREMOTEEUID=%lu", (unsigned long)uid);
	put(e, "UNIXREMOTEEGID=%lu", (unsigned long)gid);
#endif
}

static void
put_connection(struct environment *e, const struct ucspi *u)
{
	struct sockaddr_storage local, remote;
	socklen_t local_len = sizeof(local), remote_len = sizeof(remote);
	struct place here, there;
	socklen_t len = sizeof(int);
	int type = SOCK_STREAM;

	memset(&local, 0, sizeof(local));
	memset(&remote, 0, sizeof(remote));
	if (u->forwarded != NULL) {
		local = u->forwarded->to;
		local_len = u->forwarded->to_len;
		remote = u->forwarded->from;
		remote_len = u->forwarded->from_len;
	} else if (getsockname(u->fd, (struct sockaddr *)&local, &local_len) ==
		-1 ||
	    getpeername(u->fd, (struct sockaddr *)&remote, &remote_len) == -1)
		return;
	getsockopt(u->fd, SOL_SOCKET, SO_TYPE, &type, &len);
	switch (local.ss_family) {
	case AF_INET:
	case AF_INET6:
		read_place(&local, &here);
		read_place(&remote, &there);
		put_internet(
		    e, u, type == SOCK_DGRAM ? "UDP" : "TCP", &here, &there);
		break;
	case AF_UNIX:
		/* Who is at the socket is then the balancer. */
		put_unix(e, u->forwarded != NULL ? -1 : u->fd, &local,
		    local_len, &remote, remote_len);
		break;
	}
}

static void
put_conversation(struct environment *e, const struct ucspi *u)
{
	char in[FRAMING_TEXT_MAX], out[FRAMING_TEXT_MAX];

	if (u->channel != NULL)
		put(e, "WDSOCK_CHANNEL=%s", u->channel);
	put(e, "WDSOCK_PEER=%s", u->peer);
	framing_print(u->in, in);
	framing_print(u->out, out);
	put(e, "WDSOCK_MODE=%s", in);
	if (strcmp(in, out) != 0)
		put(e, "WDSOCK_MODE_OUT=%s", out);
}

static void
put_tls(struct environment *e, const struct tls_facts *tls)
{
	struct tls_pair v[TLS_PAIRS];
	size_t n = tls_facts_pairs(tls, v), i;

	for (i = 0; i < n; i++)
		put(e, TLS_PREFIX "%s=%s", v[i].name, v[i].value);
}

char **
ucspi_environment(const struct ucspi *u, char *const inherited[])
{
	struct environment e = {NULL, 0, NULL, NULL};
	size_t n = 0, i;

	while (inherited[n] != NULL)
		n++;
	n += VARIABLES_MAX + 1;
	e.v = malloc(n * sizeof(*e.v) + TEXT_MAX);
	if (e.v == NULL)
		return NULL;
	e.text = (char *)(e.v + n);
	e.end = e.text + TEXT_MAX;
	for (i = 0; inherited[i] != NULL; i++)
		if (!is_ours(inherited[i]))
			e.v[e.n++] = inherited[i];
	put_connection(&e, u);
	put_conversation(&e, u);
	if (u->tls != NULL)
		put_tls(&e, u->tls);
	e.v[e.n] = NULL;
	return e.v;
}
