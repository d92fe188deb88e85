public import CodexCore
public import FoundationEssentials
internal import Synchronization

extension CodexFlow {
    /// A running command: its reads, its pending writes, and its given values.
    ///
    /// One decision uses it, on one thread.
    public final class DecisionContext {
        private let reader: any DecisionReader
        private let issued: IssuedIdentifiers
        private var issuedCount = 0
        /// The reads, if the table gives numbers before the commit.
        var numberingReader: (any NumberingReader)? {
            isRemote ? reader as? any NumberingReader : nil
        }
        /// The reads, if another command may change their results before the commit.
        var protectingReader: (any ProtectingReader)? {
            isRemote ? reader as? any ProtectingReader : nil
        }
        /// Whether the command is one of several in a commit.
        var isOneOfMany: Bool { reader is CumulativeReads }
        let settings: Settings
        /// The present time in whole milliseconds, as it is stored.
        public let now: Date
        /// Whether the data is in a remote table, where another command may write before this one.
        let isRemote: Bool
        /// The queues from which a command on a remote table chooses; `nil` on another one.
        let choices: QueueChoices?
        private(set) var writes: [DecisionWrite] = []
        /// What further commits on a remote table do after this one.
        private(set) var later: [LaterDecision] = []
        /// The histories that this command continues, by project and task.
        var histories: [[String]: TaskHistory] = [:]

        /// The values that a workspace receives from outside.
        struct Settings: Sendable {
            let clock: @Sendable () -> Date
            let identifiers: @Sendable (Date) -> String
            let calendar: any DayCalendar
        }

        init(_ reader: any DecisionReader, _ settings: Settings, _ issued: IssuedIdentifiers) {
            self.reader = reader
            self.issued = issued
            self.settings = settings
            let source = (reader as? CumulativeReads)?.base ?? reader
            let table = source as? TableReads
            isRemote = table != nil
            choices = table?.choices
            // A remote table makes a new context after each missing read.
            now = table?.now(settings.clock) ?? settings.clock().bounded
        }

        // MARK: Reading

        /// The entity of the lookup, or `nil`; its key is taken as it is.
        public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
            if let found = try reader.get(lookup) { return found }
            for target in lookup.alternatives {
                if let found = try reader.get(Lookup<E>(target)) { return found }
            }
            return nil
        }

        /// The entities of the query, up to `limit`.
        public func all<E: Entity>(_ query: Query<E>, limit: Int? = nil) throws -> [E] {
            try reader.all(query, limit: limit)
        }

        /// The entities of the query, up to `limit`, without those that cannot be read.
        ///
        /// A raw item of a wrong type must not stop a command that concerns other items.
        func readable<E: Entity>(_ query: Query<E>, limit: Int? = nil) throws -> [E] {
            try reader.readable(query, limit: limit)
        }

        /// Some of the first entities of the query, up to `limit`, without those that cannot be
        /// read; on a store, the first ones.
        ///
        /// `place` is the number of entities that are passed over if there are enough others.
        func readable<E: Entity>(
            _ query: Query<E>, limit: Int, from place: Int
        ) throws -> [E] {
            try reader.candidates(of: query, limit: limit, from: place)
        }

        /// The result of a read; `nil` if a stored item is not one of its entity, or if a key that
        /// a raw item names is too long.
        func ifReadable<Value>(_ read: () throws -> Value) throws -> Value? {
            do {
                return try read()
            } catch let error as CodexError where error.isOfUnreadableItem {
                return nil
            }
        }

        /// The entity of the lookup.
        ///
        /// - Throws: ``CodexError/Code/notFound``.
        public func find<E: Entity>(_ lookup: Lookup<E>) throws -> E {
            guard let found = try get(lookup) else {
                throw CodexError(.notFound, "There is no such \(E.definition.name).")
            }
            return found
        }

        /// Whether the table takes an entity in place of the stored one.
        func takes(_ entity: some Entity) throws -> Bool { try reader.accepts(entity) }

        // MARK: Writing

        /// Stores an entity whose key must not exist yet.
        public func insert(_ entity: some Entity) { writes.append(.insert(entity)) }

        /// Replaces the entity that was read; attributes that its type does not know stay.
        public func replace(_ entity: some Entity) { writes.append(.replace(entity)) }

        /// Deletes an entity that was read.
        public func delete(_ entity: some Entity) { writes.append(.delete(entity)) }

        /// Lets a further commit on a remote table follow this one.
        ///
        /// It may be missing after an interruption, so no rule depends on it. It gets no
        /// identifiers that stay the same when it is decided again.
        ///
        /// - Parameters:
        ///   - known: Reads what the decision is known to read.
        ///   - decide: The decision.
        func continueLater(
            reading known: @escaping @Sendable (any DecisionReader) throws -> Void,
            _ decide: @escaping @Sendable (DecisionContext) throws -> Void
        ) {
            let settings = settings
            let commit: @Sendable (any DecisionReader) throws -> Decision<Void> = { reader in
                let context = DecisionContext(reader, settings, IssuedIdentifiers())
                try decide(context)
                return Decision((), context.writes)
            }
            later.append(LaterDecision(reading: known, decide: commit))
        }

        // MARK: Given values

        /// A new identifier, which stays the same when the command is decided again.
        ///
        /// Unless the workspace has its own source, the identifier sorts after all earlier ones of
        /// the workspace.
        ///
        /// - Throws: ``CodexError/Code/invalidIdentifier`` if the workspace's own source gives an
        ///   invalid one.
        public func newID<Model>(_ type: Model.Type = Model.self) throws -> Identifier<Model> {
            defer { issuedCount += 1 }
            return try Identifier(issued.identifier(issuedCount) { settings.identifiers(now) })
        }

