// Definitions in the program come before the C library's when the dynamic linker looks for a
// symbol, so liblmdb's calls arrive here too.
#define _GNU_SOURCE
#include "FaultyCalls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int armed_kind, countdown, armed_error, armed_repeats, failed;
static char armed_suffix[512];

void faulty_arm(int kind, int number, int error, int repeats, const char *suffix) {
    pthread_mutex_lock(&lock);
    armed_kind = kind;
    countdown = number;
    armed_error = error;
    armed_repeats = repeats;
    failed = 0;
    snprintf(armed_suffix, sizeof armed_suffix, "%s", suffix);
    pthread_mutex_unlock(&lock);
}

int faulty_count(void) {
    pthread_mutex_lock(&lock);
    int count = failed;
    pthread_mutex_unlock(&lock);
    return count;
}

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), count = strlen(end);
    return count <= length && strcmp(text + length - count, end) == 0;
}

// 0, or the error to fail with.
static int fault(int kind, int fd, const char *path) {
    pthread_mutex_lock(&lock);
    int error = 0;
    if (kind == armed_kind && countdown > 0) {
        char link[64], target[1024];
        if (!path) {
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t count = readlink(link, target, sizeof target - 1);
            target[count < 0 ? 0 : count] = 0;
            path = target;
        }
        if (ends_with(path, armed_suffix)) {
            if (countdown > 1) {
                countdown--;
            } else {
                error = armed_error;
                failed++;
                if (!armed_repeats) countdown = 0;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(pwrite)(fd, buffer, count, offset);
}

ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(pwrite64)(fd, buffer, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(pwritev)(fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(pwritev64)(fd, parts, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(writev)(fd, parts, count);
}

ssize_t write(int fd, const void *buffer, size_t count) {
    int error = fault(FAULTY_PWRITE, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(write)(fd, buffer, count);
}

int fdatasync(int fd) {
    int error = fault(FAULTY_SYNC, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(fdatasync)(fd);
}

int fsync(int fd) {
    int error = fault(FAULTY_SYNC, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(fsync)(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned int flags) {
    int error = fault(FAULTY_WRITE_OUT, fd, NULL);
    if (error) { errno = error; return -1; }
    return REAL(sync_file_range)(fd, offset, count, flags);
}

int rename(const char *from, const char *to) {
    int error = fault(FAULTY_RENAME, -1, to);
    if (error) { errno = error; return -1; }
    return REAL(rename)(from, to);
}

// The path of a name in an open directory.
static const char *path_in(int directory, const char *name, char *buffer, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t count = name[0] == '/' ? -1 : readlink(link, buffer, size - strlen(name) - 2);
    if (count < 0) return name;
    buffer[count] = '/';
    strcpy(buffer + count + 1, name);
    return buffer;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    char buffer[2048];
    int error = fault(FAULTY_RENAME, -1, path_in(to_directory, to, buffer, sizeof buffer));
    if (error) { errno = error; return -1; }
    return REAL(renameat)(from_directory, from, to_directory, to);
}

// Not there where a rename is to fail, so that this is what is called.
int renameat2(
    int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    char buffer[2048];
    const char *path = path_in(to_directory, to, buffer, sizeof buffer);
    pthread_mutex_lock(&lock);
    int is_armed =
        armed_kind == FAULTY_RENAME && countdown > 0 && ends_with(path, armed_suffix);
    pthread_mutex_unlock(&lock);
    if (is_armed) { errno = EINVAL; return -1; }
    return REAL(renameat2)(from_directory, from, to_directory, to, flags);
}

int posix_fallocate(int fd, off_t offset, off_t count) {
    int error = fault(FAULTY_FALLOCATE, fd, NULL);
    if (error) return error;
    return REAL(posix_fallocate)(fd, offset, count);
}
