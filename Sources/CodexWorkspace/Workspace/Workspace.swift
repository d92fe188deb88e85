public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// CodexFlow's services: commands that keep the rules, each of them one commit.
    ///
    /// On a store in this process, with the module `Codex`:
    ///
    /// ```swift
    /// let workspace = CodexFlow.Workspace(store)
    /// try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
    /// try await workspace.createProject(key: "ENG", name: "Engine", id: "engine", owner: "ada")
    /// let task = try await workspace.createTask(in: "engine", by: "ada") { $0.title = "Note G" }
    /// try await workspace.moveTask(task.id, in: "engine", to: .todo, by: "ada")
    /// ```
    ///
    /// A command reads the data of its rules, decides, and writes the entity, its history and all
    /// dependent data. On the embedded store, reading and deciding are part of the commit. On a
    /// remote table, the write has the condition that the read data is unchanged. If it has
    /// changed, the command is decided again. A broken rule is ``CodexError/Code/ruleViolated``
    /// with the rule, the field and the values, and writes nothing.
    ///
    /// Commands on users and sessions have no actor: the embedding program decides who may use
    /// them. It names who uses them with ``acting(as:)``.
    ///
    /// Any number of tasks may use a workspace at once.
    public struct Workspace: Sendable {
        let backend: any WorkspaceBackend
        let settings: DecisionContext.Settings
        /// The key under which the next command happens at most once.
        var idempotencyKey: String?
        /// What the key's commands compare beside their own arguments.
        var comparedArguments = AttributeMap()
        /// The key of the command that the next one comes before (``preceding(_:)``).
        var precededKey: String?
        /// The user who administers users (``acting(as:)``).
        var administratorID: User.ID?

        /// Creates a workspace.
        ///
        /// - Parameters:
        ///   - backend: The backend with the data.
        ///   - clock: The source of the present time.
        ///   - calendar: The days of projects' time zones.
        ///   - identifiers: Creates the identifiers of new users, projects, tasks, comments and
        ///     PRDs, and of entries of the histories of projects and users. They must sort by the
        ///     given time; `nil` uses the time and random bits. Entries of tasks' histories have
        ///     identifiers that the workspace makes, since they must sort by commit.
        public init(
            _ backend: some WorkspaceBackend, clock: @escaping @Sendable () -> Date = { Date() },
            calendar: some DayCalendar,
            identifiers: (@Sendable (Date) -> String)? = nil
        ) {
            self.backend = backend
            let source = TimeOrderedIdentifiers()
            settings = DecisionContext.Settings(
                clock: clock, identifiers: identifiers ?? { source.next($0) }, calendar: calendar)
        }

        /// Runs a custom command: reads, decides and writes as one commit.
        ///
        /// Each written entity is checked by itself (``Entity/validate()``). The rules that look at
        /// other items belong to the workspace's commands, and are not checked here. A custom
        /// command must check permissions (``DecisionContext/project(_:for:as:isChange:)``) and
        /// write history (``DecisionContext/record(_:of:by:changes:note:)``) itself. Its reads do
        /// not see its own writes.
        ///
        /// - Parameter decide: The decision. It must be a pure function of its reads and given
        ///   values, since it may run more than once.
        /// - Returns: The value that `decide` returned.
        /// - Throws: The errors of `decide`, with nothing written;
        ///   ``CodexError/Code/conditionFailed`` if the key of an insert exists;
        ///   ``CodexError/Code/invalidArgument`` on a workspace with an idempotency key
        ///   (``idempotent(_:)``); and the errors of writing.
        public func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (DecisionContext) throws -> Outcome
        ) async throws -> Outcome {
            try await commit(reading: .none, decide)
        }

        /// Runs a command without an idempotency key.
        ///
        /// - Parameters:
        ///   - known: What the command is known to read.
        ///   - decide: The decision.
        /// - Returns: Its outcome.
        /// - Throws: As ``commit(_:)``.
        func commit<Outcome: Sendable>(
            reading known: KnownReads,
            _ decide: @escaping @Sendable (DecisionContext) throws -> Outcome
        ) async throws -> Outcome {
            guard idempotencyKey == nil else {
                throw CodexError(
                    .invalidArgument,
                    "This command takes no idempotency key. Call it on the workspace without one.")
            }
            return try await decided(reading: known, decide)
        }

        /// Runs a decision as one commit.
        ///
        /// - Parameters:
        ///   - known: What the decision is known to read.
        ///   - decide: The decision.
        /// - Returns: Its outcome.
        /// - Throws: As ``commit(_:)``.
        func decided<Outcome: Sendable>(
            reading known: KnownReads = .none,
            _ decide: @escaping @Sendable (DecisionContext) throws -> Outcome
        ) async throws -> Outcome {
            let (settings, issued) = (settings, IssuedIdentifiers())
            let precededKey = precededKey
            return try await backend.commit(reading: hint([known], [issued])) { reader in
                let context = DecisionContext(reader, settings, issued)
                try CommandUse.requireUnused(precededKey, in: context)
                let outcome = try decide(context)
                return Decision(outcome, context.writes, later: context.later)
            }
        }

        /// The known reads of a commit, as a backend takes them.
        ///
        /// - Parameters:
        ///   - known: What each step of the commit is known to read.
        ///   - issued: The identifiers that each step gets; there may be more steps.
        /// - Returns: The reads, with the key that the command comes before.
        func hint(
            _ known: [KnownReads], _ issued: [IssuedIdentifiers]
        ) -> @Sendable (any DecisionReader) throws -> Void {
            let settings = settings
            let first = CommandUse.reading(precededKey, and: known.first ?? KnownReads.none)
            let steps = Array(zip([first] + known.dropFirst(), issued))
            return { reader in
                let collector = reader as? ReadCollector
                let now = collector?.now(settings.clock) ?? settings.clock().bounded
                for (known, issued) in steps {
                    let given = KnownReads.Given(now: now, calendar: settings.calendar) { place in
                        issued.identifier(place) { settings.identifiers(now) }
                    }
                    // The decision itself throws what is wrong with a step.
                    try? known.read(reader, given)
                }
            }
        }

        /// The entity of the lookup, or `nil`.
        ///
        /// The key is taken as it is, in the reads of a workspace and of its commands. A read of a
        /// store also refuses a key if there is an entity under another spelling of it.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            if let found = try await backend.get(lookup) { return found }
            guard !lookup.alternatives.isEmpty else { return nil }
            // Meanwhile a migration may give the entity another key, which was read before. So each
            // key is read again.
            for target in lookup.alternatives + lookup.targets {
                if let found = try await backend.get(Lookup<E>(target)) { return found }
            }
            return nil
        }

        /// Which writes a list of the query sees: ``query(_:limit:after:)`` and ``all(_:)``.
        ///
        /// On a remote table, an index may be older than the table: the list may lack new entities,
        /// and those that it has are as they are now. Commands do not decide on such lists. Lists
        /// of a store in this process see all writes.
        ///
        /// - Throws: The errors of the query's definition.
        public func consistency<E: Entity>(of query: Query<E>) throws -> ReadConsistency {
            try backend.consistency(of: query)
        }

        /// A page of the entities of the query.
        public func query<E: Entity>(
            _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
        ) async throws -> Page<E> {
            try await backend.query(query, limit: limit, after: token)
        }

        /// All entities of the query.
        public func all<E: Entity>(_ query: Query<E>) async throws -> [E] {
            var (found, token): ([E], PageToken?) = ([], nil)
            repeat {
                let page = try await self.query(query, after: token)
                found += page.items
                token = page.next
            } while token != nil
            return found
        }
    }
}
