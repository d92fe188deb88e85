#include "bare.h"
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_BYTES = 100, FIELD_COUNT = 10, RECORD_BYTES = FIELD_BYTES * FIELD_COUNT };

struct ycsb_store {
    MDB_env *env;
    MDB_dbi records;
    MDB_txn *pooled;
};

#define MUST(call) \
    do { \
        int code = (call); \
        if (code) { \
            fprintf(stderr, "LMDB: %s: %s\n", #call, mdb_strerror(code)); \
            abort(); \
        } \
    } while (0)

ycsb_store *ycsb_open(const char *path) {
    ycsb_store *store = calloc(1, sizeof *store);
    MDB_txn *txn;
    MUST(mdb_env_create(&store->env));
    MUST(mdb_env_set_mapsize(store->env, (size_t)1 << 36));
    MUST(mdb_env_set_maxdbs(store->env, 4));
    // A process that is killed loses nothing, a power cut may: as SQLite's synchronous=NORMAL, but
    // that LMDB's file may be damaged then.
    MUST(mdb_env_open(store->env, path, MDB_NOTLS | MDB_NOSYNC, 0644));
    MUST(mdb_txn_begin(store->env, NULL, 0, &txn));
    MUST(mdb_dbi_open(txn, "records", MDB_CREATE, &store->records));
    MUST(mdb_txn_commit(txn));
    MUST(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->pooled));
    mdb_txn_reset(store->pooled);
    return store;
}

void ycsb_close(ycsb_store *store) {
    mdb_txn_abort(store->pooled);
    mdb_env_close(store->env);
    free(store);
}

void ycsb_insert(ycsb_store *store, const char *key, const uint8_t *record, size_t count,
                 const char *const *keys) {
    MDB_txn *txn;
    MUST(mdb_txn_begin(store->env, NULL, 0, &txn));
    for (size_t i = 0; i < count; i++) {
        const char *name = keys ? keys[i] : key;
        MDB_val k = {strlen(name), (void *)name}, v = {RECORD_BYTES, (void *)record};
        MUST(mdb_put(txn, store->records, &k, &v, 0));
    }
    MUST(mdb_txn_commit(txn));
}

uint64_t ycsb_read(ycsb_store *store, const char *key) {
    MDB_val k = {strlen(key), (void *)key}, v;
    MUST(mdb_txn_renew(store->pooled));
    MUST(mdb_get(store->pooled, store->records, &k, &v));
    uint64_t sum = bare_fold(1, v.mv_data, v.mv_size);
    mdb_txn_reset(store->pooled);
    return sum;
}

void ycsb_update(ycsb_store *store, const char *key, size_t field, const uint8_t *value) {
    uint8_t record[RECORD_BYTES];
    MDB_val k = {strlen(key), (void *)key}, v;
    MDB_txn *txn;
    MUST(mdb_txn_begin(store->env, NULL, 0, &txn));
    MUST(mdb_get(txn, store->records, &k, &v));
    memcpy(record, v.mv_data, RECORD_BYTES);
    memcpy(record + field * FIELD_BYTES, value, FIELD_BYTES);
    v.mv_data = record;
    MUST(mdb_put(txn, store->records, &k, &v, 0));
    MUST(mdb_txn_commit(txn));
}

uint64_t ycsb_scan(ycsb_store *store, const char *key, size_t count) {
    MDB_val k = {strlen(key), (void *)key}, v;
    MDB_cursor *cursor;
    uint64_t sum = 1;
    MUST(mdb_txn_renew(store->pooled));
    MUST(mdb_cursor_open(store->pooled, store->records, &cursor));
    int status = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    for (; count > 0 && status == 0; count--) {
        sum = bare_fold(sum, v.mv_data, v.mv_size);
        status = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    mdb_txn_reset(store->pooled);
    return sum;
}
