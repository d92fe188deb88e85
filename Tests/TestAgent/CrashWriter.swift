import CodexCore
import CodexStore
import CrashSupport
import Foundation
import PlantedFaults
import Synchronization

/// Writes groups of items until it is killed, says which are acknowledged, and leaves the step of
/// the protocol that it is at in a file.
///
/// Arguments: the store, the file for the steps, the first writer's number and how many there are,
/// a seed, how many groups each writes (0 is without end), and optionally a step to be killed at, how
/// often it is passed before, and a fault to plant. With `CODEX_COMPACTING=n` in its environment, the
/// first writer compacts the store after each n-th group.
///
/// Writer *w*'s group *k* is one transaction: it puts 1 to 5 items (`w`, `k`, *i*) which all say
/// *k*, removes those of group *k* - 20, and sets the item (`w`, `last`) to *k*. Once that is
/// acknowledged, it prints `w k`.
struct CrashWriter {
    private let path: String
    private let writers: Range<Int>
    private let seed: UInt64
    private let groupCount: Int
    /// After how many groups the store is compacted.
    private let compactionInterval: Int64?
    private let options: StoreOptions

    init(_ arguments: [String]) throws {
        path = arguments[0]
        let first = Int(arguments[2]) ?? 0
        writers = first..<first + (Int(arguments[3]) ?? 1)
        seed = UInt64(arguments[4]) ?? 1
        groupCount = Int(arguments[5]) ?? 0
        let deadline = arguments.count > 6 ? ProtocolStep(rawValue: arguments[6]) : nil
        let countdown = arguments.count > 7 ? Int(arguments[7]) ?? 0 : 0
        let steps = open(arguments[1], O_RDWR | O_CREAT, 0o644)
        var options = StoreOptions.crashing
        let environment = ProcessInfo.processInfo.environment
        compactionInterval = environment["CODEX_COMPACTING"].flatMap { Int64($0) }
        if environment["CODEX_RARE_CHECKPOINTS"] != nil {
            options.checkpoints = CheckpointPolicy(
                interval: .seconds(3600), changeCount: 1_000_000)
            options.leastDirtyByteCount = options.checkpoints.dirtyByteCount
        }
        if arguments.count > 8, let fault = PlantedFault(rawValue: arguments[8]) {
            options.plant(fault)
        }
        let probe = Probe(steps, deadline, countdown)
        options.parts.reached = { probe.reached($0) }
        self.options = options
    }

    /// Writes each step to the file, from where it can be read after a kill.
    private final class Probe: Sendable {
        private let file: Int32
        private let deadline: ProtocolStep?
        /// How often the step is passed before it is the last.
        private let countdown: Mutex<Int>

        init(_ file: Int32, _ deadline: ProtocolStep?, _ countdown: Int) {
            self.file = file
            self.deadline = deadline
            self.countdown = Mutex(countdown)
        }

        func reached(_ step: ProtocolStep) {
            // With the lock held, so that no other thread reaches a step after the last.
            countdown.withLock { countdown in
                let text = Array((step.rawValue + "\n").utf8)
                _ = text.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
                guard step == deadline else { return }
                countdown -= 1
                if countdown < 0 {
                    kill(getpid(), SIGKILL)
                    while true { pause() }
                }
            }
        }
    }

    func run() async throws {
        let store = try Store(
            at: path, schema: Schema(tables: [CrashWorkload.table]), options: options)
        // Before anybody compacts, which refuses reads.
        let starts = try writers.map { try lastGroup(of: $0, store) }
        say("begun")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, start) in zip(writers, starts) {
                group.addTask { try await write(writer, after: start, store) }
            }
            try await group.waitForAll()
        }
        store.close()
    }

    private func lastGroup(of writer: Int, _ store: Store) throws -> Int64 {
        let key = PrimaryKey(.string("w\(writer)"), "last")
        return try store.item(in: "t", key: key)?["k"]?.number?.int64 ?? 0
    }

    private func write(_ writer: Int, after last: Int64, _ store: Store) async throws {
        var random = seed &+ UInt64(writer) &* 0x9E37_79B9_7F4A_7C15
        func next(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % bound
        }
        var number = last
        while groupCount == 0 || number < last + Int64(groupCount) {
            number += 1
            let group = number
            // Now and then a value that is stored in chunks.
            let filler = String(repeating: "x", count: next(50) == 0 ? 20_000 : Int(next(400)))
            try await store.write { transaction in
                try CrashWorkload.write(writer, group, filler: filler, &transaction)
            }
            say("\(writer) \(group)")
            guard let compactionInterval, writer == writers.lowerBound,
                group % compactionInterval == 0
            else { continue }
            try await compact(store)
        }
    }

    /// Compacts the store, unless another process has it open or is about to.
    private func compact(_ store: Store) async throws {
        do {
            try await store.compact()
        } catch let error as CodexError where [.inUse, .lockTimeout].contains(error.code) {}
    }
}
