import CodexCore

/// What the store of the present format has, beside what all have.
enum FixtureSchema {
    static let schema = Schema(
        tables: workspace.tables + [
            FixtureValues.table, FixtureValues.numbers, expiring, removedTable,
        ], entities: workspace.entities)

    /// CodexFlow's schema with encrypted fields.
    private static let workspace = CodexFlow.schema.sealing(
        ["body", "metadata"], of: CodexFlow.Task.self)

    /// A table whose items expire.
    static let expiring = TableDefinition(
        "e", partitionKey: KeyAttribute("id"),
        indexes: [
            IndexDefinition("byGroup", partitionKey: [KeyAttribute("g")]),
            IndexDefinition(
                "unique", partitionKey: [KeyAttribute("u")], projection: .keysOnly, isUnique: true
            ),
        ],
        counters: [CounterDefinition("perGroup", group: [KeyAttribute("g")], sums: ["v"])],
        timeToLive: "until")

    /// A table that is removed, and not emptied.
    static let removedTable = TableDefinition(
        "gone", partitionKey: KeyAttribute("p"),
        indexes: [IndexDefinition("byGroup", partitionKey: [KeyAttribute("g")])])

    /// An index that is added to a table with items.
    static let lateIndex = IndexDefinition(
        "late", partitionKey: [KeyAttribute("w", .number)], projection: .include(["v"]))

    /// Items that expire 10 seconds after the start, long after it, and never.
    static func expiringItems() -> [Item] {
        (0..<9).map { number in
            var item: Item = [
                "id": .string("e\(number)"), "g": .string("g\(number % 2)"),
                "u": .string("u\(number)"), "v": .number(Number(number)),
            ]
            let start = Int(FixtureValues.start.timeIntervalSince1970)
            if isShort(number) { item["until"] = .number(Number(start + 10)) }
            if number % 3 == 1 { item["until"] = .number(Number(start + 1_000_000_000)) }
            return item
        }
    }

    private static func isShort(_ number: Int) -> Bool { number % 3 == 0 }

    /// The keys of what has expired 20 seconds after the start, by table.
    static func expired() -> [(table: String, key: Item)] {
        var keys: [(table: String, key: Item)] = []
        for number in 0..<9 where isShort(number) {
            keys.append((table: "e", key: ["id": .string("e\(number)")]))
        }
        keys.append((table: CodexFlow.table, key: ["PK": "SESSION#short", "SK": "META"]))
        return keys
    }

    /// Items of the table that is removed, one with a long key.
    static func removedItems() -> [Item] {
        (0..<12).map { number in
            let end = number == 11 ? String(repeating: "x", count: 1500) : ""
            return ["p": .string("gone \(number)\(end)"), "g": .string("g\(number % 3)")]
        }
    }

    /// Items whose changes a consumer gets; it fails on the last three.
    static func consumedItems() -> [Item] {
        (0..<6).map { number in
            var item: Item = [
                "p": "consumed", "s": .string("\(number)"), "v": .number(Number(number)),
            ]
            if number >= 3 { item["bad"] = .bool(true) }
            return item
        }
    }

    /// The descriptions of tasks, which are encrypted.
    static func body(_ number: Int) -> String { "What is to be done in task \(number)." }
}
