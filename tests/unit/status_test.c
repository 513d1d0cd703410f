/* Statuses: their words, and which of two names the run's end. */

#include "base/status.h"
#include "tap.h"

int
main(void)
{
	static const enum status order[] = {STATUS_IO, STATUS_MALFORMED,
	    STATUS_TLS, STATUS_RESET, STATUS_TRUNCATED, STATUS_TIMEOUT,
	    STATUS_CLOSED, STATUS_UNMET, STATUS_DONE};
	static const int numbers[] = {10, 8, 9, 12, 7, 5, 6, 1, 0};
	const size_t n = sizeof(order) / sizeof(order[0]);
	size_t i, k;

	for (i = 0; i < n; i++)
		is_num(order[i], numbers[i],
		    "the number of a status is what scripts know, %d",
		    numbers[i]);
	for (i = 0; i < n; i++)
		for (k = i; k < n; k++) {
			is_num(status_worse(order[i], order[k]), order[i],
			    "%d wins over %d that came later", numbers[i],
			    numbers[k]);
			is_num(status_worse(order[k], order[i]), order[i],
			    "%d wins over %d that came before", numbers[i],
			    numbers[k]);
		}
	is_num(STATUS_COUNT, 13, "there are statuses from 0 to 12");
	for (i = 0; i < STATUS_COUNT; i++) {
		const char *text = status_text((enum status)i);

		ok(text != NULL && text[0] != '\0', "status %zu has words", i);
		for (k = 0; k < i; k++)
			if (text == status_text((enum status)k))
				ok(false, "%zu and %zu differ", i, k);
	}
	is_text(status_text(STATUS_DONE), "done", "status 0 is done");
	is_text(status_text(STATUS_CONNECT), "cannot connect",
	    "status 4 cannot connect");
	return done_testing();
}
