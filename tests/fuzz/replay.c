/*
 * main() for a compiler without libFuzzer: each file, and each file of each
 * directory, named on the command line goes through the target once. Without
 * a name it is the corpus of the target, below $srcdir/tests/fuzz. Speaks TAP;
 * a target that stops says on stderr at which input.
 */
#include <dirent.h>
#include <err.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char current[4096];
static unsigned inputs;

/* What the sanitizers call before they end the program, where they are. */
void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static void
last_words(void)
{
	static const char before[] = "at the input ", after[] = "\n";
	ssize_t n;

	n = write(STDERR_FILENO, before, sizeof(before) - 1);
	n += write(STDERR_FILENO, current, strlen(current));
	n += write(STDERR_FILENO, after, sizeof(after) - 1);
	(void)n;
}

static void
aborted(int sig)
{
	last_words();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = check_alloc(size);

	snprintf(current, sizeof(current), "%s", path);
	if (f == NULL || fread(bytes, 1, size, f) != size)
		err(1, "%s", path);
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	inputs++;
}

static void
replay(const char *path)
{
	char name[4096];
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	dir = opendir(path);
	if (dir == NULL)
		err(1, "%s", path);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		replay(name);
	}
	closedir(dir);
}

/* "build/tests/fuzz/replay_decode" is decode, and so is "fuzz_decode". */
static const char *
target_name(const char *program)
{
	const char *base = strrchr(program, '/'), *bar;

	base = base != NULL ? base + 1 : program;
	bar = strchr(base, '_');
	return bar != NULL ? bar + 1 : base;
}

int
main(int argc, char *argv[])
{
	const char *name = target_name(argv[0]), *srcdir = getenv("srcdir");
	char corpus[4096];
	int i;

	signal(SIGABRT, aborted);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(last_words);
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s",
	    srcdir != NULL && *srcdir != '\0' ? srcdir : ".", name);
	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1)
		replay(corpus);
	printf("%sok 1 - %s replays %u inputs\n1..1\n",
	    inputs > 0 ? "" : "not ", name, inputs);
	return inputs == 0 || fflush(stdout) != 0;
}
