// Calls that change files and names. Definitions in the program come before the C library's when the
// dynamic linker looks for a symbol, so liblmdb's and Foundation's calls arrive here too.
//
// Each looks first whether it would change a watched file; else it is the C library's call. At its
// scheduling point others run, so what was looked at is looked at again.
#include "simulated.h"

#ifdef SIMULATED_WATCHES

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(int error) {
    errno = error;
    return -1;
}

// MARK: Opening

static simulated_step name_step(int kind, const simulated_place *place) {
    return (simulated_step){
        .kind = kind,
        .file = place->directory,
        .name = place->name,
        .name_length = place->length,
    };
}

// A file without a name.
static int open_unnamed(int directory, const char *path, int flags, mode_t mode) {
    struct stat info;
    int is_watched = fstatat(directory, path, &info, 0) == 0 && simulated_watches_state(&info);
    if (!is_watched) return REAL(openat)(directory, path, flags, mode);
    simulated_step step = {.kind = SIMULATED_CREATE, .file = info.st_ino};
    int error = simulated_enter(&step, NULL);
    int made = error ? fail(error) : REAL(openat)(directory, path, flags, mode);
    if (made >= 0 && fstat(made, &info) == 0) {
        step.other = info.st_ino;
        simulated_record_step(&step, 0, NULL, 0, 0);
    }
    simulated_leave();
    return made;
}

static int open_file(int directory, const char *path, int flags, mode_t mode) {
    if (!simulated_active() || !path) return REAL(openat)(directory, path, flags, mode);
    if (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0) {
        int file = simulated_random_file();
        if (file >= 0) return file;
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) return open_unnamed(directory, path, flags, mode);
    simulated_place place;
    if (!(flags & (O_CREAT | O_TRUNC)) || !simulated_find(directory, path, &place))
        return REAL(openat)(directory, path, flags, mode);
    int creates = (flags & O_CREAT) && !place.exists;
    int empties = (flags & O_TRUNC) && place.is_regular && place.size > 0
        && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    if (!creates && !empties) return REAL(openat)(directory, path, flags, mode);

    simulated_step step = name_step(SIMULATED_CREATE, &place);
    if (empties) step = (simulated_step){.kind = SIMULATED_RESIZE, .file = place.file};
    int error = simulated_enter(&step, NULL);
    if (error) {
        simulated_leave();
        return fail(error);
    }
    int was_found = simulated_find(directory, path, &place);
    int opened = REAL(openat)(directory, path, flags, mode);
    struct stat info;
    if (opened >= 0 && was_found && fstat(opened, &info) == 0) {
        if (!place.exists) {
            step = name_step(SIMULATED_CREATE, &place);
            step.other = info.st_ino;
            simulated_record_step(&step, 0, NULL, 0, 0);
        } else if ((flags & O_TRUNC) && place.size > 0) {
            step = (simulated_step){.kind = SIMULATED_RESIZE, .file = info.st_ino};
            simulated_record_step(&step, 0, NULL, 0, 0);
        }
    }
    simulated_leave();
    return opened;
}

static int has_mode(int flags) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if (has_mode(flags)) {                                                                         \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = (mode_t)va_arg(arguments, unsigned);                                                \
        va_end(arguments);                                                                         \
    }

INTERPOSED int open(const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_file(AT_FDCWD, path, flags, mode);
}

