import CodexCore
import CodexStore
import CodexTesting
import Foundation

extension MeasuredPath {
    private static func mark(_ store: Store, _ count: Int, _ text: String) async throws {
        try await store.write { transaction in
            for number in 0..<count {
                _ = try transaction.put(
                    ["PK": "MARK", "SK": .string(String(number)), "text": .string(text)],
                    in: CodexFlow.table)
            }
        }
    }

    static let streamPaths: [MeasuredPath] = [
        timed("stream", "from a write to who waits at the tail") { directory in
            let store = try await makeStore(directory, 0)
            var changes = store.changes(after: .latest).makeAsyncIterator()
            // The iterator has its place once it has read something.
            try await mark(store, 1, "first")
            var turn = 0
            return {
                turn += 1
                try await mark(store, 1, String(turn))
                while let change = try await changes.next() {
                    if try change.newImage?["text"]?.string == String(turn) { break }
                }
            }
        },
        timed("stream", "catch up with 10,000 changes") { directory in
            let store = try await makeStore(directory, 0)
            for round in 0..<10 { try await mark(store, 1000, String(round)) }
            return {
                let changes = store.changes(after: .trimHorizon, view: .newImage)
                var count = 0
                for try await _ in changes {
                    count += 1
                    if count == 10_000 { break }
                }
                try require(count == 10_000)
            }
        },
        timed("stream", "consume 1,000 changes exactly once") { directory in
            let store = try await makeStore(directory, 0)
            for round in 0..<10 { try await mark(store, 100, String(round)) }
            let last = try store.stats().sequence
            // At which the consumer stops, with what it had before behind it.
            try await mark(store, 1, "end")
            var turn = 0
            return {
                turn += 1
                let name = "consumer\(turn)"
                try await store.addConsumer(name, after: .trimHorizon)
                do {
                    try await store.consume(name) { _, changes in
                        if changes.contains(where: { $0.sequenceNumber.commit > last }) {
                            throw Reached()
                        }
                    }
                } catch is Reached {
                    // As it was meant to end.
                }
                let consumer = try store.consumers().first { $0.name == name }
                try require(consumer?.sequenceNumber.commit == last)
                try await store.removeConsumer(name)
            }
        },
    ]

    private struct Reached: Error {}

    // MARK: Maintenance

    static let maintenancePaths: [MeasuredPath] = [
        timed("maintenance", "close and open a store of 10,000 tasks") { directory in
            try await makeStore(directory, taskCount).close()
            return { try Store(at: directory + "/store").close() }
        },
        timed("maintenance", "load 10,000 tasks with two indexes") { directory in
            var turn = 0
            return {
                turn += 1
                let path = directory + "/\(turn)"
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
                try await makeStore(path, taskCount).close()
            }
        },
        timed("maintenance", "put 1,000 items and sweep them once expired") { directory in
            let clock = ManualClock()
            var options = StoreOptions()
            options.sweepInterval = nil
            options.use(clock)
            let table = TableDefinition(
                CodexFlow.table, partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                timeToLive: "ttl")
            let store = try Store(
                at: directory + "/store", schema: Schema(tables: [table]), options: options)
            return {
                let second = Int(clock.now.timeIntervalSince1970) + 1
                try await store.write { transaction in
                    for number in 0..<1000 {
                        _ = try transaction.put(
                            [
                                "PK": "SESSION", "SK": .string(String(number)),
                                "ttl": .number(Number(second)),
                            ], in: CodexFlow.table)
                    }
                }
                clock.advance(by: 10)
                try require(try await store.removeExpired() == 1000)
            }
        },
        timed("maintenance", "build and remove an index of 10,000 tasks") { directory in
            let store = try await makeStore(directory, taskCount)
            return {
                try await store.addIndex(
                    IndexDefinition("byTitle", partitionKey: [KeyAttribute("title")]),
                    to: CodexFlow.table)
                try await store.waitUntilReady()
                try await store.removeIndex("byTitle", from: CodexFlow.table)
                try await store.waitUntilReady()
            }
        },
        timed("maintenance", "back up 10,000 tasks") { directory in
            let store = try await makeStore(directory, taskCount)
            var turn = 0
            return {
                turn += 1
                let path = directory + "/backup\(turn)"
                _ = try await store.backup(to: path)
                try FileManager.default.removeItem(atPath: path)
            }
        },
        timed("maintenance", "restore 10,000 tasks") { directory in
            let store = try await makeStore(directory, taskCount)
            _ = try await store.backup(to: directory + "/backup")
            store.close()
            var turn = 0
            return {
                turn += 1
                let path = directory + "/restored\(turn)"
                try await Store.restore(directory + "/backup", at: path)
                try FileManager.default.removeItem(atPath: path)
            }
        },
        timed("maintenance", "verify 10,000 tasks") { directory in
            let store = try await makeStore(directory, taskCount)
            return { try require(try store.verify().differences.isEmpty) }
        },
    ]
}
