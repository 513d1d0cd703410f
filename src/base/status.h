/*
 * The exit statuses: one table that feeds the code, `wdsock help exit`, the
 * man page and the tests.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stddef.h>

enum status {
	STATUS_DONE = 0,
	STATUS_UNMET = 1,
	STATUS_USAGE = 2,
	STATUS_RESOLVE = 3,
	STATUS_CONNECT = 4,
	STATUS_TIMEOUT = 5,
	STATUS_CLOSED = 6,
	STATUS_TRUNCATED = 7,
	STATUS_MALFORMED = 8,
	STATUS_TLS = 9,
	STATUS_IO = 10,
	STATUS_LISTEN = 11,
	STATUS_RESET = 12,
	STATUS_COUNT
};

/* One line for people, without a full stop; static. */
const char *status_text(enum status);

/*
 * Of two events seen in one turn, the one that names the run's end. The
 * order is the table's own and not that of the numbers.
 */
enum status status_worse(enum status, enum status);

#endif
