// Makes liblmdb importable. Only what Swift cannot import by itself is wrapped here.
#ifndef CODEX_CLMDB_SHIM_H
#define CODEX_CLMDB_SHIM_H
#include <lmdb.h>

// MDB_VERSION_FULL is a function-like macro, which Swift does not import.
static inline int codex_mdb_header_version(void) { return MDB_VERSION_FULL; }

// Swift has no way to ask for memory that will soon be read.
static inline void codex_prefetch(const void *start, size_t length) {
    const char *bytes = (const char *)start;
    for (size_t offset = 0; offset < length; offset += 64) __builtin_prefetch(bytes + offset);
}

#endif
