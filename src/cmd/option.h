/*
 * Options are a table. Parsing, --help, the completions' test and the man
 * page's test all come from it.
 *
 * Long options are never abbreviated; `--name value` and `--name=value`,
 * `-x value` and `-xvalue` are the same, short ones without a value may stand
 * together, `--` ends them, and a lone `-` is an operand.
 */
#ifndef CMD_OPTION_H
#define CMD_OPTION_H

#include <stddef.h>
#include <stdio.h>

#include "cmd/plan.h"

struct option {
	char letter;	  /* 0: none */
	const char *name; /* without the dashes */
	const char *arg;  /* what its value is called, or NULL: none */
	const char *help; /* one line, lower case, no full stop */
	/* Either a function, or what to write where in the plan. */
	int (*set)(struct plan *, const char *value, struct fail *);
	enum {
		OPTION_CALL,
		OPTION_FLAG,	 /* bool: true */
		OPTION_DURATION, /* uint64_t: milliseconds */
		OPTION_COUNT,	 /* uint64_t */
		OPTION_SIZE,	 /* int: bytes */
		OPTION_TEXT,	 /* const char *: as typed */
	} kind;
	size_t at;
};

#define OPTION_BY(setter) setter, OPTION_CALL, 0
#define OPTION_IN(kind, field) NULL, kind, offsetof(struct plan, field)

/* A table ends with an entry that has no name. */
#define OPTION_END                                                             \
	{                                                                      \
		0, NULL, NULL, NULL, NULL, OPTION_CALL, 0                      \
	}

/*
 * Reads argv[1...] and moves the operands to its front, in their order; their
 * number, or -1 and a usage error.
 */
int option_parse(const struct option *table, struct plan *, int argc,
    char **argv, struct fail *);

void option_help(const struct option *table, FILE *to);

#endif
