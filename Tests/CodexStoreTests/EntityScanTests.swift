import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// Scans of all items of an entity.
@Suite("Entity scans")
struct EntityScanTests {
    typealias Order = SalesTable.Order
    typealias Note = SalesTable.Note

    let clock = ManualClock()
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws { temporary = try SalesTable.store(clock) }

    /// Everything that a scan in pages finds.
    private func results(pageSize: Int) async throws -> [Order] {
        var found: [Order] = []
        for try await order in store.results(of: Order.self, pageSize: pageSize) {
            found.append(order)
        }
        return found
    }

    /// Text that does not compress, and is stored in chunks.
    private static func largeText() -> String {
        var random = SplitMix(seed: 24)
        return (0..<4000).map { _ in String(random.next(), radix: 36) }.joined()
    }

    // MARK: What is found

    @Test("A scan finds the items of its entity alone, in the order of keys, in each form")
    func forms() async throws {
        var orders = try await SalesTable.fill(store, 12)
        orders += try await SalesTable.fill(store, 5, of: "bob")
        // Items of both entities in chunks.
        orders[3].content = Self.largeText()
        let large = orders[3]
        try await store.put(large)
        try await store.put(Note(customer: "ada", id: "5", content: Self.largeText()))
        #expect(try store.all(of: Order.self) == orders)
        #expect(try store.count(of: Order.self) == 17)
        #expect(try store.count(of: Note.self) == 17)
        for pageSize in [1, 2, 16, 17, 18, 100] {
            #expect(try await results(pageSize: pageSize) == orders, "\(pageSize)")
        }
        try store.read { snapshot in
            var found: [Order] = []
            try snapshot.forEach(of: Order.self) { order in
                found.append(order)
                return found.count < 4
            }
            #expect(found == Array(orders.prefix(4)))
            #expect(try snapshot.all(of: Order.self) == orders)
        }
    }

    @Test("A scan of a table without items of the entity finds nothing")
    func empty() async throws {
        #expect(try store.all(of: Order.self).isEmpty)
        try await store.put(Note(customer: "ada", id: "1"))
        #expect(try store.all(of: Order.self).isEmpty)
        #expect(try store.count(of: Order.self) == 0)
        #expect(try await results(pageSize: 1).isEmpty)
    }

    @Test("A scan in a write sees what the write did")
    func ownWrites() async throws {
        _ = try await SalesTable.fill(store, 3)
        let numbers = try await store.write { transaction -> [Int] in
            try transaction.put(Order(customer: "ada", number: 9))
            try transaction.delete(Order(customer: "ada", number: 2).lookup)
            #expect(try transaction.count(of: Order.self) == 3)
            return try transaction.all(of: Order.self).map(\.number)
        }
        #expect(numbers == [1, 3, 9])
    }

    @Test("Expired items are not found")
    func expired() async throws {
        var orders = try await SalesTable.fill(store, 3)
        orders[1].expires = Int(clock.now.timeIntervalSince1970) + 10
        let short = orders[1]
        try await store.put(short)
        #expect(try store.all(of: Order.self) == orders)
        clock.advance(by: 11)
        #expect(try store.all(of: Order.self) == [orders[0], orders[2]])
        #expect(try store.count(of: Order.self) == 2)
    }

    // MARK: Pages

    @Test("A page ends after many items of other entities, and the scan goes on behind them")
    func sparse() async throws {
        let (first, last) = (Order(customer: "a", number: 1), Order(customer: "z", number: 1))
        try await store.put(first)
        try await store.put(last)
        // More than two pages examine.
        var number = 0
        try await store.load(into: "samples") {
            number += 1
            guard number <= 20_005 else { return nil }
            return try Note(customer: "m", id: String(100_000 + number)).item()
        }
        #expect(try store.count(of: Note.self) == 20_005)
        for pageSize in [1, 2, 3] {
            #expect(try await results(pageSize: pageSize) == [first, last])
        }
    }

    @Test("Writes between two pages neither repeat nor hide the other items")
    func writesBetween() async throws {
        _ = try await SalesTable.fill(store, 9)
        var numbers: [Int] = []
        for try await order in store.results(of: Order.self, pageSize: 3) {
            numbers.append(order.number)
            guard order.number == 3 else { continue }
            try await store.delete(Order(customer: "ada", number: 3).lookup)
            try await store.delete(Order(customer: "ada", number: 5).lookup)
            try await store.put(Order(customer: "ada", number: 0))
            try await store.put(Order(customer: "ada", number: 10))
        }
        #expect(numbers == [1, 2, 3, 4, 6, 7, 8, 9, 10])
    }

    @Test("Bad page sizes are refused; a cancelled or closed sequence does not look complete")
    func refusals() async throws {
        _ = try await SalesTable.fill(store, 4)
        for pageSize in [0, -1] {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await results(pageSize: pageSize)
            }
        }
        let cancelled = _Concurrency.Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await results(pageSize: 1)
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        var iterator = store.results(of: Order.self, pageSize: 1).makeAsyncIterator()
        #expect(try await iterator.next()?.number == 1)
        store.close()
        do {
            _ = try await iterator.next()
            Issue.record("The sequence went on.")
        } catch let error as CodexError {
            #expect(error.code == .closed)
        }
        #expect(throws: CodexError(.closed, "")) { try store.all(of: Order.self) }
    }

    @Test("An entity that the store does not have is refused")
    func unknown() throws {
        struct Stranger: Codable, Entity {
            static let definition = EntityDefinition(
                "stranger", table: "samples", keys: ["partition": "S#{id}", "sort": "S"])
            var id: String
        }
        #expect(throws: CodexError(.unknownEntity, "")) { try store.all(of: Stranger.self) }
        #expect(throws: CodexError(.unknownEntity, "")) { try store.count(of: Stranger.self) }
    }
}