INTERPOSED int open64(const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_file(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

INTERPOSED int openat(int directory, const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_file(directory, path, flags, mode);
}

INTERPOSED int openat64(int directory, const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_file(directory, path, flags | O_LARGEFILE, mode);
}

INTERPOSED int creat(const char *path, mode_t mode) {
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

INTERPOSED int creat64(const char *path, mode_t mode) {
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode);
}

// MARK: Writing

enum { AT_POSITION = -1 };

static ssize_t put(int fd, const struct iovec *parts, int count, off_t offset) {
    if (count == 1) {
        return offset == AT_POSITION
            ? REAL(write)(fd, parts->iov_base, parts->iov_len)
            : REAL(pwrite)(fd, parts->iov_base, parts->iov_len, offset);
    }
    return offset == AT_POSITION ? REAL(writev)(fd, parts, count)
                                 : REAL(pwritev)(fd, parts, count, offset);
}

// Where a write goes.
static uint64_t target(int fd, int status, off_t offset) {
    struct stat info;
    if ((status & O_APPEND) && fstat(fd, &info) == 0) return (uint64_t)info.st_size;
    return (uint64_t)(offset == AT_POSITION ? lseek(fd, 0, SEEK_CUR) : offset);
}

static ssize_t put_part(
    int fd, const struct iovec *parts, int count, off_t offset, uint64_t limit) {
    struct iovec cut[IOV_MAX];
    int kept = 0;
    uint64_t rest = limit;
    for (; kept < count && rest > 0; kept++) {
        cut[kept] = parts[kept];
        if (cut[kept].iov_len > rest) cut[kept].iov_len = rest;
        rest -= cut[kept].iov_len;
    }
    return kept == 0 ? 0 : put(fd, cut, kept, offset);
}

// A lock's file gets the number of its process, whose length differs from run to run: the driver is
// shown the same length always.
enum { NUMBER_LENGTH = 8 };

static int is_own_number(const struct iovec *part) {
    char own[16];
    size_t length = (size_t)snprintf(own, sizeof own, "%d\n", (int)getpid());
    return part->iov_len == length && memcmp(part->iov_base, own, length) == 0;
}

static ssize_t write_file(int fd, const struct iovec *parts, int count, off_t offset) {
    struct stat info;
    if (count < 1 || count > IOV_MAX || !simulated_watches(fd, &info) || !S_ISREG(info.st_mode))
        return put(fd, parts, count, offset);
    uint64_t length = 0;
    for (int index = 0; index < count; index++) length += parts[index].iov_len;
    int status = REAL(fcntl)(fd, F_GETFL);
    if (length == 0 || length > SSIZE_MAX || status < 0 || (status & O_ACCMODE) == O_RDONLY)
        return put(fd, parts, count, offset);

    simulated_step step = {
        .kind = SIMULATED_WRITE,
        .file = info.st_ino,
        .offset = target(fd, status, offset),
        .length = count == 1 && is_own_number(parts) ? NUMBER_LENGTH : length,
        .flags = (status & O_DSYNC) ? SIMULATED_THROUGH : 0,
    };
    uint64_t limit = length;
    int error = simulated_enter(&step, &limit);
    if (error) {
        simulated_leave();
        return fail(error);
    }
    step.offset = target(fd, status, offset);
    ssize_t done =
        limit < length ? put_part(fd, parts, count, offset, limit) : put(fd, parts, count, offset);
    if (done > 0) {
        step.length = (uint64_t)done;
        simulated_record_step(&step, 0, parts, count, (size_t)done);
    }
    simulated_leave();
    return done;
}

INTERPOSED ssize_t write(int fd, const void *buffer, size_t count) {
    if (!simulated_active()) return REAL(write)(fd, buffer, count);
    struct iovec part = {(void *)buffer, count};
    return write_file(fd, &part, 1, AT_POSITION);
}

INTERPOSED ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!simulated_active()) return REAL(writev)(fd, parts, count);
    return write_file(fd, parts, count, AT_POSITION);
}

INTERPOSED ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset) {
    if (!simulated_active() || offset < 0) return REAL(pwrite)(fd, buffer, count, offset);
    struct iovec part = {(void *)buffer, count};
    return write_file(fd, &part, 1, offset);
}

INTERPOSED ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset) {
    if (!simulated_active() || offset < 0) return REAL(pwrite64)(fd, buffer, count, offset);
    struct iovec part = {(void *)buffer, count};
    return write_file(fd, &part, 1, (off_t)offset);
}

INTERPOSED ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (!simulated_active() || offset < 0) return REAL(pwritev)(fd, parts, count, offset);
    return write_file(fd, parts, count, offset);
}

INTERPOSED ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    if (!simulated_active() || offset < 0) return REAL(pwritev64)(fd, parts, count, offset);
    return write_file(fd, parts, count, (off_t)offset);
}

// MARK: Flushing

