/*
 * Modules, found and loaded; see module.h. The path of the program is the
 * kernel's word: argv[0] is anybody's.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/module.h"

#define FILE_NAME "wdsock-%s.so"

/* Where the kernel tells what runs; "" if it does not. */
static void
find_program(char path[PATH_MAX])
{
	static const char *const links[] = {
	    "/proc/self/exe", "/proc/curproc/exe", "/proc/curproc/file"};
	ssize_t n = -1;
	size_t i;

	for (i = 0; n == -1 && i < sizeof(links) / sizeof(links[0]); i++)
		n = readlink(links[i], path, PATH_MAX - 1);
	path[n == -1 ? 0 : n] = '\0';
}

/* Puts a directory behind the others, unless it is too long or one of them. */
static size_t
add_place(char place[MODULE_PLACES][PATH_MAX], size_t n, const char *dir,
    size_t len, const char *behind)
{
	size_t i, more = strlen(behind);

	if (len + more == 0)
		return add_place(place, n, "/", 1, "");
	if (len + more >= PATH_MAX)
		return n;
	memcpy(place[n], dir, len);
	memcpy(place[n] + len, behind, more + 1);
	for (i = 0; i < n; i++)
		if (strcmp(place[i], place[n]) == 0)
			return n;
	return n + 1;
}

/* How much of both paths is the same, in whole names. */
static size_t
common(const char *a, const char *b)
{
	size_t i, same = 0;

	for (i = 0;; i++) {
		if ((a[i] == '/' || a[i] == '\0') &&
		    (b[i] == '/' || b[i] == '\0'))
			same = i;
		if (a[i] == '\0' || a[i] != b[i])
			return same;
	}
}

size_t
module_places(const char *program, const char *bindir, const char *dir,
    char place[MODULE_PLACES][PATH_MAX])
{
	const char *slash = strrchr(program, '/');
	size_t len, n = 0, same = common(bindir, dir);
	const char *up;

	if (slash != NULL) {
		len = (size_t)(slash - program);
		n = add_place(place, n, program, len, "");
		/* One name less for each that bindir has on its own. */
		for (up = bindir + same; (up = strchr(up, '/')) != NULL; up++)
			while (len > 0 && program[--len] != '/')
				;
		n = add_place(place, n, program, len, dir + same);
	}
	return add_place(place, n, dir, strlen(dir), "");
}

/* Is it this part's, and of this program's version? 0, or -1 and a fail. */
static int
check(const struct module *const *m, const struct part *p, struct fail *f)
{
	if (m == NULL)
		return fail_set(f, STATUS_IO,
		    "expected a module of wdsock, saw another shared object");
	if (strcmp((*m)->version, MODULE_VERSION) != 0)
		return fail_set(f, STATUS_IO,
		    "expected a module of version %s, saw %.64s",
		    MODULE_VERSION, (*m)->version);
	if (strcmp((*m)->name, p->name) != 0)
		return fail_set(f, STATUS_IO,
		    "expected the module of %s, saw that of %.64s", p->name,
		    (*m)->name);
	return 0;
}

const struct module *
module_load(const char *path, const struct part *p, struct fail *f)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct module *const *m;

	if (handle == NULL) {
		fail_set(f, STATUS_IO, "cannot be loaded: %s", dlerror());
		fail_hint(f, "try: install what it needs, or wdsock again");
		return NULL;
	}
	m = dlsym(handle, "wdsock_module");
	if (check(m, p, f) == 0)
		return *m;
	dlclose(handle);
	fail_prefix(f, "%s", path);
	fail_hint(f, "try: the program and its modules from one installation");
	return NULL;
}

/* No place, and what is wrong with each; always NULL. */
static const struct module *
not_found(const struct part *p, char place[MODULE_PLACES][PATH_MAX],
    const bool *open_to_all, size_t n, struct fail *f)
{
	char list[640];
	size_t i, len = 0;

	list[0] = '\0';
	for (i = 0; i < n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len,
		    "%s%s%s", i == 0 ? "" : ", ", place[i],
		    open_to_all[i] ? " (others may write there)" : "");
	fail_set(f, STATUS_IO,
	    "the module " FILE_NAME " is missing: expected it in one of %s",
	    p->name, list);
	fail_hint(f,
	    "try: make install, or a wdsock that was built --with-%s=builtin",
	    p->name);
	return NULL;
}

/* The module, looked for where it may be. */
static const struct module *
find(const struct part *p, char *path, struct fail *f)
{
	char place[MODULE_PLACES][PATH_MAX], program[PATH_MAX];
	bool open_to_all[MODULE_PLACES];
	struct stat st;
	size_t i, n;

	find_program(program);
	n = module_places(program, WDSOCK_BINDIR, WDSOCK_MODULEDIR, place);
	for (i = 0; i < n; i++) {
		open_to_all[i] =
		    stat(place[i], &st) == 0 && st.st_mode & S_IWOTH;
		if (!open_to_all[i] &&
		    snprintf(path, PATH_MAX, "%s/" FILE_NAME, place[i],
			p->name) < PATH_MAX &&
		    access(path, F_OK) == 0)
			return module_load(path, p, f);
	}
	return not_found(p, place, open_to_all, n, f);
}

const struct module *
part_open(const struct part *p, char path[PATH_MAX], struct fail *f)
{
	const struct module *m = p->builtin;

	path[0] = '\0';
	if (m != NULL)
		return m;
	if (p->loadable)
		m = find(p, path, f);
	else {
		fail_set(f, STATUS_USAGE, "this wdsock was built without");
		fail_hint(f, "try: one that was built --with-%s", p->name);
	}
	if (m == NULL)
		fail_prefix(f, "%s", p->what);
	return m;
}
