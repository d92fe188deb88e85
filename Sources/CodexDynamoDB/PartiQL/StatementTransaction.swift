internal import CodexCore
internal import CodexStore

/// ExecuteTransaction.
extension DynamoDBService {
    func executeTransaction(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let token = try Self.token(input)
        let inputs = try StatementInput.list(input, "TransactStatements")
        let statements = try typed(inputs)
        let readCount = statements.filter(\.isRead).count
        guard readCount == 0 || readCount == statements.count else {
            throw StatementListRefusals.transactionMixed
        }
        guard readCount == 0 else { return try read(statements, capacity, budget) }
        return try await write(statements, inputs, token, capacity, budget)
    }

    /// The statements, with the limit of all of their parameters together.
    ///
    /// - Throws: The errors of parameters, and those of statements with their places.
    private func typed(_ inputs: [StatementInput]) throws -> [TypedStatement] {
        var byteCount = 0
        return try inputs.enumerated().map { place, input in
            let values = try input.values(adding: &byteCount)
            guard byteCount <= DynamoDBLimits.transactionByteCountMax else {
                throw StatementListRefusals.transactionTooLarge
            }
            do {
                return try TypedStatement(input.text, values, plans.statements)
            } catch {
                throw StatementListRefusals.transaction(place, ServiceError(error))
            }
        }
    }

    /// The results of planning all statements.
    ///
    /// The error of a statement that no transaction may have is that of the request, and so is a
    /// missing table. The others are the reasons why the transaction is cancelled.
    ///
    /// Source: Reference. ResourceNotFoundException is an error of ExecuteTransaction, and
    /// TransactionCanceledException has no code for it.
    ///
    /// - Parameters:
    ///   - statements: The statements.
    ///   - body: Plans a statement, and refuses what no transaction may have.
    ///   - keyed: Plans the rest, which depends on the values of the key.
    /// - Returns: The result of `keyed` for each statement.
    /// - Throws: `ValidationException`, `ResourceNotFoundException`,
    ///   `TransactionCanceledException`.
    private static func planned<Planned, Output>(
        _ statements: [TypedStatement], _ body: (TypedStatement) throws -> Planned,
        keyed: (Planned) throws -> Output
    ) throws -> [Output] {
        var plans: [Planned] = []
        var missingTable: ServiceError?
        for (place, statement) in statements.enumerated() {
            do {
                plans.append(try body(statement))
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                throw StatementListRefusals.transaction(place, failure)
            } catch let failure as ServiceError
                where failure.type == ServiceError.tableNotFound.type
            {
                missingTable = failure
            }
        }
        if let missingTable { throw missingTable }
        var (results, reasons): ([Output], [ServiceError.Reason]) = ([], [])
        for plan in plans {
            do {
                results.append(try keyed(plan))
                reasons.append(ServiceError.Reason(code: "None"))
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                reasons.append(
                    ServiceError.Reason(code: "ValidationError", message: failure.message))
            }
        }
        guard results.count == reasons.count else { throw ServiceError(cancelledFor: reasons) }
        return results
    }

    // MARK: Reads

    private func read(
        _ statements: [TypedStatement], _ capacity: Capacity.Detail, _ budget: RequestBudget
    ) throws -> ResponseWriter {
        let gets = try Self.planned(statements) { statement -> TransactionQuery in
            try TransactionQuery(statement, self)
        } keyed: { query -> StatementGet in
            try query.get()
        }
        var seen: Set<ItemTarget> = []
        for get in gets
        where !seen.insert(ItemTarget(table: get.table, key: get.key)).inserted {
            throw ServiceError(CodexError(.duplicateTarget, ""))
        }
        var response = ResponseWriter(byteCountMax: ResponseWriter.transactionByteCountMax)
        var units: [Capacity] = []
        response.member("Responses") { $0.raw("[") }
        try store.read { snapshot in
            var room = TransactionRoom()
            for (place, get) in gets.enumerated() {
                try budget.requireTime()
                let byteCount = try Self.write(
                    get, snapshot, isFirst: place == 0, &room, to: &response, budget)
                units.add(to: get.table, isTransaction: true, isRead: true) {
                    $0.tableUnits += Capacity.read(
                        byteCount: byteCount, isConsistent: true, isTransaction: true)
                }
            }
        }
        response.more { $0.raw("]") }
        response.capacities(capacity, units)
        return response
    }

