internal import CodexCore
internal import FoundationEssentials

// How a store is opened, from a directory to a `StoreCore`:
//
// 1. `Store.init` looks at the directory (StoreDirectory.swift), and creates the store if there is
//    none (StoreCreation.swift). Then it calls `open`.
// 2. `open` registers the store in this process (OpenStores.swift). It takes `gate.lock`, so that
//    processes open one after the other, and corrects the modes of the files.
// 3. `StoreLease.takeAloneOrJoin` finds out whether another process has the store open. If so, the
//    data file is used as it is, and nothing is restored.
// 4. A store of a format without a log is upgraded to the current format (FormatUpgrade.swift).
// 5. `openForReading` opens the environment of a store that needs no recovery.
// 6. `openForWriting` recovers the store if this process is alone (Recovery.swift). It checks
//    checkpoint and log, restores the checkpoint's meta page, and opens the environment at that
//    state. It pins the checkpoint's pages, makes the end of the log durable, and redoes the log
//    (Commit/LogApplier.swift).
// 7. `merge` adds the additions of the program's schema, in a separate commit. A program whose
//    schema is older than the store's adds nothing (EntityDefinition+Merging.swift).
// 8. `StoreLease.share` takes the shared lease, and the gate is released. `Store.init` starts the
//    threads.

/// Opens a directory as a ``StoreCore``.
enum StoreOpening {
    /// An opened store.
    struct Opened {
        let core: StoreCore
        /// The parts of a writable store; `nil` if it is read-only.
        let parts: WritableParts?
    }

    /// Opens an existing store.
    static func open(
        _ directory: Directory, schema: Schema?, options: StoreOptions
    ) throws(CodexError) -> Opened {
        let format = try StoreDirectory.format(directory)
        guard !options.isReadOnly || format == StoreFormat.current else {
            throw CodexError(
                .unsupportedFormat,
                "The store has an earlier release's format. Open it once for writing, which brings "
                    + "it to \(StoreFormat.current).")
        }
        let identity = directory.identity
        try OpenStores.enter(directory, within: options.lockTimeout)
        do throws(CodexError) {
            // The gate is held until the store is recovered and the lease is taken. Meanwhile, no
            // other process decides whether it is alone.
            var gate: FileLock?
            try options.parts.perform(.takeGate) { () throws(CodexError) in
                gate = try StoreLease.gate(
                    directory, isReadOnly: options.isReadOnly, within: options.lockTimeout)
            }
            defer { gate?.release() }
            let start = ContinuousClock.now
            if !options.isReadOnly {
                FileAccess.settle(directory, options.fileAccess, StoreDirectory.isOwnName)
            }
            let lease = try StoreLease(
                directory, isReadOnly: options.isReadOnly, calls: options.parts.calls
            ) { path in
                options.observer?(.directoryMoved(path: path))
            }
            var isOpen = false
            defer { if !isOpen { lease.release() } }
            let isAlone = try lease.takeAloneOrJoin(retried: options.parts.locksRetried)
            let isEarlier = try StoreDirectory.format(directory) < StoreFormat.current
            if isEarlier { try FormatUpgrade.upgrade(directory, options, isAlone: isAlone) }
            let opened =
                options.isReadOnly
                ? try openForReading(
                    directory, lease, options, isAlone: isAlone, KnownTypes(schema))
                : try openForWriting(
                    directory, lease, options, isAlone: isAlone, isEarlier: isEarlier,
                    KnownTypes(schema), since: start)
            do throws(CodexError) {
                try merge(schema, opened)
                try lease.share(wasAlone: isAlone, isReadOnly: options.isReadOnly)
            } catch {
                opened.parts?.checkpointer.finish()
                opened.core.environment.close()
                throw error
            }
            isOpen = true
            return opened
        } catch {
            OpenStores.leave(identity)
            throw error
        }
    }

    private static func openForReading(
        _ directory: Directory, _ lease: StoreLease, _ options: StoreOptions, isAlone: Bool,
        _ types: KnownTypes
    ) throws(CodexError) -> Opened {
        if isAlone { try Recovery.requireClean(directory, lease) }
        let environment = try Environment(
            directory, readOnly: true, flushes: false, mapByteCount: options.mapByteCount)
        do throws(CodexError) {
            try environment.holdLocks(directory)
            let core = try core(directory, environment, lease, options, types)
            return Opened(core: core, parts: nil)
        } catch {
            environment.close()
            throw error
        }
    }

    private static func openForWriting(
        _ directory: Directory, _ lease: StoreLease, _ options: StoreOptions, isAlone: Bool,
        isEarlier: Bool, _ types: KnownTypes, since start: ContinuousClock.Instant
    ) throws(CodexError) -> Opened {
        let options = options.withDeletionClock(of: directory)
        let recovery = isAlone ? try Recovery(directory, lease, options) : nil
        // The store is sound. The marker is raised before the store has data of the current format,
        // so that earlier releases refuse it.
        if isEarlier { try StoreDirectory.raiseMarker(directory) }
        try recovery?.restore()
        let environment = try Environment(
            directory, readOnly: false, flushes: false, mapByteCount: options.mapByteCount)
        do throws(CodexError) {
            try environment.holdLocks(directory)
            environment.clearDeadReaders()
            if !isAlone { Leftovers(in: directory).remove() }
            let core = try core(directory, environment, lease, options, types)
            let file: DataFile
            if let recovery { file = recovery.file } else { file = try DataFile(directory) }
            let log: LogWriter =
                recovery?.log
                ?? LogWriter(core.logDirectory, lease, options)
            log.space.readers.withLock { readers in
                readers = { [weak core] in try core.map { try HistoryReader.all($0) } ?? [] }
            }
            let checkpointer = Checkpointer(
                directory, environment, core.catalog.meta, file, log, lease, options)
            guard let recovery else {
                return Opened(
                    core: core,
                    parts: WritableParts(log: log, checkpointer: checkpointer, recovery: nil))
            }
            let pin = try recovery.pin(environment, core.catalog.meta)
            options.parts.readerHeld?(pin)
            checkpointer.adopt(pin)
            do throws(CodexError) {
                var report: RecoveryReport?
                try options.parts.perform(.applyLog) { () throws(CodexError) in
                    let fresh = try recovery.prepareLog()
                    // The process that failed is gone. Its records are on stable storage, or not in
                    // the store.
                    try lease.clearRefusal()
                    let pipeline = try CommitPipeline(core, log, checkpointer)
                    report = try recovery.redo(pipeline, fresh: fresh, since: start)
                }
                if let report, report.commitCount > 0 || report.foundTornRecord {
                    options.observer?(.recovery(report))
                }
                return Opened(
                    core: core,
                    parts: WritableParts(log: log, checkpointer: checkpointer, recovery: report))
            } catch {
                checkpointer.release()
                throw error
            }
        } catch {
            environment.close()
            throw error
        }
    }

