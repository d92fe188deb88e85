// Calls that wait: for a lock of another process, or for time to pass while one is polled. And seeded
// randomness.
#include "simulated.h"

#ifdef SIMULATED_WATCHES

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

// Gives others a turn; returns 0, or the error that the wait is to end with.
static int wait_turn(int kind, uint64_t file, uint64_t length) {
    simulated_step step = {.kind = kind, .file = file, .length = length};
    int error = simulated_enter(&step, NULL);
    simulated_leave();
    return error;
}

// MARK: Locks of files

INTERPOSED int flock(int fd, int operation) {
    struct stat info;
    if ((operation & (LOCK_NB | LOCK_UN)) || !simulated_watches(fd, &info))
        return REAL(flock)(fd, operation);
    while (REAL(flock)(fd, operation | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return -1;
        int error = wait_turn(SIMULATED_WAIT_LOCK, info.st_ino, 0);
        if (error) {
            errno = error;
            return -1;
        }
    }
    return 0;
}

static int control_file(int fd, int command, void *argument) {
    struct stat info;
    int waits = command == F_SETLKW || command == F_OFD_SETLKW;
    if (!waits || !simulated_watches(fd, &info)) return REAL(fcntl)(fd, command, argument);
    int attempt = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
    while (REAL(fcntl)(fd, attempt, argument) != 0) {
        if (errno != EAGAIN && errno != EACCES) return -1;
        int error = wait_turn(SIMULATED_WAIT_LOCK, info.st_ino, 0);
        if (error) {
            errno = error;
            return -1;
        }
    }
    return 0;
}

// The argument is a pointer or a number: a pointer holds both.
#define ARGUMENT_AFTER(last)                                                                       \
    va_list arguments;                                                                             \
    va_start(arguments, last);                                                                     \
    void *argument = va_arg(arguments, void *);                                                    \
    va_end(arguments);

INTERPOSED int fcntl(int fd, int command, ...) {
    ARGUMENT_AFTER(command)
    return control_file(fd, command, argument);
}

INTERPOSED int fcntl64(int fd, int command, ...) {
    ARGUMENT_AFTER(command)
    return control_file(fd, command, argument);
}

// MARK: Locks in shared memory

// glibc's PTHREAD_MUTEX_PSHARED_BIT of `__kind` (sysdeps/nptl/pthreadP.h).
enum { IS_SHARED = 128 };

// That its last owner has died is no wait: EOWNERDEAD is returned as it is.
INTERPOSED int pthread_mutex_lock(pthread_mutex_t *mutex) {
    if (!simulated_active() || !(mutex->__data.__kind & IS_SHARED))
        return REAL(pthread_mutex_lock)(mutex);
    for (;;) {
        int status = pthread_mutex_trylock(mutex);
        if (status != EBUSY) return status;
        // LMDB takes an error for a broken environment, so none is given.
        wait_turn(SIMULATED_WAIT_LOCK, 0, 0);
    }
}

// MARK: Pauses

// Whether the code at an address is the program's own. Pauses of Foundation and of libdispatch are
// those of threads in the background.
static int is_own(void *address) {
    static const char here;
    Dl_info own, caller;
    return dladdr(&here, &own) && dladdr(address, &caller) && own.dli_fbase == caller.dli_fbase;
}

#define PAUSES_FOR_TURN() (simulated_active() && is_own(__builtin_return_address(0)))

static uint64_t microseconds(const struct timespec *time) {
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_nsec / 1000;
}

INTERPOSED int usleep(useconds_t duration) {
    if (!PAUSES_FOR_TURN()) return REAL(usleep)(duration);
    wait_turn(SIMULATED_SLEEP, 0, duration);
    return 0;
}

INTERPOSED int nanosleep(const struct timespec *duration, struct timespec *rest) {
    if (!duration || !PAUSES_FOR_TURN()) return REAL(nanosleep)(duration, rest);
    wait_turn(SIMULATED_SLEEP, 0, microseconds(duration));
    if (rest) *rest = (struct timespec){0, 0};
    return 0;
}

INTERPOSED int clock_nanosleep(
    clockid_t clock, int flags, const struct timespec *duration, struct timespec *rest) {
    if (!duration || !PAUSES_FOR_TURN())
        return REAL(clock_nanosleep)(clock, flags, duration, rest);
    wait_turn(SIMULATED_SLEEP, 0, flags & TIMER_ABSTIME ? 0 : microseconds(duration));
    if (rest && !(flags & TIMER_ABSTIME)) *rest = (struct timespec){0, 0};
    return 0;
}

// MARK: Randomness

INTERPOSED ssize_t getrandom(void *buffer, size_t count, unsigned flags) {
    if (!simulated_active()) return REAL(getrandom)(buffer, count, flags);
    simulated_random(buffer, count);
    return (ssize_t)count;
}

INTERPOSED int getentropy(void *buffer, size_t count) {
    if (!simulated_active() || count > 256) return REAL(getentropy)(buffer, count);
    simulated_random(buffer, count);
    return 0;
}

// glibc has these since 2.36; without them nobody calls them here.
#if __GLIBC_PREREQ(2, 36)
INTERPOSED void arc4random_buf(void *buffer, size_t count) {
    if (!simulated_active()) {
        REAL(arc4random_buf)(buffer, count);
        return;
    }
    simulated_random(buffer, count);
}

INTERPOSED uint32_t arc4random(void) {
    if (!simulated_active()) return REAL(arc4random)();
    uint32_t number;
    simulated_random(&number, sizeof number);
    return number;
}

INTERPOSED uint32_t arc4random_uniform(uint32_t limit) {
    if (!simulated_active()) return REAL(arc4random_uniform)(limit);
    uint64_t number;
    simulated_random(&number, sizeof number);
    return limit < 2 ? 0 : (uint32_t)(number % limit);
}
#endif

// Swift's generator asks for random bytes by this one. A call has at most six arguments; as in the C
// library, those that were not given are passed on as they are.
INTERPOSED long syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long values[6];
    for (int index = 0; index < 6; index++) values[index] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_getrandom && simulated_active()) {
        // Swift asks with no buffer whether there is such a call.
        if (values[0] && values[1] > 0) simulated_random((void *)values[0], (size_t)values[1]);
        return values[1];
    }
    return REAL(syscall)(
        number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

#endif
