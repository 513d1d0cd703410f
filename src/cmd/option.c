/* The option table at work; see option.h. */

#include <limits.h>
#include <string.h>

#include "base/near.h"
#include "base/num.h"
#include "cmd/option.h"

#define NAMES_MAX 128  /* options of one command */
#define HELP_COLUMN 28 /* where the help texts begin */

static int
unknown_long(
    const struct option *table, const char *name, size_t len, struct fail *f)
{
	const char *names[NAMES_MAX], *near;
	char typed[NEAR_MAX + 2];
	size_t n = 0;

	for (; table[n].name != NULL && n < NAMES_MAX; n++)
		names[n] = table[n].name;
	/* One byte more than is compared tells that it is too long. */
	snprintf(typed, sizeof(typed), "%.*s",
	    (int)(len > NEAR_MAX ? NEAR_MAX + 1 : len), name);
	near = near_of(typed, names, n);
	fail_set(f, STATUS_USAGE,
	    "--%.*s: expected an option, saw none of "
	    "that name",
	    (int)(len > 64 ? 64 : len), name);
	if (near != NULL)
		return fail_hint(f, "try: --%s", near);
	return fail_hint(f, "try: --help");
}

/* Writes what the table says where it says. */
static int
write_field(const struct option *o, void *at, const char *value, struct fail *f)
{
	enum num_result r = NUM_OK;
	uint64_t v = 0;

	switch (o->kind) {
	case OPTION_CALL:
		break;
	case OPTION_FLAG:
		*(bool *)at = true;
		break;
	case OPTION_TEXT:
		*(const char **)at = value;
		break;
	case OPTION_DURATION:
		r = num_duration(value, at);
		break;
	case OPTION_COUNT:
		r = num_parse(value, 0, INT64_MAX, at);
		break;
	case OPTION_SIZE:
		r = num_size(value, 1, INT_MAX, &v);
		if (r == NUM_OK)
			*(int *)at = (int)v;
		break;
	}
	if (r == NUM_OK)
		return 0;
	if (o->kind == OPTION_DURATION) {
		plan_refuse_number("duration", r, value, f);
		return fail_hint(
		    f, "try: seconds, or with a unit: 500ms, 2s, 1m, 1h");
	}
	if (o->kind == OPTION_SIZE) {
		plan_refuse_number("size", r, value, f);
		return fail_hint(f, "try: bytes, such as 65536, 64K, 4M");
	}
	plan_refuse_number("number", r, value, f);
	return fail_hint(f, "try: a whole number from 0 on");
}

/* Sets it, and says in front of an error what was set. */
static int
apply(const struct option *o, struct plan *p, const char *value, struct fail *f)
{
	int r;

	if (o->set != NULL)
		r = o->set(p, value, f);
	else
		r = write_field(o, (char *)p + o->at, value, f);
	if (r == 0)
		return 0;
	if (value == NULL)
		return fail_prefix(f, "--%s", o->name);
	return fail_prefix(f, "--%s '%.128s'", o->name, value);
}

static int
no_value(const struct option *o, struct fail *f)
{
	fail_set(f, STATUS_USAGE, "--%s: expected %s behind it, saw nothing",
	    o->name, o->arg);
	return fail_hint(f, "try: --%s=%s", o->name, o->arg);
}

/* --name, --name=value, --name value; *i moves over what was used. */
static int
parse_long(const struct option *table, struct plan *p, int argc, char **argv,
    int *i, struct fail *f)
{
	const char *name = argv[*i] + 2, *value = strchr(name, '=');
	size_t len = value == NULL ? strlen(name) : (size_t)(value - name);
	const struct option *o;

	for (o = table; o->name != NULL; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			break;
	if (o->name == NULL)
		return unknown_long(table, name, len, f);
	if (o->arg == NULL) {
		if (value == NULL)
			return apply(o, p, NULL, f);
		fail_set(f, STATUS_USAGE,
		    "--%s: expected no value, saw '%.128s'", o->name,
		    value + 1);
		return fail_hint(f, "try: --%s alone", o->name);
	}
	if (value != NULL)
		return apply(o, p, value + 1, f);
	if (*i + 1 == argc)
		return no_value(o, f);
	return apply(o, p, argv[++*i], f);
}

/* -x, -xy, -xvalue, -x value */
static int
parse_short(const struct option *table, struct plan *p, int argc, char **argv,
    int *i, struct fail *f)
{
	const char *s = argv[*i] + 1;
	const struct option *o;

	for (; *s != '\0'; s++) {
		for (o = table; o->name != NULL; o++)
			if (o->letter == *s)
				break;
		if (o->name == NULL) {
			fail_set(f, STATUS_USAGE,
			    "-%c: expected an option, saw none of that letter",
			    *s);
			return fail_hint(f, "try: --help");
		}
		if (o->arg == NULL) {
			if (apply(o, p, NULL, f) == -1)
				return -1;
			continue;
		}
		if (s[1] != '\0')
			return apply(o, p, s + 1, f);
		if (*i + 1 == argc)
			return no_value(o, f);
		return apply(o, p, argv[++*i], f);
	}
	return 0;
}

int
option_parse(const struct option *table, struct plan *p, int argc, char **argv,
    struct fail *f)
{
	int i, n = 0, r;
	bool ended = false;

	for (i = 1; i < argc; i++) {
		if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[n++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		r = argv[i][1] == '-'
		    ? parse_long(table, p, argc, argv, &i, f)
		    : parse_short(table, p, argc, argv, &i, f);
		if (r == -1)
			return -1;
	}
	return n;
}

void
option_help(const struct option *table, FILE *to)
{
	const struct option *o;
	int n;

	for (o = table; o->name != NULL; o++) {
		if (o->letter != 0)
			n = fprintf(to, "  -%c, --%s", o->letter, o->name);
		else
			n = fprintf(to, "      --%s", o->name);
		if (o->arg != NULL)
			n += fprintf(to, " %s", o->arg);
		if (n + 2 > HELP_COLUMN)
			n = fprintf(to, "\n") - 1;
		fprintf(to, "%*s%s\n", HELP_COLUMN - n, "", o->help);
	}
}
