public import CodexCore

extension CodexFlow {
    /// A workspace's data in a remote table, behind any ``TableBackend``.
    ///
    /// A command fetches the items that it reads, decides on them, and writes one list of actions.
    /// Each action has the condition that its item is unchanged since it was read. Items that were
    /// only read by key are checked in the same way. If a check fails, the command is decided
    /// again. Such checks cannot protect the results of queries. Items that act as predicate locks
    /// protect them.
    public struct TableWorkspaceBackend: WorkspaceBackend {
        private let table: any TableBackend
        private let schema: Schema
        private let attemptCountMax: Int

        /// The most items and queries of a command: one that asks for more is not a pure function
        /// of its reads.
        private static let requestCountMax = 10_000
        /// Most items that a list without unreadable items passes over: each costs a read.
        private static let unreadableCountMax = 100

        /// Creates a backend.
        ///
        /// - Parameters:
        ///   - table: The table with the items.
        ///   - schema: The tables and entities in it.
        ///   - attemptCountMax: The number of attempts to decide a command before its conflicts are
        ///     reported.
        public init(
            _ table: some TableBackend, schema: Schema = CodexFlow.schema, attemptCountMax: Int = 10
        ) {
            self.table = table
            self.schema = schema
            self.attemptCountMax = max(1, attemptCountMax)
        }

        /// Decides, and writes on the condition that all read data is unchanged.
        ///
        /// - Throws: The errors of `decide`; ``CodexError/Code/conditionFailed`` if the key of an
        ///   insert exists; ``CodexError/Code/transactionCancelled`` if every attempt met a
        ///   conflict; ``CodexError/Code/transactionTooLarge`` if the command changes and reads
        ///   more than ``DynamoDBLimits/transactionActionCountMax`` items;
        ///   ``CodexError/Code/invalidArgument`` if it asks for more than 10,000 items and queries.
        public func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome {
            var attempt = 1
            while true {
                let reads = TableReads(schema)
                let decision = try await decided(decide, reads)
                guard !decision.writes.isEmpty else { return decision.outcome }
                let plan = try reads.plan(for: decision.writes)
                guard plan.actions.count <= DynamoDBLimits.transactionActionCountMax else {
                    throw CodexError(
                        .transactionTooLarge,
                        "The command needs \(plan.actions.count) actions. A transaction on a "
                            + "remote table has \(DynamoDBLimits.transactionActionCountMax) at "
                            + "most. "
                            + "Remove some dependencies, subtasks or memberships first.")
                }
                var conflict = Self.overtaken
                do {
                    if reads.isConsistent {
                        try await table.perform(plan.actions)
                        return decision.outcome
                    }
                } catch let error as CodexError where error.isConflict {
                    if error.isConflict(of: plan.inserts, among: plan.actions.count) {
                        throw CodexError(
                            .conditionFailed, "The identifier is taken. Choose another.")
                    }
                    conflict = error
                }
                guard attempt < attemptCountMax else { throw conflict }
                attempt += 1
                // A random delay keeps the writers from conflicting again at the same time.
                try await _Concurrency.Task.sleep(
                    for: .milliseconds(Int.random(in: 1...10 << min(attempt, 7))))
            }
        }

        /// The conflict of a command whose reads of one item gave different states of it.
        private static var overtaken: CodexError {
            let reason = CodexError(
                .conditionFailed, "Another command wrote an item between two reads of it.")
            return CodexError(
                .transactionCancelled,
                "Other commands wrote what this one read, at each attempt. Try again.",
                reasons: [reason])
        }

