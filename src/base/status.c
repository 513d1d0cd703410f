/* The words and the rank of each exit status. */

#include "base/status.h"

static const struct {
	const char *text;
	int rank; /* who wins when two things happen in one turn */
} table[STATUS_COUNT] = {
    [STATUS_DONE] = {"done", 0},
    [STATUS_UNMET] = {"an --expect was not met", 1},
    [STATUS_USAGE] = {"wrong usage", 9},
    [STATUS_RESOLVE] = {"the name could not be resolved", 9},
    [STATUS_CONNECT] = {"cannot connect", 9},
    [STATUS_TIMEOUT] = {"timeout (the text says which one)", 3},
    [STATUS_CLOSED] = {"closed by the peer before what was asked for had "
		       "come or gone",
	2},
    [STATUS_TRUNCATED] = {"truncated message or TLS stream", 4},
    [STATUS_MALFORMED] = {"malformed or too long message, or an input that "
			  "cannot be one",
	7},
    [STATUS_TLS] = {"TLS handshake or verification failed", 6},
    [STATUS_IO] = {"local input or output failed", 8},
    [STATUS_LISTEN] = {"cannot listen", 9},
    [STATUS_RESET] = {"reset by the peer", 5},
};

const char *
status_text(enum status s)
{
	return table[s].text;
}

enum status
status_worse(enum status a, enum status b)
{
	return table[b].rank > table[a].rank ? b : a;
}
