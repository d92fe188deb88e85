import CodexCore
import CodexStore
import CodexTesting
import Testing

/// Every limit at one below, at, and one above.
@Suite("Limits")
struct LimitTests {
    static let schema = Schema(tables: [
        TableDefinition(
            "pair", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [
                IndexDefinition("i", partitionKey: [KeyAttribute("g")], projection: .keysOnly)
            ]),
        TableDefinition("one", partitionKey: KeyAttribute("p", .binary)),
    ])

    func text(_ count: Int) -> AttributeValue { .string(String(repeating: "k", count: count)) }

    /// Puts and reads back; returns the error's code, if any.
    func put(_ item: Item, in table: String, _ store: Store) async throws -> CodexError.Code? {
        do {
            try await store.put(item, in: table)
        } catch let error as CodexError {
            return error.code
        }
        let definition = try store.schema.table(table)
        #expect(try store.item(in: table, key: definition.primaryKey(of: item)) == item)
        return nil
    }

    @Test("Keys are of any length around LMDB's limit of 511 bytes")
    func encodedKey() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        for count in 505...515 {
            #expect(
                try await put(["p": .binary([UInt8](repeating: 7, count: count))], in: "one", store)
                    == nil)
            // Partition key, its end, sort key.
            #expect(
                try await put(["p": text(100), "s": text(count - 101)], in: "pair", store) == nil)
        }
        #expect(try store.verify().isSound)
    }

    @Test("So are an index's keys with the table's key after them")
    func entryKey() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        for count in 505...515 {
            let item: Item = ["p": "a", "s": "b", "g": text(count - 4)]
            #expect(try await put(item, in: "pair", store) == nil)
        }
        #expect(try store.verify().isSound)
    }

    @Test("Partition keys have at most 2048 bytes, sort keys 1024: the message names the limit")
    func dynamoLimits() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        for (item, limit): (Item, Int) in [
            (["p": text(2049), "s": "b"], 2048), (["p": "a", "s": text(1025)], 1024),
            (["p": "a", "s": "b", "g": text(2049)], 2048),
        ] {
            do {
                try await temporary.store.put(item, in: "pair")
                Issue.record("a key of \(limit + 1) bytes was accepted")
            } catch let error as CodexError {
                #expect(error.code == .keyTooLong && error.message.contains("\(limit)"))
            }
        }
        for item: Item in [
            ["p": text(2048), "s": text(1024), "g": text(2048)],
            ["p": text(2047), "s": text(1023)],
        ] {
            #expect(try await put(item, in: "pair", temporary.store) == nil)
        }
        #expect(try temporary.store.verify().isSound)
    }

    @Test("An item has at most 409,600 bytes, names counted")
    func itemSize() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        for (count, code) in [
            (409_599, nil), (409_600, nil), (409_601, CodexError.Code.itemTooLarge),
        ] {
            // Names p and x, and one byte of key.
            let item: Item = ["p": .binary([1]), "x": text(count - 3)]
            #expect(item.byteCount == count)
            #expect(try await put(item, in: "one", temporary.store) == code)
        }
    }

    @Test("Nesting has at most 32 levels")
    func nesting() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        for (levels, code) in [(31, nil), (32, nil), (33, CodexError.Code.invalidItem)] {
            var value: AttributeValue = "leaf"
            for level in 0..<levels { value = level % 2 == 0 ? .list([value]) : ["m": value] }
            #expect(
                try await put(["p": .binary([1]), "x": value], in: "one", temporary.store) == code)
        }
    }

    @Test("An attribute name has 1 to 65,535 bytes")
    func attributeName() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        for (count, code) in [
            (0, CodexError.Code.invalidItem), (1, nil), (65_534, nil), (65_535, nil),
            (65_536, .invalidItem),
        ] {
            let name = String(repeating: "n", count: count)
            #expect(
                try await put(["p": .binary([1]), name: 1], in: "one", temporary.store) == code)
        }
    }

    @Test("Past the shapes that are interned, items carry their own names")
    func shapes() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let count = StoreLimits.shapeCountMax + 50
        for start in stride(from: 0, to: count, by: 1000) {
            try await store.write { transaction in
                for number in start..<min(start + 1000, count) {
                    let key = [UInt8(number >> 8), UInt8(number & 255)]
                    try transaction.put(["p": .binary(key), "a\(number)": 1], in: "one")
                }
            }
        }
        #expect(try store.stats().shapeCount == StoreLimits.shapeCountMax)
        for number in [0, StoreLimits.shapeCountMax - 1, StoreLimits.shapeCountMax, count - 1] {
            let key = PrimaryKey(.binary([UInt8(number >> 8), UInt8(number & 255)]))
            #expect(try store.item(in: "one", key: key)?["a\(number)"] == 1)
        }
        let wide = Item((0..<600).map { ("w\($0)", AttributeValue.null) })
        var item = wide
        item["p"] = .binary([0xFF, 0xFF, 0xFF])
        #expect(try await put(item, in: "one", store) == nil)
        #expect(try store.verify().isSound)
    }

    @Test("Empty sets and empty or missing key attributes are refused, empty text is not")
    func emptiness() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let code = CodexError.Code.self
        #expect(
            try await put(["p": "a", "s": "b", "x": .stringSet([])], in: "pair", store)
                == code.invalidItem)
        #expect(try await put(["p": "", "s": "b"], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": "a", "s": ""], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": "a"], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": 1, "s": "b"], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": "a", "s": "b", "g": ""], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": "a", "s": "b", "g": 1], in: "pair", store) == code.invalidKey)
        #expect(try await put(["p": "a", "s": "b", "x": ""], in: "pair", store) == nil)
        #expect(try store.stats().trees.map(\.entryCount) == [0, 1, 0])
    }
}
