/* A process that we start; see process.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talk/process.h"

/* Where the kernel cannot mark them all at once, so far it is looked. */
#define FDS_LOOKED_AT 65536

/* What the new process is made of. */
struct start {
	const struct process_origin *origin;
	const char *path;
	char *const *argv, *const *env;
	int in, out;  /* what become its 0 and 1 */
	int complain; /* closes when it runs; an errno if it cannot */
};

void
process_remember(struct process_origin *o)
{
	struct sigaction sa;
	int i;

	pthread_sigmask(SIG_SETMASK, NULL, &o->blocked);
	sigemptyset(&o->ignored);
	for (i = 1; i < NSIG; i++)
		if (sigaction(i, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			sigaddset(&o->ignored, i);
	if (sigismember(&o->ignored, SIGCHLD) == 1)
		signal(SIGCHLD, SIG_DFL);
	getrlimit(RLIMIT_NOFILE, &o->files);
}

static void
restore_signals(const struct process_origin *o)
{
	struct sigaction sa = {0};
	int i;

	for (i = 1; i < NSIG; i++) {
		sa.sa_handler =
		    sigismember(&o->ignored, i) == 1 ? SIG_IGN : SIG_DFL;
		sigaction(i, &sa, NULL); /* some cannot be, and need not */
	}
}

/* All but 0, 1 and 2 close when it runs: what we opened, and inherited. */
static void
close_others(void)
{
	int fd;

#ifdef CLOSE_RANGE_CLOEXEC
	if (close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
		return;
#endif
	for (fd = STDERR_FILENO + 1; fd < FDS_LOOKED_AT; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * In the child, which shares nothing with us any more but has our threads'
 * locks as they were: nothing but calls to the kernel.
 */
static void
become(const struct start *s)
{
	ssize_t n;
	int err;

	/* First: a handler of ours would write to a pipe of ours. */
	restore_signals(s->origin);
	setpgid(0, 0);
	if (dup2(s->in, STDIN_FILENO) != -1 &&
	    dup2(s->out, STDOUT_FILENO) != -1) {
		close_others();
		setrlimit(RLIMIT_NOFILE, &s->origin->files);
		pthread_sigmask(SIG_SETMASK, &s->origin->blocked, NULL);
		execve(s->path, s->argv, s->env);
	}
	err = errno;
	do
		n = write(s->complain, &err, sizeof(err));
	while (n == -1 && errno == EINTR);
	_Exit(127); /* it has not become another program, and is none */
}

static void
close_pipe(const int fd[2])
{
	if (fd[0] != -1)
		close(fd[0]);
	if (fd[1] != -1)
		close(fd[1]);
}

/* Waits until the child runs, or has said why it cannot. */
static int
hear_of(int fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(fd, &err, sizeof(err));
	while (n == -1 && errno == EINTR);
	return n == 0 ? 0 : n == (ssize_t)sizeof(err) ? err : EIO;
}

/* The child's pid, or -1 and errno. */
static pid_t
give_birth(struct start *s)
{
	sigset_t all, before;
	pid_t pid;
	int err;

	/* No signal of ours is to be handled in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(s);
	err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return pid;
}

static int
start(struct process *p, struct start *s, int told[2])
{
	int err, status;

	s->complain = told[1];
	p->pid = give_birth(s);
	if (p->pid == -1)
		return errno;
	close(told[1]);
	told[1] = -1;
	err = hear_of(told[0]);
	if (err == 0)
		return 0;
	/* It is about to end by itself, if it is as it should be. */
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	return err;
}

int
process_start(struct process *p, const char *path, char *const argv[],
    char *const env[], const struct process_origin *origin)
{
	struct start s = {
	    .origin = origin, .path = path, .argv = argv, .env = env};
	int in[2] = {-1, -1}, out[2] = {-1, -1}, told[2] = {-1, -1}, err;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(told, O_CLOEXEC) == -1 ||
	    fcntl(in[1], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == -1)
		err = errno;
	else {
		s.in = in[0];
		s.out = out[1];
		err = start(p, &s, told);
	}
	close_pipe(told);
	if (err == 0) {
		close(in[0]);
		close(out[1]);
		p->in = in[1];
		p->out = out[0];
		return 0;
	}
	close_pipe(in);
	close_pipe(out);
	errno = err;
	return -1;
}

bool
process_signal(pid_t pid, int number)
{
	return kill(-pid, number) == 0 || errno != ESRCH;
}

bool
process_has_ended(pid_t pid, int *status)
{
	pid_t r;

	do
		r = waitpid(pid, status, WNOHANG);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		*status = 0; /* somebody has taken it */
	return r != 0;
}

void
process_undo(const struct process *p)
{
	int status;

	close(p->in);
	close(p->out);
	process_signal(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
}
