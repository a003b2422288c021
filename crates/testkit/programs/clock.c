/* A clock inside of a process, on a thread that Python does not know: what it misses is for how
 * long the whole process stood still, and not how long a thread waited for the interpreter.
 *
 * It is linked against nothing, so that one file serves every C library. */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic double longest;
static _Atomic long beats;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *run(void *unused)
{
    (void)unused;
    struct timespec pause = {0, 50000};
    double last = now();
    for (;;) {
        nanosleep(&pause, NULL);
        double time = now();
        if (time - last > longest)
            longest = time - last;
        last = time;
        beats++;
    }
    return NULL;
}

/* Starts it. Returns whether it goes before every other thread of the machine; else it also misses
 * the time for which it waits for a processor. */
int clock_start(void)
{
    pthread_t thread;
    struct sched_param first = {.sched_priority = 1};
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        return -1;
    return pthread_setschedparam(thread, SCHED_FIFO, &first) == 0;
}

/* The longest gap, in seconds, since this was last called. */
double clock_take(void)
{
    /* A gap is known when it is over. */
    struct timespec pause = {0, 100000};
    long seen = beats;
    while (beats < seen + 2)
        nanosleep(&pause, NULL);
    return atomic_exchange(&longest, 0.0);
}
