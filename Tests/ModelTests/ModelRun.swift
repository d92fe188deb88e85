import CodexCore
import CodexStore
import CodexTesting
import Foundation
import PlantedFaults
import TestSupport

/// A difference between engine and oracle.
struct Difference: Error, CustomStringConvertible {
    let description: String
    init(_ text: String) { description = text }
}

/// Runs random operations on a store and on the oracle, and compares every answer.
///
/// Sendable by confinement: `run` uses it from one task, and the store's writer thread runs the
/// bodies one at a time while that task waits.
final class ModelRun: @unchecked Sendable {
    private var generator: Generator
    private var oracle = Oracle(schema: Generator.schema)
    private let clock = ManualClock()
    private let layout: IndexLayout?
    private let schema: Schema
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private(set) var operationCount = 0
    private(set) var batchCount = 0

    /// Creates a run.
    ///
    /// - Parameters:
    ///   - seed: The seed of the operations.
    ///   - fault: The fault of the store, if any.
    ///   - layout: The layout of all indexes that can have it; `nil` is both, mixed and changed.
    init(seed: UInt64, fault: PlantedFault? = nil, layout: IndexLayout? = nil) throws {
        generator = Generator(random: SplitMix(seed: seed))
        oracle.now = Double(generator.now)
        var options = StoreOptions()
        let clock = clock
        options.use(clock)
        if let fault { options.plant(fault) }
        // The oracle must know when something was swept.
        options.sweepInterval = nil
        self.layout = layout
        schema = Generator.schema(in: layout)
        temporary = try TemporaryStore(schema: schema, options: options)
    }

    /// Runs at least `count` operations, in transactions of some tens each.
    func run(operations count: Int) async throws {
        do {
            try await runBatches(count)
        } catch let error as CodexError where error.code == .corrupted {
            throw Difference("\(error)")
        }
    }

    private func runBatches(_ count: Int) async throws {
        while operationCount < count {
            try await tick()
            try await batch()
            batchCount += 1
            if batchCount % 20 == 0 { try await rebuild() }
            if batchCount % 5 == 0, layout == nil { try await changeLayout() }
            let report = try store.verify()
            guard report.isSound else {
                throw Difference("verify: \(report.differences.prefix(3))")
            }
            for _ in 0..<5 { try store.read { try self.read($0) } }
        }
    }

    /// Removes an index and a counter and builds them anew from what is there; the old trees are
    /// emptied while the next batches run.
    private func rebuild() async throws {
        let table = schema.tables[0]
        let index = generator.random.pick(table.indexes)
        let counter = generator.random.pick(table.counters)
        try await store.removeIndex(index.name, from: table.name)
        try await store.removeCounter(counter.name, from: table.name)
        try await store.addIndex(index, to: table.name)
        try await store.addCounter(counter, to: table.name)
    }

    /// Begins to give an index a layout, which it may have; the next batches run meanwhile.
    private func changeLayout() async throws {
        let table = generator.random.pick(schema.tables)
        let index = generator.random.pick(table.indexes)
        guard index.projection != .keysOnly else { return }
        try await store.changeLayout(
            ofIndex: index.name, in: table.name,
            to: generator.random.pick(IndexLayout.allCases))
    }

    /// Moves the clock on, and mostly sweeps.
    private func tick() async throws {
        let seconds = generator.random.below(25)
        clock.advance(by: Double(seconds))
        generator.now += seconds
        oracle.now = Double(generator.now)
        guard generator.random.chance(60) else { return }
        let removed = try await store.removeExpired()
        // Writes may have removed some before.
        let expired = oracle.removeExpired()
        guard removed <= expired else {
            throw Difference("a sweep removed \(removed) of \(expired) expired items")
        }
        let more = try await store.removeExpired()
        guard more == 0 else { throw Difference("a sweep left \(more) items") }
    }

    private struct Abandon: Error {}

    /// One transaction; one in five throws at its end and must leave nothing behind.
    private func batch() async throws {
        let before = oracle
        let abandons = generator.random.chance(20)
        do {
            try await store.write { [self] transaction in
                for _ in 0..<160 {
                    try generator.random.chance(60) ? write(&transaction) : read(transaction)
                }
                if abandons { throw Abandon() }
            }
        } catch is Abandon {
            oracle = before
        }
    }

    private func table() -> TableDefinition {
        generator.random.chance(70)
            ? Generator.schema.tables[0] : generator.random.pick(Generator.schema.tables)
    }

    // MARK: Writes