        /// Runs a decision and fetches its missing reads until it has all of them.
        private func decided<Outcome: Sendable>(
            _ decide: @Sendable (any DecisionReader) throws -> Decision<Outcome>,
            _ reads: TableReads
        ) async throws -> Decision<Outcome> {
            for _ in 0..<Self.requestCountMax {
                try _Concurrency.Task.checkCancellation()
                do {
                    return try decide(reads)
                } catch let missing as TableReads.Missing {
                    switch missing.request {
                    case .item(let table, let key):
                        reads.items[missing.request] = .some(
                            try await self.table.item(in: table, key: key))
                    case .query(let query, _, let limit, _):
                        // A predicate lock is read before the query that it protects.
                        if let name = missing.lockName, reads.predicateLocks[name] == nil {
                            reads.predicateLocks[name] = .some(
                                try await table.item(
                                    in: CodexFlow.table, key: PredicateLock.key(name)))
                        }
                        reads.results[missing.request] = try await items(
                            query, limit, missing)
                    }
                }
            }
            throw CodexError(
                .invalidArgument,
                "The command asked for more than \(Self.requestCountMax) items and queries. Make it "
                    + "a pure function of what it reads.")
        }

        /// The items of an entity that a query finds, up to `limit`.
        private func items(
            _ query: TableQuery, _ limit: Int?, _ missing: TableReads.Missing
        ) async throws -> [Item] {
            var (found, token): ([Item], PageToken?) = ([], nil)
            var unreadableCount = 0
            let request = query.ofAnyEntity
            repeat {
                let page = try await table.items(
                    matching: request,
                    limits: PageLimits(returned: limit.map { $0 - found.count }), after: token)
                for item in page.items {
                    guard let whole = try await wholeItem(item, request, of: missing.definition)
                    else { continue }
                    if missing.isReadable(whole) {
                        found.append(whole)
                    } else {
                        unreadableCount += 1
                    }
                }
                token = page.next
            } while token != nil && found.count < limit ?? .max
                && unreadableCount < Self.unreadableCountMax
            return found
        }

        /// The entity of the lookup, or `nil`.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            try await commit { Decision(try $0.get(lookup), []) }
        }

        /// A page of the entities of the query.
        public func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?
        ) async throws -> Page<E> {
            try await page(of: query, limit, token) { throw $0 }
        }

        /// A page of the entities of the query, without those that cannot be read.
        public func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?,
            onFailure: @Sendable (CodexError) -> Void
        ) async throws -> Page<E> {
            try await page(of: query, limit, token, onFailure: onFailure)
        }

        /// A page of the entities of the query.
        ///
        /// - Throws: What `onFailure` throws for an item that cannot be read, and other errors.
        private func page<E: Entity>(
            of query: Query<E>, _ limit: Int?, _ token: PageToken?,
            onFailure: @Sendable (CodexError) throws -> Void
        ) async throws -> Page<E> {
            var (found, next, examined): ([E], PageToken?, Int) = ([], token, 0)
            let definition = try schema.table(E.definition.table)
            let request = try query.resolved(in: definition, of: schema).ofAnyEntity
            repeat {
                let page = try await table.items(
                    matching: request,
                    limits: PageLimits(returned: limit.map { $0 - found.count }), after: next)
                examined += page.examinedCount
                next = page.next
                for item in page.items {
                    do {
                        if let whole = try await wholeItem(item, request, of: E.definition) {
                            found.append(try schema.entity(of: whole, in: definition))
                        }
                    } catch let error as CodexError where error.isOfUnreadableItem {
                        try onFailure(error)
                    }
                }
            } while next != nil && found.count < limit ?? .max
            return Page(items: found, next: next, examinedCount: examined)
        }

        /// The whole item of an index entry, which may hold only a part of it; `nil` if it is not
        /// of the entity, or no longer in the result.
        ///
        /// The index may be older than the table. The item as it is now is what a decision uses, so
        /// it must satisfy the query itself.
        private func wholeItem(
            _ item: Item, _ query: TableQuery, of definition: EntityDefinition
        ) async throws -> Item? {
            guard try schema.isItem(item, of: definition) else { return nil }
            guard try schema.isPartial(query) else { return item }
            let tableDefinition = try schema.table(query.table)
            let key = try tableDefinition.primaryKey(of: item)
            guard let whole = try await table.item(in: query.table, key: key) else { return nil }
            let place = try QueryPlace(query, in: tableDefinition)
            return place.contains(whole, of: definition.name) ? whole : nil
        }

        /// Deletes items of a project that is marked for deletion.
        public func removeItems(of project: Project.ID, limit: Int) async throws -> Bool {
            let whole = PrimaryKey(.string("PROJECT#\(project)"), "METADATA")
            let page = try await table.items(
                matching: TableQuery(table: CodexFlow.table, partition: [whole.partition]),
                // One action of the list is reserved for the check.
                limits: PageLimits(
                    returned: min(limit, DynamoDBLimits.transactionActionCountMax - 1)),
                after: nil)
            let keys = try page.items.map { try schema.table(CodexFlow.table).primaryKey(of: $0) }
            let others = keys.filter { $0 != whole }
            let isAlone = page.next == nil && others.isEmpty
            let isMarked = Condition.attributeExists(DocumentPath("deletingSince"))
            var actions = others.map { WriteAction.delete(table: CodexFlow.table, key: $0) }
            actions.append(
                isAlone
                    ? .delete(table: CodexFlow.table, key: whole, condition: isMarked)
                    : .check(table: CodexFlow.table, key: whole, condition: isMarked))
            do {
                try await table.perform(actions)
            } catch let error as CodexError where error.isConflict {
                let found = try await get(.project(project))
                guard found?.deletingSince != nil else { return true }
                return false
            }
            return isAlone
        }
    }
}

