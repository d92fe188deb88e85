import CodexCore
import CodexTesting
import CrashSupport
import Foundation
import PlantedFaults
import Testing

@testable import CodexStore

/// Each harness shows that it would find what it looks for, by a protection that is switched off.
/// (Flushes: see ``PowerCutTests``.)
@Suite("Planted faults are caught", .serialized)
struct PlantedFaultTests {
    private func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try body(directory)
    }

    @Test("Commits that are not in the log are lost with the process")
    func log() throws {
        try withDirectory { directory in
            var store = CrashStore(directory + "/store")
            let agent = try CrashAgent(
                store.path, writers: 0..<4, seed: 1, killedAt: .committed, after: 100,
                fault: .noLog, rareCheckpoints: true)
            agent.waitForEnd()
            store.note(agent)
            #expect(agent.wasKilled)
            #expect(try !store.isSound())
        }
    }

    @Test("Without the reader that is held during the redo, a second recovery finds a broken state")
    func reader() throws {
        var isCaught = false
        for seed in 1...10 where !isCaught {
            isCaught = try withDirectory { directory in
                var store = CrashStore(directory + "/store")
                // Much to redo.
                let first = try CrashAgent(
                    store.path, writers: 0..<4, seed: UInt64(seed), killedAt: .committed,
                    after: 1500, rareCheckpoints: true)
                first.waitForEnd()
                store.note(first)
                // Killed in the middle of redoing it; with the reader that does no harm.
                for fault in [nil, PlantedFault.noReaderInRedo] {
                    let agent = try CrashAgent(
                        store.path, writers: 0..<4, seed: 7, killedAt: .redone, after: 12,
                        fault: fault, rareCheckpoints: true)
                    agent.waitForEnd()
                    #expect(agent.wasKilled)
                    let copy = "\(directory)/copy-\(fault?.rawValue ?? "sound")"
                    try FileManager.default.copyItem(atPath: store.path, toPath: copy)
                    let isSound = try store.isSound(copy)
                    if fault == nil { #expect(isSound) } else { return !isSound }
                }
                return false
            }
        }
        #expect(isCaught)
    }

    @Test(
        "Without the gate, two processes that open a killed store disturb each other; with it not")
    func gate() throws {
        for round in 0..<4 { #expect(try !isDisturbed(round, nil)) }
        var isCaught = false
        for round in 0..<30 where !isCaught { isCaught = try isDisturbed(round, .noGate) }
        #expect(isCaught)
    }

    /// Lets two processes open a killed store at once; returns whether anything went wrong.
    private func isDisturbed(_ round: Int, _ fault: PlantedFault?) throws -> Bool {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var store = CrashStore(directory + "/store")
        let first = try CrashAgent(
            store.path, writers: 0..<4, seed: UInt64(round + 1), killedAt: .committed, after: 300,
            rareCheckpoints: true)
        first.waitForEnd()
        #expect(first.wasKilled)
        store.note(first)
        let one = try CrashAgent(store.path, writers: 0..<4, seed: 1, groups: 20, fault: fault)
        let other = try CrashAgent(store.path, writers: 4..<8, seed: 1, groups: 20, fault: fault)
        for agent in [one, other] {
            agent.waitForEnd()
            store.note(agent)
        }
        guard one.hasSucceeded, other.hasSucceeded else { return true }
        return try !store.isSound()
    }

    @Test("Without the chain of checksums, an old record passes for the continuation of a new one")
    func chain() throws {
        try withDirectory { directory in
            let id = UUID()
            try FileManager.default.createDirectory(
                atPath: directory + "/log", withIntermediateDirectories: false)
            try Data().write(to: URL(fileURLWithPath: directory + "/data.mdb"))
            let held = try Directory(directory)
            try StoreLease.make(held)
            let lease = try StoreLease(held, isReadOnly: false)
            let log = try LogDirectory(store: held, id: id)
            let writer = LogWriter(log, lease, StoreOptions())
            let begin = LogPosition(
                sequence: 0, segment: 1, offset: UInt64(LogSegmentHeader.byteCount), checksum: 0,
                changeCount: 0)
            _ = try writer.space.makeSegment(1, after: begin, incarnation: 1, .growing)
            func append(_ text: String, _ position: LogPosition) throws -> LogPosition {
                var record =
                    [UInt8](repeating: 0, count: LogRecordHeader.byteCount) + Array(text.utf8)
                let planned = try writer.plan(&record, after: position, changeCount: 0)
                try writer.write(record, planned)
                return planned.position
            }
            let first = try append("first", begin)
            let second = try append("second, lost", first)
            _ = try append("third, left", second)
            // The tail from the second on was taken for torn; another second takes its place.
            _ = try append("second, anew", first)
            func texts(checksChain: Bool) throws -> [String] {
                var cursor = LogCursor(log, after: begin, checksChain: checksChain)
                var texts: [String] = []
                while let record = try cursor.next() {
                    texts.append(String(decoding: record.bytes[record.body], as: UTF8.self))
                }
                return texts
            }
            #expect(try texts(checksChain: true) == ["first", "second, anew"])
            #expect(try texts(checksChain: false) == ["first", "second, anew", "third, left"])
        }
    }
}