    private func write(_ transaction: inout WriteTransaction) throws {
        operationCount += 1
        switch generator.random.below(100) {
        case ..<50: try put(&transaction)
        case ..<75: try update(&transaction)
        case ..<90: try delete(&transaction)
        case ..<92: try deleteRange(&transaction)
        default: try perform(&transaction)
        }
    }

    private func engineKey(_ key: [ModelValue]) throws -> PrimaryKey {
        PrimaryKey(try key[0].value, try key.count > 1 ? key[1].value : nil)
    }

    /// A condition, and whether it holds for the record by the oracle's own reading of the rules.
    private func condition(_ record: Record?) throws -> (Condition, Bool) {
        let name = generator.random.pick(["g1", "n", "x", "flag", "é"])
        let stored = record?[name]
        let path = DocumentPath(name)
        switch generator.random.below(6) {
        case 0: return (.attributeExists(path), stored != nil)
        case 1: return (.attributeNotExists(path), stored == nil)
        case 2:
            let value = generator.value(name)
            return (.compare(.path(path), .equal, .value(try value.value)), stored == value)
        case 3:
            let value = generator.value(name)
            return (.compare(.path(path), .notEqual, .value(try value.value)), stored != value)
        case 4:
            let number = generator.random.pick(Generator.numbers)
            var holds = false
            if case .n(let stored)? = stored { holds = stored < number }
            return (
                .compare(.path(path), .less, .value(.number(try Number(number)))), holds
            )
        default:
            let (inner, holds) = (Condition.attributeExists("u"), record?["u"] != nil)
            return (!inner || .attributeExists(path), !holds || stored != nil)
        }
    }

    private func put(_ transaction: inout WriteTransaction) throws {
        let definition = table()
        let record = generator.record(definition)
        let key = oracle.key(record, definition.name)
        let old = oracle.record(definition.name, key)
        let conditional = generator.random.chance(30)
        let (condition, holds) =
            conditional ? try self.condition(old) : (.attributeExists("x"), true)
        let returned = Result {
            try transaction.put(
                try Item(record: record), in: definition.name,
                condition: conditional ? condition : nil, returning: .allOld)
        }
        try checkOutcome(returned, definition.name, key, old, record, holds, expected: old)
    }

    /// Compares an outcome with what the oracle expects, and takes the change over.
    private func checkOutcome(
        _ outcome: Result<Item?, any Error>, _ table: String, _ key: [ModelValue], _ old: Record?,
        _ new: Record?, _ holds: Bool, expected: Record?
    ) throws {
        if !holds {
            guard case .failure(let error as CodexError) = outcome, error.code == .conditionFailed,
                error.currentItem.map(Record.init(record:)) == old
            else { throw Difference("a false condition gave \(outcome)") }
            return
        }
        if let new, oracle.violatesUnique(new, table) {
            guard case .failure(CodexError.Code.uniqueViolation) = outcome else {
                throw Difference("a taken unique key gave \(outcome)")
            }
            return
        }
        let returned = try outcome.get().map(Record.init(record:))
        guard returned == expected else {
            throw Difference(
                "returned \(String(describing: returned)), not \(String(describing: expected))")
        }
        oracle.set(new, table, key)
    }

    private func update(_ transaction: inout WriteTransaction) throws {
        let definition = table()
        let key = generator.primaryKey(definition)
        let old = oracle.record(definition.name, key)
        var new = old ?? [:]
        for (attribute, value) in zip(definition.keyAttributes, key) { new[attribute.name] = value }
        var clauses: [Update.Clause] = []
        let keyNames = definition.keyAttributes.map(\.name)
        for name in ["g1", "g2", "u", "n", "b", "x", "y", "flag", "tag", "ttl"].shuffled(
            using: &generator.random
        )
        .prefix(1 + generator.random.below(3)) where !keyNames.contains(name) {
            let path = DocumentPath(name)
            switch generator.random.below(4) {
            case 0:
                clauses.append(.remove(path))
                new[name] = nil
            case 1 where name == "n":
                guard case .n(let stored)? = new[name] ?? .n(0), abs(stored) < 1000 else {
                    fallthrough
                }
                clauses.append(.add(path, 1))
                new[name] = .n(Self.decimalSum(stored, 1))
            case 1 where name == "y":
                guard case .ns(let stored)? = new[name] ?? .ns([]) else { fallthrough }
                let more = generator.random.pick(Generator.numbers)
                clauses.append(.add(path, try ModelValue.ns([more]).value))
                new[name] = .ns(stored.union([more]))
            case 2 where name == "y":
                guard case .ns(let stored)? = new[name] else { fallthrough }
                let less = generator.random.pick(Generator.numbers)
                clauses.append(.delete(path, try ModelValue.ns([less]).value))
                let rest = stored.subtracting([less])
                new[name] = rest.isEmpty ? nil : .ns(rest)
            default:
                let value = generator.value(name)
                clauses.append(.set(path, .operand(.value(try value.value))))
                new[name] = value
            }
        }
        guard !clauses.isEmpty else { return }
        let conditional = generator.random.chance(25)
        let (condition, holds) =
            conditional ? try self.condition(old) : (.attributeExists("x"), true)
        let update = Update(clauses)
        let returned = Result {
            try transaction.update(
                in: definition.name, key: try engineKey(key), update,
                condition: conditional ? condition : nil, returning: .allNew)
        }
        // An update that only removes creates no item.
        let outcome = old == nil && update.onlyRemoves ? nil : new
        try checkOutcome(returned, definition.name, key, old, outcome, holds, expected: outcome)
    }

