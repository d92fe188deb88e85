public import CodexCore
internal import CodexIndex

// How a typed bulk call concerns each item at most once, though its changes move items in the index
// that it walks:
//
// 1. `BulkSelection.keys` collects primary keys in a snapshot: the next ones in the order of the
//    table's keys, up to a number. In an index, which has another order, it keeps the least ones.
// 2. Each batch of the keys is a transaction. It looks at each item again: another write may have
//    changed it since.
// 3. The next keys come after the last one. So a change of an index key brings no item back.
// 4. A change of the fields that form the primary key may move an item to a later key. The call
//    remembers such keys until it comes to them, and passes them over (`MovedKeys`).

/// The result of a bulk update.
public struct BulkUpdateReport: Sendable {
    /// An item that could not be changed, and the error; the item is unchanged.
    public struct Failure: Sendable {
        /// The item's primary key, which is user data.
        public let key: PrimaryKey
        /// The reason for the failure: a ``CodexError``, or an error of the call's closure.
        public let error: any Error
    }

    /// The number of the items that were found.
    public internal(set) var examinedCount = 0
    /// The number of items that were changed.
    public internal(set) var updatedCount = 0
    /// The failures; the first 1,000.
    public internal(set) var failures: [Failure] = []
    /// The number of items that could not be changed.
    public internal(set) var failureCount = 0
    /// The place after the last batch, from which another call continues; `nil` at the end.
    public internal(set) var next: PageToken?
}

extension Store {
    /// Changes all entities that a query finds, in transactions of `batchCount` items each.
    ///
    /// ```swift
    /// let report = try await store.updateAll(.orders(in: "sent", from: 0)) { $0.state = "closed" }
    /// print(report.updatedCount, report.failureCount)
    /// ```
    ///
    /// Each item is changed as by ``update(_:_:)``. A call changes each item at most once, even if
    /// the change moves the item in the index of the query. The items come in the order of their
    /// primary keys, and not in the order of the query.
    ///
    /// Other writes run between the batches. An item that no longer matches when its turn comes is
    /// passed over. An item that starts to match meanwhile is changed if its primary key comes
    /// later. If an item cannot be read, or `body` or a rule refuses it, it stays unchanged and is
    /// reported, and the call continues.
    ///
    /// An interrupted call keeps its committed batches. `progress` gets the place from which
    /// another call continues (``BulkUpdateReport/next``). That call passes over all items up to
    /// the place.
    ///
    /// - Parameters:
    ///   - query: The entities to change. Its direction has no effect.
    ///   - batchCount: The number of items that a transaction changes, 1 or more.
    ///   - token: The place from which to continue an earlier call with the same query.
    ///   - progress: Called after each batch with the report so far.
    ///   - body: Changes an entity. As any body of a write it may run again.
    /// - Returns: A report of the call.
    /// - Throws: `CancellationError` between batches; ``CodexError/Code/invalidArgument``,
    ///   ``CodexError/Code/invalidPageToken``, and as ``ReadableTransaction/query(_:limit:after:)``
    ///   and ``write(_:)-(_)``.
    /// - Complexity: O(*m* · log *n*) for *m* found items. With an index, the range of the query is
    ///   also read once for each *k* items, where *k* is 64 times `batchCount`, at most 64,000. The
    ///   call keeps up to 2 *k* keys in memory.
    @discardableResult
    public func updateAll<E: Entity>(
        _ query: Query<E>, batchCount: Int = 500, after token: PageToken? = nil,
        progress: (@Sendable (BulkUpdateReport) -> Void)? = nil,
        _ body: @escaping @Sendable (inout E) throws -> Void
    ) async throws -> BulkUpdateReport {
        try await update(BulkSelection(query: query), batchCount, token, progress, body)
    }

    /// Changes all entities of a type, in transactions of `batchCount` items each.
    ///
    /// See ``updateAll(_:batchCount:after:progress:_:)``.
    ///
    /// - Complexity: O(*n*) for *n* items in the table.
    @discardableResult
    public func updateAll<E: Entity>(
        of type: E.Type, batchCount: Int = 500, after token: PageToken? = nil,
        progress: (@Sendable (BulkUpdateReport) -> Void)? = nil,
        _ body: @escaping @Sendable (inout E) throws -> Void
    ) async throws -> BulkUpdateReport {
        try await update(BulkSelection<E>(query: nil), batchCount, token, progress, body)
    }

