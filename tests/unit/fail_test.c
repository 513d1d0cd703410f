/* Errors as values: what is kept, replaced and cut. */

#include <string.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "tap.h"

/* A long path: where it begins, what it ends in, and what is wrong with it. */
static void
test_long_prefix(void)
{
	static const char reason[] = ": No such file or directory";
	struct fail f;
	char path[2000];
	size_t i, cut = 0;

	memset(path, 'y', sizeof(path));
	memcpy(path, "/begin", 6);
	memcpy(path + sizeof(path) - 5, "/end", 5);
	fail_set(&f, STATUS_IO, "%s", reason + 2);
	fail_prefix(&f, "%s", path);
	is_num(strlen(f.what), sizeof(f.what) - 1,
	    "a long prefix takes what room there is");
	is_text(f.what + strlen(f.what) - strlen(reason), reason,
	    "a long prefix leaves the reason whole");
	ok(strncmp(f.what, "/begin", 6) == 0 &&
		strstr(f.what, "/end: ") != NULL,
	    "a long prefix keeps its beginning and its end");
	ok(strstr(f.what, "y...y") != NULL, "its middle is taken out");

	for (i = 0; i < 4; i++) {
		size_t n = i;

		memset(path, 'x', i);
		while (n + 3 < sizeof(path) - 1) {
			memcpy(path + n, "\xe2\x82\xac", 3);
			n += 3;
		}
		path[n] = '\0';
		fail_set(&f, STATUS_IO, "%s", "reason");
		fail_prefix(&f, "%s", path);
		cut += !utf8_valid((const uint8_t *)f.what, strlen(f.what));
	}
	is_num(cut, 0, "no character is cut in two");
}

int
main(void)
{
	struct fail f;
	char big[4 * sizeof(f.what)];

	memset(&f, 'x', sizeof(f));
	is_num(fail_set(&f, STATUS_TLS, "%s %d", "port", 7), -1,
	    "setting a fail gives -1");
	is_num(f.status, STATUS_TLS, "it has its status");
	is_text(f.what, "port 7", "it has its words");
	is_text(f.hint, "", "it has no hint at first");
	is_num(fail_hint(&f, "try %s", "-m"), -1, "a hint gives -1");
	is_text(f.hint, "try -m", "it has its hint");
	is_text(f.what, "port 7", "a hint leaves the words");
	is_num(fail_prefix(&f, "c%d", 1), -1, "a prefix gives -1");
	is_text(f.what, "c1: port 7", "a prefix stands in front");
	is_text(f.hint, "try -m", "a prefix leaves the hint");
	is_num(f.status, STATUS_TLS, "a prefix leaves the status");
	fail_prefix(&f, "wdsock");
	is_text(f.what, "wdsock: c1: port 7", "prefixes pile up");
	fail_set(&f, STATUS_IO, "other");
	is_text(f.what, "other", "another error replaces the words");
	is_text(f.hint, "", "another error drops the hint");
	is_num(f.status, STATUS_IO, "another error has another status");

	memset(big, 'y', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	fail_set(&f, STATUS_IO, "%s", big);
	is_num(strlen(f.what), sizeof(f.what) - 1, "long words are cut");
	fail_hint(&f, "%s", big);
	is_num(strlen(f.hint), sizeof(f.hint) - 1, "a long hint is cut");
	fail_prefix(&f, "begin");
	is_num(strlen(f.what), sizeof(f.what) - 1, "cut behind a prefix too");
	ok(strncmp(f.what, "begin: yyy", 10) == 0, "what was said first goes");
	fail_prefix(&f, "%s", big);
	is_num(strlen(f.what), sizeof(f.what) - 1, "a prefix too long is cut");
	test_long_prefix();
	return done_testing();
}
