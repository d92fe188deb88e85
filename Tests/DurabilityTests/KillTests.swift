import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// The promise: what was acknowledged is there after a process was killed, whatever it was at, and
/// what was not is there whole or not at all. More cycles: `make test-crash`.
@Suite("Killed processes", .serialized)
struct KillTests {
    static let cycleCount =
        ProcessInfo.processInfo.environment["CODEX_CRASH_CYCLES"].flatMap { Int($0) } ?? 20

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    @Test("Killed at each step of the protocol, nothing acknowledged is lost")
    func everyStep() throws {
        try withDirectory { directory in
            var store = CrashStore(directory + "/store")
            var hit: Set<ProtocolStep> = []
            for (round, step) in ProtocolStep.allCases.enumerated() {
                // A log that is as long as it gets recycles its segments and needs no new spare.
                if step == .spareMade { store = CrashStore(directory + "/young") }
                let seed = UInt64.random(in: 1...1_000_000)
                // Something must be there for a recovery to redo, or a compaction to be seen to.
                let cut: ProtocolStep? =
                    switch step {
                    case .compactionUndone: .compactionIntended
                    case .compactionCompleted: .compactionRenamed
                    default: nil
                    }
                let first = try CrashAgent(
                    store.path, writers: 0..<4, seed: seed, killedAt: cut ?? .recordFlushed,
                    after: cut == nil ? 30 : 0, compactsEvery: cut == nil ? nil : 20)
                first.waitForEnd()
                store.note(first)
                let passes = ProtocolStep.recovery.contains(step) ? 0 : Int(seed % 3)
                let agent = try CrashAgent(
                    store.path, writers: 0..<4, seed: seed + 1, killedAt: step, after: passes,
                    compactsEvery: ProtocolStep.compaction.contains(step) ? 20 : nil)
                let last = agent.waitForEnd()
                store.note(agent)
                #expect(agent.wasKilled, "seed \(seed)")
                #expect(last == step, "round \(round), seed \(seed)")
                if let last { hit.insert(last) }
                do {
                    try store.check()
                } catch {
                    Issue.record("after \(step), seed \(seed): \(error)")
                    return
                }
            }
            #expect(hit == Set(ProtocolStep.allCases))
        }
    }

    @Test("Killed at random, one process or two, again and again")
    func random() throws {
        try withDirectory { directory in
            var store = CrashStore(directory + "/store")
            var random = SystemRandomNumberGenerator()
            var steps: [ProtocolStep: Int] = [:]
            var (agentCount, heardCount) = (0, 0)
            for cycle in 0..<Self.cycleCount {
                let seed = UInt64.random(in: 1...1_000_000)
                // Where there is another process, it is refused.
                var agents = [
                    try CrashAgent(
                        store.path, writers: 0..<4, seed: seed,
                        compactsEvery: cycle % 3 == 0 ? 20 : nil)
                ]
                if cycle % 2 == 1 {
                    agents.append(try CrashAgent(store.path, writers: 4..<8, seed: seed + 1))
                }
                for agent in agents {
                    #expect(agent.waitUntilBegun(), "cycle \(cycle), seed \(seed)")
                }
                // The moment of the kill is what is tried here.
                usleep(UInt32.random(in: 0...250_000, using: &random))
                for agent in agents.shuffled() {
                    agent.signal(SIGKILL)
                    if let step = agent.waitForEnd() { steps[step, default: 0] += 1 }
                    #expect(agent.wasKilled, "cycle \(cycle), seed \(seed)")
                    store.note(agent)
                    agentCount += 1
                    if !agent.acknowledged.isEmpty { heardCount += 1 }
                    // The other one goes on for a while without it.
                    usleep(UInt32.random(in: 0...100_000, using: &random))
                }
                // Now and then the next ones recover it, two at once.
                if cycle % 3 == 0, cycle + 1 < Self.cycleCount { continue }
                do {
                    try store.check()
                } catch {
                    Issue.record("cycle \(cycle), seed \(seed): \(error)")
                    return
                }
            }
            // Writers that never get to write would lose nothing.
            #expect(heardCount > agentCount / 2)
            print("killed at:", steps.sorted { $0.key.rawValue < $1.key.rawValue })
        }
    }
}

/// Consumers that are killed.
@Suite("Killed consumers", .serialized)
struct ConsumerKillTests {
    @Test("A consumer that is killed at random while it sums counts each change once")
    func exactlyOnce() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/store"
        let schema = Schema(tables: [
            TableDefinition(
                "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"))
        ])
        let store = try Store(at: path, schema: schema)
        try await store.addConsumer(
            "sum", after: .trimHorizon, filter: ChangeFilter(partitionKeyPrefix: "in"))
        var (expected, movedCount) = (0, 0)
        for round in 0..<12 {
            let before = try #require(try store.consumers().first).sequenceNumber
            let consumer = try SumAgent(path)
            #expect(consumer.waitUntilBegun())
            for number in 0..<30 {
                let value = round * 30 + number
                expected += value
                try await store.write {
                    _ = try $0.put(
                        ["p": "in", "s": .string("s\(value)"), "v": .number(Number(value))],
                        in: "t")
                }
            }
            // The moment of the kill is what is tried here.
            usleep(UInt32.random(in: 0...20_000))
            consumer.kill()
            #expect(consumer.wasKilled)
            let after = try #require(try store.consumers().first).sequenceNumber
            #expect(before <= after)
            if before < after { movedCount += 1 }
        }
        // They did consume before they were killed.
        #expect(movedCount > 6)
        let last = try SumAgent(path)
        #expect(last.waitUntilBegun())
        let changes = store.changes(
            after: .latest, view: .newImage, filter: ChangeFilter(partitionKeyPrefix: "total"))
        // From before the last change on: the consumer may be fast.
        var iterator = changes.makeAsyncIterator()
        expected += 1
        try await store.write {
            _ = try $0.put(["p": "in", "s": "end", "v": .number(Number(1))], in: "t")
        }
        let end = try #require(
            try store.retainedChanges(after: .trimHorizon).last { change in
                try change.key.sort == "end"
            }
        ).sequenceNumber
        // With its last change the consumer's checkpoint passes the end.
        while try #require(try store.consumers().first).sequenceNumber < end {
            _ = try await iterator.next()
        }
        last.kill()
        let total = try store.item(in: "t", key: PrimaryKey("total", "total"))
        #expect(total?["v"]?.number?.int64 == Int64(expected))
        #expect(try store.verify().isSound)
        store.close()
    }
}

/// A process that consumes: see `sum` in `Tests/TestAgent/main.swift`.
private final class SumAgent {
    private let process = Process()
    private let output = Pipe()

    init(_ path: String) throws {
        process.executableURL = Agent.executable
        process.arguments = ["sum", path]
        process.standardOutput = output
        try process.run()
    }

    /// Waits until it consumes, or has ended; returns whether it does.
    func waitUntilBegun() -> Bool {
        output.fileHandleForReading.readData(ofLength: 6) == Data("begun\n".utf8)
    }

    var wasKilled: Bool {
        process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
    }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
