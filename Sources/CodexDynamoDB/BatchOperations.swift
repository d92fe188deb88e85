internal import CodexCore
internal import CodexStore

/// BatchGetItem and BatchWriteItem.
extension DynamoDBService {
    private static let getCountMax = 100
    private static let writeCountMax = 25

    func batchGetItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let gets = try Self.batchGets(input)
        let pairs = try gets.map { (get: $0, table: try definition($0.table)) }
        for (get, table) in pairs { try get.requireKeys(table) }
        let batch = BatchRead(pairs, capacity, budget.faults)
        // A few small items fit into the first slice.
        try batch.readSlice(of: store, .first, budget)
        return try await finish(batch, budget)
    }

    private static func batchGets(_ input: RequestParameters) throws -> [BatchGet] {
        guard let requests = try input.object("RequestItems") else {
            throw RequestParameters.missing("RequestItems")
        }
        var gets: [BatchGet] = []
        var count = 0
        for member in requests.all {
            let get = try BatchGet(
                member.name, try RequestParameters(member.value, member.name),
                keyCountMax: getCountMax - count)
            count += get.keys.count
            gets.append(get)
        }
        guard count > 0 else { throw noRequests }
        return gets
    }

    func batchWriteItem(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let all = try self.steps(try Self.batchWrites(input))
        let left = budget.faults.unprocessedPlaces(of: all.count)
        let steps = all.indices.filter { !left.contains($0) }.map { all[$0] }
        let targets = capacity == .none ? [] : try steps.map { try WriteTarget($0.table, self) }
        let units = try await perform(steps, targets, budget)
        var response = ResponseWriter()
        try response.unprocessedItems(
            left.sorted().map { (all[$0].requestedTable, all[$0].source) }, budget)
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
            for node in nodes {
                writes.append(try BatchWrite(member.name, node))
            }
        }
        guard !writes.isEmpty else { throw noRequests }
        return writes
    }

    private static var noRequests: ServiceError {
        .validation(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
                + "Member must have length greater than or equal to 1")
    }

    /// The writes with their tables and keys; all keys differ.
    private func steps(_ writes: [BatchWrite]) throws -> [BatchStep] {
        var seen: Set<ItemTarget> = []
        return try writes.map { write in
            let step = try BatchStep(write, try definition(write.table))
            guard seen.insert(ItemTarget(table: step.table.name, key: step.key)).inserted else {
                throw ServiceError.validation("Provided list of item keys contains duplicates")
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
    let table: String
    let put: Item?
    let key: Item?
    /// The write as the request has it.
    let source: JSONValue

    init(_ table: String, _ source: JSONValue) throws {
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
    /// The table's name and the write, as the request has them.
    let requestedTable: String
    let source: JSONValue

    init(_ write: BatchWrite, _ table: TableDefinition) throws {
        self.table = table
        (requestedTable, source) = (write.table, write.source)
        put = write.put
        if let item = write.put { try table.requireKeys(of: item) }
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
