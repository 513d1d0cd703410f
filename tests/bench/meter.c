/*
 * Time, CPU and memory, ours and the server's. A server may start a process
 * for each client, so the whole tree counts: the CPU of the living by their
 * own clocks, that of the dead by what their parents gathered.
 */
#include "load.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process {
	pid_t pid, parent;
	double dead; /* seconds of the children that were waited for */
	bool ours;
};

struct processes {
	struct process *v;
	size_t n, room;
};

static double
clock_seconds(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) == -1)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double
meter_now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

/* Parent and times from /proc/PID/stat; the name may hold anything. */
static bool
process_read(struct process *p, pid_t pid)
{
	char path[64], text[1024];
	unsigned long user, system;
	const char *after;
	FILE *f;
	size_t n;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	if ((after = strrchr(text, ')')) == NULL ||
	    sscanf(after,
		") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu",
		&parent, &user, &system) != 3)
		return false;
	*p = (struct process){.pid = pid, .parent = (pid_t)parent};
	p->dead = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	return true;
}

static void
processes_add(struct processes *all, const struct process *p)
{
	if (all->n == all->room) {
		all->room = all->room == 0 ? 256 : 2 * all->room;
		all->v = realloc(all->v, all->room * sizeof(*all->v));
		if (all->v == NULL)
			load_die("no memory for the table of processes");
	}
	all->v[all->n++] = *p;
}

static bool
parent_is_ours(const struct processes *all, const struct process *p)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].pid == p->parent)
			return all->v[i].ours;
	return false;
}

/* All that ROOT started, itself too, are marked. */
static void
processes_mark(struct processes *all, pid_t root)
{
	bool more;
	size_t i;

	for (i = 0; i < all->n; i++)
		all->v[i].ours = all->v[i].pid == root;
	do {
		more = false;
		for (i = 0; i < all->n; i++) {
			struct process *p = &all->v[i];

			if (!p->ours && parent_is_ours(all, p))
				p->ours = more = true;
		}
	} while (more);
}

static void
processes_read(struct processes *all, pid_t root)
{
	struct dirent *entry;
	struct process p;
	DIR *dir;

	memset(all, 0, sizeof(*all));
	if ((dir = opendir("/proc")) == NULL)
		load_die("/proc: cannot be read");
	while ((entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_read(&p, (pid_t)atoi(entry->d_name)))
			processes_add(all, &p);
	closedir(dir);
	processes_mark(all, root);
}

static double
server_cpu(pid_t root)
{
	struct processes all;
	double seconds = 0;
	clockid_t clock;
	size_t i;

	if (root == 0)
		return 0;
	processes_read(&all, root);
	for (i = 0; i < all.n; i++) {
		if (!all.v[i].ours)
			continue;
		seconds += all.v[i].dead;
		if (clock_getcpuclockid(all.v[i].pid, &clock) == 0)
			seconds += clock_seconds(clock);
	}
	free(all.v);
	return seconds;
}

static uint64_t
process_memory(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss_Anon: %lu", &kib) == 1)
			break;
	fclose(f);
	return (uint64_t)kib * 1024;
}

static size_t
process_sockets(pid_t pid)
{
	char path[64], what[16];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (readlinkat(dirfd(dir), entry->d_name, what, 8) == 8 &&
		    memcmp(what, "socket:[", 8) == 0)
			n++;
	closedir(dir);
	return n;
}

size_t
meter_sockets(pid_t root)
{
	struct processes all;
	size_t i, n = 0;

	processes_read(&all, root);
	for (i = 0; i < all.n; i++)
		if (all.v[i].ours)
			n += process_sockets(all.v[i].pid);
	free(all.v);
	return n;
}

void
meter_accepted(pid_t root, size_t least)
{
	const double end = meter_now() + LOAD_PATIENCE_MS / 1e3;
	size_t n = 0, last = 0;
	int same = 0;

	while (n < least || same < 5) {
		if (meter_now() > end)
			load_die(
			    "the server has %zu sockets, not %zu", n, least);
		poll(NULL, 0, 20);
		n = meter_sockets(root);
		same = n == last ? same + 1 : 0;
		last = n;
	}
}

uint64_t
meter_memory(pid_t root, size_t *processes)
{
	struct processes all;
	uint64_t bytes = 0;
	size_t i, n = 0;

	processes_read(&all, root);
	for (i = 0; i < all.n; i++)
		if (all.v[i].ours) {
			bytes += process_memory(all.v[i].pid);
			n++;
		}
	free(all.v);
	if (processes != NULL)
		*processes = n;
	return bytes;
}

void
meter_read(struct meter *m, pid_t server)
{
	m->server = server_cpu(server);
	m->own = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
	m->seconds = meter_now();
}

void
meter_since(struct meter *m, const struct meter *begin, pid_t server)
{
	m->seconds = meter_now() - begin->seconds;
	m->own = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin->own;
	m->server = server_cpu(server) - begin->server;
}

void
meter_print(const struct load *l, const struct meter *m, const char *unit,
    uint64_t messages)
{
	const double n = messages == 0 ? 1 : (double)messages;

	printf("role=%s mode=%s clients=%zu depth=%zu size=%zu %s=%llu "
	       "seconds=%.4f rate=%.0f own_us=%.4f own_busy=%.2f",
	    l->role, l->mode, l->clients, l->depth, l->size, unit,
	    (unsigned long long)messages, m->seconds,
	    (double)messages / m->seconds, m->own / n * 1e6,
	    m->own / m->seconds);
	if (l->server != 0)
		printf(" server_us=%.4f server_busy=%.2f", m->server / n * 1e6,
		    m->server / m->seconds);
}
