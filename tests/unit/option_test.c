/*
 * Options as people type them, over a small table of our own, so that no
 * command's table decides what is tested here.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "cmd/option.h"
#include "tap.h"

/* What was set, in order: "all;mode=x;". A test's plan is its first member. */
struct seen {
	struct plan plan;
	char text[512];
};

/* The setters know no more than the plan; the test's struct begins with it. */
static void
note(struct plan *p, const char *name, const char *value)
{
	struct seen *s = (struct seen *)(void *)p;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s%s%s;", name,
	    value == NULL ? "" : "=", value == NULL ? "" : value);
}

static int
set_all(struct plan *p, const char *value, struct fail *f)
{
	(void)f;
	note(p, "all", value);
	return 0;
}

static int
set_both(struct plan *p, const char *value, struct fail *f)
{
	(void)f;
	note(p, "both", value);
	return 0;
}

static int
set_word(struct plan *p, const char *value, struct fail *f)
{
	note(p, "mode", value);
	if (strcmp(value, "bad") != 0)
		return 0;
	fail_set(f, STATUS_USAGE, "is no such mode");
	return fail_hint(f, "try: good");
}

static int
set_size(struct plan *p, const char *value, struct fail *f)
{
	(void)f;
	note(p, "max-message", value);
	return 0;
}

static int
set_never(struct plan *p, const char *value, struct fail *f)
{
	note(p, "never", value);
	return fail_set(f, STATUS_USAGE, "never can be");
}

static const struct option table[] = {
    {'a', "all", NULL, "takes all", OPTION_BY(set_all)},
    {'b', "both", NULL, "takes both", OPTION_BY(set_both)},
    {'m', "mode", "MODE", "how messages are marked off", OPTION_BY(set_word)},
    {0, "max-message", "SIZE", "the largest message", OPTION_BY(set_size)},
    {0, "never", NULL, "never works", OPTION_BY(set_never)},
    {0, "a-name-that-is-long", "VALUE", "in a line of its own",
	OPTION_BY(set_size)},
    OPTION_END,
};

#define ARGS_MAX 12

struct parsed {
	struct seen seen;
	struct fail fail;
	int n;
	char rest[256]; /* the operands, "x,y," */
	char words[512];
	char *argv[ARGS_MAX + 2];
};

/* Cuts `line` at its blanks; a word that is only a tilde is empty. */
static struct parsed *
parse(const char *line)
{
	static struct parsed p;
	int argc = 1, i;
	char *rest = p.words, *word;

	memset(&p, 0, sizeof(p));
	snprintf(p.words, sizeof(p.words), "%s", line);
	p.argv[0] = p.words + sizeof(p.words) - 1;
	while ((word = strsep(&rest, " ")) != NULL && argc <= ARGS_MAX) {
		if (strcmp(word, "~") == 0)
			*word = '\0';
		p.argv[argc++] = word;
	}
	if (*line == '\0')
		argc = 1;
	p.n = option_parse(table, &p.seen.plan, argc, p.argv, &p.fail);
	for (i = 0; i < p.n; i++) {
		size_t n = strlen(p.rest);

		snprintf(p.rest + n, sizeof(p.rest) - n, "%s,", p.argv[i]);
	}
	return &p;
}

static void
takes(const char *line, const char *seen, const char *rest, const char *name)
{
	const struct parsed *p = parse(line);
	char got[2048], want[2048];

	snprintf(got, sizeof(got), "%s| %s", p->seen.text,
	    p->n == -1 ? p->fail.what : p->rest);
	snprintf(want, sizeof(want), "%s| %s", seen, rest);
	is_text(got, want, "%s", name);
}

static void
refuses(const char *line, const char *what, const char *hint, const char *name)
{
	const struct parsed *p = parse(line);

	is_num(p->n, -1, "%s: refused", name);
	is_num(p->fail.status, STATUS_USAGE, "%s: a usage error", name);
	is_text(p->fail.what, what, "%s: says why", name);
	is_text(p->fail.hint, hint, "%s: says what to try", name);
}

