/* TLS: built in, in a module, or left out; see tls.h. */

#include "net/tls.h"

const struct part tls_part = {
    .name = "tls",
    .what = "TLS",
#if defined(TLS_BUILTIN)
    .builtin = &tls_module,
#elif defined(TLS_MODULE)
    .loadable = true,
#endif
};

const struct tls_face *
tls_open(struct fail *f)
{
	char path[PATH_MAX];
	const struct module *m = part_open(&tls_part, path, f);

	return m == NULL ? NULL : m->face;
}
