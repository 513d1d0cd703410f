/*
 * --timestamps: the time that stands before a line, for people.
 *
 * The clock is read once for all that happens at the same moment (a batch of
 * messages, what one read brought), by stamp_take; what is written then has
 * this time.
 */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

enum stamp_kind {
	STAMP_NONE,
	STAMP_ABSOLUTE, /* 2026-01-31T13:00:00.000001+01:00, local time */
	STAMP_START,	/* seconds since the beginning */
	STAMP_DELTA,	/* seconds since what was written before */
};

#define STAMP_TEXT_MAX 48

struct stamp {
	enum stamp_kind kind;
	int64_t begun_ns; /* the beginning */
	int64_t last_ns;  /* STAMP_DELTA: when something was written */
	int64_t now_ns;
	char text[STAMP_TEXT_MAX]; /* of now, with a blank behind it */
};

/* "absolute", "start", "delta"; false if there is no such kind. */
bool stamp_kind_of(const char *name, enum stamp_kind *);

/* This is the beginning. */
void stamp_init(struct stamp *, enum stamp_kind);

/* It is now. */
void stamp_take(struct stamp *);

/*
 * The time for one line, valid until the next call; "" with STAMP_NONE. What
 * is written at the same moment has no delta among itself.
 */
const char *stamp_text(struct stamp *);

#endif