// The simulated disk decides what a flush makes safe, so the device is spared.
static int flush(const struct stat *info) {
    simulated_step step = {
        .kind = S_ISDIR(info->st_mode) ? SIMULATED_FLUSH_NAMES : SIMULATED_FLUSH,
        .file = info->st_ino,
    };
    int error = simulated_enter(&step, NULL);
    simulated_record_step(&step, error, NULL, 0, 0);
    simulated_leave();
    return error ? fail(error) : 0;
}

INTERPOSED int fsync(int fd) {
    struct stat info;
    return simulated_watches(fd, &info) ? flush(&info) : REAL(fsync)(fd);
}

INTERPOSED int fdatasync(int fd) {
    struct stat info;
    return simulated_watches(fd, &info) ? flush(&info) : REAL(fdatasync)(fd);
}

// MARK: Lengths

static int resize(int fd, off_t length) {
    struct stat info;
    if (length < 0 || !simulated_watches(fd, &info) || !S_ISREG(info.st_mode))
        return REAL(ftruncate)(fd, length);
    simulated_step step = {
        .kind = SIMULATED_RESIZE, .file = info.st_ino, .length = (uint64_t)length};
    int error = simulated_enter(&step, NULL);
    int status = error ? fail(error) : REAL(ftruncate)(fd, length);
    if (status == 0) simulated_record_step(&step, 0, NULL, 0, 0);
    simulated_leave();
    return status;
}

INTERPOSED int ftruncate(int fd, off_t length) { return resize(fd, length); }

INTERPOSED int ftruncate64(int fd, off64_t length) { return resize(fd, (off_t)length); }

// Returns 0 or an error.
static int allocate(int fd, int mode, off_t offset, off_t length) {
    struct stat info;
    if (offset < 0 || length <= 0 || !simulated_watches(fd, &info) || !S_ISREG(info.st_mode))
        return REAL(fallocate)(fd, mode, offset, length) == 0 ? 0 : errno;
    // The other modes change what is in the file.
    if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE) return EOPNOTSUPP;
    simulated_step step = {
        .kind = SIMULATED_ALLOCATE,
        .file = info.st_ino,
        .offset = (uint64_t)offset,
        .length = (uint64_t)length,
    };
    int error = simulated_enter(&step, NULL);
    if (!error) error = REAL(fallocate)(fd, mode, offset, length) == 0 ? 0 : errno;
    if (!error && mode == 0) simulated_record_step(&step, 0, NULL, 0, 0);
    simulated_leave();
    return error;
}

static int posix_allocate(int fd, off_t offset, off_t length) {
    struct stat info;
    if (!simulated_watches(fd, &info)) return REAL(posix_fallocate)(fd, offset, length);
    int before = errno;
    int error = allocate(fd, 0, offset, length);
    errno = before;
    return error;
}

INTERPOSED int posix_fallocate(int fd, off_t offset, off_t length) {
    return posix_allocate(fd, offset, length);
}

INTERPOSED int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    return posix_allocate(fd, (off_t)offset, (off_t)length);
}

INTERPOSED int fallocate(int fd, int mode, off_t offset, off_t length) {
    int error = allocate(fd, mode, offset, length);
    return error ? fail(error) : 0;
}

INTERPOSED int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    int error = allocate(fd, mode, (off_t)offset, (off_t)length);
    return error ? fail(error) : 0;
}

// MARK: Names

static simulated_step rename_step(
    const simulated_place *from, const simulated_place *to, unsigned flags) {
    simulated_step step = name_step(SIMULATED_RENAME, from);
    step.other = to->directory;
    step.other_name = to->name;
    step.other_name_length = to->length;
    step.flags = (flags & RENAME_EXCHANGE) ? SIMULATED_EXCHANGE : 0;
    return step;
}

