public import CodexCore

extension CodexFlow {
    /// A workspace's data in a remote table, behind any ``TableBackend``.
    ///
    /// A command fetches the items that it reads, decides on them, and writes one list of actions.
    /// Each action has the condition that its item is unchanged since it was read. Items that were
    /// only read by key are checked in the same way. If a check fails, the command is decided
    /// again. Such checks cannot protect the results of queries. Items that act as predicate locks
    /// protect them.
    ///
    /// If queries of indexes may miss completed writes (``TableCapabilities``), rules do not look
    /// at indexes. What they look up by another key then has items of its own, which change in the
    /// transaction of the item: markers. ``verifyMarkers(repairing:)`` compares them with the
    /// items.
    public struct TableWorkspaceBackend: WorkspaceBackend {
        let fetch: TableFetch
        private let attemptCountMax: Int
        /// How far the claims spread over the queues.
        private let spread = QueueSpread()
        /// The time since a fixed moment, with the time in which the machine was suspended.
        package var elapsed: @Sendable () -> Duration = {
            TableWorkspaceBackend.origin.duration(to: .now)
        }

        private static let origin = ContinuousClock.now

        var table: any TableBackend { fetch.table }
        var entities: EntityItems { fetch.entities }
        var schema: Schema { fetch.entities.schema }

        /// The most items and queries of a command: one that asks for more is not a pure function
        /// of its reads.
        private static let requestCountMax = 10_000
        /// How many rounds of known reads a command has at most.
        ///
        /// What a round asks for depends on what the rounds before it found. Most commands need
        /// one or two.
        private static let knownRoundCount = 3

        /// What a command needs of a service.
        public static var needs: [TableCapabilities.Need] {
            [
                .consistentItems, .consistentQueries, .conditionalWrites,
                .transactions(actionCount: DynamoDBLimits.transactionActionCountMax),
                .idempotencyTokens,
            ]
        }

        /// Whether the table is one of an embedded store, which has the consumer of analytics.
        public var hasAnalytics: Bool { table.capabilities.keepsEntities }

        /// Creates a backend.
        ///
        /// - Parameters:
        ///   - table: The table with the items.
        ///   - schema: The tables and entities in it. Only an embedded store takes one with
        ///     encrypted fields.
        ///   - untaggedVersions: The schema versions of items that do not tell their own, by the
        ///     names of entities: of items that another program imported, for example. An embedded
        ///     store keeps the versions itself.
        ///   - attemptCountMax: The number of attempts to decide a command before its conflicts are
        ///     reported.
        ///   - countShardCount: The number of items that count the tasks of a project, 1 to 64.
        ///     More of them let more commands of one project write at once, and make
        ///     ``Workspace/taskTotals(of:)`` read more. All programs should have the same number:
        ///     with others, a read beside commands may be of no single state.
        /// - Throws: ``CodexError/Code/unsupportedOperation`` with the name of each of ``needs``
        ///   that the service lacks, and with the names of encrypted fields;
        ///   ``CodexError/Code/invalidArgument`` for another number of items.
        public init(
            _ table: some TableBackend, schema: Schema = CodexFlow.schema,
            untaggedVersions: [String: Int] = [:], attemptCountMax: Int = 10,
            countShardCount: Int = 16
        ) throws(CodexError) {
            let shardCounts = 1...TaskCountShards.countMax
            guard shardCounts.contains(countShardCount) else {
                throw CodexError(
                    .invalidArgument,
                    "The tasks of a project are counted in 1 to \(TaskCountShards.countMax) items, "
                        + "not \(countShardCount).")
            }
            let capabilities = table.capabilities
            try capabilities.require(Self.needs)
            let items = try EntityItems(schema, capabilities, untaggedVersions: untaggedVersions)
            fetch = TableFetch(
                table: table, entities: items,
                hasMarkers: !capabilities.hasConsistentIndexQueries, shardCount: countShardCount)
            self.attemptCountMax = max(1, attemptCountMax)
        }

        /// Decides, and writes on the condition that all read data is unchanged.
        ///
        /// - Throws: As ``commit(reading:_:)``.
        public func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome {
            try await commit(reading: { _ in }, decide)
        }