static void
test_forms(void)
{
	takes("", "", "", "no words are no options");
	takes("--all", "all;", "", "a long option");
	takes("-a", "all;", "", "a short option is the same");
	takes("--mode=x", "mode=x;", "", "a long option and its value");
	takes("--mode x", "mode=x;", "", "the value as a word of its own");
	takes("-m x", "mode=x;", "", "a short option and its value");
	takes("-mx", "mode=x;", "", "the value right behind the letter");
	takes("-m=x", "mode==x;", "",
	    "an equals sign behind a letter is part of the value");
	takes("--mode=a=b", "mode=a=b;", "",
	    "an equals sign in a value is part of it");
	takes("--mode=", "mode=;", "", "an empty value behind an equals sign");
	takes("--mode ~", "mode=;", "", "an empty word is a value too");
	takes("--max-message=1", "max-message=1;", "",
	    "an option without a letter");
	takes("-ab", "all;both;", "", "letters without a value stand together");
	takes("-aab", "all;all;both;", "", "any number of them");
	takes("-abmx", "all;both;mode=x;", "", "the last one may have a value");
	takes("-abm x", "all;both;mode=x;", "", "behind it");
	takes("-mab", "mode=ab;", "",
	    "what stands behind a value's letter is it");
	takes("-a -b -m x -m y", "all;both;mode=x;mode=y;", "",
	    "options are set in their order");
}

static void
test_operands(void)
{
	takes("x y", "", "x,y,", "words are operands");
	takes("x -a y", "all;", "x,y,", "options may stand between them");
	takes("-m x y", "mode=x;", "y,", "a value is no operand");
	takes("-", "", "-,", "a lone dash is an operand");
	takes("- -a -", "all;", "-,-,", "anywhere");
	takes("-m -", "mode=-;", "", "or a value");
	takes("~ x", "", ",x,", "an empty word is an operand");
	takes("-- -a x", "", "-a,x,", "two dashes end the options");
	takes("-a -- --", "all;", "--,", "once");
	takes("x -- -m y --mode", "", "x,-m,y,--mode,",
	    "behind them everything is an operand");
	takes("--mode -- x", "mode=--;", "x,", "as a value they end nothing");
	takes("-m -a", "mode=-a;", "", "a value may look like an option");
}

static void
test_refused(void)
{
	refuses("--nothing",
	    "--nothing: expected an option, saw none of that "
	    "name",
	    "try: --help", "an unknown option");
	refuses("--mod=x", "--mod: expected an option, saw none of that name",
	    "try: --mode", "an abbreviation");
	refuses("--max 1", "--max: expected an option, saw none of that name",
	    "try: --max-message", "a short abbreviation");
	refuses("--max-mesage=1",
	    "--max-mesage: expected an option, saw none of that name",
	    "try: --max-message", "a letter that is missing");
	refuses("--modee", "--modee: expected an option, saw none of that name",
	    "try: --mode", "a letter too many");
	refuses("--ALL", "--ALL: expected an option, saw none of that name",
	    "try: --all", "capital letters");
	refuses("--=x", "--: expected an option, saw none of that name",
	    "try: --help", "no name at all");
	refuses("-x", "-x: expected an option, saw none of that letter",
	    "try: --help", "an unknown letter");
	refuses("-ax", "-x: expected an option, saw none of that letter",
	    "try: --help", "an unknown letter among others");
	refuses("-a-", "--: expected an option, saw none of that letter",
	    "try: --help", "a dash among letters");
	refuses("--mode", "--mode: expected MODE behind it, saw nothing",
	    "try: --mode=MODE", "a long option without its value");
	refuses("x -m", "--mode: expected MODE behind it, saw nothing",
	    "try: --mode=MODE", "a short option without its value");
	refuses("-abm", "--mode: expected MODE behind it, saw nothing",
	    "try: --mode=MODE", "a value missing at the end of a cluster");
	refuses("--all=yes", "--all: expected no value, saw 'yes'",
	    "try: --all alone", "a value that is not taken");
	refuses("--all=", "--all: expected no value, saw ''",
	    "try: --all alone", "an empty value that is not taken");
	refuses("--mode=bad", "--mode 'bad': is no such mode", "try: good",
	    "a value that the setter refuses");
	refuses("-mbad", "--mode 'bad': is no such mode", "try: good",
	    "the same by its letter");
	refuses("-m bad", "--mode 'bad': is no such mode", "try: good",
	    "the same in two words");
	refuses("--never", "--never: never can be", "",
	    "a setter without a value that refuses");
	takes("-a -m bad -b", "all;mode=bad;", "--mode 'bad': is no such mode",
	    "what stands behind an error is not set");
}

