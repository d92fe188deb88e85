internal import CodexCore
internal import CodexStore

/// BatchExecuteStatement.
extension DynamoDBService {
    func batchExecuteStatement(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let inputs = try StatementInput.list(input, "Statements")
        let statements = try inputs.map { input in
            (input: input, statement: try typed(input))
        }
        let reads = statements.compactMap { try? $0.statement.get().isRead }
        guard !reads.contains(true) || !reads.contains(false) else {
            throw StatementListRefusals.batchMixed
        }
        var batch = StatementBatchResponse(capacity)
        if reads.first == true {
            try read(statements, &batch, budget)
        } else {
            for (input, statement) in statements {
                try await write(input, statement, &batch, budget)
            }
        }
        return batch.close()
    }

    /// The statement, or the error that its entry of the response has.
    ///
    /// - Throws: The errors that concern the request, such as `SerializationException`.
    private func typed(
        _ input: StatementInput
    ) throws -> Result<TypedStatement, ServiceError> {
        do {
            let statement = try TypedStatement(input.text, try input.values(), plans.statements)
            if case .check = statement { throw StatementListRefusals.existsOutside }
            return .success(statement)
        } catch {
            let failure = ServiceError(error)
            guard failure.type == "ValidationException" else { throw failure }
            return .failure(failure)
        }
    }

    // MARK: Reads

    /// Reads the items of all statements, one after the other.
    private func read(
        _ statements: [(input: StatementInput, statement: Result<TypedStatement, ServiceError>)],
        _ batch: inout StatementBatchResponse, _ budget: RequestBudget
    ) throws {
        let gets = try statements.map { input, statement -> Result<StatementGet, ServiceError> in
            try budget.requireTime()
            return Result { try StatementGet(try statement.get(), input, self) }
                .mapError { ServiceError($0) }
        }
        try store.read { snapshot in
            for get in gets {
                try budget.requireTime()
                switch get {
                case .failure(let failure): try batch.add(failure, table: nil, budget)
                case .success(let get): try batch.add(get, snapshot, budget)
                }
            }
        }
    }

    // MARK: Writes

    /// Performs a write by itself; its error is an entry of the response.
    private func write(
        _ input: StatementInput, _ statement: Result<TypedStatement, ServiceError>,
        _ batch: inout StatementBatchResponse, _ budget: RequestBudget
    ) async throws {
        var table: String?
        do {
            guard case .write(let write) = try statement.get() else {
                throw StatementListRefusals.batchMixed
            }
            try batch.requireRoom()
            let definition = try definition(write.table)
            _ = try write.action(in: definition)
            // Behind this point, the statement runs.
            table = write.table
            let outcome = try await outcome(of: write, .item, input, batch.capacity, budget)
            batch.add(outcome, table: write.table)
        } catch {
            try batch.add(ServiceError(error), table: table, nil)
        }
    }
}

/// The response of a batch, entry by entry.
private struct StatementBatchResponse {
    let capacity: Capacity.Detail
    private var response = ResponseWriter()
    private var count = 0
    private var units: [Capacity] = []

    init(_ capacity: Capacity.Detail) {
        self.capacity = capacity
        response.member("Responses") { $0.raw("[") }
    }

    consuming func close() -> ResponseWriter {
        response.more { $0.raw("]") }
        response.capacities(capacity, units)
        return response
    }

    /// Refuses a write whose item the response has no room for.
    func requireRoom() throws {
        guard response.byteCount < ResponseWriter.pageByteCountMax else {
            throw ServiceError.responseTooLarge(ResponseWriter.pageByteCountMax)
        }
    }

    /// Adds an error; without a budget, its memory is not reserved, because writes were done.
    mutating func add(
        _ failure: ServiceError, table: String?, _ budget: RequestBudget?
    ) throws {
        response.nextObject(isFirst: count == 0) { entry in
            entry.object("Error") { error in
                error.string("Code", Self.code(failure.type))
                error.string("Message", failure.message)
            }
            if let table { entry.string("TableName", table) }
        }
        count += 1
        if let budget { try response.reserve(budget) }
    }

    /// The code of an error: "BatchStatementError" in DynamoDB's API reference.
    private static func code(_ type: String) -> String {
        switch type {
        case "ValidationException": "ValidationError"
        case "ThrottlingException": "ThrottlingError"
        case "ResourceNotFoundException": "ResourceNotFound"
        case "InternalServerError": "InternalServerError"
        default:
            type.hasSuffix("Exception") ? String(type.dropLast("Exception".count)) : type
        }
    }

    /// Adds what a read finds.
    mutating func add(
        _ get: StatementGet, _ snapshot: borrowing Snapshot, _ budget: RequestBudget
    ) throws {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        var byteCount = 0
        try response.nextObject(isFirst: count == 0) { entry in
            entry.string("TableName", get.table)
            byteCount = try get.write(snapshot, to: &entry, memory, budget) ?? 0
        }
        count += 1
        try response.reserve(budget)
        units.add(to: get.table) {
            $0.tableUnits += Capacity.read(byteCount: byteCount, isConsistent: get.isConsistent)
        }
    }

    /// Adds what a write returns; the memory of its item is reserved already.
    mutating func add(_ outcome: WriteOutcome, table: String) {
        var entry = outcome.response(.none)
        entry.string("TableName", table)
        if count > 0 { response.more { $0.raw(",") } }
        for part in entry.close() { response.more { $0.append(part[...]) } }
        count += 1
        if let added = outcome.units {
            units.add(to: table) { units in
                units.tableUnits += added.tableUnits
                for index in added.indexUnits {
                    units.add(index.name, isLocal: index.isLocal, index.units)
                }
            }
        }
    }
}
