internal import CodexCore
internal import CodexStore

/// BatchGetItem and BatchWriteItem.
extension DynamoDBService {
    private static let getCountMax = 100
    private static let writeCountMax = 25
    /// So much of an answer ends it; the rest is unprocessed.
    private static let answerByteCountMax = 16 << 20

    func batchGetItem(_ input: RequestParameters) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        guard let requests = try input.object("RequestItems") else {
            throw RequestParameters.missing("RequestItems")
        }
        var gets: [BatchGet] = []
        for member in requests.all {
            gets.append(try BatchGet(member.name, try RequestParameters(member.value, member.name)))
        }
        let count = gets.reduce(0) { $0 + $1.keys.count }
        guard count > 0 else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
                    + "Member must have length greater than or equal to 1")
        }
        guard count <= Self.getCountMax else {
            throw ServiceError.validation("Too many items requested for the BatchGetItem call")
        }
        var found: [(table: String, items: [Item])] = []
        var rest: [(get: BatchGet, keys: [Item])] = []
        var units: [Capacity] = []
        let tables = try gets.map { try definition($0.table) }
        for (get, table) in zip(gets, tables) { try get.requireKeys(table) }
        try store.read { snapshot in
            var byteCount = 0
            for (get, table) in zip(gets, tables) {
                var (items, left): ([Item], [Item]) = ([], [])
                var cost = Capacity(get.table)
                for key in get.keys {
                    guard byteCount < Self.answerByteCountMax else {
                        left.append(key)
                        continue
                    }
                    let item = try snapshot.item(in: get.table, key: try table.requestedKey(key))
                    byteCount += item?.byteCount ?? 0
                    cost.tableUnits += Capacity.read(
                        byteCount: item?.byteCount ?? 0, isConsistent: get.isConsistent)
                    if let item { items.append(get.projection?.apply(to: item) ?? item) }
                }
                found.append((get.table, items))
                if !left.isEmpty { rest.append((get, left)) }
                units.append(cost)
            }
        }
        var answer = ResponseWriter()
        answer.member("Responses") { writer in
            writer.raw("{")
            for (place, table) in found.enumerated() {
                if place > 0 { writer.raw(",") }
                writer.string(table.table)
                writer.raw(":")
                writer.list(table.items) { $0.typed($1) }
            }
            writer.raw("}")
        }
        answer.member("UnprocessedKeys") { writer in
            writer.raw("{")
            for (place, entry) in rest.enumerated() {
                if place > 0 { writer.raw(",") }
                writer.string(entry.get.table)
                writer.raw(":{\"Keys\":")
                writer.list(entry.keys) { $0.typed($1) }
                if entry.get.isConsistent { writer.raw(",\"ConsistentRead\":true") }
                for member in entry.get.rest {
                    writer.raw(",")
                    writer.string(member.name)
                    writer.raw(":")
                    writer.node(member.value)
                }
                writer.raw("}")
            }
            writer.raw("}")
        }
        answer.capacities(capacity, units)
        return answer.end()
    }

    private struct BatchGet {
        let table: String
        let keys: [Item]
        let isConsistent: Bool
        let projection: Projection?
        /// What says which parts are wanted, as it came.
        let rest: [(name: String, value: JSONNode)]

        init(_ name: String, _ input: RequestParameters) throws {
            table = name
            guard let nodes = try input.list("Keys") else {
                throw RequestParameters.missing("Keys")
            }
            guard !nodes.isEmpty else {
                throw ServiceError.validation(
                    "1 validation error detected: Value at 'keys' failed to satisfy constraint: Member "
                        + "must have length greater than or equal to 1")
            }
            keys = try nodes.map { try AttributeReader.item($0) }
            isConsistent = try input.bool("ConsistentRead") ?? false
            var expressions = try Expressions(input)
            projection = try expressions.projection()
            try expressions.requireAllUsed()
            rest = input.all.filter { !["Keys", "ConsistentRead"].contains($0.name) }
        }

        func requireKeys(_ table: TableDefinition) throws {
            var seen: Set<PrimaryKey> = []
            for key in keys {
                guard seen.insert(try table.requestedKey(key)).inserted else {
                    throw ServiceError.validation("Provided list of item keys contains duplicates")
                }
            }
        }
    }

    func batchWriteItem(_ input: RequestParameters) async throws -> JSONWriter {
        let capacity = try Self.capacityDetail(input)
        guard let requests = try input.object("RequestItems") else {
            throw RequestParameters.missing("RequestItems")
        }
        var writes: [(table: String, put: Item?, key: Item?)] = []
        for member in requests.all {
            guard case .array(let nodes) = member.value else {
                throw RequestParameters.wrongType(member.name, "a list of requests")
            }
            for node in nodes {
                let request = try RequestParameters(node, "WriteRequest")
                let put = try request.object("PutRequest")
                let delete = try request.object("DeleteRequest")
                guard (put == nil) != (delete == nil) else {
                    throw ServiceError.validation(
                        "Supplied WriteRequest must have exactly one of PutRequest and DeleteRequest"
                    )
                }
                writes.append(
                    (member.name, try put?.requiredItem("Item"), try delete?.requiredItem("Key")))
            }
        }
        guard !writes.isEmpty else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
                    + "Member must have length greater than or equal to 1")
        }
        guard writes.count <= Self.writeCountMax else {
            throw ServiceError.validation("Too many items requested for the BatchWriteItem call")
        }
        var steps: [(table: TableDefinition, put: Item?, key: PrimaryKey)] = []
        var seen: Set<ItemTarget> = []
        for write in writes {
            let table = try definition(write.table)
            if let item = write.put { try table.requireKeys(of: item) }
            let key =
                try write.key.map { try table.requestedKey($0) }
                ?? table.primaryKey(of: write.put ?? Item())
            guard seen.insert(ItemTarget(table: table.name, key: key)).inserted else {
                throw ServiceError.validation("Provided list of item keys contains duplicates")
            }
            steps.append((table, write.put, key))
        }
        let all = steps
        let olds = try await store.write { transaction -> [Item?] in
            var olds: [Item?] = []
            for step in all {
                if let item = step.put {
                    olds.append(
                        try transaction.put(item, in: step.table.name, returning: .allOld))
                } else {
                    olds.append(
                        try transaction.delete(
                            in: step.table.name, key: step.key, returning: .allOld))
                }
            }
            return olds
        }
        var units: [Capacity] = []
        if capacity != .none {
            for (step, old) in zip(steps, olds) {
                let local = try record(of: step.table.name).localIndexes
                units.add(to: step.table.name) {
                    $0.addWrite(step.table, old, step.put, localIndexes: local)
                }
            }
        }
        var answer = ResponseWriter()
        answer.member("UnprocessedItems") { $0.raw("{}") }
        answer.capacities(capacity, units)
        return answer.end()
    }
}

extension JSONWriter {
    /// JSON that was read, as it was.
    fileprivate mutating func node(_ node: JSONNode) {
        switch node {
        case .null: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .number(let text): raw(text)
        case .string(let text): string(text)
        case .array(let nodes): list(nodes) { $0.node($1) }
        case .object(let members):
            raw("{")
            for (place, member) in members.enumerated() {
                if place > 0 { raw(",") }
                string(member.name)
                raw(":")
                self.node(member.value)
            }
            raw("}")
        }
    }
}
