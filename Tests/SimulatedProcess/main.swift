import Foundation
import SimulatedCalls

// A process of a simulated history: it performs commands on a store, one after the other.
//
//   codex-simulated CONTROL JOURNAL PROCESS SEED
//
// CONTROL is the control block that the driver has prepared, and JOURNAL the file of the history's
// journal. PROCESS is the process's number in the history, and SEED the seed of its random bits.
//
// The process reads a command from its input and writes an answer to its output. Each is a JSON
// object in a line of its own. Command.swift has the fields of commands. An answer is {"ok": …}, or
// {"error": CODE, "message": TEXT, …}. CODE is the name of a CodexError.Code, or one of these:
//
//   protocol    the command is malformed, or needs a store that is not open: a fault of the driver
//   cancelled   a task was cancelled
//   other       any other error
//
// These are the commands; each may have `now`, the time of the wall clock in seconds:
//
//   open, close              opens the store, and closes it (Opening.swift)
//   write, writes, consume   Writing.swift; OrderForm.swift has what they do to orders
//   read, scan, changes, verify, sequence, commitNumbers      Reading.swift
//   pages                                                     Paging.swift
//   checkpoint, removeExpired, addIndex, removeIndex, addCounter, removeCounter,
//   addTimeToLive, removeTimeToLive, changeLayout, buildStep, compact   Maintenance.swift
//   hold, heldRead, letGo, cachedRead                         Keeping.swift
//   observe, observed, endObservation                         Observing.swift
//   backup, archive, restore, follow                          Copies.swift
//
// Before each command, the process waits in `simulated_idle` until the driver gives it the turn.
// The driver writes the command first. It reads answers all the time, since an answer may be longer
// than a pipe holds.
//
// A command ends when its background work has ended, so an idle process makes no watched calls. See
// `SimulatedProcess.settle` for what remains. The end of the input ends the process, with its store
// open.

#if os(Linux)
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let number = UInt32(arguments[3]), let seed = UInt64(arguments[4])
    else { exit(64) }
    signal(SIGPIPE, SIG_IGN)
    simulated_begin(arguments[1], arguments[2], number, seed)
    let process = SimulatedProcess(number: Int(number), seed: seed)
    while true {
        simulated_idle()
        guard let line = readLine() else { break }
        say(await process.answer(to: line))
    }
    exit(0)
#else
    // The calls of a process are interposed on Linux alone.
    exit(64)
#endif
