/*
 * What the words on the command line ask for. Options write into it one by
 * one; plan_finish then settles what they mean together.
 */
#ifndef CMD_PLAN_H
#define CMD_PLAN_H

#include "talk/filter.h"

#define PLAN_SENDS_MAX 4096

enum plan_both {
	PLAN_BOTH_NONE,
	PLAN_BOTH_NULL, /* -0 */
	PLAN_BOTH_JSON, /* -j */
};

struct plan {
	struct filter filter;
	const char *mode; /* as typed, or NULL */
	size_t max;	  /* --max-message */
	bool has_max;
	bool mode_auto; /* the command takes -m auto */
	bool has_input;
	bool has_output;
	enum plan_both both;
	const char *sends[PLAN_SENDS_MAX];
	bool help;
};

void plan_init(struct plan *);

/* 0, or -1 and a usage error. */
int plan_finish(struct plan *, struct fail *);

/*
 * Setters for the option table. `value` is as typed and outlives the plan; an
 * error names neither the option nor the value, which option.c puts in front.
 */
int set_help(struct plan *, const char *value, struct fail *);
int set_mode(struct plan *, const char *value, struct fail *);
int set_max_message(struct plan *, const char *value, struct fail *);
int set_input(struct plan *, const char *value, struct fail *);
int set_output(struct plan *, const char *value, struct fail *);
int set_null(struct plan *, const char *value, struct fail *);
int set_json(struct plan *, const char *value, struct fail *);
int set_crlf(struct plan *, const char *value, struct fail *);
int set_send(struct plan *, const char *value, struct fail *);

#endif
