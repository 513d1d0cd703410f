/* JSON input as a module; see base/module.h. */

#include "io/json.h"

MODULE_EXPORT(json_module);
