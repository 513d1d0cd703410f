/*
 * Optional parts of the program. Each is built in, left out, or a module: a
 * shared object that is loaded when it is asked for, so that nobody pays for
 * it who does not use it.
 *
 * A module exports one symbol, wdsock_module, and takes none from the program:
 * what it needs of the lower rooms is linked into it. It is looked for
 *
 *	1	beside the program, as in the tree that it was built in
 *	2	as far from the program as it was installed from bindir, so
 *		that an installation can be moved as a whole
 *	3	where it was installed
 *
 * and the program is the file that runs, whatever link it was started by.
 * Nothing else leads to code: no variable, no current directory, and no
 * directory in which others may write.
 */
#ifndef BASE_MODULE_H
#define BASE_MODULE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"

/*
 * The program and its modules are built together: another version is refused.
 * The number behind it rises when a struct that both know is changed.
 */
#define MODULE_VERSION PACKAGE_VERSION "-3"

struct module {
	const char *version; /* stays the first member, for ever */
	const char *name;    /* of the part: "json" */
	const char *with;    /* what it brings along: "jansson 2.14" */
	const void *face;    /* the part's functions; its header says which */
};

/*
 * Stands once in each module that is built as one, and says which struct
 * module it is.
 */
#define MODULE_EXPORT(mine)                                                    \
	extern const struct module *const wdsock_module;                       \
	__attribute__((visibility("default")))                                 \
	const struct module *const wdsock_module = &(mine)

/* An optional part, as this program has it. */
struct part {
	const char *name;	      /* "json": wdsock-json.so, --with-json */
	const char *what;	      /* in words: "JSON input" */
	const struct module *builtin; /* NULL: it is not built in */
	bool loadable;		      /* false: then it was left out */
};

/*
 * The part's module, loaded if need be; it stays so until the process ends.
 * `path` becomes that of its file, "" if it is built in. NULL: the fail says
 * where it was looked for, or why it was refused (STATUS_IO), or that it was
 * left out (STATUS_USAGE).
 */
const struct module *part_open(
    const struct part *, char path[PATH_MAX], struct fail *);

/* For part_open, and for tests. */

#define MODULE_PLACES 3

/*
 * The directories for a program at this path, each once and in their order;
 * how many. `bindir` and `dir` are where it and its modules were installed.
 */
size_t module_places(const char *program, const char *bindir, const char *dir,
    char place[MODULE_PLACES][PATH_MAX]);

/* The module in this file: NULL and a fail if it is not one of this part. */
const struct module *module_load(
    const char *path, const struct part *, struct fail *);

#endif
