internal import CodexCore
internal import CodexStore

/// TransactGetItems and TransactWriteItems.
extension DynamoDBService {
    func transactGetItems(_ input: Input) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        let nodes = try Self.actions(input)
        var gets: [(table: String, key: Item, projection: Projection?)] = []
        for node in nodes {
            guard let get = try Input(node, "TransactGetItem").object("Get") else {
                throw Input.missing("Get")
            }
            let name = try get.tableName()
            let key = try get.requiredItem("Key")
            var expressions = try Expressions(get)
            let projection = try expressions.projection()
            try expressions.requireAllUsed()
            gets.append((name, key, projection))
        }
        var keys: [PrimaryKey] = []
        for get in gets { keys.append(try definition(get.table).requestedKey(get.key)) }
        let items = try store.read { snapshot in
            try zip(gets, keys).map { try snapshot.item(in: $0.table, key: $1) }
        }
        var answer = Answer()
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
            Self.add(&units, get.table, isRead: true) {
                $0.tableUnits += Capacity.read(
                    byteCount: item?.byteCount ?? 0, isConsistent: true, isTransaction: true)
            }
        }
        answer.capacities(capacity, units)
        return answer.end()
    }

    func transactWriteItems(_ input: Input) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        let token = try input.string("ClientRequestToken")
        if let token, !(1...Limits.idempotencyTokenByteCountMax).contains(token.utf8.count) {
            throw Failure.validation(
                "1 validation error detected: Value at 'clientRequestToken' failed to satisfy "
                    + "constraint: Member must have length less than or equal to 36")
        }
        var actions: [WriteAction] = []
        var returnsItem: [Bool] = []
        var keys: [PrimaryKey] = []
        for node in try Self.actions(input) {
            let (action, key, returns) = try self.action(try Input(node, "TransactWriteItem"))
            actions.append(action)
            keys.append(key)
            returnsItem.append(returns)
        }
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
            var failure = Failure(error)
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
                Self.add(&units, table.name, isRead: changes.isEmpty) {
                    $0.addWrite(table, change.0, change.1, localIndexes: local, factor: 2)
                }
            }
        }
        var answer = Answer()
        answer.capacities(capacity, units)
        return answer.end()
    }

    private static func add(
        _ units: inout [Capacity], _ table: String, isRead: Bool,
        _ body: (inout Capacity) -> Void
    ) {
        var place = units.firstIndex { $0.table == table }
        if place == nil {
            var capacity = Capacity(table)
            (capacity.isTransaction, capacity.isRead) = (true, isRead)
            units.append(capacity)
            place = units.count - 1
        }
        if let place { body(&units[place]) }
    }

    private static func actions(_ input: Input) throws -> [JSONNode] {
        guard let nodes = try input.list("TransactItems") else {
            throw Input.missing("TransactItems")
        }
        guard (1...Limits.transactionActionCountMax).contains(nodes.count) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
                    + "Member must have length less than or equal to "
                    + "\(Limits.transactionActionCountMax), and greater than or equal to 1")
        }
        return nodes
    }

    private func action(
        _ input: Input
    ) throws -> (WriteAction, key: PrimaryKey, returnsItem: Bool) {
        let kinds = ["ConditionCheck", "Put", "Delete", "Update"].filter(input.has)
        guard kinds.count == 1, let kind = kinds.first, let parameters = try input.object(kind)
        else {
            throw Failure.validation(
                "TransactItems can only contain one of Check, Put, Update or Delete")
        }
        let name = try parameters.tableName()
        let returnsItem = try WriteParameters.returnsItemOnFailure(parameters)
        let item = kind == "Put" ? try parameters.requiredItem("Item") : nil
        let key = kind == "Put" ? nil : try parameters.requiredItem("Key")
        var expressions = try Expressions(parameters)
        let update = kind == "Update" ? try expressions.update() : nil
        let condition = try expressions.condition()
        try expressions.requireAllUsed()
        let table = try definition(name)
        if let item {
            try table.requireKeys(of: item)
            let put = WriteAction.put(table: name, item, condition: condition)
            return (put, try table.primaryKey(of: item), returnsItem)
        }
        let primaryKey = try table.requestedKey(key ?? Item())
        let action: WriteAction
        switch kind {
        case "Delete": action = .delete(table: name, key: primaryKey, condition: condition)
        case "ConditionCheck":
            guard let condition else { throw Input.missing("ConditionExpression") }
            action = .check(table: name, key: primaryKey, condition: condition)
        default:
            guard let update else { throw Input.missing("UpdateExpression") }
            try table.requireNoKeys(update)
            action = .update(table: name, key: primaryKey, update, condition: condition)
        }
        return (action, primaryKey, returnsItem)
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
