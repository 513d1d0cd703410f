/*
 * Errors as values; see fail.h. What does not fit is cut: words at their end,
 * a prefix in its middle.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

int
fail_set(struct fail *f, enum status status, const char *fmt, ...)
{
	va_list ap;

	f->status = status;
	f->signal = 0;
	f->exit = 0;
	f->leave_now = false;
	f->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	return -1;
}

int
fail_hint(struct fail *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
	return -1;
}

/* Does a sequence of UTF-8 go on with this byte? */
static bool
goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * Takes the middle out of a text that is longer than `max`, so that the
 * beginning of a path and the name at its end are still there; no character
 * is cut in two.
 */
static void
shorten(char *text, size_t max)
{
	static const char dots[] = "...";
	size_t n = strlen(text), head, tail;

	if (n <= max)
		return;
	head = (max - strlen(dots)) / 2;
	tail = n - (max - strlen(dots) - head);
	while (head > 0 && goes_on(text[head]))
		head--;
	while (goes_on(text[tail]))
		tail++;
	memcpy(text + head, dots, strlen(dots));
	memmove(text + head + strlen(dots), text + tail, n - tail + 1);
}

int
fail_prefix(struct fail *f, const char *fmt, ...)
{
	char old[sizeof(f->what)], prefix[8192];
	size_t room = sizeof(f->what) - sizeof(": ");
	va_list ap;

	memcpy(old, f->what, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	room = strlen(old) + FAIL_PREFIX_MIN < room ? room - strlen(old)
						    : FAIL_PREFIX_MIN;
	shorten(prefix, room);
	strlcpy(f->what, prefix, sizeof(f->what));
	strlcat(f->what, ": ", sizeof(f->what));
	strlcat(f->what, old, sizeof(f->what));
	return -1;
}
