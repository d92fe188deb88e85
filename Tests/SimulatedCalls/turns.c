// The turns of a process: its control block, its journal, and the driver's side.
#include "simulated.h"

#ifdef __linux__

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

_Atomic int simulated_is_active;

static simulated_control *control;
static uint32_t process;
static pid_t parent;
static int journal = -1;
static dev_t device;
static ino_t control_file, journal_file;
static _Atomic uint64_t random_state;

int simulated_is_available(void) {
#ifdef SIMULATED_WATCHES
    return 1;
#else
    return 0;
#endif
}

static int is_digit(char character) { return character >= '0' && character <= '9'; }

// The real calls: the program's own definitions have turns.
static void simulated_lock(pthread_mutex_t *mutex) { pthread_mutex_lock(mutex); }

static void simulated_pause(void) {
    struct timespec pause = {0, 30000};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
}

// MARK: The driver

void simulated_prepare(simulated_control *block) {
    memset(block, 0, sizeof *block);
    sem_init(&block->turn, 1, 0);
    sem_init(&block->go, 1, 0);
}

// Zombies have ended too; one that somebody has reaped is no child any more.
static int has_ended(pid_t pid) {
    siginfo_t info;
    info.si_pid = 0;
    int status = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (status == 0) return info.si_pid == pid;
    return errno == ECHILD;
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int simulated_run(simulated_control *block, int pid, int seconds) {
    int64_t deadline = nanoseconds() + (int64_t)seconds * 1000000000;
    // One that is told to die gives no turn back.
    int dies = block->decision == SIMULATED_DIE;
    int64_t slice = dies ? 200000 : 5000000;
    sem_post(&block->go);
    for (;;) {
        int64_t until = nanoseconds() + slice;
        struct timespec end = {until / 1000000000, until % 1000000000};
        if (sem_clockwait(&block->turn, CLOCK_MONOTONIC, &end) == 0) return 0;
        if (errno != ETIMEDOUT && errno != EINTR) return errno;
        if (has_ended(pid)) return sem_trywait(&block->turn) == 0 ? 0 : ESRCH;
        if (nanoseconds() >= deadline) return ETIMEDOUT;
    }
}

// MARK: One thread at a time, in an order that does not depend on time

// Threads of the process that are at a scheduling point. One of them goes on once all other threads
// sleep: the thread that began first, and an idle process last. So it does not matter which of
// two threads that run at once comes to its scheduling point first.
enum { THREADS_MAX = 256 };
static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER;
static struct { pid_t thread; int is_idle, is_chosen; } waiting[THREADS_MAX];
static int waiting_count;
// Whether a thread shows its scheduling point to the driver, or makes its call.
static int is_entered;

static int is_waiting(pid_t thread) {
    for (int place = 0; place < waiting_count; place++)
        if (waiting[place].thread == thread) return 1;
    return 0;
}

// Whether a thread of this process runs, or could.
static int runs(const char *thread) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return 0;
    long count = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    if (count <= 0) return 0;
    text[count] = 0;
    // The name before it is in parentheses, and may have some itself.
    const char *name_end = strrchr(text, ')');
    return name_end && (name_end[2] == 'R' || name_end[2] == 'D');
}

// Whether all threads sleep that are at no scheduling point; the queue is locked.
static int is_quiet(void) {
    struct entry { uint64_t file; int64_t next; unsigned short size; unsigned char kind; char name[]; };
    char buffer[8192];
    int folder = (int)syscall(
        SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0) return 1;
    int quiet = 1;
    for (;;) {
        long count = syscall(SYS_getdents64, folder, buffer, sizeof buffer);
        if (count <= 0) break;
        for (long place = 0; place < count && quiet;) {
            const struct entry *entry = (const void *)(buffer + place);
            place += entry->size;
            if (!is_digit(entry->name[0]) || is_waiting((pid_t)atoi(entry->name))) continue;
            if (runs(entry->name)) quiet = 0;
        }
        if (!quiet) break;
    }
    syscall(SYS_close, folder);
    return quiet;
}

static void choose(void) {
    int chosen = 0;
    for (int place = 1; place < waiting_count; place++) {
        int is_earlier = waiting[place].is_idle != waiting[chosen].is_idle
            ? waiting[chosen].is_idle : waiting[place].thread < waiting[chosen].thread;
        if (is_earlier) chosen = place;
    }
    waiting[chosen].is_chosen = 1;
    is_entered = 1;
}