    /// A sum without binary rounding for the decimals of the domain (at most five places).
    private static func decimalSum(_ left: Double, _ right: Double) -> Double {
        ((left * 100_000).rounded() + (right * 100_000).rounded()) / 100_000
    }

    private func delete(_ transaction: inout WriteTransaction) throws {
        let definition = table()
        let key = generator.primaryKey(definition)
        let old = oracle.record(definition.name, key)
        let conditional = generator.random.chance(25)
        let (condition, holds) =
            conditional ? try self.condition(old) : (.attributeExists("x"), true)
        let returned = Result {
            try transaction.delete(
                in: definition.name, key: try engineKey(key),
                condition: conditional ? condition : nil, returning: .allOld)
        }
        try checkOutcome(returned, definition.name, key, old, nil, holds, expected: old)
    }

    private func deleteRange(_ transaction: inout WriteTransaction) throws {
        let query = generator.query(table())
        let keys = oracle.keys(query)
        let deleted = try transaction.deleteItems(matching: try query.request)
        guard deleted.next == nil, deleted.count == keys.count else {
            throw Difference("a range deletion took \(deleted.count) items, not \(keys.count)")
        }
        for key in keys { oracle.set(nil, query.table, key) }
    }

    /// A list of actions: all or none.
    private func perform(_ transaction: inout WriteTransaction) throws {
        var after = oracle
        var actions: [WriteAction] = []
        var targets: Set<[ModelValue]> = []
        var put: [String: Set<[ModelValue]>] = [:]
        var failure: CodexError.Code?
        for _ in 0..<(1 + generator.random.below(4)) {
            let definition = table()
            let record = generator.record(definition)
            let key = after.key(record, definition.name)
            guard targets.insert([.s(Array(definition.name.utf8))] + key).inserted else { continue }
            let old = after.record(definition.name, key)
            switch generator.random.below(3) {
            case 0:
                actions.append(.put(table: definition.name, try Item(record: record)))
                after.set(record, definition.name, key)
                put[definition.name, default: []].insert(key)
            case 1:
                actions.append(.delete(table: definition.name, key: try engineKey(key)))
                after.set(nil, definition.name, key)
            default:
                let (condition, holds) = try self.condition(old)
                actions.append(
                    .check(table: definition.name, key: try engineKey(key), condition: condition))
                if !holds { failure = .conditionFailed }
            }
        }
        if failure == nil,
            Generator.schema.tables.contains(where: {
                after.violatesUnique($0.name, put: put[$0.name] ?? [])
            })
        {
            failure = .uniqueViolation
        }
        do {
            try transaction.perform(actions)
            if let failure { throw Difference("a list that must fail with \(failure) succeeded") }
            oracle = after
        } catch let error as CodexError {
            guard let failure, error.code == .transactionCancelled,
                error.reasons.count == actions.count,
                error.reasons.contains(where: { $0?.code == failure })
            else { throw Difference("a list failed with \(error)") }
        }
    }

    // MARK: Reads

