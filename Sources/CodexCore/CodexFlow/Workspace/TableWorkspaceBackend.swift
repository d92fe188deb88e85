extension CodexFlow {
    /// A workspace's data in a table elsewhere, behind any ``TableBackend``.
    ///
    /// A decision is made on items that are fetched as it asks for them, and written as one list of
    /// actions, each with the condition that the item is as it was read; items that were only read
    /// are checked the same way. If one is not, the command is decided anew. What a query did not find
    /// cannot be checked so: commands that query an entity and write also count up a guard, an item
    /// `GUARD#<entity>#<projectId>` / `GUARD`, so that two of them never pass each other.
    public struct TableWorkspaceBackend: WorkspaceBackend {
        private let table: any TableBackend
        private let schema: Schema
        private let attemptCountMax: Int

        /// Creates a backend.
        ///
        /// - Parameters:
        ///   - table: Where the items are.
        ///   - schema: The tables and entities there.
        ///   - attemptCountMax: How often a command is decided before its conflicts are reported.
        public init(
            _ table: some TableBackend, schema: Schema = CodexFlow.schema, attemptCountMax: Int = 10
        ) {
            self.table = table
            self.schema = schema
            self.attemptCountMax = max(1, attemptCountMax)
        }

        /// Decides, and writes under the condition that what was read is still so.
        ///
        /// - Throws: What `decide` throws; ``CodexError/Code/transactionCancelled`` if others were
        ///   faster each time.
        public func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (any Reader) throws -> Decision<Outcome>
        ) async throws -> Outcome {
            var attempt = 1
            var guards: Set<String> = []
            while true {
                // Guards are read before what they guard.
                var counts: [String: Item?] = [:]
                for guardian in guards {
                    counts[guardian] = .some(
                        try await table.item(in: CodexFlow.table, key: Self.key(of: guardian)))
                }
                let reads = TableReads(schema)
                let decision = try await decided(decide, reads)
                guard !decision.writes.isEmpty else { return decision.outcome }
                let needed = try reads.guards(for: decision.writes)
                guard needed.isSubset(of: guards) else {
                    guards.formUnion(needed)
                    continue
                }
                do {
                    let actions = try reads.actions(for: decision.writes)
                    try await table.perform(
                        actions
                            + needed.sorted().map { guardian throws(CodexError) in
                                try countingUp(guardian, counts[guardian] ?? nil)
                            })
                    return decision.outcome
                } catch let error as CodexError
                    where error.isConflict && attempt < attemptCountMax
                {
                    attempt += 1
                    // Not all at the same time again.
                    try await _Concurrency.Task.sleep(
                        for: .milliseconds(Int.random(in: 1...10 << min(attempt, 7))))
                }
            }
        }

        /// Runs a decision, and fetches what it asks for, until it has all that it needs.
        private func decided<Outcome: Sendable>(
            _ decide: @Sendable (any Reader) throws -> Decision<Outcome>, _ reads: TableReads
        ) async throws -> Decision<Outcome> {
            while true {
                try _Concurrency.Task.checkCancellation()
                do {
                    return try decide(reads)
                } catch let missing as TableReads.Missing {
                    switch missing.request {
                    case .item(let table, let key):
                        reads.items[missing.request] = .some(
                            try await self.table.item(in: table, key: key))
                    case .query(let query, let limit):
                        reads.results[missing.request] = try await items(query, limit)
                    }
                }
            }
        }

        private static func key(of guardian: String) -> PrimaryKey {
            PrimaryKey(.string(guardian), "GUARD")
        }

        /// The action that counts up a guard, if nobody did since it was read.
        private func countingUp(_ guardian: String, _ old: Item?) throws(CodexError) -> WriteAction
        {
            let definition = try schema.table(CodexFlow.table)
            var item = definition.attributes(of: Self.key(of: guardian))
            item["count"] = .number(try (old?["count"]?.number ?? 0).adding(1))
            return .put(
                table: CodexFlow.table, item, condition: TableReads.condition(old, definition))
        }

        private func items(_ query: TableQuery, _ limit: Int?) async throws -> [Item] {
            var (found, token): ([Item], PageToken?) = ([], nil)
            repeat {
                let page = try await table.items(
                    matching: query,
                    limits: PageLimits(returned: limit.map { $0 - found.count }), after: token)
                found += page.items
                token = page.next
            } while token != nil && found.count < limit ?? .max
            return found
        }

        /// The entity that the lookup names, or `nil`.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            try await commit { Decision(try $0.get(lookup), []) }
        }

        /// A page of the entities that the query names.
        public func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?
        ) async throws -> Page<E> {
            let reads = TableReads(schema)
            var (found, next, examined): ([E], PageToken?, Int) = ([], token, 0)
            repeat {
                let page = try await table.items(
                    matching: query.request,
                    limits: PageLimits(returned: limit.map { $0 - found.count }), after: next)
                examined += page.examinedCount
                next = page.next
                for item in page.items {
                    let whole = try await wholeItem(item, query.request)
                    if let whole, try reads.isItem(whole, of: E.self) {
                        found.append(try E(item: whole))
                    }
                }
            } while next != nil && found.count < limit ?? .max
            return Page(items: found, next: next, examinedCount: examined)
        }

        /// The item behind an index entry that may hold only a part of it.
        private func wholeItem(_ item: Item, _ query: TableQuery) async throws -> Item? {
            guard try schema.isPartial(query) else { return item }
            let key = try schema.table(query.table).primaryKey(of: item)
            return try await table.item(in: query.table, key: key)
        }

        /// Removes items of a partition, those under `last` not before all others.
        public func empty(
            table name: String, partition: AttributeValue, last: AttributeValue, limit: Int
        ) async throws -> Bool {
            let definition = try schema.table(name)
            let page = try await table.items(
                matching: TableQuery(table: name, partition: [partition]),
                limits: PageLimits(returned: min(limit, 100)), after: nil)
            let keys = try page.items.map { item throws(CodexError) in
                try definition.primaryKey(of: item)
            }
            let others = keys.filter { $0.sort != last }
            let isAlone = page.next == nil && others.isEmpty
            let gone = isAlone ? keys : others
            if !gone.isEmpty {
                try await table.perform(gone.map { .delete(table: name, key: $0) })
            }
            return isAlone
        }
    }
}

