// Redis through hiredis, its C client: one connection on loopback, as one would use it for a cache.
//
// Whatever fails ends the program with a message.
#ifndef CODEX_CACHE_PEER_H
#define CODEX_CACHE_PEER_H
#include <stddef.h>
#include <stdint.h>

typedef struct cache_redis cache_redis;

// Connects to a server on this machine; NULL if none answers.
cache_redis *cache_redis_open(int port);

// Ends the server and the connection.
void cache_redis_shut_down(cache_redis *peer);

// Copies the value of a setting; returns 0 if the server does not have it.
int cache_redis_setting(cache_redis *peer, const char *name, char *value, size_t room);

// Stores a value that is forgotten after so many seconds.
void cache_redis_set(cache_redis *peer, const char *key, const uint8_t *value, size_t length,
                     int seconds);

// Lends the value under a key until the next call; NULL if there is none.
const uint8_t *cache_redis_get(cache_redis *peer, const char *key, size_t *length);
#endif
