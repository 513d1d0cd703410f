/*
 * A command on a terminal of its own, and somebody who types:
 *
 *	pty [--out FILE] ACTION... -- COMMAND [ARGUMENT...]
 *
 * Its stdin, stdout and stderr are the terminal, which passes output on as it
 * is and does not echo. The actions are done one after the other:
 *
 *	expect TEXT	this is on the screen, behind what was expected before
 *	type TEXT	the keys; \x03 is Ctrl-C, \x1a Ctrl-Z, \x04 Ctrl-D
 *	until FILE	the file is there
 *	touch FILE	now it is
 *	kill NUMBER	this signal, from outside
 *	stopped		the command has stopped; we are in the foreground
 *	fg, bg		it goes on, in the foreground or behind us
 *	ended STATUS	the command has ended so, 128+N by a signal
 *
 * TEXT has \n \r \t \\ \xHH. Each time that the command has stopped or ended,
 * the modes of the terminal and the flags of the descriptors must be as they
 * were. What was on the screen is in FILE. Status 0: all was so.
 *
 * It is the shell of the command: the leader of the terminal's session, which
 * says who is in the foreground.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define PATIENCE_S 20 /* for each action */

struct pty {
	int master, slave;
	struct termios modes; /* as the command has found them */
	int flags;
	const char *out;
	const char *doing;
	pid_t pid;  /* of the command, and of its group */
	bool ended; /* with this status */
	int status;
	bool stopped;
	uint8_t *screen; /* everything that was written */
	size_t len, cap;
	size_t at; /* behind what was expected last */
};

static void __attribute__((noreturn, format(printf, 2, 3)))
no_good(const struct pty *t, const char *fmt, ...)
{
	char look[400];
	size_t from = t->at;
	va_list ap;

	fprintf(stderr, "pty: %s: ", t->doing);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; on the screen: %s\n",
	    text_look(slice_of(t->screen + from, t->len - from), 300, look,
		sizeof(look)));
	if (t->pid > 0 && !t->ended)
		kill(-t->pid, SIGKILL);
	exit(1);
}

static size_t
plain(struct pty *t, const char *text, uint8_t *to)
{
	size_t len, at;

	if (text_unescape(slice_of(text, strlen(text)), to, &len, &at) !=
	    TEXT_OK)
		no_good(t, "a bad escape at %zu of %s", at, text);
	return len;
}

static void
on_child(int number)
{
	(void)number;
}

static void
open_terminal(struct pty *t)
{
	const char *name;

	t->master = posix_openpt(O_RDWR | O_NOCTTY);
	if (t->master == -1 || grantpt(t->master) == -1 ||
	    unlockpt(t->master) == -1 || (name = ptsname(t->master)) == NULL)
		no_good(t, "no terminal: %s", strerror(errno));
	t->slave = open(name, O_RDWR);
	if (t->slave == -1)
		no_good(t, "%s: %s", name, strerror(errno));
#ifdef TIOCSCTTY
	ioctl(t->slave, TIOCSCTTY, 0);
#endif
	fcntl(t->master, F_SETFL, O_NONBLOCK);
	fcntl(t->master, F_SETFD, FD_CLOEXEC);
	tcgetattr(t->slave, &t->modes);
	t->modes.c_oflag &= ~(tcflag_t)OPOST;
	t->modes.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	t->modes.c_lflag |= ISIG | ICANON;
	tcsetattr(t->slave, TCSANOW, &t->modes);
	/* As it is kept, and not as it was asked for. */
	tcgetattr(t->slave, &t->modes);
	t->flags = fcntl(t->slave, F_GETFL);
}

