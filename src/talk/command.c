/* A command as people type it; see command.h. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk/command.h"

#define SHELL "/bin/sh"
#define PATH_USUAL "/bin:/usr/bin"

void
command_release(struct command *c)
{
	free(c->path);
	free(c->argv);
	free(c->words);
	*c = (struct command){NULL, NULL, NULL};
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int
no_memory(struct command *c, struct fail *f)
{
	command_release(c);
	return fail_set(f, STATUS_IO, "out of memory");
}

/* What stands between two quotes; NULL: the second one is missing. */
static const char *
take_quoted(const char *s, char **to)
{
	const char quote = *s++;

	for (; *s != quote; s++) {
		if (*s == '\0')
			return NULL;
		/* So much does a backslash mean there. */
		if (quote == '"' && *s == '\\' && s[1] != '\0' &&
		    strchr("\"\\$`", s[1]) != NULL)
			s++;
		*(*to)++ = *s;
	}
	return s + 1;
}

/* One word, to its end; NULL: it has none, and *bad is why. */
static const char *
take_word(const char *s, char **to, const char **bad)
{
	const char *begin;

	while (*s != '\0' && !is_blank(*s)) {
		begin = s;
		if (*s == '\'' || *s == '"')
			s = take_quoted(s, to);
		else {
			s += *s == '\\';
			*(*to)++ = *s;
			s = *s == '\0' ? NULL : s + 1;
		}
		if (s == NULL) {
			*bad = begin;
			return NULL;
		}
	}
	*(*to)++ = '\0';
	return s;
}

static int
refuse(struct command *c, const char *text, const char *bad, struct fail *f)
{
	command_release(c);
	if (bad == NULL)
		fail_set(f, STATUS_USAGE, "expected a command, saw nothing");
	else
		fail_set(f, STATUS_USAGE, "byte %td: expected %s", bad - text,
		    *bad == '\\' ? "a character behind the backslash"
				 : "a second quote, saw the end");
	return fail_hint(f, "try: --sh for what a shell is to read");
}

int
command_set_words(struct command *c, const char *text, struct fail *f)
{
	const size_t len = strlen(text);
	const char *s = text, *bad = NULL;
	size_t n = 0;
	char *to;

	command_release(c);
	c->words = malloc(len + 1);
	c->argv = malloc((len / 2 + 2) * sizeof(*c->argv));
	if (c->words == NULL || c->argv == NULL)
		return no_memory(c, f);
	for (to = c->words;; n++) {
		while (is_blank(*s))
			s++;
		if (*s == '\0')
			break;
		c->argv[n] = to;
		s = take_word(s, &to, &bad);
		if (s == NULL)
			return refuse(c, text, bad, f);
	}
	c->argv[n] = NULL;
	return n > 0 && c->argv[0][0] != '\0' ? 0 : refuse(c, text, NULL, f);
}

int
command_set_shell(struct command *c, const char *text, struct fail *f)
{
	static const char words[] = SHELL "\0-c";

	command_release(c);
	c->words = malloc(sizeof(words));
	c->argv = malloc(4 * sizeof(*c->argv));
	if (c->words == NULL || c->argv == NULL)
		return no_memory(c, f);
	memcpy(c->words, words, sizeof(words));
	c->argv[0] = c->words;
	c->argv[1] = c->words + strlen(SHELL) + 1;
	c->argv[2] = (char *)(uintptr_t)text; /* execve writes nothing there */
	c->argv[3] = NULL;
	return text[0] != '\0' ? 0 : refuse(c, text, NULL, f);
}

/* 0, or an errno: can this file be run? */
static int
look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	return access(path, X_OK) == -1 ? errno : 0;
}

/*
 * The first file of that name that can be run, in c->path; if there is none,
 * the first that we may not run.
 */
static int
search(struct command *c, const char *name)
{
	const char *dirs = getenv("PATH"), *d;
	char *path;
	size_t len;
	int err;

	for (d = dirs == NULL ? PATH_USUAL : dirs;; d += len + 1) {
		len = strcspn(d, ":");
		path = malloc(len + strlen(name) + 3);
		if (path == NULL)
			return ENOMEM;
		/* An empty one is the current directory. */
		sprintf(path, "%.*s/%s", (int)(len == 0 ? 1 : len),
		    len == 0 ? "." : d, name);
		err = look_at(path);
		if (err == 0 || (err == EACCES && c->path == NULL)) {
			free(c->path);
			c->path = path;
		} else
			free(path);
		if (err == 0)
			return 0;
		if (d[len] == '\0')
			return c->path != NULL ? EACCES : ENOENT;
	}
}

int
command_find(struct command *c, struct fail *f)
{
	const char *name = c->argv[0];
	bool bare = strchr(name, '/') == NULL;
	int err;

	free(c->path);
	c->path = NULL;
	if (bare)
		err = search(c, name);
	else {
		c->path = strdup(name);
		err = c->path == NULL ? ENOMEM : look_at(name);
	}
	if (err == 0)
		return 0;
	fail_set(f, STATUS_IO, "%.256s: cannot be run: %s", name,
	    bare && err == ENOENT ? "there is none in PATH" : strerror(err));
	if (err == EACCES)
		return fail_hint(f, "try: chmod +x %.256s", c->path);
	if (bare && err == ENOENT)
		return fail_hint(f, "try: its path, such as ./%.256s", name);
	return -1;
}
