package import CodexCore
package import CodexStore
internal import PlantedFaults

/// What is wrong with a store after a crash.
package struct CrashFinding: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
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
            IndexDefinition(
                "byGroup", partitionKey: [KeyAttribute("k", .number)], layout: .copies),
            IndexDefinition(
                "keys", partitionKey: [KeyAttribute("s")], projection: .keysOnly),
        ],
        counters: [CounterDefinition("sums", group: [KeyAttribute("w")], sums: ["k"])])

    /// The key of the item that says, as its `id`, which store it is; only some have it.
    package static let identityKey = PrimaryKey("identity", "id")

    /// Writes a writer's group.
    package static func write(
        _ writer: Int, _ group: Int64, filler: String, _ transaction: inout WriteTransaction
    ) throws {
        let name = AttributeValue.string("w\(writer)")
        let number = AttributeValue.number(Number(Int(group)))
        for position in 0..<size(writer, group) {
            try transaction.put(
                [
                    "w": name, "s": .string("g\(group)#\(position)"), "k": number,
                    "text": .string(filler),
                ], in: "t")
        }
        let old = group - Int64(lag)
        for position in 0..<size(writer, old) {
            try transaction.delete(in: "t", key: PrimaryKey(name, .string("g\(old)#\(position)")))
        }
        try transaction.put(["w": name, "s": "last", "k": number], in: "t")
    }

    /// The last group of a writer that a snapshot has.
    ///
    /// - Throws: ``CrashFinding`` if that group is not whole.
    @discardableResult
    package static func lastGroup(_ writer: Int, _ snapshot: borrowing Snapshot) throws -> Int64 {
        let last = try group(of: writer, "last", snapshot) ?? 0
        for position in 0..<size(writer, last) {
            guard try group(of: writer, "g\(last)#\(position)", snapshot) == last else {
                throw CrashFinding(description: "writer \(writer): a snapshot has half a group")
            }
        }
        return last
    }

    /// The group that an item of a writer says.
    private static func group(
        of writer: Int, _ sort: String, _ snapshot: borrowing Snapshot
    ) throws -> Int64? {
        let key = PrimaryKey(.string("w\(writer)"), .string(sort))
        return try snapshot.item(in: "t", key: key)?["k"]?.number?.int64
    }

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
            options.plant(.noRedo)
            let store = try Store(at: path, options: options)
            defer { store.close() }
            try requireSound(store, "the checkpoint's state")
        }
        let store = try Store(at: path)
        defer { store.close() }
        try requireSound(store, "verify")
        try requireStream(store)
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

    /// The stream tells without gap or duplicate how the items became what they are.
    private static func requireStream(_ store: Store) throws {
        let changes = try store.retainedChanges(after: .trimHorizon).filter { $0.table == "t" }
        try requireOrder(changes)
        var images: [PrimaryKey: Item?] = [:]
        for change in changes {
            let key = try change.key
            let (old, new) = (try change.oldImage, try change.newImage)
            if let known = images[key] { try require(known == old, "a change is missing") }
            images[key] = .some(new)
        }
        for (key, image) in images {
            try require(
                try store.item(in: "t", key: key) == image, "it ends with another image")
        }
    }

    /// Throws unless changes come in order, once each, and each writer's groups without a gap.
    package static func requireOrder(_ changes: [ChangeRecord]) throws {
        var last: SequenceNumber?
        var groups: [AttributeValue: Int64] = [:]
        for change in changes {
            try require(last.map { $0 < change.sequenceNumber } ?? true, "a number comes twice")
            last = change.sequenceNumber
            let key = try change.key
            guard key.sort == "last", let group = try change.newImage?["k"]?.number?.int64 else {
                continue
            }
            if let known = groups[key.partition] {
                try require(group == known + 1, "a group is missing, or comes twice")
            }
            groups[key.partition] = group
        }
    }

    private static func require(_ isRight: Bool, _ what: String) throws {
        guard isRight else { throw CrashFinding(description: "the stream: \(what)") }
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
        for item in found {
            let name = item["s"]?.string ?? ""
            let group = name == "last" ? last : Int64(name.dropFirst().prefix { $0 != "#" })
            guard item["k"]?.number?.int64 == group else {
                throw CrashFinding(description: "writer \(writer): an item is of another group")
            }
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
