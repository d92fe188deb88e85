public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// CodexFlow's services: commands that keep the rules, each of them one commit.
    ///
    /// On a store of this process, with the module `Codex`:
    ///
    /// ```swift
    /// let workspace = CodexFlow.Workspace(store)
    /// try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
    /// try await workspace.createProject(key: "ENG", name: "Engine", id: "engine", owner: "ada")
    /// let task = try await workspace.createTask(in: "engine", by: "ada") { $0.title = "Note G" }
    /// try await workspace.moveTask(task.id, in: "engine", to: .todo, by: "ada")
    /// ```
    ///
    /// A command reads what its rules look at, decides, and writes the entity, its history and
    /// whatever else follows. On the embedded store reading and deciding are part of the commit; on a
    /// remote table the write has the condition that what was read is still so, and the command is
    /// decided anew if not. A broken rule is ``CodexError/Code/ruleViolated`` with the rule, the field
    /// and the values, and writes nothing.
    ///
    /// Commands of users and sessions have no actor: the embedding program decides who may use
    /// them.
    ///
    /// A value may be used by any number of tasks at once.
    public struct Workspace: Sendable {
        let backend: any WorkspaceBackend
        let settings: DecisionContext.Settings

        /// Creates a workspace.
        ///
        /// - Parameters:
        ///   - backend: Where the data is.
        ///   - clock: What tells the time.
        ///   - calendar: What tells the days of projects' time zones.
        ///   - identifiers: Makes identifiers, which are to sort by the time that is given; `nil` is
        ///     time and chance.
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

        /// Runs a command of one's own: reads, decides and writes as one commit.
        ///
        /// What it writes is checked by itself (``Entity/validate()``); the rules that look at other
        /// items are those of the workspace's commands, and not of this one: it asks for who may do
        /// what (``DecisionContext/project(_:for:as:isChange:)``), and writes history
        /// (``DecisionContext/record(_:of:by:changes:note:)``), itself. What it reads is as before its own
        /// writes.
        ///
        /// - Parameter decide: What to do. A pure function of what it reads and is given, since it may
        ///   run more than once.
        /// - Returns: What `decide` returned.
        /// - Throws: What `decide` throws, with nothing written; ``CodexError/Code/conditionFailed`` if
        ///   the key of an insert is taken; and what writing throws.
        public func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (DecisionContext) throws -> Outcome
        ) async throws -> Outcome {
            let (settings, issued) = (settings, IssuedIdentifiers())
            return try await backend.commit { reader in
                let context = DecisionContext(reader, settings, issued)
                let outcome = try decide(context)
                return Decision(outcome, context.writes)
            }
        }

        /// The entity that the lookup names, or `nil`.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            try await backend.get(lookup)
        }

        /// A page of the entities that the query names.
        public func query<E: Entity>(
            _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
        ) async throws -> Page<E> {
            try await backend.query(query, limit: limit, after: token)
        }

        /// All entities that the query names.
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
