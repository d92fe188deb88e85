#include "tasks.h"
#include <pthread.h>
#include <rocksdb/c.h>

enum { DEFAULT, ITEMS, STATUS_INDEX, ASSIGNEE_INDEX, CHANGES, FAMILY_COUNT };
static const char *const FAMILIES[FAMILY_COUNT] = {"default", "items", "statuses", "assignees",
                                                   "changes"};

struct durable_rocks {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_column_family_handle_t *families[FAMILY_COUNT];
    rocksdb_writeoptions_t *writing;
    rocksdb_readoptions_t *reading;
    size_t count;
    uint64_t sequence;
};

static void check(const char *call, char *error) {
    if (error) fail("RocksDB", call, error);
}

// What an entry of a Codex index that projects no attributes has for a value: the item's header.
static char ENTRY[5];

durable_rocks *durable_rocks_open(const char *directory) {
    durable_rocks *peer = allocate(sizeof *peer);
    char *error = NULL;
    peer->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(peer->options, 1);
    rocksdb_options_set_create_missing_column_families(peer->options, 1);
    // As RocksDB's own examples begin: background threads for the cores, leveled compaction.
    rocksdb_options_increase_parallelism(peer->options, 2);
    rocksdb_options_optimize_level_style_compaction(peer->options, 64 << 20);
    const rocksdb_options_t *options[FAMILY_COUNT];
    for (int i = 0; i < FAMILY_COUNT; i++) options[i] = peer->options;
    peer->db = rocksdb_open_column_families(peer->options, directory, FAMILY_COUNT, FAMILIES,
                                            options, peer->families, &error);
    check("rocksdb_open_column_families", error);
    peer->reading = rocksdb_readoptions_create();
    peer->writing = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(peer->writing, 1);
    if (!rocksdb_writeoptions_get_sync(peer->writing)) {
        fail("RocksDB", "its options", "writes are not synchronous");
    }
    return peer;
}

void durable_rocks_fill(durable_rocks *peer, size_t count, const uint8_t *rest,
                        size_t rest_length) {
    rocksdb_writeoptions_t *unsynced = rocksdb_writeoptions_create();
    size_t length = sizeof(struct head) + rest_length;
    char *image = allocate(length), *error = NULL;
    memcpy(image + sizeof(struct head), rest, rest_length);
    for (size_t start = 0; start < count; start += FILL_BATCH) {
        rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
        for (size_t n = start; n < count && n < start + FILL_BATCH; n++) {
            char key[KEY_SPACE], entry[2 * KEY_SPACE];
            size_t key_length = task_key(n, key);
            struct head head = new_head(n);
            memcpy(image, &head, sizeof head);
            rocksdb_writebatch_put_cf(batch, peer->families[ITEMS], key, key_length, image, length);
            size_t entry_length = entry_key(head.status, key, key_length, entry);
            rocksdb_writebatch_put_cf(batch, peer->families[STATUS_INDEX], entry, entry_length,
                                      ENTRY, sizeof ENTRY);
            entry_length = entry_key(head.assignee, key, key_length, entry);
            rocksdb_writebatch_put_cf(batch, peer->families[ASSIGNEE_INDEX], entry, entry_length,
                                      ENTRY, sizeof ENTRY);
        }
        rocksdb_write(peer->db, unsynced, batch, &error);
        check("rocksdb_write", error);
        rocksdb_writebatch_destroy(batch);
    }
    rocksdb_flushoptions_t *flushing = rocksdb_flushoptions_create();
    for (int i = 0; i < FAMILY_COUNT; i++) {
        rocksdb_flush_cf(peer->db, flushing, peer->families[i], &error);
        check("rocksdb_flush_cf", error);
    }
    rocksdb_flushoptions_destroy(flushing);
    rocksdb_writeoptions_destroy(unsynced);
    free(image);
    peer->count = count;
}

static void add_update(durable_rocks *peer, rocksdb_writebatch_t *batch, uint64_t *random) {
    char key[KEY_SPACE], entry[2 * KEY_SPACE], *error = NULL;
    size_t key_length = task_key(durable_below(random, peer->count), key), length;
    size_t status = durable_below(random, STATUS_COUNT);
    char *image = rocksdb_get_cf(peer->db, peer->reading, peer->families[ITEMS], key, key_length,
                                 &length, &error);
    check("rocksdb_get_cf", error);
    if (!image) fail("RocksDB", "rocksdb_get_cf", "a task is missing");
    struct head old, *head = (struct head *)image;
    memcpy(&old, head, sizeof old);
    put_time(head);
    put_status(head, status);
    rocksdb_writebatch_put_cf(batch, peer->families[ITEMS], key, key_length, image, length);
    if (strcmp(old.status, head->status) != 0) {
        size_t entry_length = entry_key(old.status, key, key_length, entry);
        rocksdb_writebatch_delete_cf(batch, peer->families[STATUS_INDEX], entry, entry_length);
        entry_length = entry_key(head->status, key, key_length, entry);
        rocksdb_writebatch_put_cf(batch, peer->families[STATUS_INDEX], entry, entry_length, ENTRY,
                                  sizeof ENTRY);
    }
    uint64_t sequence = __atomic_add_fetch(&peer->sequence, 1, __ATOMIC_RELAXED);
    char number[8], *record = allocate(1 + key_length + length);
    for (int i = 0; i < 8; i++) number[i] = (char)(sequence >> (56 - 8 * i));
    record[0] = (char)key_length;
    memcpy(record + 1, key, key_length);
    memcpy(record + 1 + key_length, image, length);
    rocksdb_writebatch_put_cf(batch, peer->families[CHANGES], number, sizeof number, record,
                              1 + key_length + length);
    free(record);
    rocksdb_free(image);
}

void durable_rocks_update(durable_rocks *peer, size_t updates, uint64_t *random) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *error = NULL;
    for (size_t i = 0; i < updates; i++) add_update(peer, batch, random);
    rocksdb_write(peer->db, peer->writing, batch, &error);
    check("rocksdb_write", error);
    rocksdb_writebatch_destroy(batch);
}

struct writer {
    pthread_t thread;
    durable_rocks *peer;
    uint64_t random, end, count;
};

static void *write_until_end(void *context) {
    struct writer *writer = context;
    while (durable_now() < writer->end) {
        durable_rocks_update(writer->peer, 1, &writer->random);
        writer->count++;
    }
    return NULL;
}

double durable_rocks_threads(durable_rocks *peer, int threads, double seconds, uint64_t seed) {
    struct writer *writers = allocate(sizeof *writers * (size_t)threads);
    uint64_t start = durable_now(), count = 0;
    for (int i = 0; i < threads; i++) {
        writers[i] = (struct writer){.peer = peer,
                                     .random = (seed << 6 | (uint64_t)i) * 0xD1342543DE82EF95,
                                     .end = start + (uint64_t)(seconds * 1e9)};
        if (pthread_create(&writers[i].thread, NULL, write_until_end, &writers[i])) {
            fail("RocksDB", "pthread_create", "no thread");
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(writers[i].thread, NULL);
        count += writers[i].count;
    }
    free(writers);
    return (double)count / ((double)(durable_now() - start) / 1e9);
}

void durable_rocks_close(durable_rocks *peer) {
    for (int i = 0; i < FAMILY_COUNT; i++) rocksdb_column_family_handle_destroy(peer->families[i]);
    rocksdb_close(peer->db);
    rocksdb_options_destroy(peer->options);
    rocksdb_writeoptions_destroy(peer->writing);
    rocksdb_readoptions_destroy(peer->reading);
    free(peer);
}
