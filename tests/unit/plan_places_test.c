/* What the words of a server of many places, and its options, ask for. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/plan.h"
#include "cmd/shared.h"
#include "tap.h"

#define WORDS 4

static const struct option options[] = {
    CMD_OPTIONS_FRAMING,
    CMD_OPTIONS_LISTEN,
    CMD_OPTIONS_DOOR,
    CMD_OPTIONS_LIMITS,
    CMD_OPTIONS_SOCKET,
    OPTION_END,
};

/* Reads a line whose words stand apart by one blank. */
static int
read_line(struct plan *p, const char *line, struct fail *f)
{
	static char text[256];
	char *argv[2 * WORDS + 2] = {NULL}, *rest = text;
	int argc = 1, n;

	snprintf(text, sizeof(text), "%s", line);
	while (rest != NULL && *rest != '\0')
		argv[argc++] = strsep(&rest, " ");
	memset(f, 0, sizeof(*f));
	plan_init(p);
	p->serving = true;
	n = option_parse(options, p, argc, argv, f);
	if (n == -1 || plan_addresses(p, n, argv, f) == -1 ||
	    plan_talk_finish(p, f) == -1)
		return -1;
	return plan_door_finish(p, f);
}

/* MODE and address of each place, both ways. */
static void
reads(const char *line, const char *want)
{
	static struct plan p;
	char got[2048] = "", in[FRAMING_TEXT_MAX], out[FRAMING_TEXT_MAX];
	char address[ADDR_TEXT_MAX];
	struct fail f;
	size_t i, n = 0;

	if (read_line(&p, line, &f) == -1)
		n = (size_t)snprintf(got, sizeof(got), "%s", f.what);
	else
		for (i = 0; i < p.run.door.places_n; i++) {
			const struct door_place *at = &p.run.door.places[i];

			framing_print(&at->in, in);
			framing_print(&at->out, out);
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%s%s%s %s", i == 0 ? "" : ", ", in,
			    strcmp(in, out) == 0 ? "" : "!",
			    addr_print(&at->listen.at, address));
		}
	is_text(got, want, "%s", line[0] == '\0' ? "(no word)" : line);
	plan_release(&p);
}

static void
refuses(const char *line, const char *what)
{
	static struct plan p;
	struct fail f;

	is_num(read_line(&p, line, &f), -1, "%s: is refused", line);
	is_num(f.status, STATUS_USAGE, "%s: as wrong use", line);
	ok(strstr(f.what, what) != NULL && f.hint[0] != '\0', "%s: %s; %s",
	    line, f.what, f.hint);
	plan_release(&p);
}

static void
test_words(void)
{
	reads("", "windev localhost:8000");
	reads("8000 unix:/s udp:9000",
	    "windev :8000, windev unix:/s, raw udp:9000");
	reads("end-tag=CRLF@:8001 8000", "end-tag=CRLF :8001, windev :8000");
	reads("-m lines 8000 windev@h:1", "lines :8000, windev h:1");
	reads("--mode-out lines 8000 u8@1", "windev! :8000, u8 :1");
	reads("unix:@a@b", "windev unix:@a@b");
	reads("unix:/a@b", "windev unix:/a@b");
	reads("raw@unix:@a", "raw unix:@a");
	reads("raw@udp:1 raw@unix-dgram:@x", "raw udp:1, raw unix-dgram:@x");
	reads("end-tag=@@1", "end-tag=\\x40 :1");
	reads("end-tag=\\x40@1", "end-tag=\\x40 :1");
	reads("windev,tail=NUL@1", "windev,tail=NUL :1");
	refuses("lins@8000", "'lins@8000'");
	refuses("host@1", "'host@1'");
	refuses("lines@", "expected HOST:PORT");
	refuses("lines@udp:1", "expected raw");
	refuses("auto@1", "'auto@1'");
	refuses("fd:0 fd:0", "saw it twice");
}

static void
test_long(void)
{
	static struct plan p;
	char word[2048];
	char *argv[] = {word};
	struct fail f;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	word[1000] = '@';
	plan_init(&p);
	is_num(plan_addresses(&p, 1, argv, &f), -1,
	    "a mode longer than any is none");
	is_num(f.status, STATUS_USAGE, "but wrong use");
	plan_release(&p);
}

/* As a service manager does. */
static void
test_passed(void)
{
	char text[24];
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		dup2(fd[i], PLAN_PASSED + i);
	}
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "2", 1);
	reads("", "windev fd:3, windev fd:4");
	is_num(fcntl(4, F_GETFD), FD_CLOEXEC, "whom we start has none");
	reads("8000", "windev :8000");
	setenv("LISTEN_FDS", "x", 1);
	refuses("", "LISTEN_FDS");
	setenv("LISTEN_PID", "1", 1);
	reads("", "windev localhost:8000");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
}

static void
test_door(void)
{
	static struct plan p;
	const struct door_plan *d = &p.run.door;
	struct fail f;

	is_num(read_line(&p, "", &f), 0, "without options");
	ok(d->clients_max == 0 && d->per_ip_max == 0 && !d->proxied &&
		d->ask.command.argv == NULL && d->rules.n == 0 &&
		d->deny_with == FAREWELL_CLOSE && d->header_ms == 10000 &&
		d->ask.limit_ms == 5000 && d->ready_fd == -1,
	    "everybody may come");
	is_num(d->places[0].listen.backlog, 4096, "many may wait");
	plan_release(&p);
	is_num(read_line(&p,
		   "--allow ::1 --deny=@f --proxy-from=10.0.0.0/8 "
		   "--max-clients=7 --max-per-ip=2 --deny-with=full --backlog=9"
		   " --reuse-port",
		   &f),
	    0, "with many of them");
	ok(d->clients_max == 7 && d->per_ip_max == 2, "limits are limits");
	ok(d->rules.n == 3 && d->rules.words[0].kind == RULES_ALLOW &&
		d->rules.words[1].kind == RULES_DENY &&
		d->rules.words[2].kind == RULES_PROXY,
	    "rules are rules, in their order");
	ok(d->deny_with == FAREWELL_WORDS && strcmp(d->deny_text, "full") == 0,
	    "words are words");
	ok(d->places[0].listen.backlog == 9 && d->places[0].listen.reuse_port,
	    "a place listens as they say");
	plan_release(&p);
	is_num(read_line(&p, "--accept-cmd=true --deny-with=reset", &f), 0,
	    "a program is found");
	ok(d->ask.command.path != NULL && d->deny_with == FAREWELL_RESET,
	    "by its name");
	plan_release(&p);
	refuses("--allow=10.0.0.0/99", "10.0.0.0/99");
	refuses("--deny=a,b", "--deny");
	refuses("--deny-with=", "--deny-with");
	refuses("--accept-cmd=", "--accept-cmd");
	refuses("--accept-cmd-timeout=0", "--accept-cmd-timeout");
	refuses("--seqpacket --proxy-protocol", "--seqpacket");
	is_num(read_line(&p, "--accept-cmd=no-such-program", &f), -1,
	    "a program that is not there is refused");
	ok(f.status == STATUS_IO && strstr(f.what, "--accept-cmd: no-such"),
	    "%s", f.what);
	plan_release(&p);
}

int
main(void)
{
	test_words();
	test_long();
	test_passed();
	test_door();
	return done_testing();
}
