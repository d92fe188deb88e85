#include "cache_peer.h"
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cache_redis {
    redisContext *context;
    redisReply *reply;
};

static redisReply *checked(cache_redis *peer, redisReply *reply, const char *call) {
    if (!reply || reply->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "Redis: %s: %s\n", call, reply ? reply->str : peer->context->errstr);
        abort();
    }
    return reply;
}

cache_redis *cache_redis_open(int port) {
    redisContext *context = redisConnect("127.0.0.1", port);
    if (!context || context->err) {
        if (context) redisFree(context);
        return NULL;
    }
    cache_redis *peer = calloc(1, sizeof *peer);
    peer->context = context;
    return peer;
}

void cache_redis_shut_down(cache_redis *peer) {
    redisReply *reply = redisCommand(peer->context, "SHUTDOWN NOSAVE");
    // Its answer is that it is gone.
    if (reply) freeReplyObject(reply);
    if (peer->reply) freeReplyObject(peer->reply);
    redisFree(peer->context);
    free(peer);
}

int cache_redis_setting(cache_redis *peer, const char *name, char *value, size_t room) {
    redisReply *reply = checked(peer, redisCommand(peer->context, "CONFIG GET %s", name), "CONFIG");
    int found = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    if (found) snprintf(value, room, "%s", reply->element[1]->str);
    freeReplyObject(reply);
    return found;
}

void cache_redis_set(cache_redis *peer, const char *key, const uint8_t *value, size_t length,
                     int seconds) {
    freeReplyObject(checked(
        peer, redisCommand(peer->context, "SET %s %b EX %d", key, value, length, seconds), "SET"));
}

const uint8_t *cache_redis_get(cache_redis *peer, const char *key, size_t *length) {
    if (peer->reply) freeReplyObject(peer->reply);
    peer->reply = checked(peer, redisCommand(peer->context, "GET %s", key), "GET");
    if (peer->reply->type != REDIS_REPLY_STRING) return NULL;
    *length = peer->reply->len;
    return (const uint8_t *)peer->reply->str;
}
