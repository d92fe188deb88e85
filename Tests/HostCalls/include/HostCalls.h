#pragma once

// What hosts do to their own processes, and Swift cannot call.

/// Forks, without exec; the child waits until it is killed, a minute at most.
/// Returns the child's process number, or -1.
int host_fork_and_wait(void);

/// Forks, without exec, and lets the child call `body`, for ten seconds at most.
/// Returns what `body` returns (0 to 255), or -1 if the child did not come so far.
int host_fork_and_call(int (*body)(void *), void *context);

/// Lets this process have `count` open files; 0 is as many as the system allows.
/// Returns how many it may have now, or -1.
long host_set_descriptor_limit(long count);

/// Lets this process go on as another user, in a group of its own and in one that it shares.
/// Returns 0, or -1.
int host_become(unsigned user, unsigned group, unsigned shared_group);

/// Kills this process when it next gives a file its mode whose path has a part; on Linux.
void host_die_at_mode(const char *part);

/// Tries to lock a file for itself with nothing but the right to read it.
/// Returns 0, or what `errno` was.
int host_lock_for_reading(const char *path);
