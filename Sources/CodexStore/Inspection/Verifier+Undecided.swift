internal import CodexCore

/// The number of undecided values of a table.
struct UndecidedCount {
    var all = 0
    /// The damaged ones, as far as the available keys show.
    var damaged = 0
}

extension Verifier {
    /// The tables with undecided values, by name.
    var undecided: [VerificationReport.Undecided] {
        undecidedCounts.sorted { $0.key < $1.key }.map { name, count in
            .init(table: name, count: count.all, damagedCount: count.damaged)
        }
    }

    /// Counts the undecided values of an entity's item; those of a raw item stay undecided.
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
    /// The number of an item's undecided values that are damaged, as far as the available keys
    /// show.
    fileprivate func damagedCount(_ item: Item, _ options: StoreOptions) -> Int {
        guard let key = try? key(of: item) else { return 0 }
        var count = 0
        for element in item where element.seal == .undecided && isSealed(element.name) {
            if case .damaged? = try? verdict(on: element, key, options) { count += 1 }
        }
        return count
    }
}
