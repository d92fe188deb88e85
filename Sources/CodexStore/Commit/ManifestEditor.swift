internal import CodexCore

/// Changes the manifest, each time in a separate transaction, and lets the process use the new
/// catalog.
///
/// It runs on the writer's thread, outside of the thread's other transactions. It holds the core's
/// schema lock from before the transaction begins until it has ended, since databases may be opened
/// in it.
struct ManifestEditor {
    private let pipeline: CommitPipeline
    private var core: StoreCore { pipeline.core }
    private var context: WriteContext { pipeline.context }

    init(_ pipeline: CommitPipeline) { self.pipeline = pipeline }

    /// The outcome of an attempt to change the manifest that did not fail.
    enum Attempt {
        /// The new catalog is committed.
        case made(Catalog)
        /// Another step must come first, outside of the schema lock.
        case hindered
        /// The log has the change, and LMDB refused the transaction with an error.
        case logged(refusal: CodexError)
    }

    // MARK: With a record

    /// Changes the manifest, durably.
    ///
    /// A manifest that is stored has the current format: an opening on a full disk may have left it
    /// as it was.
    ///
    /// - Parameters:
    ///   - body: Changes the manifest, and returns whether to store it.
    ///   - check: Reads the store in the transaction of the change, before `body`; `nil` is none.
    /// - Throws: The errors of `check` and `body`, and those of a commit.
    func edit(
        _ body: (inout Manifest, Transaction) throws(CodexError) -> Bool,
        if check: ((WriteContext) throws(CodexError) -> Void)? = nil
    ) throws(CodexError) {
        guard core.catalog.manifest.isOfEarlierFormat else {
            return try commit { () throws(CodexError) in try attemptEdit(body, check) }
        }
        try core.options.parts.perform(.raiseFormat) { () throws(CodexError) in
            try commit { () throws(CodexError) in try attemptEdit(body, check) }
        }
    }

    /// Repeats an attempt as long as it is hindered.
    ///
    /// If only the log has the change at the end, the log is applied.
    func commit(_ attempt: () throws(CodexError) -> Attempt) throws(CodexError) {
        while true {
            // Outside of the lock, the rest of the log is applied, and a checkpoint is made if
            // needed.
            try pipeline.begin()
            pipeline.abort()
            switch try underSchemaLock(attempt) {
            case .made: return
            case .hindered: continue
            case .logged(let refusal): return try pipeline.applyLogged(refusal)
            }
        }
    }

    private func attemptEdit(
        _ body: (inout Manifest, Transaction) throws(CodexError) -> Bool,
        _ check: ((WriteContext) throws(CodexError) -> Void)?
    ) throws(CodexError) -> Attempt {
        try pipeline.beginUnderSchemaLock()
        let new: Catalog
        do throws(CodexError) {
            guard try pipeline.isUnhindered() else {
                pipeline.abort()
                return .hindered
            }
            try check?(context)
            let transaction = context.transaction
            let stored = try storedCatalog()
            var manifest = stored.manifest
            if try body(&manifest, transaction) {
                manifest.raiseFormat()
                let meta = context.catalog.meta
                let generation = try Catalog.storedGeneration(transaction, meta) + 1
                for entry in try manifest.entries(generation: generation) {
                    try transaction.set(meta, entry.key, entry.value)
                    // A follower's log is its leader's. Its build progress is lost together with
                    // what it built.
                    guard !manifest.isFollower else { continue }
                    context.record.appendUncounted(.meta, entry.key, entry.value)
                }
                new = try Catalog(
                    manifest, generation: generation, transaction, create: true,
                    known: core.catalog)
            } else {
                new = stored
            }
        } catch {
            if pipeline.isOpen { pipeline.abort() }
            throw error
        }
        return adopted(new, try pipeline.commitRecord())
    }

    /// The catalog of the manifest that the open transaction sees.
    private func storedCatalog() throws(CodexError) -> Catalog {
        let (known, transaction) = (core.catalog, context.transaction)
        let generation = try Catalog.storedGeneration(transaction, known.meta)
        return generation == known.generation ? known : try Catalog(transaction, known: known)
    }

    /// The attempt that results from the outcome of a commit.
    ///
    /// The context takes over the catalog that was committed.
    func adopted(_ catalog: Catalog, _ outcome: CommitOutcome) -> Attempt {
        if case .logged(let refusal) = outcome { return .logged(refusal: refusal) }
        context.catalog = catalog
        return .made(catalog)
    }

    /// Runs an attempt under the schema lock; the process takes over the new catalog.
    private func underSchemaLock(
        _ attempt: () throws(CodexError) -> Attempt
    ) throws(CodexError) -> Attempt {
        try core.withSchemaLock { () throws(CodexError) in
            let outcome = try attempt()
            if case .made(let catalog) = outcome { core.adopt(catalog) }
            return outcome
        }
    }

    // MARK: Without a record

    /// Applies a record of the store's own log that changes the manifest.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - end: The position of the log after the record.
    /// - Throws: `corrupted` for a record that is not of the manifest, and the errors of LMDB.
    func apply(_ record: LogRecord, endingAt end: LogPosition) throws(CodexError) {
        _ = try underSchemaLock { () throws(CodexError) in
            try attemptApplied(flushed: end.sequence) { () throws(CodexError) in
                // Another process may have applied the record.
                guard context.position.sequence + 1 == end.sequence else { return nil }
                return (try put(record, isLeaders: false), end)
            }
        }
    }

