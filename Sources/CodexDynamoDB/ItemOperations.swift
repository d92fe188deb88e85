internal import CodexCore
internal import CodexStore

/// GetItem, PutItem, UpdateItem, DeleteItem.
extension DynamoDBService {
    /// Performs a GetItem in place if its item is small, and leaves a large item to the executor.
    ///
    /// The parameters are read once for both.
    ///
    /// - Parameters:
    ///   - input: The request's parameters.
    ///   - budget: The request's budget, which has an executor.
    /// - Returns: The response, or the read that is left.
    /// - Throws: The errors of the parameters, and of the store.
    func beginGetItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) throws -> BegunResponse {
        let read = try itemRead(input)
        if let response = try read.smallResponse(from: store, budget) {
            return .done(DynamoDBResponse(status: 200, parts: response.close()))
        }
        return .pending {
            await self.finish(budget) {
                try await budget.away { try read.response(from: self.store, $0) }
            }
        }
    }

    /// The read that a GetItem asks for.
    func itemRead(_ input: RequestParameters) throws -> ItemRead {
        let named = try input.table()
        let key = try input.requiredKey("Key")
        let capacity = try Self.capacityDetail(input)
        let isConsistent = try input.bool("ConsistentRead") ?? false
        var expressions = try Expressions(input, .read, plans.expressions)
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(named)
        if let projection { try table.requireScalarKeys(projection.paths) }
        return ItemRead(
            table: named, key: try table.requestedKey(key), projection: projection,
            capacity: capacity, isConsistent: isConsistent)
    }

    func putItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let named = try input.table()
        let item = try input.requiredItem("Item")
        var write = try WriteParameters(input, named, [.none, .allOld])
        var expressions = try Expressions(input, .condition, plans.expressions)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        write.isConditional = condition != nil
        let table = try definition(named)
        if let condition { try table.requireScalarKeys(condition.paths) }
        try table.requireKeys(of: item)
        write.collections = try collections(of: item, in: table, write, budget)
        return try await perform(
            write, on: table, replacing: { try $0.primaryKey(of: item) }, budget
        ) { [write] transaction, _ in
            let (old, new) = try transaction.change(
                to: item, in: named.name, condition: condition)
            return .items(old: write.returningOld == .allOld ? old : nil, new: new)
        }
    }

    func deleteItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let named = try input.table()
        let key = try input.requiredKey("Key")
        var write = try WriteParameters(input, named, [.none, .allOld])
        var expressions = try Expressions(input, .condition, plans.expressions)
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        write.isConditional = condition != nil
        let table = try definition(named)
        let primaryKey = try table.requestedKey(key)
        if let condition { try table.requireScalarKeys(condition.paths) }
        write.collections = try collections(of: key, in: table, write, budget)
        return try await perform(write, on: table, replacing: { _ in primaryKey }, budget) {
            [write] transaction, _ in
            if write.measuresDeletion(from: table) {
                return .deletion(
                    try transaction.deleteMeasuring(in: named.name, key: primaryKey))
            }
            let old = try transaction.delete(
                in: named.name, key: primaryKey, condition: condition,
                returning: write.returningOld)
            return .items(old: old, new: nil)
        }
    }

    func updateItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let named = try input.table()
        let key = try input.requiredKey("Key")
        var write = try WriteParameters(input, named, ReturnValues.allCases)
        write.update = input.has("AttributeUpdates") ? .legacy : .expression
        var expressions = try Expressions(input, .update, plans.expressions)
        let update = try expressions.update().flatMap { $0.clauses.isEmpty ? nil : $0 }
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(named)
        let primaryKey = try table.requestedKey(key)
        if let update { try table.requireKeys(update) }
        if let condition { try table.requireScalarKeys(condition.paths) }
        write.updatedPaths = update?.clauses.map(\.path) ?? []
        write.collections = try collections(of: key, in: table, write, budget)
        return try await perform(write, on: table, budget) { [write] transaction, memory in
            guard let update else {
                // An update without changes only ensures that the item exists.
                let old = try transaction.view(in: named.name, key: primaryKey) {
                    try $0.item(reserving: memory)
                }
                let new = try transaction.change(
                    to: old ?? key, in: named.name, condition: condition
                ).new
                return .items(old: old, new: new)
            }
            // Without an item, an update that only removes changes nothing.
            let (old, new) = try transaction.change(
                in: named.name, key: primaryKey, update, condition: condition)
            if let new, write.update == .expression { try update.requireWrittenSize(of: new) }
            return .items(old: old, new: new)
        }
    }

    /// The item collection of a single write, if the request asks for it.
    private func collections(
        of item: Item, in table: TableDefinition, _ write: WriteParameters,
        _ budget: RequestBudget
    ) throws -> ItemCollections {
        try collections(
            of: CollectionOfOne((item: item, table: table, text: write.table)),
            if: write.wantsCollections, within: budget)
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
        let outcome = try await outcome(of: write, on: table, replacing: key, budget, body)
        var response = outcome.response(write.capacity)
        write.collections.writeOne(to: &response)
        return response
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
        try input.string("ReturnConsumedCapacity").flatMap(Capacity.Detail.init) ?? .none
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

/// The read of one item.
struct ItemRead: Sendable {
    let table: TableReference
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
            try snapshot.view(in: table.name, key: key, smallerThan: byteCountMax) { view in
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
            var units = Capacity(table.text)
            units.tableUnits = Capacity.read(byteCount: byteCount, isConsistent: isConsistent)
            return units
        }
        return response
    }
}
