/*
 * Load for servers, on 127.0.0.1.
 *
 *	load echo ADDRESS	clients that ask and are answered
 *	load trip ADDRESS	one, blocking: the time there and back
 *	load hold ADDRESS	clients that are silent until stdin ends
 *	load churn ADDRESS	clients that connect and close
 *	load cast ADDRESS	one speaks, all others hear
 *	load ingest ADDRESS	all speak
 *	load lines		what the server made of ingest, from stdin
 *	load bare KIND		a server of ours: echo, sink, news
 *
 *	-n CLIENTS (100)	-d DEPTH (1) messages under way on each
 *	-s BYTES (60)		of a payload
 *	-m MODE (windev)	windev, lines, raw, redis, nats
 *	-t SECONDS (1)		-c MESSAGES (10000) of each sender
 *	-p PID			the server, whose CPU and memory are told
 *	-f PATH			what the server reads its news from
 *	-v READS (1)		of so many one is looked at, in cast
 *	-w BYTES (4 MiB)	how far the slowest may be behind, in cast
 *
 * The result is one line of NAME=VALUE. What is not as it must be ends the
 * program with 1 and without a result.
 */
#include "load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct role {
	const char *name;
	void (*run)(const struct load *);
} roles[] = {
    {"echo", echo_run},
    {"trip", trip_run},
    {"hold", hold_run},
    {"churn", churn_run},
    {"cast", cast_run},
    {"ingest", ingest_run},
    {"lines", lines_run},
};

void
load_die(const char *format, ...)
{
	va_list ap;

	fputs("load: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
number(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n == 0)
		load_die("%s: not a number from 1 on", text);
	return n;
}

static void
options(struct load *l, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:d:s:m:t:c:p:f:v:w:")) != -1)
		switch (c) {
		case 'n':
			l->clients = number(optarg);
			break;
		case 'd':
			l->depth = number(optarg);
			break;
		case 's':
			l->size = number(optarg);
			break;
		case 'm':
			l->mode = optarg;
			break;
		case 't':
			l->seconds = strtod(optarg, NULL);
			break;
		case 'c':
			l->messages = number(optarg);
			break;
		case 'p':
			l->server = (pid_t)number(optarg);
			break;
		case 'f':
			l->feed = optarg;
			break;
		case 'v':
			l->verify = number(optarg);
			break;
		case 'w':
			l->window = number(optarg);
			break;
		default:
			exit(2);
		}
	if (optind != argc)
		load_die("%s: too many words", argv[optind]);
}

static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int
main(int argc, char **argv)
{
	struct load l = {.clients = 100,
	    .depth = 1,
	    .size = 60,
	    .mode = "windev",
	    .seconds = 1,
	    .messages = 10000,
	    .verify = 1,
	    .window = (uint64_t)4 << 20};
	size_t i;
	int words;

	raise_descriptors();
	if (argc == 3 && strcmp(argv[1], "bare") == 0)
		bare_run(argv[2]);
	words = argc > 1 && strcmp(argv[1], "lines") == 0 ? 2 : 3;
	if (argc < words)
		load_die("usage: load ROLE ADDRESS [-n CLIENTS] ...");
	l.role = argv[1];
	l.address = words == 3 ? argv[2] : "";
	options(&l, argc - words + 1, argv + words - 1);
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, l.role) == 0) {
			roles[i].run(&l);
			return fflush(stdout) == 0 ? 0 : 1;
		}
	load_die("%s: no such role", l.role);
}
