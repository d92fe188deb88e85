internal import CodexCore
internal import CodexStore

/// TransactGetItems and TransactWriteItems.
extension DynamoDBService {
    /// The most memory that the decoded stored items of a transaction take, in bytes.
    ///
    /// Items of 4 MiB, as DynamoDB counts them, take up to 98 MB: lists of empty texts.
    private static let decodedByteCountMax = 48 << 20

    // MARK: Reads

    func transactGetItems(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let gets = try transactGets(input)
        let keys = try keys(of: gets)
        var response = ResponseWriter(byteCountMax: ResponseWriter.transactionByteCountMax)
        var units: [Capacity] = []
        response.member("Responses") { $0.raw("[") }
        try store.read { snapshot in
            var room = TransactionRoom()
            for (place, (get, key)) in zip(gets, keys).enumerated() {
                try budget.requireTime()
                if place > 0 { response.more { $0.raw(",") } }
                let byteCount = try Self.write(snapshot, get, key, &room, to: &response, budget)
                units.add(to: get.table.text, isTransaction: true, isRead: true) {
                    $0.tableUnits += Capacity.read(
                        byteCount: byteCount, isConsistent: true, isTransaction: true)
                }
            }
        }
        response.more { $0.raw("]") }
        response.capacities(capacity, units)
        return response
    }

    private func transactGets(_ input: RequestParameters) throws -> [TransactGet] {
        var expressionByteCount = 0
        return try Self.actions(input).map { node in
            let get = try TransactGet(
                try RequestParameters(node, "TransactGetItem"), plans.expressions)
            try Self.count(get.placeholderByteCount, &expressionByteCount)
            return get
        }
    }

    /// The keys to read; all of them differ.
    private func keys(of gets: [TransactGet]) throws -> [PrimaryKey] {
        let keys = try Self.results(of: gets) { get in
            let table = try definition(get.table)
            if let projection = get.projection { try table.requireScalarKeys(projection.paths) }
            return try table.requestedKey(get.key)
        }
        var seen: Set<ItemTarget> = []
        for (get, key) in zip(gets, keys) {
            guard seen.insert(ItemTarget(table: get.table.name, key: key)).inserted else {
                throw ServiceError(CodexError(.duplicateTarget, ""))
            }
        }
        return keys
    }