    /// Deletes all entities that a query finds, in transactions of `batchCount` items each.
    ///
    /// Items of other entities stay, also those in the same partition. Other writes run between the
    /// batches. If the call is cancelled or the process killed, the deleted items stay deleted, and
    /// another call continues with the rest. An item that cannot be read as the entity is deleted,
    /// too: its encryption keys may be lost. But if a filter cannot see an item, as an upgrade
    /// refuses it, the call throws: the item may be one to keep.
    ///
    /// - Parameters:
    ///   - query: The entities to delete. Its direction has no effect.
    ///   - batchCount: The number of items that a transaction deletes, 1 or more.
    /// - Returns: The number of deleted items.
    /// - Throws: `CancellationError` between batches; ``CodexError/Code/invalidArgument``, and as
    ///   ``WriteTransaction/deleteItems(matching:limit:after:)`` and ``write(_:)-(_)``.
    /// - Complexity: As ``updateAll(_:batchCount:after:progress:_:)``.
    @discardableResult
    public func deleteAll<E: Entity>(
        _ query: Query<E>, batchCount: Int = 1000
    ) async throws -> Int {
        try await delete(BulkSelection(query: query), batchCount)
    }

    /// Deletes all entities of a type, in transactions of `batchCount` items each.
    ///
    /// See ``deleteAll(_:batchCount:)``.
    ///
    /// - Complexity: O(*n*) for *n* items in the table.
    @discardableResult
    public func deleteAll<E: Entity>(
        of type: E.Type, batchCount: Int = 1000
    ) async throws -> Int {
        try await delete(BulkSelection<E>(query: nil), batchCount)
    }

    private func update<E: Entity>(
        _ selection: BulkSelection<E>, _ batchCount: Int, _ token: PageToken?,
        _ progress: (@Sendable (BulkUpdateReport) -> Void)?,
        _ body: @escaping @Sendable (inout E) throws -> Void
    ) async throws -> BulkUpdateReport {
        var report = BulkUpdateReport()
        var moved = MovedKeys()
        let start = try token.map { token in
            try read { try selection.start(at: token, $0.reader) }
        }
        try await forEachBatch(of: selection, after: start ?? [], batchCount) { keys, isLast in
            let unmoved = moved.unmoved(keys)
            let batch = try await write { transaction in
                try selection.update(unmoved, &transaction, body)
            }
            moved.add(batch.moved, after: keys)
            report.add(batch.report)
            guard let progress else { return }
            report.next = try isLast ? nil : selection.token(after: keys.last ?? [], self)
            progress(report)
        }
        report.next = nil
        return report
    }

    private func delete<E: Entity>(
        _ selection: BulkSelection<E>, _ batchCount: Int
    ) async throws -> Int {
        var count = 0
        try await forEachBatch(of: selection, after: [], batchCount) { keys, _ in
            let deleted = try await write { try selection.delete(keys, &$0) }
            count += deleted
        }
        return count
    }

    /// Passes the keys of a selection to `body`, ascending and in batches.
    ///
    /// - Parameters:
    ///   - selection: The items.
    ///   - start: The encoded key after which to start.
    ///   - batchCount: The number of keys of a batch.
    ///   - body: Gets a batch, and whether it is the last one.
    /// - Throws: The errors of reading, those of `body`, and `CancellationError`.
    private func forEachBatch<E: Entity>(
        of selection: BulkSelection<E>, after start: [UInt8], _ batchCount: Int,
        _ body: (_ keys: [[UInt8]], _ isLast: Bool) async throws -> Void
    ) async throws {
        guard batchCount >= 1 else {
            throw CodexError(.invalidArgument, "A batch of a bulk call has at least 1 item.")
        }
        // Several batches from one walk: a walk through an index reads all of its range.
        let countMax = 64 * min(batchCount, 1000)
        var start = start
        while true {
            try _Concurrency.Task.checkCancellation()
            let found = try read { try selection.keys(after: start, countMax, $0.reader) }
            guard let last = found.keys.last else { return }
            var rest = found.keys[...]
            while !rest.isEmpty {
                try _Concurrency.Task.checkCancellation()
                let keys = Array(rest.prefix(batchCount))
                rest = rest.dropFirst(batchCount)
                try await body(keys, rest.isEmpty && !found.isCut)
            }
            guard found.isCut else { return }
            start = last
        }
    }
}

