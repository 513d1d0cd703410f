/*
 * Who speaks on a socket is found again, and nobody else: against a list that
 * is searched from end to end, with addresses that differ in one part.
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/peer_table.h"
#include "tap.h"

#define MANY 3000

static struct peer_node nodes[MANY];
static bool there[MANY];

static void
set_v4(struct stream_peer *p, const char *at, int port)
{
	memset(p, 0, sizeof(*p));
	p->at.v4.sin_family = AF_INET;
	p->at.v4.sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, at, &p->at.v4.sin_addr);
	p->len = sizeof(p->at.v4);
}

static void
set_v6(struct stream_peer *p, const char *at, int port, unsigned scope)
{
	memset(p, 0, sizeof(*p));
	p->at.v6.sin6_family = AF_INET6;
	p->at.v6.sin6_port = htons((uint16_t)port);
	p->at.v6.sin6_scope_id = scope;
	inet_pton(AF_INET6, at, &p->at.v6.sin6_addr);
	p->len = sizeof(p->at.v6);
}

static void
set_unix(struct stream_peer *p, const void *name, size_t len)
{
	memset(p, 0, sizeof(*p));
	p->at.un.sun_family = AF_UNIX;
	memcpy(p->at.un.sun_path, name, len);
	p->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Of few of each part, so that most are near to one another. */
static void
set_any(struct stream_peer *p, uint64_t *state)
{
	static const char *const v4[] = {"10.0.0.1", "10.0.0.2", "127.0.0.1"};
	static const char *const v6[] = {
	    "fe80::1", "fe80::2", "::1", "::ffff:10.0.0.1", "::ffff:10.0.0.3"};
	char name[8] = "\0abcdef";
	int port = 1 + (int)dice_below(state, 80);

	switch (dice_below(state, 3)) {
	case 0:
		set_v4(p, v4[dice_below(state, 3)], port);
		break;
	case 1:
		set_v6(p, v6[dice_below(state, 5)], port,
		    (unsigned)dice_below(state, 2));
		break;
	default:
		name[1] = (char)('a' + dice_below(state, 20));
		set_unix(p, name, 2 + dice_below(state, 5));
	}
	switch (dice_below(state, 3)) {
	case 0:
		p->local_family = AF_INET;
		p->local.v4.s_addr = htonl(1 + (uint32_t)dice_below(state, 2));
		break;
	case 1:
		p->local_family = AF_INET6;
		p->local.v6.s6_addr[15] = (uint8_t)dice_below(state, 2);
		p->local_scope = (unsigned)dice_below(state, 2);
	}
}

/* What one would say who reads the addresses. */
static bool
same_remote(const struct stream_peer *a, const struct stream_peer *b)
{
	struct stream_peer v[2] = {*a, *b};
	struct sockaddr_in v4;
	int i;

	for (i = 0; i < 2; i++)
		if (v[i].at.sa.sa_family == AF_INET6 &&
		    IN6_IS_ADDR_V4MAPPED(&v[i].at.v6.sin6_addr)) {
			memset(&v4, 0, sizeof(v4));
			v4.sin_family = AF_INET;
			v4.sin_port = v[i].at.v6.sin6_port;
			memcpy(
			    &v4.sin_addr, v[i].at.v6.sin6_addr.s6_addr + 12, 4);
			v[i].at.v4 = v4;
			v[i].len = sizeof(v4);
		}
	return v[0].len == v[1].len &&
	    memcmp(&v[0].at, &v[1].at, v[0].len) == 0;
}

static bool
same(const struct stream_peer *a, const struct stream_peer *b)
{
	return same_remote(a, b) && a->local_family == b->local_family &&
	    memcmp(&a->local, &b->local, sizeof(a->local)) == 0 &&
	    a->local_scope == b->local_scope;
}

static const struct peer_node *
look_for(const struct stream_peer *who)
{
	size_t i;

	for (i = 0; i < MANY; i++)
		if (there[i] && same(&nodes[i].who, who))
			return &nodes[i];
	return NULL;
}

/* All with this address, each once? */
static bool
all_come(const struct peer_table *t, const struct stream_peer *who)
{
	const struct peer_node *node = NULL;
	size_t i, want = 0, got = 0;

	for (i = 0; i < MANY; i++)
		want += there[i] && same_remote(&nodes[i].who, who);
	while ((node = peer_table_next(t, node, who)) != NULL) {
		if (!same_remote(&node->who, who))
			return false;
		got++;
	}
	return got == want;
}

static void
test_random(uint64_t state)
{
	struct peer_table t;
	struct stream_peer who;
	bool found = true, come = true, counted = true;
	size_t i, n = 0, most = 0;
	unsigned round;

	peer_table_init(&t);
	set_v4(&who, "10.0.0.1", 1);
	ok(peer_table_find(&t, &who) == NULL, "an empty table has nobody");
	for (round = 0; round < rounds(20000); round++) {
		i = dice_below(&state, MANY);
		set_any(&who, &state);
		found = found && peer_table_find(&t, &who) == look_for(&who);
		if (round % 64 == 0)
			come = come && all_come(&t, &who);
		if (there[i] && dice_below(&state, 2) == 0) {
			peer_table_remove(&t, &nodes[i]);
			there[i] = false;
			n--;
		} else if (!there[i] && look_for(&who) == NULL) {
			nodes[i].who = who;
			if (peer_table_add(&t, &nodes[i]) == -1)
				abort();
			there[i] = true;
			n++;
		}
		most = n > most ? n : most;
		counted = counted && t.n == n;
	}
	ok(found, "each is found who is there, and nobody else");
	ok(come, "all come who have one address, whatever they ask");
	ok(counted, "their number is known");
	ok(most > 100, "there were many at a time (%zu)", most);
	peer_table_release(&t);
}

/* Is the second found as the first? */
static bool
finds(const struct stream_peer *a, const struct stream_peer *b)
{
	struct peer_table t;
	struct peer_node node = {.who = *a};
	bool found;

	peer_table_init(&t);
	if (peer_table_add(&t, &node) == -1)
		abort();
	found = peer_table_find(&t, b) == &node;
	peer_table_release(&t);
	return found;
}

static void
test_one(void)
{
	struct stream_peer a, b;

	set_v4(&a, "192.0.2.1", 9);
	set_v6(&b, "::ffff:192.0.2.1", 9, 0);
	ok(finds(&a, &b) && finds(&b, &a), "IPv4 mapped into IPv6 is IPv4");
	set_v6(&b, "::192.0.2.1", 9, 0);
	ok(!finds(&a, &b), "IPv6 with the same last bytes is not");
	set_v6(&a, "fe80::1", 9, 2);
	set_v6(&b, "fe80::1", 9, 3);
	ok(!finds(&a, &b), "the same on two links is two");
	b = a;
	b.at.v6.sin6_flowinfo = htonl(77);
	ok(finds(&a, &b), "another flow is the same");
	set_unix(&a, "\0ab", 3);
	set_unix(&b, "\0ab\0", 4);
	ok(!finds(&a, &b), "a NUL in an abstract name counts");
	memset(a.at.un.sun_path, 'x', sizeof(a.at.un.sun_path));
	a.len = sizeof(a.at.un);
	b = a;
	ok(finds(&a, &b), "the longest name is found");
	b.at.un.sun_path[sizeof(b.at.un.sun_path) - 1] = 'y';
	ok(!finds(&a, &b), "and its last byte counts");
}

int
main(void)
{
	test_one();
	test_random(dice_seed());
	return done_testing();
}
