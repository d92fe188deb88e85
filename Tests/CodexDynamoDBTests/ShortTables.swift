import CodexCore

/// Schemas with names of one byte, for tests that count the bytes of requests, items and answers.
enum ShortTables {
    /// The table `t` with the partition key `p`.
    static let single = Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute("p"))])

    /// The table `t` with the keys `p` and `s` and an index by `g`, and the table `u` with the
    /// partition key `p`.
    static let pair = Schema(tables: [
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [IndexDefinition("g", partitionKey: [KeyAttribute("g")])]),
        TableDefinition("u", partitionKey: KeyAttribute("p")),
    ])
}