static void queue_enter(int is_idle) {
    pid_t thread = (pid_t)syscall(SYS_gettid);
    int quiet_count = 0;
    simulated_lock(&queue);
    while (waiting_count == THREADS_MAX) {
        pthread_mutex_unlock(&queue);
        simulated_pause();
        simulated_lock(&queue);
    }
    waiting[waiting_count].thread = thread;
    waiting[waiting_count].is_idle = is_idle;
    waiting[waiting_count++].is_chosen = 0;
    for (;;) {
        int own = 0;
        while (waiting[own].thread != thread) own++;
        if (waiting[own].is_chosen) {
            waiting[own] = waiting[--waiting_count];
            pthread_mutex_unlock(&queue);
            return;
        }
        // Twice, since a thread may be about to wake another one.
        quiet_count = !is_entered && is_quiet() ? quiet_count + 1 : 0;
        if (quiet_count == 2) {
            quiet_count = 0;
            choose();
            continue;
        }
        pthread_mutex_unlock(&queue);
        simulated_pause();
        simulated_lock(&queue);
    }
}

void simulated_leave(void) {
    int error = errno;
    simulated_lock(&queue);
    is_entered = 0;
    pthread_mutex_unlock(&queue);
    errno = error;
}

// MARK: The process

static _Noreturn void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "simulated calls: %s: %s\n", what, strerror(errno));
    abort();
}

// A process whose driver has ended ends too.
static void wait_for_go(void) {
    for (;;) {
        int64_t until = nanoseconds() + 2000000000;
        struct timespec end = {until / 1000000000, until % 1000000000};
        if (sem_clockwait(&control->go, CLOCK_MONOTONIC, &end) == 0) break;
        if (errno == ETIMEDOUT && getppid() != parent) die();
        if (errno != ETIMEDOUT && errno != EINTR) give_up("sem_clockwait");
    }
    if (control->decision == SIMULATED_DIE) die();
}

// The process's number differs from run to run, and names of temporary files have it. The driver is
// shown P and the simulated number instead, so that the same seed gives the same trace.
static void show_name(char *shown, const char *name, size_t length) {
    char own[16], other[16];
    size_t own_length = (size_t)snprintf(own, sizeof own, "%d", (int)getpid());
    size_t other_length = (size_t)snprintf(other, sizeof other, "P%u", process);
    size_t count = 0;
    for (size_t index = 0; index < length && count < 255;) {
        int is_own = length - index >= own_length && memcmp(name + index, own, own_length) == 0
            && (index == 0 || !is_digit(name[index - 1]))
            && (index + own_length == length || !is_digit(name[index + own_length]));
        if (is_own) {
            for (size_t place = 0; place < other_length && count < 255; place++)
                shown[count++] = other[place];
            index += own_length;
        } else {
            shown[count++] = name[index++];
        }
    }
    shown[count] = 0;
}

int simulated_enter(const simulated_step *step, uint64_t *limit) {
    int error = errno;
    queue_enter(step->kind == SIMULATED_IDLE);
    control->kind = step->kind;
    control->is_flushable = 0;
    control->file = step->file;
    control->other = step->other;
    control->offset = step->offset;
    control->length = step->length;
    show_name(control->name, step->name ? step->name : "", step->name_length);
    show_name(control->other_name, step->other_name ? step->other_name : "", step->other_name_length);
    control->call_count++;
    sem_post(&control->turn);
    wait_for_go();
    int decision = control->decision, failure = control->error;
    if (decision == SIMULATED_SHORTEN && limit && control->limit < *limit) *limit = control->limit;
    control->decision = SIMULATED_GO;
    errno = error;
    if (decision != SIMULATED_FAIL) return 0;
    return failure > 0 ? failure : EIO;
}

void simulated_idle(void) {
    if (!simulated_active()) return;
    simulated_step step = {.kind = SIMULATED_IDLE};
    simulated_enter(&step, NULL);
    simulated_leave();
}

void simulated_turn(void) {
    if (!simulated_active()) return;
    simulated_step step = {.kind = SIMULATED_STEP};
    simulated_enter(&step, NULL);
    simulated_leave();
}

static void end_in_child(void) {
    atomic_store(&simulated_is_active, 0);
}

void simulated_begin(
    const char *control_path, const char *journal_path, uint32_t number, uint64_t seed) {
    struct stat info;
    int file = (int)syscall(SYS_openat, AT_FDCWD, control_path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0 || fstat(file, &info) != 0) give_up(control_path);
    control_file = info.st_ino;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) give_up(control_path);
    syscall(SYS_close, file);
    control = mapped;
    journal = (int)syscall(
        SYS_openat, AT_FDCWD, journal_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (journal < 0 || fstat(journal, &info) != 0) give_up(journal_path);
    journal_file = info.st_ino;
    device = info.st_dev;
    process = number;
    parent = getppid();
    atomic_store(&random_state, seed);
    pthread_atfork(NULL, NULL, end_in_child);
    wait_for_go();
    control->decision = SIMULATED_GO;
    atomic_store(&simulated_is_active, 1);
}

