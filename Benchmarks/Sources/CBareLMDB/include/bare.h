// The limit that Codex is measured against: the same bytes in the same trees, read in C.
#ifndef CODEX_BARE_H
#define CODEX_BARE_H
#include <stddef.h>
#include <stdint.h>

typedef struct bare_store bare_store;

// Opens a copy of a Codex store and the named database in it; NULL on failure.
bare_store *bare_open(const char *path, const char *database);
void bare_close(bare_store *store);

// Every key of the database, one after the other; `visit` gets each.
void bare_keys(bare_store *store, void *context,
               void (*visit)(void *context, const uint8_t *key, size_t length));

// Gets `count` keys within one snapshot and folds every byte of their values.
uint64_t bare_gets(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                   size_t count);

// The same with a snapshot renewed and reset around each get.
uint64_t bare_renewed_gets(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                           size_t count);

// Walks up to `limit` entries from each key on within one snapshot, and folds their values.
uint64_t bare_walks(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                    size_t count, size_t limit);

// How much is in a tree.
typedef struct {
    size_t count, bytes;
} bare_size;

// Puts what is in the trees of a copy of a Codex store into a new environment, items in the order
// of their keys, each with its index entries, `batch` items a transaction. The first tree is the
// table, the others its indexes; `parts` says of how many strings their keys are. Fills `sizes`;
// returns seconds, reading not counted, or a negative number on failure.
double bare_load(const char *source, const char *target, const char *const *names,
                 const int *parts, int tree_count, size_t batch, bare_size *sizes);

// YCSB's records, ten fields of 100 bytes each, as one value; without flushes.
typedef struct ycsb_store ycsb_store;

ycsb_store *ycsb_open(const char *path);
void ycsb_close(ycsb_store *store);
// Puts one record under `key`, or under `count` keys in one transaction if `keys` is given.
void ycsb_insert(ycsb_store *store, const char *key, const uint8_t *record, size_t count,
                 const char *const *keys);
uint64_t ycsb_read(ycsb_store *store, const char *key);
void ycsb_update(ycsb_store *store, const char *key, size_t field, const uint8_t *value);
uint64_t ycsb_scan(ycsb_store *store, const char *key, size_t count);

// Folds bytes into a checksum: what "every byte was read" means on both sides.
static inline uint64_t bare_fold(uint64_t sum, const uint8_t *bytes, size_t length) {
    while (length >= 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        sum += word;
        bytes += 8;
        length -= 8;
    }
    if (length & 4) {
        uint32_t word;
        __builtin_memcpy(&word, bytes, 4);
        sum += word;
        bytes += 4;
    }
    if (length & 2) {
        sum += (uint64_t)bytes[0] << 8 | bytes[1];
        bytes += 2;
    }
    if (length & 1) sum += *bytes;
    return sum;
}
#endif
