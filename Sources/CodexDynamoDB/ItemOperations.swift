internal import CodexCore
internal import CodexStore

/// GetItem, PutItem, UpdateItem, DeleteItem.
extension DynamoDBService {
    func getItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        let key = try input.requiredKey("Key")
        let capacity = try Self.capacityDetail(input)
        let isConsistent = try input.bool("ConsistentRead") ?? false
        var expressions = try Expressions(input)
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let read = ItemRead(
            table: name, key: try table.requestedKey(key), projection: projection,
            capacity: capacity, isConsistent: isConsistent)
        // Small items are read and written in place.
        if budget.executor != nil, let response = try read.smallResponse(from: store, budget) {
            return response
        }
        return try await budget.away { try read.response(from: store, $0) }
    }

    func putItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        let item = try input.requiredItem("Item")
        var write = try WriteParameters(input, [.none, .allOld])
        var expressions = try Expressions(input)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        write.isConditional = condition != nil
        let table = try definition(name)
        try table.requireKeys(of: item)
        return try await perform(
            write, on: table, replacing: { try $0.primaryKey(of: item) }, budget
        ) { [write] transaction, _ in
            let (old, new) = try transaction.change(to: item, in: name, condition: condition)
            return .items(old: write.returningOld == .allOld ? old : nil, new: new)
        }
    }

    func deleteItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        let key = try input.requiredKey("Key")
        var write = try WriteParameters(input, [.none, .allOld])
        var expressions = try Expressions(input)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        write.isConditional = condition != nil
        let table = try definition(name)
        let primaryKey = try table.requestedKey(key)
        return try await perform(write, on: table, replacing: { _ in primaryKey }, budget) {
            [write] transaction, _ in
            if write.measuresDeletion(from: table) {
                return .deletion(try transaction.deleteMeasuring(in: name, key: primaryKey))
            }
            let old = try transaction.delete(
                in: name, key: primaryKey, condition: condition, returning: write.returningOld)
            return .items(old: old, new: nil)
        }
    }

    func updateItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        let key = try input.requiredKey("Key")
        var write = try WriteParameters(input, ReturnValues.allCases)
        var expressions = try Expressions(input)
        let update = try expressions.update().flatMap { $0.clauses.isEmpty ? nil : $0 }
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let primaryKey = try table.requestedKey(key)
        if let update { try table.requireNoKeys(update) }
        write.updatedPaths = update?.clauses.map(\.path) ?? []
        return try await perform(write, on: table, budget) { transaction, memory in
            guard let update else {
                // An update without changes only ensures that the item exists.
                let old = try transaction.view(in: name, key: primaryKey) {
                    try $0.item(reserving: memory)
                }
                let new = try transaction.change(
                    to: old ?? key, in: name, condition: condition
                ).new
                return .items(old: old, new: new)
            }
            let (old, new) = try transaction.change(
                in: name, key: primaryKey, update, condition: condition)
            if let new { try table.requireIndexKeys(of: new) }
            return .items(old: old, new: new)
        }
    }

    /// Performs a write, and creates its response.
    ///
    /// The response takes its data from the items during the write. No item waits for the commit,
    /// except a small one that is returned. Memory is reserved before the commit, so that a refusal
    /// changes nothing.
    ///
    /// - Parameters:
    ///   - write: The parameters of the write and of its response.
    ///   - table: The table.
    ///   - key: The key of the item that is replaced or deleted as a whole.
    ///   - budget: The request's budget.
    ///   - body: Performs the write. It reserves the memory of its own decoding in the given
    ///     `DecodedMemory`.
    /// - Returns: The response.
    /// - Throws: The errors of the store, and of `body`.
    private func perform(
        _ write: WriteParameters, on table: TableDefinition,
        replacing key: (@Sendable (TableDefinition) throws -> PrimaryKey)? = nil,
        _ budget: RequestBudget,
        _ body:
            @escaping @Sendable (
                inout WriteTransaction, DecodedMemory
            ) throws -> WrittenItem
    ) async throws -> ResponseWriter {
        try await outcome(of: write, on: table, replacing: key, budget, body)
            .response(write.capacity)
    }

    /// Performs a write as ``perform(_:on:replacing:_:_:)`` does.
    ///
    /// - Returns: The parts of the response.
    /// - Throws: The errors of the store, and of `body`.
    func outcome(
        of write: WriteParameters, on table: TableDefinition,
        replacing key: (@Sendable (TableDefinition) throws -> PrimaryKey)? = nil,
        _ budget: RequestBudget,
        _ body:
            @escaping @Sendable (
                inout WriteTransaction, DecodedMemory
            ) throws -> WrittenItem
    ) async throws -> WriteOutcome {
        let localIndexes =
            write.capacity == .indexes ? try record(of: table.name).localIndexes : []
        return try await store.write { transaction -> WriteOutcome in
            try budget.requireTime()
            let memory = budget.decodedMemory()
            transaction.memory = memory
            do {
                if let key, write.showsStoredItem {
                    // Another table may have this name by now.
                    let written = try transaction.oldAttributes(
                        in: table.name, key: try key(self.definition(table.name)), memory, budget)
                    let item = try body(&transaction, memory)
                    return WriteOutcome(written, write.units(table, item, localIndexes))
                }
                let item = try body(&transaction, memory)
                let units = write.units(table, item, localIndexes)
                return try WriteOutcome(
                    write.attributes(item), write.form, units, memory, budget)
            } catch let error as CodexError {
                throw write.failure(error, memory)
            }
        }
    }

    static func capacityDetail(_ input: RequestParameters) throws -> Capacity.Detail {
        try input.choice("ReturnConsumedCapacity", ["INDEXES", "TOTAL", "NONE"])
            .flatMap(Capacity.Detail.init) ?? .none
    }
}

extension WriteTransaction {
    /// Starts a response with the stored item, if there is one.
    fileprivate func oldAttributes(
        in table: String, key: PrimaryKey, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws -> ResponseWriter {
        var written = ResponseWriter()
        try view(in: table, key: key) { view in
            written.name("Attributes")
            _ = try written.stored(view, nil, memory, budget)
        }
        try written.reserve(budget)
        return written
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

/// The read of one item.
struct ItemRead: Sendable {
    let table: String
    let key: PrimaryKey
    let projection: Projection?
    let capacity: Capacity.Detail
    let isConsistent: Bool

    /// Reads the item, and creates the response, if the item is small; `nil` if it is large.
    func smallResponse(from store: Store, _ budget: RequestBudget) throws -> ResponseWriter? {
        try response(
            from: store, smallerThan: RequestBudget.Slice.Size.first.largeByteCount, budget)
    }

    /// Reads the item, and creates the response.
    func response(from store: Store, _ budget: RequestBudget) throws -> ResponseWriter {
        // Every item is smaller than this limit.
        try response(from: store, smallerThan: .max, budget) ?? ResponseWriter()
    }

    private func response(
        from store: Store, smallerThan byteCountMax: Int, _ budget: RequestBudget
    ) throws -> ResponseWriter? {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        var response = ResponseWriter()
        let found = try store.read { snapshot in
            try snapshot.view(in: table, key: key, smallerThan: byteCountMax) { view in
                response.name("Item")
                return try response.stored(view, projection, memory, budget)
            }
        }
        var byteCount = 0
        switch found {
        case .large: return nil
        case .absent: break
        case .found(let size):
            byteCount = size
            try response.reserve(budget)
        }
        response.capacity(capacity) {
            var units = Capacity(table)
            units.tableUnits = Capacity.read(byteCount: byteCount, isConsistent: isConsistent)
            return units
        }
        return response
    }
}
