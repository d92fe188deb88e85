import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// What a time to live means for the table's definition, and for a store that is opened again.
extension ExpiryTests {
    @Test("The index of expiry is nobody's to query, remove or name")
    func reserved() async throws {
        #expect(store.schema == Self.schema)
        let name = "$expiry"
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.items(scanning: TableScan(table: "samples", index: name))
        }
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.duplicates(ofIndex: name, in: "samples")
        }
        await #expect(throws: CodexError(.unknownIndex, "")) {
            try await store.removeIndex(name, from: "samples")
        }
        await #expect(throws: CodexError(.invalidSchema, "")) {
            try await store.addIndex(
                IndexDefinition(name, partitionKey: [KeyAttribute("group")]), to: "samples")
        }
        try await store.addIndex(
            IndexDefinition("more", partitionKey: [KeyAttribute("value", .number)]), to: "samples")
        try await store.removeIndex("more", from: "samples")
        #expect(store.schema == Self.schema)
    }

    @Test("A table with items is given a time to live: what is past goes, also in its indexes")
    func added() async throws {
        let before = SampleTable.schema(
            sort: .number, indexes: Self.table.indexes, counters: Self.table.counters)
        let temporary = try TemporaryStore(schema: before, options: Self.options(clock))
        let items = (0..<600).map { number in
            let seconds: [Int?] = [nil, -10, 10]
            var made = item(number, after: seconds[number % 3])
            if number % 50 == 1 { made["content"] = Self.large }
            return made
        }
        try await temporary.store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
        #expect(try found(nil, temporary.store).count == 600)
        #expect(try await temporary.store.removeExpired() == 0)
        temporary.store.close()
        for round in 0..<2 {
            // The second time the schema has nothing new.
            let store = try Store(
                at: temporary.path, schema: Self.schema, options: Self.options(clock))
            for index in Self.indexes {
                #expect(try found(index, store).count == (round == 0 ? 400 : 200))
            }
            #expect(try entryCount("$expiry", store) == 400 - round * 200)
            try expectSound(store)
            if round == 0 { #expect(try await store.removeExpired() == 200) }
            clock.advance(by: 10)
            for index in Self.indexes { #expect(try found(index, store).count == 200) }
            try expectSound(store)
            store.close()
        }
        #expect(throws: CodexError(.schemaMismatch, "")) {
            let other = SampleTable.schema(sort: .number, timeToLive: "other")
            try Store(at: temporary.path, schema: other).close()
        }
    }

    @Test("A bulk load builds the index of expiry as it builds the others")
    func load() async throws {
        var number = 0
        try await store.load(into: "samples") {
            guard number < 3000 else { return nil }
            defer { number += 1 }
            return item(number, after: number % 2 == 0 ? 5 : nil)
        }
        #expect(try entryCount("$expiry") == 1500)
        try expectSound()
        clock.advance(by: 5)
        #expect(try found("keys").count == 1500)
        #expect(try await store.removeExpired() == 1500)
        try expectSound()
    }

    @Test("Removals and seconds of expiry are redone from the log, by whatever clock")
    func redone() async throws {
        var options = Self.options(clock)
        options.checkpoints.interval = .seconds(3600)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        for number in 1...8 {
            try await store.put(item(number, after: number, unique: "u\(number)"), in: "samples")
        }
        clock.advance(by: 3)
        try await store.put(item(1, after: 5), in: "samples")
        try await store.put(item(9, unique: "u2"), in: "samples")
        clock.advance(by: 1)
        #expect(try await store.removeExpired() == 2)
        clock.advance(by: 2)
        // A copy of what the disk has is what a killed process leaves.
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = FileManager.default
        // LMDB's own lock is one that goes when anybody in the process closes its file.
        for name in try files.contentsOfDirectory(atPath: temporary.path) where name != "lock.mdb" {
            try files.copyItem(
                atPath: temporary.path + "/" + name, toPath: directory + "/" + name)
        }
        let late = ManualClock(clock.now + 1000)
        let again = try Store(at: directory, options: Self.options(late))
        #expect((again.recovery?.commitCount ?? 0) >= 11)
        #expect(try again.stats().trees.map(\.entryCount) == store.stats().trees.map(\.entryCount))
        late.jump(by: -1000)
        for index in Self.indexes { #expect(try found(index, again) == found(index, store)) }
        #expect(try found(nil, again) == [7, 8, 9])
        try expectSound(again)
        again.close()
    }

    @Test("What was expired and swept stays so after the store is closed and opened")
    func reopened() async throws {
        for number in 1...4 { try await store.put(item(number, after: number), in: "samples") }
        clock.advance(by: 2)
        #expect(try await store.removeExpired() == 2)
        clock.advance(by: 1)
        store.close()
        let again = try Store(at: temporary.path, options: Self.options(clock))
        #expect(try found(nil, again) == [4])
        #expect(try entryCount(nil, again) == 2)
        // The log ends before the third expired.
        #expect(try await again.removeExpired() == 0)
        clock.advance(by: 300)
        #expect(try await again.removeExpired() == 2)
        try expectSound(again)
        again.close()
        var options = Self.options(clock)
        options.isReadOnly = true
        clock.advance(by: 1)
        let reading = try Store(at: temporary.path, options: options)
        #expect(try found("keys", reading).isEmpty)
        await #expect(throws: CodexError(.readOnly, "")) { try await reading.removeExpired() }
        reading.close()
    }
}