        /// Decides, and writes on the condition that all read data is unchanged.
        ///
        /// If the service has batch reads, what `known` reads is fetched first, in few rounds. So
        /// is what an attempt read, before the next one, unless it chose from a queue.
        ///
        /// If queries of indexes may miss completed writes, a new task gets its number before the
        /// transaction, by an atomic ADD. A command that fails afterwards leaves a gap.
        ///
        /// Further commits may follow, for which the transaction has no room. If one of them fails,
        /// its error is thrown, and the transaction stays. No rule depends on them.
        ///
        /// - Throws: The errors of `decide`; ``CodexError/Code/conditionFailed`` if the key of an
        ///   insert exists; ``CodexError/Code/transactionCancelled`` if every attempt met a
        ///   conflict; ``CodexError/Code/transactionTooLarge`` if the command changes and reads
        ///   more than ``DynamoDBLimits/transactionActionCountMax`` items;
        ///   ``CodexError/Code/invalidArgument`` if it asks for more than 10,000 items and queries.
        public func commit<Outcome: Sendable>(
            reading known: @escaping @Sendable (any DecisionReader) throws -> Void,
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome {
            var attempt = 1
            var asked: [TableReads.Missing] = []
            var numbers: [TableReads.NumberRequest: Int?] = [:]
            while true {
                let start = elapsed()
                let reads = TableReads(
                    entities, hasMarkers: fetch.hasMarkers, shardCount: fetch.shardCount,
                    choices: QueueChoices(spread, attempt: attempt))
                reads.numbers = numbers
                try await prefetch(known, asked, into: reads)
                let (decision, plan) = try await planned(decide, reads)
                guard !decision.writes.isEmpty else { return decision.outcome }
                guard plan.actions.count <= DynamoDBLimits.transactionActionCountMax else {
                    throw CodexError(
                        .transactionTooLarge,
                        "The command needs \(plan.actions.count) actions. A transaction on a "
                            + "remote table has \(DynamoDBLimits.transactionActionCountMax) at "
                            + "most. Nothing was written. Make several smaller commands of it.")
                }
                // A guard that is older may have been removed since it was read.
                let isOld = elapsed() - start > GuardSweep.readAgeMax
                var conflict = isOld ? CodexError.late : CodexError.overtaken
                var isWritten = false
                do {
                    if reads.isConsistent, !isOld {
                        try await table.transact(plan.actions, idempotencyToken: nil)
                        isWritten = true
                    }
                } catch let error as CodexError where error.isConflict {
                    if error.isConflict(of: plan.inserts, among: plan.actions.count) {
                        throw CodexError(
                            .conditionFailed, "The identifier is taken. Choose another.")
                    }
                    conflict = error
                }
                reads.choices.end(isWritten: isWritten)
                if isWritten {
                    for later in decision.later {
                        try await commit(reading: later.reading, later.decide)
                    }
                    return decision.outcome
                }
                guard attempt < attemptCountMax else { throw conflict }
                attempt += 1
                // A decision that chose from a queue chooses another task, and reads other items.
                let choosesAgain = reads.choices.isUsed
                asked = choosesAgain ? [] : reads.asked
                // What was taken is the command's own. A sequence may exist now.
                numbers = reads.numbers.filter { $0.value != nil }
                // A random delay keeps the writers from conflicting again at the same time. It is
                // short if the next attempt does not go for the same item.
                let exponent = min(attempt, choosesAgain ? 4 : 7)
                try await _Concurrency.Task.sleep(
                    for: .milliseconds(Int.random(in: 1...10 << exponent)))
            }
        }

        /// Fetches what a command is known to read, or what its last attempt read.
        private func prefetch(
            _ known: @Sendable (any DecisionReader) throws -> Void, _ asked: [TableReads.Missing],
            into reads: TableReads
        ) async throws {
            guard table.capabilities.batchReadCountMax > 1 else { return }
            guard asked.isEmpty else { return try await fetch.fetch(asked, into: reads) }
            for _ in 0..<Self.knownRoundCount {
                let collector = ReadCollector(reads)
                // The decision itself throws what is wrong.
                _ = try? known(collector)
                guard !collector.missing.isEmpty else { return }
                try await fetch.fetch(collector.missing, into: reads)
            }
        }

        /// Runs a decision and fetches its missing reads, until it and the plan of its writes have
        /// all of them.
        private func planned<Outcome: Sendable>(
            _ decide: @Sendable (any DecisionReader) throws -> Decision<Outcome>,
            _ reads: TableReads
        ) async throws -> (Decision<Outcome>, TableReads.Plan) {
            for _ in 0..<Self.requestCountMax {
                try _Concurrency.Task.checkCancellation()
                do {
                    let decision = try decide(reads)
                    do {
                        return (decision, try reads.plan(for: decision.writes))
                    } catch let missing as TableReads.Missing {
                        try await fetch.fetch([missing], into: reads)
                        reads.use(missing)
                    }
                } catch let missing as TableReads.Missing {
                    try await fetch.fetch([missing], into: reads)
                } catch let request as TableReads.NumberRequest {
                    reads.numbers[request] = .some(
                        try await fetch.takeTaskNumber(of: request.project))
                }
            }
            throw CodexError(
                .invalidArgument,
                "The command asked for more than \(Self.requestCountMax) items and queries. Make "
                    + "it a pure function of what it reads.")
        }

        /// The entity of the lookup, or `nil`.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            try await commit { Decision(try $0.get(lookup), []) }
        }

