package import CodexCore
package import CodexStore

/// Items with a number each, whose bytes tell whether they are as they were put.
package enum NumberedItems {
    /// The table `t` of the items, each of which is in all indexes, and the table `c` of counts.
    package static func schema(indexCount: Int = 0) -> Schema {
        let indexes = (0..<indexCount).map { number in
            IndexDefinition(
                "i\(number)", partitionKey: [KeyAttribute("s")], projection: .keysOnly)
        }
        return Schema(tables: [
            TableDefinition(
                "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"), indexes: indexes),
            TableDefinition("c", partitionKey: KeyAttribute("p")),
        ])
    }

    package static func key(_ number: Int) -> PrimaryKey {
        PrimaryKey(.string("p\(number % 16)"), .string("n\(number)"))
    }

    /// An item with so many bytes that cannot be compressed.
    ///
    /// The version tells one state of the item from another.
    package static func item(_ number: Int, byteCount: Int, version: Int = 0) -> Item {
        let key = key(number)
        return [
            "p": key.partition, "s": key.sort ?? "", "n": .number(Number(number)),
            "v": .number(Number(version)), "b": .binary(bytes(number, byteCount, version)),
        ]
    }

    /// Deletes items, in one transaction.
    package static func delete(_ numbers: Range<Int>, in store: Store) throws {
        try store.write { transaction in
            for number in numbers { try transaction.delete(in: "t", key: key(number)) }
        }
    }

    /// Puts items, in one transaction.
    package static func put(
        _ numbers: Range<Int>, byteCount: Int, version: Int = 0, in store: Store
    ) throws {
        try store.write { transaction in
            for number in numbers {
                try transaction.put(
                    item(number, byteCount: byteCount, version: version), in: "t")
            }
        }
    }

    // MARK: Bytes

    private static let noise: [UInt8] = {
        var dice = Dice(seed: 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1 << 20)
        while bytes.count < 1 << 20 {
            let word = dice.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }()

    private static func bytes(_ number: Int, _ byteCount: Int, _ version: Int) -> [UInt8] {
        let start = (number &* 7919 &+ version &* 104_729) % (noise.count - byteCount)
        return Array(noise[start..<start + byteCount])
    }

    // MARK: What is there

    /// Which items there are, and in which versions.
    package struct State: Equatable, CustomStringConvertible {
        package var numbers: Set<Int> = []
        package var versions: Set<Int> = []

        package var description: String { "\(numbers.count) of versions \(versions.sorted())" }
    }

    /// Reads all items.
    ///
    /// - Throws: ``CrashFinding`` for one that is not as it was put, and what reading throws.
    package static func state(_ snapshot: borrowing Snapshot) throws -> State {
        var state = State()
        try snapshot.forEachItem(in: "t") { view in
            let item = try view.item()
            guard let number = integer(item["n"]), let version = integer(item["v"]),
                case .binary(let stored)? = item["b"],
                stored == bytes(number, stored.count, version)
            else { throw CrashFinding(description: "an item is not as it was put") }
            state.numbers.insert(number)
            state.versions.insert(version)
            return true
        }
        return state
    }

    private static func integer(_ value: AttributeValue?) -> Int? {
        value?.number?.int64.map { Int($0) }
    }

    package static func state(_ store: Store) throws -> State {
        try store.read { snapshot in try state(snapshot) }
    }

    /// Opens a store that nobody has open, and reads all items.
    ///
    /// - Throws: ``CrashFinding`` if anything is wrong, and what opening and reading throws.
    package static func numbers(at path: String) throws -> Set<Int> {
        let store = try Store(at: path)
        defer { store.close() }
        let report = try store.verify()
        guard report.isSound else {
            throw CrashFinding(description: "verify: \(report.differences.prefix(3))")
        }
        return try state(store).numbers
    }

    // MARK: Counts

    private static let countKey = PrimaryKey("count")

    /// Adds 1 to a count, as one who reads it and then writes it.
    package static func increment(_ store: Store) throws {
        try store.write { transaction in
            let count = integer(try transaction.item(in: "c", key: countKey)?["v"]) ?? 0
            try transaction.put(["p": "count", "v": .number(Number(count + 1))], in: "c")
        }
    }

    package static func count(_ store: Store) throws -> Int {
        integer(try store.item(in: "c", key: countKey)?["v"]) ?? 0
    }
}
