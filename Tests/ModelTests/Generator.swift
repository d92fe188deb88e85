import CodexCore
import TestSupport

/// Random items, keys, queries and updates over small domains, so that they often meet.
struct Generator {
    var random: SplitMix
    /// The second that the clock shows.
    var now = 1_762_300_800

    /// Three tables: text keys with every kind of index, binary and number keys, no sort key; the
    /// items of two expire. Indexes have both layouts.
    static let schema = Schema(tables: [
        TableDefinition(
            "main", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"),
            indexes: [
                IndexDefinition(
                    "all", partitionKey: [KeyAttribute("g1")],
                    sortKey: [KeyAttribute("n", .number)], layout: .copies),
                IndexDefinition(
                    "keys", partitionKey: [KeyAttribute("g2")], projection: .keysOnly),
                IndexDefinition(
                    "some", partitionKey: [KeyAttribute("n", .number)],
                    sortKey: [KeyAttribute("b", .binary)], projection: .include(["x", "y"])),
                IndexDefinition(
                    "wide",
                    partitionKey: [KeyAttribute("g1"), KeyAttribute("g2")],
                    sortKey: [KeyAttribute("n", .number), KeyAttribute("sk")],
                    projection: .include(["x"]), layout: .references),
                IndexDefinition(
                    "one", partitionKey: [KeyAttribute("u")], projection: .keysOnly, isUnique: true),
                IndexDefinition(
                    "tags", partitionKey: [KeyAttribute("tag")],
                    sortKey: [KeyAttribute("n", .number)], projection: .include(["x"]),
                    multiValued: "tag"),
                IndexDefinition(
                    "whole", partitionKey: [KeyAttribute("g2"), KeyAttribute("tag")],
                    multiValued: "tag"),
            ],
            counters: [
                CounterDefinition("byG1", group: [KeyAttribute("g1")], sums: ["n", "x"]),
                CounterDefinition(
                    "byTag", group: [KeyAttribute("g2"), KeyAttribute("tag")], sums: ["n"],
                    multiValued: "tag"),
            ],
            timeToLive: "ttl"),
        TableDefinition(
            "bytes", partitionKey: KeyAttribute("b", .binary),
            sortKey: KeyAttribute("n", .number),
            indexes: [
                IndexDefinition(
                    "back", partitionKey: [KeyAttribute("n", .number)],
                    sortKey: [KeyAttribute("b", .binary)])
            ],
            timeToLive: "ttl"),
        TableDefinition(
            "single", partitionKey: KeyAttribute("n", .number),
            indexes: [
                IndexDefinition(
                    "text", partitionKey: [KeyAttribute("g1")], sortKey: [KeyAttribute("g2")],
                    layout: .copies)
            ]),
    ])

    /// The schema with a layout for all indexes that can have it; `nil` leaves them as they are.
    static func schema(in layout: IndexLayout?) -> Schema {
        layout.map { schema.inLayout($0) } ?? schema
    }

    static let texts: [String] = [
        "a", "b", "a#", "a#b", "a\0", "a\0b", "a\u{1}", "a\u{1}\0", "\0", "\u{1}", "\u{2}",
        "é", "e\u{301}", "ü", "z", "zz", "\u{10FFFF}", "A", "10", "2",
    ]
    /// Around the lengths at which LMDB's keys end, and those of the next layer of long keys.
    static let longTexts: [String] = ([503, 506, 507, 508, 509, 510, 1008, 1009, 1010]).flatMap {
        count in
        ["", "a", "\0"].map { String(repeating: "k", count: count) + $0 }
    }
    static let tags: [[UInt8]] = ["red", "green", "blue", "r\0", longTexts[9], longTexts[20]].map {
        Array($0.utf8)
    }
    static let numbers: [Double] = [
        0, 1, -1, 2, 10, 100, -100, 0.5, -0.5, 0.25, 99, 101, 1e10, -1e10, 12345.678, 1e-5, 256,
        1e25, -1e25,
    ]
    static let binaries: [[UInt8]] = [
        [0], [1], [2], [0, 0], [0, 1], [1, 0], [1, 1], [255], [255, 255], [254, 255], [127],
        [0, 255],
    ]
    static let names = [
        "g1", "g2", "u", "n", "b", "x", "y", "é", "e\u{301}", "flag", "tag", "ttl",
    ]