extension BulkUpdateReport {
    private static let reportedFailureCountMax = 1000

    /// Adds the report of another batch.
    fileprivate mutating func add(_ other: BulkUpdateReport) {
        examinedCount += other.examinedCount
        updatedCount += other.updatedCount
        failureCount += other.failureCount
        let room = max(0, Self.reportedFailureCountMax - failures.count)
        failures += other.failures.prefix(room)
    }
}

/// The entities that a bulk call concerns: those of a query, or all of a type.
private struct BulkSelection<E: Entity>: Sendable {
    /// The query; `nil` for all.
    let query: Query<E>?

    /// The checked query with its place in the order of keys, in one transaction.
    private struct Run {
        let context: TransactionContext
        let bound: TransactionContext.BoundEntity
        /// The query; `nil` for all items of the entity.
        let query: QueryRun?
        let filter: Condition?
    }

    private func run(_ context: TransactionContext) throws(CodexError) -> Run {
        let bound = try context.binding(E.self)
        guard var request = query?.request else {
            return Run(context: context, bound: bound, query: nil, filter: nil)
        }
        request.direction = .forward
        try context.requireFindable(bound, by: request.index)
        return Run(
            context: context, bound: bound,
            query: try context.run(request, of: bound, wanting: .keys), filter: request.filter)
    }

    // MARK: Keys

    /// The next encoded primary keys of the selection, ascending, and whether there may be more.
    func keys(
        after start: [UInt8], _ countMax: Int, _ context: TransactionContext
    ) throws -> (keys: [[UInt8]], isCut: Bool) {
        let run = try self.run(context)
        guard let query = run.query else {
            var (keys, isCut): ([[UInt8]], Bool) = ([], false)
            unsafe try EntityScan(E.self, context).walk(after: start) { entry, isOwn in
                guard isOwn else { return true }
                isCut = keys.count == countMax
                if !isCut { keys.append(unsafe Array(entry.key)) }
                return !isCut
            }
            return (keys, isCut)
        }
        if let index = query.index {
            return try leastKeys(of: query, index, after: start, countMax)
        }
        // The table's own order is the order of primary keys.
        let part = start.isEmpty ? nil : query.range.resumed(after: start, .forward)
        var (keys, isCut): ([[UInt8]], Bool) = ([], false)
        unsafe try walk(query, part ?? query.range) { key in
            isCut = keys.count == countMax
            if !isCut { keys.append(unsafe Array(key)) }
            return !isCut
        }
        return (keys, isCut)
    }

    private func leastKeys(
        of query: QueryRun, _ index: IndexHandle, after start: [UInt8], _ countMax: Int
    ) throws -> (keys: [[UInt8]], isCut: Bool) {
        var least = LeastKeys(countMax: countMax)
        unsafe try walk(query, query.range) { entryKey in
            let offset = try index.plan.primaryKeyOffset(unsafe Span(_unsafeElements: entryKey))
            let key = unsafe UnsafeBufferPointer(rebasing: entryKey[offset...])
            let isLater = unsafe start.isEmpty ? true : key.compare(start) > 0
            if isLater { least.add(unsafe Array(key)) }
            return true
        }
        return (least.keys(), least.isCut)
    }

    /// Passes the keys of the items that may be those of the selection to `body`.
    ///
    /// An item for which the filter fails may be one: the batch looks at it again, and reports it.
    /// An index entry without an item selects nothing, with or without a filter.
    private func walk(
        _ query: QueryRun, _ part: KeyRange, _ body: (UnsafeBufferPointer<UInt8>) throws -> Bool
    ) throws {
        unsafe try query.scan(part, passingOver: { _ in true }, absent: { _ in }) { key, bytes in
            guard try query.mayPass(bytes) else { return true }
            return unsafe try body(key)
        }
    }

    // MARK: Places

    /// The key after which a call continues.
    ///
    /// - Throws: ``CodexError/Code/invalidPageToken``.
    func start(
        at token: PageToken, _ context: TransactionContext
    ) throws(CodexError) -> [UInt8] {
        try tokens(try self.run(context)).key(in: token)
    }

