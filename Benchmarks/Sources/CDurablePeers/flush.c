#include "tasks.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Apple's fsync does not reach the disk, and it declares no fdatasync; F_FULLFSYNC is what counts.
static int flush(int file) {
#ifdef __APPLE__
    return fcntl(file, F_FULLFSYNC);
#else
    return fdatasync(file);
#endif
}

double durable_flush_seconds(const char *path, size_t count) {
    static uint8_t page[4096];
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0) fail("the flush", "open", path);
    // The file has all its blocks before the clock runs.
    memset(page, 1, sizeof page);
    for (size_t i = 0; i < count; i++) {
        if (pwrite(file, page, sizeof page, (off_t)(i * sizeof page)) != sizeof page) {
            fail("the flush", "pwrite", path);
        }
    }
    if (fsync(file) != 0) fail("the flush", "fsync", path);
    memset(page, 2, sizeof page);
    uint64_t start = durable_now();
    for (size_t i = 0; i < count; i++) {
        if (pwrite(file, page, sizeof page, (off_t)(i * sizeof page)) != sizeof page ||
            flush(file) != 0) {
            fail("the flush", "fdatasync", path);
        }
    }
    double seconds = (double)(durable_now() - start) / 1e9 / (double)count;
    close(file);
    unlink(path);
    return seconds;
}

size_t durable_flush_times(const char *path, size_t bytes, double rate, double seconds,
                           uint64_t *times, size_t capacity) {
    // As large as a segment of Codex's log.
    const size_t size = (size_t)16 << 20;
    if (bytes == 0 || bytes > size || !(rate > 0)) fail("the flush", "the rate", path);
    uint8_t *block = allocate(size);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0) fail("the flush", "open", path);
    memset(block, 1, size);
    if (pwrite(file, block, size, 0) != (ssize_t)size || fsync(file) != 0) {
        fail("the flush", "pwrite", path);
    }
    memset(block, 2, size);
    uint64_t begin = durable_now(), end = begin + (uint64_t)(seconds * 1e9);
    size_t count = 0, offset = 0;
    while (count < capacity) {
        uint64_t due = begin + (uint64_t)((double)count * 1e9 / rate), now = durable_now();
        if (due >= end || now >= end) break;
        if (due > now) {
            struct timespec rest = {(time_t)((due - now) / 1000000000),
                                    (long)((due - now) % 1000000000)};
            while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {}
        }
        if (offset + bytes > size) offset = 0;
        uint64_t start = durable_now();
        if (pwrite(file, block, bytes, (off_t)offset) != (ssize_t)bytes || flush(file) != 0) {
            fail("the flush", "fdatasync", path);
        }
        times[count++] = durable_now() - start;
        offset += bytes;
    }
    close(file);
    unlink(path);
    free(block);
    return count;
}
