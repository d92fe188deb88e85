// Makes liblmdb importable. Only what Swift cannot import by itself is wrapped here.
#ifndef CODEX_CLMDB_SHIM_H
#define CODEX_CLMDB_SHIM_H
#include <lmdb.h>

// MDB_VERSION_FULL is a function-like macro, which Swift does not import.
static inline int codex_mdb_header_version(void) { return MDB_VERSION_FULL; }

#endif