    private static func core(
        _ directory: Directory, _ environment: Environment, _ lease: StoreLease,
        _ options: StoreOptions, _ types: KnownTypes
    ) throws(CodexError) -> StoreCore {
        let transaction = try environment.begin(readOnly: true)
        let catalog: Catalog
        do throws(CodexError) {
            catalog = try Catalog(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        // An abort would close the handles that were opened.
        try transaction.commit()
        return StoreCore(
            directory: directory,
            logDirectory: try LogDirectory(store: directory, id: catalog.manifest.storeID),
            environment: environment, catalog: catalog,
            lease: lease, options: options, types: types)
    }

    /// Applies the additions of a schema.
    ///
    /// In a store of an earlier release, it also raises the format and binds encrypted values.
    private static func merge(_ schema: Schema?, _ opened: Opened) throws(CodexError) {
        // A copy that is being restored gets the additions with its new identity: its log is the
        // old store's.
        guard !opened.core.options.isRestoring else { return }
        let own = opened.core.catalog.manifest
        var manifest = own
        let isChanged = try merge(schema, &manifest)
        if let schema {
            try requireSound(
                schema, in: manifest, since: own.schema, opened.core.options.observer)
        }
        guard isChanged else { return }
        guard let parts = opened.parts else {
            guard manifest.schema != own.schema else { return }
            throw CodexError(
                .schemaMismatch,
                "The schema has additions, which a read-only store cannot take. "
                    + "Open it once for writing, or without a schema.")
        }
        guard !manifest.isFollower || manifest.schema == own.schema else {
            throw CodexError(
                .schemaMismatch,
                "The schema has additions. The store is a follower: it takes them from its leader. "
                    + "Open the leader with the schema first, or the follower without.")
        }
        let pipeline = try CommitPipeline(opened.core, parts.log, parts.checkpointer)
        do throws(CodexError) {
            let tables = opened.core.catalog.allTables
            try ManifestEditor(pipeline).edit { manifest, transaction throws(CodexError) in
                guard try merge(schema, &manifest) else { return false }
                try endEmptyMigrations(of: tables, &manifest, transaction)
                return true
            }
        } catch
            where [.diskFull, .storeFull].contains(error.code)
            && manifest.schema == own.schema
        {
            // It must be possible to open a full store, so that items can be deleted. The writer
            // raises the format before it stores an item (Commit/WriterQueue.swift), and the next
            // opening tries the rest again.
        }
    }

    /// Checks a program's schema against its Swift types and against the other entities.
    ///
    /// - Parameters:
    ///   - schema: The program's schema.
    ///   - merged: The manifest of the store, with the program's additions.
    ///   - own: The schema of the store before.
    ///   - observer: Gets an event for each problem that is not refused.
    /// - Throws: ``CodexError/Code/invalidSchema``.
    private static func requireSound(
        _ schema: Schema, in merged: Manifest, since own: Schema,
        _ observer: (@Sendable (StoreEvent) -> Void)?
    ) throws(CodexError) {
        var warnings = try schema.validateTypes(within: merged.schema, since: own)
        warnings += try merged.schema.requireDistinctKeys(since: own)
        for table in schema.tables {
            guard let entry = merged.tables[table.name] else { continue }
            warnings += table.indexes.compactMap { entry.layoutWarning(for: $0, of: table.name) }
        }
        guard let observer else { return }
        for entity in schema.uncheckedEntities { observer(.entityUnchecked(entity)) }
        for warning in warnings { observer(.schemaWarning(warning)) }
    }

    /// Records that empty tables have no items of earlier schema versions.
    private static func endEmptyMigrations(
        of tables: [TableHandle], _ manifest: inout Manifest, _ transaction: Transaction
    ) throws(CodexError) {
        guard manifest.evolution?.migrations != nil else { return }
        for table in tables {
            guard manifest.tables[table.name]?.number == table.number,
                try transaction.count(table.tree) == 0
            else { continue }
            for entity in manifest.schema.entities where entity.table == table.name {
                let migration = manifest.evolution?.migrations?[entity.name]
                guard let migration, migration.oldest < entity.schemaVersion else { continue }
                _ = manifest.evolution?.endMigration(of: entity, from: 0)
            }
        }
    }

    private static func merge(
        _ schema: Schema?, _ manifest: inout Manifest
    ) throws(CodexError) -> Bool {
        let isNew = FormatUpgrade.bringUpToDate(&manifest)
        guard let schema else { return isNew }
        return try manifest.merge(schema) || isNew
    }
}
