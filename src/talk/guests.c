/* Who is there; see guests.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/access.h"
#include "talk/guests.h"

#define CAP_MIN 16

/* Where one is to be found must not be for strangers to choose. */
static size_t
bucket_of(const struct guests *g, const uint8_t address[16])
{
	uint64_t half[2], h;

	memcpy(half, address, sizeof(half));
	h = (half[0] ^ g->key[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	h = (h ^ half[1] ^ g->key[1]) * UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= (g->key[0] | 1);
	return (size_t)(h >> 32) & (g->cap - 1);
}

static bool
resize(struct guests *g, size_t cap)
{
	struct guest **old = g->bucket, *e, *next;
	size_t n = g->cap, i;

	g->bucket = calloc(cap, sizeof(*g->bucket));
	if (g->bucket == NULL) {
		g->bucket = old;
		return false;
	}
	if (n == 0)
		arc4random_buf(g->key, sizeof(g->key));
	g->cap = cap;
	for (i = 0; i < n; i++)
		for (e = old[i]; e != NULL; e = next) {
			struct guest **to =
			    &g->bucket[bucket_of(g, e->address)];

			next = e->next;
			e->next = *to;
			*to = e;
		}
	free(old);
	return true;
}

static bool
read_address(const struct sockaddr *sa, uint8_t address[16])
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct access_net net;

	if (!access_host(sa, &net))
		return false;
	if (memcmp(net.address, mapped, sizeof(mapped)) != 0 &&
	    (net.address[0] != 0xfe || (net.address[1] & 0xc0) != 0x80))
		memset(net.address + 8, 0, 8);
	memcpy(address, net.address, sizeof(net.address));
	return true;
}

struct guest *
guests_enter(struct guests *g, const struct sockaddr *sa)
{
	struct guest *e, **to;
	uint8_t address[16];

	if (!read_address(sa, address))
		return NULL;
	/* A table that cannot grow is slower, and as good. */
	if (g->n == g->cap && !resize(g, g->cap == 0 ? CAP_MIN : 2 * g->cap) &&
	    g->cap == 0)
		return NULL;
	to = &g->bucket[bucket_of(g, address)];
	for (e = *to; e != NULL; e = e->next)
		if (memcmp(e->address, address, sizeof(address)) == 0) {
			e->n++;
			return e;
		}
	e = malloc(sizeof(*e));
	if (e == NULL)
		return NULL;
	memcpy(e->address, address, sizeof(address));
	e->n = 1;
	e->next = *to;
	*to = e;
	g->n++;
	return e;
}

void
guests_leave(struct guests *g, struct guest *e)
{
	struct guest **at;

	if (e == NULL || --e->n > 0)
		return;
	at = &g->bucket[bucket_of(g, e->address)];
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e);
	g->n--;
	if (g->cap > CAP_MIN && g->n < g->cap / 8)
		resize(g, g->cap / 2);
}

void
guests_release(struct guests *g)
{
	struct guest *e, *next;
	size_t i;

	for (i = 0; i < g->cap; i++)
		for (e = g->bucket[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	free(g->bucket);
	memset(g, 0, sizeof(*g));
}
