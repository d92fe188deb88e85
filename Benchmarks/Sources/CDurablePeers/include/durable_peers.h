// What durable commits are measured against: LMDB with its own sync, SQLite in WAL mode with
// synchronous=FULL, and RocksDB with synchronous writes, each used through its C API as one would
// without Codex. They keep the same tasks under the same keys in the same two indexes, and a record
// of each change.
//
// Whatever fails ends the program with a message: a figure of a peer that fails is worth nothing.
#ifndef CODEX_DURABLE_PEERS_H
#define CODEX_DURABLE_PEERS_H
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// A value is so many bytes that updates change, and then a rest that they leave alone.
#define DURABLE_HEAD_LENGTH 48

typedef struct durable_lmdb durable_lmdb;
typedef struct durable_sqlite durable_sqlite;
typedef struct durable_rocks durable_rocks;

// Opens an environment or a database in the directory, which must exist and be empty.
durable_lmdb *durable_lmdb_open(const char *directory);
durable_sqlite *durable_sqlite_open(const char *directory);
durable_rocks *durable_rocks_open(const char *directory);

// Stores the tasks from 0 up to `count`, in the order of their keys, with their index entries.
// `rest` ends every value: it stands for the attributes that updates leave alone.
void durable_lmdb_fill(durable_lmdb *peer, size_t count, const uint8_t *rest, size_t rest_length);
void durable_sqlite_fill(durable_sqlite *peer, size_t count, const uint8_t *rest,
                         size_t rest_length);

void durable_rocks_fill(durable_rocks *peer, size_t count, const uint8_t *rest,
                        size_t rest_length);

// Updates `updates` random tasks in one durable commit: each gets a random status and the time, its
// entry in the index of statuses moves if the status is another, and the change is recorded. The
// index of assignees stays as it is.
void durable_lmdb_update(durable_lmdb *peer, size_t updates, uint64_t *random);
void durable_sqlite_update(durable_sqlite *peer, size_t updates, uint64_t *random);

void durable_rocks_update(durable_rocks *peer, size_t updates, uint64_t *random);

// Lets threads update one random task after the other, each in a commit of its own, which RocksDB
// groups: updates per second. Two of them may meet at one task, which no lock forbids here.
double durable_rocks_threads(durable_rocks *peer, int threads, double seconds, uint64_t seed);

void durable_lmdb_close(durable_lmdb *peer);
void durable_sqlite_close(durable_sqlite *peer);
void durable_rocks_close(durable_rocks *peer);

// The mean seconds of `count` flushes of 4 KiB each, appended to a file that has its size already:
// what the disk asks for any durable commit.
double durable_flush_seconds(const char *path, size_t count);

// Appends `bytes` and flushes, `rate` times a second, for `seconds`, in a file that has its size
// already. A flush that is late delays the next ones. Stores the nanoseconds of each append with
// its flush, of `capacity` at most, and returns their number.
size_t durable_flush_times(const char *path, size_t bytes, double rate, double seconds,
                           uint64_t *times, size_t capacity);

// The next number of Steele, Lea and Flood's SplitMix64: both sides draw the same from the same seed.
static inline uint64_t durable_next(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

// The next number below `bound`.
static inline size_t durable_below(uint64_t *state, size_t bound) {
    return (size_t)(durable_next(state) % bound);
}

// Nanoseconds of a clock that all threads and processes share.
static inline uint64_t durable_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
#endif
