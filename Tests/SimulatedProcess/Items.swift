import CodexCore
import CodexStore
import Synchronization

/// The tables of a simulated store, and their items as answers show them.
enum Items {
    /// The table of the items that commands write.
    static let table = "t"
    /// The table of what consumers have counted.
    static let consumerTable = "c"
    /// The table of passes, whose time to live is added and removed while the store is in use.
    static let passTable = "e"
    /// The index of `t` that is added and removed while the store is in use.
    static let addedIndex = IndexDefinition(
        "byV", partitionKey: [KeyAttribute("v", .number)])
    /// The counter of `t` that is added and removed while the store is in use.
    static let addedCounter = CounterDefinition(
        "addedPerG", group: [KeyAttribute("g")], sums: ["v"])

    /// The schema that stores are created with.
    static let schema = Schema(
        tables: [
            TableDefinition(
                table, partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
                indexes: [
                    IndexDefinition(
                        "byG", partitionKey: [KeyAttribute("g")],
                        sortKey: [KeyAttribute("v", .number)], layout: .copies),
                    IndexDefinition("byU", partitionKey: [KeyAttribute("u")], isUnique: true),
                ],
                counters: [CounterDefinition("perG", group: [KeyAttribute("g")], sums: ["v"])],
                timeToLive: "x"),
            TableDefinition(
                consumerTable, partitionKey: KeyAttribute("p"),
                sortKey: KeyAttribute("s", .number)),
            TableDefinition(
                passTable, partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
                indexes: [IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])]),
            Order.table,
        ], types: [Order.self])

    /// The table of the items with a partition key that commands write without a type.
    static func tableName(of partition: String) -> String {
        partition.hasPrefix("pass#") ? passTable : table
    }

    /// The query of a group's items.
    static func query(ofGroup group: String) -> TableQuery {
        TableQuery(table: table, index: "byG", partition: [.string(group)])
    }

    /// The key of the item that names a process's last operation.
    static func markerKey(of process: Int) -> PrimaryKey {
        PrimaryKey(.string("marker#\(process)"), .number(0))
    }

    /// The item that names a process's last operation.
    static func marker(of process: Int, op: Int) -> Item {
        [
            "p": .string("marker#\(process)"), "s": .number(0), "op": .number(Number(op)),
        ]
    }

    // MARK: Answers

    private static let names = ["p", "s", "g", "v", "op", "u", "x", "y", "pad", "n", "chain"]

    /// An item as answers show it.
    static func shown(_ item: Item) -> Answer {
        Order.shown(item) ?? .object(fields(names, of: item) + others(of: item, than: names))
    }

    /// The attributes of an item that have one of the names.
    static func fields(_ names: [String], of item: Item) -> [Answer.Field] {
        names.compactMap { name in item[name].map { Answer.Field(name, shown(name, $0)) } }
    }

    /// The names of an item's attributes that have none of the names, if there are any.
    static func others(of item: Item, than names: [String]) -> [Answer.Field] {
        let others = item.names.filter { !names.contains($0) }.sorted()
        return others.isEmpty ? [] : [Answer.Field("other", .list(others.map { .text($0) }))]
    }

    /// An item that may be missing.
    static func shown(optional item: Item?) -> Answer {
        guard let item else { return .null }
        return shown(item)
    }

    private static func shown(_ name: String, _ value: AttributeValue) -> Answer {
        switch value {
        case .string(let text): name == "pad" ? Pad.shown(text) : .text(text)
        case .number(let number): shown(number)
        case .list(let values): .list(values.map { shown(name, $0) })
        default: .text("\(value)")
        }
    }

    private static func shown(_ number: Number) -> Answer {
        guard let integer = number.int64 else { return .text(number.description) }
        return .int(Int(integer))
    }

    /// A key as answers show it; without a sort key, 0 stands for it.
    static func shown(_ key: PrimaryKey) -> Answer {
        let sort = key.sort.map { shown("s", $0) } ?? .int(0)
        return .object([
            Answer.Field("p", shown("p", key.partition)), Answer.Field("s", sort),
        ])
    }

    /// A group's totals as answers show them.
    static func shown(_ total: GroupTotal, sumOf name: String = "v") -> Answer {
        var fields: [Answer.Field] = []
        if let group = total.group.first { fields.append(Answer.Field("g", shown("g", group))) }
        fields.append(Answer.Field("count", .int(total.count)))
        if let sum = total.sums[name] { fields.append(Answer.Field("sum", shown(sum))) }
        fields.append(Answer.Field("summed", .int(total.summedCounts[name] ?? 0)))
        return .object(fields)
    }
}

/// Long texts that commands and answers name by a seed and a length.
///
/// A text begins with both, so that it can be made once more and compared when an item is read.
enum Pad {
    /// The most bytes of a text: with it, an item stays within DynamoDB's limit.
    static let byteCountMax = 300_000

    /// The texts that were made, by seed and length.
    private static let made = Mutex<[String: String]>([:])
    private static let madeCountMax = 256

    /// The text of a seed.
    static func text(seed: Int, byteCount: Int) -> String {
        let beginning = "\(seed):\(byteCount):"
        if let text = made.withLock({ $0[beginning] }) { return text }
        var bytes = Array(beginning.utf8)
        bytes.reserveCapacity(byteCount + 8)
        var random = SplitMix(state: UInt64(bitPattern: Int64(seed)))
        while bytes.count < byteCount {
            var word = random.next()
            for _ in 0..<8 {
                bytes.append(UInt8(97 + word % 26))
                word /= 26
            }
        }
        let text = String(decoding: bytes.prefix(byteCount), as: UTF8.self)
        made.withLock { made in
            if made.count >= madeCountMax { made.removeAll() }
            made[beginning] = text
        }
        return text
    }

    /// Seed and length of a text, or its length and hash if it is not what a seed gives.
    static func shown(_ text: String) -> Answer {
        if text.isEmpty { return [.int(0), .int(0)] }
        let parts = text.prefix(48).split(
            separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        let byteCount = text.utf8.count
        if parts.count == 3, let seed = Int(parts[0]), seed >= 0, Int(parts[1]) == byteCount,
            byteCount <= byteCountMax, text == self.text(seed: seed, byteCount: byteCount)
        {
            return [.int(seed), .int(byteCount)]
        }
        return .text("damaged \(byteCount) \(Chain().adding(text).text)")
    }
}

/// A hash of texts that is continued from call to call (FNV-1a of 64 bits).
struct Chain {
    /// The hash so far.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    init() {}

    /// A hash that was written as ``text``; `nil` for other text.
    init?(_ text: String) {
        guard let hash = UInt64(text, radix: 16) else { return nil }
        self.hash = hash
    }

    /// The hash with the bytes of a text added.
    func adding(_ text: String) -> Chain {
        var chain = self
        for byte in text.utf8 { chain.hash = (chain.hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return chain
    }

    /// The hash in 16 hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A generator of numbers from a seed (SplitMix64).
struct SplitMix: Sendable {
    private var state: UInt64

    init(state: UInt64) { self.state = state }

    /// The next number.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
