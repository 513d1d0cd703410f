/* What goes to stderr, and how. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/cmd.h"

/* Does stderr lead into the journal, which reads priorities? */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

/*
 * One line, in one write if it is not very long. A name, a path or a word of
 * the user's may hold anything, so it is escaped: it drives no terminal and
 * begins no line of its own.
 */
static void
say(const char *priority, const char *text)
{
	char line[4096];
	struct span out = {(uint8_t *)line, 0, sizeof(line) - 1};
	struct slice in = slice_of(text, strlen(text));
	size_t pos = 0;

	out.len = (size_t)snprintf(
	    line, sizeof(line), "%swdsock: ", is_journal() ? priority : "");
	while (!text_escape(TEXT_LINE, in, &pos, &out)) {
		fwrite(line, 1, out.len, stderr);
		out.len = 0;
	}
	line[out.len++] = '\n';
	fwrite(line, 1, out.len, stderr);
}

void
cmd_say(const char *text)
{
	say("<6>", text);
}

void
cmd_complain(const struct fail *f)
{
	if (f->what[0] == '\0')
		return;
	say("<3>", f->what);
	if (f->hint[0] != '\0')
		say("<5>", f->hint);
}
