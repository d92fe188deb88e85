public import CodexCore
internal import CodexIndex
internal import Dispatch

/// The state of an index or counter.
public struct BuildStatus: Sendable, Hashable {
    /// Whether the status is of an index or of a counter.
    public enum Kind: String, Sendable {
        /// A secondary index.
        case index
        /// A counter.
        case counter
    }

    /// Whether it can be read, and the reason if it cannot.
    public enum State: String, Sendable {
        /// It can be read.
        case ready
        /// A bulk load runs: the build starts when the load has ended.
        case loading
        /// The build runs; writes maintain it already.
        case building
        /// A unique index has items with equal keys, or a counter has a sum that overflows.
        ///
        /// It can be read after those items have changed. A unique index that was never ready is
        /// not in force: writes of equal keys are not refused. One that was ready, and found equal
        /// keys after a bulk load, stays in force.
        case conflicting
    }

    /// The table's name.
    public let table: String
    /// The name of the index or counter.
    public let name: String
    /// Whether the status is of an index or of a counter.
    public let kind: Kind
    /// Whether it can be read, and the reason if it cannot.
    public let state: State
    /// The layout of the index's entries; `nil` for a counter.
    public let layout: IndexLayout?
    /// The layout that the index gets (``Store/changeLayout(ofIndex:in:to:)``); `nil` if it keeps
    /// the one that it has.
    public let nextLayout: IndexLayout?
}

extension TableHandle {
    /// The states of the table's indexes and counters.
    var buildStatus: [BuildStatus] {
        let replacements = indexes.filter(\.isReplacement)
        let indexStatus = indexes.filter { !$0.isReplacement }.map { index in
            let definition = index.plan.definition
            let next = replacements.first { $0.plan.definition.name == definition.name }
            return BuildStatus(
                table: name, name: definition.name, kind: .index,
                state: BuildStatus.State(index.state), layout: index.plan.layout,
                nextLayout: next?.plan.layout)
        }
        let counterStatus = counters.map { counter in
            BuildStatus(
                table: name, name: counter.plan.definition.name, kind: .counter,
                state: BuildStatus.State(counter.state), layout: nil, nextLayout: nil)
        }
        return indexStatus + counterStatus
    }
}

extension BuildStatus.State {
    fileprivate init(_ state: Manifest.BuildState?) {
        switch state {
        case nil: self = .ready
        case .loading: self = .loading
        case .building: self = .building
        case .conflicting: self = .conflicting
        }
    }
}

