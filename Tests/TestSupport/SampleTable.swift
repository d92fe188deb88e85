public import CodexCore

/// The table of the tests that need any table: `samples`, with the key attributes `partition` and,
/// if it has a type, `sort`.
///
/// Further attributes have names in full, too: `group` and `unique` for indexes, `value` for a
/// number, `content` for large values, `expires` for a time to live.
public enum SampleTable {
    /// The table with the parts that a test needs.
    public static func definition(
        sort: KeyAttribute.KeyType? = nil, indexes: [IndexDefinition] = [],
        counters: [CounterDefinition] = [], timeToLive: String? = nil
    ) -> TableDefinition {
        TableDefinition(
            "samples", partitionKey: KeyAttribute("partition"),
            sortKey: sort.map { KeyAttribute("sort", $0) }, indexes: indexes, counters: counters,
            timeToLive: timeToLive)
    }

    /// A schema of this table with numbers as sort keys, and an index of the elements of `tag`.
    public static var taggedSchema: Schema {
        let tags = IndexDefinition("tags", partitionKey: [KeyAttribute("tag")], multiValued: "tag")
        return schema(sort: .number, indexes: [tags])
    }

    /// A schema of this table alone.
    public static func schema(
        sort: KeyAttribute.KeyType? = nil, indexes: [IndexDefinition] = [],
        counters: [CounterDefinition] = [], timeToLive: String? = nil
    ) -> Schema {
        Schema(tables: [
            definition(sort: sort, indexes: indexes, counters: counters, timeToLive: timeToLive)
        ])
    }
}

/// The table that other processes work on (`Tests/TestAgent`): `t`, with the key attributes `p` and
/// `s`.
public enum AgentTable {
    /// An index by the attribute `g`.
    public static let byG = IndexDefinition("byG", partitionKey: [KeyAttribute("g")])

    /// The table with the parts that a test needs.
    public static func definition(
        indexes: [IndexDefinition] = [], counters: [CounterDefinition] = [],
        timeToLive: String? = nil
    ) -> TableDefinition {
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"), indexes: indexes,
            counters: counters, timeToLive: timeToLive)
    }

    /// A schema of this table alone.
    public static func schema(indexes: [IndexDefinition] = []) -> Schema {
        Schema(tables: [definition(indexes: indexes)])
    }
}
