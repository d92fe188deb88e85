internal import CodexCore
internal import CodexIndex

/// The work of a builder, step by step: indexes, counters, removed parts and undecided values.
struct BuildWork {
    private let builder: Builder
    private var core: StoreCore { builder.core }
    private var schedule: BuildSchedule { builder.schedule }

    init(_ builder: Builder) { self.builder = builder }

    /// The number of items that one snapshot of a build reads, so that it keeps few pages from
    /// reuse.
    private static let snapshotItemCount = 20_000

    /// Does the most urgent step of the remaining work.
    func step(_ catalog: Catalog) throws(CodexError) {
        for table in catalog.allTables {
            // The process that loaded has ended: otherwise it would have the lock.
            if table.isLoading {
                schedule.aim(at: (table.name, nil))
                return try builder.changeManifest { manifest, _ in
                    manifest.tables[table.name]?.endLoading()
                    return true
                }
            }
            let indexes = table.indexes.filter { $0.state == .building }
            if !indexes.isEmpty { return try build(table, indexes) }
            if let counter = table.counters.first(where: { $0.state == .building }) {
                return try build(table, counter)
            }
        }
        // Indexes and counters come first, because callers wait for them.
        if let table = catalog.allTables.first(where: \.clearsExpiry) {
            return try FormerExpiry(builder).clear(table)
        }
        for table in catalog.allTables {
            if let retired = table.retired.first { return try empty(table, retired) }
        }
        if !catalog.droppedTrees.isEmpty { return try empty(catalog.droppedTrees) }
        try UndecidedValues(builder).decide(builder.undecidedTables(catalog))
    }

    /// Ends the building of a part: it is ready, or its keys conflict.
    private func finish(
        _ table: TableHandle, _ part: String, _ state: Manifest.BuildState?
    ) throws(CodexError) {
        let (name, number) = (table.name, table.number)
        // The log does not have the entries that a build adds. A checkpoint must have them before
        // the log records that the part is complete.
        try builder.changeManifest(afterCheckpoint: true) { manifest, _ in
            // A new table may have the same name.
            guard manifest.tables[name]?.number == number,
                manifest.tables[name]?.state(part) == .building
            else { return false }
            manifest.tables[name]?.setState(state, part)
            manifest.forgetPosition(part, of: name)
            return true
        }
    }

    /// Lets a complete tree with another layout replace the tree of its index.
    private func replace(_ table: TableHandle, by index: IndexHandle) throws(CodexError) {
        let (name, number) = (table.name, table.number)
        let (definition, part) = (index.plan.definition, index.part)
        // As at the end of a build, a checkpoint must have the entries first.
        try builder.changeManifest(afterCheckpoint: true) { manifest, _ in
            // A new table may have the same name, and the change may have been cancelled.
            guard manifest.tables[name]?.number == number,
                let obsolete = manifest.tables[name]?.endRelayout(of: definition, by: part)
            else { return false }
            for part in obsolete { manifest.forgetPosition(part, of: name) }
            return true
        }
    }

    // MARK: Indexes

    /// Builds all unfinished indexes of a table in one pass over its items.
    private func build(_ table: TableHandle, _ building: [IndexHandle]) throws(CodexError) {
        // The index of expiry comes first: items then expire, and do not conflict in the other
        // indexes. Trees with another layout come last, as in the table: the states of the trees
        // that they replace are known by then.
        let indexes = building.filter(\.plan.isExpiry) + building.filter { !$0.plan.isExpiry }
        schedule.aim(at: (table.name, indexes.count == 1 ? indexes[0].plan.definition.name : nil))
        var done: [[UInt8]] = []
        for index in indexes {
            done.append(try builder.position(BuildProgress.key(table, index.part)))
        }
        guard let (keys, changeCount) = try sortedKeys(table, indexes, after: done) else { return }
        for (index, keys) in zip(indexes, keys) { try insert(keys, of: changeCount, table, index) }
    }

    /// Adds entries; `changeCount` is the number of changes of items in the whole log when all of
    /// them were read, or `nil`.
    private func insert(
        _ sorted: SortedKeys, of changeCount: UInt64?, _ table: TableHandle, _ index: IndexHandle
    ) throws(CodexError) {
        schedule.aim(at: (table.name, index.plan.definition.name))
        let positionKey = BuildProgress.key(table, index.part)
        let feed = EntryFeed(
            core, sorted, of: changeCount, table, index, isParallel: !schedule.isOnDemand)
        feed.prepare()
        while true {
            if schedule.isStopped { return }
            var batch = try feed.take()
            if batch.keys.isEmpty { break }
            // The next batch is prepared while this one is stored.
            feed.prepare()
            while !batch.keys.isEmpty {
                if schedule.isStopped { return }
                let entries = batch
                let limit = schedule.limit
                let count = try builder.write { context in
                    try BuildSteps(context).insertEntries(
                        entries, of: changeCount, table, index.part, positionKey, limit)
                }
                guard let count else { return }
                batch.removeFirst(count)
            }
        }
        if index.isReplacement { return try replace(table, by: index) }
        let conflicts =
            index.plan.definition.isUnique
            ? try builder.reading { try !IndexReads($0).duplicates(table, index, limit: 1).isEmpty }
            : false
        try finish(table, index.part, conflicts ? .conflicting : nil)
    }

