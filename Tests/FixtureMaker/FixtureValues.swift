import CodexCore
import Foundation

/// What the stores of all formats hold: values from seeds, and times that are given.
///
/// It compiles with the release of each format; what a later one has more is in files of its own.
enum FixtureValues {
    /// 2025-11-05T00:00:00Z, when a store is made.
    static let start = Date(timeIntervalSince1970: 1_762_300_800)

    /// A table with indexes of each kind, and counters.
    static let table = TableDefinition(
        "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
        indexes: [
            IndexDefinition(
                "byGroup", partitionKey: [KeyAttribute("g")],
                sortKey: [KeyAttribute("v", .number)]),
            IndexDefinition(
                "unique", partitionKey: [KeyAttribute("u")], projection: .keysOnly,
                isUnique: true),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("g")], projection: .include(["v", "w", "y"])),
            IndexDefinition(
                "byLabel", partitionKey: [KeyAttribute("labels")], projection: .keysOnly,
                multiValued: "labels"),
        ],
        counters: [
            CounterDefinition("sums", group: [KeyAttribute("g")], sums: ["v", "w"]),
            CounterDefinition(
                "perLabel", group: [KeyAttribute("labels")], multiValued: "labels"),
        ])

    /// A table whose keys are numbers and bytes, and an index that is to be removed.
    static let numbers = TableDefinition(
        "n", partitionKey: KeyAttribute("n", .number), sortKey: KeyAttribute("b", .binary),
        indexes: [
            IndexDefinition(
                "byText", partitionKey: [KeyAttribute("text")], projection: .keysOnly),
            IndexDefinition(removedIndex, partitionKey: [KeyAttribute("text")]),
        ])

    static let removedIndex = "old"

    // MARK: Random values

    /// Bytes that do not compress.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    /// Text of words, which compresses to about a tenth.
    static func words(_ count: Int, seed: UInt64) -> String {
        let words = [
            "commits ", "segments ", "checkpoint ", "items ", "consumer ", "follower ", "archive ",
            "counters ", "indexes ", "projection ", "recovery ", "snapshots ",
        ]
        var text = ""
        for byte in noise(count / 6 + 1, seed: seed) { text += words[Int(byte) % words.count] }
        return String(text.prefix(count))
    }

    private static func text(_ character: String, _ count: Int) -> String {
        String(repeating: character, count: count)
    }

    // MARK: Items of `t`

    static func items() throws -> [Item] {
        try longKeys() + kinds() + large() + small(0..<24)
    }

    /// Keys around the sizes at which they are cut, in the table and in its indexes.
    static func longKeys() -> [Item] {
        var items: [Item] = []
        for count in [509, 510, 511, 512] {
            for end in ["\0", "\u{1}", "x"] {
                items.append(longKey("long", text("k", count - 6) + end, count))
            }
        }
        items.append(longKey(text("p", 600), text("s", 899), 1500))
        items.append(longKey(text("p", 2048), text("s", 1024), 3073))
        return items
    }

    private static func longKey(_ partition: String, _ sort: String, _ count: Int) -> Item {
        [
            "p": .string(partition), "s": .string(sort), "g": .string(text("g", count % 1000)),
            "u": .string(text("u", 505) + String(sort.suffix(4)) + "\(count)"),
            "v": .number(Number(count)), "w": 1,
        ]
    }

    /// A value of each kind, nested ones, and more names than are interned.
    static func kinds() throws -> [Item] {
        var all: Item = ["p": "kinds", "s": "all"]
        all["string"] = .string("ö € \u{1F4D6}")
        all["number"] = .number(
            try Number(parsing: "-1.2345678901234567890123456789012345678E+100"))
        all["integer"] = .number(Number(Int64.min))
        all["binary"] = .binary([0, 1, 254, 255])
        all["true"] = .bool(true)
        all["false"] = .bool(false)
        all["null"] = .null
        all["list"] = .list([1, "two", .null, .list([])])
        all["map"] = .map(["in": .map(["deeper": .list([.binary([7])])])])
        all["strings"] = .stringSet(["a", "b", "ä"])
        all["numbers"] = .numberSet([1, 2, 3])
        all["binaries"] = .binarySet([[0], [1, 2]])
        var many: Item = ["p": "kinds", "s": "many"]
        for number in 0..<520 { many["a\(number)"] = .number(Number(number)) }
        return [all, many]
    }

    /// Values that are compressed, or stored in chunks, or both.
    static func large() -> [Item] {
        var compressed = largeItem("5 KB")
        compressed["x"] = .string(words(5000, seed: 5))
        var chunked = largeItem("40 KB")
        chunked["x"] = .binary(noise(40_000, seed: 40))
        var both = largeItem("300 KB")
        both["x"] = .string(words(300_000, seed: 300))
        return [compressed, chunked, both, included(seed: 20)]
    }

    /// An item whose value is in chunks, and in chunks of an index's own.
    static func included(seed: UInt64) -> Item {
        var item = largeItem("20 KB")
        item["y"] = .binary(noise(20_000, seed: seed))
        return item
    }

    private static func largeItem(_ name: String) -> Item {
        ["p": "large", "s": .string(name), "g": "large", "v": 7]
    }

    /// Items that are in some of the indexes and counters.
    static func small(_ numbers: Range<Int>) throws -> [Item] {
        var items: [Item] = []
        for number in numbers {
            var item: Item = ["p": .string("p\(number % 4)"), "s": .string("s\(number)")]
            item["v"] = .number(try Number(parsing: "\(number - 10).\(number % 10)5"))
            item["w"] = .number(Number(number % 5))
            if number % 3 != 0 { item["g"] = .string("g\(number % 5)") }
            if number % 4 == 0 { item["u"] = .string("u\(number)") }
            if number % 6 == 1 { item["labels"] = .stringSet(["blue", "red"]) }
            if number % 6 == 2 { item["labels"] = .list(["green", "red", "green"]) }
            items.append(item)
        }
        return items
    }

    // MARK: Others

    /// Items of `n`, with the least and the largest numbers.
    static func numbered() throws -> [Item] {
        var items: [Item] = []
        for text in [
            "-9.99E+125", "-12.5", "-1E-130", "0", "1E-130", "3",
            "12345678901234567890123456789012345678", "9.99E+125",
        ] {
            items.append([
                "n": .number(try Number(parsing: text)), "b": .binary([0, 1, 255]),
                "text": .string("number \(text)"),
            ])
        }
        return items
    }

    /// A list of one action, and the token with which it is done once.
    struct Request {
        let token: String
        let table: String
        let item: Item

        var actions: [WriteAction] { [.put(table: table, item)] }
    }

    static func requests(_ numbers: Range<Int>) -> [Request] {
        numbers.map { number in
            Request(
                token: "fixture-\(number)", table: "t",
                item: [
                    "p": "requests", "s": .string("\(number)"), "g": "requests",
                    "v": .number(Number(number)),
                ])
        }
    }
}
