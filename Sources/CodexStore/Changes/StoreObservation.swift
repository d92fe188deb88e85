public import CodexCore
internal import CodexIndex

/// What a read says now, and again whenever commits made it say something else: an endless sequence.
///
/// ```swift
/// for try await tasks in store.observe(.tasks(assignedTo: "ada")) {
///     print(tasks.map(\.title))
/// }
/// ```
///
/// It begins with the present value. Each further one is that of one moment, and differs from the one
/// before; what was in between, while nobody asked for the next, is passed over. It sees the commits of all
/// processes, once they are visible to reads.
///
/// Nothing is read, and writers are not held up, while nobody asks. A commit in which nothing concerns the
/// read costs a look at its record in the log; one that may concern it, a read.
///
/// Changes of the schema are changes, too. If a table was removed that is observed, or an index that
/// the read goes by, it throws what the read would throw if it began now. If they were made again,
/// it goes on with what they hold.
///
/// Items that expire go from it when they are removed, within ``StoreOptions/sweepInterval`` of some process.
/// Each iterator begins anew, and is for one task; it reads on whatever runs its `next()`, so not on the main
/// actor what takes long. The sequence ends by throwing only: `CancellationError`,
/// ``CodexError/Code/closed``, ``CodexError/Code/unknownTable``, ``CodexError/Code/corrupted`` and what the
/// read throws.
public struct StoreObservation<Value: Sendable & Equatable>: AsyncSequence, Sendable {
    /// What the read says.
    public typealias Element = Value

    private let core: StoreCore
    private let scope: ObservedScope
    private let read: @Sendable (borrowing Snapshot) throws -> Value

    init(
        _ core: StoreCore, _ scope: ObservedScope,
        _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
    ) {
        self.core = core
        self.scope = scope
        self.read = read
    }

    /// Begins to observe.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(core, scope, read) }

    /// Reads values one by one; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        private let scope: ObservedScope
        private let read: @Sendable (borrowing Snapshot) throws -> Value
        private var last: Value?
        private var reader: ChangeReader?
        /// The tables as of where the reader is.
        private var catalog: Catalog?
        private var isEnded = false

        /// Changes that are looked at at once.
        private static var batchCount: Int { 1000 }

        fileprivate init(
            _ core: StoreCore, _ scope: ObservedScope,
            _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
        ) {
            self.core = core
            self.scope = scope
            self.read = read
        }

        /// The present value, the first time; after that the next that differs.
        ///
        /// - Returns: The value; `nil` only after it threw.
        /// - Throws: As ``StoreObservation``.
        public mutating func next() async throws -> Value? {
            if isEnded { return nil }
            do {
                return try await nextValue()
            } catch {
                isEnded = true
                throw error
            }
        }

        private mutating func nextValue() async throws -> Value {
            while true {
                try _Concurrency.Task.checkCancellation()
                if let reader {
                    guard try hasNews(reader) else {
                        if let end = reader.endID { try await core.commits.wait(after: end) }
                        continue
                    }
                }
                let value = try readAgain()
                if value == last { continue }
                last = value
                return value
            }
        }

        /// Whether changes that were not looked at yet may concern the read.
        private mutating func hasNews(_ reader: ChangeReader) throws -> Bool {
            do {
                var isConcerned = false
                // To the end: what is older than the snapshot that is read next need not be seen again.
                repeat {
                    let changes = try reader.read(Self.batchCount)
                    if hasNewSchema(reader) { isConcerned = true }
                    guard !isConcerned, let catalog else { continue }
                    isConcerned = try changes.contains { try scope.concerns($0, catalog) }
                } while reader.endID == nil
                return isConcerned
            } catch CodexError.Code.changesTrimmed {
                // So slow that they are gone: whatever they said, the read says it.
                return true
            }
        }

        /// Whether the schema changed since, in a way that may concern the read.
        private mutating func hasNewSchema(_ reader: ChangeReader) -> Bool {
            guard let new = reader.catalog, let old = catalog, new !== old else { return false }
            catalog = new
            return scope.concerns(new, since: old)
        }

        /// Reads in a snapshot; changes are looked at from that on.
        private mutating func readAgain() throws -> Value {
            // Made before the snapshot: what is committed in between is looked at once more, and not missed.
            if reader == nil || reader?.endID == nil {
                let new = ChangeReader(
                    core, from: .stream(.latest), scope.view,
                    ChangeFilter(tables: scope.tables.map { Set($0) }), includesSilent: true)
                try new.prepare()
                reader = new
                catalog = new.catalog
            }
            let reading = try core.acquireReadContext()
            defer { core.releaseReadContext(reading) }
            try scope.validate(reading.catalog)
            return try read(Snapshot(reading))
        }
    }
}

