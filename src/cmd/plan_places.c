/*
 * From words to places: the addresses of serve-multi, each with a mode if need
 * be, and the sockets that a service manager has passed us; see plan.h.
 */

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/cmd.h"
#include "talk/explain.h"

#define MODE_MAX 512 /* more than any that is one */

int
plan_passed(int max, struct fail *f)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n, id;
	int i;

	if (fds == NULL || pid == NULL ||
	    num_parse(pid, 1, INT_MAX, &id) != NUM_OK || (pid_t)id != getpid())
		return 0;
	if (num_parse(fds, 1, (uint64_t)max, &n) != NUM_OK) {
		fail_set(f, STATUS_USAGE,
		    "LISTEN_FDS: expected %s, saw '%.32s'",
		    max == 1 ? "1, a single socket" : "how many sockets", fds);
		return fail_hint(f,
		    max == 1
			? "try: one ListenStream= for it, or fd:3, fd:4 ... "
			  "to say which one"
			: "try: without LISTEN_FDS and LISTEN_PID");
	}
	/* Nobody that we start is to have them; the first that is not open
	 * is the last: opening its place says what is wrong. */
	for (i = 0; i < (int)n; i++)
		if (fcntl(PLAN_PASSED + i, F_SETFD, FD_CLOEXEC) == -1)
			break;
	return (int)n;
}

static int
make_places(struct plan *p, size_t n, struct fail *f)
{
	p->places = calloc(n, sizeof(*p->places));
	p->place_words = calloc(n, sizeof(*p->place_words));
	if (p->places == NULL || p->place_words == NULL)
		return fail_set(f, STATUS_IO, "out of memory");
	p->places_n = n;
	return 0;
}

/* Is the address the word as it stands, whatever @ is in it? */
static bool
is_path(const char *word)
{
	return strncmp(word, "unix:", 5) == 0 ||
	    strncmp(word, "unix-dgram:", 11) == 0 ||
	    strncmp(word, "tls:unix:", 9) == 0;
}

/*
 * The address behind MODE@, and its framing; or the word itself, if no @ in it
 * has a mode before it. NULL and a usage error if it should have one.
 */
static const char *
split(const char *word, struct framing *fr, bool *has_mode, struct fail *f)
{
	const char *at = is_path(word) ? NULL : strchr(word, '@');
	enum framing_error first = FRAMING_OK, e;
	size_t len, bad, first_bad = 0;
	char mode[MODE_MAX];

	*has_mode = false;
	if (at == NULL)
		return word;
	for (; at != NULL; at = strchr(at + 1, '@')) {
		len = (size_t)(at - word);
		if (len >= sizeof(mode))
			break;
		memcpy(mode, word, len);
		mode[len] = '\0';
		e = framing_parse(mode, fr, &bad);
		if (e == FRAMING_OK) {
			*has_mode = true;
			return at + 1;
		}
		if (first == FRAMING_OK) {
			first = e;
			first_bad = bad;
		}
	}
	/* No host has an @: a mode was meant, which may be too long for any. */
	mode[first == FRAMING_OK ? 0 : strcspn(word, "@")] = '\0';
	explain_mode(
	    first == FRAMING_OK ? FRAMING_ERR_MODE : first, mode, first_bad, f);
	fail_prefix(f, "'%.128s'", word);
	return NULL;
}

static int
read_place(struct plan *p, size_t i, const char *word, struct fail *f)
{
	struct door_place *place = &p->places[i];
	struct addr *at = &place->listen.at;
	bool has_mode;
	const char *address = split(word, &place->in, &has_mode, f);
	size_t other;

	if (address == NULL || cmd_address(p, address, at, f) == -1)
		return -1;
	p->place_words[i] = has_mode ? word : NULL;
	if (at->kind != ADDR_FD)
		return 0;
	for (other = 0; other < i; other++)
		if (p->places[other].listen.at.kind == ADDR_FD &&
		    p->places[other].listen.at.fd == at->fd) {
			fail_set(f, STATUS_USAGE,
			    "'%.128s': expected it once, saw it twice", word);
			return fail_hint(f, "try: each descriptor once");
		}
	return 0;
}

static int
take_passed(struct plan *p, int n, struct fail *f)
{
	int i;

	if (make_places(p, (size_t)n, f) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		p->places[i].listen.at.kind = ADDR_FD;
		p->places[i].listen.at.fd = PLAN_PASSED + i;
	}
	return 0;
}

int
plan_addresses(struct plan *p, int argc, char **argv, struct fail *f)
{
	int n = argc > 0 ? 0 : plan_passed(PLAN_PASSED_MAX, f), i;

	if (n == -1)
		return -1;
	if (n > 0) {
		if (take_passed(p, n, f) == -1)
			return -1;
	} else if (argc == 0) {
		if (make_places(p, 1, f) == -1 ||
		    read_place(p, 0, CMD_ADDRESS, f) == -1)
			return -1;
	} else if (make_places(p, (size_t)argc, f) == -1)
		return -1;
	for (i = 0; i < argc; i++)
		if (read_place(p, (size_t)i, argv[i], f) == -1)
			return -1;
	p->run.listen.at = p->places[0].listen.at;
	return 0;
}
