internal import CodexCore
internal import CodexStore

/// ExecuteStatement.
extension DynamoDBService {
    /// Most items of a page that several queries read.
    ///
    /// Source: "IN" among the operators of PartiQL in DynamoDB's developer guide.
    private static let severalQueriesLimit = 10

    func executeStatement(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let statement = try StatementInput(input)
        let capacity = try Self.capacityDetail(input)
        let limit = try input.integer("Limit")
        let token = try Self.nextToken(input)
        let parameters = try statement.values()
        switch try TypedStatement(statement.text, parameters, plans.statements) {
        case .check: throw StatementListRefusals.existsOutside
        case .write(let write):
            let outcome = try await outcome(of: write, .items, statement, capacity, budget)
            return outcome.response(capacity)
        case .read(let query):
            let target = try StatementTarget(query.source, self)
            try target.requireReadable(isConsistent: statement.isConsistent)
            let plan = try SelectPlan(query, target)
            let tokens = StatementTokens(
                statement.text, parameters, target, milliseconds: milliseconds)
            let start = try token.map {
                try tokens.position(of: $0, placeCount: plan.sources.count)
            }
            let read = ReadParameters(
                plan, limit: Self.limit(limit, plan), start: start?.key,
                isConsistent: statement.isConsistent, capacity, tokens)
            let sources = PageSources(plan.sources, from: start?.place ?? 0)
            let page = PageRead(read, target.table, plan.filter, sources)
            // A scan is long work, and most queries end in their first slice.
            if !plan.isScan { try page.readSlice(of: store, .first, budget) }
            return try await finish(page, budget)
        }
    }

    private static func limit(_ limit: Int?, _ plan: SelectPlan) -> Int? {
        guard plan.sources.count > 1 else { return limit }
        return min(limit ?? severalQueriesLimit, severalQueriesLimit)
    }

    private static func nextToken(_ input: RequestParameters) throws -> String? {
        let token = try input.string("NextToken")
        if let token, !(1...StatementTokens.byteCountMax).contains(token.utf8.count) {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'nextToken' failed to satisfy constraint: "
                    + "Member must have length less than or equal to "
                    + "\(StatementTokens.byteCountMax), and greater than or equal to 1")
        }
        return token
    }

    // MARK: Writes

    /// Performs the write of a statement.
    ///
    /// - Parameters:
    ///   - write: The write.
    ///   - form: How the response has the item that the statement returns.
    ///   - statement: The statement as the request gives it.
    ///   - capacity: How the response has the capacity.
    ///   - budget: The request's budget.
    /// - Returns: The parts of the response.
    /// - Throws: The errors of the store, `ValidationException`, `ResourceNotFoundException`,
    ///   `ConditionalCheckFailedException`, `DuplicateItemException`.
    func outcome(
        of write: StatementWrite, _ form: WrittenForm, _ statement: StatementInput,
        _ capacity: Capacity.Detail, _ budget: RequestBudget
    ) async throws -> WriteOutcome {
        let table = try definition(write.table)
        let action = try write.action(in: table)
        // The errors of a batch have no items.
        let parameters = WriteParameters(
            write, form, returnsItemOnFailure: statement.returnsItemOnFailure && form != .item,
            capacity)
        return try await outcome(of: parameters, on: table, budget) { transaction, _ in
            switch action {
            case .put(let name, let item, let condition):
                let (old, new) = try transaction.change(to: item, in: name, condition: condition)
                return .items(old: old, new: new)
            case .update(let name, let key, let update, let condition):
                let (old, new) = try transaction.change(
                    in: name, key: key, update, condition: condition)
                return .items(old: old, new: new)
            case .delete(let name, let key, let condition):
                let old = try transaction.delete(
                    in: name, key: key, condition: condition, returning: parameters.returningOld)
                return .items(old: old, new: nil)
            case .check: return .items(old: nil, new: nil)
            }
        }
    }
}
