#pragma once

// Lets system calls of this process fail on demand: Codex's own and liblmdb's.

enum {
    FAULTY_PWRITE = 1,    // write, writev, pwrite, pwritev
    FAULTY_SYNC = 2,      // fdatasync, fsync
    FAULTY_RENAME = 3,    // rename, renameat; renameat2 fails with EINVAL instead
    FAULTY_FALLOCATE = 4, // posix_fallocate
    FAULTY_WRITE_OUT = 5, // sync_file_range
};

/// Lets call number `number` (1 is the next) of a kind fail with `error`; 0 disarms it.
/// If `repeats` is set, all later calls of the kind fail too.
/// Calls count that concern a file whose path ends with `suffix` (any file if it is empty).
void faulty_arm(int kind, int number, int error, int repeats, const char *suffix);

/// How many calls failed since it was armed.
int faulty_count(void);
