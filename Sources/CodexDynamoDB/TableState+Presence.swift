internal import CodexCore
internal import CodexStore

extension TableState {
    /// The table that a change is for, as the change's own transaction sees it.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - number: The table's number when the change was checked first.
    ///   - transaction: The transaction.
    ///   - missing: The error if the table was deleted since, also if another one has its name.
    /// - Returns: The table.
    /// - Throws: `missing`.
    static func present<Source: ReadableTransaction & ~Copyable>(
        _ name: String, _ number: Int, in transaction: borrowing Source,
        orThrow missing: ServiceError
    ) throws -> TableState {
        guard let table = transaction.tableState(name), table.number == number else {
            throw missing
        }
        return table
    }

    /// The table's indexes that are being built.
    var indexBuilds: [BuildStatus] {
        builds.filter { status in
            status.kind == .index && status.name != TableDefinition.expiryIndexName
                && (status.state == .building || status.state == .loading)
        }
    }
}

extension TableRecord {
    /// The record under a table's name, as a transaction sees it; `nil` if there is none.
    ///
    /// It may be the record of a former table of the name.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - transaction: The transaction.
    /// - Returns: The record.
    /// - Throws: The errors of reading.
    static func stored<Source: ReadableTransaction & ~Copyable>(
        _ table: String, in transaction: borrowing Source
    ) throws -> TableRecord? {
        guard transaction.tableNumber(tableName) != nil else { return nil }
        let item = try transaction.item(in: tableName, key: PrimaryKey(.string(table)))
        return item.map { TableRecord($0, table) }
    }

    /// The record of a table, as a transaction sees it; the defaults if the table has none.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - number: The table's number.
    ///   - transaction: The transaction.
    /// - Returns: The record, which has the number.
    /// - Throws: The errors of reading.
    static func of<Source: ReadableTransaction & ~Copyable>(
        _ table: String, _ number: Int, in transaction: borrowing Source
    ) throws -> TableRecord {
        var record = TableRecord(table)
        if let stored = try stored(table, in: transaction), stored.isOf(number) { record = stored }
        record.tableNumber = number
        return record
    }
}