    /// Marks a counter whose sum does not fit as conflicting.
    ///
    /// The counter is unusable until its build is tried again.
    func markConflicting(_ counter: DatabaseID) throws(CodexError) {
        while true {
            let outcome = try underSchemaLock { () throws(CodexError) in
                // The records in the log may not be on stable storage yet.
                try attemptApplied(flushed: nil) { () throws(CodexError) in
                    (try putConflicting(counter), context.position)
                }
            }
            if case .made = outcome { return }
            try pipeline.checkpointer.checkpointNow()
        }
    }

    /// Changes the manifest in a transaction that appends no record to the log.
    ///
    /// - Parameters:
    ///   - flushed: The last record of the log on stable storage; `nil` for the last one that is
    ///     known.
    ///   - body: Returns the catalog and the new position of the log; `nil` changes nothing.
    /// - Returns: Whether the change was made, or was hindered.
    /// - Throws: The errors of `body` and of LMDB.
    private func attemptApplied(
        flushed: UInt64?, _ body: () throws(CodexError) -> (Catalog, LogPosition)?
    ) throws(CodexError) -> Attempt {
        try pipeline.beginUnderSchemaLock()
        let new: Catalog
        let end: LogPosition
        do throws(CodexError) {
            guard try pipeline.hasPin(), let made = try body() else {
                pipeline.abort()
                return .hindered
            }
            (new, end) = made
        } catch {
            if pipeline.isOpen { pipeline.abort() }
            throw error
        }
        try pipeline.commitApplied(end, flushed: flushed ?? context.flushedSequence)
        return adopted(new, .complete)
    }

    private func putConflicting(_ counter: DatabaseID) throws(CodexError) -> Catalog {
        let transaction = context.transaction
        let meta = context.catalog.meta
        let old = try storedCatalog()
        var manifest = old.manifest
        for table in old.allTables {
            for found in table.counters where found.tree.database == counter {
                manifest.tables[table.name]?.setState(.conflicting, found.part)
                manifest.forgetPosition(found.part, of: table.name)
            }
        }
        let generation = try Catalog.storedGeneration(transaction, meta) + 1
        for entry in try manifest.entries(generation: generation) {
            try transaction.set(meta, entry.key, entry.value)
        }
        return try Catalog(
            manifest, generation: generation, transaction, create: true, known: core.catalog)
    }

    // MARK: Changes that a log has

    /// Puts a change of the manifest from a log into the open transaction.
    ///
    /// The change may need adaptation to this store.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - isLeaders: Whether the record comes from a leader; the store's own log has records of
    ///     both kinds.
    /// - Returns: The catalog.
    /// - Throws: ``CodexError/Code/corrupted`` if the record may not follow, and the errors of
    ///   LMDB.
    func put(_ record: LogRecord, isLeaders: Bool) throws(CodexError) -> Catalog {
        let transaction = context.transaction
        let meta = context.catalog.meta
        var entries: [(key: [UInt8], value: [UInt8]?)] = []
        try LogBody.forEach(record) { entry throws(CodexError) in
            guard case .system(let space, let key, let value) = entry, space == .meta else {
                throw Wire.corrupted("a change of the schema in the log")
            }
            entries.append((Array(record.bytes[key]), value.map { Array(record.bytes[$0]) }))
        }
        guard let place = entries.firstIndex(where: { $0.key == Manifest.key }),
            let json = entries[place].value
        else { throw Wire.corrupted("a change of the schema in the log") }
        let changed = try Manifest(json: json)
        let old = try storedCatalog()
        let isForeign = changed.storeID != old.manifest.storeID
        if isLeaders, !isForeign { throw Wire.corrupted("a change of the schema from the leader") }
        // A store that is being restored lacks the progress of builders and their trees, too.
        if isForeign || core.options.isRestoring { try adapt(&entries, changed, old.manifest) }
        for entry in entries { try transaction.set(meta, entry.key, entry.value) }
        guard let stored = unsafe try transaction.get(meta, Manifest.key) else {
            throw Wire.corrupted("a change of the schema in the log")
        }
        return try Catalog(
            try Manifest(json: unsafe Array(stored)),
            generation: try Catalog.storedGeneration(transaction, meta), transaction,
            create: true, known: core.catalog)
    }

    /// Adapts a change of the manifest to this store.
    ///
    /// The change comes from a leader, or from the store of which this one is a copy.
    private func adapt(
        _ entries: inout [(key: [UInt8], value: [UInt8]?)], _ changed: Manifest, _ own: Manifest
    ) throws(CodexError) {
        let transaction = context.transaction
        var manifest = own
        let sequence = context.position.sequence + 1
        try core.options.parts.perform(.adoptSchema) { () throws(CodexError) in
            try manifest.adopt(changed, at: sequence)
        }
        if !core.options.isRestoring {
            manifest.sideEffects.obsoleteKeys += try RemovedTables.obsoleteKeys(core, transaction)
        }
        // This is the promotion of the store of which this one is a copy.
        if changed.storeID == own.storeID, changed.leaderID == nil, own.isFollower {
            manifest.endFollowing()
        }
        let generation = try Catalog.storedGeneration(transaction, context.catalog.meta) + 1
        // Of the record's own entries, only a leader position is kept. The removal of a position,
        // which a promotion makes, is left out.
        entries = entries.filter { $0.key == LeaderPosition.key && $0.value != nil }
        entries += try manifest.entries(generation: generation)
    }

    // MARK: Stores that are not open

    /// Writes the manifest of a store that no other process can have open, and opens its databases.
    static func write(
        _ manifest: Manifest, _ transaction: Transaction
    ) throws(CodexError) -> Catalog {
        guard let meta = try transaction.open(Catalog.metaName, create: true) else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        let generation = try Catalog.storedGeneration(transaction, meta) + 1
        for entry in try manifest.entries(generation: generation) {
            try transaction.set(meta, entry.key, entry.value)
        }
        return try Catalog(manifest, generation: generation, transaction, create: true)
    }
}
