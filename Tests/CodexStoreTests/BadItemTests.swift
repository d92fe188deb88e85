import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Items that cannot be read, in lists of others.
@Suite("Items that cannot be read")
struct BadItemTests {
    private static let table = SampleTable.definition(
        sort: .string,
        indexes: [
            IndexDefinition("whole", partitionKey: [KeyAttribute("group")]),
            IndexDefinition(
                "keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
        ])

    struct Reading: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "reading", table: "samples",
            keys: ["partition": "ROOM#{room}", "sort": "READING#{id}", "group": "ALL#{room}"])
        var room = "1"
        var id: Int
        var value: Int
        var notes = ["a"]
    }

    struct Remark: Codable, Entity {
        static let definition = EntityDefinition(
            "remark", table: "samples",
            keys: ["partition": "ROOM#{room}", "sort": "REMARK#{id}"])
        var room = "1"
        var id: Int
    }

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let query = Query<Reading>(partition: "ROOM#1")

    init() async throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]).adding(Reading.self, Remark.self))
        try await temporary.store.write { transaction in
            for id in 0..<10 {
                try transaction.put(Reading(id: id, value: id))
                try transaction.put(Remark(id: id))
            }
        }
    }

    private static func key(_ id: Int) -> PrimaryKey {
        PrimaryKey("ROOM#1", .string("READING#000000000\(id)"))
    }

    /// The keys of the items that ``spoilThree()`` spoils.
    private static var badKeys: [PrimaryKey?] { [key(3), key(5), key(8)] }

    private func spoil(_ id: Int, _ update: Update) async throws {
        try await store.update(in: "samples", key: Self.key(id), update)
    }

    private func spoilThree() async throws {
        try await spoil(3, Update().setting(Attribute<String>("value"), to: "three"))
        try await spoil(5, Update().removing(Attribute<Int>("value")))
        try await spoil(
            8, Update().setting(Attribute<[AttributeValue]>("notes"), to: ["a", 2]))
    }

    @Test("The error of a list has the entity, the index, the key and the path")
    func firstError() async throws {
        try await spoilThree()
        let error = try #require(throws: CodexError.self) { try store.all(query) }
        #expect(error.code == .typeMismatch)
        #expect(error.entity == "reading")
        #expect(error.itemIndex == 3)
        #expect(error.key == Self.key(3))
        #expect(error.attributePath == "value")
        #expect(error.message.contains("value is a string (S)"))
        #expect(error.message.contains("entity reading, item at index 3"))
        for text in ["three", "ROOM#1", "READING#"] {
            #expect(!error.description.contains(text), "\(error)")
        }
        let backward = try #require(throws: CodexError.self) { try store.all(query.reversed) }
        #expect(backward.itemIndex == 1 && backward.key == Self.key(8))
        #expect(backward.attributePath == "notes[1]")
    }

    @Test("A read of one item has its key, and no index")
    func oneItem() async throws {
        try await spoilThree()
        let lookup = Lookup<Reading>(.primaryKey(Self.key(5)))
        let error = try #require(throws: CodexError.self) { try store.get(lookup) }
        #expect(error.code == .missingAttribute)
        #expect(error.attributePath == "value" && error.key == Self.key(5))
        #expect(error.itemIndex == nil && error.entity == "reading")
    }

    @Test(
        "One bad item does not hide the others",
        arguments: [nil, "whole", "keys"] as [String?])
    func onFailure(index: String?) async throws {
        try await spoilThree()
        let query =
            index.map { Query<Reading>(partition: "ALL#1", index: $0) } ?? query
        var errors: [CodexError] = []
        let good = try store.all(query) { errors.append($0) }
        #expect(good.map(\.id) == [0, 1, 2, 4, 6, 7, 9])
        #expect(errors.map(\.itemIndex) == [3, 5, 8])
        #expect(errors.map(\.key) == Self.badKeys)
        #expect(errors.map(\.attributePath) == ["value", "value", "notes[1]"])
        #expect(errors.map(\.code) == [.typeMismatch, .missingAttribute, .typeMismatch])
        #expect(errors.allSatisfy { $0.entity == "reading" })
        // The items are there, whether they can be read or not.
        #expect(try store.count(query) == 10)
        let inSnapshot = try store.read { try $0.all(query) { _ in } }
        #expect(inSnapshot == good)
    }

    @Test("Pages have the items that can be read, and their indexes begin at 0", arguments: 1...8)
    func pages(limit: Int) async throws {
        try await spoilThree()
        var (ids, keys): ([Int], [PrimaryKey?]) = ([], [])
        var token: PageToken?
        repeat {
            var indexes: [Int?] = []
            let page = try store.query(query, limit: limit, after: token) { error in
                keys.append(error.key)
                indexes.append(error.itemIndex)
            }
            #expect(page.items.count <= limit)
            #expect(page.next == nil || page.items.count == limit)
            #expect(indexes.allSatisfy { (0..<limit + 3).contains($0 ?? -1) })
            ids += page.items.map(\.id)
            token = page.next
        } while token != nil
        #expect(ids == [0, 1, 2, 4, 6, 7, 9])
        #expect(keys == Self.badKeys)
    }

    @Test("A list of bad items alone is empty, and a list of good ones has no failure")
    func allOrNone() async throws {
        var failures = 0
        #expect(try store.all(query) { _ in failures += 1 }.count == 10)
        #expect(failures == 0)
        for id in 0..<10 {
            try await spoil(id, Update().setting(Attribute<String>("value"), to: "x"))
        }
        #expect(try store.all(query) { _ in failures += 1 }.isEmpty)
        #expect(failures == 10)
    }

    @Test("An error that is not of one item is thrown")
    func otherErrors() throws {
        var failures = 0
        let wrong = Query<Reading>(partition: "ALL#1", index: "nowhere")
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.all(wrong) { _ in failures += 1 }
        }
        store.close()
        #expect(throws: CodexError(.closed, "")) {
            try store.all(query) { _ in failures += 1 }
        }
        #expect(failures == 0)
    }

    @Test("A write that cannot be stored has the entity and the path")
    func writes() async throws {
        let long = Reading(room: String(repeating: "r", count: 3000), id: 1, value: 1)
        let error = try await #require(throws: CodexError.self) {
            try await store.put(long)
        }
        #expect(error.code == .keyTooLong && error.entity == "reading")
        #expect(!error.description.contains("rrr"))
        let bad = Reading(room: "a#b", id: 1, value: 1)
        let other = try await #require(throws: CodexError.self) {
            try await store.insert(bad)
        }
        #expect(other.code == .invalidIdentifier && other.entity == "reading")
        #expect(!other.description.contains("a#b"))
    }
}
