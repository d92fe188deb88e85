/* Serves a block image as a file, and records what reaches it, in order.
 *
 *     recorder IMAGE RECORD MOUNTPOINT
 *
 * MOUNTPOINT gets two files. `image` has the bytes of IMAGE: a write is made in IMAGE and recorded,
 * and fsync is recorded as a flush. What is written to `marks` is only recorded, before the write
 * returns. So a program whose output is `marks` places each line among the writes and flushes.
 *
 * RECORD begins with the magic bytes and the size of IMAGE (64 bits). A record has its kind and the
 * number of its bytes (32 bits each), an offset (64 bits), then the bytes. All numbers are little
 * endian. record.py reads it.
 *
 * One thread serves all requests, so that RECORD has the order of their answers. The kernel caches
 * nothing of the files (direct_io), so that a write is recorded before its sender is answered.
 * Punching holes is not supported: the kernel then writes zeros. Without an error the recorder
 * runs until MOUNTPOINT is unmounted.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 31
#define _FILE_OFFSET_BITS 64

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { KIND_WRITE = 1, KIND_FLUSH = 2, KIND_MARK = 3 };

static const char MAGIC[] = "CODEXBR1";
static const char IMAGE_PATH[] = "/image";
static const char MARKS_PATH[] = "/marks";

static int image_file = -1;
static int record_file = -1;
/* An error of RECORD. From then on, requests fail: the record is not complete. */
static int failure = 0;

struct header {
    uint32_t kind;
    uint32_t count;
    uint64_t offset;
};

/* Writes all bytes of two buffers to RECORD; returns 0 or a negative error. */
static int append(const void *head, size_t head_count, const void *data, size_t data_count) {
    struct iovec parts[2] = {
        {.iov_base = (void *)head, .iov_len = head_count},
        {.iov_base = (void *)data, .iov_len = data_count},
    };
    while (failure == 0 && parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t written = writev(record_file, parts, 2);
        if (written < 0) {
            if (errno == EINTR) continue;
            failure = -errno;
            fprintf(stderr, "recorder: the record cannot be written: %s\n", strerror(errno));
            break;
        }
        for (int part = 0; part < 2; part++) {
            size_t taken = (size_t)written < parts[part].iov_len ? (size_t)written : parts[part].iov_len;
            parts[part].iov_base = (char *)parts[part].iov_base + taken;
            parts[part].iov_len -= taken;
            written -= (ssize_t)taken;
        }
    }
    return failure;
}

static int record(enum kind kind, off_t offset, const void *data, size_t count) {
    struct header header = {
        .kind = htole32(kind),
        .count = htole32((uint32_t)count),
        .offset = htole64((uint64_t)offset),
    };
    return append(&header, sizeof header, data, count);
}

static int is_image(const char *path) { return strcmp(path, IMAGE_PATH) == 0; }
static int is_marks(const char *path) { return strcmp(path, MARKS_PATH) == 0; }

static void *serve_init(struct fuse_conn_info *connection, struct fuse_config *config) {
    (void)connection;
    config->direct_io = 1;
    config->kernel_cache = 0;
    return NULL;
}

static int serve_getattr(const char *path, struct stat *attributes, struct fuse_file_info *file) {
    (void)file;
    memset(attributes, 0, sizeof *attributes);
    if (strcmp(path, "/") == 0) {
        attributes->st_mode = S_IFDIR | 0700;
        attributes->st_nlink = 2;
        return 0;
    }
    if (!is_image(path) && !is_marks(path)) return -ENOENT;
    attributes->st_mode = S_IFREG | 0600;
    attributes->st_nlink = 1;
    if (is_image(path)) {
        struct stat image;
        if (fstat(image_file, &image) != 0) return -errno;
        attributes->st_size = image.st_size;
        attributes->st_blocks = image.st_blocks;
    }
    return 0;
}

static int serve_open(const char *path, struct fuse_file_info *file) {
    if (!is_image(path) && !is_marks(path)) return -ENOENT;
    file->direct_io = 1;
    return 0;
}

static int serve_read(
    const char *path, char *buffer, size_t count, off_t offset, struct fuse_file_info *file) {
    (void)file;
    if (is_marks(path)) return 0;
    ssize_t got = pread(image_file, buffer, count, offset);
    return got < 0 ? -errno : (int)got;
}

static int serve_write(
    const char *path, const char *data, size_t count, off_t offset, struct fuse_file_info *file) {
    (void)file;
    if (is_marks(path)) {
        int result = record(KIND_MARK, 0, data, count);
        return result < 0 ? result : (int)count;
    }
    for (size_t done = 0; done < count;) {
        ssize_t written = pwrite(image_file, data + done, count - done, offset + (off_t)done);
        if (written < 0 && errno != EINTR) return -errno;
        if (written > 0) done += (size_t)written;
    }
    int result = record(KIND_WRITE, offset, data, count);
    return result < 0 ? result : (int)count;
}

static int serve_fsync(const char *path, int only_data, struct fuse_file_info *file) {
    (void)only_data;
    (void)file;
    return is_image(path) ? record(KIND_FLUSH, 0, NULL, 0) : 0;
}

static const struct fuse_operations OPERATIONS = {
    .init = serve_init,
    .getattr = serve_getattr,
    .open = serve_open,
    .read = serve_read,
    .write = serve_write,
    .fsync = serve_fsync,
};

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: recorder IMAGE RECORD MOUNTPOINT\n");
        return 64;
    }
    image_file = open(words[1], O_RDWR | O_CLOEXEC);
    if (image_file < 0) {
        fprintf(stderr, "recorder: the image %s cannot be opened: %s\n", words[1], strerror(errno));
        return 1;
    }
    record_file = open(words[2], O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (record_file < 0) {
        fprintf(stderr, "recorder: the record %s cannot be made: %s\n", words[2], strerror(errno));
        return 1;
    }
    struct stat image;
    if (fstat(image_file, &image) != 0) return 1;
    uint64_t size = htole64((uint64_t)image.st_size);
    if (append(MAGIC, sizeof MAGIC - 1, &size, sizeof size) != 0) return 1;
    /* In the foreground, with one thread. */
    char *arguments[] = {words[0], "-f", "-s", words[3], NULL};
    int result = fuse_main(4, arguments, &OPERATIONS, NULL);
    return result != 0 ? result : failure != 0;
}
