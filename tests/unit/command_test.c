/* A command as people type it: its words, and the file that is run. */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk/command.h"
#include "tap.h"

/* What a command line becomes, its words between bars. */
static void
words(const char *text, const char *want)
{
	struct command c = {0};
	char got[256] = "|";
	struct fail f;
	size_t i;

	if (command_set_words(&c, text, &f) == -1) {
		ok(false, "words of '%s': %s", text, f.what);
		return;
	}
	for (i = 0; c.argv[i] != NULL; i++) {
		strcat(got, c.argv[i]);
		strcat(got, "|");
	}
	is_text(got, want, "words of '%s'", text);
	command_release(&c);
}

static void
refused(const char *text, const char *want)
{
	struct command c = {0};
	struct fail f = {0};

	is_num(command_set_words(&c, text, &f), -1, "'%s' is refused", text);
	is_text(f.what, want, "and that is said");
	is_num(f.status, STATUS_USAGE, "as a wrong usage");
	ok(c.argv == NULL && c.words == NULL, "and nothing is held");
}

static void
test_words(void)
{
	words("cat", "|cat|");
	words("  cat\t-n \n -u ", "|cat|-n|-u|");
	words("a b", "|a|b|");
	words("'a b' c", "|a b|c|");
	words("\"a b\" c", "|a b|c|");
	words("a\\ b c", "|a b|c|");
	words("a'b'\"c\"d", "|abcd|");
	words("a ''", "|a||");
	words("a \"\" b", "|a||b|");
	words("'it''s'", "|its|");
	words("'a\\b'", "|a\\b|");
	words("\"a\\b\"", "|a\\b|");
	words("\"a\\\\b\\\"c\\$d\\`e\"", "|a\\b\"c$d`e|");
	words("\"'\" '\"'", "|'|\"|");
	words("\\'a \\\"b", "|'a|\"b|");
	words("x $HOME *.c ~ | > < & ;", "|x|$HOME|*.c|~|||>|<|&|;|");
	refused("", "expected a command, saw nothing");
	refused(" \t\n", "expected a command, saw nothing");
	refused("'' a", "expected a command, saw nothing");
	refused("a 'b", "byte 2: expected a second quote, saw the end");
	refused("a \"b'", "byte 2: expected a second quote, saw the end");
	refused("a \"b\\\"", "byte 2: expected a second quote, saw the end");
	refused("\"a\\", "byte 0: expected a second quote, saw the end");
	refused("ab\\", "byte 2: expected a character behind the backslash");
}

/* Whatever the text is: between quotes it is one word, and that text. */
static void
test_any(void)
{
	uint64_t d = dice_seed();
	char text[64], quoted[300], *q;
	struct command c = {0};
	struct fail f;
	unsigned i, bad = 0;
	size_t n, at;

	for (i = 0; i < rounds(20000); i++) {
		n = 1 + dice_below(&d, sizeof(text) - 1);
		for (at = 0; at < n; at++)
			text[at] = "ab \t\n'\"\\$`|"[dice_below(&d, 11)];
		text[n - 1] = '\0';
		q = quoted;
		strcpy(q, "x ");
		q += 2;
		*q++ = '\'';
		for (at = 0; text[at] != '\0'; at++)
			if (text[at] == '\'') {
				strcpy(q, "'\\''");
				q += 4;
			} else
				*q++ = text[at];
		strcpy(q, "'");
		if (command_set_words(&c, quoted, &f) == -1 ||
		    strcmp(c.argv[1], text) != 0 || c.argv[2] != NULL)
			bad++;
		/* And as it stands it is words, or refused. */
		command_set_words(&c, text, &f);
	}
	command_release(&c);
	is_num(bad, 0, "quoted as for a shell, any text is one word");
}

static void
test_shell(void)
{
	struct command c = {0};
	struct fail f;

	is_num(command_set_shell(&c, "a | b", &f), 0, "a text for the shell");
	is_text(c.argv[0], "/bin/sh", "the shell is /bin/sh");
	is_text(c.argv[1], "-c", "that reads -c");
	is_text(c.argv[2], "a | b", "the text, as it stands");
	ok(c.argv[3] == NULL, "and no more");
	is_num(command_find(&c, &f), 0, "it is there");
	is_text(c.path, "/bin/sh", "and is what is run");
	is_num(command_set_words(&c, "other", &f), 0, "set again");
	ok(c.path == NULL, "it has to be found again");
	is_num(command_set_shell(&c, "", &f), -1, "an empty text is refused");
	ok(c.argv == NULL, "and then there is no command");
	command_release(&c);
}

static void
make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd == -1 || fchmod(fd, mode) == -1)
		err(1, "%s", path);
	close(fd);
}

static void
found(const char *text, const char *path)
{
	struct command c = {0};
	struct fail f = {0};

	command_set_words(&c, text, &f);
	is_num(command_find(&c, &f), 0, "'%s' is found", text);
	is_text(c.path, path, "there");
	command_release(&c);
}

static void
missing(const char *text, const char *what, const char *hint)
{
	struct command c = {0};
	struct fail f = {0};

	command_set_words(&c, text, &f);
	is_num(command_find(&c, &f), -1, "'%s' is not found", text);
	is_text(f.what, what, "with why");
	is_text(f.hint, hint, "and what to try");
	is_num(f.status, STATUS_IO, "as a failure of ours");
	command_release(&c);
}

static void
test_find(void)
{
	char dir[] = "/tmp/command_test.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    mkdir("a", 0700) == -1 || mkdir("b", 0700) == -1 ||
	    mkdir("a/both", 0700) == -1)
		err(1, "%s", dir);
	make("a/plain", 0600);
	make("b/both", 0700);
	make("b/tool", 0700);
	make("tool", 0700);
	setenv("PATH", "a:b", 1);
	found("tool -x", "b/tool");
	found("./tool", "./tool");
	found("both", "b/both");
	missing("nosuch", "nosuch: cannot be run: there is none in PATH",
	    "try: its path, such as ./nosuch");
	missing("plain", "plain: cannot be run: Permission denied",
	    "try: chmod +x a/plain");
	missing("./nosuch",
	    "./nosuch: cannot be run: No such file or directory", "");
	missing("./a", "./a: cannot be run: Is a directory", "");
	missing("a/plain", "a/plain: cannot be run: Permission denied",
	    "try: chmod +x a/plain");
	setenv("PATH", "a::b", 1);
	found("tool", "./tool");
	setenv("PATH", "", 1);
	found("tool", "./tool");
	unsetenv("PATH");
	found("sh", "/bin/sh");
	if (unlink("a/plain") | unlink("b/both") | unlink("b/tool") |
	    unlink("tool") | rmdir("a/both") | rmdir("a") | rmdir("b") |
	    chdir("/") | rmdir(dir))
		err(1, "%s", dir);
}

int
main(void)
{
	test_words();
	test_any();
	test_shell();
	test_find();
	return done_testing();
}
