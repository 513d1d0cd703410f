/*
 * Events as JSON lines, written by hand: one object with members of text and
 * of numbers, in the order in which they are added. It is valid JSON whatever
 * bytes the texts hold; what is not UTF-8 in them is escaped.
 */
#ifndef IO_EVENT_H
#define IO_EVENT_H

#include <stdbool.h>

#include "base/slice.h"

#define EVENT_MAX 16384

struct event {
	bool terminal;
	bool first; /* in its object */
	struct span line;
	uint8_t bytes[EVENT_MAX];
};

/* Begins one of this kind; `terminal`: it is for eyes. */
void event_begin(struct event *, const char *kind, bool terminal);

/* A text that does not fit is cut, at the end of a character. */
void event_text(struct event *, const char *name, struct slice text);
void event_number(struct event *, const char *name, uint64_t);

/* What is added between these two stands in an object of this name. */
void event_object(struct event *, const char *name);
void event_object_end(struct event *);

/* The whole line, with its newline; good as long as the event. */
struct slice event_end(struct event *);

#endif
