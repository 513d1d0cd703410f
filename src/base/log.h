/*
 * Where rooms that must not print say something: callbacks of src/cmd's. A
 * text has no newline, and no "wdsock: " in front. `when` is what stands
 * before it all: the time, or nothing.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/stamp.h"

enum log_level {
	LOG_QUIET,   /* errors alone, which are no log */
	LOG_VERBOSE, /* -v: what happens to connections */
	LOG_CHATTY,  /* -vv: and why */
};

struct log {
	enum log_level level;
	struct stamp *stamp; /* NULL: no times */
	void (*say)(const char *when, const char *text);
	/* A line as it stands: nothing in it drives a terminal by mistake. */
	void (*show)(const char *when, const char *line);
};

/* Formats and says it if the level is that high. */
void log_say(const struct log *, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What is shown from here on happens now. */
void log_now(const struct log *);

/* Shows a line, at whatever level. */
void log_show(const struct log *, const char *line);

#endif
