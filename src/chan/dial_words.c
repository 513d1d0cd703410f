/* What is said of a dial that came to nothing; see dial.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chan/dial_parts.h"
#include "net/vsock.h"

const struct addr *
dial_target(const struct dial *d)
{
	return d->plan->proxy == PROXY_NONE ? &d->plan->to : &d->plan->proxy_at;
}

bool
dial_is_one(const struct addr *a)
{
	return a->un_len > 0 || a->kind == ADDR_VSOCK;
}

static bool
is_end_of(const char *end, const char *text)
{
	size_t n = strlen(end), all = strlen(text);

	return n <= all && strcmp(text + all - n, end) == 0;
}

/* -s and -p cannot be had: that says nothing about the peer. */
static void
explain_from(struct dial *d, const char *peer)
{
	const struct dial_plan *p = d->plan;
	char name[ADDR_TEXT_MAX] = "any address";

	if (p->source.sa.sa_family == AF_INET)
		addr_name(&p->source.sa, sizeof(p->source.v4), name);
	if (p->source.sa.sa_family == AF_INET6)
		addr_name(&p->source.sa, sizeof(p->source.v6), name);
	if (p->source.sa.sa_family != AF_UNSPEC)
		name[strlen(name) - strlen(":0")] = '\0';
	if (p->source_port != 0)
		snprintf(name + strlen(name), sizeof(name) - strlen(name),
		    ", port %u", p->source_port);
	fail_set(&d->fail, STATUS_CONNECT, "%s: cannot connect from %s: %s",
	    peer, name, strerror(d->err));
	fail_hint(&d->fail,
	    d->err == EADDRINUSE ? "try: another -p, or none"
				 : "try: -s with an address of this machine, "
				   "of the peer's family");
}

void
dial_explain(struct dial *d)
{
	char name[ADDR_TEXT_MAX];
	enum status s = d->err == ETIMEDOUT ? STATUS_TIMEOUT
	    : d->err == ECONNRESET	    ? STATUS_RESET
					    : STATUS_CONNECT;

	addr_print(dial_target(d), name);
	if (dial_is_one(dial_target(d)) || is_end_of(d->tried, name))
		fail_set(&d->fail, s, "%s: cannot connect: %s", name,
		    strerror(d->err));
	else
		fail_set(&d->fail, s, "%s: cannot connect: %s (tried %s)", name,
		    strerror(d->err), d->tried);
	if (d->from) {
		explain_from(d, name);
		return;
	}
	if (d->err == ECONNREFUSED && d->plan->proxy != PROXY_NONE)
		fail_hint(
		    &d->fail, "that is the proxy of -x; try: start it first");
	else if (d->err == ECONNREFUSED)
		fail_hint(&d->fail,
		    "nobody listens there; try: start the "
		    "server first, or --retry");
	if (d->err == ENOENT && dial_target(d)->un_len > 0)
		fail_hint(&d->fail, "try: the path of a server that runs");
	if (d->err == EPROTOTYPE && dial_target(d)->un_len > 0)
		fail_hint(&d->fail,
		    "a socket of another type is there; try: unix:, "
		    "unix-dgram: or --seqpacket");
	if (d->err == EACCES && dial_target(d)->kind == ADDR_UDP)
		fail_hint(
		    &d->fail, "try: --broadcast, if it is such an address");
	if (dial_target(d)->kind == ADDR_VSOCK && vsock_hint(d->err) != NULL)
		fail_hint(&d->fail, "%s", vsock_hint(d->err));
	if (d->err == ETIMEDOUT)
		fail_hint(&d->fail,
		    "that was the kernel's own timeout; try: "
		    "-w to wait less");
}
