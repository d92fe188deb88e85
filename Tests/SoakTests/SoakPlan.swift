import CrashSupport
import Foundation
import TestSupport

/// What a soak does, and for how long.
struct SoakPlan: CustomStringConvertible {
    var seed: UInt64
    /// The time of the mixed load.
    var seconds = 8
    /// The first of the processes is never killed.
    var workerCount = 3
    var sessionCount = 2000
    var consumerCount = 20
    /// The tables of a store of their own; none without them.
    var tableCount = 200
    /// How long a process of its own holds a snapshot; there is none without a time.
    var readerSeconds = 3
    var raisesFormats = true
    var fillsDisk = true
    /// What the first process does wrong.
    var fault: SoakFault?

    /// The bytes of the small disk.
    static let diskByteCount = 256 << 20

    /// By so many bytes the file of the held snapshot may grow.
    var readerByteCount: Int { readerSeconds < 60 ? 8 << 20 : 512 << 20 }

    init(seed: UInt64) { self.seed = seed }

    /// The short form, except for the settings of the environment.
    init(_ environment: [String: String]) {
        func number(_ name: String) -> UInt64? {
            environment["CODEX_SOAK_" + name].flatMap { UInt64($0) }
        }
        func count(_ name: String, _ usual: Int) -> Int { number(name).map { Int($0) } ?? usual }
        self.init(seed: number("SEED") ?? UInt64.random(in: 1...1_000_000))
        seconds = count("SECONDS", seconds)
        sessionCount = count("SESSIONS", sessionCount)
        consumerCount = count("CONSUMERS", consumerCount)
        tableCount = count("TABLES", tableCount)
        readerSeconds = count("READER", readerSeconds)
    }

    /// A part of the soak that finds a planted fault.
    init(seed: UInt64, fault: SoakFault) {
        self.init(seed: seed)
        (workerCount, sessionCount, consumerCount) = (2, 100, 5)
        (tableCount, readerSeconds, raisesFormats, fillsDisk) = (0, 0, false, false)
        self.fault = fault
    }

    /// How often memory and files are measured.
    var sampleInterval: Duration {
        max(Duration.milliseconds(100), Duration.seconds(seconds) / 300)
    }

    /// After so long, what was not done is a finding.
    var limit: Duration { .seconds(seconds + readerSeconds + Hang.seconds) }

    var description: String {
        "seed \(seed), \(seconds) seconds, \(workerCount) workers, \(sessionCount) sessions, "
            + "\(consumerCount) consumers, \(tableCount) tables, "
            + "a reader of \(readerSeconds) seconds"
    }
}