/// What a read looks at: which changes may make it say something else.
struct ObservedScope: Sendable {
    enum Part: Sendable {
        /// An item.
        case item(table: String, PrimaryKey)
        /// A partition of a table or index.
        case partition(table: String, index: String?, [AttributeValue])
    }

    /// `nil` is all of the tables.
    let part: Part?
    /// `nil` is all.
    let tables: [String]?

    init(_ part: Part) {
        self.part = part
        switch part {
        case .item(let table, _), .partition(let table, _, _): tables = [table]
        }
    }

    init(tables: [String]?) {
        part = nil
        self.tables = tables
    }

    /// Throws for tables that are not there.
    func validate(_ catalog: Catalog) throws(CodexError) {
        if tables?.isEmpty == true {
            throw CodexError(
                .invalidArgument,
                "No table is observed. Name those that are read, or `nil` for all.")
        }
        for table in tables ?? [] { _ = try catalog.table(table) }
    }

    /// What the read goes by.
    private var path: ReadPath {
        switch part {
        case nil: .any
        case .item?, .partition(_, nil, _)?: .primaryKey
        case .partition(_, let index?, _)?: .index(index)
        }
    }

    /// Whether a change of the schema may concern the read.
    func concerns(_ catalog: Catalog, since old: Catalog) -> Bool {
        guard let tables else { return true }
        return tables.contains { catalog.changesReads(of: $0, by: path, since: old) }
    }

    /// What is to be known of a change.
    var view: StreamView {
        if case .partition(_, _?, _)? = part { return .newAndOldImages }
        return .keysOnly
    }

    /// Whether a change of the tables may concern the read, with the tables as of the change.
    func concerns(_ change: ChangeRecord, _ catalog: Catalog) throws -> Bool {
        switch part {
        case nil: return true
        case .item(_, let key): return try change.key == key
        case .partition(_, nil, let values): return try [change.key.partition] == values
        case .partition(let table, let name?, let values):
            let indexes = try catalog.table(table).plan.definition.indexes
            guard let index = indexes.first(where: { $0.name == name }) else { return true }
            return try [change.oldImage, change.newImage].contains { image in
                image.map { index.partitions(of: $0).contains(values) } ?? false
            }
        }
    }
}

extension LookupTarget {
    /// What a lookup in a table looks at.
    fileprivate func scope(_ table: String) -> ObservedScope {
        switch self {
        case .primaryKey(let key): ObservedScope(.item(table: table, key))
        case .index(let name, let partition, _):
            ObservedScope(.partition(table: table, index: name, partition))
        }
    }
}

extension Store {
    /// The entities that `query` names, now and whenever commits changed them.
    ///
    /// - Parameters:
    ///   - query: What to look for.
    ///   - limit: Most entities; `nil` is all.
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func observe<E: Entity & Equatable>(
        _ query: Query<E>, limit: Int? = nil
    ) -> StoreObservation<[E]> {
        let request = query.request
        let part = ObservedScope.Part.partition(
            table: request.table, index: request.index, request.partition)
        return StoreObservation(core, ObservedScope(part)) {
            try $0.query(query, limit: limit).items
        }
    }

    /// The entity that `lookup` names, now and whenever a commit changed it; `nil` while there is none.
    ///
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func observe<E: Entity & Equatable>(_ lookup: Lookup<E>) -> StoreObservation<E?> {
        StoreObservation(core, lookup.target.scope(E.definition.table)) { try $0.get(lookup) }
    }

    /// What `read` says, now and whenever commits in the tables made it say something else.
    ///
    /// ```swift
    /// let query = TableQuery(table: "notes", partition: ["NOTEBOOK#engine"])
    /// let count = store.observe(in: ["notes"]) { snapshot in try snapshot.count(query).count }
    /// ```
    ///
    /// - Parameters:
    ///   - tables: The tables that `read` reads; `nil` is all. Any change in them makes it read again, none in
    ///     others does.
    ///   - read: Reads something from a snapshot, and nothing else.
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func observe<Value: Sendable & Equatable>(
        in tables: [String]? = nil, _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
    ) -> StoreObservation<Value> {
        StoreObservation(core, ObservedScope(tables: tables), read)
    }
}
