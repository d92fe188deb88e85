import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// The memory of items, which is asked for before they are decoded.
@Suite("Memory of decoded items")
struct DecodedMemoryTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let key = PrimaryKey("p")

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute("p"))]))
    }

    /// Counts what is granted.
    private final class Meter: @unchecked Sendable {
        private let lock = NSLock()
        private var used = 0
        private var asked = 0

        var byteCount: Int { lock.withLock { used } }
        var askCount: Int { lock.withLock { asked } }

        func memory(byteCountMax: Int = .max) -> DecodedMemory {
            DecodedMemory(byteCountMax: byteCountMax) { count in
                self.add(count)
                return true
            } release: { count in
                self.add(-count)
            }
        }

        private func add(_ count: Int) {
            lock.withLock {
                used += count
                asked += 1
            }
        }
    }

    private static func value(_ kind: String) -> AttributeValue {
        func list(_ value: AttributeValue, _ count: Int) -> AttributeValue {
            .list([AttributeValue](repeating: value, count: count))
        }
        return switch kind {
        case "text": .string(String(repeating: "x", count: 400_000))
        case "emptyTexts": list(.string(""), 400_000)
        case "nulls": list(.null, 200_000)
        case "shortBinaries": list(.binary([1]), 200_000)
        case "texts": list(.string("0123456789abcdef"), 20_000)
        case "lists": list(list(.null, 1), 60_000)
        case "maps": list(.map(["a": .null]), 50_000)
        case "stringSet": .stringSet(AttributeSet((0..<40_000).map { "\($0)" }))
        case "numberSet": .numberSet(AttributeSet((0..<80_000).map { Number($0) }))
        case "small": "x"
        default: .map(AttributeMap((0..<20_000).map { ("name\($0)", AttributeValue.null) }))
        }
    }

    private func put(_ item: Item) async throws {
        var item = item
        item["p"] = "p"
        let stored = item
        _ = try await store.write { transaction in try transaction.put(stored, in: "t") }
    }

    private func item(reserving memory: DecodedMemory) throws -> Item {
        let item = try store.read { snapshot in
            try snapshot.view(in: "t", key: key) { try $0.item(reserving: memory) }
        }
        return try #require(item)
    }

    @Test(
        "It is asked for what an item takes, and not for much more",
        arguments: [
            "text", "emptyTexts", "nulls", "shortBinaries", "texts", "lists", "maps", "stringSet",
            "numberSet", "map",
        ])
    func asked(kind: String) async throws {
        try await put(["d": Self.value(kind)])
        let memory = Meter().memory()
        let decoded = try item(reserving: memory)
        let (taken, asked) = (decoded.memoryByteCount, memory.byteCount)
        #expect(taken > 400_000 && asked > taken - DecodingBudget.portionByteCount)
        // Sets are copied while they are decoded, and encodings are inflated.
        #expect(asked < 4 * taken + 2_000_000, "\(taken) \(asked)")
        #expect(try store.item(in: "t", key: key) == decoded)
    }

    @Test("A refusal is an error, at the last byte", arguments: -1...1)
    func refused(difference: Int) async throws {
        try await put(["d": Self.value("nulls")])
        let whole = Meter().memory()
        _ = try item(reserving: whole)
        let memory = Meter().memory(byteCountMax: whole.byteCount + difference)
        do {
            _ = try item(reserving: memory)
            #expect(difference >= 0 && !memory.isExceeded)
        } catch CodexError.Code.outOfMemory {
            #expect(difference < 0 && memory.isExceeded)
        }
    }

    @Test("Items of some kilobytes are decoded without asking, large ones in a few portions")
    func portions() async throws {
        let meter = Meter()
        try await put(["d": .string(String(repeating: "x", count: 10_000)), "n": 1])
        _ = try item(reserving: meter.memory())
        #expect(meter.askCount == 0)
        try await put(["d": Self.value("shortBinaries")])
        _ = try item(reserving: meter.memory())
        // Given back once.
        #expect(meter.askCount > 1 && meter.askCount < 200 && meter.byteCount == 0)
    }

    @Test("A write whose item is refused changes nothing, and those after it ask nobody")
    func writes() async throws {
        try await put(["d": Self.value("emptyTexts")])
        let before = try store.item(in: "t", key: key)
        await #expect(throws: CodexError(.outOfMemory, "")) {
            try await store.write { transaction in
                transaction.memory = Meter().memory(byteCountMax: 1 << 20)
                _ = try transaction.delete(in: "t", key: PrimaryKey("p"))
            }
        }
        #expect(try store.item(in: "t", key: key) == before)
        try await store.write { transaction in
            _ = try transaction.delete(in: "t", key: PrimaryKey("p"))
        }
        #expect(try store.item(in: "t", key: key) == nil)
    }

    // MARK: Conditions of single writes

    @Test(
        "The item of a write whose condition fails is not decoded, and keeps its memory",
        arguments: ["emptyTexts", "names", "small"], ["put", "update", "delete"])
    func failedWrite(kind: String, write: String) async throws {
        try await put(kind == "names" ? Self.namedItem : ["d": Self.value(kind)])
        let before = try store.item(in: "t", key: key)
        let memory = Meter().memory()
        do {
            try await store.write { transaction in
                transaction.memory = memory
                let (key, fails) = (PrimaryKey("p"), Self.fails)
                switch write {
                case "put": try transaction.put(["p": "p"], in: "t", condition: fails)
                case "update":
                    let update = Update([.set("n", .operand(.value(1)))])
                    try transaction.update(in: "t", key: key, update, condition: fails)
                default: try transaction.delete(in: "t", key: key, condition: fails)
                }
            }
            Issue.record("The condition holds.")
        } catch let error as CodexError where error.code == .conditionFailed {
            guard case .stored(let item)? = error.failedItem else {
                Issue.record("There is no stored item.")
                return
            }
            #expect(try item.item() == before)
            // The first portion needs no reservation.
            #expect(memory.byteCount == (kind == "small" ? 0 : item.memoryByteCount))
        }
        #expect(try store.item(in: "t", key: key) == before)
    }

    @Test(
        "A conditional delete removes the entries of indexes, and decodes only what it returns",
        arguments: [false, true], [false, true])
    func conditionalDelete(returnsItem: Bool, isCounted: Bool) async throws {
        let index = IndexDefinition("g", partitionKey: [KeyAttribute("g")])
        let table = TableDefinition("t", partitionKey: KeyAttribute("p"), indexes: [index])
        let temporary = try TemporaryStore(schema: Schema(tables: [table]))
        let store = temporary.store
        let item: Item = ["p": "p", "g": "x", "d": Self.value("emptyTexts")]
        _ = try await store.write { transaction in try transaction.put(item, in: "t") }
        let memory = Meter().memory()
        func delete(_ condition: Condition) async throws -> Item? {
            try await store.write { transaction in
                if isCounted { transaction.memory = memory }
                return try transaction.delete(
                    in: "t", key: PrimaryKey("p"), condition: condition,
                    returning: returnsItem ? .allOld : .none)
            }
        }
        #expect(try await delete(.attributeExists("d")) == (returnsItem ? item : nil))
        #expect(try store.stats().trees.allSatisfy { $0.table != "t" || $0.entryCount == 0 })
        #expect(try store.verify().differences.isEmpty)
        if isCounted {
            let limit = item.memoryByteCount / 2
            #expect((memory.byteCount > limit) == returnsItem)
        }
        // There is no item any more.
        #expect(try await delete(.attributeNotExists("p")) == nil)
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await delete(.attributeExists("p"))
        }
    }

    // MARK: Names of items

    private static let names = (0..<15_000).map { "attribute \(100_000 + $0)" }
    private static let namesByteCount = Shape(id: 0, names: names).memoryByteCount

    /// An item of more attributes than a shape of the store has.
    private static let namedItem = Item(names.map { ($0, AttributeValue.null) })

    @Test(
        "The names that an item carries are reserved, in every way to read it",
        arguments: ["item", "JSON", "parts", "keys"])
    func ownNames(kind: String) async throws {
        try await put(Self.namedItem)
        let memory = Meter().memory()
        let read = try store.read { snapshot in
            try snapshot.view(in: "t", key: key) { view in
                switch kind {
                case "item": _ = try view.item(reserving: memory)
                case "JSON": _ = try view.writeTypedJSON(only: ["p"], reserving: memory) { _ in }
                case "parts":
                    let projection = try Projection(["p"])
                    _ = try view.writeTypedJSON(keeping: projection, reserving: memory) { _ in }
                default: _ = try view.bytes.soundItem(keeping: [], reserving: memory)
                }
                return try view.inflatedByteCount()
            }
        }
        // The encoding, a copy of what is read, and the names.
        let expected = 2 * (try #require(read)) + Self.namesByteCount
        #expect(memory.byteCount > expected - DecodingBudget.portionByteCount)
        #expect(memory.byteCount < 2 * expected)
    }

    // MARK: Lists of actions

    private static let fails = Condition.attributeNotExists("p")

    /// Memory of which nothing is granted after a release: other requests took it.
    private final class ContendedMemory: Sendable {
        private let isReleased = Atomic(false)

        var hasReleased: Bool { isReleased.load(ordering: .relaxed) }

        func memory() -> DecodedMemory {
            DecodedMemory(
                ask: { _ in !self.hasReleased },
                release: { _ in self.isReleased.store(true, ordering: .relaxed) })
        }
    }

    /// The errors of the actions of a list that is cancelled.
    private func reasons(
        _ actions: [WriteAction], _ memory: DecodedMemory
    ) async throws -> [CodexError?] {
        do {
            try await store.write { transaction in
                transaction.memory = memory
                _ = try transaction.perform(
                    actions, idempotencyToken: nil, within: .dynamoDB, keepingItem: { _ in true }
                ) { _, _ in }
            }
            return []
        } catch let error as CodexError where error.code == .transactionCancelled {
            return error.reasons
        }
    }

    @Test(
        "The item of a failed check keeps its memory, which no other request can take meanwhile",
        arguments: ["emptyTexts", "names", "small"])
    func failedCheck(kind: String) async throws {
        try await put(kind == "names" ? Self.namedItem : ["d": Self.value(kind)])
        let contended = ContendedMemory()
        let memory = contended.memory()
        let reasons = try await reasons(
            [.check(table: "t", key: key, condition: Self.fails)], memory)
        guard reasons.count == 1, case .stored(let item)? = reasons[0]?.failedItem else {
            Issue.record("There is no item.")
            return
        }
        #expect(memory.byteCount == item.memoryByteCount)
        #expect(contended.hasReleased == (kind != "small"))
        if kind == "names" {
            #expect(item.memoryByteCount == item.inflatedByteCount + Self.namesByteCount)
        }
    }

    @Test("A list that is cancelled keeps the memory of its errors, and not of its changes")
    func cancelledList() async throws {
        try await put(["d": Self.value("emptyTexts")])
        _ = try await store.write { transaction in try transaction.put(["p": "q"], in: "t") }
        let meter = Meter()
        let memory = meter.memory()
        let checked = PrimaryKey("q")
        for isFirst in [true, false] {
            let check = WriteAction.check(table: "t", key: checked, condition: Self.fails)
            let delete = WriteAction.delete(table: "t", key: key)
            let reasons = try await reasons(isFirst ? [check, delete] : [delete, check], memory)
            guard reasons.count == 2,
                case .stored(let item)? = reasons[isFirst ? 0 : 1]?.failedItem
            else {
                Issue.record("There is no item.")
                return
            }
            #expect(meter.askCount > 1 && memory.byteCount == item.memoryByteCount)
            memory.release()
        }
    }

    // MARK: Small items

    @Test("An item is small below a number of bytes, inflated, and passed on only then")
    func small() async throws {
        try await put(["d": .string(String(repeating: "x", count: 5000))])
        let byteCount = try #require(
            try store.read { try $0.view(in: "t", key: key) { try $0.inflatedByteCount() } })
        for (limit, isFound) in [
            (byteCount - 1, false), (byteCount, false), (byteCount + 1, true), (Int.max, true),
        ] {
            var isPassed = false
            let found = try store.read { snapshot in
                try snapshot.view(in: "t", key: key, smallerThan: limit) { _ in isPassed = true }
            }
            switch found {
            case .found: #expect(isFound && isPassed)
            case .large: #expect(!isFound && !isPassed)
            case .absent: Issue.record("The item is there.")
            }
        }
        let missing = try store.read { snapshot in
            try snapshot.view(in: "t", key: PrimaryKey("q"), smallerThan: 10) { _ in true }
        }
        guard case .absent = missing else {
            Issue.record("There is an item.")
            return
        }
    }

    @Test("A query ends before an item in chunks that is too large, and says so")
    func walk() async throws {
        let noise = (0..<20_000).map { _ in UInt8.random(in: 0...255) }
        try await put(["d": .binary(noise)])
        let query = TableQuery(table: "t", partition: ["p"])
        for (largeByteCount, isPassed) in [(16_000, false), (30_000, true)] {
            var (passedCount, endCount) = (0, 0)
            let bound = WalkBound(
                skippedCountMax: 10, keyNames: ["p"], largeByteCount: largeByteCount)
            let stop = try store.read { snapshot in
                try snapshot.forEach(
                    query, within: bound, beforeLargeItem: { endCount += 1 }
                ) { _ in
                    passedCount += 1
                    return true
                }
            }
            #expect(stop == nil && passedCount == (isPassed ? 1 : 0))
            #expect(endCount == (isPassed ? 0 : 1))
        }
    }
}
