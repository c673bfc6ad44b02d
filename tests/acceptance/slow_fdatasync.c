/* A disk whose fdatasync takes SLOW_FDATASYNC_MS longer, for LD_PRELOAD: in the program SLOW_FDATASYNC_OF alone, so that
 * only the store has it and what follows the store keeps up. The write still goes to the disk. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int descriptor)
{
    const char *of = getenv("SLOW_FDATASYNC_OF");
    const char *text = getenv("SLOW_FDATASYNC_MS");

    if (of && text && strncmp(program_invocation_short_name, of, strlen(of)) == 0) {
        long ms = strtol(text, NULL, 10);
        struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

        while (nanosleep(&left, &left) != 0)
            ;
    }
    return (int)syscall(SYS_fdatasync, descriptor);
}
