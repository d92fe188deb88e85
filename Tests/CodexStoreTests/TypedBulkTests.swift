import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// Bulk updates of entities.
@Suite("Bulk updates")
struct BulkUpdateTests {
    typealias Order = SalesTable.Order
    typealias Note = SalesTable.Note

    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws { temporary = try SalesTable.store() }

    private func totals() throws -> [Int] { try store.all(of: Order.self).map(\.total) }

    @Test(
        "Each item is changed once, though the change moves it ahead in the index or behind",
        arguments: [1, 2, 7, 149, 150, 151], [25, -25])
    func index(batchCount: Int, step: Int) async throws {
        // With batches of one item, the call needs several walks.
        let orders = try await SalesTable.fill(store, 150)
        for query in [SalesTable.orders(in: "open"), SalesTable.orders(in: "open").reversed] {
            let before = try totals()
            let report = try await store.updateAll(query, batchCount: batchCount) {
                $0.total += step
            }
            #expect(report.updatedCount == 150 && report.examinedCount == 150)
            #expect(report.failureCount == 0 && report.next == nil)
            #expect(try totals() == before.map { $0 + step })
        }
        #expect(try store.all(of: Note.self).map(\.total).sorted() == orders.map(\.total))
        #expect(try store.verify().isSound)
    }

    @Test("Each item is changed once, though the change moves it to a later primary key")
    func primaryKey() async throws {
        for batchCount in [1, 4, 100] {
            try await store.deleteAll(of: Order.self)
            _ = try await SalesTable.fill(store, 70)
            let report = try await store.updateAll(
                SalesTable.orders(of: "ada"), batchCount: batchCount
            ) {
                $0.number += 1000
                $0.total += 1
            }
            #expect(report.updatedCount == 70)
            #expect(try totals() == (1...70).map { 10 * $0 + 1 })
            #expect(try store.all(of: Order.self).map(\.number) == Array(1001...1070))
        }
    }

    @Test("An item that the change moves to the key of one that was found is not changed again")
    func freedKey() async throws {
        _ = try await SalesTable.fill(store, 3)
        let report = try await store.updateAll(
            of: Order.self, batchCount: 1,
            progress: { [store] report in
                guard report.updatedCount == 1 else { return }
                // Between two batches, after all keys were found.
                _ = try? store.write { try $0.delete(Order(customer: "ada", number: 3).lookup) }
            }
        ) { order in
            if order.number == 2 { order.number = 3 }
            order.total += 1
        }
        #expect(report.updatedCount == 2 && report.failureCount == 0)
        #expect(try store.all(of: Order.self).map(\.number) == [1, 3])
        #expect(try totals() == [11, 21])
    }

    @Test("An item with several entries in an index is changed once")
    func multiValued() async throws {
        for number in 1...20 {
            let tags = number % 2 == 0 ? ["a", "b"] : ["b"]
            try await store.put(Order(customer: "ada", number: number, tags: tags))
        }
        let query = Query<Order>(partition: "b", index: "byTag")
        let report = try await store.updateAll(query, batchCount: 3) { order in
            order.total += 1
            order.tags = ["a", "b", "c"]
        }
        #expect(report.updatedCount == 20)
        #expect(try totals() == Array(repeating: 1, count: 20))
    }

    @Test("A filter, a range and a type choose the items; items of other entities stay")
    func selections() async throws {
        _ = try await SalesTable.fill(store, 10)
        _ = try await SalesTable.fill(store, 10, of: "bob")
        let large = SalesTable.orders(of: "ada").filtered(by: Attribute<Int>("total") > 70)
        #expect(try await store.updateAll(large) { $0.state = "large" }.updatedCount == 3)
        #expect(try store.all(SalesTable.orders(in: "large")).map(\.number) == [8, 9, 10])
        let all = try await store.updateAll(of: Order.self, batchCount: 6) { $0.content = "x" }
        #expect(all.updatedCount == 20)
        #expect(try store.all(of: Note.self).allSatisfy { $0.state == "open" && $0.content == "" })
        #expect(try await store.updateAll(SalesTable.orders(of: "eve")) { _ in }.updatedCount == 0)
    }

    // MARK: Failures

