#include "tasks.h"
#include <lmdb.h>

struct durable_lmdb {
    MDB_env *env;
    MDB_dbi items, statuses, assignees, changes;
    size_t count;
    uint64_t sequence;
    // Where new images and change records are made.
    uint8_t *image, *record;
};

#define CHECK(call) \
    do { int code = (call); if (code) fail("LMDB", #call, mdb_strerror(code)); } while (0)

// What an entry of a Codex index that projects no attributes has for a value: the item's header.
static uint8_t ENTRY[5];

durable_lmdb *durable_lmdb_open(const char *directory) {
    durable_lmdb *peer = allocate(sizeof *peer);
    MDB_txn *txn;
    CHECK(mdb_env_create(&peer->env));
    CHECK(mdb_env_set_mapsize(peer->env, (size_t)1 << 40));
    CHECK(mdb_env_set_maxdbs(peer->env, 8));
    // Commits are synchronous by default; MDB_NOTLS is of no matter to them.
    CHECK(mdb_env_open(peer->env, directory, MDB_NOTLS, 0644));
    CHECK(mdb_txn_begin(peer->env, NULL, 0, &txn));
    CHECK(mdb_dbi_open(txn, "items", MDB_CREATE, &peer->items));
    CHECK(mdb_dbi_open(txn, "statuses", MDB_CREATE, &peer->statuses));
    CHECK(mdb_dbi_open(txn, "assignees", MDB_CREATE, &peer->assignees));
    CHECK(mdb_dbi_open(txn, "changes", MDB_CREATE, &peer->changes));
    CHECK(mdb_txn_commit(txn));
    return peer;
}

static void fill_items(durable_lmdb *peer, const uint8_t *rest, size_t rest_length) {
    size_t length = sizeof(struct head) + rest_length;
    for (size_t start = 0; start < peer->count; start += FILL_BATCH) {
        MDB_txn *txn;
        CHECK(mdb_txn_begin(peer->env, NULL, 0, &txn));
        for (size_t n = start; n < peer->count && n < start + FILL_BATCH; n++) {
            char bytes[KEY_SPACE];
            MDB_val key = {task_key(n, bytes), bytes}, value = {length, peer->image};
            struct head head = new_head(n);
            memcpy(peer->image, &head, sizeof head);
            memcpy(peer->image + sizeof head, rest, rest_length);
            CHECK(mdb_put(txn, peer->items, &key, &value, MDB_APPEND));
        }
        CHECK(mdb_txn_commit(txn));
    }
}

// Appends the entries of one index key: those of the tasks from `first` on, `step` apart.
static void fill_entries(durable_lmdb *peer, MDB_dbi index, const char *text, size_t first,
                         size_t step) {
    MDB_txn *txn;
    CHECK(mdb_txn_begin(peer->env, NULL, 0, &txn));
    for (size_t n = first; n < peer->count; n += step) {
        char key[KEY_SPACE], bytes[2 * KEY_SPACE];
        MDB_val entry = {entry_key(text, key, task_key(n, key), bytes), bytes};
        MDB_val value = {sizeof ENTRY, ENTRY};
        CHECK(mdb_put(txn, index, &entry, &value, MDB_APPEND));
    }
    CHECK(mdb_txn_commit(txn));
}

static int by_status(const void *left, const void *right) {
    return strcmp(STATUSES[*(const size_t *)left], STATUSES[*(const size_t *)right]);
}

static int by_user(const void *left, const void *right) {
    char a[12], b[12];
    user_name(*(const size_t *)left, a);
    user_name(*(const size_t *)right, b);
    return strcmp(a, b);
}

void durable_lmdb_fill(durable_lmdb *peer, size_t count, const uint8_t *rest,
                       size_t rest_length) {
    peer->count = count;
    peer->image = allocate(sizeof(struct head) + rest_length);
    peer->record = allocate(2 + KEY_SPACE + sizeof(struct head) + rest_length);
    CHECK(mdb_env_set_flags(peer->env, MDB_NOSYNC, 1));
    fill_items(peer, rest, rest_length);
    // In the order of entries, so that the trees are as small as they can be, as Codex's are.
    size_t statuses[STATUS_COUNT], users[USER_COUNT], firsts[USER_COUNT];
    for (size_t i = 0; i < STATUS_COUNT; i++) statuses[i] = i;
    for (size_t i = 0; i < USER_COUNT; i++) {
        users[i] = i;
        // USER_COUNT and 7919 have no common divisor: each user is met once.
        firsts[task_user(i)] = i;
    }
    qsort(statuses, STATUS_COUNT, sizeof *statuses, by_status);
    qsort(users, USER_COUNT, sizeof *users, by_user);
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        fill_entries(peer, peer->statuses, STATUSES[statuses[i]], statuses[i], STATUS_COUNT);
    }
    for (size_t i = 0; i < USER_COUNT; i++) {
        char name[12];
        user_name(users[i], name);
        fill_entries(peer, peer->assignees, name, firsts[users[i]], USER_COUNT);
    }
    CHECK(mdb_env_sync(peer->env, 1));
    CHECK(mdb_env_set_flags(peer->env, MDB_NOSYNC, 0));
    unsigned flags;
    CHECK(mdb_env_get_flags(peer->env, &flags));
    if (flags & (MDB_NOSYNC | MDB_NOMETASYNC | MDB_MAPASYNC)) {
        fail("LMDB", "its flags", "commits are not synchronous");
    }
}

static void move_entry(durable_lmdb *peer, MDB_txn *txn, const char *from, const char *to,
                       const char *key, size_t length) {
    char bytes[2 * KEY_SPACE];
    MDB_val entry = {entry_key(from, key, length, bytes), bytes};
    MDB_val value = {sizeof ENTRY, ENTRY};
    CHECK(mdb_del(txn, peer->statuses, &entry, NULL));
    entry.mv_size = entry_key(to, key, length, bytes);
    CHECK(mdb_put(txn, peer->statuses, &entry, &value, 0));
}

static void record_change(durable_lmdb *peer, MDB_txn *txn, MDB_val key, MDB_val image) {
    uint64_t sequence = ++peer->sequence;
    uint8_t number[8];
    for (int i = 0; i < 8; i++) number[i] = (uint8_t)(sequence >> (56 - 8 * i));
    peer->record[0] = (uint8_t)key.mv_size;
    memcpy(peer->record + 1, key.mv_data, key.mv_size);
    memcpy(peer->record + 1 + key.mv_size, image.mv_data, image.mv_size);
    MDB_val name = {sizeof number, number};
    MDB_val value = {1 + key.mv_size + image.mv_size, peer->record};
    CHECK(mdb_put(txn, peer->changes, &name, &value, MDB_APPEND));
}

void durable_lmdb_update(durable_lmdb *peer, size_t updates, uint64_t *random) {
    MDB_txn *txn;
    CHECK(mdb_txn_begin(peer->env, NULL, 0, &txn));
    for (size_t i = 0; i < updates; i++) {
        char bytes[KEY_SPACE];
        MDB_val key = {task_key(durable_below(random, peer->count), bytes), bytes}, value;
        size_t status = durable_below(random, STATUS_COUNT);
        CHECK(mdb_get(txn, peer->items, &key, &value));
        memcpy(peer->image, value.mv_data, value.mv_size);
        value.mv_data = peer->image;
        struct head old, *head = (struct head *)peer->image;
        memcpy(&old, head, sizeof old);
        put_time(head);
        put_status(head, status);
        CHECK(mdb_put(txn, peer->items, &key, &value, 0));
        if (strcmp(old.status, head->status) != 0) {
            move_entry(peer, txn, old.status, head->status, bytes, key.mv_size);
        }
        value.mv_data = peer->image;
        record_change(peer, txn, key, value);
    }
    CHECK(mdb_txn_commit(txn));
}

void durable_lmdb_close(durable_lmdb *peer) {
    mdb_env_close(peer->env);
    free(peer->image);
    free(peer->record);
    free(peer);
}
