#include "tasks.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

struct durable_sqlite {
    sqlite3 *database;
    sqlite3_stmt *begin, *commit, *select, *set_both, *set_body, *record;
    size_t count, image_length;
    uint8_t *image;
};

static void check(durable_sqlite *peer, int code, int expected, const char *call) {
    if (code != expected) fail("SQLite", call, sqlite3_errmsg(peer->database));
}

static void execute(durable_sqlite *peer, const char *text) {
    check(peer, sqlite3_exec(peer->database, text, NULL, NULL, NULL), SQLITE_OK, text);
}

static sqlite3_stmt *prepare(durable_sqlite *peer, const char *text) {
    sqlite3_stmt *statement;
    check(peer, sqlite3_prepare_v3(peer->database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                                   NULL),
          SQLITE_OK, text);
    return statement;
}

// Runs a statement that returns no row.
static void run(durable_sqlite *peer, sqlite3_stmt *statement) {
    check(peer, sqlite3_step(statement), SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void require(durable_sqlite *peer, const char *pragma, const char *expected) {
    sqlite3_stmt *statement = prepare(peer, pragma);
    check(peer, sqlite3_step(statement), SQLITE_ROW, pragma);
    const char *value = (const char *)sqlite3_column_text(statement, 0);
    if (!value || strcmp(value, expected) != 0) fail("SQLite", pragma, value ? value : "nothing");
    sqlite3_finalize(statement);
}

static void require_durable(durable_sqlite *peer) {
    require(peer, "PRAGMA journal_mode", "wal");
    require(peer, "PRAGMA synchronous", "2");
}

durable_sqlite *durable_sqlite_open(const char *directory) {
    durable_sqlite *peer = allocate(sizeof *peer);
    char path[4096];
    if (snprintf(path, sizeof path, "%s/tasks.sqlite", directory) >= (int)sizeof path) {
        fail("SQLite", "open", "the path is too long");
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &peer->database, flags, NULL);
    if (code != SQLITE_OK) fail("SQLite", "open", sqlite3_errstr(code));
    execute(peer, "PRAGMA journal_mode = WAL");
    execute(peer, "PRAGMA synchronous = FULL");
    // cache_size and wal_autocheckpoint stay as they are; with a cache of 256 MiB it was no faster.
    require_durable(peer);
    // Without rowids, since an update then searches one tree where it else searches two: it did 10
    // to 50 percent more updates a second.
    execute(peer,
            "CREATE TABLE tasks (key BLOB PRIMARY KEY NOT NULL, status TEXT NOT NULL,"
            " assignee TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE changes (sequence INTEGER PRIMARY KEY, key BLOB NOT NULL,"
            " body BLOB NOT NULL)");
    peer->begin = prepare(peer, "BEGIN IMMEDIATE");
    peer->commit = prepare(peer, "COMMIT");
    peer->select = prepare(peer, "SELECT body FROM tasks WHERE key = ?1");
    peer->set_both = prepare(peer, "UPDATE tasks SET body = ?2, status = ?3 WHERE key = ?1");
    // A column that is set has its index entry written anew, even with the value that it had.
    peer->set_body = prepare(peer, "UPDATE tasks SET body = ?2 WHERE key = ?1");
    peer->record = prepare(peer, "INSERT INTO changes (key, body) VALUES (?1, ?2)");
    return peer;
}

void durable_sqlite_fill(durable_sqlite *peer, size_t count, const uint8_t *rest,
                         size_t rest_length) {
    peer->count = count;
    peer->image_length = sizeof(struct head) + rest_length;
    peer->image = allocate(peer->image_length);
    execute(peer, "PRAGMA synchronous = OFF");
    sqlite3_stmt *insert = prepare(peer, "INSERT INTO tasks VALUES (?1, ?2, ?3, ?4)");
    for (size_t start = 0; start < count; start += FILL_BATCH) {
        run(peer, peer->begin);
        for (size_t n = start; n < count && n < start + FILL_BATCH; n++) {
            char key[KEY_SPACE];
            struct head head = new_head(n);
            memcpy(peer->image, &head, sizeof head);
            memcpy(peer->image + sizeof head, rest, rest_length);
            sqlite3_bind_blob(insert, 1, key, (int)task_key(n, key), SQLITE_STATIC);
            sqlite3_bind_text(insert, 2, head.status, -1, SQLITE_STATIC);
            sqlite3_bind_text(insert, 3, head.assignee, -1, SQLITE_STATIC);
            sqlite3_bind_blob(insert, 4, peer->image, (int)peer->image_length, SQLITE_STATIC);
            run(peer, insert);
        }
        run(peer, peer->commit);
    }
    sqlite3_finalize(insert);
    execute(peer, "CREATE INDEX statuses ON tasks (status, key)");
    execute(peer, "CREATE INDEX assignees ON tasks (assignee, key)");
    execute(peer, "PRAGMA synchronous = FULL");
    execute(peer, "PRAGMA wal_checkpoint(TRUNCATE)");
    // What was copied there before synchronous was FULL.
    int file = open(sqlite3_db_filename(peer->database, "main"), O_RDWR);
    if (file < 0 || fsync(file) != 0) fail("SQLite", "fsync", "the database is not on disk");
    close(file);
    require_durable(peer);
}

static void bind(sqlite3_stmt *statement, const char *key, int key_length, int position,
                 const durable_sqlite *peer) {
    sqlite3_bind_blob(statement, 1, key, key_length, SQLITE_STATIC);
    sqlite3_bind_blob(statement, position, peer->image, (int)peer->image_length, SQLITE_STATIC);
}

void durable_sqlite_update(durable_sqlite *peer, size_t updates, uint64_t *random) {
    run(peer, peer->begin);
    for (size_t i = 0; i < updates; i++) {
        char key[KEY_SPACE];
        int length = (int)task_key(durable_below(random, peer->count), key);
        size_t status = durable_below(random, STATUS_COUNT);
        sqlite3_bind_blob(peer->select, 1, key, length, SQLITE_STATIC);
        check(peer, sqlite3_step(peer->select), SQLITE_ROW, "SELECT");
        memcpy(peer->image, sqlite3_column_blob(peer->select, 0), peer->image_length);
        sqlite3_reset(peer->select);
        struct head old, *head = (struct head *)peer->image;
        memcpy(&old, head, sizeof old);
        put_time(head);
        put_status(head, status);
        if (strcmp(old.status, head->status) != 0) {
            bind(peer->set_both, key, length, 2, peer);
            sqlite3_bind_text(peer->set_both, 3, head->status, -1, SQLITE_STATIC);
            run(peer, peer->set_both);
        } else {
            bind(peer->set_body, key, length, 2, peer);
            run(peer, peer->set_body);
        }
        bind(peer->record, key, length, 2, peer);
        run(peer, peer->record);
    }
    run(peer, peer->commit);
}

void durable_sqlite_close(durable_sqlite *peer) {
    sqlite3_stmt *const statements[] = {peer->begin,    peer->commit,   peer->select,
                                        peer->set_both, peer->set_body, peer->record};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        sqlite3_finalize(statements[i]);
    }
    if (sqlite3_close(peer->database) != SQLITE_OK) fail("SQLite", "close", "still in use");
    free(peer->image);
    free(peer);
}
