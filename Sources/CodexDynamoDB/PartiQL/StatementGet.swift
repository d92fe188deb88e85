internal import CodexCore
internal import CodexStore

/// A SELECT of a batch or of a transaction: the read of one item by its key.
struct StatementGet {
    let table: String
    let key: PrimaryKey
    let isConsistent: Bool
    let columns: StatementColumns

    init(table: String, key: PrimaryKey, isConsistent: Bool, columns: StatementColumns) {
        (self.table, self.key) = (table, key)
        (self.isConsistent, self.columns) = (isConsistent, columns)
    }

    /// Plans the read of a statement in a batch.
    ///
    /// Its WHERE clause names the key, by equalities or by `IN` with one value, and nothing else.
    ///
    /// - Throws: `ValidationException`, `ResourceNotFoundException`.
    init(_ statement: TypedStatement, _ input: StatementInput, _ service: DynamoDBService) throws {
        guard case .read(let query) = statement else { throw StatementListRefusals.batchMixed }
        let target = try StatementTarget(query.source, service)
        try target.requireReadable(isConsistent: input.isConsistent)
        guard target.index == nil else { throw StatementListRefusals.batchKey }
        let keys = try KeyPlan(query.condition, target.partitionKey, target.sortKey)
        guard query.order.isEmpty,
            let values = keys.onlyKey(hasSortKey: target.sortKey != nil)
        else { throw StatementListRefusals.batchKey }
        let names = target.table.keyAttributes.map(\.name)
        self.init(
            table: target.table.name,
            key: try target.table.requestedKey(Item(zip(names, values))),
            isConsistent: input.isConsistent, columns: try StatementColumns(query.columns))
    }

    /// Writes the item, if there is one, as the member `Item`.
    ///
    /// - Parameters:
    ///   - snapshot: Where it is read.
    ///   - response: The response.
    ///   - memory: The reservation for decoded values.
    ///   - budget: The request's budget.
    ///   - measured: Gets the size of the stored form before the item is read further.
    /// - Returns: The size of the item; `nil` if there is none.
    /// - Throws: As ``ResponseWriter/reserve(_:)``, and the errors of the store and of `measured`.
    func write(
        _ snapshot: borrowing Snapshot, to response: inout ResponseWriter,
        _ memory: DecodedMemory, _ budget: RequestBudget, measured: (Int) throws -> Void = { _ in }
    ) throws -> Int? {
        try snapshot.view(in: table, key: key) { view in
            try measured(try view.inflatedByteCount())
            response.name("Item")
            guard let nested = columns.nested else {
                return try response.stored(view, columns.projection, memory, budget)
            }
            let item = try view.item(reserving: memory)
            let byteCount = item.byteCount
            try response.value(
                StatementColumn.item(nested, of: item), byteCount: byteCount, budget)
            return byteCount
        }
    }
}