    mutating func key(_ name: String) -> ModelValue {
        switch name {
        case "n": .n(random.pick(Self.numbers))
        case "b": .b(random.pick(Self.binaries))
        case "sk": .s(Array(random.pick(random.chance(75) ? Self.texts : Self.longTexts).utf8))
        case "tag": .s(random.pick(Self.tags))
        case "u": .s(Array("u\(random.below(40))".utf8))
        default:
            .s(
                Array(
                    (random.chance(85)
                        ? Self.texts[random.below(6)] : Self.longTexts[random.below(9)])
                        .utf8))
        }
    }

    mutating func anything(_ depth: Int = 0) -> ModelValue {
        switch random.below(depth > 2 ? 5 : 10) {
        case 0: .s(Array(random.pick(Self.texts).utf8))
        case 1: .n(random.pick(Self.numbers))
        case 2: .b(random.pick(Self.binaries))
        case 3: .bool(random.chance(50))
        case 4: .null
        case 5: .list((0..<random.below(3)).map { _ in anything(depth + 1) })
        case 6:
            .map(
                Dictionary(
                    (0..<random.below(3)).map { _ in
                        (Array(random.pick(Self.texts).utf8), anything(depth + 1))
                    }, uniquingKeysWith: { $1 }))
        case 7: .ss(Set((0...random.below(3)).map { _ in Array(random.pick(Self.texts).utf8) }))
        case 8: .ns(Set((0...random.below(3)).map { _ in random.pick(Self.numbers) }))
        default: .bs(Set((0...random.below(3)).map { _ in random.pick(Self.binaries) }))
        }
    }

    mutating func value(_ name: String) -> ModelValue {
        switch name {
        case "g1", "g2", "u", "n", "b": key(name)
        case "x": large ?? anything()
        case "tag":
            switch random.below(4) {
            case 0: key(name)
            case 1: .ss(Set((0...random.below(3)).map { _ in random.pick(Self.tags) }))
            default: .list((0..<random.below(4)).map { _ in key(name) })
            }
        case "y": .ns(Set((0...random.below(3)).map { _ in random.pick(Self.numbers) }))
        case "ttl": instant()
        default: anything()
        }
    }

    /// A second around the clock's, mostly one to come, or what does not count as one.
    private mutating func instant() -> ModelValue {
        switch random.below(40) {
        case 0: anything()
        case 1: .n(Double(now - random.below(20)))
        case 2: .n(Double(now - 6 * 365 * 86_400))
        case 3...7: .n(Double(now + random.below(60)) + 0.5)
        default: .n(Double(now + 1 + random.below(200)))
        }
    }

    /// A value that is compressed, one that is stored in chunks, or usually none.
    private var large: ModelValue? {
        mutating get {
            switch random.below(500) {
            case ..<20: .s([UInt8](repeating: 0x61, count: 3000))
            case 20:
                .b(
                    (0..<Int.random(in: 2000...5000, using: &random)).flatMap { _ in
                        withUnsafeBytes(of: random.next()) { Array($0) }
                    })
            default: nil
            }
        }
    }

    mutating func record(_ definition: TableDefinition) -> Record {
        var record = Record()
        for name in Self.names where random.chance(55) { record[name] = value(name) }
        for attribute in definition.keyAttributes { record[attribute.name] = key(attribute.name) }
        return record
    }

    mutating func primaryKey(_ definition: TableDefinition) -> [ModelValue] {
        definition.keyAttributes.map { key($0.name) }
    }

    mutating func query(_ definition: TableDefinition) -> ModelQuery {
        let index = random.chance(65) ? definition.indexes.randomElement(using: &random) : nil
        let partition = index?.partitionKey ?? [definition.partitionKey]
        let sort = index?.sortKey ?? (definition.sortKey.map { [$0] } ?? [])
        var query = ModelQuery(
            table: definition.name, index: index?.name,
            partition: partition.map { key($0.name) }, sortPrefix: [], sort: .any,
            forward: random.chance(50))
        guard !sort.isEmpty, random.chance(70) else { return query }
        let prefixCount = random.below(sort.count)
        query.sortPrefix = sort.prefix(prefixCount).map { key($0.name) }
        query.sort = sortCondition(sort[prefixCount])
        return query
    }

    private mutating func sortCondition(_ attribute: KeyAttribute) -> ModelSort {
        let value = key(attribute.name)
        switch random.below(attribute.type == .number ? 6 : 7) {
        case 0: return .equal(value)
        case 1: return .less(value)
        case 2: return .lessOrEqual(value)
        case 3: return .greater(value)
        case 4: return .greaterOrEqual(value)
        case 5:
            let other = key(attribute.name)
            return value.precedes(other) ? .between(value, other) : .between(other, value)
        default: return .begins(value)
        }
    }
}
