/*
 * Where rooms that must not print say something: a callback of src/cmd's. The
 * text has no newline and no "wdsock: " in front.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_QUIET,   /* errors alone, which are no log */
	LOG_VERBOSE, /* -v: what happens to connections */
	LOG_CHATTY,  /* -vv: and why */
};

struct log {
	enum log_level level;
	void (*say)(const char *text);
};

/* Formats and says it if the level is that high. */
void log_say(const struct log *, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
