// Calls of a simulated process: each waits for its turn, may be made to fail, and is journaled.
#ifndef SIMULATED_CALLS_H
#define SIMULATED_CALLS_H

#include <semaphore.h>
#include <stdint.h>

#ifdef __linux__

/// What a process is about to do at a scheduling point.
enum {
    SIMULATED_IDLE = 1,      // It waits for a command; the last answer is in its output.
    SIMULATED_CREATE,        // A file that is not there yet: directory, name.
    SIMULATED_WRITE,         // file, offset, length.
    SIMULATED_FLUSH,         // fsync or fdatasync of a file.
    SIMULATED_FLUSH_NAMES,   // fsync of a directory.
    SIMULATED_RESIZE,        // ftruncate: file, length.
    SIMULATED_ALLOCATE,      // fallocate: file, offset, length.
    SIMULATED_RENAME,        // directory, name; other directory, other name.
    SIMULATED_REMOVE,        // unlink or rmdir: directory, name.
    SIMULATED_MAKE_DIRECTORY,// directory, name.
    SIMULATED_WAIT_LOCK,     // A lock is taken; it is tried again after the turn.
    SIMULATED_SLEEP,         // A pause while a lock is polled; it ends with the turn.
    SIMULATED_STEP,          // A step of longer work begins; nothing is called.
};

/// What the driver decides.
enum {
    SIMULATED_GO = 0,        // Do it.
    SIMULATED_FAIL,          // Fail with `error`, without doing anything.
    SIMULATED_SHORTEN,       // Write `limit` bytes only.
    SIMULATED_DIE,           // The process is killed here.
};

/// Shared by the driver and one process, in a mapped file.
typedef struct {
    sem_t turn;              // The process gives the turn to the driver.
    sem_t go;                // The driver gives it back.
    int32_t kind;
    int32_t is_flushable;    // Unused; zero.
    uint64_t file;           // st_ino of the file, or of the directory.
    uint64_t other;          // st_ino of the other directory of a rename.
    uint64_t offset, length;
    char name[256], other_name[256];
    int32_t decision;
    int32_t error;
    uint64_t limit;
    uint64_t call_count;     // Scheduling points so far.
} simulated_control;

/// The head of a record of the journal; the names (zero-terminated) and the data follow.
typedef struct {
    uint32_t byte_count;     // Of the whole record.
    uint32_t kind;           // SIMULATED_CREATE … SIMULATED_MAKE_DIRECTORY.
    uint32_t process;
    uint32_t error;          // Not zero: a flush that failed. (Other failed calls are not journaled.)
    uint64_t file;           // As in the control block; for CREATE and MAKE_DIRECTORY the directory.
    uint64_t other;          // For CREATE and MAKE_DIRECTORY the new st_ino; for RENAME the other directory.
    uint64_t offset, length; // For WRITE, RESIZE (length: the new size), ALLOCATE.
    uint32_t name_length, other_name_length, data_length;
    uint32_t reserved;       // SIMULATED_THROUGH, SIMULATED_LINK, SIMULATED_EXCHANGE.
} simulated_record;

// A record is the head, `name_length` bytes and a zero, `other_name_length` bytes and a zero, then
// `data_length` bytes. Records follow one another without padding. REMOVE has in `other` the st_ino of
// what lost its name. A CREATE without a name is of a file that has none (O_TMPFILE).

/// What `reserved` of a record tells more.
enum {
    SIMULATED_THROUGH = 1,   // WRITE: the descriptor has O_DSYNC, so this write is flushed by itself.
    SIMULATED_LINK = 2,      // CREATE: a further name of the file `other`, which is there already.
    SIMULATED_EXCHANGE = 4,  // RENAME: the two names change their files.
};

/// Prepares a control block in a mapped file; the driver does this before it starts the process.
void simulated_prepare(simulated_control *control);

/// Begins the simulation in this process: it waits for its first turn.
///
/// Watched are the regular files and directories of the device that the journal is on, so the simulated
/// directory is to be on the same. Descriptors 0 to 2, the control block and the journal are not watched.
/// `seed` is for getrandom and getentropy. Children of the process are not simulated.
void simulated_begin(const char *control_path, const char *journal_path, uint32_t process, uint64_t seed);

/// The process waits for a command: it gives the turn back with SIMULATED_IDLE, and returns with the
/// next one.
void simulated_idle(void);

/// The process gives the turn back with SIMULATED_STEP, between two steps of longer work.
void simulated_turn(void);

/// Driver: lets the process run until its next scheduling point. Returns 0, or ETIMEDOUT after so many
/// seconds.
///
/// It returns ESRCH soon after the process `pid` has ended; the process is not reaped.
int simulated_run(simulated_control *control, int pid, int seconds);

/// Whether calls are watched in this build: not under the sanitizers of threads and of addresses, which
/// need the same names.
int simulated_is_available(void);

#endif
#endif
