/* Bytes beside a forbidden page; see guard.h. */

#include <err.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void
place_free(struct guard_place *g)
{
	if (g->map != NULL)
		munmap(g->map, g->room + 2 * page_size());
	memset(g, 0, sizeof(*g));
}

static void
place_grow(struct guard_place *g, size_t len)
{
	const size_t page = page_size();
	const size_t room = (len / page + 1) * page;

	if (g->room >= len && g->map != NULL)
		return;
	place_free(g);
	g->map = mmap(NULL, room + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->map == MAP_FAILED ||
	    mprotect(g->map + page, room, PROT_READ | PROT_WRITE) != 0)
		err(1, "mmap");
	g->room = room;
}

/* The other place, emptied of what was there, with room for len bytes. */
static struct guard_place *
take_turn(struct guard *g, size_t len)
{
	struct guard_place *left = &g->place[g->turn];

	if (left->last_len > 0)
		memset(left->last, 0xa5, left->last_len);
	g->turn ^= 1;
	place_grow(&g->place[g->turn], len);
	return &g->place[g->turn];
}

static uint8_t *
fill(struct guard_place *g, uint8_t *to, const void *p, size_t len)
{
	if (len > 0 && p != NULL)
		memcpy(to, p, len);
	g->last = to;
	g->last_len = len;
	return to;
}

uint8_t *
guard_end(struct guard *g, const void *p, size_t len)
{
	struct guard_place *to = take_turn(g, len);

	return fill(to, to->map + page_size() + to->room - len, p, len);
}

uint8_t *
guard_begin(struct guard *g, const void *p, size_t len)
{
	struct guard_place *to = take_turn(g, len);

	return fill(to, to->map + page_size(), p, len);
}

uint8_t *
guard_room(struct guard *g, size_t len)
{
	return guard_end(g, NULL, len);
}

void
guard_free(struct guard *g)
{
	place_free(&g->place[0]);
	place_free(&g->place[1]);
	g->turn = 0;
}
