public import CodexCore
internal import CodexIndex

/// The value of a read now, and each time that commits change it: an endless sequence.
///
/// ```swift
/// for try await tasks in store.observe(.tasks(assignedTo: "ada")) {
///     print(tasks.map(\.title))
/// }
/// ```
///
/// The first value is the present one. Each further value is of one snapshot, and differs from the
/// one before. A slow observer skips intermediate values and sees the latest. The sequence sees the
/// commits of all processes, once they are visible to reads.
///
/// Without a pending `next()`, it reads nothing and does not delay writers. A commit that does not
/// concern the read costs a look at its record in the log. A commit that may concern it costs a
/// read.
///
/// The sequence also follows changes of the schema. If an observed table, or the index that the
/// read uses, was removed, it throws the error that the read would throw now. If they were made
/// again, it continues with their new contents.
///
/// Expired items disappear when they are removed, within ``StoreOptions/sweepInterval`` of a
/// process that has the store open. Each iterator starts again, and only one task may use it. The
/// read runs on the executor of the call of `next()`, so long reads do not belong on the main
/// actor. The sequence ends only with an error: `CancellationError`, ``CodexError/Code/closed``,
/// ``CodexError/Code/unknownTable``, ``CodexError/Code/corrupted``, or an error of the read.
public struct StoreObservation<Value: Sendable & Equatable>: AsyncSequence, Sendable {
    /// The value of the read.
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

    /// Starts to observe.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(core, scope, read) }

    /// Reads values one by one; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        private var scope: ObservedScope
        private let read: @Sendable (borrowing Snapshot) throws -> Value
        private var last: Value?
        private var reader: ChangeReader?
        /// The catalog at the reader's position.
        private var catalog: Catalog?
        private var isEnded = false

        /// The number of changes in one batch.
        private static var batchCount: Int { 1000 }

        fileprivate init(
            _ core: StoreCore, _ scope: ObservedScope,
            _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
        ) {
            self.core = core
            self.scope = scope
            self.read = read
        }

        /// The present value at the first call, and then the next value that differs.
        ///
        /// - Returns: The value; `nil` only after an error.
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

        /// Whether unread changes may concern the read.
        private mutating func hasNews(_ reader: ChangeReader) throws -> Bool {
            do {
                var isConcerned = false
                // It reads to the end: the next snapshot has all these changes.
                repeat {
                    let changes = try reader.read(Self.batchCount)
                    if hasNewSchema(reader) { isConcerned = true }
                    guard !isConcerned, let catalog else { continue }
                    isConcerned = try changes.contains { try scope.concerns($0, catalog) }
                } while reader.endID == nil
                return isConcerned
            } catch CodexError.Code.changesTrimmed {
                // The observer was too slow, and the changes are gone: the read shows their effect.
                return true
            }
        }

        /// Whether the schema has changed in a way that may concern the read.
        private mutating func hasNewSchema(_ reader: ChangeReader) -> Bool {
            guard let new = reader.catalog, let old = catalog, new !== old else { return false }
            catalog = new
            return scope.concerns(new, since: old)
        }

        /// Reads in a snapshot; the reader then looks at the changes after it.
        private mutating func readAgain() throws -> Value {
            // The reader is made before the snapshot: it sees a commit between them again, and
            // misses none.
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
            scope = try scope.made(by: reading.catalog)
            return try read(Snapshot(reading))
        }
    }
}

/// The part of the store that a read depends on: changes in it may change the value.
struct ObservedScope: Sendable {
    enum Part: Sendable {
        /// An item.
        case item(table: String, PrimaryKey)
        /// A partition of a table or index.
        case partition(table: String, index: String?, [AttributeValue])
    }

    /// The part of a table; `nil` is all of the tables.
    private(set) var part: Part?
    /// The tables; `nil` is all tables.
    let tables: [String]?
    /// Makes the part by the schema; `nil` if it does not depend on the schema.
    private let makePart: (@Sendable (Catalog) throws(CodexError) -> Part)?

    init(_ part: Part) {
        self.part = part
        switch part {
        case .item(let table, _), .partition(let table, _, _): tables = [table]
        }
        makePart = nil
    }

    init(tables: [String]?) {
        part = nil
        self.tables = tables
        makePart = nil
    }

    /// Creates the scope of a read whose key is made by the entity's definition.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - index: The index that the read uses; `nil` is the table itself.
    ///   - makePart: Makes the part by the schema of a snapshot.
    init(
        table: String, index: String?,
        making makePart: @escaping @Sendable (Catalog) throws(CodexError) -> Part
    ) {
        part = .partition(table: table, index: index, [])
        tables = [table]
        self.makePart = makePart
    }

