/* wdsock help: commands and topics. */

#include <string.h>

#include "cmd/cmd.h"

static void
print_modes(void)
{
	const struct framing_name *n;
	size_t i;

	printf("-m MODE, the transmission mode (mode de transmission):\n\n");
	for (i = 0; i < framing_names_count; i++) {
		n = &framing_names[i];
		printf("  %s%s\n      %s\n", n->name, n->param, n->wire);
		if (n->english != NULL)
			printf(
			    "      WLanguage: %s, %s\n", n->english, n->french);
		else if (n->french != NULL)
			printf("      WLanguage: %s\n", n->french);
	}
	printf("\n"
	       "  auto (decode alone)\n"
	       "      looks at the first 4 KiB and decides\n"
	       "\n"
	       "TAG and BYTES, an end tag (marqueur de fin) or a tail: 1 to "
	       "64 bytes, with\n"
	       "\\n \\r \\t \\\\ \\xHH; CRLF, LF and NUL are names; a comma "
	       "is written \\x2c.\n"
	       "The bytes of each mode: wdsock-framing(7).\n");
}

static void
print_formats(void)
{
	static const char *const takes[] = {[FORMAT_OF_MESSAGE] = "%-20.40",
	    [FORMAT_OF_NUMBER] = "%06",
	    [FORMAT_OF_WORD] = "%-20"};
	const struct format_directive *d;
	size_t i;

	printf(
	    "--format FORMAT and --reply FORMAT, a text with directives:\n\n");
	for (i = 0; i < format_directives_count; i++) {
		d = &format_directives[i];
		printf("  %%%c  %-42s %s%c\n", d->letter, d->what, takes[d->of],
		    d->letter);
	}
	printf("  %%%%  a percent sign\n"
	       "\n"
	       "A width fills up in front, - behind, 0 with zeros; behind a "
	       "dot stands how many\n"
	       "bytes of the message are shown. In the text \\n \\r \\t "
	       "\\\\ \\0 \\xHH stand for a\n"
	       "byte. No newline is added. More of it: wdsock-format(7).\n");
}

static void
print_exit(void)
{
	int s;

	for (s = 0; s < STATUS_COUNT; s++)
		printf("%3d  %s\n", s, status_text((enum status)s));
}

static int
run(struct plan *p, int argc, char **argv, struct fail *f)
{
	const struct cmd *c;

	if (argc > 1) {
		fail_set(f, STATUS_USAGE,
		    "'%.128s': expected one topic, saw another", argv[1]);
		return fail_hint(f, "try: wdsock help %.128s", argv[0]);
	}
	if (argc == 0)
		cmd_print_overview(stdout);
	else if (strcmp(argv[0], "modes") == 0)
		print_modes();
	else if (strcmp(argv[0], "formats") == 0)
		print_formats();
	else if (strcmp(argv[0], "exit") == 0)
		print_exit();
	else if ((c = cmd_find(argv[0], f)) != NULL)
		cmd_print_help(c, stdout);
	else
		return -1;
	return 0;
}

static const struct option options[] = {
    {'h', "help", NULL, "this text", OPTION_BY(set_help)},
    OPTION_END,
};

const struct cmd cmd_help = {
    .name = "help",
    .synopsis = "[COMMAND | modes | formats | exit]",
    .summary = "say how to use it",
    .options = options,
    .run = run,
};
