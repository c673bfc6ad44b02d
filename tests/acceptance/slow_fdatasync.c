/* A disk whose fdatasync takes SLOW_FDATASYNC_MS longer, for LD_PRELOAD. The write still goes to the disk. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int descriptor)
{
    const char *text = getenv("SLOW_FDATASYNC_MS");
    long ms = text ? strtol(text, NULL, 10) : 0;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    while (ms > 0 && nanosleep(&left, &left) != 0)
        ;
    return (int)syscall(SYS_fdatasync, descriptor);
}