    @Test("What a body or a rule refuses, or cannot be read, stays and is reported")
    func failures() async throws {
        struct Refusal: Error {}
        let orders = try await SalesTable.fill(store, 9)
        var bad = try orders[4].item()
        bad["number"] = "five"
        let damaged = bad
        try await store.put(damaged, in: "samples")
        let before = try store.all(of: Order.self, onFailure: { _ in })
        let report = try await store.updateAll(of: Order.self, batchCount: 4) { order in
            if order.number == 2 { throw Refusal() }
            // More than an order may have.
            order.total += order.number == 7 ? Order.totalMax : 1
        }
        #expect(report.updatedCount == 6 && report.failureCount == 3 && report.examinedCount == 9)
        #expect(report.failures.map(\.key) == [1, 4, 6].map { orders[$0].key })
        #expect(report.failures[0].error is Refusal)
        let codes = report.failures.dropFirst().map { ($0.error as? CodexError)?.code }
        #expect(codes == [.typeMismatch, .invalidArgument])
        let after = try store.all(of: Order.self, onFailure: { _ in })
        #expect(
            after.map(\.total)
                == before.map { [2, 7].contains($0.number) ? $0.total : $0.total + 1 })
        #expect(try store.verify().isSound)
    }

    @Test("Of the failures, the first 1,000 are reported", arguments: [999, 1000, 1001])
    func manyFailures(count: Int) async throws {
        struct Refusal: Error {}
        let orders = try await SalesTable.fill(store, count)
        let report = try await store.updateAll(of: Order.self, batchCount: 300) { _ in
            throw Refusal()
        }
        #expect(report.failureCount == count && report.updatedCount == 0)
        #expect(report.failures.map(\.key) == orders.prefix(1000).map(\.key))
    }

    @Test("Impossible batches and places of other calls are refused")
    func refusals() async throws {
        _ = try await SalesTable.fill(store, 4)
        let query = SalesTable.orders(of: "ada")
        for batchCount in [0, -1, .min] {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await store.updateAll(query, batchCount: batchCount) { _ in }
            }
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await store.deleteAll(query, batchCount: batchCount)
            }
        }
        #expect(try await store.updateAll(query, batchCount: .max) { _ in }.updatedCount == 4)
        let places = Mutex<[PageToken?]>([])
        try await store.updateAll(
            query, batchCount: 1, progress: { report in places.withLock { $0.append(report.next) } }
        ) { _ in
        }
        let place = try #require(places.withLock { $0.first } ?? nil)
        #expect(places.withLock { $0.map { $0 == nil } } == [false, false, false, true])
        await #expect(throws: CodexError(.invalidPageToken, "")) {
            try await store.updateAll(SalesTable.orders(of: "bob"), after: place) { _ in }
        }
        await #expect(throws: CodexError(.invalidPageToken, "")) {
            try await store.updateAll(of: Order.self, after: place) { _ in }
        }
        await #expect(throws: CodexError(.invalidPageToken, "")) {
            try await store.updateAll(query, after: PageToken("x")) { _ in }
        }
    }

    // MARK: Other writes

    @Test("A cancelled call keeps its batches, and another one goes on behind them")
    func cancellation() async throws {
        _ = try await SalesTable.fill(store, 20)
        for query in [SalesTable.orders(in: "open"), SalesTable.orders(of: "ada")] {
            let before = try totals()
            let place = Mutex<PageToken?>(nil)
            let task = _Concurrency.Task { [store] in
                try await store.updateAll(
                    query, batchCount: 3,
                    progress: { report in
                        guard report.updatedCount == 9 else { return }
                        place.withLock { $0 = report.next }
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                ) { order in
                    order.total += 500
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try totals() == before.enumerated().map { $1 + ($0 < 9 ? 500 : 0) })
            let token = try #require(place.withLock { $0 })
            let rest = try await store.updateAll(query, after: token) { $0.total += 500 }
            #expect(rest.updatedCount == 11)
            #expect(try totals() == before.map { $0 + 500 })
        }
    }

    @Test("An item that another write changes meanwhile is changed only if it still matches")
    func otherWrites() async throws {
        _ = try await SalesTable.fill(store, 10)
        let query = SalesTable.orders(in: "open").filtered(by: Attribute<String>("content").exists)
        try await store.updateAll(of: Order.self) { $0.content = "x" }
        let report = try await store.updateAll(
            query, batchCount: 3,
            progress: { [store] report in
                guard report.updatedCount == 3 else { return }
                // Between two batches, after all keys were found.
                try? store.write { transaction in
                    try transaction.update(Order(customer: "ada", number: 5).lookup) {
                        $0.state = "sent"
                    }
                    try transaction.update(Order(customer: "ada", number: 6).lookup) {
                        $0.content = nil
                    }
                    try transaction.delete(Order(customer: "ada", number: 7).lookup)
                }
            }
        ) { order in
            order.tags = ["done"]
        }
        #expect(report.updatedCount == 7 && report.failureCount == 0)
        let done = try store.all(of: Order.self).filter { $0.tags == ["done"] }
        #expect(done.map(\.number) == [1, 2, 3, 4, 8, 9, 10])
    }

    @Test(
        "Random updates do what a model of the orders says, from a seed",
        arguments: UInt64(0)..<6)
    func model(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        var model: [Int: Order] = [:]
        for number in 0..<60 {
            let order = Order(
                customer: "ada", number: number, state: random.pick(["open", "sent"]),
                total: random.below(50))
            model[number] = order
            try await store.put(order)
        }
        for _ in 0..<8 {
            let state = random.pick(["open", "sent", "gone"])
            let (step, target) = (random.below(60) - 20, random.pick(["open", "sent", "gone"]))
            let divisor = 1 + random.below(4)
            let batchCount = 1 + random.below(20)
            let change: @Sendable (inout Order) -> Void = { order in
                order.total = max(0, order.total + step)
                if order.number % divisor == 0 { order.state = target }
            }
            let report = try await store.updateAll(
                SalesTable.orders(in: state), batchCount: batchCount, change)
            let chosen = model.values.filter { $0.state == state }
            #expect(report.updatedCount == chosen.count, "seed \(seed)")
            for var order in chosen {
                change(&order)
                model[order.number] = order
            }
            let expected = model.values.sorted { $0.number < $1.number }
            #expect(try store.all(of: Order.self) == expected, "seed \(seed)")
        }
        #expect(try store.verify().isSound)
    }
}

/// Bulk deletions of entities, and the keys that bulk calls collect.
@Suite("Bulk deletions")
struct BulkDeletionTests {
    typealias Order = SalesTable.Order
    typealias Note = SalesTable.Note

    @Test(
        "A typed deletion deletes the items of its entity alone", arguments: [1, 3, 20, 1000])
    func entities(batchCount: Int) async throws {
        let temporary = try SalesTable.store()
        let store = temporary.store
        _ = try await SalesTable.fill(store, 20)
        _ = try await SalesTable.fill(store, 20, of: "bob")
        // Through the table and through an index of keys alone.
        let ada = SalesTable.orders(of: "ada").filtered(by: Attribute<Int>("total") <= 50)
        #expect(try await store.deleteAll(ada, batchCount: batchCount) == 5)
        let range = Query<Order>(
            partition: "open", sort: .between(60, 100), index: "byState")
        #expect(try await store.deleteAll(range, batchCount: batchCount) == 10)
        #expect(try await store.deleteAll(range, batchCount: batchCount) == 0)
        #expect(try store.count(of: Order.self) == 25)
        #expect(try store.count(of: Note.self) == 40)
        let notes = Query<Note>(partition: "open", index: "byState")
        #expect(try await store.deleteAll(notes, batchCount: batchCount) == 40)
        #expect(try await store.deleteAll(of: Order.self, batchCount: batchCount) == 25)
        #expect(try store.count(TableScan(table: "samples")).count == 0)
        #expect(try store.totals(of: "byState", in: "samples").isEmpty)
        #expect(try store.verify().isSound)
    }

    @Test("Items that cannot be read are deleted; a cancelled deletion keeps its batches")
    func badItems() async throws {
        let temporary = try SalesTable.store()
        let store = temporary.store
        let orders = try await SalesTable.fill(store, 5)
        var bad = try orders[2].item()
        bad["number"] = "three"
        let damaged = bad
        try await store.put(damaged, in: "samples")
        #expect(try await store.deleteAll(of: Order.self) == 5)
        #expect(try store.count(of: Note.self) == 5)
        let task = _Concurrency.Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await store.deleteAll(of: Note.self)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try store.count(of: Note.self) == 5)
    }

    @Test("The least keys are those of a sorted set, from a seed", arguments: UInt64(0)..<8)
    func leastKeys(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<50 {
            let keys = (0..<random.below(60)).map { _ in
                (0..<random.below(4)).map { _ in UInt8(random.below(4)) }
            }
            let sorted = Set(keys).sorted { $0.lexicographicallyPrecedes($1) }
            let counts = [1, sorted.count - 1, sorted.count, sorted.count + 1, .max]
            for count in counts where count >= 1 {
                var least = LeastKeys(countMax: count)
                for key in keys { least.add(key) }
                let found = least.keys()
                #expect(found == Array(sorted.prefix(count)), "seed \(seed)")
                #expect(least.isCut == (sorted.count > count), "seed \(seed)")
            }
        }
    }
}
