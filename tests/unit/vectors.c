/* Reading the vectors; see vectors.h. */

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vectors.h"

/* Where we are, for a complaint. */
struct place {
	const char *path;
	unsigned line;
};

static void __attribute__((noreturn))
refused(const struct place *at, const char *what, const char *word)
{
	errx(1, "%s:%u: %s: %s", at->path, at->line, what, word);
}

/* Undoes the escapes where they stand. */
static struct slice
bytes(const struct place *at, char *word, size_t len)
{
	uint8_t *p = (uint8_t *)word;
	size_t n, pos;

	if (text_unescape(slice_of(p, len), p, &n, &pos) != TEXT_OK)
		refused(at, "bad escape", word);
	return slice_of(p, n);
}

static void
read_message(struct vector *v, const struct place *at, char *word)
{
	size_t len = strlen(word);

	if (len < 2 || word[0] != '"' || word[len - 1] != '"' ||
	    v->n == VECTOR_MESSAGES_MAX)
		refused(at, "not a message", word);
	v->messages[v->n++] = bytes(at, word + 1, len - 2);
}

static uint64_t
read_number(const struct place *at, const char *word, const char **end)
{
	char *stop;
	uint64_t n = strtoull(word, &stop, 10);

	if (stop == word || *word < '0' || *word > '9')
		refused(at, "not a number", word);
	*end = stop;
	return n;
}

static void
read_decode_end(struct vector *v, const struct place *at, const char *word)
{
	static const char *const names[] = {"ok", "length", "header", "digits",
	    "zero", "blank", "long", "trailer", "tail", "cut"};
	size_t i, len = strcspn(word, "@");
	const char *rest = word + len;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
		    strncmp(names[i], word, len) == 0)
			v->decode_error = (enum decode_error)i;
	if (v->decode_error == DECODE_OK || *rest != '@')
		refused(at, "no such end of decoding", word);
	v->offset = read_number(at, rest + 1, &rest);
	if (v->decode_error == DECODE_ERR_CUT) {
		if (*rest != ':')
			refused(at, "HAVE is missing", word);
		v->have = read_number(at, rest + 1, &rest);
		if (*rest != '/')
			refused(at, "NEED is missing", word);
		v->need = read_number(at, rest + 1, &rest);
	}
	if (*rest != '\0')
		refused(at, "more than an end", word);
}

static void
read_encode_end(struct vector *v, const struct place *at, const char *word)
{
	static const char *const names[] = {
	    "ok", "long", "header", "tag", "units", "second"};
	size_t i, len = strcspn(word, "#");
	const char *rest = word + len;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
		    strncmp(names[i], word, len) == 0)
			v->encode_error = (enum encode_error)i;
	if (v->encode_error == ENCODE_SENDABLE || *rest != '#')
		refused(at, "no such end of encoding", word);
	v->message = read_number(at, rest + 1, &rest);
	if (v->encode_error == ENCODE_ERR_TAG && *rest == '@')
		v->offset = read_number(at, rest + 1, &rest);
	if (*rest != '\0')
		refused(at, "more than an end", word);
}

static void
read_line(struct vector *v, const struct place *at, char *line)
{
	char *field[6], *word;
	const char *end;
	size_t i, pos;

	for (i = 0; i < 6; i++)
		if ((field[i] = strsep(&line, "\t")) == NULL)
			refused(at, "fields are missing behind", field[0]);
	memset(v, 0, sizeof(*v));
	v->name = field[0];
	v->mode = field[2];
	if (strlen(field[1]) != 1 || strchr("=<>", field[1][0]) == NULL)
		refused(at, "no such direction", field[1]);
	v->decode = field[1][0] != '>';
	v->encode = field[1][0] != '<';
	if (framing_parse(field[2], &v->fr, &pos) != FRAMING_OK)
		refused(at, "no such mode", field[2]);
	if (strcmp(field[3], "-") != 0) {
		v->fr.max = (size_t)read_number(at, field[3], &end);
		if (*end != '\0')
			refused(at, "not a number", field[3]);
	}
	if (strcmp(field[4], "-") == 0)
		field[4][0] = '\0';
	v->wire = bytes(at, field[4], strlen(field[4]));
	while ((word = strsep(&line, "\t")) != NULL)
		read_message(v, at, word);
	if (strcmp(field[5], "ok") == 0)
		return;
	if (v->decode && v->encode)
		refused(at, "both ways and yet refused", field[5]);
	if (v->decode)
		read_decode_end(v, at, field[5]);
	else
		read_encode_end(v, at, field[5]);
}

static void
read_file(struct vectors *vs, const char *path)
{
	struct place at = {path, 0};
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (f == NULL)
		err(1, "%s", path);
	while ((len = getline(&line, &cap, f)) > 0) {
		at.line++;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		vs->v = realloc(vs->v, (vs->n + 1) * sizeof(*vs->v));
		vs->lines =
		    realloc(vs->lines, (vs->n + 1) * sizeof(*vs->lines));
		if (vs->v == NULL || vs->lines == NULL)
			err(1, "realloc");
		vs->lines[vs->n] = line;
		read_line(&vs->v[vs->n++], &at, line);
		line = NULL;
		cap = 0;
	}
	free(line);
	fclose(f);
}

void
vectors_read(struct vectors *vs, int argc, char *argv[])
{
	const char *dir = getenv("srcdir");
	char pattern[4096];
	glob_t g;
	size_t i;
	int k;

	memset(vs, 0, sizeof(*vs));
	for (k = 1; k < argc; k++)
		read_file(vs, argv[k]);
	if (argc > 1)
		return;
	snprintf(pattern, sizeof(pattern), "%s/tests/vectors/*.tsv",
	    dir != NULL && *dir != '\0' ? dir : ".");
	if (glob(pattern, 0, NULL, &g) != 0)
		errx(1, "%s: there are no vectors", pattern);
	for (i = 0; i < g.gl_pathc; i++)
		read_file(vs, g.gl_pathv[i]);
	globfree(&g);
}

void
vectors_free(struct vectors *vs)
{
	size_t i;

	for (i = 0; i < vs->n; i++)
		free(vs->lines[i]);
	free(vs->lines);
	free(vs->v);
	memset(vs, 0, sizeof(*vs));
}
