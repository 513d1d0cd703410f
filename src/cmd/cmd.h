/*
 * One command, one file; the table of them is in cmd.c. Only this room prints
 * and decides about the end of the process.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "cmd/option.h"
#include "cmd/shared.h"

struct cmd {
	const char *name;
	const char *synopsis;	      /* what stands behind the name */
	const char *summary;	      /* one line for the list of commands */
	const struct option *options; /* NULL: none */
	/*
	 * argv[0..argc) are the operands. 0, or -1 and the fail. A plan that
	 * asks for help never gets here.
	 */
	int (*run)(struct plan *, int argc, char **argv, struct fail *);
	bool mode_auto; /* -m auto is taken */
	bool serves;	/* it is a server */
};

/* Without an address: where the vendor's examples are. */
#define CMD_ADDRESS "localhost:8000"

extern const struct cmd cmd_connect;
extern const struct cmd cmd_serve_single;
extern const struct cmd cmd_serve_multi;
extern const struct cmd cmd_encode;
extern const struct cmd cmd_decode;
extern const struct cmd cmd_help;

/* Ends with NULL. */
extern const struct cmd *const cmd_table[];

/* NULL and a usage error with a suggestion if there is no such command. */
const struct cmd *cmd_find(const char *name, struct fail *);

/* The help of one command, and of all of them. */
void cmd_print_help(const struct cmd *, FILE *to);
void cmd_print_overview(FILE *to);

/* Reads the address that the command is given; -u says of which kind. */
int cmd_address(
    const struct plan *, const char *text, struct addr *, struct fail *);

/*
 * To stderr: a line of -v, a line as it stands, and an error that does not
 * end the run, or has. `when` is the time, or "".
 */
typedef void cmd_complain_fn(const struct fail *);
void cmd_say(const char *when, const char *text);
void cmd_show(const char *when, const char *line);
cmd_complain_fn cmd_complain;

/* The same with, or without, colours: as --color says. */
cmd_complain_fn *cmd_complain_with(enum plan_color);

/* Does what goes to stderr have colours? */
bool cmd_color(enum plan_color);

/*
 * Runs what argv asks for; 0, or -1 and the fail. *complain becomes what the
 * options make of it.
 */
int cmd_main(int argc, char **argv, cmd_complain_fn **complain, struct fail *);

#endif