/* The command, in a group of its own, in the foreground. */
static void
start(struct pty *t, char **command, const sigset_t *mask)
{
	static const int ours[] = {SIGTTOU, SIGTTIN, SIGTSTP, SIGCHLD, SIGINT,
	    SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
	size_t i;

	t->pid = fork();
	if (t->pid == -1)
		no_good(t, "fork: %s", strerror(errno));
	if (t->pid > 0) {
		/* Both do it: who comes first is not known. */
		setpgid(t->pid, t->pid);
		tcsetpgrp(t->slave, t->pid);
		return;
	}
	setpgid(0, 0);
	tcsetpgrp(t->slave, getpid());
	/* What a shell ignores in the background is not meant for it. */
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	dup2(t->slave, 0);
	dup2(t->slave, 1);
	dup2(t->slave, 2);
	if (t->slave > 2)
		close(t->slave);
	execvp(command[0], command);
	fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* All that is on the screen and has not been seen. */
static void
look(struct pty *t)
{
	ssize_t n;

	for (;;) {
		if (t->cap - t->len < 65536) {
			t->cap = t->cap * 2 + 65536;
			t->screen = realloc(t->screen, t->cap);
			if (t->screen == NULL)
				abort();
		}
		n = read(t->master, t->screen + t->len, t->cap - t->len);
		if (n <= 0)
			return;
		t->len += (size_t)n;
	}
}

/* Is it as the command has found it? */
static void
check_terminal(struct pty *t)
{
	struct termios now;

	tcgetattr(t->slave, &now);
	if (now.c_iflag != t->modes.c_iflag ||
	    now.c_oflag != t->modes.c_oflag ||
	    now.c_cflag != t->modes.c_cflag ||
	    now.c_lflag != t->modes.c_lflag ||
	    memcmp(now.c_cc, t->modes.c_cc, sizeof(now.c_cc)) != 0)
		no_good(t, "the modes of the terminal are not as before");
	if (fcntl(t->slave, F_GETFL) != t->flags)
		no_good(t, "the flags are %x, were %x",
		    (unsigned)fcntl(t->slave, F_GETFL), (unsigned)t->flags);
}

/* What has become of the command. */
static void
wait_child(struct pty *t)
{
	int s;

	if (t->ended || waitpid(t->pid, &s, WNOHANG | WUNTRACED) <= 0)
		return;
	if (WIFSTOPPED(s)) {
		t->stopped = true;
	} else {
		t->ended = true;
		t->status = WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
	}
	tcsetpgrp(t->slave, getpgrp());
	look(t);
	check_terminal(t);
}

/* Waits for the terminal or for the command, but not for ever. */
static void
wait_some(struct pty *t, time_t until)
{
	/* What is waited for may be a file, of which nobody tells. */
	struct timespec tick = {0, 20 * 1000 * 1000};
	sigset_t none;
	fd_set fds;

	if (time(NULL) > until)
		no_good(t, "%d s are over", PATIENCE_S);
	FD_ZERO(&fds);
	FD_SET(t->master, &fds);
	sigemptyset(&none);
	pselect(t->master + 1, &fds, NULL, NULL, &tick, &none);
	look(t);
	wait_child(t);
}

static bool
is_seen(struct pty *t, const uint8_t *text, size_t len)
{
	const uint8_t *hit =
	    memmem(t->screen + t->at, t->len - t->at, text, len);

	if (hit == NULL)
		return false;
	t->at = (size_t)(hit - t->screen) + len;
	return true;
}

static void
type(struct pty *t, const uint8_t *p, size_t len, time_t until)
{
	ssize_t n;

	while (len > 0) {
		n = write(t->master, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else
			wait_some(t, until);
	}
}

static void
go_on(struct pty *t, bool foreground)
{
	if (foreground)
		tcsetpgrp(t->slave, t->pid);
	t->stopped = false;
	kill(-t->pid, SIGCONT);
}

/* The actions that have a word behind them. */
static void
act_with(struct pty *t, const char *action, const char *word, time_t until)
{
	uint8_t *text = malloc(strlen(word) + 1);
	size_t len;
	FILE *f;

	if (strcmp(action, "expect") == 0) {
		len = plain(t, word, text);
		while (!is_seen(t, text, len)) {
			if (t->ended)
				no_good(t, "it has ended with %d", t->status);
			wait_some(t, until);
		}
	} else if (strcmp(action, "type") == 0) {
		len = plain(t, word, text);
		type(t, text, len, until);
	} else if (strcmp(action, "until") == 0) {
		while (access(word, F_OK) == -1)
			wait_some(t, until);
	} else if (strcmp(action, "touch") == 0) {
		f = fopen(word, "w");
		if (f == NULL || fclose(f) == EOF)
			no_good(t, "%s", strerror(errno));
	} else if (strcmp(action, "kill") == 0) {
		kill(t->pid, atoi(word));
	} else if (strcmp(action, "ended") == 0) {
		while (!t->ended)
			wait_some(t, until);
		if (t->status != atoi(word))
			no_good(t, "it has ended with %d", t->status);
	} else
		no_good(t, "no such action");
	free(text);
}

/* One action; how many words it had. */
static int
act(struct pty *t, char **words, int n)
{
	const time_t until = time(NULL) + PATIENCE_S;
	static char doing[200];

	snprintf(
	    doing, sizeof(doing), "%s %s", words[0], n > 1 ? words[1] : "");
	t->doing = doing;
	if (strcmp(words[0], "stopped") == 0) {
		while (!t->stopped && !t->ended)
			wait_some(t, until);
		if (t->ended)
			no_good(t, "it has ended with %d", t->status);
	} else if (strcmp(words[0], "fg") == 0)
		go_on(t, true);
	else if (strcmp(words[0], "bg") == 0)
		go_on(t, false);
	else if (n < 2)
		no_good(t, "a word is missing");
	else {
		act_with(t, words[0], words[1], until);
		return 2;
	}
	return 1;
}

static void
write_screen(const struct pty *t)
{
	FILE *f = t->out == NULL ? NULL : fopen(t->out, "w");

	if (f == NULL)
		return;
	fwrite(t->screen, 1, t->len, f);
	fclose(f);
}

static int
run(struct pty *t, char **actions, int n, char **command)
{
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t block, mask;
	int i;

	setsid();
	/* The terminal's own: we say who is in the foreground from behind. */
	signal(SIGTTOU, SIG_IGN);
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &mask);
	open_terminal(t);
	look(t);
	start(t, command, &mask);
	for (i = 0; i < n; i += act(t, actions + i, n - i))
		;
	if (!t->ended) {
		t->doing = "the end";
		no_good(t, "the command still runs");
	}
	write_screen(t);
	free(t->screen);
	return 0;
}

int
main(int argc, char **argv)
{
	struct pty t = {.doing = "start", .master = -1, .slave = -1};
	int i = 1, n, s;
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "--out") == 0) {
		t.out = argv[2];
		i = 3;
	}
	for (n = i; n < argc && strcmp(argv[n], "--") != 0; n++)
		;
	if (n + 1 >= argc)
		no_good(&t, "no command");
	/* A leader of a session must not lead a group before. */
	pid = fork();
	if (pid == 0)
		return run(&t, argv + i, n - i, argv + n + 1);
	if (pid == -1 || waitpid(pid, &s, 0) == -1)
		no_good(&t, "%s", strerror(errno));
	return WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
}