        /// Which writes a list of the query sees: perhaps not the last ones, if it reads an index
        /// that may be older than the table.
        public func consistency<E: Entity>(of query: Query<E>) throws -> ReadConsistency {
            let table = try schema.table(E.definition.table)
            return fetch.consistency(of: try query.resolved(in: table, of: schema))
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
                let page = try await fetch.page(
                    of: request, E.definition,
                    PageLimits(returned: limit.map { $0 - found.count }), after: next)
                examined += page.examinedCount
                next = page.next
                for item in page.items {
                    let read = Result { () throws(CodexError) -> E in try entities.entity(item) }
                    switch read {
                    case .success(let entity): found.append(entity)
                    case .failure(let error) where error.isOfUnreadableItem: try onFailure(error)
                    case .failure(let error): throw error
                    }
                }
            } while next != nil && found.count < limit ?? .max
            return Page(items: found, next: next, examinedCount: examined)
        }

        /// The markers that an item of any entity should have.
        func markers(of item: Item) throws(CodexError) -> [Item] {
            let table = try schema.table(CodexFlow.table)
            for entity in schema.entities {
                guard try entities.isItem(item, of: entity) else { continue }
                return try Marker.items(for: item, of: entity.name, in: table)
            }
            return []
        }
    }
}

extension CodexError {
    /// Whether another writer caused the failure.
    var isConflict: Bool {
        if code == .transactionCancelled {
            return reasons.contains { $0?.isConflict == true }
        }
        return code == .conditionFailed || code == .writeConflict
    }

    /// Whether another writer caused the failure of actions at these indexes of a list, and of no
    /// other action.
    ///
    /// If other actions failed too, the decision may be another one now: the command may have been
    /// performed by another process with the same idempotency key.
    fileprivate func isConflict(of places: Set<Int>, among count: Int) -> Bool {
        guard code == .transactionCancelled else {
            return code == .conditionFailed && count == 1 && places.contains(0)
        }
        let conflicts = reasons.indices.filter { reasons[$0]?.isConflict == true }
        return conflicts.allSatisfy {
            places.contains($0) && reasons[$0]?.code == .conditionFailed
        }
    }
}

extension CodexError {
    /// The conflict of a command whose reads of one item gave different states of it.
    fileprivate static var overtaken: CodexError {
        let reason = CodexError(
            .conditionFailed, "Another command wrote an item between two reads of it.")
        return CodexError(
            .transactionCancelled,
            "Other commands wrote what this one read, at each attempt. Try again.",
            reasons: [reason])
    }

    /// The error of a command that took so long that its guards are not certain any more.
    fileprivate static var late: CodexError {
        let seconds = Int(CodexFlow.GuardSweep.readAgeMax.seconds)
        return CodexError(
            .timedOut,
            "The command took more than \(seconds) seconds from its first read to its write, at "
                + "each attempt. Nothing was written. Try again.")
    }
}