    /// Reads an item and writes it; only one item at a time is in memory, beside the response.
    ///
    /// Unlike GetItem, DynamoDB leaves out an item of which the projection keeps nothing. Source:
    /// ExtendDB/extenddb, issue 74 and pull request 81, checked with the service.
    ///
    /// - Returns: The item's size.
    private static func write(
        _ snapshot: borrowing Snapshot, _ get: TransactGet, _ key: PrimaryKey,
        _ room: inout TransactionRoom, to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws -> Int {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        response.more { $0.raw("{") }
        let byteCount = try snapshot.view(in: get.table.name, key: key) { view in
            // An item that is certainly too much is not read further.
            try room.take(encodedByteCount: view.inflatedByteCount())
            return try response.storedMember(view, get.projection, memory, budget)
        }
        try room.take(byteCount: byteCount ?? 0)
        response.more { $0.raw("}") }
        try response.reserve(budget)
        return byteCount ?? 0
    }

    // MARK: Writes

    func transactWriteItems(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let capacity = try Self.capacityDetail(input)
        let token = try Self.token(input)
        let wantsCollections = try Self.wantsCollections(input)
        let parsed = try transactWrites(input)
        let actions = try Self.results(of: parsed) { try $0.action.action($0.table) }
        let targets =
            capacity == .none
            ? [] : try parsed.map { try WriteTarget($0.table, $0.action.table.text, self) }
        let collections = try collections(
            of: parsed.filter { $0.action.isWrite }.map {
                (item: $0.action.item, table: $0.table, text: $0.action.table.text)
            }, if: wantsCollections, within: budget)
        let units = try await perform(
            actions, token, returningItems: parsed.map { $0.action.returnsItem }, targets, budget)
        var response = ResponseWriter()
        collections.writeAll(to: &response)
        response.capacities(capacity, units)
        return response
    }

    /// The token of a transaction, in the form that the store takes.
    ///
    /// AWS counts its characters, and the store its bytes. So a hash stands for a longer one.
    static func token(_ input: RequestParameters) throws -> String? {
        guard let token = try input.string("ClientRequestToken") else { return nil }
        let byteCountMax = DynamoDBLimits.idempotencyTokenByteCountMax
        guard token.utf8.count > byteCountMax else { return token }
        return String(SHA256.hexadecimal(token).prefix(byteCountMax))
    }

    private func transactWrites(
        _ input: RequestParameters
    ) throws -> [(action: TransactAction, table: TableDefinition)] {
        var (byteCount, expressionByteCount) = (0, 0)
        return try Self.actions(input).map { node in
            let action = try TransactAction(
                try RequestParameters(node, "TransactWriteItem"), plans.expressions)
            // A transaction that is certainly too large does not wait for the writer.
            byteCount += action.putByteCount
            guard byteCount <= DynamoDBLimits.transactionByteCountMax else {
                throw TransactionRoom.tooLarge
            }
            try Self.count(action.placeholderByteCount, &expressionByteCount)
            return (action, try definition(action.table))
        }
    }

    /// Performs the actions, and returns their capacity.
    ///
    /// `targets` are their tables if the request asks for the capacity, and empty otherwise. For
    /// each action, `returningItems` is whether the error has its item if its condition fails.
    func perform(
        _ actions: [WriteAction], _ token: String?, returningItems: [Bool],
        _ targets: [WriteTarget], _ budget: RequestBudget
    ) async throws -> [Capacity] {
        try await store.write { transaction -> [Capacity] in
            try budget.requireTime()
            let memory = budget.decodedMemory(byteCountMax: Self.decodedByteCountMax)
            transaction.memory = memory
            var units: [Capacity] = []
            do throws(CodexError) {
                let isDone = try transaction.perform(
                    actions, idempotencyToken: token, within: .dynamoDB,
                    keepingItem: { returningItems[$0] }
                ) { place, effect in
                    guard !targets.isEmpty else { return }
                    switch effect {
                    case .checked(let byteCount):
                        targets[place].addCheck(to: &units, byteCount: byteCount)
                    case .written(let old, let new):
                        targets[place].add(to: &units, old, new, isTransaction: true)
                    }
                }
                guard !isDone else { return units }
            } catch {
                throw Self.failure(error, memory)
            }
            // The token belongs to an earlier, identical request, so this one only read.
            for target in targets {
                target.add(to: &units, nil, nil, isTransaction: true, isRead: true)
            }
            return units
        }
    }

    private static func failure(_ error: CodexError, _ memory: DecodedMemory) -> ServiceError {
        if error.code == .outOfMemory, memory.isExceeded { return decodedTooLarge }
        var failure = ServiceError(error)
        failure.items = FailureItems(error.reasons, memory)
        return failure
    }

    // MARK: Actions

    /// The results of checking all actions.
    ///
    /// DynamoDB names only the first of several invalid actions. An empty value of a key is an
    /// error of the whole request, in any action. Source: paritysuite/dynamodb-conformance#46 and
    /// #60, recorded with the service.
    ///
    /// - Throws: `TransactionCanceledException` with the reason of the first invalid action;
    ///   `ValidationException` for an empty value of a key.
    private static func results<Action, Result>(
        of actions: [Action], _ body: (Action) throws -> Result
    ) throws -> [Result] {
        var results: [Result] = []
        var invalid: (place: Int, failure: ServiceError)?
        for (place, action) in actions.enumerated() {
            do {
                results.append(try body(action))
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                if failure.isOfRequest { throw failure }
                if invalid == nil { invalid = (place, failure) }
            }
        }
        guard let invalid else { return results }
        var reasons = actions.map { _ in ServiceError.Reason(code: "None") }
        reasons[invalid.place] = ServiceError.Reason(
            code: "ValidationError", message: invalid.failure.message)
        throw ServiceError(cancelledFor: reasons)
    }

    /// Adds the bytes of an action's expressions; all together have the same limit as the items.
    private static func count(_ byteCount: Int, _ sum: inout Int) throws {
        sum += byteCount
        guard sum <= DynamoDBLimits.transactionByteCountMax else {
            throw ServiceError.validation(
                "The names and values that the expressions of a transaction refer to exceed the "
                    + "maximum allowed size together: \(DynamoDBLimits.transactionByteCountMax) "
                    + "bytes")
        }
    }

    private static var decodedTooLarge: ServiceError {
        .validation(
            "The stored items of the transaction take more than \(decodedByteCountMax) bytes of "
                + "memory. Split it")
    }

    private static func actions(_ input: RequestParameters) throws -> [JSONValue] {
        guard let nodes = try input.list("TransactItems") else {
            throw RequestParameters.missing("TransactItems")
        }
        return nodes
    }
}

/// The rest of the bytes that the items of a transaction may have.
struct TransactionRoom {
    private var byteCount = DynamoDBLimits.transactionByteCountMax
    private var encodedByteCount = ActionLimits.dynamoDB.encodedByteCount