    /// The place after a key.
    func token(after key: [UInt8], _ store: Store) throws -> PageToken {
        try store.read { tokens(try run($0.reader)).token(after: key) }
    }

    private func tokens(_ run: Run) -> PageTokenCodec {
        let index = run.query?.index?.plan.definition.name ?? ""
        let parts = [run.bound.table.name, index, "bulk", run.bound.entity.definition.name]
        return PageTokenCodec(
            storeID: run.context.catalog.storeID, source: Array(parts.joined(separator: "\0").utf8),
            range: run.query?.range ?? .all, direction: .forward, filter: run.filter)
    }

    // MARK: Batches

    /// The result of one transaction of an update.
    struct UpdatedBatch: Sendable {
        var report = BulkUpdateReport()
        /// The new primary keys of items that the update moved to where the walk still comes.
        var moved: Set<[UInt8]> = []
    }

    /// Changes the items under the keys, except those that this batch moved there.
    func update(
        _ keys: [[UInt8]], _ transaction: inout WriteTransaction, _ body: (inout E) throws -> Void
    ) throws -> UpdatedBatch {
        let context = transaction.context
        let run = try self.run(context)
        var batch = UpdatedBatch()
        for key in keys where !batch.moved.contains(key) {
            let primaryKey = try run.bound.table.plan.primaryKey(key.span)
            var isFound = false
            let changed: E
            do {
                guard try isSelected(key, run) else { continue }
                isFound = true
                changed = try transaction.update(Lookup<E>(.primaryKey(primaryKey)), body)
                batch.report.examinedCount += 1
            } catch {
                if let failure = context.failure { throw failure }
                if !isFound, let error = error as? CodexError, !error.isOfItem { throw error }
                batch.report.examinedCount += 1
                batch.report.failureCount += 1
                batch.report.failures.append(.init(key: primaryKey, error: error))
                continue
            }
            batch.report.updatedCount += 1
            if let moved = try newKey(of: changed, from: key, run),
                ByteOrder.compare(moved, key) > 0
            {
                batch.moved.insert(moved)
            }
        }
        return batch
    }

    /// Deletes the items under the keys.
    ///
    /// - Returns: The number of deleted items.
    func delete(_ keys: [[UInt8]], _ transaction: inout WriteTransaction) throws -> Int {
        let context = transaction.context
        let run = try self.run(context)
        let table = run.bound.table
        var count = 0
        for key in keys {
            guard try isSelected(key, run) else { continue }
            // A deletion decodes only the attributes that form index entries and counters.
            let parts = table.derivedParts
            guard let old = try context.writes.current(table, key, keeping: parts) else { continue }
            try context.items.change([Change(table: table, key: key, old: old, new: nil)])
            count += 1
        }
        return count
    }

    /// Whether the item under a key that was found is still one of the selection.
    private func isSelected(_ key: [UInt8], _ run: Run) throws(CodexError) -> Bool {
        let (context, table) = (run.context, run.bound.table)
        guard let value = unsafe try context.transaction.get(table.tree, key) else { return false }
        let header = unsafe try context.header(of: value)
        guard try run.bound.owns(header, key.span), !context.isExpired(header, in: table) else {
            return false
        }
        guard let query = run.query, query.index != nil || run.filter != nil else { return true }
        guard let image = try context.image(table, key) else { return false }
        if let index = query.index {
            let entries = try context.entryKeys(index, key, image)
            guard entries.contains(where: { query.range.contains($0) }) else { return false }
        }
        guard let filter = run.filter else { return true }
        do throws(CodexError) {
            let item = try context.filteredItem(run.bound, image.item, image.header)
            return filter.evaluate(item)
        } catch {
            let primaryKey = try? table.plan.primaryKey(key.span)
            throw error.inEntity(run.bound.entity.definition.name).inItem(key: primaryKey)
        }
    }

    /// The encoded key of a changed entity; `nil` if it is still under its old key.
    private func newKey(
        of entity: E, from key: [UInt8], _ run: Run
    ) throws(CodexError) -> [UInt8]? {
        let table = run.bound.table
        if unsafe try run.context.transaction.get(table.tree, key) != nil { return nil }
        var encoded: [UInt8] = []
        let primaryKey = try table.plan.definition.primaryKey(of: try entity.item())
        try table.plan.encode(primaryKey, into: &encoded)
        return encoded
    }
}
