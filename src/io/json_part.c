/* JSON input: built in, in a module, or left out; see json.h. */

#include "io/json.h"

const struct part json_part = {
    .name = "json",
    .what = "JSON input",
#if defined(JSON_BUILTIN)
    .builtin = &json_module,
#elif defined(JSON_MODULE)
    .loadable = true,
#endif
};

const struct json_face *
json_open(struct fail *f)
{
	char path[PATH_MAX];
	const struct module *m = part_open(&json_part, path, f);

	return m == NULL ? NULL : m->face;
}
