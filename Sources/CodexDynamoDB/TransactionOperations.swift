internal import CodexCore
internal import CodexStore

/// TransactGetItems and TransactWriteItems.
extension DynamoDBService {
    func transactGetItems(_ input: RequestParameters) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        let nodes = try Self.actions(input)
        var gets: [(table: String, key: Item, projection: Projection?)] = []
        for node in nodes {
            guard let get = try RequestParameters(node, "TransactGetItem").object("Get") else {
                throw RequestParameters.missing("Get")
            }
            let name = try get.tableName()
            let key = try get.requiredItem("Key")
            var expressions = try Expressions(get)
            let projection = try expressions.projection()
            try expressions.requireAllUsed()
            gets.append((name, key, projection))
        }
        var keys: [PrimaryKey] = []
        var seen: Set<ItemTarget> = []
        var invalid: [ServiceError.Reason] = []
        for get in gets {
            let key: PrimaryKey
            do {
                key = try definition(get.table).requestedKey(get.key)
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                invalid.append(
                    ServiceError.Reason(code: "ValidationError", message: failure.message))
                continue
            }
            invalid.append(ServiceError.Reason(code: "None"))
            guard seen.insert(ItemTarget(table: get.table, key: key)).inserted else {
                throw ServiceError(CodexError(.duplicateTarget, ""))
            }
            keys.append(key)
        }
        guard keys.count == invalid.count else { throw ServiceError(cancelledFor: invalid) }
        let items = try store.read { snapshot in
            try zip(gets, keys).map { try snapshot.item(in: $0.table, key: $1) }
        }
        var answer = ResponseWriter()
        answer.list("Responses", zip(gets, items)) { writer, pair in
            writer.raw("{")
            if let item = pair.1 {
                writer.raw("\"Item\":")
                writer.typed(pair.0.projection?.apply(to: item) ?? item)
            }
            writer.raw("}")
        }
        var units: [Capacity] = []
        for (get, item) in zip(gets, items) {
            units.add(to: get.table, isTransaction: true, isRead: true) {
                $0.tableUnits += Capacity.read(
                    byteCount: item?.byteCount ?? 0, isConsistent: true, isTransaction: true)
            }
        }
        answer.capacities(capacity, units)
        return answer.end()
    }

    func transactWriteItems(_ input: RequestParameters) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        let token = try input.string("ClientRequestToken")
        if let token, !(1...Limits.idempotencyTokenByteCountMax).contains(token.utf8.count) {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'clientRequestToken' failed to satisfy "
                    + "constraint: Member must have length less than or equal to 36")
        }
        var actions: [WriteAction] = []
        var returnsItem: [Bool] = []
        var keys: [PrimaryKey] = []
        var invalid: [ServiceError.Reason] = []
        for node in try Self.actions(input) {
            let parsed = try TransactAction(try RequestParameters(node, "TransactWriteItem"))
            let table = try definition(parsed.table)
            returnsItem.append(parsed.returnsItem)
            do {
                let (action, key) = try parsed.action(table)
                actions.append(action)
                keys.append(key)
                invalid.append(ServiceError.Reason(code: "None"))
            } catch let failure as ServiceError where failure.type == "ValidationException" {
                invalid.append(
                    ServiceError.Reason(code: "ValidationError", message: failure.message))
            }
        }
        guard actions.count == invalid.count else { throw ServiceError(cancelledFor: invalid) }
        let (list, targets) = (actions, keys)
        let wantsCapacity = capacity != .none
        let changes: [(old: Item?, new: Item?)]
        do {
            changes = try await store.write { transaction in
                var olds: [Item?] = []
                if wantsCapacity {
                    for (action, key) in zip(list, targets) {
                        olds.append(try transaction.item(in: action.table, key: key))
                    }
                }
                guard try transaction.perform(list, idempotencyToken: token) else { return [] }
                guard wantsCapacity else { return [] }
                var changes: [(old: Item?, new: Item?)] = []
                for (place, action) in list.enumerated() {
                    let new = try transaction.item(in: action.table, key: targets[place])
                    changes.append((olds[place], new))
                }
                return changes
            }
        } catch let error as CodexError where error.code == .transactionCancelled {
            var failure = ServiceError(error)
            for place in returnsItem.indices where !returnsItem[place] {
                failure.reasons?[place].item = nil
            }
            throw failure
        }
        var units: [Capacity] = []
        if wantsCapacity {
            for (place, action) in list.enumerated() {
                let table = try definition(action.table)
                let change = changes.isEmpty ? (nil, nil) : changes[place]
                let local = try record(of: table.name).localIndexes
                units.add(to: table.name, isTransaction: true, isRead: changes.isEmpty) {
                    $0.addWrite(table, change.0, change.1, localIndexes: local, factor: 2)
                }
            }
        }
        var answer = ResponseWriter()
        answer.capacities(capacity, units)
        return answer.end()
    }

    private static func actions(_ input: RequestParameters) throws -> [JSONNode] {
        guard let nodes = try input.list("TransactItems") else {
            throw RequestParameters.missing("TransactItems")
        }
        guard (1...Limits.transactionActionCountMax).contains(nodes.count) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
                    + "Member must have length less than or equal to "
                    + "\(Limits.transactionActionCountMax), and greater than or equal to 1")
        }
        return nodes
    }
}

/// An action of a transaction, before it is known what its table is like.
private struct TransactAction {
    let table: String
    let returnsItem: Bool
    private let kind: String
    private let item: Item
    private let update: Update?
    private let condition: Condition?

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
        item = try parameters.requiredItem(kind == "Put" ? "Item" : "Key")
        var expressions = try Expressions(parameters)
        update = kind == "Update" ? try expressions.update() : nil
        condition = try expressions.condition()
        try expressions.requireAllUsed()
        if kind == "Update", update == nil { throw RequestParameters.missing("UpdateExpression") }
        if kind == "ConditionCheck", condition == nil {
            throw RequestParameters.missing("ConditionExpression")
        }
    }

    func action(_ definition: TableDefinition) throws -> (WriteAction, key: PrimaryKey) {
        if kind == "Put" {
            try definition.requireKeys(of: item)
            let key = try definition.primaryKey(of: item)
            return (.put(table: table, item, condition: condition), key)
        }
        let key = try definition.requestedKey(item)
        if let update {
            try definition.requireNoKeys(update)
            return (.update(table: table, key: key, update, condition: condition), key)
        }
        guard kind == "ConditionCheck", let condition else {
            return (.delete(table: table, key: key, condition: condition), key)
        }
        return (.check(table: table, key: key, condition: condition), key)
    }
}

extension WriteAction {
    fileprivate var table: String {
        switch self {
        case .put(let table, _, _), .update(let table, _, _, _), .delete(let table, _, _),
            .check(let table, _, _):
            table
        }
    }
}
