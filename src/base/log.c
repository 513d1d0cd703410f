/* Saying something; see log.h. */

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void
log_say(const struct log *l, enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (l->level < level || l->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->say(text);
}