/* What a table writes by itself must be a number. */
static void
test_numbers(void)
{
	static const struct option numbers[] = {
	    {0, "repeat", "N", "how often", OPTION_IN(OPTION_COUNT, repeat)},
	    {0, "wait", "DURATION", "how long",
		OPTION_IN(OPTION_DURATION, w_ms)},
	    {0, "buffer", "SIZE", "how much",
		OPTION_IN(OPTION_SIZE, run.dial.opts.send_buffer)},
	    OPTION_END,
	};
	static const struct {
		const char *word, *what;
	} cases[] = {
	    {"--repeat=5x", "--repeat '5x': expected a number, saw \"5x\""},
	    {"--repeat=", "--repeat '': expected a number, saw \"\""},
	    {"--wait=soon", "--wait 'soon': expected a duration, saw \"soon\""},
	    {"--buffer=0", "--buffer '0': expected a larger size, saw \"0\""},
	    {"--buffer=9G",
		"--buffer '9G': expected a smaller size, saw \"9G\""},
	};
	static struct plan plan;
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char word[32], *argv[] = {word, word, NULL};

		snprintf(word, sizeof(word), "%s", cases[i].word);
		is_num(option_parse(numbers, &plan, 2, argv, &f), -1,
		    "%s is refused", cases[i].word);
		is_num(f.status, STATUS_USAGE, "it is a usage error");
		is_text(f.what, cases[i].what,
		    "it says what was expected and what was seen");
	}
}

static void
test_nearest(void)
{
	static const char *const names[] = {
	    "connect", "encode", "decode", "help"};
	static const struct {
		const char *typed, *want;
	} cases[] = {
	    {"encode", "encode"},
	    {"encod", "encode"},
	    {"encdoe", "encode"},
	    {"dekode", "decode"},
	    {"conect", "connect"},
	    {"hepl", "help"},
	    {"helpp", "help"},
	    {"h", NULL},
	    {"he", "help"},
	    {"conn", "connect"},
	    {"encodeencode", NULL},
	    {"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
		NULL},
	    {"", NULL},
	    {"xyzzy", NULL},
	    {"a-word-of-more-than-thirty-two-letters", NULL},
	};
	const char *got, *want;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = near_of(cases[i].typed, names, 4);
		want = cases[i].want;
		is_text(got == NULL ? "nothing" : got,
		    want == NULL ? "nothing" : want, "near to '%s' is %s",
		    cases[i].typed, want == NULL ? "nothing" : want);
	}
	ok(near_of("help", names, 0) == NULL, "among no names none is near");
}

static void
test_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	option_help(table, to);
	fclose(to);
	is_text(text,
	    "  -a, --all                 takes all\n"
	    "  -b, --both                takes both\n"
	    "  -m, --mode MODE           how messages are marked off\n"
	    "      --max-message SIZE    the largest message\n"
	    "      --never               never works\n"
	    "      --a-name-that-is-long VALUE\n"
	    "                            in a line of its own\n",
	    "help has a line for each option");
	free(text);
}

int
main(void)
{
	test_forms();
	test_operands();
	test_refused();
	test_numbers();
	test_nearest();
	test_help();
	return done_testing();
}
