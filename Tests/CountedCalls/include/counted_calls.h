#pragma once

/// How many blocks of memory this process has asked for since it began, on all threads; 0 where the C
/// library is another than glibc.
long counted_allocations(void);

/// Calls `body` once: callgrind collects what this thread executes within
/// (`--toggle-collect=counted_run`).
void counted_run(void (*body)(void *), void *context);