    /// Takes the size of an item.
    mutating func take(byteCount count: Int) throws {
        byteCount -= count
        guard byteCount >= 0 else { throw Self.tooLarge }
    }

    /// Takes the bytes of an item's stored encoding, with its own names and inflated values.
    mutating func take(encodedByteCount count: Int) throws {
        encodedByteCount -= count
        guard encodedByteCount >= 0 else {
            throw ServiceError.validation(
                "The items of the transaction take more than "
                    + "\(ActionLimits.dynamoDB.encodedByteCount) bytes in the store. Split it")
        }
    }

    static var tooLarge: ServiceError { .validation(ItemMessages.transactionTooLarge) }
}

/// One read of a TransactGetItems.
private struct TransactGet {
    let table: TableReference
    let key: Item
    let projection: Projection?
    /// The bytes of the names that its expression refers to.
    let placeholderByteCount: Int

    init(_ input: RequestParameters, _ plans: ExpressionPlans) throws {
        guard let get = try input.object("Get") else { throw RequestParameters.missing("Get") }
        table = try get.table()
        key = try get.requiredKey("Key")
        var expressions = try Expressions(get, .transactionRead, plans)
        projection = try expressions.projection()
        try expressions.requireAllUsed()
        placeholderByteCount = expressions.placeholderByteCount
    }
}

/// An action of a transaction before its table is looked up.
private struct TransactAction {
    let table: TableReference
    let returnsItem: Bool
    /// The item to put, or the key of another action.
    let item: Item
    private let kind: String
    private let update: Update?
    private let condition: Condition?
    /// The bytes of the names and values that its expressions refer to.
    let placeholderByteCount: Int

    init(_ input: RequestParameters, _ plans: ExpressionPlans) throws {
        let kinds = ["ConditionCheck", "Put", "Delete", "Update"].filter(input.has)
        guard kinds.count == 1, let kind = kinds.first, let parameters = try input.object(kind)
        else {
            throw ServiceError.validation(
                "TransactItems can only contain one of Check, Put, Update or Delete")
        }
        self.kind = kind
        table = try parameters.table()
        returnsItem = try WriteParameters.returnsItemOnFailure(parameters)
        item = try kind == "Put" ? parameters.requiredItem("Item") : parameters.requiredKey("Key")
        var expressions = try Expressions(
            parameters, kind == "Update" ? .transactionUpdate : .transactionCondition, plans)
        update = kind == "Update" ? try expressions.update() : nil
        condition = try expressions.condition()
        try expressions.requireAllUsed()
        placeholderByteCount = expressions.placeholderByteCount
        if kind == "Update", update == nil { throw RequestParameters.missing("UpdateExpression") }
        if kind == "ConditionCheck", condition == nil {
            throw RequestParameters.missing("ConditionExpression")
        }
    }

    var isWrite: Bool { kind != "ConditionCheck" }

    /// The bytes of the item to put; 0 for other actions.
    var putByteCount: Int { kind == "Put" ? item.byteCount : 0 }

    func action(_ definition: TableDefinition) throws -> WriteAction {
        let table = table.name
        if let condition { try definition.requireScalarKeys(condition.paths) }
        if kind == "Put" {
            try definition.requireKeys(of: item)
            return .put(table: table, item, condition: condition)
        }
        let key = try definition.requestedKey(item)
        if let update {
            try definition.requireKeys(update)
            return .update(table: table, key: key, update, condition: condition)
        }
        guard kind == "ConditionCheck", let condition else {
            return .delete(table: table, key: key, condition: condition)
        }
        return .check(table: table, key: key, condition: condition)
    }
}
