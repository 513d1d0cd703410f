/*
 * The table of commands, and how a command line becomes one of them: by the
 * name of the program (wdsock-encode), or by its first word.
 */

#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "net/tls.h"

#define PREFIX "wdsock-"

const struct cmd *const cmd_table[] = {
    &cmd_connect,
    &cmd_serve_single,
    &cmd_serve_multi,
    &cmd_encode,
    &cmd_decode,
    &cmd_help,
    NULL,
};

const struct cmd *
cmd_find(const char *name, struct fail *f)
{
	const char *names[sizeof(cmd_table) / sizeof(cmd_table[0])], *near;
	size_t i;

	for (i = 0; cmd_table[i] != NULL; i++) {
		if (strcmp(cmd_table[i]->name, name) == 0)
			return cmd_table[i];
		names[i] = cmd_table[i]->name;
	}
	near = near_of(name, names, i);
	fail_set(f, STATUS_USAGE,
	    "'%.128s': expected a command, saw none of that name", name);
	if (near != NULL)
		fail_hint(f, "try: wdsock %s", near);
	else
		fail_hint(f, "try: wdsock help");
	return NULL;
}

void
cmd_print_help(const struct cmd *c, FILE *to)
{
	fprintf(to, "usage: wdsock %s %s\n\n%s\n", c->name, c->synopsis,
	    c->summary);
	if (c->options != NULL) {
		fprintf(to, "\n");
		option_help(c->options, to);
	}
}

void
cmd_print_overview(FILE *to)
{
	size_t i;

	fprintf(to,
	    "usage: wdsock COMMAND [options] ...\n\n"
	    "A netcat that speaks messages.\n\n");
	for (i = 0; cmd_table[i] != NULL; i++)
		fprintf(to, "  %-12s %s\n", cmd_table[i]->name,
		    cmd_table[i]->summary);
	fprintf(to,
	    "\n"
	    "  wdsock help COMMAND   options of a command\n"
	    "  wdsock help modes     transmission modes "
	    "(modes de transmission)\n"
	    "  wdsock help formats   directives of --format and --reply\n"
	    "  wdsock help exit      exit statuses\n"
	    "  wdsock --version      version, and what is built in\n");
}

/* The optional parts of the program. */
static const struct part *const parts[] = {
    &json_part,
    &tls_part,
};

/* A line that may hold a path, and so anything. */
static void
print_line(const char *text)
{
	char line[PATH_MAX];
	struct span out = {(uint8_t *)line, 0, sizeof(line)};
	struct slice in = slice_of(text, strlen(text));
	size_t pos = 0;

	while (!text_escape(TEXT_LINE, in, &pos, &out)) {
		fwrite(line, 1, out.len, stdout);
		out.len = 0;
	}
	printf("%.*s\n", (int)out.len, line);
}

static void
print_version(void)
{
	char path[PATH_MAX], line[PATH_MAX + 128];
	const struct module *m;
	struct fail f;
	size_t i;

	printf("wdsock %s\n", PACKAGE_VERSION);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		m = part_open(parts[i], path, &f);
		if (m == NULL) {
			print_line(f.what);
			continue;
		}
		snprintf(line, sizeof(line), "%s: %s, %s%s", parts[i]->what,
		    m->with, path[0] == '\0' ? "built in" : "loaded from ",
		    path);
		print_line(line);
	}
}

/* --help and --version stand alone, and print what they are for. */
static int
print_alone(int argc, char **argv, void (*print)(void), struct fail *f)
{
	if (argc > 1) {
		fail_set(f, STATUS_USAGE,
		    "%.128s: expected nothing behind it, saw '%.128s'", argv[0],
		    argv[1]);
		return fail_hint(f, "try: wdsock %.128s", argv[0]);
	}
	print();
	return 0;
}

static void
print_overview(void)
{
	cmd_print_overview(stdout);
}

/* argv[0] is the command's name, the rest its words. */
static int
run_command(const struct cmd *c, int argc, char **argv,
    cmd_complain_fn **complain, struct fail *f)
{
	struct plan *p;
	int n = argc - 1, r;

	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return print_alone(argc - 1, argv + 1, print_version, f);
	p = malloc(sizeof(*p));
	if (p == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	plan_init(p);
	p->mode_auto = c->mode_auto;
	p->serving = c->serves;
	if (c->options != NULL)
		n = option_parse(c->options, p, argc, argv, f);
	else
		memmove(argv, argv + 1, (size_t)n * sizeof(*argv));
	*complain = cmd_complain_with(p->color);
	if (n == -1) {
		r = -1;
	} else if (p->help) {
		cmd_print_help(c, stdout);
		r = 0;
	} else
		r = c->run(p, n, argv, f);
	plan_release(p);
	free(p);
	return r;
}

int
cmd_address(
    const struct plan *p, const char *text, struct addr *a, struct fail *f)
{
	char name[ADDR_TEXT_MAX];

	if (addr_parse_as(p->udp ? ADDR_UDP : ADDR_TCP, text, a, f) == -1)
		return -1;
	if (!p->udp || addr_is_datagrams(a) || a->kind == ADDR_FD)
		return 0;
	fail_set(f, STATUS_USAGE,
	    "-u: expected an address of datagrams, saw %s",
	    addr_print(a, name));
	if (a->kind == ADDR_UNIX && !a->tls)
		return fail_hint(f, "try: unix-dgram:PATH");
	return fail_hint(f, "try: HOST:PORT");
}

/*
 * The command that the program's own name asks for, or NULL. What an
 * installation puts in front of its names stands before "wdsock-".
 */
static const char *
linked_command(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = NULL;
	const char *p = slash == NULL ? program : slash + 1;

	while ((p = strstr(p, PREFIX)) != NULL)
		name = p += strlen(PREFIX);
	return name;
}

int
cmd_main(int argc, char **argv, cmd_complain_fn **complain, struct fail *f)
{
	const struct cmd *c;
	const char *name;

	if (argc == 0)
		return fail_set(f, STATUS_USAGE, "no program name");
	name = linked_command(argv[0]);
	if (name != NULL) {
		c = cmd_find(name, f);
		return c == NULL ? -1 : run_command(c, argc, argv, complain, f);
	}
	if (argc == 1) {
		cmd_print_overview(stderr);
		return fail_set(
		    f, STATUS_USAGE, "expected a command, saw nothing");
	}
	if (strcmp(argv[1], "--version") == 0)
		return print_alone(argc - 1, argv + 1, print_version, f);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_alone(argc - 1, argv + 1, print_overview, f);
	c = cmd_find(argv[1], f);
	return c == NULL ? -1 : run_command(c, argc - 1, argv + 1, complain, f);
}
