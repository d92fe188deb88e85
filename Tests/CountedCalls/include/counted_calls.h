#pragma once

/// How many blocks of memory this process has asked for since it began, on all threads.
long counted_allocations(void);

/// Calls `body` once: callgrind collects what is executed within (`--toggle-collect=counted_run`).
void counted_run(void (*body)(void *), void *context);
