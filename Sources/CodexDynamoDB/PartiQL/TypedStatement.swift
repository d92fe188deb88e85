internal import CodexCore

/// A statement with typed conditions and values, before its table is looked up.
enum TypedStatement: Sendable {
    /// A SELECT.
    case read(StatementQuery)
    /// The condition of a transaction.
    case check(StatementQuery)
    case write(StatementWrite)

    /// Parses a statement, and types what it says.
    ///
    /// - Parameters:
    ///   - text: The statement.
    ///   - parameters: The values of its question marks; further ones have no effect.
    ///   - plans: The statements that are not parsed again; `nil` parses each.
    /// - Throws: `ValidationException`.
    init(
        _ text: String, _ parameters: [AttributeValue], _ plans: StatementPlans? = nil
    ) throws {
        let plan = try StatementPlan.of(text, plans)
        guard plan.parameterCount <= parameters.count else { throw LiteralMessages.parameterCount }
        let values = StatementValues(parameters: parameters)
        switch plan.statement {
        case .select(let select): self = .read(try StatementQuery(select, values))
        case .exists(let select): self = .check(try StatementQuery(select, values))
        case .insert(let insert): self = .write(try StatementWrite(insert, values))
        case .update(let update): self = .write(try StatementWrite(update, values))
        case .delete(let delete): self = .write(try StatementWrite(delete, values))
        }
    }

    /// Whether the statement belongs to the reads of a list of statements.
    var isRead: Bool {
        if case .read = self { true } else { false }
    }
}

/// The names of a table and perhaps of its index.
struct StatementSource: Sendable {
    let table: String
    let index: String?

    init(_ source: Statement.Source) throws {
        guard source.names.count <= 2 else { throw StatementRefusals.sourceComponents }
        guard let table = source.names.first, source.names.allSatisfy({ !$0.isEmpty }) else {
            throw StatementRefusals.emptyComponent
        }
        self.table = table
        index = source.names.dropFirst().first
    }
}

/// A SELECT with a typed condition.
struct StatementQuery: Sendable {
    let source: StatementSource
    /// What is selected; `nil` is `*`.
    let columns: [StatementNode]?
    let condition: Condition?
    let order: [Statement.Order]

    init(_ select: Statement.Select, _ values: StatementValues) throws {
        source = try StatementSource(select.source)
        columns = select.columns
        condition = try select.condition.map { try StatementConditions.condition($0, values) }
        order = select.order
    }
}

/// A statement that writes one item.
struct StatementWrite: Sendable {
    private enum Kind {
        case insert(Item)
        case update(Update)
        case delete
    }

    let table: String
    /// What the statement says about the response.
    let returning: Statement.Returning?
    private let kind: Kind
    private let condition: Condition?

    init(_ insert: Statement.Insert, _ values: StatementValues) throws {
        let source = try StatementSource(insert.source)
        guard source.index == nil else { throw StatementRefusals.insertIndex }
        kind = .insert(try values.item(insert.value))
        guard insert.returning == nil else { throw StatementRefusals.insertReturning }
        (table, returning, condition) = (source.table, nil, nil)
    }

    init(_ update: Statement.Update, _ values: StatementValues) throws {
        let source = try StatementSource(update.source)
        guard source.index == nil else { throw StatementRefusals.writeIndex }
        condition = try update.condition.map { try StatementConditions.condition($0, values) }
        kind = .update(try StatementUpdates.update(update.clauses, values))
        (table, returning) = (source.table, update.returning)
    }

    init(_ delete: Statement.Delete, _ values: StatementValues) throws {
        let source = try StatementSource(delete.source)
        guard source.index == nil else { throw StatementRefusals.writeIndex }
        condition = try delete.condition.map { try StatementConditions.condition($0, values) }
        if let returning = delete.returning, returning.isModified || returning.isNew {
            throw StatementRefusals.deleteReturning(returning.text)
        }
        kind = .delete
        (table, returning) = (source.table, delete.returning)
    }

    var isInsert: Bool {
        if case .insert = kind { true } else { false }
    }

    var isUpdate: Bool {
        if case .update = kind { true } else { false }
    }

    /// The bytes of the item to insert; 0 for other statements.
    var insertedByteCount: Int {
        if case .insert(let item) = kind { item.byteCount } else { 0 }
    }

    /// The item that the response has.
    var returnValues: ReturnValues {
        switch (returning?.isModified, returning?.isNew) {
        case (false?, false?): .allOld
        case (false?, true?): .allNew
        case (true?, false?): .updatedOld
        case (true?, true?): .updatedNew
        default: .none
        }
    }

    /// The paths that an update changes.
    var updatedPaths: [DocumentPath] {
        if case .update(let update) = kind { update.clauses.map(\.path) } else { [] }
    }

    /// The key that the WHERE clause of an UPDATE or DELETE names; `nil` if it lacks an attribute.
    ///
    /// - Throws: `ValidationException` if it names two values for an attribute.
    func key(in table: TableDefinition) throws -> StatementKey? {
        let key = StatementKey(condition, table)
        if let name = key.conflict { throw StatementRefusals.severalKeys(name) }
        return key.isComplete ? key : nil
    }

    /// The write as an action on a table.
    ///
    /// An INSERT has the condition that there is no item. The WHERE clause of an UPDATE never holds
    /// for a missing item, because it has the key's values. A DELETE of a missing item succeeds.
    ///
    /// - Throws: `ValidationException`.
    func action(in table: TableDefinition) throws -> WriteAction {
        let isMissing = Condition.attributeNotExists(DocumentPath(table.partitionKey.name))
        if case .insert(let item) = kind {
            try table.requireKeys(of: item)
            guard item.byteCount <= DynamoDBLimits.itemByteCountMax else {
                throw ServiceError.validation(ItemMessages.itemTooLarge)
            }
            return .put(table: table.name, item, condition: isMissing)
        }
        guard let named = try key(in: table) else { throw StatementRefusals.noKey }
        let key = try table.requestedKey(named.attributes)
        guard case .update(let update) = kind else {
            let condition = named.hasMore ? condition.map { isMissing || $0 } : nil
            return .delete(table: table.name, key: key, condition: condition)
        }
        try table.requireKeys(update)
        return .update(table: table.name, key: key, update, condition: condition)
    }
}
