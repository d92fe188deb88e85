import CodexCore
import CodexStore
import CodexTesting
import FaultyCalls
import Foundation
import Synchronization
import Testing

extension FaultTests {
    @Test("A build notices that the data file did not take its step, though the log has the rest")
    func build() async throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let failing = Mutex<String?>(nil)
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(600)
        // Not within a commit: LMDB takes no more writes once its meta page could not be written.
        options.parts.beforeCommit = {
            let file = failing.withLock { file in
                defer { file = nil }
                return file
            }
            if let file { faulty_arm(Int32(FAULTY_PWRITE), 1, EIO, 0, file) }
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        let file = directory + "/store/data.mdb"
        var number = 0
        try await store.load(into: "f") {
            guard number < 30_000 else { return nil }
            defer { number += 1 }
            return Self.item(number)
        }
        let index = IndexDefinition("byX", partitionKey: [KeyAttribute("x")])
        var (faultCount, turn, putCount) = (0, 0, 0)
        // A build can be over before this task runs again; then another one is begun.
        repeat {
            if store.schema.tables[0].indexes.contains(where: { $0.name == "byX" }) {
                try await store.waitUntilReady()
                try await store.removeIndex("byX", from: "f")
            }
            try await store.addIndex(index, to: "f")
            // Writes that share commits with steps of the build, of which the log has nothing.
            while try store.buildStatus().contains(where: { $0.state == .building }) {
                let isFaulty = turn % 5 == 0
                if isFaulty {
                    faulty_arm(0, 0, 0, 0, "")
                    failing.withLock { $0 = file }
                }
                do {
                    try await store.put(Self.item(number + turn), in: "f")
                    putCount += 1
                } catch {}
                if isFaulty { faultCount += Int(faulty_count()) }
                turn += 1
            }
            failing.withLock { $0 = nil }
            faulty_arm(0, 0, 0, 0, "")
        } while faultCount == 0
        try await store.waitUntilReady()
        let count = try store.count(TableScan(table: "f")).count
        #expect(count >= number + putCount)
        #expect(try store.count(TableScan(table: "f", index: "byX")).count == count)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }
}
