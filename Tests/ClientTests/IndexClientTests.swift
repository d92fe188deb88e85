// The index library alone: what it takes to keep a table in an ordered map of one's own.

import CodexCore
import CodexIndex
import Testing

@Suite("The index library as a client")
struct IndexClientTests {
    private static let table = TableDefinition(
        "tasks", partitionKey: KeyAttribute("project"), sortKey: KeyAttribute("number", .number),
        indexes: [
            IndexDefinition(
                "by-label", partitionKey: [KeyAttribute("labels")], multiValued: "labels")
        ])
    private let plan = TablePlan(Self.table)

    private func key(_ project: AttributeValue, _ number: AttributeValue) throws -> [UInt8] {
        var key: [UInt8] = []
        try plan.encode(PrimaryKey(project, number), into: &key)
        return key
    }

    @Test("A key's parts are read as they were written, whatever is in them")
    func codec() throws {
        var key: [UInt8] = []
        OrderedKey.append("a\0b", isLast: false, to: &key)
        OrderedKey.append(12, isLast: true, to: &key)
        var position = 0
        let text = try OrderedKey.decode(.string, key.span, &position, isLast: false)
        let number = try OrderedKey.decode(.number, key.span, &position, isLast: true)
        #expect(text == "a\0b" && number == 12 && position == key.count)
    }

    @Test("Encoded keys sort as their values do, and are read back")
    func keys() throws {
        let numbers: [AttributeValue] = [-100, -7, 0, 2, 10]
        let keys = try numbers.map { try key("engine", $0) }
        for (key, next) in zip(keys, keys.dropFirst()) {
            #expect(key.lexicographicallyPrecedes(next))
        }
        for (key, number) in zip(keys, numbers) {
            let read = try plan.primaryKey(key.span)
            #expect(read == PrimaryKey("engine", number))
        }
        #expect(throws: CodexError(.invalidKey, "")) { try key("engine", "text") }
    }

    @Test("A query's range has the keys that it selects, and no others")
    func ranges() throws {
        let below = try plan.range(
            of: TableQuery(table: "tasks", partition: ["engine"], sort: .less(10)))
        #expect(try below.contains(key("engine", 2)))
        #expect(try !below.contains(key("engine", 10)))
        #expect(try !below.contains(key("engines", 2)))
        let rest = try below.resumed(after: key("engine", 2), .forward)
        #expect(try !rest.contains(key("engine", 2)))
        #expect(try rest.contains(key("engine", 3)))
        #expect(throws: CodexError(.unknownIndex, "")) {
            try plan.range(of: TableQuery(table: "tasks", index: "none", partition: ["engine"]))
        }
    }

    @Test("An item has an index entry for each label, and is found by it")
    func index() throws {
        let index = try #require(plan.indexes.first)
        let item: Item = ["project": "engine", "number": 12, "labels": ["parser", "urgent"]]
        let entries = try index.entryKeys(for: item, primaryKey: key("engine", 12))
        #expect(entries.count == 2)
        let range = try plan.range(
            of: TableQuery(table: "tasks", index: "by-label", partition: ["urgent"]))
        let entry = try #require(entries.first(where: range.contains))
        let attributes = try index.attributes(of: entry.span)
        #expect(attributes.map(\.value) == ["urgent", "engine", 12])
        let offset = try index.primaryKeyOffset(entry.span)
        let primaryKey = Array(entry[offset...])
        let read = try plan.primaryKey(primaryKey.span)
        #expect(read == PrimaryKey("engine", 12))
    }
}
