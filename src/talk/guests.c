/* Who is there; see guests.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/access.h"
#include "talk/guests.h"

static int
compare(const struct guest *a, const struct guest *b)
{
	return memcmp(a->address, b->address, sizeof(a->address));
}

/* RB_GENERATE_STATIC wants a word that only BSD has. */
RB_GENERATE_INTERNAL(
    guests, guest, link, compare, __attribute__((unused)) static)

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
	struct guest *e, like;

	if (!read_address(sa, like.address))
		return NULL;
	e = RB_FIND(guests, g, &like);
	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return NULL;
		memcpy(e->address, like.address, sizeof(e->address));
		RB_INSERT(guests, g, e);
	}
	e->n++;
	return e;
}

void
guests_leave(struct guests *g, struct guest *e)
{
	if (e == NULL || --e->n > 0)
		return;
	RB_REMOVE(guests, g, e);
	free(e);
}

void
guests_release(struct guests *g)
{
	struct guest *e;

	while ((e = RB_ROOT(g)) != NULL) {
		RB_REMOVE(guests, g, e);
		free(e);
	}
}
