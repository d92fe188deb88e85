import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// A copy of what an earlier release made, and what it must hold: see `Tests/FixtureMaker`.
final class FormatFixture {
    /// The copy's directory.
    let directory: String
    private let parent: String
    /// The lines of `contents.jsonl`.
    private let expected: [Item]
    /// A minute after the fixture was begun.
    private let clock = ManualClock(Date(timeIntervalSince1970: 1_762_300_860))
    #if Encryption
        /// The keys of a format whose digests of idempotency tokens have one.
        private let keys: FileKeyProvider?
    #endif

    /// Copies the fixtures of a format.
    init(_ format: String) throws {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures")
        parent = try TemporaryStore.makeDirectory()
        directory = parent + "/" + format
        try FileManager.default.copyItem(
            atPath: fixtures.appendingPathComponent(format).path, toPath: directory)
        let text = try String(contentsOfFile: directory + "/contents.jsonl", encoding: .utf8)
        expected = try text.split(separator: "\n").map {
            try DynamoDBJSON.item(parsing: Array($0.utf8))
        }
        #if Encryption
            keys = ["format4", "format5"].contains(format) ? try Self.keys(directory) : nil
        #endif
    }

    #if Encryption
        private static func keys(_ directory: String) throws -> FileKeyProvider {
            // A repository does not keep who may read.
            for (name, mode) in [("", 0o700), ("/keys.json", 0o600)] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: directory + name)
            }
            return try FileKeyProvider(at: directory + "/keys.json")
        }
    #endif

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    /// The path of a part of the copy.
    func path(_ name: String) -> String { directory + "/" + name }

    /// Options with the fixture's clock, by which nothing is swept.
    var options: StoreOptions {
        let clock = clock
        var options = StoreOptions()
        options.now = { clock.now }
        options.sweepInterval = nil
        options.mapByteCount = 1 << 36
        #if Encryption
            options.encryptionKeys = keys
        #endif
        return options
    }

    /// What is expected of a kind.
    func lines(_ kind: String) -> [Item] { expected.filter { $0["kind"]?.string == kind } }

    /// A number of commits: `backup`, `last` or `redone`.
    func commits(_ name: String) throws -> UInt64 {
        let line = try #require(lines("commits").first)
        return UInt64(try #require(line[name]?.number?.int64))
    }

    // MARK: What must be there

    /// Compares all items, totals, consumers and what has expired, and verifies the store.
    func expectContents(of store: Store, _ what: String) throws {
        expectEqual(try items(of: store), lines("item"), "\(what), items")
        expectEqual(try totals(of: store), lines("total"), "\(what), totals")
        expectEqual(try consumers(of: store), lines("consumer"), "\(what), consumers")
        for line in lines("expired") {
            let table = try #require(line["table"]?.string)
            let attributes = try #require(line["key"]?.map)
            let key = try store.schema.table(table).primaryKey(of: attributes)
            #expect(try store.item(in: table, key: key) == nil, "\(what), \(table)")
        }
        // Formats before 5 had no layouts.
        let expectedLayouts = lines("layout")
        if !expectedLayouts.isEmpty {
            expectEqual(try layouts(of: store), expectedLayouts, "\(what), layouts")
        }
        let report = try store.verify()
        #expect(report.isSound, "\(what): \(report.differences.prefix(3))")
        #expect(report.itemCount == lines("item").count + lines("expired").count, "\(what)")
    }

    private func expectEqual(_ found: [Item], _ expected: [Item], _ what: String) {
        #expect(found.count == expected.count, "\(what)")
        let places = zip(found, expected).enumerated().filter { $0.element.0 != $0.element.1 }
        #expect(places.isEmpty, "\(what): line \(places.first?.offset ?? 0) differs")
    }

    private func items(of store: Store) throws -> [Item] {
        var found: [Item] = []
        for table in store.schema.tables.sorted(by: { $0.name < $1.name }) {
            for item in try store.items(scanning: TableScan(table: table.name)).items {
                found.append(
                    ["kind": "item", "table": .string(table.name), "item": .map(item)])
            }
        }
        return found
    }

    private func totals(of store: Store) throws -> [Item] {
        var found: [Item] = []
        for table in store.schema.tables.sorted(by: { $0.name < $1.name }) {
            for counter in table.counters {
                for total in try store.totals(of: counter.name, in: table.name) {
                    found.append(line(total, counter.name, table.name))
                }
            }
        }
        return found
    }

    private func line(_ total: GroupTotal, _ counter: String, _ table: String) -> Item {
        var (sums, summed) = (AttributeMap(), AttributeMap())
        for (name, sum) in total.sums { sums[name] = .number(sum) }
        for (name, count) in total.summedCounts { summed[name] = .number(Number(count)) }
        return [
            "kind": "total", "table": .string(table), "counter": .string(counter),
            "group": .list(total.group), "count": .number(Number(total.count)),
            "sums": .map(sums), "summed": .map(summed),
        ]
    }

    private func consumers(of store: Store) throws -> [Item] {
        try store.consumers().map { status in
            [
                "kind": "consumer", "name": .string(status.name),
                "at": .string("\(status.sequenceNumber)"),
                "parked": .number(Number(status.deadLetterCount)),
            ]
        }
    }

    /// The layout that each index has, or gets.
    private func layouts(of store: Store) throws -> [Item] {
        try store.buildStatus().compactMap { index in
            guard let layout = index.nextLayout ?? index.layout else { return nil }
            return [
                "kind": "layout", "table": .string(index.table), "index": .string(index.name),
                "layout": .string(layout.rawValue),
            ]
        }
    }

    // MARK: Going on

    /// Retries what was done once and what was parked, writes, closes the store, and looks again.
    func goOn(_ store: Store, _ what: String) async throws {
        try await retryRequests(store, what)
        try await retryDeadLetters(store, what)
        let written = try await write(store)
        let report = try store.verify()
        #expect(report.isSound, "\(what): \(report.differences.prefix(3))")
        let path = store.path
        store.close()
        let again = try Store(at: path, options: options)
        defer { again.close() }
        #expect(again.recovery?.commitCount == 0, "\(what)")
        for item in written {
            let key = try again.schema.table("t").primaryKey(of: item)
            #expect(try again.item(in: "t", key: key) == item, "\(what)")
        }
        let count = try again.count(TableQuery(table: "t", partition: ["large"])).count
        #expect(count == 3, "\(what)")
        #expect(try again.verify() == report, "\(what)")
    }

    /// Requests whose tokens the store knows are not done again, and their tokens serve no others.
    private func retryRequests(_ store: Store, _ what: String) async throws {
        let requests = lines("token")
        #expect(requests.count == 6)
        for line in requests {
            let token = try #require(line["token"]?.string)
            let table = try #require(line["table"]?.string)
            let item = try #require(line["item"]?.map)
            let key = try store.schema.table(table).primaryKey(of: item)
            let isDone = try await store.perform(
                [.put(table: table, item)], idempotencyToken: token)
            #expect(!isDone, "\(what), \(token)")
            let version = try store.read { try $0.view(in: table, key: key) { $0.version } }
            #expect(version == 1, "\(what), \(token)")
            await #expect(throws: CodexError(.idempotencyMismatch, "")) {
                try await store.perform([.delete(table: table, key: key)], idempotencyToken: token)
            }
        }
    }

    private func retryDeadLetters(_ store: Store, _ what: String) async throws {
        for line in lines("consumer") {
            let name = try #require(line["name"]?.string)
            let count = Int(try #require(line["parked"]?.number?.int64))
            let parked = try store.deadLetters(of: name)
            #expect(parked.count == count, "\(what), \(name)")
            #expect(parked.allSatisfy { $0.attemptCount == 1 && $0.error.hasSuffix("refused") })
            let counts = try await store.retryDeadLetters(of: name) { transaction, change in
                let item = try change.newImage ?? Item()
                try transaction.put(
                    ["p": "retried", "s": item["s"] ?? "none", "bad": item["bad"] ?? .null],
                    in: "t")
            }
            #expect(counts.successCount == count, "\(what), \(name)")
            #expect(counts.failureCount == 0, "\(what), \(name)")
            #expect(try store.deadLetters(of: name).isEmpty, "\(what), \(name)")
        }
        let retried = try store.items(matching: TableQuery(table: "t", partition: ["retried"]))
        #expect(retried.items.allSatisfy { $0["bad"] == .bool(true) }, "\(what)")
    }

    /// Writes items with long keys and large values, replaces one, and removes one.
    ///
    /// - Returns: What is there afterwards.
    private func write(_ store: Store) async throws -> [Item] {
        var random = SplitMix(seed: 1)
        let noise = (0..<30_000).map { _ in UInt8(random.below(256)) }
        let other = Array(noise.reversed())
        let items: [Item] = [
            ["p": "new", "s": .string(String(repeating: "k", count: 700)), "g": "g1", "v": 1],
            ["p": "new", "s": "large", "g": "large", "v": 2, "x": .binary(noise)],
            ["p": "large", "s": "40 KB", "g": "large", "v": 3, "x": .binary(other)],
        ]
        for item in items { try await store.put(item, in: "t") }
        try await store.delete(in: "t", key: PrimaryKey("large", "300 KB"))
        let byGroup = TableQuery(table: "t", index: "byGroup", partition: ["large"])
        #expect(try store.items(matching: byGroup).items.contains(items[1]))
        return items
    }
}