extension CodexError {
    /// Whether another writer caused the failure.
    fileprivate var isConflict: Bool {
        if code == .transactionCancelled {
            return reasons.contains { $0?.isConflict == true }
        }
        return code == .conditionFailed
    }

    /// Whether another writer caused the failure of actions at these indexes of a list, and of no
    /// other action.
    ///
    /// If other actions failed too, the decision may be another one now: the command may have been
    /// performed by another process with the same idempotency key.
    fileprivate func isConflict(of places: Set<Int>, among count: Int) -> Bool {
        guard code == .transactionCancelled else { return count == 1 && places.contains(0) }
        let conflicts = reasons.indices.filter { reasons[$0]?.isConflict == true }
        return conflicts.allSatisfy(places.contains)
    }
}

extension TableQuery {
    /// The query for the items of all entities.
    ///
    /// A remote table has no entities. The backend chooses the items by their keys.
    fileprivate var ofAnyEntity: TableQuery {
        var query = self
        query.entity = nil
        return query
    }
}

extension Schema {
    /// Whether a query's results may lack attributes of their items.
    func isPartial(_ query: TableQuery) throws(CodexError) -> Bool {
        guard let name = query.index else { return false }
        return try index(name, of: query.table)?.projection != .all
    }

    func index(_ name: String, of table: String) throws(CodexError) -> IndexDefinition? {
        try self.table(table).indexes.first { $0.name == name }
    }

    /// Marks the encrypted values in an item of a remote table, which stores them as plain
    /// binaries.
    ///
    /// Only a field that the schema declares as encrypted, or whose type is not binary, can have an
    /// encrypted value.
    func recognizingSealedValues(of item: Item, _ definition: EntityDefinition) -> Item {
        item.recognizingSealedValues { name in
            definition.fields.contains { $0.name == name && $0.type != .binary }
                || entities.contains { $0.name == definition.name && $0.sealed.contains(name) }
        }
    }

    /// The entity of an item of a remote table; an error names the item.
    func entity<E: Entity>(
        of item: Item, in table: TableDefinition
    ) throws(CodexError) -> E {
        do throws(CodexError) {
            return try E(item: recognizingSealedValues(of: item, E.definition))
        } catch {
            throw error.inEntity(E.definition.name).inItem(key: try? table.primaryKey(of: item))
        }
    }

    /// Whether the item's key matches the entity's keys.
    func isItem(_ item: Item, of definition: EntityDefinition) throws(CodexError) -> Bool {
        let table = try table(definition.table)
        return definition.matches(try table.primaryKey(of: item), in: table)
    }
}
