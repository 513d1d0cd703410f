/*
 * A command as people type it, made ready to be run: its words, and the file
 * that the first of them names.
 *
 * Words stand apart by blanks. '...', "..." and a backslash take the meaning
 * of what is in or behind them as they do in a shell; nothing else has one:
 * $, *, | and > are letters.
 */
#ifndef TALK_COMMAND_H
#define TALK_COMMAND_H

#include "base/fail.h"

struct command {
	char *path;  /* what is run; NULL before command_find */
	char **argv; /* NULL: there is no command */
	char *words; /* what argv points into */
};

/*
 * From words, or a text that /bin/sh is to read, which must outlive the
 * command. 0, or -1 and a usage error that does not name the text. What the
 * command was before is released; of zeroes is none.
 */
int command_set_words(struct command *, const char *text, struct fail *);
int command_set_shell(struct command *, const char *text, struct fail *);

void command_release(struct command *);

/*
 * Finds the file, in PATH if its name has no slash. 0, or -1 and a fail with
 * STATUS_IO that says why it cannot be run. That it can be is what is seen
 * now: only execve says how it is then.
 */
int command_find(struct command *, struct fail *);

#endif
