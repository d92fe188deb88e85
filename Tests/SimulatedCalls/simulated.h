// What the files of this target share.
#ifndef SIMULATED_H
#define SIMULATED_H
#define _GNU_SOURCE
#include "SimulatedCalls.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

// Of another executable's C library there is nothing to come before. The thread sanitizer and the
// address sanitizer define the same calls, also weak, and the linker takes the first ones.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SIMULATED_IS_SANITIZED 1
#endif
#endif
#if defined(__linux__) && defined(__GLIBC__) && !defined(SIMULATED_IS_SANITIZED)
#define SIMULATED_WATCHES 1
#endif

// Weak, since the program of all tests has those of FaultyCalls too. A weak definition of a program
// comes before the C library's all the same.
#define INTERPOSED __attribute__((weak, visibility("default")))

// The C library's function, looked up once.
#define REAL(name)                                                                                 \
    ({                                                                                             \
        static _Atomic(void *) found;                                                              \
        void *address = atomic_load_explicit(&found, memory_order_relaxed);                        \
        if (!address) {                                                                            \
            address = dlsym(RTLD_NEXT, #name);                                                     \
            atomic_store_explicit(&found, address, memory_order_relaxed);                          \
        }                                                                                          \
        (__typeof__(&name))address;                                                                \
    })

#ifdef __linux__

/// Whether simulated_begin was called in this process.
extern _Atomic int simulated_is_active;

/// A name in a directory.
typedef struct {
    uint64_t directory;      // st_ino.
    const char *name;        // Its last part, not terminated where the path goes on with slashes.
    size_t length;
    int exists;
    uint64_t file;           // st_ino of what has the name.
    int is_regular;
    uint64_t size;
} simulated_place;

static inline int simulated_active(void) {
    return atomic_load_explicit(&simulated_is_active, memory_order_relaxed);
}

/// Whether a descriptor is of a watched file or directory; gives its state.
int simulated_watches(int descriptor, struct stat *info);

/// Whether something with this state is on the watched device.
int simulated_watches_state(const struct stat *info);

/// Finds the place of a path; 0 if its directory is not watched. `errno` stays.
int simulated_find(int directory, const char *path, simulated_place *place);

/// What the driver is told at a scheduling point, and what the journal is told after it.
typedef struct {
    int kind;
    uint64_t file, other, offset, length;
    const char *name;
    size_t name_length;
    const char *other_name;
    size_t other_name_length;
    uint32_t flags;          // `reserved` of the record.
} simulated_step;

/// A scheduling point, from here to simulated_leave one of this process at a time.
///
/// Returns 0 to go on, or the error to fail with. `limit`, if not NULL, gets how many bytes to write.
int simulated_enter(const simulated_step *step, uint64_t *limit);

/// Ends what simulated_enter began; `errno` stays.
void simulated_leave(void);

/// Appends a record, between simulated_enter and simulated_leave; `errno` stays.
void simulated_record_step(
    const simulated_step *step, int error, const struct iovec *parts, int part_count, size_t count);

/// Seeded bytes.
void simulated_random(void *buffer, size_t count);

/// A descriptor that reads as seeded bytes, or -1.
int simulated_random_file(void);

#endif
#endif
