#include "bare.h"
#include <lmdb.h>
#include <stdlib.h>

struct bare_store {
    MDB_env *env;
    MDB_dbi database;
    MDB_txn *pooled;
};

bare_store *bare_open(const char *path, const char *database) {
    bare_store *store = calloc(1, sizeof *store);
    MDB_txn *txn;
    if (mdb_env_create(&store->env) || mdb_env_set_mapsize(store->env, (size_t)1 << 40) ||
        mdb_env_set_maxdbs(store->env, 64) ||
        mdb_env_open(store->env, path, MDB_NOTLS | MDB_RDONLY, 0644) ||
        mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) ||
        mdb_dbi_open(txn, database, 0, &store->database) || mdb_txn_commit(txn) ||
        mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->pooled)) {
        return NULL;
    }
    mdb_txn_reset(store->pooled);
    return store;
}

void bare_close(bare_store *store) {
    mdb_txn_abort(store->pooled);
    mdb_env_close(store->env);
    free(store);
}

void bare_keys(bare_store *store, void *context,
               void (*visit)(void *, const uint8_t *, size_t)) {
    MDB_cursor *cursor;
    MDB_val key, value;
    mdb_txn_renew(store->pooled);
    mdb_cursor_open(store->pooled, store->database, &cursor);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        visit(context, key.mv_data, key.mv_size);
    }
    mdb_cursor_close(cursor);
    mdb_txn_reset(store->pooled);
}

static uint64_t get(bare_store *store, const uint8_t *bytes, size_t length, uint64_t sum) {
    MDB_val key = {length, (void *)bytes}, value;
    if (mdb_get(store->pooled, store->database, &key, &value) != 0) abort();
    return bare_fold(sum, value.mv_data, value.mv_size);
}

uint64_t bare_gets(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                   size_t count) {
    uint64_t sum = 0;
    mdb_txn_renew(store->pooled);
    for (size_t i = 0; i < count; i++) sum = get(store, keys[i], lengths[i], sum);
    mdb_txn_reset(store->pooled);
    return sum;
}

uint64_t bare_renewed_gets(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                           size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        mdb_txn_renew(store->pooled);
        sum = get(store, keys[i], lengths[i], sum);
        mdb_txn_reset(store->pooled);
    }
    return sum;
}

uint64_t bare_walks(bare_store *store, const uint8_t *const *keys, const size_t *lengths,
                    size_t count, size_t limit) {
    uint64_t sum = 0;
    mdb_txn_renew(store->pooled);
    for (size_t i = 0; i < count; i++) {
        MDB_cursor *cursor;
        MDB_val key = {lengths[i], (void *)keys[i]}, value;
        mdb_cursor_open(store->pooled, store->database, &cursor);
        int status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        for (size_t n = 0; n < limit && status == 0; n++) {
            sum = bare_fold(sum, value.mv_data, value.mv_size);
            status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_reset(store->pooled);
    return sum;
}
