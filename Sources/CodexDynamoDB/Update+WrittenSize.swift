internal import CodexCore

extension Update {
    /// Checks the size that UpdateItem measures, in addition to that of the item.
    ///
    /// UpdateItem measures the attributes that the update writes, and a fixed cost for each clause.
    /// So an item with short keys may have some bytes less than another one. Updates in a
    /// transaction do not have this rule. Source: `tests/tier3/limits/itemSizeBySurface.test.ts` of
    /// nubo-db/dynamodb-conformance, measured with the service.
    ///
    /// - Parameter item: The item after the update.
    /// - Throws: `ValidationException`.
    func requireWrittenSize(of item: Item) throws {
        let cost = clauses.reduce(Self.baseCost) { $0 + $1.cost }
        let byteCountMax = DynamoDBLimits.itemByteCountMax - cost
        guard item.byteCount > byteCountMax else { return }
        let names = Set(names: clauses.filter(\.isWriting).map(\.path.root))
        let written = item.keeping(names.map(\.text)).byteCount
        guard written <= byteCountMax else {
            throw ServiceError.validation(ItemMessages.updatedItemTooLarge)
        }
    }

    /// The bytes that an update counts by itself.
    private static var baseCost: Int { 3 }
}

extension Update.Clause {
    fileprivate var isWriting: Bool {
        switch self {
        case .set, .add: true
        case .remove, .delete: false
        }
    }

    /// The bytes that the clause counts in addition to those that it writes.
    fileprivate var cost: Int {
        guard isWriting else { return 2 }
        if case .index? = path.steps.last { return 20 }
        return 19
    }
}
