/*
 * A process that we start: between two pipes, and otherwise as if whoever
 * started us had started it.
 *
 * It has the descriptors 0, 1 and 2 and no other; 2 is ours. What is ignored,
 * what is blocked and how many descriptors it may have is as it was when we
 * began, whatever we have changed of it for ourselves. It leads a process
 * group of its own, so that a signal reaches what it has started as well, and
 * a key on our terminal reaches us alone.
 */
#ifndef TALK_PROCESS_H
#define TALK_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* How things were. */
struct process_origin {
	sigset_t blocked;
	sigset_t ignored;
	struct rlimit files;
};

/*
 * Before anything of it is changed. SIGCHLD is no longer ignored then: it
 * would take the status of each process away.
 */
void process_remember(struct process_origin *);

struct process {
	pid_t pid; /* of the process, and of its group */
	int in;	   /* what it reads: ours to write, */
	int out;   /* and what it writes; neither waits, both are the owner's */
};

/*
 * Returns when it runs, or cannot: 0, or -1 and errno as execve or what comes
 * before it says. The words and the environment are as for execve.
 */
int process_start(struct process *, const char *path, char *const argv[],
    char *const env[], const struct process_origin *);

/* One that nobody has anything of yet is ended at once; its pipes close. */
void process_undo(const struct process *);

/* A signal to its group. False: there is none any more. */
bool process_signal(pid_t pid, int number);

/*
 * Has it ended? Then it is one no longer, and *status is as wait says. Others
 * that we have started are not looked at.
 */
bool process_has_ended(pid_t pid, int *status);

#endif
