import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Items with a time to live, by a clock that stands still until it is moved.
@Suite("Expiry")
struct ExpiryTests {
    static let table = SampleTable.definition(
        sort: .number,
        indexes: [
            IndexDefinition("all", partitionKey: [KeyAttribute("group")]),
            IndexDefinition("keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("group")],
                projection: .include(["value", "content"])),
            IndexDefinition(
                "one", partitionKey: [KeyAttribute("unique")], projection: .keysOnly,
                isUnique: true),
        ],
        counters: [CounterDefinition("byGroup", group: [KeyAttribute("group")], sums: ["value"])],
        timeToLive: "expires")
    static let schema = Schema(tables: [table])
    /// What the clock shows at the beginning.
    static let start = 1_762_300_800
    static let indexes: [String?] = [nil, "all", "keys", "some"]

    let clock = ManualClock()
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: Self.schema, options: Self.options(clock))
    }

    /// Without a sweeper, so that what is expired stays until a test removes it.
    static func options(_ clock: ManualClock) -> StoreOptions {
        var options = StoreOptions()
        options.use(clock)
        options.sweepInterval = nil
        return options
    }

    func key(_ number: Int) -> PrimaryKey { PrimaryKey("p", .number(Number(number))) }

    /// An item that expires so many seconds after the clock's start.
    func item(_ number: Int, after seconds: Int? = nil, unique: String? = nil) -> Item {
        var item: Item = [
            "partition": "p", "sort": .number(Number(number)), "group": "g",
            "value": .number(Number(number)),
        ]
        item["expires"] = seconds.map { .number(Number(Self.start + $0)) }
        item["unique"] = unique.map { .string($0) }
        return item
    }

    /// The numbers of the items that a walk of the table or an index finds.
    func found(_ index: String? = nil, _ store: Store? = nil) throws -> [Int64] {
        let scan = TableScan(table: "samples", index: index)
        return try (store ?? self.store).items(scanning: scan).items.compactMap {
            $0["sort"]?.number?.int64
        }
    }

    func expectSound(_ store: Store? = nil) throws {
        let report = try (store ?? self.store).verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    /// How many entries lie in the table or an index, expired or not.
    func entryCount(_ index: String? = nil, _ store: Store? = nil) throws -> Int? {
        try (store ?? self.store).stats().trees.first {
            $0.table == "samples" && $0.index == index && $0.counter == nil
        }?.entryCount
    }

    /// The oldest changes of the store.
    func changes(_ count: Int) async throws -> [ChangeRecord] {
        var changes: [ChangeRecord] = []
        for try await change in store.changes(after: .trimHorizon) {
            changes.append(change)
            if changes.count == count { break }
        }
        return changes
    }

    // MARK: When

    @Test("An item is there before its second, and gone from its beginning on")
    func boundary() async throws {
        try await store.put(item(1, after: 10), in: "samples")
        var fraction = item(2)
        fraction["expires"] = .number(try Number(parsing: "\(Self.start + 10).5"))
        try await store.put(fraction, in: "samples")
        clock.advance(by: 9)
        #expect(try store.item(in: "samples", key: key(1)) == item(1, after: 10))
        clock.advance(by: 0.5)
        #expect(try store.item(in: "samples", key: key(1)) == item(1, after: 10))
        clock.advance(by: 0.5)
        #expect(try store.item(in: "samples", key: key(1)) == nil)
        // A fraction of a second is the next second.
        clock.advance(by: 0.5)
        #expect(try store.item(in: "samples", key: key(2)) == fraction)
        clock.advance(by: 0.5)
        #expect(try store.item(in: "samples", key: key(2)) == nil)
        clock.advance(by: 1)
        #expect(try found().isEmpty)
        try expectSound()
    }

    @Test("A moment that is five years past counts, one that is a second older does not")
    func fiveYears() async throws {
        let limit = DynamoDBLimits.expiryIgnoredAfterSeconds
        for (number, offset) in [1 - limit, -limit, -limit - 1, -Self.start].enumerated() {
            try await store.put(item(number, after: offset), in: "samples")
        }
        #expect(try found() == [2, 3])
        #expect(try found("keys") == [2, 3])
        #expect(try await store.removeExpired() == 2)
        #expect(try found() == [2, 3])
        #expect(try await store.removeExpired() == 0)
        try expectSound()
    }

    @Test("Values that are no number, negative or too large mean no expiry, and refuse nothing")
    func otherValues() async throws {
        let values: [AttributeValue] = [
            .string("\(Self.start)"), .bool(true), .null, .list([.number(Number(Self.start))]),
            .numberSet([Number(Self.start)]), .string(""), -1, .number(try Number(parsing: "1e30")),
        ]
        for (number, value) in values.enumerated() {
            var odd = item(number)
            odd["expires"] = value
            try await store.put(odd, in: "samples")
        }
        clock.advance(by: 1000)
        #expect(try found().count == values.count)
        #expect(try entryCount("$expiry") == 0)
        #expect(try await store.removeExpired() == 0)
        try expectSound()
    }

    // MARK: Reading

    @Test("What is expired is gone at once for every way of reading, in the table and its indexes")
    func reading() async throws {
        for number in 1...6 {
            try await store.put(item(number, after: number % 2 == 0 ? 5 : nil), in: "samples")
        }
        for index in Self.indexes { #expect(try found(index) == [1, 2, 3, 4, 5, 6]) }
        clock.advance(by: 5)
        for index in Self.indexes {
            #expect(try found(index) == [1, 3, 5])
            let query = TableQuery(
                table: "samples", index: index, partition: [index == nil ? "p" : "g"])
            let page = try store.items(matching: query)
            #expect(page.items.compactMap { $0["sort"]?.number?.int64 } == [1, 3, 5])
            #expect(page.examinedCount == 6)
            let count = try store.count(query)
            #expect(count.count == 3 && count.examinedCount == 6)
            #expect(try store.count(TableScan(table: "samples", index: index)).count == 3)
            var backward = query
            backward.direction = .backward
            #expect(try store.items(matching: backward).items.count == 3)
            var versions: [Int] = []
            try store.read { snapshot in
                try snapshot.forEach(query) { view in
                    versions.append(view.version)
                    return true
                }
            }
            #expect(versions.count == 3)
            var results: [Item] = []
            for try await item in store.results(of: query, pageSize: 1) { results.append(item) }
            #expect(results == page.items)
            var inSegments = 0
            for segment in try store.segments(of: "samples", index: index, count: 3) {
                let scan = TableScan(table: "samples", index: index, segment: segment)
                inSegments += try store.items(scanning: scan).items.count
            }
            #expect(inSegments == 3)
        }
        #expect(try store.items(in: "samples", keys: [key(1), key(2)]) == [item(1), nil])
        let hidden = try store.read { snapshot in
            try snapshot.view(in: "samples", key: key(2)) { $0.version }
        }
        #expect(hidden == nil)
        let shown = try store.read { snapshot in
            try snapshot.view(in: "samples", key: key(1)) { $0.version }
        }
        #expect(shown == 1)
        // What lies there still counts until it is removed.
        #expect(try store.total(of: "byGroup", in: "samples", group: ["g"]).count == 6)
        #expect(try entryCount() == 6)
        try expectSound()
    }

    @Test("Expired items count as examined, so that a page's work is bounded, and not as returned")
    func pages() async throws {
        for number in 0..<20 {
            try await store.put(item(number, after: number < 15 ? 1 : nil), in: "samples")
        }
        clock.advance(by: 1)
        let query = TableQuery(table: "samples", partition: ["p"])
        let returned = try store.items(matching: query, limits: PageLimits(returned: 2))
        #expect(returned.items == [item(15), item(16)] && returned.examinedCount == 17)
        var token: PageToken?
        var counts: [Int] = []
        repeat {
            let page = try store.items(
                matching: query, limits: PageLimits(examined: 6), after: token)
            #expect(page.examinedCount <= 6)
            counts.append(page.items.count)
            token = page.next
        } while token != nil
        #expect(counts == [0, 0, 3, 2])
    }

    @Test("A snapshot is of one moment, whatever the clock does meanwhile")
    func oneMoment() async throws {
        try await store.put(item(1, after: 5), in: "samples")
        clock.advance(by: 4)
        let (before, after) = try store.read { snapshot in
            let before = try snapshot.item(in: "samples", key: key(1))
            clock.advance(by: 10)
            return (before, try snapshot.item(in: "samples", key: key(1)))
        }
        #expect(before == item(1, after: 5) && after == before)
        #expect(try store.item(in: "samples", key: key(1)) == nil)
    }

    @Test("Sessions expire for typed reads and writes")
    func typed() async throws {
        let temporary = try TemporaryStore(options: Self.options(clock))
        let store = temporary.store
        func session(_ id: CodexFlow.Session.ID, _ seconds: Double) -> CodexFlow.Session {
            CodexFlow.Session(
                id: id, userID: "u", createdAt: clock.now,
                expiresAt: clock.now.addingTimeInterval(seconds))
        }
        try await store.put(session("short", 60))
        try await store.put(session("long", 600))
        let stored = try #require(try store.stored(.session("short")))
        clock.advance(by: 60)
        #expect(try store.get(.session("short")) == nil)
        #expect(try store.stored(.session("short")) == nil)
        #expect(try store.all(.sessions(of: "u")).map(\.id) == ["long"])
        #expect(try store.count(Query<CodexFlow.Session>.sessions(of: "u")) == 1)
        await #expect(throws: CodexError(.versionMismatch, "")) { try await store.replace(stored) }
        await #expect(throws: CodexError(.notFound, "")) {
            try await store.update(.session("short")) { $0.client = "x" }
        }
        #expect(try await store.delete(.session("short")) == false)
        try await store.insert(session("short", 60))
        #expect(try store.stored(.session("short"))?.version == 1)
        try await store.update(.session("short")) { $0.expiresAt += 600 }
        clock.advance(by: 599)
        #expect(try store.all(.sessions(of: "u")).map(\.id) == ["short"])
        #expect(try await store.removeExpired() == 1)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    // MARK: Writing

    @Test("For conditions, updates and return values an expired item is absent")
    func writing() async throws {
        for number in 1...5 { try await store.put(item(number, after: 5), in: "samples") }
        clock.advance(by: 5)
        let absent = Attribute<Int>("value").doesNotExist
        let put = try await store.put(
            item(1, after: 50), in: "samples", condition: absent, returning: .allOld)
        #expect(put == nil)
        #expect(try store.item(in: "samples", key: key(1)) == item(1, after: 50))
        let update = Update().adding(7, to: Attribute<Int>("value"))
        let updated = try await store.update(
            in: "samples", key: key(2), update, condition: absent, returning: .allNew)
        #expect(
            updated == ["partition": "p", "sort": 2, "value": 7], "nothing of the old item is left")
        #expect(try await store.delete(in: "samples", key: key(3), returning: .allOld) == nil)
        do {
            try await store.put(item(4), in: "samples", condition: Attribute<Int>("value").exists)
            Issue.record("a condition on an expired item passed")
        } catch let error as CodexError {
            #expect(error.code == .conditionFailed && error.currentItem == nil)
        }
        #expect(try found() == [1, 2])
        try expectSound()
        // The write that failed left the expired item; the one that deleted nothing removed it.
        #expect(try entryCount() == 4)
        #expect(try store.total(of: "byGroup", in: "samples", group: ["g"]).count == 3)
        #expect(try await store.removeExpired() == 2)
        #expect(try entryCount() == 2)
        try expectSound()
    }

    @Test("A unique value is free at once, in single writes and in lists")
    func unique() async throws {
        try await store.put(item(1, after: 5, unique: "a"), in: "samples")
        try await store.put(item(2, after: 5, unique: "b"), in: "samples")
        try await store.put(item(3, unique: "c"), in: "samples")
        clock.advance(by: 4)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(item(4, unique: "a"), in: "samples")
        }
        clock.advance(by: 1)
        try await store.put(item(4, unique: "a"), in: "samples")
        do {
            try await store.perform([
                .put(table: "samples", item(5, unique: "b")),
                .put(table: "samples", item(6, unique: "c")),
            ])
            Issue.record("a taken unique key was given away")
        } catch let error as CodexError {
            #expect(error.reasons.map { $0?.code } == [nil, .uniqueViolation])
        }
        try await store.perform([
            .put(table: "samples", item(5, unique: "b")),
            .put(table: "samples", item(6, unique: "d")),
        ])
        #expect(try found() == [3, 4, 5, 6])
        #expect(try entryCount() == 4)
        #expect(try entryCount("one") == 4)
        try expectSound()
    }

    @Test("A list judges expired items as absent, all of them before it changes anything")
    func lists() async throws {
        for number in 1...4 {
            try await store.put(item(number, after: 5, unique: "u\(number)"), in: "samples")
        }
        clock.advance(by: 5)
        do {
            try await store.perform([
                .put(table: "samples", item(1), condition: .attributeNotExists("partition")),
                .check(table: "samples", key: key(2), condition: .attributeExists("partition")),
                .delete(table: "samples", key: key(3)),
            ])
            Issue.record("a check of an expired item passed")
        } catch let error as CodexError {
            #expect(error.reasons.map { $0?.code } == [nil, .conditionFailed, nil])
        }
        #expect(try entryCount() == 4, "what the list expired is undone with it")
        try await store.perform([
            .put(
                table: "samples", item(1, unique: "u4"),
                condition: .attributeNotExists("partition")),
            .update(table: "samples", key: key(2), Update().adding(1, to: Attribute<Int>("value"))),
            .delete(table: "samples", key: key(3)),
            .check(table: "samples", key: key(4), condition: .attributeNotExists("partition")),
        ])
        #expect(try found() == [1, 2])
        let updated = try store.item(in: "samples", key: key(2))
        #expect(updated == ["partition": "p", "sort": 2, "value": 1])
        #expect(try entryCount() == 2)
        try expectSound()
    }

    @Test("A body that fails brings back what it expired, with its entries and chunks")
    func rollBack() async throws {
        struct Refusal: Error {}
        var large = item(1, after: 5, unique: "a")
        large["content"] = Self.large
        let stored = large
        try await store.put(stored, in: "samples")
        clock.advance(by: 5)
        let before = try store.stats().trees.map(\.entryCount)
        await #expect(throws: Refusal.self) {
            try await store.write { transaction in
                try transaction.put(item(1, after: 50), in: "samples")
                try transaction.put(item(2, unique: "a"), in: "samples")
                throw Refusal()
            }
        }
        #expect(try store.stats().trees.map(\.entryCount) == before)
        try expectSound()
        // It is what it was: with the clock put back, it is there.
        clock.jump(by: -1)
        #expect(try store.item(in: "samples", key: key(1)) == stored)
        #expect(try found("some") == [1])
    }

    /// So large that it is stored in chunks, and that compressing it is of no use.
    static let large: AttributeValue = {
        var random = SplitMix(seed: 1)
        return .binary((0..<40_000).map { _ in UInt8.random(in: 0...255, using: &random) })
    }()

    // MARK: Removing

    @Test("A sweep removes items with entries, counters and chunks, and marks the changes")
    func sweep() async throws {
        for number in 1...3 { try await store.put(item(number, after: number), in: "samples") }
        var large = item(4, after: 4, unique: "a")
        large["content"] = Self.large
        try await store.put(large, in: "samples")
        try await store.put(item(5), in: "samples")
        #expect(try entryCount("$expiry") == 4)
        let sequence = try store.stats().sequence
        #expect(try await store.removeExpired() == 0)
        #expect(try store.stats().sequence == sequence, "nothing due, nothing written")
        clock.advance(by: 2)
        #expect(try await store.removeExpired() == 2)
        clock.advance(by: 100)
        #expect(try await store.removeExpired(limit: 1) == 1)
        #expect(try await store.removeExpired(limit: 1) == 1)
        #expect(try await store.removeExpired(limit: 1) == 0)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.removeExpired(limit: 0)
        }
        for index in [nil, "all", "keys", "some"] { #expect(try entryCount(index) == 1) }
        for index in ["one", "$expiry"] { #expect(try entryCount(index) == 0) }
        let total = try store.total(of: "byGroup", in: "samples", group: ["g"])
        #expect(total.count == 1 && total.sums["value"] == 5)
        try expectSound()
        let changes = try await changes(9)
        #expect(
            changes.map(\.isExpiry) == [false, false, false, false, false, true, true, true, true])
        #expect(changes.suffix(4).allSatisfy { $0.kind == .remove })
        #expect(try changes.suffix(4).map { try $0.key } == [1, 2, 3, 4].map(key))
        #expect(try changes[5].oldImage == item(1, after: 1))
    }

    @Test("Removals by writes are marked, too, and followed by what the write does")
    func marks() async throws {
        try await store.put(item(1, after: 5, unique: "a"), in: "samples")
        try await store.put(item(2, after: 5, unique: "b"), in: "samples")
        clock.advance(by: 5)
        try await store.put(item(1), in: "samples")
        try await store.put(item(3, unique: "b"), in: "samples")
        try await store.delete(in: "samples", key: key(1))
        let changes = try await changes(7)
        #expect(
            changes.map(\.kind) == [.insert, .insert, .remove, .insert, .remove, .insert, .remove])
        #expect(changes.map(\.isExpiry) == [false, false, true, false, true, false, false])
        #expect(try changes.map { try $0.key } == [1, 2, 1, 1, 2, 3, 1].map(key))
    }

    @Test("An item that was given more time is not swept, one that was given less is")
    func extended() async throws {
        for number in 1...3 { try await store.put(item(number, after: 5), in: "samples") }
        let later = Update([.set("expires", .operand(.value(.number(Number(Self.start + 50)))))])
        try await store.update(in: "samples", key: key(1), later)
        try await store.update(in: "samples", key: key(2), Update([.remove("expires")]))
        clock.advance(by: 5)
        for index in Self.indexes { #expect(try found(index) == [1, 2]) }
        #expect(try await store.removeExpired() == 1)
        #expect(try found("keys") == [1, 2])
        try await store.put(item(2, after: 1), in: "samples")
        #expect(try found("keys") == [1])
        #expect(try await store.removeExpired() == 1)
        clock.advance(by: 45)
        #expect(try found("some").isEmpty)
        #expect(try await store.removeExpired() == 1)
        #expect(try entryCount() == 0)
        try expectSound()
    }

    @Test("The sweeper removes in the background, in batches, and ends with the store")
    func background() async throws {
        var options = Self.options(clock)
        options.sweepInterval = .milliseconds(2)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        let items = (0..<(1200)).map { item($0, after: $0 < 1100 ? 5 : nil) }
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
        try await _Concurrency.Task.sleep(for: .milliseconds(20))
        #expect(try entryCount(nil, store) == 1200)
        clock.advance(by: 5)
        for _ in 0..<5000 {
            if try entryCount(nil, store) == 100 { break }
            try await _Concurrency.Task.sleep(for: .milliseconds(2))
        }
        #expect(try entryCount(nil, store) == 100)
        #expect(try entryCount("$expiry", store) == 0)
        try expectSound(store)
        store.close()
    }
}
