/* Addresses as they are shown; see addr.h. */

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <linux/vm_sockets.h>
#endif

#include "base/slice.h"
#include "base/text.h"
#include "net/addr_parts.h"

/* The bytes of a Unix name: a path ends at the first NUL. */
static struct slice
unix_bytes(const struct sockaddr_un *un, socklen_t len, bool *abstract)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t n = len > head ? len - head : 0;

	if (n > sizeof(un->sun_path))
		n = sizeof(un->sun_path);
	*abstract = n > 0 && un->sun_path[0] == '\0';
	if (*abstract)
		return slice_of(un->sun_path + 1, n - 1);
	return slice_of(un->sun_path, strnlen(un->sun_path, n));
}

static char *
print_vsock(uint32_t cid, uint32_t port, char *buf)
{
	if (cid == ADDR_CID_ANY)
		snprintf(buf, ADDR_TEXT_MAX, "vsock:%" PRIu32, port);
	else
		snprintf(buf, ADDR_TEXT_MAX, "vsock:%" PRIu32 ":%" PRIu32, cid,
		    port);
	return buf;
}

char *
addr_print(const struct addr *a, char *buf)
{
	bool quote = strchr(a->host, ':') != NULL ||
	    addr_scheme_named(a->host, strlen(a->host)) != SCHEME_NONE;
	const char *scheme = a->tls ? "tls:"
	    : a->kind == ADDR_UDP   ? "udp:"
				    : "";
	const char *dgram = a->kind == ADDR_UNIX_DGRAM ? "-dgram" : "";
	struct slice name;

	if (a->kind == ADDR_FD)
		snprintf(buf, ADDR_TEXT_MAX, "fd:%d", a->fd);
	else if (a->kind == ADDR_VSOCK)
		print_vsock(a->cid, a->vsock_port, buf);
	else if (a->kind == ADDR_UNIX || a->kind == ADDR_UNIX_DGRAM) {
		name = unix_bytes(&a->un, a->un_len, &quote);
		snprintf(buf, ADDR_TEXT_MAX, "%sunix%s:%s%.*s", scheme, dgram,
		    quote ? "@" : "", (int)name.len, (const char *)name.p);
	} else
		snprintf(buf, ADDR_TEXT_MAX, "%s%s%s%s%s%u", scheme,
		    quote ? "[" : "", a->host, quote ? "]" : "",
		    a->host[0] != '\0' || scheme[0] == '\0' ? ":" : "",
		    a->port);
	return buf;
}

static char *
name_v4(struct in_addr in, in_port_t port, char *buf)
{
	char host[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &in, host, sizeof(host));
	snprintf(buf, ADDR_TEXT_MAX, "%s:%u", host, ntohs(port));
	return buf;
}

static char *
name_v6(const struct sockaddr_in6 *in6, char *buf)
{
	char host[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 1] = "";
	struct in_addr in;

	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(&in, in6->sin6_addr.s6_addr + 12, sizeof(in));
		return name_v4(in, in6->sin6_port, buf);
	}
	inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	if (in6->sin6_scope_id != 0) {
		scope[0] = '%';
		/* A name that could not be typed has its number. */
		if (if_indextoname(in6->sin6_scope_id, scope + 1) == NULL ||
		    !addr_is_offerable(scope, strlen(scope)))
			snprintf(scope + 1, sizeof(scope) - 1, "%u",
			    (unsigned)in6->sin6_scope_id);
	}
	snprintf(buf, ADDR_TEXT_MAX, "[%s%s]:%u", host, scope,
	    ntohs(in6->sin6_port));
	return buf;
}

static char *
name_unix(const struct sockaddr_un *un, socklen_t len, char *buf)
{
	bool abstract;
	struct slice name = unix_bytes(un, len, &abstract);
	struct span out = {(uint8_t *)buf, 0, ADDR_TEXT_MAX - 1};
	size_t pos = 0;

	out.len = (size_t)snprintf(
	    buf, ADDR_TEXT_MAX, "unix:%s", abstract ? "@" : "");
	text_escape(TEXT_ESCAPED, name, &pos, &out);
	buf[out.len] = '\0';
	return buf;
}

char *
addr_name(const struct sockaddr *sa, socklen_t len, char *buf)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
#ifdef AF_VSOCK
		struct sockaddr_vm vm;
#endif
	} u;

	/* A copy: what is given may be short, and aligned for nothing. */
	memset(&u, 0, sizeof(u));
	memcpy(&u, sa, len < sizeof(u) ? len : sizeof(u));
	if (u.sa.sa_family == AF_INET && len >= sizeof(u.v4))
		return name_v4(u.v4.sin_addr, u.v4.sin_port, buf);
	if (u.sa.sa_family == AF_INET6 && len >= sizeof(u.v6))
		return name_v6(&u.v6, buf);
	if (u.sa.sa_family == AF_UNIX)
		return name_unix(&u.un, len, buf);
#ifdef AF_VSOCK
	if (u.sa.sa_family == AF_VSOCK && len >= sizeof(u.vm))
		return print_vsock(u.vm.svm_cid, u.vm.svm_port, buf);
#endif
	snprintf(buf, ADDR_TEXT_MAX, "family %d", (int)u.sa.sa_family);
	return buf;
}
