// For syscall().
#define _GNU_SOURCE
#include "HostCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// The one who waits for the parent's end looks at a socket that its descendants have open.
static void close_sockets(void) {
    for (int descriptor = 3; descriptor < 1024; descriptor++) {
        struct stat info;
        if (fstat(descriptor, &info) == 0 && S_ISSOCK(info.st_mode)) close(descriptor);
    }
}

int host_fork_and_wait(void) {
    pid_t child = fork();
    if (child != 0) return (int)child;
    close_sockets();
    alarm(60);
    for (;;) pause();
}

int host_fork_and_call(int (*body)(void *), void *context) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        alarm(10);
        _exit(body(context));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

long host_set_descriptor_limit(long count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = count == 0 ? limit.rlim_max : (rlim_t)count;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    return (long)limit.rlim_cur;
}

int host_become(unsigned user, unsigned group, unsigned shared_group) {
    gid_t groups[1] = {shared_group};
    if (setgroups(1, groups) != 0 || setgid(group) != 0 || setuid(user) != 0) return -1;
#ifdef __linux__
    // A process that was another user's cannot read its own descriptors in /proc otherwise.
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return -1;
#endif
    return 0;
}

int host_lock_for_reading(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    // The lock is held as long as the process lives.
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

static char doomed_part[256];

void host_die_at_mode(const char *part) {
    snprintf(doomed_part, sizeof doomed_part, "%s", part);
}

#ifdef __linux__
// Takes the place of the C library's in the program that has it.
int fchmod(int descriptor, mode_t mode) {
    if (doomed_part[0]) {
        char link[64], path[1024];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t count = readlink(link, path, sizeof path - 1);
        path[count < 0 ? 0 : count] = 0;
        if (strstr(path, doomed_part)) kill(getpid(), SIGKILL);
    }
    return (int)syscall(SYS_fchmod, descriptor, mode);
}
#endif
