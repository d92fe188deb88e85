internal import CodexCore

/// The table of a SELECT, or the index that it reads.
struct StatementTarget: Sendable {
    let table: TableDefinition
    /// The identifier of the table, which a later table of the same name does not have.
    let tableID: String
    let index: IndexDefinition?
    /// Whether the index is a local one.
    let isLocal: Bool
    let partitionKey: KeyAttribute
    let sortKey: KeyAttribute?

    /// Looks up what a statement reads.
    ///
    /// - Throws: `ResourceNotFoundException` for a table, `ValidationException` for an index that
    ///   the table does not have or that statements cannot read.
    init(_ source: StatementSource, _ service: DynamoDBService) throws {
        table = try service.definition(source.table)
        let record = try service.record(of: source.table)
        tableID = record.id
        guard let name = source.index else {
            (index, isLocal) = (nil, false)
            (partitionKey, sortKey) = (table.partitionKey, table.sortKey)
            return
        }
        guard let found = table.indexes.first(where: { $0.name == name }) else {
            throw StatementRefusals.unknownIndex
        }
        guard found.partitionKey.count == 1, found.sortKey.count <= 1,
            let partitionKey = found.partitionKey.first
        else { throw StatementRefusals.severalKeyAttributes }
        try found.requireSingleEntries()
        (index, isLocal) = (found, record.localIndexes.contains(name))
        (self.partitionKey, sortKey) = (partitionKey, found.sortKey.first)
    }

    /// The attributes that name a place in the table or index, each once.
    var startKeys: [KeyAttribute] {
        var keys = table.keyAttributes
        for key in index?.keyAttributes ?? [] where !keys.hasName(key.name) {
            keys.append(key)
        }
        return keys
    }

    /// The names that the entries of the index lack.
    func unprojected(_ names: [String]) -> [String] {
        guard let known = index?.projectedNames(table) else { return [] }
        return names.filter { !known.contains($0) }
    }

    /// Refuses a consistent read of a global index.
    func requireReadable(isConsistent: Bool) throws {
        guard isConsistent, index != nil, !isLocal else { return }
        throw StatementRefusals.consistentGlobalIndex
    }
}
