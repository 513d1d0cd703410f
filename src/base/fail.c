/* Errors as values; see fail.h. Text that does not fit is cut, never lost. */

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

int
fail_prefix(struct fail *f, const char *fmt, ...)
{
	char old[sizeof(f->what)];
	va_list ap;
	size_t n;

	memcpy(old, f->what, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	n = strlen(f->what);
	snprintf(f->what + n, sizeof(f->what) - n, ": %s", old);
	return -1;
}
