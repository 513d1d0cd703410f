/* Saying something; see log.h. */

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static const char *
when(const struct log *l)
{
	return l->stamp == NULL ? "" : stamp_text(l->stamp);
}

void
log_say(const struct log *l, enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	if (l->level < level || l->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_now(l);
	l->say(when(l), text);
}

void
log_now(const struct log *l)
{
	if (l->stamp != NULL)
		stamp_take(l->stamp);
}

void
log_show(const struct log *l, const char *line)
{
	if (l->show != NULL)
		l->show(when(l), line);
}
