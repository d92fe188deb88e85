#include "tasks.h"
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
