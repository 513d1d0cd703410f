/*
 * Where modules are looked for, and what is no module of ours. Modules
 * themselves are tried by tests/bats/modules.bats.
 */

#include <stdio.h>
#include <string.h>

#include "base/module.h"
#include "tap.h"

static void
places(const char *program, const char *bindir, const char *dir,
    const char *want, const char *name)
{
	char place[MODULE_PLACES][PATH_MAX], got[MODULE_PLACES * PATH_MAX];
	size_t i, n = module_places(program, bindir, dir, place), len = 0;

	got[0] = '\0';
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s",
		    i > 0 ? " " : "", place[i]);
	is_text(got, want, "%s", name);
}

static void
test_places(void)
{
	static char longest[2 * PATH_MAX];

	places("/usr/bin/wdsock", "/usr/bin", "/usr/lib/wdsock",
	    "/usr/bin /usr/lib/wdsock",
	    "where it was installed is one place, not two");
	places("/opt/w/bin/wdsock", "/usr/bin", "/usr/lib/wdsock",
	    "/opt/w/bin /opt/w/lib/wdsock /usr/lib/wdsock",
	    "an installation that was moved comes before the one that was "
	    "configured");
	places("/opt/bin/wdsock", "/usr/bin",
	    "/usr/lib/x86_64-linux-gnu/wdsock",
	    "/opt/bin /opt/lib/x86_64-linux-gnu/wdsock "
	    "/usr/lib/x86_64-linux-gnu/wdsock",
	    "the directory of libraries has any name");
	places("/r/a/bin/wdsock", "/usr/local/a/bin", "/usr/local/lib/w",
	    "/r/a/bin /r/lib/w /usr/local/lib/w",
	    "each name that bindir has on its own is one step up");
	places("/opt/binary/wdsock", "/usr/bin", "/usr/binary/wdsock",
	    "/opt/binary /opt/binary/wdsock /usr/binary/wdsock",
	    "names are compared as a whole");
	places("/opt/wdsock", "/usr/bin", "/usr/bin", "/opt /usr/bin",
	    "modules may be installed beside the program");
	places("/opt/x/wdsock", "/usr/bin", "/usr/bin/wdsock.d",
	    "/opt/x /opt/x/wdsock.d /usr/bin/wdsock.d", "or below it");
	places("/wdsock", "/usr/local/bin", "/usr/lib/wdsock",
	    "/ /lib/wdsock /usr/lib/wdsock", "the root has nothing above it");
	places("", "/usr/bin", "/usr/lib/wdsock", "/usr/lib/wdsock",
	    "a program that nobody knows the place of");
	memset(longest, 'x', sizeof(longest) - 8);
	longest[0] = '/';
	memcpy(longest + sizeof(longest) - 8, "/w", 3);
	places(longest, "/usr/bin", "/usr/bin/modules", "/usr/bin/modules",
	    "what is longer than any path is no place");
}

static void
test_foreign(void)
{
	const struct part part = {"json", "JSON input", NULL, true};
	struct fail f = {0};

	ok(module_load("./nosuch.so", &part, &f) == NULL,
	    "a file that is not there is no module");
	is_num(f.status, STATUS_IO, "that is status 10");
	ok(strncmp(f.what, "cannot be loaded: ", 18) == 0,
	    "and said in the linker's words");
	ok(module_load("libc.so.6", &part, &f) == NULL,
	    "another shared object is no module");
	ok(f.hint[0] != '\0', "and there is something to try");
}

static void
test_parts(void)
{
	static const struct module mine = {
	    MODULE_VERSION, "json", "nothing", &mine};
	const struct part builtin = {"json", "JSON input", &mine, false};
	const struct part left_out = {"json", "JSON input", NULL, false};
	const struct part missing = {"nosuch", "Such", NULL, true};
	char path[PATH_MAX] = "x";
	struct fail f = {0};

	ok(part_open(&builtin, path, &f) == &mine,
	    "what is built in is opened by being there");
	is_text(path, "", "and has no file");
	ok(part_open(&left_out, path, &f) == NULL, "what was left out is not");
	is_num(f.status, STATUS_USAGE, "which is a matter of usage");
	is_text(
	    f.what, "JSON input: this wdsock was built without", "and said so");
	is_text(f.hint, "try: one that was built --with-json",
	    "with what would help");
	ok(part_open(&missing, path, &f) == NULL,
	    "a module that is nowhere is not there");
	is_num(f.status, STATUS_IO, "that is status 10");
	ok(strstr(f.what,
	       "wdsock-nosuch.so is missing: expected it in one of "
	       "/") != NULL &&
		strstr(f.what, WDSOCK_MODULEDIR) != NULL,
	    "the places that were looked at are named");
}

int
main(void)
{
	test_places();
	test_foreign();
	test_parts();
	return done_testing();
}
