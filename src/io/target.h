/*
 * For whom a message is: for all channels, for one, for some, or for all but
 * some. A channel is a number here, and has one name alone: 7 is "c7".
 *
 * In front of a message, with a tab behind it, it is written
 *
 *	*	   for all
 *	c7	   for one
 *	c1,c7,c9   for some
 *	-c7	   for all but one
 *	-c1,c7,c9  for all but these
 */
#ifndef IO_TARGET_H
#define IO_TARGET_H

#include <stdbool.h>

#include "base/slice.h"

enum target_kind {
	TARGET_ALL,
	TARGET_ONE,
	TARGET_SOME,   /* none of these needs to be there, nor need any be */
	TARGET_BUT,    /* all but these */
	TARGET_NOBODY, /* what was said is no channel */
};

struct target {
	enum target_kind kind;
	uint32_t n;
	union {
		uint64_t one;	   /* n is 1 */
		const uint64_t *v; /* n is another: rising, each once */
	};
};

/* Its channels, target.n of them; good as long as the target. */
static inline const uint64_t *
target_list(const struct target *t)
{
	return t->n == 1 ? &t->one : t->v;
}

static inline struct target
target_all(void)
{
	return (struct target){.kind = TARGET_ALL};
}

static inline struct target
target_one(uint64_t chan)
{
	return (struct target){.kind = TARGET_ONE, .n = 1, .one = chan};
}

/*
 * Of `kind` SOME or BUT, with the n channels at list, which are put in order;
 * list stays the target's if it has more than one. Nobody of none, and all but
 * none, are in order too.
 */
struct target target_of(enum target_kind kind, uint64_t *list, size_t n);

/* Is it for this channel? */
bool target_has(const struct target *, uint64_t chan);

bool target_equal(const struct target *, const struct target *);

/* The number in the name of a channel: 0 if it is no such name. */
uint64_t target_chan(struct slice name);

/* Channels in one list, and room that one in so many bytes of text needs. */
#define TARGET_MAX 65536
#define TARGET_ROOM(bytes) ((bytes) / 3 + 1)

enum target_error {
	TARGET_OK,
	TARGET_NO_TAB,
	TARGET_NO_NAME, /* at *at stands what is no channel */
	TARGET_LONG,	/* more than TARGET_MAX */
	TARGET_NO_ROOM, /* it has a list: try again with room for it */
};

/*
 * For whom the record is, and where behind the tab its message begins. `list`
 * is NULL or has room for TARGET_ROOM(record.len).
 */
enum target_error target_read(
    struct slice record, struct target *, uint64_t *list, size_t *at);

#endif
