internal import CodexCore
internal import CodexStore

/// BatchGetItem and BatchWriteItem.
extension DynamoDBService {
    /// The most keys of a BatchGetItem.
    static let batchGetCountMax = 100
    /// The most writes of a BatchWriteItem.
    private static let writeCountMax = 25

    func batchGetItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let gets = try batchGets(input)
        let pairs = try gets.map { (get: $0, table: try definition($0.table)) }
        var seen: Set<ItemTarget> = []
        for (get, table) in pairs { try get.requireKeys(table, &seen) }
        let batch = BatchRead(pairs, capacity, budget.faults)
        // A few small items fit into the first slice.
        try batch.readSlice(of: store, .first, budget)
        return try await finish(batch, budget)
    }

    private func batchGets(_ input: RequestParameters) throws -> [BatchGet] {
        guard let requests = try input.object("RequestItems") else {
            throw RequestParameters.missing("RequestItems")
        }
        var gets: [BatchGet] = []
        var count = 0
        for member in requests.all {
            let get = try BatchGet(
                try TableReference(member.name), try RequestParameters(member.value, member.name),
                countSoFar: count, plans.expressions)
            count += get.keys.count
            gets.append(get)
        }
        guard count > 0 else { throw Self.noRequests(of: "BatchGetItem") }
        // The parts for two tables cannot be of two kinds, either.
        if gets.contains(where: { $0.form == .legacy }),
            gets.contains(where: { $0.form == .expression })
        {
            throw Expressions.mixed(["AttributesToGet"], ["ProjectionExpression"])
        }
        return gets
    }

    func batchWriteItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let wantsCollections = try Self.wantsCollections(input)
        let all = try self.steps(try Self.batchWrites(input))
        let left = budget.faults.unprocessedPlaces(of: all.count)
        let steps = all.indices.filter { !left.contains($0) }.map { all[$0] }
        let targets =
            capacity == .none ? [] : try steps.map { try WriteTarget($0.table, $0.text, self) }
        let collections = try collections(
            of: steps.map { (item: $0.keyItem, table: $0.table, text: $0.text) },
            if: wantsCollections, within: budget)
        let units = try await perform(steps, targets, budget)
        var response = ResponseWriter()
        try response.unprocessedItems(
            left.sorted().map { (all[$0].text, all[$0].source) }, budget)
        collections.writeAll(to: &response)
        response.capacities(capacity, units)
        return response
    }

    /// The writes of a BatchWriteItem.
    private static func batchWrites(_ input: RequestParameters) throws -> [BatchWrite] {
        guard let requests = try input.object("RequestItems") else {
            throw RequestParameters.missing("RequestItems")
        }
        var writes: [BatchWrite] = []
        for member in requests.all {
            guard let nodes = try member.value.elements() else {
                throw RequestParameters.wrongType(member.name, "a list of requests")
            }
            // The count is checked before the items are read.
            guard writes.count + nodes.count <= writeCountMax else {
                throw ServiceError.validation(
                    "Too many items requested for the BatchWriteItem call")
            }
            let table = try TableReference(member.name)
            for node in nodes { writes.append(try BatchWrite(table, node)) }
        }
        guard !writes.isEmpty else { throw noRequests(of: "BatchWriteItem") }
        return writes
    }

    /// The error for a batch whose tables are all `null`.
    private static func noRequests(of operation: String) -> ServiceError {
        .validation(Messages.required("requestItems", operation))
    }

    /// The writes with their tables and keys; all keys differ.
    private func steps(_ writes: [BatchWrite]) throws -> [BatchStep] {
        var seen: Set<ItemTarget> = []
        return try writes.map { write in
            let step = try BatchStep(write, try definition(write.table))
            guard seen.insert(ItemTarget(table: step.table.name, key: step.key)).inserted else {
                throw ServiceError.validation(ItemMessages.duplicateKeys)
            }
            return step
        }
    }

    /// Performs all writes, and returns their capacity.
    ///
    /// `targets` are their tables if the request asks for the capacity, and empty otherwise.
    private func perform(
        _ steps: [BatchStep], _ targets: [WriteTarget], _ budget: RequestBudget
    ) async throws -> [Capacity] {
        try await store.write { transaction -> [Capacity] in
            try budget.requireTime()
            let memory = budget.decodedMemory()
            transaction.memory = memory
            var units: [Capacity] = []
            for (place, step) in steps.enumerated() {
                // Only one item at a time is in memory.
                if targets.isEmpty {
                    try step.perform(&transaction)
                } else {
                    try step.perform(&transaction, targets[place], &units)
                }
                memory.release()
            }
            return units
        }
    }
}

/// A write of a BatchWriteItem before its table is looked up.
private struct BatchWrite {
    let table: TableReference
    let put: Item?
    let key: Item?
    /// The write as the request has it.
    let source: JSONValue

    init(_ table: TableReference, _ source: JSONValue) throws {
        (self.table, self.source) = (table, source)
        let request = try RequestParameters(source, "WriteRequest")
        let put = try request.object("PutRequest")
        let delete = try request.object("DeleteRequest")
        guard (put == nil) != (delete == nil) else {
            throw ServiceError.validation(
                "Supplied WriteRequest must have exactly one of PutRequest and DeleteRequest")
        }
        self.put = try put?.requiredItem("Item")
        key = try delete?.requiredKey("Key")
    }
}

/// A write of a BatchWriteItem.
private struct BatchStep: Sendable {
    let table: TableDefinition
    /// The item to put; `nil` deletes the stored one.
    let put: Item?
    let key: PrimaryKey
    /// The item to put, or the key of the one to delete.
    let keyItem: Item
    /// The table's name or ARN, and the write, as the request has them.
    let text: String
    let source: JSONValue

    init(_ write: BatchWrite, _ table: TableDefinition) throws {
        self.table = table
        (text, source) = (write.table.text, write.source)
        put = write.put
        keyItem = write.put ?? write.key ?? Item()
        if let item = write.put { try table.requireKeys(of: item, isBatch: true) }
        key =
            try write.key.map { try table.requestedKey($0) }
            ?? table.primaryKey(of: write.put ?? Item())
    }

    /// Performs the write.
    func perform(_ transaction: inout WriteTransaction) throws(CodexError) {
        if let put {
            try transaction.put(put, in: table.name)
        } else {
            try transaction.delete(in: table.name, key: key)
        }
    }

    /// Performs the write, and adds its capacity.
    func perform(
        _ transaction: inout WriteTransaction, _ target: WriteTarget, _ units: inout [Capacity]
    ) throws(CodexError) {
        if put == nil, table.countsDeletionsByKeys {
            let old = try transaction.deleteMeasuring(in: table.name, key: key)
            target.addDelete(to: &units, old?.keys, byteCount: old?.byteCount ?? 0)
        } else if let put {
            let (old, new) = try transaction.change(to: put, in: table.name)
            target.add(to: &units, old, new)
        } else {
            let old = try transaction.delete(in: table.name, key: key, returning: .allOld)
            target.add(to: &units, old, nil)
        }
    }
}