/// Scans over items that cannot be read, and totals of an entity.
@Suite("Entity scans: bad items and totals")
struct EntityScanFailureTests {
    typealias Order = SalesTable.Order
    typealias Note = SalesTable.Note

    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws { temporary = try SalesTable.store() }

    /// Stores an order whose number is text, which no program of this type writes.
    private func damage(_ order: Order) async throws {
        var item = try order.item()
        item["number"] = "much"
        let damaged = item
        try await store.put(damaged, in: "samples")
    }

    @Test("A bad item is an error with its place, or is reported and does not hide the others")
    func badItem() async throws {
        let orders = try await SalesTable.fill(store, 6)
        try await damage(orders[2])
        try await damage(orders[4])
        do {
            _ = try store.all(of: Order.self)
            Issue.record("The item was read.")
        } catch let error as CodexError {
            #expect(error.code == .typeMismatch)
            #expect(error.entity == "order" && error.itemIndex == 2)
            #expect(error.key == orders[2].key)
            #expect(error.attributePath == "number")
            #expect(!error.description.contains("much"))
        }
        let good = [0, 1, 3, 5].map { orders[$0] }
        var failures: [CodexError] = []
        #expect(try store.all(of: Order.self, onFailure: { failures.append($0) }) == good)
        #expect(failures.map(\.itemIndex) == [2, 4])
        #expect(failures.map(\.key) == [orders[2].key, orders[4].key])
        // They count: a number must not hide them.
        #expect(try store.count(of: Order.self) == 6)
        #expect(throws: CodexError(.typeMismatch, "")) {
            try store.read { try $0.forEach(of: Order.self) { _ in true } }
        }
    }

    @Test("A sequence ends with the error of a bad item, or reports it", arguments: [1, 2, 6, 7])
    func badItemInSequence(pageSize: Int) async throws {
        let orders = try await SalesTable.fill(store, 6)
        try await damage(orders[2])
        var found: [Order] = []
        await #expect(throws: CodexError(.typeMismatch, "")) {
            for try await order in store.results(of: Order.self, pageSize: pageSize) {
                found.append(order)
            }
        }
        #expect(found == Array(orders.prefix(2 / pageSize * pageSize)))
        let keys = Mutex<[PrimaryKey?]>([])
        found = []
        let sequence = store.results(of: Order.self, pageSize: pageSize) { error in
            keys.withLock { $0.append(error.key) }
        }
        for try await order in sequence { found.append(order) }
        #expect(found == [0, 1, 3, 4, 5].map { orders[$0] })
        #expect(keys.withLock { $0 } == [orders[2].key])
    }

    @Test("The errors of a body end the scan as they are")
    func bodyErrors() async throws {
        struct Refusal: Error {}
        _ = try await SalesTable.fill(store, 3)
        #expect(throws: Refusal.self) {
            try store.read { try $0.forEach(of: Order.self) { _ in throw Refusal() } }
        }
    }

    @Test("An item from before its entity is refused as in a read by key, until it is migrated")
    func rawItem() async throws {
        let order = Order(customer: "ada", number: 1, total: 5)
        let table = SalesTable.table.with(indexes: [], counters: [])
        let bare = try TemporaryStore(schema: Schema(tables: [table]))
        let item = try order.item()
        try await bare.store.put(item, in: "samples")
        try await bare.store.put(["partition": "CUSTOMER#x", "sort": "OTHER"], in: "samples")
        bare.store.close()
        let store = try Store(at: bare.path, schema: SalesTable.schema)
        defer { withExtendedLifetime(bare) { store.close() } }
        #expect(throws: CodexError(.otherEntity, "")) { try store.get(order.lookup) }
        #expect(throws: CodexError(.otherEntity, "")) { try store.all(of: Order.self) }
        #expect(try store.count(of: Order.self) == 1)
        #expect(try store.count(of: Note.self) == 0)
        try await store.migrate(Order.self)
        #expect(try store.all(of: Order.self) == [order])
    }

    // MARK: Totals

    @Test("Totals of an entity come from a counter of the entity alone")
    func totals() async throws {
        _ = try await SalesTable.fill(store, 5)
        try await store.put(Order(customer: "bob", number: 1, state: "sent", total: 7))
        let counts = try store.counts(of: Order.self, by: "ordersByState")
        #expect(counts.map(\.group) == [["open"], ["sent"]])
        #expect(counts.map(\.count) == [5, 1])
        #expect(counts.map { $0.sums["total"] } == [150, 7])
        let sent = try store.counts(
            of: Order.self, by: "ordersByState", groupsBeginning: ["sent"])
        #expect(sent.map(\.count) == [1])
        #expect(try store.counts(of: Note.self, by: "notesByState").map(\.count) == [5])
        // All items, or those of another entity.
        for counter in ["byState", "notesByState"] {
            do {
                _ = try store.counts(of: Order.self, by: counter)
                Issue.record("\(counter) was taken for one of orders.")
            } catch let error as CodexError {
                #expect(error.code == .invalidArgument)
                #expect(error.message.contains(counter) && error.message.contains("order"))
            }
        }
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.counts(of: Order.self, by: "absent")
        }
    }
}
