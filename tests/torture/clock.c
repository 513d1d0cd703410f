/*
 * A preloaded library in which the time of day jumps: each time that it is
 * asked for it is a day later or a day earlier. What only passes (monotonic
 * time) is as it is. CLOCK_FILE, if it is set, is made as soon as somebody in
 * the process asks for the time of day or for the other.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

static long
jump(void)
{
	static unsigned asked;
	unsigned n = __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);

	return n % 2 == 0 ? DAY * (long)(n + 1) : -DAY * (long)n;
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	const char *file = getenv("CLOCK_FILE");
	int r = (int)syscall(SYS_clock_gettime, id, t);

	if (file != NULL)
		close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += jump();
	return r;
}

int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	t->tv_sec = ts.tv_sec;
	t->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
