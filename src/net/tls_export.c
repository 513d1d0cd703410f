/* TLS as a module; see base/module.h. */

#include "net/tls.h"

MODULE_EXPORT(tls_module);
