/*
 * Bytes beside a page that nobody may touch, so that one read or write too
 * far ends the test. Two places take turns and the one that was left is
 * overwritten, so a pointer that is kept too long is noticed as well.
 */
#ifndef UNIT_GUARD_H
#define UNIT_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct guard {
	struct guard_place {
		uint8_t *map;
		size_t room; /* bytes between the two pages */
		uint8_t *last;
		size_t last_len;
	} place[2];
	unsigned turn;
};

/* Begin with a struct of zeros. What a call gives is valid until the next. */
uint8_t *guard_end(struct guard *, const void *p, size_t len);
uint8_t *guard_begin(struct guard *, const void *p, size_t len);

/* The same without bytes to copy: room to write, with the page behind it. */
uint8_t *guard_room(struct guard *, size_t len);

void guard_free(struct guard *);

#endif
