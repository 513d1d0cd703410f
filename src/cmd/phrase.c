/* Pass phrases; see phrase.h. */

#include <errno.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/phrase.h"

struct phrase {
	struct phrase *next;
	const char *file;
	char text[PHRASE_MAX];
};

/* The first line, without its end. False and errno. */
static bool
read_file(const char *path, char text[PHRASE_MAX])
{
	int fd = fd_open_read(path), err;
	size_t len = 0;
	ssize_t n = -1;

	if (fd == -1)
		return false;
	while (len < PHRASE_MAX - 1 &&
	    (n = fd_read_some(fd, text + len, PHRASE_MAX - 1 - len)) > 0) {
		len += (size_t)n;
		if (memchr(text, '\n', len) != NULL)
			break;
	}
	err = errno;
	close(fd);
	text[len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	errno = err;
	return n != -1;
}

/* Can it be read a second time, as a pipe cannot? */
static bool
is_lasting(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int
phrases_check(struct phrases *p, struct fail *f)
{
	char text[PHRASE_MAX];
	bool done;

	if (p->path == NULL)
		return 0;
	done = read_file(p->path, text);
	if (done && !is_lasting(p->path)) {
		p->read = calloc(1, sizeof(*p->read));
		if (p->read == NULL)
			return fail_set(f, STATUS_IO, "out of memory");
		memcpy(p->read->text, text, sizeof(text));
	}
	explicit_bzero(text, sizeof(text));
	return done ? 0
		    : fail_set(f, STATUS_IO, "--tls-pass-file %.256s: %s",
			  p->path, strerror(errno));
}

/* Asks once for each file; NULL: there is nobody to be asked. */
static const char *
ask(struct phrases *p, const char *file)
{
	char prompt[512];
	struct phrase *one;

	for (one = p->asked; one != NULL; one = one->next)
		if (strcmp(one->file, file) == 0)
			return one->text;
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return NULL;
	snprintf(prompt, sizeof(prompt), "Pass phrase for %.400s: ", file);
	if (readpassphrase(prompt, one->text, sizeof(one->text),
		RPP_REQUIRE_TTY) == NULL) {
		free(one);
		return NULL;
	}
	one->file = file;
	one->next = p->asked;
	p->asked = one;
	return one->text;
}

ssize_t
phrases_get(struct phrases *p, const char *file, char *buf, size_t cap)
{
	char kept[PHRASE_MAX] = "";
	const char *text = NULL;
	ssize_t len = -1;

	if (p->read != NULL)
		text = p->read->text;
	else if (p->path != NULL)
		text = read_file(p->path, kept) ? kept : NULL;
	else if (getenv(PHRASE_ENV) != NULL)
		text = getenv(PHRASE_ENV);
	else
		text = ask(p, file);
	if (text != NULL && strlen(text) <= cap) {
		len = (ssize_t)strlen(text);
		memcpy(buf, text, (size_t)len);
	}
	explicit_bzero(kept, sizeof(kept));
	return len;
}

void
phrases_release(struct phrases *p)
{
	struct phrase *one;

	if (p->read != NULL)
		explicit_bzero(p->read->text, sizeof(p->read->text));
	free(p->read);
	p->read = NULL;
	while ((one = p->asked) != NULL) {
		p->asked = one->next;
		explicit_bzero(one->text, sizeof(one->text));
		free(one);
	}
}
