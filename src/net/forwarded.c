/* The PROXY protocol; see forwarded.h. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/num.h"
#include "base/text.h"
#include "net/forwarded.h"

#define V1_MAX 107 /* with CR LF */
#define V2_HEAD 16
#define V2_UNIX 108 /* bytes of a path */
#define LOOK 32
#define LOOK_MAX (LOOK * 4 + TEXT_STEP)

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum forwarded_step
refuse(struct slice in, const char *expected, struct fail *f)
{
	char look[LOOK_MAX];

	fail_set(f, STATUS_MALFORMED,
	    "PROXY protocol: expected %s, saw %s (%zu bytes)", expected,
	    text_look(in, LOOK, look, sizeof(look)), in.len);
	fail_hint(f,
	    "try: without --proxy-protocol, or the address of the balancer in "
	    "--proxy-from");
	return FORWARDED_BAD;
}

/* Is it the beginning of that? */
static bool
begins(struct slice in, const void *p, size_t len)
{
	return memcmp(in.p, p, in.len < len ? in.len : len) == 0;
}

static bool
set_ip(int family, const void *ip, uint16_t port, struct sockaddr_storage *ss,
    socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&v4->sin_addr, ip, 4);
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
	} else {
		memcpy(&v6->sin6_addr, ip, 16);
		v6->sin6_port = htons(port);
		*len = sizeof(*v6);
	}
	return true;
}

/* The next word of a line, ended by one blank or by the line. */
static char *
word(char **line)
{
	char *w = *line, *end = strchr(w, ' ');

	if (end == NULL) {
		*line = w + strlen(w);
		return w;
	}
	*end = '\0';
	*line = end + 1;
	return w;
}

static bool
v1_address(int family, const char *ip, const char *port,
    struct sockaddr_storage *ss, socklen_t *len)
{
	uint8_t raw[16];
	uint64_t n;

	/* The protocol allows no zeros in front, nor a sign. */
	if (inet_pton(family, ip, raw) != 1 || (port[0] == '0' && port[1]) ||
	    num_parse(port, 0, 65535, &n) != NUM_OK)
		return false;
	return set_ip(family, raw, (uint16_t)n, ss, len);
}

/* A line without its CR LF. */
static bool
v1_line(char *line, struct forwarded *p)
{
	char *kind, *from, *to, *from_port, *to_port;
	int family;

	word(&line); /* PROXY */
	kind = word(&line);
	if (strcmp(kind, "UNKNOWN") == 0)
		return true;
	if (strcmp(kind, "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(kind, "TCP6") == 0)
		family = AF_INET6;
	else
		return false;
	from = word(&line);
	to = word(&line);
	from_port = word(&line);
	to_port = word(&line);
	return *line == '\0' &&
	    v1_address(family, from, from_port, &p->from, &p->from_len) &&
	    v1_address(family, to, to_port, &p->to, &p->to_len);
}

static enum forwarded_step
read_v1(struct slice in, struct forwarded *p, size_t *used, struct fail *f)
{
	size_t n = in.len < V1_MAX ? in.len : V1_MAX;
	const uint8_t *end = memchr(in.p, '\n', n);
	char line[V1_MAX + 1];

	if (end == NULL)
		return n < V1_MAX
		    ? FORWARDED_MORE
		    : refuse(in, "a line of at most 107 bytes", f);
	*used = (size_t)(end - in.p) + 1;
	if (*used < 2 || end[-1] != '\r')
		return refuse(in, "CR LF behind its line", f);
	memcpy(line, in.p, *used - 2);
	line[*used - 2] = '\0';
	/* A NUL would hide what stands behind it. */
	if (strlen(line) != *used - 2 || !v1_line(line, p))
		return refuse(in,
		    "TCP4 or TCP6, two addresses and two ports, or UNKNOWN", f);
	return FORWARDED_DONE;
}

static uint16_t
big16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
v2_unix(const uint8_t *path, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)ss;
	size_t n =
	    path[0] == '\0' ? V2_UNIX : strnlen((const char *)path, V2_UNIX);

	/* An abstract name is padded: its end cannot be told from zeros. */
	while (path[0] == '\0' && n > 0 && path[n - 1] == '\0')
		n--;
	memset(ss, 0, sizeof(*ss));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

/* The addresses of version 2; what follows them is left out. */
static bool
v2_addresses(uint8_t family, const uint8_t *p, size_t len, struct forwarded *to)
{
	switch (family) {
	case 0x11: /* TCP over IPv4 */
		return len >= 12 &&
		    set_ip(
			AF_INET, p, big16(p + 8), &to->from, &to->from_len) &&
		    set_ip(AF_INET, p + 4, big16(p + 10), &to->to, &to->to_len);
	case 0x21: /* TCP over IPv6 */
		return len >= 36 &&
		    set_ip(
			AF_INET6, p, big16(p + 32), &to->from, &to->from_len) &&
		    set_ip(
			AF_INET6, p + 16, big16(p + 34), &to->to, &to->to_len);
	case 0x31: /* a Unix stream */
		if (len < 2 * V2_UNIX)
			return false;
		v2_unix(p, &to->from, &to->from_len);
		v2_unix(p + V2_UNIX, &to->to, &to->to_len);
		return true;
	default: /* something else, which the balancer may know */
		return true;
	}
}

static enum forwarded_step
read_v2(struct slice in, struct forwarded *p, size_t *used, struct fail *f)
{
	size_t len;

	if (in.len < V2_HEAD)
		return FORWARDED_MORE;
	len = big16(in.p + 14);
	if (in.p[12] != 0x20 && in.p[12] != 0x21)
		return refuse(in, "version 2, LOCAL or PROXY", f);
	if (V2_HEAD + len > FORWARDED_MAX)
		return refuse(in, "a header of at most 4096 bytes", f);
	if (in.len < V2_HEAD + len)
		return FORWARDED_MORE;
	*used = V2_HEAD + len;
	if (in.p[12] == 0x21 && !v2_addresses(in.p[13], in.p + V2_HEAD, len, p))
		return refuse(in, "addresses as long as their family's", f);
	return FORWARDED_DONE;
}

enum forwarded_step
forwarded_read(
    struct slice in, struct forwarded *p, size_t *used, struct fail *f)
{
	memset(p, 0, sizeof(*p));
	*used = 0;
	if (in.len == 0)
		return FORWARDED_MORE;
	if (begins(in, signature, sizeof(signature)))
		return read_v2(in, p, used, f);
	if (begins(in, "PROXY ", 6))
		return read_v1(in, p, used, f);
	return refuse(in, "its first line", f);
}
