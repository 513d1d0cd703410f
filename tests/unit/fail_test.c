/* Errors as values: what is kept, replaced and cut. */

#include <string.h>

#include "base/fail.h"
#include "tap.h"

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
	return done_testing();
}
