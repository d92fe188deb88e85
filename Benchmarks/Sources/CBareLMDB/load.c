#include "bare.h"
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// An entry of a tree, and the item whose put brings it.
struct entry {
    size_t item;
    int tree;
    MDB_val key, value;
};

static int by_item(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    if (a->item != b->item) return a->item < b->item ? -1 : 1;
    return a->tree - b->tree;
}

static int compare(const MDB_val *a, const MDB_val *b) {
    size_t shared = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    int order = memcmp(a->mv_data, b->mv_data, shared);
    return order ? order : a->mv_size < b->mv_size ? -1 : a->mv_size > b->mv_size;
}

// The position of a primary key among the table's, which ascend.
static size_t item_of(const struct entry *items, size_t count, const MDB_val *key) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(&items[middle].key, key);
        if (order == 0) return middle;
        if (order < 0) low = middle + 1; else high = middle;
    }
    abort();
}

#define CHECK(call) do { int code = (call); if (code) { fprintf(stderr, "%s: %s\n", #call, mdb_strerror(code)); return -1; } } while (0)

double bare_load(const char *source, const char *target, const char *const *names,
                 const int *parts, int tree_count, size_t batch, bare_size *sizes) {
    MDB_env *from, *to;
    MDB_txn *txn;
    CHECK(mdb_env_create(&from));
    CHECK(mdb_env_set_mapsize(from, (size_t)1 << 40));
    CHECK(mdb_env_set_maxdbs(from, 64));
    CHECK(mdb_env_open(from, source, MDB_NOTLS | MDB_RDONLY, 0644));
    CHECK(mdb_txn_begin(from, NULL, MDB_RDONLY, &txn));
    struct entry *entries = NULL;
    size_t count = 0, capacity = 0, item_count = 0;
    for (int tree = 0; tree < tree_count; tree++) {
        MDB_dbi database;
        MDB_cursor *cursor;
        MDB_val key, value;
        CHECK(mdb_dbi_open(txn, names[tree], 0, &database));
        CHECK(mdb_cursor_open(txn, database, &cursor));
        sizes[tree] = (bare_size){0, 0};
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            sizes[tree].count++;
            sizes[tree].bytes += key.mv_size + value.mv_size;
            if (count == capacity) {
                capacity = capacity ? capacity * 2 : 1 << 16;
                entries = realloc(entries, capacity * sizeof *entries);
            }
            size_t item = count;
            if (tree > 0) {
                const uint8_t *start = key.mv_data, *end = start + key.mv_size;
                for (int part = 0; part < parts[tree]; part++) {
                    start = (const uint8_t *)memchr(start, 0, end - start) + 1;
                }
                MDB_val primary = {end - start, (void *)start};
                item = item_of(entries, item_count, &primary);
            }
            entries[count++] = (struct entry){item, tree, key, value};
        }
        mdb_cursor_close(cursor);
        if (tree == 0) item_count = count;
    }
    qsort(entries, count, sizeof *entries, by_item);

    struct timespec start, end;
    CHECK(mdb_env_create(&to));
    CHECK(mdb_env_set_mapsize(to, (size_t)1 << 40));
    CHECK(mdb_env_set_maxdbs(to, 64));
    CHECK(mdb_env_open(to, target, MDB_NOTLS, 0644));
    clock_gettime(CLOCK_MONOTONIC, &start);
    MDB_dbi databases[16];
    size_t position = 0;
    for (size_t item = 0; item < item_count; item += batch) {
        MDB_txn *write;
        CHECK(mdb_txn_begin(to, NULL, 0, &write));
        for (int tree = 0; tree < tree_count && item == 0; tree++) {
            CHECK(mdb_dbi_open(write, names[tree], MDB_CREATE, &databases[tree]));
        }
        while (position < count && entries[position].item < item + batch) {
            struct entry *entry = &entries[position++];
            CHECK(mdb_put(write, databases[entry->tree], &entry->key, &entry->value, 0));
        }
        CHECK(mdb_txn_commit(write));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    mdb_env_close(to);
    mdb_txn_abort(txn);
    mdb_env_close(from);
    free(entries);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}