extension Store {
    /// The states of the indexes and counters.
    ///
    /// A table with a time to live has one more index than its definition: `$expiry`. Until it is
    /// ready, items from before the time to live do not expire.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    public func buildStatus() throws -> [BuildStatus] {
        try core.withReadContext { context in
            context.catalog.allTables.flatMap(\.buildStatus)
        }
    }

    /// Waits until every index and counter is built and removed ones are gone; retries conflicting
    /// ones.
    ///
    /// It also waits until indexes have the layouts that they were given
    /// (``changeLayout(ofIndex:in:to:)``), and until the values of a store of an earlier format are
    /// decided, as far as there are keys (`Docs/Format.md`).
    ///
    /// Building needs no caller that waits. A failure that may pass (a full disk, no free reader)
    /// is retried after 50 ms to 30 s, and the observer is told
    /// (``StoreEvent/buildFailed(table:name:code:message:retryDelay:)``). This call retries at
    /// once, and waits through some seconds of such failures. Then it throws the last error, and
    /// building continues. After a failure that cannot pass (``CodexError/Code/corrupted``,
    /// ``CodexError/Code/writesRefused``), this call starts the building again.
    ///
    /// - Throws: ``CodexError/Code/indexNotReady`` if a unique index has items with equal keys
    ///   (``duplicates(ofIndex:in:limit:)``) or a counter's sum overflows,
    ///   ``CodexError/Code/readOnly``, ``CodexError/Code/closed``, and the error of a failed build.
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

    /// Adds an index to a table and returns once writes maintain it.
    ///
    /// Present items are added in the background. On a small table they are added before this call
    /// returns, unless other builds take longer or fail (``waitUntilReady()``).
    ///
    /// The attributes are checked against the Swift types with which this process opened the store.
    /// An index that is there keeps its layout (``StoreEvent/schemaWarning(_:)``).
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if there is another index of this name,
    ///   ``CodexError/Code/invalidSchema``, ``CodexError/Code/unknownTable``, and as
    ///   ``write(_:)-(_)``. On a small table also the error of a build that fails for some seconds,
    ///   and ``CodexError/Code/indexNotReady`` if a unique index has equal keys. In both cases the
    ///   index is added, and building continues (``waitUntilReady()``). An index with equal keys is
    ///   not in force: writes of equal keys are not refused. Change the items that
    ///   ``duplicates(ofIndex:in:limit:)`` lists, and wait again, or remove the index.
    public func addIndex(_ index: IndexDefinition, to table: String) async throws {
        try await add(to: table, number: nil, if: nil) { $0.with(indexes: [index], counters: []) }
    }

    /// Adds an index to a table as ``addIndex(_:to:)`` does, if a check allows it.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - table: The table's name.
    ///   - number: The number of the table that is meant (``TableState/number``).
    ///   - check: The check.
    /// - Throws: As ``addIndex(_:to:)``, ``CodexError/Code/unknownTable`` if another table has the
    ///   name, and the errors of `check`. The failure of a build is no error.
    package func addIndex(
        _ index: IndexDefinition, to table: String, number: Int, if check: @escaping SchemaCheck
    ) async throws {
        try await add(to: table, number: number, if: check) {
            $0.with(indexes: [index], counters: [])
        }
    }

    /// Adds a counter to a table; see ``addIndex(_:to:)``.
    ///
    /// - Throws: As ``addIndex(_:to:)``.
    public func addCounter(_ counter: CounterDefinition, to table: String) async throws {
        try await add(to: table, number: nil, if: nil) {
            $0.with(indexes: [], counters: [counter])
        }
    }

    private func add(
        to name: String, number meant: Int?, if check: SchemaCheck?,
        _ addition: @escaping @Sendable (TableDefinition) -> TableDefinition
    ) async throws {
        let builder = try requireBuilder()
        let table = try core.catalog.table(name)
        let (number, types) = (meant ?? table.number, core.types.opened)
        try await changeManifest(if: check) { manifest, _ throws(CodexError) in
            // A new table may have the same name.
            let added = addition(try manifest.definition(of: name, number: number))
            try manifest.schema.validateAddition(added, types)
            return try manifest.merge(Schema(tables: [added]))
        }
        let added = addition(table.plan.definition)
        for index in added.indexes {
            let entry = core.catalog.manifest.tables[name]
            guard let warning = entry?.layoutWarning(for: index, of: name) else { continue }
            core.options.observer?(.schemaWarning(warning))
        }
        // The change is made: a request that has checked it does not fail with the build.
        try await builder.waitBriefly(for: name, isReported: check == nil)
        if check == nil { try requireNoConflict(added, number: number) }
    }

    /// Throws if the build of an index or counter of a definition found a conflict.
    ///
    /// One that is still built, or was removed since, is no error: the change was made.
    private func requireNoConflict(
        _ definition: TableDefinition, number: Int
    ) throws(CodexError) {
        guard let table = try? core.catalog.table(definition.name), table.number == number else {
            return
        }
        for index in definition.indexes {
            let present = table.indexes.first { $0.plan.definition.name == index.name }
            if present?.state == .conflicting { _ = try table.index(index.name) }
        }
        for counter in definition.counters {
            let present = table.counters.first { $0.plan.definition.name == counter.name }
            if present?.state == .conflicting { _ = try table.counter(counter.name) }
        }
    }

    /// Does a part of the work of indexes and counters, if builds run on demand
    /// (``StoreParts/builds``).
    ///
    /// - Parameter stepCountMax: The number of transactions after which the call ends, at least 1.
    ///   The change of the manifest that ends a build may follow.
    /// - Returns: What the call has left to do.
    /// - Throws: The errors of building, at once; ``CodexError/Code/readOnly`` and
    ///   ``CodexError/Code/closed``.
    package func build(stepCountMax: Int = .max) throws(CodexError) -> BuildsOnDemand.Outcome {
        let builder = try requireOwnBuilder()
        return try core.awaited { () throws(CodexError) in
            try builder.work(stepCountMax: stepCountMax)
        }
    }

    /// Throws if an index or counter of `definition` cannot be read.
    func requireReady(_ definition: TableDefinition) throws(CodexError) {
        let table = try core.catalog.table(definition.name)
        for index in definition.indexes { _ = try table.index(index.name) }
        for counter in definition.counters { _ = try table.counter(counter.name) }
    }

    /// Removes an index: it is unknown at once, and its entries are removed in the background.
    ///
    /// A program that opens the store with a schema that has the index adds it again.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``, and as
    ///   ``write(_:)-(_)``.
    public func removeIndex(_ name: String, from table: String) async throws {
        try await remove(.index, name, table, number: nil, if: nil)
    }

    /// Removes an index as ``removeIndex(_:from:)`` does, if a check allows it.
    ///
    /// - Parameters:
    ///   - name: The name of the index.
    ///   - table: The table's name.
    ///   - number: The number of the table that is meant (``TableState/number``).
    ///   - check: The check.
    /// - Throws: As ``removeIndex(_:from:)``, ``CodexError/Code/unknownTable`` if another table has
    ///   the name, and the errors of `check`.
    package func removeIndex(
        _ name: String, from table: String, number: Int, if check: @escaping SchemaCheck
    ) async throws {
        try await remove(.index, name, table, number: number, if: check)
    }

    /// Removes a counter; see ``removeIndex(_:from:)``.
    ///
    /// - Throws: As ``removeIndex(_:from:)``.
    public func removeCounter(_ name: String, from table: String) async throws {
        try await remove(.counter, name, table, number: nil, if: nil)
    }

    private func remove(
        _ kind: PartKind, _ name: String, _ table: String, number: Int?, if check: SchemaCheck?
    ) async throws {
        let builder = try requireBuilder()
        try await changeManifest(if: check) { manifest, _ throws(CodexError) in
            if let number { _ = try manifest.definition(of: table, number: number) }
            try manifest.remove(kind, name, of: table)
            return true
        }
        builder.schedule.wake()
    }

    /// The primary keys of items that share their key in an index with another item.
    ///
    /// Such items keep a unique index from being ready. Expired items do not conflict, whether they
    /// were removed or not. A conflict with an item that expires later ends with the next
    /// ``waitUntilReady()``.
    ///
    /// - Parameters:
    ///   - index: The index's name.
    ///   - table: The table's name.
    ///   - limit: The maximum number of keys to return.
    /// - Returns: For each group of items with one key, all but the first.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/closed``.
    public func duplicates(
        ofIndex index: String, in table: String, limit: Int = 1000
    ) throws -> [PrimaryKey] {
        try core.withReadContext { context in
            let table = try context.catalog.table(table)
            let index = try table.knownIndex(index)
            return try IndexReads(context).duplicates(table, index, limit: limit).map {
                try table.plan.primaryKey($0.span)
            }
        }
    }
}