    private func read(_ transaction: borrowing some ReadableTransaction & ~Copyable) throws {
        operationCount += 1
        let definition = table()
        if generator.random.chance(2) { return try scan(transaction, definition) }
        if generator.random.chance(6) { return try totals(transaction, definition) }
        if generator.random.chance(30) {
            let key = generator.primaryKey(definition)
            let item = try transaction.item(in: definition.name, key: try engineKey(key))
            let expected = oracle.record(definition.name, key)
            guard item.map(Record.init(record:)) == expected else {
                throw Difference("get gave \(String(describing: item))")
            }
            return
        }
        let query = generator.query(definition)
        let expected = oracle.results(query)
        let found: [Item]
        switch generator.random.below(4) {
        case 0: found = try transaction.items(matching: try query.request).items
        case 1:
            found = try pages(
                transaction, query, PageLimits(returned: 1 + generator.random.below(4)))
        case 2:
            found = try pages(
                transaction, query, PageLimits(examined: 1 + generator.random.below(4)))
        default:
            let counted = try transaction.count(try query.request)
            guard counted.count == expected.count,
                isExamined(counted.examinedCount, expected.count, query.table)
            else {
                throw Difference("count gave \(counted), not \(expected.count)")
            }
            return try filtered(transaction, query, expected)
        }
        guard found.map(Record.init(record:)) == expected else {
            throw Difference(
                "\(query) gave \(found.count) items, not \(expected.count), or in another order")
        }
    }

    /// All segments together see everything once.
    private func scan(
        _ transaction: borrowing some ReadableTransaction & ~Copyable,
        _ definition: TableDefinition
    ) throws {
        let count = 1 + generator.random.below(5)
        var found: [Item] = []
        for segment in try transaction.segments(of: definition.name, count: count) {
            var token: PageToken?
            repeat {
                let page = try transaction.items(
                    scanning: TableScan(table: definition.name, segment: segment),
                    limits: PageLimits(returned: 1 + generator.random.below(20)), after: token)
                found += page.items
                token = page.next
            } while token != nil
        }
        guard found.map(Record.init(record:)) == oracle.scan(definition.name) else {
            throw Difference("a scan of \(count) segments gave \(found.count) items")
        }
    }

    private func totals(
        _ transaction: borrowing some ReadableTransaction & ~Copyable,
        _ definition: TableDefinition
    ) throws {
        guard let counter = definition.counters.randomElement(using: &generator.random),
            // What is expired counts until it is removed, which the oracle does not see.
            !oracle.hasExpired(definition.name)
        else { return }
        let expected = oracle.totals(counter, definition.name)
        let totals = try transaction.totals(of: counter.name, in: definition.name)
        guard totals.count == expected.count else {
            throw Difference("\(counter.name) has \(totals.count) groups, not \(expected.count)")
        }
        for total in totals {
            var found: [Decimal?] = [Decimal(total.count)]
            for name in counter.sums {
                found.append(total.summedCounts[name].map { Decimal($0) })
                found.append(total.sums[name].flatMap { Decimal(string: $0.description) })
            }
            guard found == expected[total.group.map { ModelValue($0) }] else {
                throw Difference("a group of \(counter.name) is \(found)")
            }
            guard
                try transaction.total(of: counter.name, in: definition.name, group: total.group)
                    == total
            else { throw Difference("a group of \(counter.name) reads differently alone") }
        }
    }

    private func pages(
        _ transaction: borrowing some ReadableTransaction & ~Copyable, _ query: ModelQuery,
        _ limits: PageLimits
    ) throws -> [Item] {
        var items: [Item] = []
        var token: PageToken?
        repeat {
            let page = try transaction.items(
                matching: try query.request, limits: limits, after: token)
            guard page.items.count <= limits.returned ?? .max,
                page.examinedCount <= limits.examined ?? .max,
                !page.items.isEmpty || token == nil || oracle.hasExpired(query.table)
            else { throw Difference("a page is over its limits, or an empty one follows") }
            items += page.items
            token = page.next
        } while token != nil
        return items
    }

    /// Whether so many items may have been examined: those that are there, and perhaps expired ones.
    private func isExamined(_ count: Int, _ expected: Int, _ table: String) -> Bool {
        count == expected || count > expected && oracle.hasExpired(table)
    }

    private func filtered(
        _ transaction: borrowing some ReadableTransaction & ~Copyable, _ query: ModelQuery,
        _ all: [Record]
    ) throws {
        var request = try query.request
        request.filter = .attributeExists("x")
        let page = try transaction.items(matching: request)
        let expected = all.filter { $0["x"] != nil }
        guard page.items.map(Record.init(record:)) == expected,
            isExamined(page.examinedCount, all.count, query.table)
        else {
            throw Difference("a filter gave \(page.items.count) items, not \(expected.count)")
        }
    }
}