    /// The scope by the schema of a snapshot.
    ///
    /// - Throws: The errors of making the read's key.
    func made(by catalog: Catalog) throws(CodexError) -> ObservedScope {
        guard let makePart else { return self }
        var scope = self
        scope.part = try makePart(catalog)
        return scope
    }

    /// Throws if a table does not exist.
    func validate(_ catalog: Catalog) throws(CodexError) {
        if tables?.isEmpty == true {
            throw CodexError(
                .invalidArgument,
                "No table is observed. Name those that are read, or `nil` for all.")
        }
        for table in tables ?? [] { _ = try catalog.table(table) }
    }

    /// The part of a table that the read depends on.
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

    /// The images that ``concerns(_:_:)`` needs of a change.
    var view: StreamView {
        if case .partition(_, _?, _)? = part { return .newAndOldImages }
        return .keysOnly
    }

    /// Whether a change may concern the read; the catalog is that of the change.
    func concerns(_ change: ChangeRecord, _ catalog: Catalog) throws -> Bool {
        switch part {
        case nil: return true
        case .item(_, let key): return try change.key == key
        case .partition(_, nil, let values): return try [change.key.partition] == values
        case .partition(let table, let name?, let values):
            if try catalog.table(table).hidesItems(of: name, since: change) { return true }
            let indexes = try catalog.table(table).plan.definition.indexes
            guard let index = indexes.first(where: { $0.name == name }) else { return true }
            return try [change.oldImage, change.newImage].contains { image in
                image.map { index.partitions(of: $0).contains(values) } ?? false
            }
        }
    }
}

extension Lookup {
    /// The part of a table that the lookup depends on.
    fileprivate var scope: ObservedScope {
        let (table, target) = (E.definition.table, target)
        // The entity may come under any of its keys, so that any change of the table counts.
        guard alternatives.isEmpty else { return ObservedScope(tables: [table]) }
        let index: String?
        switch target {
        case .primaryKey(let key): return ObservedScope(.item(table: table, key))
        case .index(let name, let partition, _):
            return ObservedScope(.partition(table: table, index: name, partition))
        case .values: index = nil
        case .indexValues(let name, _): index = name
        }
        return ObservedScope(table: table, index: index) { catalog throws(CodexError) in
            switch try KeyResolution(E.self, by: catalog).resolved(target) {
            case .primaryKey(let key): .item(table: table, key)
            case .index(let name, let partition, _):
                .partition(table: table, index: name, partition)
            case .values, .indexValues: .partition(table: table, index: index, [])
            }
        }
    }
}

extension Query {
    /// The part of a table that the query depends on.
    fileprivate var scope: ObservedScope {
        let request = request
        guard request.keyValues != nil else {
            return ObservedScope(
                .partition(
                    table: request.table, index: request.index, request.partition))
        }
        return ObservedScope(table: request.table, index: request.index) {
            catalog throws(CodexError) in
            let made = try KeyResolution(E.self, by: catalog).resolved(request)
            return .partition(table: made.table, index: made.index, made.partition)
        }
    }
}

extension Store {
    /// The entities that `query` finds, now and each time that commits change them.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities; `nil` is all.
    /// - Returns: A sequence that only an error ends: see ``StoreObservation``.
    public func observe<E: Entity & Equatable>(
        _ query: Query<E>, limit: Int? = nil
    ) -> StoreObservation<[E]> {
        StoreObservation(core, query.scope) { try $0.query(query, limit: limit).items }
    }

    /// The entity that `lookup` names, now and each time that a commit changes it; `nil` while
    /// there is none.
    ///
    /// - Returns: A sequence that only an error ends: see ``StoreObservation``.
    public func observe<E: Entity & Equatable>(_ lookup: Lookup<E>) -> StoreObservation<E?> {
        StoreObservation(core, lookup.scope) { try $0.get(lookup) }
    }

    /// The value of `read`, now and each time that commits in the tables change it.
    ///
    /// ```swift
    /// let query = TableQuery(table: "notes", partition: ["NOTEBOOK#engine"])
    /// let count = store.observe(in: ["notes"]) { snapshot in try snapshot.count(query).count }
    /// ```
    ///
    /// - Parameters:
    ///   - tables: The tables that `read` reads; `nil` is all. Any change in them runs it again,
    ///     and changes in other tables do not.
    ///   - read: Returns a value that depends only on the snapshot.
    /// - Returns: A sequence that only an error ends: see ``StoreObservation``.
    public func observe<Value: Sendable & Equatable>(
        in tables: [String]? = nil, _ read: @escaping @Sendable (borrowing Snapshot) throws -> Value
    ) -> StoreObservation<Value> {
        StoreObservation(core, ObservedScope(tables: tables), read)
    }
}
