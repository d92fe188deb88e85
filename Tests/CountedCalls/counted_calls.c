#include "counted_calls.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_long allocations;

long counted_allocations(void) { return atomic_load(&allocations); }

__attribute__((noinline)) void counted_run(void (*body)(void *), void *context) {
    body(context);
    // Not a tail call, or the frame would be gone before the body begins.
    __asm__ volatile("" ::: "memory");
}

#if defined(__GLIBC__)
// An executable's own functions come before those of glibc, which has these names for its own.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static void count(void) { atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed); }

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
    count();
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    count();
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : 12; // ENOMEM
}
#endif
