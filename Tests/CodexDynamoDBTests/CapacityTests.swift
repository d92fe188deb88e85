import CodexCore
import TestSupport
import Testing

@testable import CodexDynamoDB

/// The units of writes, as they follow from the attributes of each index.
@Suite("Capacity of writes")
struct CapacityTests {
    private static let table = TableDefinition(
        "t", partitionKey: KeyAttribute("p"),
        indexes: [
            IndexDefinition("all", partitionKey: [KeyAttribute("a")]),
            IndexDefinition(
                "keys", partitionKey: [KeyAttribute("a")], sortKey: [KeyAttribute("n", .number)],
                projection: .keysOnly),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("b")], projection: .include(["x", "y", "x"])),
        ])

    /// The attributes of an item that an index has; `nil` if the index lacks the item.
    private func entry(_ index: IndexDefinition, _ item: Item?) -> Item? {
        guard let item else { return nil }
        for attribute in index.keyAttributes
        where item[attribute.name]?.type != attribute.type.attributeType { return nil }
        var names = Set(index.keyAttributes.map(\.name)).union(["p"])
        switch index.projection {
        case .all: return item
        case .keysOnly: break
        case .include(let included): names.formUnion(included)
        }
        let kept = item.elements.filter { names.contains($0.name) }
        return AttributeMap(kept.map { ($0.name, $0.value) })
    }

    /// The units of an index, entry by entry.
    private func units(_ index: IndexDefinition, _ old: Item?, _ new: Item?) -> Double {
        func write(_ items: Item?...) -> Double {
            let byteCount = items.compactMap { $0?.byteCount }.max() ?? 0
            return Double(max(1, (byteCount + 1023) / 1024))
        }
        switch (entry(index, old), entry(index, new)) {
        case (nil, nil): return 0
        case (let entry?, nil), (nil, let entry?): return write(entry)
        case (let old?, let new?):
            let isSameKey = index.keyAttributes.allSatisfy { old[$0.name] == new[$0.name] }
            if !isSameKey { return write(old) + write(new) }
            return old == new ? 0 : write(old, new)
        }
    }

    private func item(_ random: inout SplitMix) -> Item? {
        guard random.chance(90) else { return nil }
        var item: Item = ["p": "p"]
        for name in ["a", "b", "n", "x", "y", "z"] where random.chance(80) {
            switch random.below(4) {
            case 0: item[name] = .number(Number(random.below(2)))
            case 1: item[name] = .list([.string(String(repeating: "t", count: 3000))])
            default: item[name] = .string(random.chance(50) ? "" : "text")
            }
        }
        return item
    }

    @Test("Indexes count what their entries are, and no other attributes: 3,000 random writes")
    func indexes() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        for turn in 0..<3000 {
            let old = item(&random)
            var new = item(&random)
            // Often only one attribute changes.
            if random.chance(60), var changed = old {
                changed[random.pick(["a", "n", "x", "z"])] = "other"
                new = changed
            }
            var capacity = Capacity("t")
            capacity.addWrite(Self.table, old, new, localIndexes: [], factor: 2)
            for index in Self.table.indexes {
                let counted = capacity.indexUnits.first { $0.name == index.name }?.units ?? 0
                #expect(
                    counted == 2 * units(index, old, new),
                    "seed \(seed), turn \(turn), \(index.name)")
            }
        }
    }
}
