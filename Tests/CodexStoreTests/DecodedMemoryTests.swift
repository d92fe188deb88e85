import CodexCore
import CodexStore
import CodexTesting
import Foundation
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

    // MARK: Small items

    @Test("An item is small below a number of bytes, inflated, and lent only then")
    func small() async throws {
        try await put(["d": .string(String(repeating: "x", count: 5000))])
        let byteCount = try #require(
            try store.read { try $0.view(in: "t", key: key) { try $0.inflatedByteCount() } })
        for (limit, isFound) in [
            (byteCount - 1, false), (byteCount, false), (byteCount + 1, true), (Int.max, true),
        ] {
            var isLent = false
            let found = try store.read { snapshot in
                try snapshot.view(in: "t", key: key, smallerThan: limit) { _ in isLent = true }
            }
            switch found {
            case .found: #expect(isFound && isLent)
            case .large: #expect(!isFound && !isLent)
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
        for (largeByteCount, isLent) in [(16_000, false), (30_000, true)] {
            var (lentCount, endCount) = (0, 0)
            let bound = WalkBound(
                skippedCountMax: 10, keyNames: ["p"], largeByteCount: largeByteCount)
            let stop = try store.read { snapshot in
                try snapshot.forEach(
                    query, within: bound, beforeLargeItem: { endCount += 1 }
                ) { _ in
                    lentCount += 1
                    return true
                }
            }
            #expect(stop == nil && lentCount == (isLent ? 1 : 0) && endCount == (isLent ? 0 : 1))
        }
    }
}
