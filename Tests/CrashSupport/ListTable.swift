package import CodexCore

/// The lists that histories are made of: what processes write, and how it is read.
///
/// The table has an item for each key. Its `values` is a list of numbers that only grows, its
/// `version` the number of values. Keys are numbers. A slot has one key after the other, and so
/// lists stay short: key = generation × ``slotCount`` + slot. Slots next to each other are a
/// group, which the index finds.
package enum ListTable {
    /// How many lists are written at a time.
    package static let slotCount = 8
    /// How many keys are in a group.
    package static let groupSize = 4
    /// From how many values on a slot goes on with its next key.
    package static let listCountMax = 24

    package static let name = "lists"
    private static let index = "byGroup"
    private static let values = Attribute<[Int]>("values")
    private static let version = Attribute<Int>("version")
    private static let group = Attribute<String>("group")
    private static let filler = Attribute<String>("filler")

    package static let definition = TableDefinition(
        name, partitionKey: KeyAttribute("key"),
        indexes: [IndexDefinition(index, partitionKey: [KeyAttribute("group")])])

    // MARK: Keys

    /// The key of a list.
    package static func primaryKey(_ key: Int) -> PrimaryKey { PrimaryKey(.string("k\(key)")) }

    /// The keys that are in a group with one.
    package static func keys(inGroupOf key: Int) -> [Int] {
        let first = key / groupSize * groupSize
        return Array(first..<first + groupSize)
    }

    private static func groupName(_ key: Int) -> String { "g\(key / groupSize)" }

    /// Finds the items of a key's group.
    package static func query(groupOf key: Int) -> TableQuery {
        TableQuery(table: name, index: index, partition: [.string(groupName(key))])
    }

    // MARK: Items

    /// The key of an item.
    package static func key(of item: Item) throws -> Int {
        guard let name = item["key"]?.string, name.first == "k", let key = Int(name.dropFirst())
        else { throw CrashFinding(description: "an item has no key of a list") }
        return key
    }

    /// The values of an item; without one, none.
    ///
    /// - Throws: ``CrashFinding`` if it is not as any operation leaves it.
    package static func list(_ item: Item?) throws -> [Int] {
        guard let item else { return [] }
        let list = item["values"]?.list?.compactMap { value in
            value.number?.int64.map { Int($0) }
        }
        guard let list, item["version"]?.number?.int64 == Int64(list.count),
            item["group"]?.string == groupName(try key(of: item))
        else { throw CrashFinding(description: "the attributes of a list do not fit each other") }
        return list
    }

    /// The item of a list.
    package static func item(_ key: Int, _ list: [Int]) -> Item {
        [
            "key": primaryKey(key).partition, "group": .string(groupName(key)),
            "version": .number(Number(list.count)),
            "values": .list(list.map { .number(Number($0)) }),
            "filler": .string(fillerText(list.last ?? 0)),
        ]
    }

    // MARK: Writes

    /// Appends a value to the list of a key.
    package static func append(_ key: Int, _ value: Int) -> Update {
        Update().appending(contentsOf: [value], to: values).adding(1, to: version)
            .setting(group, to: groupName(key)).setting(filler, to: fillerText(value))
    }

    /// Nothing was appended since a list was read.
    package static func condition(_ list: [Int]) -> Condition {
        list.isEmpty ? version.doesNotExist : version == list.count
    }

    /// Text that fills the disk; now and then it is stored in chunks.
    private static func fillerText(_ value: Int) -> String {
        let number = value / 8
        return String(repeating: "x", count: number % 50 == 0 ? 20_000 : number % 400)
    }
}
