/* Who may connect; see access.h. It asks nobody: names are resolved above. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "net/access.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void
access_init(struct access *a)
{
	memset(a, 0, sizeof(*a));
}

void
access_release(struct access *a)
{
	access_list_release(&a->allow);
	access_list_release(&a->deny);
	access_init(a);
}

void
access_list_release(struct access_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

/* Bits behind the prefix mean nothing, but two equal rules look equal. */
static void
clear_rest(struct access_net *net)
{
	size_t i;

	for (i = net->bits; i < 128; i++)
		net->address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* An address of either family; its own number of bits in *width. */
static bool
read_address(const char *text, struct access_net *net, unsigned *width)
{
	*width = 128;
	net->bits = 128;
	if (inet_pton(AF_INET6, text, net->address) == 1)
		return true;
	memcpy(net->address, mapped, sizeof(mapped));
	*width = 32;
	return inet_pton(AF_INET, text, net->address + 12) == 1;
}

static int
refuse(const char *saw, struct fail *f)
{
	fail_set(
	    f, STATUS_USAGE, "expected an address or a network, saw %s", saw);
	return fail_hint(f, "try: 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
}

int
access_parse(const char *text, struct access_net *net, struct fail *f)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned width;
	uint64_t bits;

	if (len >= sizeof(address))
		return refuse("too many characters", f);
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, net, &width))
		return refuse("another word", f);
	if (slash != NULL) {
		if (num_parse(slash + 1, 0, width, &bits) != NUM_OK)
			return refuse(width == 32 ? "no prefix from 0 to 32"
						  : "no prefix from 0 to 128",
			    f);
		net->bits = (uint8_t)(bits + 128 - width);
	}
	clear_rest(net);
	return 0;
}

bool
access_host(const struct sockaddr *sa, struct access_net *net)
{
	net->bits = 128;
	if (sa->sa_family == AF_INET) {
		memcpy(net->address, mapped, sizeof(mapped));
		memcpy(net->address + 12,
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
		    4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(net->address,
	    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	return true;
}

int
access_add(struct access_list *l, const struct access_net *net)
{
	struct access_net *v;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : 2 * l->cap;
		v = realloc(l->v, cap * sizeof(*v));
		if (v == NULL)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *net;
	return 0;
}

bool
access_word(const char **text, char *buf, size_t cap)
{
	static const char blank[] = " \t\r\n";
	const char *p = *text;
	size_t len;

	for (;;) {
		p += strspn(p, blank);
		if (*p != '#')
			break;
		p += strcspn(p, "\n");
	}
	len = strcspn(p, " \t\r\n#");
	*text = p + len;
	if (len == 0)
		return false;
	if (len >= cap)
		len = cap - 1;
	memcpy(buf, p, len);
	buf[len] = '\0';
	return true;
}

static bool
is_in(const struct access_net *net, const uint8_t *address)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(net->address, address, whole) == 0 &&
	    (rest == 0 || ((net->address[whole] ^ address[whole]) & mask) == 0);
}

/* By address, the larger network first. */
static int
compare(const void *pa, const void *pb)
{
	const struct access_net *a = pa, *b = pb;
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

void
access_settle(struct access_list *l)
{
	size_t i, n = 0;

	if (l->n == 0)
		return;
	qsort(l->v, l->n, sizeof(*l->v), compare);
	/* Networks hold one another or have nothing in common: what the last
	 * one that is kept does not hold begins behind it. */
	for (i = 0; i < l->n; i++)
		if (n == 0 || !is_in(&l->v[n - 1], l->v[i].address))
			l->v[n++] = l->v[i];
	l->n = n;
}

/* The one that could hold it is the last that does not begin behind it. */
static bool
holds(const struct access_list *l, const uint8_t *address)
{
	size_t from = 0, to = l->n, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (memcmp(l->v[middle].address, address, 16) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from > 0 && is_in(&l->v[from - 1], address);
}

bool
access_has(const struct access_list *l, const struct sockaddr *sa)
{
	struct access_net host;

	return l->n > 0 && access_host(sa, &host) && holds(l, host.address);
}

bool
access_admits(const struct access *a, const struct sockaddr *sa)
{
	struct access_net host;

	if (a->deny.n == 0 && !a->only)
		return true;
	if (!access_host(sa, &host))
		return true;
	if (holds(&a->deny, host.address))
		return false;
	return !a->only || holds(&a->allow, host.address);
}
