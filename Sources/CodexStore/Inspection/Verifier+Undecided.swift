internal import CodexCore

/// How many values of a table are undecided.
struct UndecidedCount {
    var all = 0
    /// Those that are damaged, as far as the keys tell.
    var damaged = 0
}

extension Verifier {
    /// The tables with undecided values, by name.
    var undecided: [VerificationReport.Undecided] {
        undecidedCounts.sorted { $0.key < $1.key }.map { name, count in
            .init(table: name, count: count.all, damagedCount: count.damaged)
        }
    }

    /// Counts the undecided values of an entity's item; those of a raw item stay as they are.
    mutating func countUndecided(_ image: Image, _ table: TableHandle) {
        guard image.header.entityNumber != 0, image.item.hasUndecided else { return }
        let fields = context.catalog.sealedFields(image.header.entityNumber)
        var count = undecidedCounts[table.name] ?? UndecidedCount()
        count.all += image.item.undecidedCount
        count.damaged += fields?.damagedCount(image.item, context.core.options) ?? 0
        undecidedCounts[table.name] = count
    }
}

extension SealedFields {
    /// How many undecided values of an item are damaged, as far as the keys tell.
    fileprivate func damagedCount(_ item: Item, _ options: StoreOptions) -> Int {
        guard let key = try? key(of: item) else { return 0 }
        var count = 0
        for element in item where element.seal == .undecided && isSealed(element.name) {
            if case .damaged? = try? verdict(on: element, key, options) { count += 1 }
        }
        return count
    }
}