// MARK: What is watched

int simulated_watches_state(const struct stat *info) {
    return info->st_dev == device && info->st_ino != control_file && info->st_ino != journal_file
        && (S_ISREG(info->st_mode) || S_ISDIR(info->st_mode));
}

int simulated_watches(int descriptor, struct stat *info) {
    if (!simulated_active() || descriptor <= 2 || descriptor == journal) return 0;
    int error = errno;
    int is_watched = fstat(descriptor, info) == 0 && simulated_watches_state(info);
    errno = error;
    return is_watched;
}

static int find(int directory, const char *path, simulated_place *place) {
    struct stat info;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') length--;
    if (length == 0 || length >= 4096) return 0;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') start--;
    place->name = path + start;
    place->length = length - start;
    if (place->length > 255 || (place->length == 1 && place->name[0] == '.')
        || (place->length == 2 && place->name[0] == '.' && place->name[1] == '.'))
        return 0;
    int status;
    if (start > 0) {
        char parent[4096];
        memcpy(parent, path, start);
        parent[start] = 0;
        status = fstatat(directory, parent, &info, 0);
    } else if (directory == AT_FDCWD) {
        status = stat(".", &info);
    } else {
        status = fstat(directory, &info);
    }
    if (status != 0 || !S_ISDIR(info.st_mode) || info.st_dev != device) return 0;
    place->directory = info.st_ino;
    place->exists = fstatat(directory, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
    place->file = place->exists ? info.st_ino : 0;
    place->is_regular = place->exists && S_ISREG(info.st_mode);
    place->size = place->exists ? (uint64_t)info.st_size : 0;
    return !place->exists || (place->file != control_file && place->file != journal_file);
}

int simulated_find(int directory, const char *path, simulated_place *place) {
    if (!simulated_active() || !path) return 0;
    int error = errno;
    int is_watched = find(directory, path, place);
    errno = error;
    return is_watched;
}

// MARK: The journal

static void append(const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        long done = syscall(SYS_write, journal, next, count);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) give_up("the journal");
        next += done;
        count -= (size_t)done;
    }
}

void simulated_record_step(
    const simulated_step *step, int error, const struct iovec *parts, int part_count, size_t count) {
    int before = errno;
    char head[sizeof(simulated_record) + 2 * 257];
    size_t names = step->name_length + step->other_name_length + 2;
    simulated_record record = {
        .byte_count = (uint32_t)(sizeof record + names + count),
        .kind = (uint32_t)step->kind,
        .process = process,
        .error = (uint32_t)error,
        .file = step->file,
        .other = step->other,
        .offset = step->offset,
        .length = step->length,
        .name_length = (uint32_t)step->name_length,
        .other_name_length = (uint32_t)step->other_name_length,
        .data_length = (uint32_t)count,
        .reserved = step->flags,
    };
    char *next = head;
    memcpy(next, &record, sizeof record);
    next += sizeof record;
    if (step->name_length) memcpy(next, step->name, step->name_length);
    next += step->name_length;
    *next++ = 0;
    if (step->other_name_length) memcpy(next, step->other_name, step->other_name_length);
    next += step->other_name_length;
    *next++ = 0;
    append(head, (size_t)(next - head));
    for (int index = 0; index < part_count && count > 0; index++) {
        size_t length = parts[index].iov_len < count ? parts[index].iov_len : count;
        append(parts[index].iov_base, length);
        count -= length;
    }
    errno = before;
}

// MARK: Randomness

// SplitMix64 (Steele, Lea and Flood); an addition is all that threads share.
static uint64_t random_number(void) {
    uint64_t mixed = atomic_fetch_add(&random_state, 0x9E3779B97F4A7C15) + 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

void simulated_random(void *buffer, size_t count) {
    char *next = buffer;
    while (count > 0) {
        uint64_t number = random_number();
        size_t length = count < sizeof number ? count : sizeof number;
        memcpy(next, &number, length);
        next += length;
        count -= length;
    }
}

int simulated_random_file(void) {
    char bytes[4096];
    simulated_random(bytes, sizeof bytes);
    int file = (int)syscall(SYS_memfd_create, "random", MFD_CLOEXEC);
    if (file < 0) return -1;
    for (int count = 0; count < 16; count++) {
        if (syscall(SYS_pwrite64, file, bytes, sizeof bytes, count * (long)sizeof bytes) < 0) break;
        simulated_random(bytes, sizeof bytes);
    }
    return file;
}

#endif