    /// Reads and sorts the keys of the entries that the table's items have in some indexes.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - indexes: The indexes.
    ///   - done: For each index, the last entry key that is already there.
    /// - Returns: The keys for each index, and the number of changes of items in the whole log when
    ///   they were read, unless it changed meanwhile. It is `nil` if the builder was stopped.
    /// - Throws: ``CodexError``.
    private func sortedKeys(
        _ table: TableHandle, _ indexes: [IndexHandle], after done: [[UInt8]]
    ) throws(CodexError) -> (keys: [SortedKeys], changeCount: UInt64?)? {
        if let loaded = try loadedKeys(table, indexes, after: done) { return loaded }
        var changeCounts: Set<UInt64> = []
        var reading = KeyReading(table, indexes, after: done, in: core.directory)
        var hasMore = true
        while hasMore {
            if schedule.isStopped { return nil }
            hasMore = try builder.reading { context -> Bool in
                changeCounts.insert(try context.storedPosition().changeCount)
                return try reading.read(context, countMax: Self.snapshotItemCount)
            }
        }
        return (try reading.sorted(), changeCounts.count == 1 ? changeCounts.first : nil)
    }

    /// The keys that a load of this process has read, if no item has changed since.
    private func loadedKeys(
        _ table: TableHandle, _ indexes: [IndexHandle], after done: [[UInt8]]
    ) throws(CodexError) -> (keys: [SortedKeys], changeCount: UInt64?)? {
        let taken = builder.loadedKeys.withLock { keys in
            defer { keys = nil }
            return keys
        }
        guard let taken, taken.tableNumber == table.number, done.allSatisfy(\.isEmpty) else {
            return nil
        }
        let keys = indexes.compactMap { taken.keys[$0.part] }
        let position = try builder.reading { try $0.storedPosition() }
        guard keys.count == indexes.count, position.changeCount == taken.changeCount else {
            return nil
        }
        return (keys, position.changeCount)
    }

    // MARK: Counters

    private func build(_ table: TableHandle, _ counter: CounterHandle) throws(CodexError) {
        schedule.aim(at: (table.name, counter.plan.definition.name))
        while !schedule.isStopped {
            let goesOn: Bool
            do throws(CodexError) {
                let limit = schedule.limit
                goesOn = try builder.write {
                    try BuildSteps($0).countOn(table, counter.part, limit)
                }
            } catch {
                // An overflow of a sum comes from the definition: the other parts are still built.
                guard error.code == .invalidNumber else { throw error }
                return try finish(table, counter.part, .conflicting)
            }
            if !goesOn { return try finish(table, counter.part, nil) }
        }
    }

    // MARK: Removed ones

    private func empty(
        _ table: TableHandle, _ retired: (part: Manifest.Retired, tree: Tree)
    ) throws(CodexError) {
        schedule.aim(at: (table.name, nil))
        let (name, number, part) = (table.name, table.number, retired.part)
        let isEmpty = try empty(retired.tree, part) { context in
            // A new table may have the same name.
            let table = try context.catalog.table(name)
            return table.number == number && table.retired.contains { $0.part == part }
        }
        guard isEmpty else { return }
        try builder.changeManifest(afterCheckpoint: true) { manifest, _ in
            guard manifest.tables[name]?.number == number else { return false }
            manifest.tables[name]?.forget(part)
            return true
        }
    }

    /// Empties the trees of removed tables, and forgets all of them with one checkpoint.
    private func empty(_ dropped: [DroppedTree]) throws(CodexError) {
        schedule.aim(at: (nil, nil))
        var parts: [(number: Int, part: Manifest.Retired)] = []
        for tree in dropped.prefix(Self.emptiedTreeCountMax) {
            let (number, part) = (tree.number, tree.part)
            let isEmpty = try empty(tree.tree, part) { context in
                context.catalog.droppedTrees.contains { $0.number == number && $0.part == part }
            }
            guard isEmpty else { break }
            parts.append((number, part))
        }
        guard !parts.isEmpty else { return }
        let emptied = parts
        try builder.changeManifest(afterCheckpoint: true) { manifest, _ in
            for tree in emptied { manifest.forget(tree.part, ofDropped: tree.number) }
            return true
        }
    }

    /// The maximum number of emptied trees that one change of the manifest ends; their space is
    /// then free.
    private static let emptiedTreeCountMax = 500

    /// Empties a tree in steps.
    ///
    /// Each step checks that the work is still due. Another process may have ended it, and the tree
    /// may be in use again.
    ///
    /// - Returns: `false` if the builder was stopped first.
    private func empty(
        _ tree: Tree, _ part: Manifest.Retired,
        isDue: @escaping @Sendable (WriteContext) throws -> Bool
    ) throws(CodexError) -> Bool {
        while !schedule.isStopped {
            let limit = schedule.limit
            let isEmpty = try builder.write { context in
                guard try isDue(context) else { return true }
                return try BuildSteps(context).empty(tree, ownsChunks: part.ownsChunks, limit)
            }
            if isEmpty { return true }
        }
        return false
    }
}
