/* Who speaks on a socket; see peer_table.h. */

#include <stdlib.h>
#include <string.h>

#include "net/peer_table.h"

#define SLOTS_MIN 8

/* An address in one form, so that equal ones are equal as bytes. */
struct name {
	uint32_t word[PEER_WORDS];
	size_t n;
};

static void
name_of(const struct stream_peer *p, struct name *to)
{
	const size_t len = p->len < sizeof(p->at) ? p->len : sizeof(p->at);
	const struct in6_addr *v6 = &p->at.v6.sin6_addr;

	switch (p->at.sa.sa_family) {
	case AF_INET:
		to->n = 3;
		to->word[0] = AF_INET;
		to->word[1] = p->at.v4.sin_port;
		to->word[2] = p->at.v4.sin_addr.s_addr;
		break;
	case AF_INET6:
		to->n = IN6_IS_ADDR_V4MAPPED(v6) ? 3 : 7;
		to->word[0] = to->n == 3 ? AF_INET : AF_INET6;
		to->word[1] = p->at.v6.sin6_port;
		memcpy(&to->word[2], v6, sizeof(*v6));
		if (to->n == 3)
			to->word[2] = to->word[5];
		to->word[6] = p->at.v6.sin6_scope_id;
		break;
	default: /* Unix: as the bytes are */
		to->n = 1 + (len + 3) / 4;
		to->word[to->n - 1] = 0;
		to->word[0] = (uint32_t)len;
		memcpy(&to->word[1], &p->at, len);
	}
}

static bool
has_name(const struct peer_node *node, uint32_t hash, const struct name *name)
{
	struct name own;

	if (node->hash != hash)
		return false;
	name_of(&node->who, &own);
	return own.n == name->n &&
	    memcmp(own.word, name->word, own.n * sizeof(own.word[0])) == 0;
}

/* Is it the same address of ours? */
static bool
same_local(const struct stream_peer *a, const struct stream_peer *b)
{
	if (a->local_family != b->local_family)
		return false;
	if (a->local_family == AF_INET)
		return a->local.v4.s_addr == b->local.v4.s_addr;
	return a->local_family != AF_INET6 ||
	    (a->local_scope == b->local_scope &&
		memcmp(&a->local.v6, &b->local.v6, sizeof(a->local.v6)) == 0);
}

/*
 * A sum of products with secret factors: of any two names the chance to meet
 * is that of a throw of dice (multilinear hashing, strongly universal in its
 * upper half). The address of ours is left out, so that peer_table_next finds
 * all of a peer in one slot.
 */
static uint32_t
hash_of(const struct peer_table *t, const struct name *name)
{
	uint64_t h = t->secret[PEER_WORDS];
	size_t i;

	for (i = 0; i < name->n; i++)
		h += t->secret[i] * name->word[i];
	return (uint32_t)(h >> 32);
}

static struct peer_node **
slot_of(const struct peer_table *t, uint32_t hash)
{
	return &t->slots[hash & (t->slots_n - 1)];
}

void
peer_table_init(struct peer_table *t)
{
	memset(t, 0, sizeof(*t));
	arc4random_buf(t->secret, sizeof(t->secret));
}

void
peer_table_release(struct peer_table *t)
{
	free(t->slots);
	t->slots = NULL;
	t->slots_n = t->n = 0;
}

struct peer_node *
peer_table_next(const struct peer_table *t, const struct peer_node *after,
    const struct stream_peer *who)
{
	struct peer_node *node;
	struct name name;
	uint32_t hash;

	if (t->slots_n == 0)
		return NULL;
	name_of(who, &name);
	hash = hash_of(t, &name);
	node = after == NULL ? *slot_of(t, hash) : after->next;
	while (node != NULL && !has_name(node, hash, &name))
		node = node->next;
	return node;
}

struct peer_node *
peer_table_find(const struct peer_table *t, const struct stream_peer *who)
{
	struct peer_node *node = peer_table_next(t, NULL, who);

	while (node != NULL && !same_local(&node->who, who))
		node = peer_table_next(t, node, who);
	return node;
}

static void
put(struct peer_table *t, struct peer_node *node)
{
	struct peer_node **slot = slot_of(t, node->hash);

	node->next = *slot;
	*slot = node;
}

/* Twice as many slots; that there are too few only makes it slower. */
static void
grow(struct peer_table *t)
{
	struct peer_node **old = t->slots, **slots, *node;
	size_t i, old_n = t->slots_n, n = old_n == 0 ? SLOTS_MIN : 2 * old_n;

	slots = calloc(n, sizeof(struct peer_node *));
	if (slots == NULL)
		return;
	t->slots = slots;
	t->slots_n = n;
	for (i = 0; i < old_n; i++)
		while ((node = old[i]) != NULL) {
			old[i] = node->next;
			put(t, node);
		}
	free(old);
}

int
peer_table_add(struct peer_table *t, struct peer_node *node)
{
	struct name name;

	if (t->n >= 2 * t->slots_n)
		grow(t);
	if (t->slots_n == 0)
		return -1;
	name_of(&node->who, &name);
	node->hash = hash_of(t, &name);
	put(t, node);
	t->n++;
	return 0;
}

void
peer_table_remove(struct peer_table *t, struct peer_node *node)
{
	struct peer_node **at;

	for (at = slot_of(t, node->hash); *at != node; at = &(*at)->next)
		;
	*at = node->next;
	t->n--;
}
