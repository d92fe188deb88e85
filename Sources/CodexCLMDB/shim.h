// Makes liblmdb importable. Only what Swift cannot import by itself is wrapped here.
#ifndef CODEX_CLMDB_SHIM_H
#define CODEX_CLMDB_SHIM_H
#include <fcntl.h>
#include <lmdb.h>
#include <unistd.h>

// LMDB 1.0 has other formats of its files, and neither version reads the other's. Of 0.9, the patches
// from 70 on are development versions with other formats. See Docs/Format.md, "Versions of LMDB".
#if MDB_VERSION_MAJOR != 0 || MDB_VERSION_MINOR != 9 || MDB_VERSION_PATCH >= 70
#error "Codex needs liblmdb 0.9, and this is the lmdb.h of another version. Install 0.9 beside it, and build with -Xcc -I<its include> -Xlinker -L<its lib>: see Docs/Format.md, Versions of LMDB."
#endif

// MDB_VERSION_FULL is a function-like macro, which Swift does not import.
static inline int codex_mdb_header_version(void) { return MDB_VERSION_FULL; }

// Swift has no way to ask for memory that will soon be read.
static inline void codex_prefetch(const void *start, size_t length) {
    const char *bytes = (const char *)start;
    for (size_t offset = 0; offset < length; offset += 64) __builtin_prefetch(bytes + offset);
}

// Lets the system not cache what is written, as liblmdb does with a copy whose file it makes itself: that
// needs whole pages of memory. The C library shows O_DIRECT only to programs that ask for GNU's extensions.
static inline void codex_write_uncached(int descriptor, long page_size) {
#if defined(__O_DIRECT)
    int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && page_size >= sysconf(_SC_PAGESIZE))
        (void)fcntl(descriptor, F_SETFL, flags | __O_DIRECT);
#elif defined(F_NOCACHE)
    (void)page_size;
    (void)fcntl(descriptor, F_NOCACHE, 1);
#else
    (void)descriptor;
    (void)page_size;
#endif
}

#endif