    /// Reads an item, and writes its entry of the response.
    ///
    /// - Returns: The item's size; 0 if there is none.
    private static func write(
        _ get: StatementGet, _ snapshot: borrowing Snapshot, isFirst: Bool,
        _ room: inout TransactionRoom, to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws -> Int {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        var byteCount = 0
        try response.nextObject(isFirst: isFirst) { entry in
            byteCount =
                try get.write(snapshot, to: &entry, memory, budget) { encodedByteCount in
                    // An item that is certainly too much is not read further.
                    try room.take(encodedByteCount: encodedByteCount)
                } ?? 0
        }
        try room.take(byteCount: byteCount)
        try response.reserve(budget)
        return byteCount
    }

    // MARK: Writes

    private func write(
        _ statements: [TypedStatement], _ inputs: [StatementInput], _ token: String?,
        _ capacity: Capacity.Detail, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        var byteCount = 0
        let planned = try Self.planned(statements) { statement -> StatementAction in
            let action = try StatementAction(statement, self)
            // A transaction that is certainly too large does not wait for the writer.
            byteCount += action.insertedByteCount
            return action
        } keyed: { action -> (plan: StatementAction, action: WriteAction) in
            (action, try action.action())
        }
        guard byteCount <= DynamoDBLimits.transactionByteCountMax else {
            throw TransactionRoom.tooLarge
        }
        let areInserts = planned.map { $0.plan.isInsert }
        let tables = capacity == .none ? [] : planned.map { $0.plan.table }
        let targets = try tables.map { try WriteTarget($0, $0.name, self) }
        let units: [Capacity]
        do {
            units = try await perform(
                planned.map { $0.action }, token,
                returningItems: zip(areInserts, inputs).map { !$0 && $1.returnsItemOnFailure },
                targets, budget)
        } catch {
            throw Self.naming(duplicates: areInserts, in: ServiceError(error))
        }
        var response = ResponseWriter()
        response.member("Responses") { $0.raw("[]") }
        response.capacities(capacity, units)
        return response
    }

    /// An error in which the failed conditions of INSERT statements are duplicates.
    private static func naming(
        duplicates areInserts: [Bool], in failure: ServiceError
    ) -> ServiceError {
        guard let reasons = failure.reasons, reasons.count == areInserts.count else {
            return failure
        }
        var named = ServiceError(
            cancelledFor: zip(reasons, areInserts).map { reason, isInsert in
                guard isInsert, reason.code == "ConditionalCheckFailed" else { return reason }
                return ServiceError.Reason(
                    code: "DuplicateItem", message: StatementRefusals.duplicateItemMessage)
            })
        named.items = failure.items
        return named
    }
}

/// A SELECT of a transaction.
private struct TransactionQuery {
    private let target: StatementTarget
    private let key: StatementKey
    private let columns: StatementColumns

    /// Plans a statement before the types of its key are checked.
    ///
    /// - Throws: `ValidationException` for what no transaction may have,
    ///   `ResourceNotFoundException`.
    init(_ statement: TypedStatement, _ service: DynamoDBService) throws {
        guard case .read(let query) = statement else {
            throw StatementListRefusals.transactionMixed
        }
        target = try StatementTarget(query.source, service)
        guard target.index == nil else { throw StatementListRefusals.transactionIndex }
        key = StatementKey(query.condition, target.table)
        guard key.isComplete, !key.hasMore, key.conflict == nil, query.order.isEmpty else {
            throw StatementListRefusals.transactionKey
        }
        columns = try StatementColumns(query.columns)
    }

    /// The read of the item.
    ///
    /// - Throws: `ValidationException`, which cancels the transaction.
    func get() throws -> StatementGet {
        StatementGet(
            table: target.table.name, key: try target.table.requestedKey(key.attributes),
            isConsistent: true, columns: columns)
    }
}

/// A statement of a transaction that writes, or checks a condition.
private struct StatementAction {
    let table: TableDefinition
    let isInsert: Bool
    let insertedByteCount: Int
    private let write: StatementWrite?
    /// The key and the condition of an EXISTS.
    private let check: (key: StatementKey, condition: Condition)?

    /// Plans a statement before its key is checked.
    ///
    /// - Throws: `ValidationException` for what no transaction may have,
    ///   `ResourceNotFoundException`.
    init(_ statement: TypedStatement, _ service: DynamoDBService) throws {
        switch statement {
        case .read: throw StatementListRefusals.transactionMixed
        case .write(let write):
            table = try service.definition(write.table)
            guard write.returning == nil else { throw StatementListRefusals.transactionReturning }
            if !write.isInsert { _ = try write.key(in: table) }
            self.write = write
            check = nil
            (isInsert, insertedByteCount) = (write.isInsert, write.insertedByteCount)
        case .check(let query):
            let target = try StatementTarget(query.source, service)
            guard target.index == nil else { throw StatementListRefusals.transactionIndex }
            table = target.table
            let key = StatementKey(query.condition, table)
            guard let condition = query.condition, key.isComplete,
                key.hasMore || key.conflict != nil
            else { throw StatementListRefusals.existsKey }
            write = nil
            check = (key: key, condition: condition)
            (isInsert, insertedByteCount) = (false, 0)
        }
    }

    /// The action of the transaction.
    ///
    /// - Throws: `ValidationException`, which cancels the transaction.
    func action() throws -> WriteAction {
        if let check {
            let key = try table.requestedKey(check.key.attributes)
            return .check(table: table.name, key: key, condition: check.condition)
        }
        guard let write else { throw StatementListRefusals.transactionItemKey }
        if !write.isInsert, try write.key(in: table) == nil {
            throw StatementListRefusals.transactionItemKey
        }
        return try write.action(in: table)
    }
}
