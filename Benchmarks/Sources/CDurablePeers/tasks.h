// CodexFlow's tasks as the peers store them; codex-durable/Workload.swift makes the same for Codex.
#ifndef CODEX_TASKS_H
#define CODEX_TASKS_H
#include "durable_peers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_COUNT = 6, USER_COUNT = 500, KEY_SPACE = 96, FILL_BATCH = 50000 };

static const char *const STATUSES[STATUS_COUNT] = {"backlog",  "todo", "inProgress",
                                                   "inReview", "done", "canceled"};

// What precedes the rest of a value. Its fields have fixed places, which is more than Codex allows
// itself: a peer changes a value without decoding it.
struct head {
    char updated_at[24];
    char status[12];
    char assignee[12];
};
_Static_assert(sizeof(struct head) == DURABLE_HEAD_LENGTH, "Codex's side counts on it");

_Noreturn static inline void fail(const char *peer, const char *call, const char *reason) {
    fprintf(stderr, "codex-durable: %s failed: %s: %s\n", peer, call, reason);
    abort();
}

static inline void *allocate(size_t size) {
    void *memory = calloc(1, size);
    if (!memory) fail("the peer", "calloc", "no memory");
    return memory;
}

// A task's primary key as Codex encodes it: the partition key, a zero byte, the sort key.
static inline size_t task_key(size_t number, char *key) {
    int length = snprintf(key, KEY_SPACE, "PROJECT#p%04zu%cTASK#t%07zu", number / 1000, 0, number);
    return (size_t)length;
}

static inline size_t task_user(size_t number) { return number * 7919 % USER_COUNT; }

static inline void user_name(size_t user, char name[12]) {
    snprintf(name, 12, "USER#u%zu", user);
}

// An entry's key: the index's text, a zero byte, the task's key.
static inline size_t entry_key(const char *text, const char *key, size_t length, char *entry) {
    size_t start = strlen(text) + 1;
    memcpy(entry, text, start);
    memcpy(entry + start, key, length);
    return start + length;
}

// The moment as Codex stores it.
static inline void put_time(struct head *head) {
    struct timespec now;
    struct tm parts;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             (int)(now.tv_nsec / 1000000));
    memcpy(head->updated_at, text, sizeof head->updated_at);
}

static inline void put_status(struct head *head, size_t status) {
    memset(head->status, 0, sizeof head->status);
    strcpy(head->status, STATUSES[status]);
}

// The head of a task that was never updated.
static inline struct head new_head(size_t number) {
    struct head head = {"2025-11-05T00:00:00.000", "", ""};
    put_status(&head, number % STATUS_COUNT);
    user_name(task_user(number), head.assignee);
    return head;
}
#endif
