public import CodexCore
internal import CodexIndex
internal import Dispatch

/// The state of an index or counter.
public struct BuildStatus: Sendable, Hashable {
    /// What an index or counter is.
    public enum Kind: String, Sendable {
        /// A secondary index.
        case index
        /// A counter.
        case counter
    }

    /// Whether it can be read.
    public enum State: String, Sendable {
        /// It can.
        case ready
        /// A bulk load runs: it is built when that has ended.
        case loading
        /// It is being built; writes maintain it already.
        case building
        /// A unique index that has items with equal keys, or a counter with a sum that does not
        /// fit: it can be read once they are changed.
        case conflicting
    }

    /// The table's name.
    public let table: String
    /// The index's or counter's name.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// Whether it can be read.
    public let state: State
}

extension Store {
    /// The states of the indexes and counters.
    ///
    /// A table whose items expire has one more index than its definition, `$expiry`: until it is
    /// ready, items that were there before the table's time to live do not expire.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    public func buildStatus() throws -> [BuildStatus] {
        func state(_ state: Manifest.BuildState?) -> BuildStatus.State {
            switch state {
            case nil: .ready
            case .loading: .loading
            case .building: .building
            case .conflicting: .conflicting
            }
        }
        return try core.withReadContext { context in
            context.catalog.allTables.flatMap { table in
                table.indexes.map {
                    BuildStatus(
                        table: table.name, name: $0.plan.definition.name, kind: .index,
                        state: state($0.state))
                }
                    + table.counters.map {
                        BuildStatus(
                            table: table.name, name: $0.plan.definition.name, kind: .counter,
                            state: state($0.state))
                    }
            }
        }
    }

    /// Waits until every index and counter is built, and those of removed ones are gone; looks
    /// again at those that were conflicting.
    ///
    /// It also waits until the values of a store of an earlier format are decided, as far as there
    /// are keys (`Docs/Format.md`).
    ///
    /// Building needs nobody to wait for it. A failure that may pass (a full disk, no free reader)
    /// is tried again by itself, after 50 ms to 30 s, and the observer is told
    /// (``StoreEvent/buildFailed(table:name:code:message:retryDelay:)``). This call tries it at
    /// once, and waits through some seconds of such failures. Then it throws the last one, and
    /// building goes on. After a failure that cannot pass (``CodexError/Code/corrupted``,
    /// ``CodexError/Code/writesRefused``), this call begins it again.
    ///
    /// - Throws: ``CodexError/Code/indexNotReady`` if a unique index has items with equal keys
    ///   (``duplicates(ofIndex:in:limit:)``) or a counter's sum does not fit,
    ///   ``CodexError/Code/readOnly``,
    ///   ``CodexError/Code/closed``, and whatever building fails with.
    public func waitUntilReady() async throws {
        let builder = try requireOwnBuilder()
        let isFollower = core.catalog.manifest.isFollower
        let conflicts =
            !isFollower
            && core.catalog.allTables.contains {
                $0.indexes.contains { $0.state == .conflicting }
                    || $0.counters.contains { $0.state == .conflicting }
            }
        if conflicts {
            try await changeOwnManifest { manifest, _ in
                manifest.retryConflicting()
                return true
            }
        }
        builder.schedule.wake()
        try await builder.schedule.waitUntilIdle()
        for table in core.catalog.allTables {
            for index in table.indexes where index.state == .conflicting {
                _ = try table.index(index.plan.definition.name)
            }
            for counter in table.counters where counter.state == .conflicting {
                _ = try table.counter(counter.plan.definition.name)
            }
        }
    }

    /// Adds an index to a table and returns once writes maintain it; the items that are there are
    /// added in the background (on a small table, before this returns; it then waits for whatever
    /// else is being built).
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if there is another index of this name,
    ///   ``CodexError/Code/indexNotReady`` if a small table has equal keys in a unique one, which
    ///   is added all the same (``waitUntilReady()``), and whatever building it fails with for some
    ///   seconds, which goes on all the same, ``CodexError/Code/invalidSchema``,
    ///   ``CodexError/Code/unknownTable``, and as ``write(_:)-(_)``.
    public func addIndex(_ index: IndexDefinition, to table: String) async throws {
        try await add(to: table) { $0.with(indexes: [index], counters: []) }
    }

    /// Adds a counter to a table; see ``addIndex(_:to:)``.
    ///
    /// - Throws: As ``addIndex(_:to:)``.
    public func addCounter(_ counter: CounterDefinition, to table: String) async throws {
        try await add(to: table) { $0.with(indexes: [], counters: [counter]) }
    }

    private func add(
        to name: String, _ addition: @escaping @Sendable (TableDefinition) -> TableDefinition
    ) async throws {
        let builder = try requireBuilder()
        let table = try core.catalog.table(name)
        let number = table.number
        try await changeManifest { manifest, _ throws(CodexError) in
            // Not another of its name, that came since.
            let definition = try manifest.definition(of: name, number: number)
            return try manifest.merge(Schema(tables: [addition(definition)]))
        }
        builder.schedule.wake()
        guard builder.isSmall(try core.catalog.table(name)), !builder.hasMuchToEmpty else { return }
        try await builder.schedule.waitUntilIdle()
        try requireReady(addition(table.plan.definition))
    }

    /// Throws if an index or counter of `definition` cannot be read.
    func requireReady(_ definition: TableDefinition) throws(CodexError) {
        let table = try core.catalog.table(definition.name)
        for index in definition.indexes { _ = try table.index(index.name) }
        for counter in definition.counters { _ = try table.counter(counter.name) }
    }

    /// Removes an index: from now on it is unknown, and its entries go in the background.
    ///
    /// A program that opens the store with a schema that has it adds it again.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``, and as
    ///   ``write(_:)-(_)``.
    public func removeIndex(_ name: String, from table: String) async throws {
        try await remove(.index, name, table)
    }

    /// Removes a counter; see ``removeIndex(_:from:)``.
    ///
    /// - Throws: As ``removeIndex(_:from:)``.
    public func removeCounter(_ name: String, from table: String) async throws {
        try await remove(.counter, name, table)
    }

    private func remove(_ kind: PartKind, _ name: String, _ table: String) async throws {
        let builder = try requireBuilder()
        try await changeManifest { manifest, _ throws(CodexError) in
            try manifest.remove(kind, name, of: table)
            return true
        }
        builder.schedule.wake()
    }

    /// The primary keys of items that share their key in an index with another item: what is in a
    /// unique one's way.
    ///
    /// Items whose time to live is over are in nothing's way, whether they were removed or not. A
    /// conflict with one that expires later ends with the next ``waitUntilReady()``.
    ///
    /// - Parameters:
    ///   - index: The index's name.
    ///   - table: The table's name.
    ///   - limit: Most keys to return.
    /// - Returns: For each group of items with one key, all but the first.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/closed``.
    public func duplicates(
        ofIndex index: String, in table: String, limit: Int = 1000
    ) throws -> [PrimaryKey] {
        try core.withReadContext { context in
            let table = try context.catalog.table(table)
            let index = try table.knownIndex(index)
            return try IndexReads(context).duplicates(index, limit: limit).map {
                try table.plan.primaryKey($0.span)
            }
        }
    }
}