        /// The present day in the project's time zone.
        ///
        /// - Throws: The error of a calendar without the days of the time zone.
        public func today(in project: Project) throws(CodexError) -> CalendarDay {
            try settings.calendar.day(of: now, in: project.timeZone)
        }

        /// An instant after `last`, so that each change of an entity has a different time.
        func instant(after last: Date?) -> Date {
            guard let last, now <= last else { return now }
            // The same value as that which is read from the stored text.
            return (last + 0.001).bounded
        }

        // MARK: Permissions

        /// The user who acts; the user must be active.
        @discardableResult
        func actor(_ id: User.ID) throws -> User {
            try activeUser(id, or: .actorActive, "actor")
        }

        /// A user, who must be active; otherwise `rule` is broken.
        @discardableResult
        func activeUser(_ id: User.ID, or rule: Rule, _ field: String) throws -> User {
            guard let user = try get(.user(id)), user.isActive else {
                throw rule.violated(field, [field: id.attributeValue])
            }
            return user
        }

        /// Throws if the change modifies a field that only other commands change.
        func requireKept<E: Entity>(
            _ new: E, _ old: E, _ kept: [KeptField<E>], _ rule: Rule
        ) throws {
            for field in kept where !field.isSame(new, old) {
                throw rule.violated(
                    field.name,
                    [
                        "stored": (try? old.item())?[field.name],
                        "given": (try? new.item())?[field.name],
                    ])
            }
        }

        /// A project in which the actor may act.
        ///
        /// - Parameters:
        ///   - id: The project.
        ///   - actor: The user who acts.
        ///   - role: The required role.
        ///   - isChange: Whether the project must accept changes; otherwise, it must only not be in
        ///     deletion.
        /// - Returns: The project.
        /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/actorActive``,
        ///   ``CodexFlow/Rule/actorRole``, ``CodexFlow/Rule/projectReadOnly``,
        ///   ``CodexFlow/Rule/projectDeletion``.
        public func project(
            _ id: Project.ID, for actor: User.ID, as role: Member.Role, isChange: Bool = true
        ) throws -> Project {
            try self.actor(actor)
            let project = try find(.project(id))
            try requireRole(of: actor, in: project, role)
            let values = { ["projectId": AttributeValue?.some(id.attributeValue)] }
            try Rule.projectDeletion.require(
                project.deletingSince == nil, "deletingSince", values())
            if isChange {
                try Rule.projectReadOnly.require(
                    project.archivedAt == nil, "archivedAt", values())
            }
            return project
        }

        /// The role of the user in the project; `nil` is none.
        ///
        /// The owner has the owner's role even without a membership: a project that was stored
        /// without the services has none.
        public func role(of user: User.ID, in project: Project) throws -> Member.Role? {
            if user == project.ownerID { return .owner }
            let role = try get(.member(user, of: project.id))?.role
            // A project has one owner, even if an older membership names another.
            return role == .owner ? .admin : role
        }

        /// Throws unless the user has a role in the project that includes `role`.
        ///
        /// - Throws: ``CodexFlow/Rule/actorRole``, and the errors of reading.
        public func requireRole(
            of user: User.ID, in project: Project, _ role: Member.Role
        ) throws {
            let found = try self.role(of: user, in: project)
            try Rule.actorRole.require(
                found?.includes(role) == true, "actor",
                [
                    "actor": user.attributeValue,
                    "role": found.map { .string($0.rawValue) },
                    "needed": .string(role.rawValue),
                ])
        }
    }
}

extension CodexError {
    /// Whether a stored item cannot be read as its entity, or cannot exist under so long a key.
    ///
    /// Other items may be readable, so a program that handles many may go on with the next one.
    public var isOfUnreadableItem: Bool {
        let codes: Set<Code> = [
            .typeMismatch, .missingAttribute, .otherEntity, .invalidIdentifier, .programTooOld,
            .keyUnavailable, .valueTampered, .valueNotSealed, .corrupted, .keyTooLong,
        ]
        return codes.contains(code)
    }
}

/// A field that a command which changes an entity must keep, since only other commands change it.
struct KeptField<E: Entity>: Sendable {
    /// Its stored name.
    let name: String
    let isSame: @Sendable (E, E) -> Bool

    init<Value: Equatable & Sendable>(_ name: String, _ path: any KeyPath<E, Value> & Sendable) {
        self.name = name
        isSame = { $0[keyPath: path] == $1[keyPath: path] }
    }
}

/// The identifiers that a command received, kept for when it is decided again.
final class IssuedIdentifiers: Sendable {
    private let identifiers = Mutex<[String]>([])

    /// The identifier at an index, created on the first call.
    func identifier(_ place: Int, _ make: () -> String) -> String {
        identifiers.withLock { known in
            while known.count <= place { known.append(make()) }
            return known[place]
        }
    }
}

/// Identifiers that sort by time: 60 bits of milliseconds and a counter, and 40 random ones.
package final class TimeOrderedIdentifiers: Sendable {
    private let last = Atomic<UInt64>(0)

    package init() {}

    /// The next identifier: 20 letters and digits (Crockford's base 32, in lower case).
    package func next(_ now: Date) -> String {
        Self.text(take(notBefore: UInt64(max(0, now.millisecondsSince1970)) << 16))
    }

    private func take(notBefore time: UInt64) -> UInt64 {
        var known = last.load(ordering: .relaxed)
        while true {
            let next = max(known + 1, time)
            let (isTaken, found) = last.compareExchange(
                expected: known, desired: next, ordering: .relaxed)
            if isTaken { return next }
            known = found
        }
    }
}
