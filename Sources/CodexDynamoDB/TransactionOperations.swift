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
        let gets = try Self.transactGets(input)
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

    private static func transactGets(_ input: RequestParameters) throws -> [TransactGet] {
        var expressionByteCount = 0
        return try actions(input).map { node in
            let get = try TransactGet(try RequestParameters(node, "TransactGetItem"))
            try count(get.placeholderByteCount, &expressionByteCount)
            return get
        }
    }

    /// The keys to read; all of them differ.
    private func keys(of gets: [TransactGet]) throws -> [PrimaryKey] {
        let keys = try Self.results(of: gets) { get in
            try definition(get.table).requestedKey(get.key)
        }
        var seen: Set<ItemTarget> = []
        for (get, key) in zip(gets, keys) {
            guard seen.insert(ItemTarget(table: get.table, key: key)).inserted else {
                throw ServiceError(CodexError(.duplicateTarget, ""))
            }
        }
        return keys
    }

    /// Reads an item and writes it; only one item at a time is in memory, beside the response.
    ///
    /// - Returns: The item's size.
    private static func write(
        _ snapshot: borrowing Snapshot, _ get: TransactGet, _ key: PrimaryKey,
        _ room: inout TransactionRoom, to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws -> Int {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        response.more { $0.raw("{") }
        let byteCount = try snapshot.view(in: get.table, key: key) { view in
            // An item that is certainly too much is not read further.
            try room.take(encodedByteCount: view.inflatedByteCount())
            response.more { $0.raw("\"Item\":") }
            return try response.stored(view, get.projection, memory, budget)
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
        let parsed = try transactWrites(input)
        let actions = try Self.results(of: parsed) { try $0.action.action($0.table) }
        let targets = capacity == .none ? [] : try parsed.map { try WriteTarget($0.table, self) }
        let units = try await perform(
            actions, token, returningItems: parsed.map { $0.action.returnsItem }, targets, budget)
        var response = ResponseWriter()
        response.capacities(capacity, units)
        return response
    }

    static func token(_ input: RequestParameters) throws -> String? {
        let token = try input.string("ClientRequestToken")
        if let token, !(1...DynamoDBLimits.idempotencyTokenByteCountMax).contains(token.utf8.count)
        {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'clientRequestToken' failed to satisfy "
                    + "constraint: Member must have length less than or equal to 36")
        }
        return token
    }

    private func transactWrites(
        _ input: RequestParameters
    ) throws -> [(action: TransactAction, table: TableDefinition)] {
        var (byteCount, expressionByteCount) = (0, 0)
        return try Self.actions(input).map { node in
            let action = try TransactAction(try RequestParameters(node, "TransactWriteItem"))
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
    /// - Throws: `TransactionCanceledException` with the reasons of all actions if some are
    ///   invalid.
    private static func results<Action, Result>(
        of actions: [Action], _ body: (Action) throws -> Result
    ) throws -> [Result] {
        var (results, reasons): ([Result], [ServiceError.Reason]) = ([], [])
        for action in actions {
            do {
                results.append(try body(action))
                reasons.append(ServiceError.Reason(code: "None"))
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                reasons.append(
                    ServiceError.Reason(code: "ValidationError", message: failure.message))
            }
        }
        guard results.count == reasons.count else { throw ServiceError(cancelledFor: reasons) }
        return results
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
        guard (1...DynamoDBLimits.transactionActionCountMax).contains(nodes.count) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
                    + "Member must have length less than or equal to "
                    + "\(DynamoDBLimits.transactionActionCountMax), and greater than or equal to 1")
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

    /// "Aggregate size of the items in the transaction" of both operations' reference.
    static var tooLarge: ServiceError {
        .validation(
            "Transaction request items exceed the maximum allowed size together: "
                + "\(DynamoDBLimits.transactionByteCountMax) bytes")
    }
}

/// One read of a TransactGetItems.
private struct TransactGet {
    let table: String
    let key: Item
    let projection: Projection?
    /// The bytes of the names that its expression refers to.
    let placeholderByteCount: Int

    init(_ input: RequestParameters) throws {
        guard let get = try input.object("Get") else { throw RequestParameters.missing("Get") }
        table = try get.tableName()
        key = try get.requiredKey("Key")
        var expressions = try Expressions(get)
        projection = try expressions.projection()
        try expressions.requireAllUsed()
        placeholderByteCount = expressions.placeholderByteCount
    }
}

/// An action of a transaction before its table is looked up.
private struct TransactAction {
    let table: String
    let returnsItem: Bool
    private let kind: String
    private let item: Item
    private let update: Update?
    private let condition: Condition?
    /// The bytes of the names and values that its expressions refer to.
    let placeholderByteCount: Int

    init(_ input: RequestParameters) throws {
        let kinds = ["ConditionCheck", "Put", "Delete", "Update"].filter(input.has)
        guard kinds.count == 1, let kind = kinds.first, let parameters = try input.object(kind)
        else {
            throw ServiceError.validation(
                "TransactItems can only contain one of Check, Put, Update or Delete")
        }
        self.kind = kind
        table = try parameters.tableName()
        returnsItem = try WriteParameters.returnsItemOnFailure(parameters)
        item = try kind == "Put" ? parameters.requiredItem("Item") : parameters.requiredKey("Key")
        var expressions = try Expressions(parameters)
        update = kind == "Update" ? try expressions.update() : nil
        condition = try expressions.condition()
        try expressions.requireAllUsed()
        placeholderByteCount = expressions.placeholderByteCount
        if kind == "Update", update == nil { throw RequestParameters.missing("UpdateExpression") }
        if kind == "ConditionCheck", condition == nil {
            throw RequestParameters.missing("ConditionExpression")
        }
    }

    /// The bytes of the item to put; 0 for other actions.
    var putByteCount: Int { kind == "Put" ? item.byteCount : 0 }

    func action(_ definition: TableDefinition) throws -> WriteAction {
        if kind == "Put" {
            try definition.requireKeys(of: item)
            return .put(table: table, item, condition: condition)
        }
        let key = try definition.requestedKey(item)
        if let update {
            try definition.requireNoKeys(update)
            return .update(table: table, key: key, update, condition: condition)
        }
        guard kind == "ConditionCheck", let condition else {
            return .delete(table: table, key: key, condition: condition)
        }
        return .check(table: table, key: key, condition: condition)
    }
}