extension CodexError {
    /// Whether somebody else was faster.
    fileprivate var isConflict: Bool {
        if code == .transactionCancelled {
            return reasons.contains { $0?.isConflict == true }
        }
        return code == .conditionFailed
    }
}

extension Schema {
    /// Whether a query's results are less than whole items.
    fileprivate func isPartial(_ query: TableQuery) throws(CodexError) -> Bool {
        guard let name = query.index,
            let index = try table(query.table).indexes.first(where: { $0.name == name })
        else { return false }
        return index.projection != .all
    }
}

/// What a decision on a remote table has read so far; used by one task at a time.
private final class TableReads: CodexFlow.Reader {
    enum Request: Hashable {
        case item(table: String, PrimaryKey)
        case query(TableQuery, limit: Int?)
    }

    /// Something must be fetched before the decision can be made.
    struct Missing: Error {
        let request: Request
    }

    let schema: Schema
    var items: [Request: Item?] = [:]
    var results: [Request: [Item]] = [:]
    /// The entities that were queried.
    private var queried: Set<String> = []

    init(_ schema: Schema) { self.schema = schema }

    private func item(_ table: String, _ key: PrimaryKey) throws -> Item? {
        let request = Request.item(table: table, key)
        guard let known = items[request] else { throw Missing(request: request) }
        return known
    }

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        switch lookup.target {
        case .primaryKey(let key):
            guard let item = try item(E.definition.table, key) else { return nil }
            return try E(item: item)
        case .index(let name, let partition, let sort):
            var query = TableQuery(
                table: E.definition.table, index: name, partition: partition, sortPrefix: sort)
            if sort.count == 1 {
                (query.sortPrefix, query.sort) = ([], .equal(sort[0]))
            }
            return try all(Query<E>(query), limit: 1).first
        }
    }

    func all<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        let request = Request.query(query.request, limit: limit)
        queried.insert(E.definition.name)
        guard let found = results[request] else { throw Missing(request: request) }
        let table = try schema.table(query.request.table)
        let isPartial = try schema.isPartial(query.request)
        var entities: [E] = []
        for item in found {
            guard isPartial else {
                if try isItem(item, of: E.self) { entities.append(try E(item: item)) }
                continue
            }
            if let whole = try self.item(table.name, try table.primaryKey(of: item)),
                try isItem(whole, of: E.self)
            {
                entities.append(try E(item: whole))
            }
        }
        return entities
    }

    /// Whether the item's key is one of the entity's.
    func isItem(_ item: Item, of type: (some Entity).Type) throws -> Bool {
        let table = try schema.table(type.definition.table)
        return type.definition.matches(try table.primaryKey(of: item), in: table)
    }

    /// The writes with the conditions that what was read is so, and checks of the rest.
    func actions(for writes: [CodexFlow.Write]) throws -> [WriteAction] {
        var actions: [WriteAction] = []
        var written: Set<Request> = []
        for write in writes {
            switch write {
            case .insert(let entity), .replace(let entity), .delete(let entity):
                let item = try entity.item()
                let name = type(of: entity).definition.table
                let table = try schema.table(name)
                let key = try table.primaryKey(of: item)
                let request = Request.item(table: name, key)
                written.insert(request)
                var condition = items[request].map { Self.condition($0, table) }
                if case .insert = write { condition = Self.condition(nil, table) }
                if case .delete = write {
                    actions.append(.delete(table: name, key: key, condition: condition))
                } else {
                    try entity.validate()
                    actions.append(.put(table: name, item, condition: condition))
                }
            }
        }
        for (request, item) in items where !written.contains(request) {
            guard case .item(let name, let key) = request else { continue }
            let table = try schema.table(name)
            actions.append(
                .check(table: name, key: key, condition: Self.condition(item, table)))
        }
        return actions
    }

    /// The partitions of the guards of what was queried: of the project that is written to, but for
    /// the projects themselves.
    func guards(for writes: [CodexFlow.Write]) throws -> Set<String> {
        var project = ""
        for write in writes {
            switch write {
            case .insert(let entity), .replace(let entity), .delete(let entity):
                if let text = try entity.item()["PK"]?.string, text.hasPrefix("PROJECT#") {
                    project = String(text.dropFirst("PROJECT".count))
                }
            }
        }
        return Set(
            queried.map { name in
                name == CodexFlow.Project.definition.name
                    || name == CodexFlow.User.definition.name
                    ? "GUARD#\(name)" : "GUARD#\(name)\(project)"
            })
    }

    /// That an item is as it was read.
    static func condition(_ item: Item?, _ table: TableDefinition) -> Condition {
        guard let item else {
            return .attributeNotExists(DocumentPath(table.partitionKey.name))
        }
        let keys = Set(table.keyAttributes.map(\.name))
        var condition = Condition.attributeExists(DocumentPath(table.partitionKey.name))
        for element in item where !keys.contains(element.name) {
            condition =
                condition
                && .compare(.path(DocumentPath(element.name)), .equal, .value(element.value))
        }
        return condition
    }
}
