import CodexCore

/// Schemas with short names, for tests that count the bytes of requests, items and answers.
///
/// AWS's shortest names of tables and indexes have three characters.
enum ShortTables {
    /// The table `ttt` with the partition key `p`.
    static let single = Schema(tables: [TableDefinition("ttt", partitionKey: KeyAttribute("p"))])

    /// The table `ttt` with the keys `p` and `s` and the index `ggg` by `g`, and the table `uuu`
    /// with the partition key `p`.
    static let pair = Schema(tables: [
        TableDefinition(
            "ttt", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [IndexDefinition("ggg", partitionKey: [KeyAttribute("g")])]),
        TableDefinition("uuu", partitionKey: KeyAttribute("p")),
    ])
}
