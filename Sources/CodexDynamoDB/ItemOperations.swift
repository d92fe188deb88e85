internal import CodexCore
internal import CodexStore

/// GetItem, PutItem, UpdateItem, DeleteItem.
extension DynamoDBService {
    func getItem(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        let item = try input.requiredItem("Key")
        let capacity = try Self.capacityDetail(input)
        let isConsistent = try input.bool("ConsistentRead") ?? false
        var expressions = try Expressions(input)
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let found = try store.item(in: name, key: try table.requestedKey(item))
        var writer = ResponseWriter()
        if let found { writer.item("Item", projection?.apply(to: found) ?? found) }
        writer.capacity(capacity) {
            var units = Capacity(name)
            units.tableUnits = Capacity.read(
                byteCount: found?.byteCount ?? 0, isConsistent: isConsistent)
            return units
        }
        return writer.end()
    }

    func putItem(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        let item = try input.requiredItem("Item")
        let write = try WriteParameters(input, [.none, .allOld])
        var expressions = try Expressions(input)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(name)
        try table.requireKeys(of: item)
        let old = try await writing(write, table) { transaction throws(CodexError) in
            try transaction.put(item, in: name, condition: condition, returning: .allOld)
        }
        return write.answer(
            table, old: old, new: item, attributes: old, try localIndexes(table, write))
    }

    func deleteItem(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        let key = try input.requiredItem("Key")
        let write = try WriteParameters(input, [.none, .allOld])
        var expressions = try Expressions(input)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let primaryKey = try table.requestedKey(key)
        let old = try await writing(write, table) { transaction throws(CodexError) in
            try transaction.delete(
                in: name, key: primaryKey, condition: condition, returning: .allOld)
        }
        return write.answer(
            table, old: old, new: nil, attributes: old, try localIndexes(table, write))
    }

    func updateItem(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        let key = try input.requiredItem("Key")
        let write = try WriteParameters(input, ReturnValues.allCases)
        var expressions = try Expressions(input)
        let update = try expressions.update().flatMap { $0.clauses.isEmpty ? nil : $0 }
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let primaryKey = try table.requestedKey(key)
        if let update { try table.requireNoKeys(update) }
        // Without an update it only sees to it that there is an item.
        let (old, new) = try await writing(write, table) {
            transaction throws(CodexError) -> (Item?, Item) in
            let old = try transaction.currentItem(in: name, key: primaryKey)
            guard let update else {
                let item = old ?? key
                _ = try transaction.put(item, in: name, condition: condition)
                return (old, item)
            }
            let new = try transaction.update(
                in: name, key: primaryKey, update, condition: condition, returning: .allNew)
            if let new { try transaction.requireIndexKeys(of: new, table) }
            return (old, new ?? key)
        }
        let touched = try update.map { try Projection($0.clauses.map(\.path)) }
        let attributes: Item? =
            switch write.returning {
            case .none: nil
            case .allOld: old
            case .allNew: new
            case .updatedOld: old.flatMap { touched?.apply(to: $0) }
            case .updatedNew: touched?.apply(to: new)
            }
        return write.answer(
            table, old: old, new: new,
            attributes: attributes.flatMap { $0.isEmpty ? nil : $0 }, try localIndexes(table, write)
        )
    }

    /// Runs a write; what its condition fails with has the item only if the request wants it.
    private func writing<R: Sendable>(
        _ parameters: WriteParameters, _ table: TableDefinition,
        _ body: @escaping @Sendable (inout WriteTransaction) throws(CodexError) -> R
    ) async throws -> R {
        do {
            return try await store.write { try body(&$0) }
        } catch let error as CodexError {
            var failure = ServiceError(error)
            if parameters.returnsItemOnFailure { failure.item = error.currentItem }
            throw failure
        }
    }

    private func localIndexes(_ table: TableDefinition, _ write: WriteParameters) throws -> [String]
    {
        write.capacity == .indexes ? try record(of: table.name).localIndexes : []
    }

    static func capacityDetail(_ input: RequestParameters) throws -> Capacity.Detail {
        try input.choice("ReturnConsumedCapacity", ["INDEXES", "TOTAL", "NONE"])
            .flatMap(Capacity.Detail.init) ?? .none
    }
}

extension WriteTransaction {
    fileprivate func currentItem(
        in table: String, key: PrimaryKey
    ) throws(CodexError) -> Item? {
        do {
            return try item(in: table, key: key)
        } catch let error as CodexError {
            throw error
        } catch {
            throw CodexError(.corrupted, "The item cannot be read.", cause: error)
        }
    }

    /// Undoes an update that gives an index key a wrong type.
    fileprivate func requireIndexKeys(
        of item: Item, _ table: TableDefinition
    ) throws(CodexError) {
        do {
            try table.requireIndexKeys(of: item)
        } catch {
            throw CodexError(
                .invalidKey, (error as? ServiceError)?.message ?? "An index key is invalid.")
        }
    }
}

extension TableDefinition {
    func requireNoKeys(_ update: Update) throws {
        for clause in update.clauses
        where keyAttributes.contains(where: { $0.name == clause.path.root }) {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Cannot update attribute "
                    + "\(clause.path.root). This attribute is part of the key")
        }
    }
}

/// What single writes have in common.
struct WriteParameters: Sendable {
    let returning: ReturnValues
    let returnsItemOnFailure: Bool
    let capacity: Capacity.Detail

    init(_ input: RequestParameters, _ allowed: [ReturnValues]) throws {
        let text = try input.choice(
            "ReturnValues", ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"])
        let values: ReturnValues =
            switch text {
            case "ALL_OLD": .allOld
            case "ALL_NEW": .allNew
            case "UPDATED_OLD": .updatedOld
            case "UPDATED_NEW": .updatedNew
            default: .none
            }
        guard allowed.contains(values) else {
            throw ServiceError.validation("Return values set to invalid value")
        }
        returning = values
        returnsItemOnFailure = try Self.returnsItemOnFailure(input)
        capacity = try DynamoDBService.capacityDetail(input)
        _ = try input.choice("ReturnItemCollectionMetrics", ["SIZE", "NONE"])
    }

    static func returnsItemOnFailure(_ input: RequestParameters) throws -> Bool {
        try input.choice("ReturnValuesOnConditionCheckFailure", ["ALL_OLD", "NONE"]) == "ALL_OLD"
    }

    func answer(
        _ table: TableDefinition, old: Item?, new: Item?, attributes: Item?,
        _ localIndexes: [String]
    ) -> JSONWriter {
        var writer = ResponseWriter()
        if returning != .none, let attributes { writer.item("Attributes", attributes) }
        writer.capacity(capacity) {
            var units = Capacity(table.name)
            units.addWrite(table, old, new, localIndexes: localIndexes)
            return units
        }
        return writer.end()
    }
}
