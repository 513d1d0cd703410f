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

bool
cmd_color(enum plan_color color)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != PLAN_COLOR_AUTO)
		return color == PLAN_COLOR_ALWAYS;
	return (no == NULL || no[0] == '\0') && term != NULL &&
	    term[0] != '\0' && strcmp(term, "dumb") != 0 &&
	    isatty(STDERR_FILENO) == 1;
}

/*
 * One line, in one write if it is not very long. A name, a path or a word of
 * the user's may hold anything, and so may what a peer has sent, so it is
 * escaped: it drives no terminal and begins no line of its own.
 */
static void
say(const char *priority, const char *when, bool color, const char *text)
{
	char line[4096];
	struct span out = {(uint8_t *)line, 0, sizeof(line) - 1};
	struct slice in = slice_of(text, strlen(text));
	size_t pos = 0;

	out.len = (size_t)snprintf(line, sizeof(line), "%s%s%swdsock:%s ",
	    is_journal() ? priority : "", when, color ? "\033[1;31m" : "",
	    color ? "\033[0m" : "");
	while (!text_escape(TEXT_LINE, in, &pos, &out)) {
		fwrite(line, 1, out.len, stderr);
		out.len = 0;
	}
	line[out.len++] = '\n';
	fwrite(line, 1, out.len, stderr);
}

void
cmd_say(const char *when, const char *text)
{
	say("<6>", when, false, text);
}

void
cmd_show(const char *when, const char *line)
{
	fprintf(stderr, "%s%s%s\n", is_journal() ? "<7>" : "", when, line);
}

static void
complain(bool color, const struct fail *f)
{
	if (f->what[0] == '\0')
		return;
	say("<3>", "", color, f->what);
	if (f->hint[0] != '\0')
		say("<5>", "", false, f->hint);
}

void
cmd_complain(const struct fail *f)
{
	complain(cmd_color(PLAN_COLOR_AUTO), f);
}

static void
complain_in_color(const struct fail *f)
{
	complain(true, f);
}

static void
complain_plainly(const struct fail *f)
{
	complain(false, f);
}

cmd_complain_fn *
cmd_complain_with(enum plan_color color)
{
	return cmd_color(color) ? complain_in_color : complain_plainly;
}