static int rename_name(
    int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    simulated_place old, new;
    int is_watched = simulated_find(from_directory, from, &old) && old.exists
        && simulated_find(to_directory, to, &new);
    if (!is_watched) {
        return flags ? REAL(renameat2)(from_directory, from, to_directory, to, flags)
                     : REAL(renameat)(from_directory, from, to_directory, to);
    }
    simulated_step step = rename_step(&old, &new, flags);
    int error = simulated_enter(&step, NULL);
    if (error) {
        simulated_leave();
        return fail(error);
    }
    // Two names of one file stay as they are (POSIX).
    int changes = simulated_find(from_directory, from, &old)
        && simulated_find(to_directory, to, &new) && !(new.exists && new.file == old.file);
    int status = flags ? REAL(renameat2)(from_directory, from, to_directory, to, flags)
                       : REAL(renameat)(from_directory, from, to_directory, to);
    if (status == 0 && changes) {
        step = rename_step(&old, &new, flags);
        simulated_record_step(&step, 0, NULL, 0, 0);
    }
    simulated_leave();
    return status;
}

INTERPOSED int rename(const char *from, const char *to) {
    return rename_name(AT_FDCWD, from, AT_FDCWD, to, 0);
}

INTERPOSED int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return rename_name(from_directory, from, to_directory, to, 0);
}

INTERPOSED int renameat2(
    int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return rename_name(from_directory, from, to_directory, to, flags);
}

static int remove_name(int directory, const char *path, int flags) {
    simulated_place place;
    if (!simulated_find(directory, path, &place) || !place.exists)
        return REAL(unlinkat)(directory, path, flags);
    simulated_step step = name_step(SIMULATED_REMOVE, &place);
    step.other = place.file;
    int error = simulated_enter(&step, NULL);
    if (error) {
        simulated_leave();
        return fail(error);
    }
    int was_found = simulated_find(directory, path, &place);
    int status = REAL(unlinkat)(directory, path, flags);
    if (status == 0 && was_found) {
        step = name_step(SIMULATED_REMOVE, &place);
        step.other = place.file;
        simulated_record_step(&step, 0, NULL, 0, 0);
    }
    simulated_leave();
    return status;
}

INTERPOSED int unlink(const char *path) { return remove_name(AT_FDCWD, path, 0); }

INTERPOSED int unlinkat(int directory, const char *path, int flags) {
    return remove_name(directory, path, flags);
}

INTERPOSED int rmdir(const char *path) { return remove_name(AT_FDCWD, path, AT_REMOVEDIR); }

static int make_directory(int directory, const char *path, mode_t mode) {
    simulated_place place;
    if (!simulated_find(directory, path, &place) || place.exists)
        return REAL(mkdirat)(directory, path, mode);
    simulated_step step = name_step(SIMULATED_MAKE_DIRECTORY, &place);
    int error = simulated_enter(&step, NULL);
    int status = error ? fail(error) : REAL(mkdirat)(directory, path, mode);
    if (status == 0 && simulated_find(directory, path, &place) && place.exists) {
        step = name_step(SIMULATED_MAKE_DIRECTORY, &place);
        step.other = place.file;
        simulated_record_step(&step, 0, NULL, 0, 0);
    }
    simulated_leave();
    return status;
}

INTERPOSED int mkdir(const char *path, mode_t mode) {
    return make_directory(AT_FDCWD, path, mode);
}

INTERPOSED int mkdirat(int directory, const char *path, mode_t mode) {
    return make_directory(directory, path, mode);
}

// A further name of a file: the driver sees a name that is made.
static int link_name(
    int from_directory, const char *from, int to_directory, const char *to, int flags) {
    simulated_place place;
    if (!simulated_find(to_directory, to, &place) || place.exists)
        return REAL(linkat)(from_directory, from, to_directory, to, flags);
    simulated_step step = name_step(SIMULATED_CREATE, &place);
    int error = simulated_enter(&step, NULL);
    int status = error ? fail(error) : REAL(linkat)(from_directory, from, to_directory, to, flags);
    if (status == 0 && simulated_find(to_directory, to, &place) && place.exists) {
        step = name_step(SIMULATED_CREATE, &place);
        step.other = place.file;
        step.flags = SIMULATED_LINK;
        simulated_record_step(&step, 0, NULL, 0, 0);
    }
    simulated_leave();
    return status;
}

INTERPOSED int link(const char *from, const char *to) {
    return link_name(AT_FDCWD, from, AT_FDCWD, to, 0);
}

INTERPOSED int linkat(
    int from_directory, const char *from, int to_directory, const char *to, int flags) {
    return link_name(from_directory, from, to_directory, to, flags);
}

#endif
