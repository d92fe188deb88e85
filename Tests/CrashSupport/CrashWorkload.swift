package import CodexCore
package import CodexStore

/// What is wrong with a store after a crash.
package struct CrashFinding: Error, CustomStringConvertible {
    package let description: String
}

/// What crash writers write, and how it is checked.
///
/// Writer *w*'s group *k* is one transaction: it puts 1 to 5 items (`w`, `k`, *i*) which all say
/// *k*, removes those of group *k* - ``lag``, and sets the item (`w`, `last`) to *k*.
package enum CrashWorkload {
    package static let lag = 20

    package static let table = TableDefinition(
        "t", partitionKey: KeyAttribute("w"), sortKey: KeyAttribute("s"),
        indexes: [
            IndexDefinition("byGroup", partitionKey: [KeyAttribute("k", .number)]),
            IndexDefinition(
                "keys", partitionKey: [KeyAttribute("s")], projection: .keysOnly),
        ],
        counters: [CounterDefinition("sums", group: [KeyAttribute("w")], sums: ["k"])])

    /// How many items a group has.
    package static func size(_ writer: Int, _ group: Int64) -> Int {
        group <= 0 ? 0 : 1 + Int((group &* 31 &+ Int64(writer) &* 17) % 5)
    }

    /// Opens the store, which recovers it, and looks whether all is as it must be.
    ///
    /// - Parameters:
    ///   - path: The store.
    ///   - acknowledged: The last group of each writer that must be there.
    ///   - isPowerCut: Whether the state before the redo is looked at too.
    ///   - excess: How many groups more may be there.
    /// - Returns: The last group of each writer that is there.
    /// - Throws: ``CrashFinding``, or what opening and reading throws.
    package static func check(
        _ path: String, _ acknowledged: [Int: Int64], isPowerCut: Bool = false,
        excess: Int64 = .max
    ) throws -> [Int: Int64] {
        if isPowerCut {
            var options = StoreOptions()
            options.plantedFault = .noRedo
            let store = try Store(at: path, options: options)
            defer { store.close() }
            try requireSound(store, "the checkpoint's state")
        }
        let store = try Store(at: path)
        defer { store.close() }
        try requireSound(store, "verify")
        var found: [Int: Int64] = [:]
        for (writer, group) in acknowledged {
            found[writer] = try check(store, writer, group, excess)
        }
        return found
    }

    private static func requireSound(_ store: Store, _ what: String) throws {
        let report = try store.verify()
        guard report.isSound else {
            throw CrashFinding(description: "\(what): \(report.differences.prefix(3))")
        }
    }

    private static func check(
        _ store: Store, _ writer: Int, _ acknowledged: Int64, _ excess: Int64
    ) throws -> Int64 {
        let name = AttributeValue.string("w\(writer)")
        let last = try store.item(in: "t", key: PrimaryKey(name, "last"))?["k"]?.number?.int64 ?? 0
        guard last >= acknowledged, last - acknowledged <= excess else {
            throw CrashFinding(
                description: "writer \(writer): \(acknowledged) acknowledged, \(last) there")
        }
        var expected: Set<String> = ["last"]
        for group in max(1, last - Int64(lag) + 1)...max(1, last) where group <= last {
            for position in 0..<size(writer, group) { expected.insert("g\(group)#\(position)") }
        }
        if last == 0 { expected = [] }
        let query = TableQuery(table: "t", partition: [name])
        let found = try store.items(matching: query).items
        guard Set(found.compactMap { $0["s"]?.string }) == expected else {
            throw CrashFinding(description: "writer \(writer): a group is not whole")
        }
        return last
    }
}

extension StoreOptions {
    /// Small bounds, so that every step of the protocol is passed often.
    package static var crashing: StoreOptions {
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(40)
        options.checkpoints.changeCount = 2000
        options.logSegmentByteCountMax = 512 << 10
        options.changeRetention = ChangeRetention(age: .seconds(3600), byteCount: 1 << 20)
        options.redoneChangeCountMax = 200
        return options
    }
}
