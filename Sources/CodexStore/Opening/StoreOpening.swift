internal import CodexCore
internal import FoundationEssentials

/// Opening: from a directory to a ``StoreCore``.
enum StoreOpening {
    /// A store as it was opened.
    struct Opened {
        let core: StoreCore
        /// `nil` if it is read-only.
        let parts: WritableParts?
    }

    /// Writes the first contents of a new store.
    static func fill(
        _ directory: Directory, _ schema: Schema, _ options: StoreOptions
    ) throws(CodexError) {
        let manifest = Manifest(schema: schema)
        try manifest.requireTreeCount()
        let environment = try Environment(directory, readOnly: false, flushes: true)
        do throws(CodexError) {
            try write(environment) { transaction throws(CodexError) in
                let catalog = try StoreCore.store(manifest, transaction)
                try transaction.put(catalog.meta, LogPosition.key, Self.firstPosition(0).bytes)
            }
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        try StoreLease.make(directory)
        try beginLog(directory, manifest.storeID, options)
    }

    /// Where the log of a store begins.
    private static func firstPosition(_ sequence: UInt64) -> LogPosition {
        LogPosition(
            sequence: sequence, segment: 1, offset: UInt64(LogSegmentHeader.byteCount),
            checksum: 0, changeCount: 0)
    }

    /// Makes the log and the checkpoint of a store whose data file is closed and on the medium.
    static func beginLog(
        _ directory: Directory, _ storeID: UUID, _ options: StoreOptions
    ) throws(CodexError) {
        if try !directory.contains(LogDirectory.name) {
            try directory.makeDirectory(LogDirectory.name)
        }
        let logDirectory = try LogDirectory(store: directory, id: storeID)
        try ClosedStore.publishCheckpoint(in: directory, storeID) {
            pin, lease throws(CodexError) in
            let log = LogWriter(logDirectory, lease, options)
            _ = try log.space.makeSegment(
                pin.position.segment, after: pin.position, incarnation: 1, .growing)
        }
    }

    /// Opens a store that is there.
    static func open(
        _ directory: Directory, schema: Schema?, options: StoreOptions
    ) throws(CodexError) -> Opened {
        let format = try StoreDirectory.format(directory)
        guard !options.isReadOnly || format == Manifest.currentFormat else {
            throw CodexError(
                .unsupportedFormat,
                "The store has an earlier release's format. Open it once for writing, which brings "
                    + "it to \(Manifest.currentFormat).")
        }
        let identity = directory.identity
        try OpenStores.enter(directory, within: options.lockTimeout)
        do throws(CodexError) {
            // Held until the store is recovered and the lease taken: nobody else decides meanwhile
            // whether he is alone.
            let gate =
                options.plantedFault == .noGate
                ? nil
                : try StoreLease.gate(
                    directory, isReadOnly: options.isReadOnly, within: options.lockTimeout)
            defer { gate?.release() }
            let start = ContinuousClock.now
            if !options.isReadOnly {
                directory.settleAccess(options.fileAccess, StoreDirectory.isOwnName)
            }
            let lease = try StoreLease(directory, isReadOnly: options.isReadOnly) { path in
                options.observer?(.directoryMoved(path: path))
            }
            var isOpen = false
            defer { if !isOpen { lease.release() } }
            let isAlone = try lease.takeAlone()
            let isEarlier = try StoreDirectory.format(directory) < Manifest.currentFormat
            if isEarlier { try upgrade(directory, options, isAlone: isAlone) }
            if !isAlone { try lease.requireShared() }
            let opened =
                options.isReadOnly
                ? try openForReading(directory, lease, options, isAlone: isAlone)
                : try openForWriting(
                    directory, lease, options, isAlone: isAlone, isEarlier: isEarlier, since: start)
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
        _ directory: Directory, _ lease: StoreLease, _ options: StoreOptions, isAlone: Bool
    ) throws(CodexError) -> Opened {
        if isAlone { try Recovery.requireClean(directory, lease) }
        let environment = try Environment(
            directory, readOnly: true, flushes: false, mapByteCount: options.mapByteCount)
        do throws(CodexError) {
            try environment.holdLocks(directory)
            let core = try core(directory, environment, lease, options)
            return Opened(core: core, parts: nil)
        } catch {
            environment.close()
            throw error
        }
    }

    private static func openForWriting(
        _ directory: Directory, _ lease: StoreLease, _ options: StoreOptions, isAlone: Bool,
        isEarlier: Bool, since start: ContinuousClock.Instant
    ) throws(CodexError) -> Opened {
        let options = options.withDeletionClock(of: directory)
        let recovery = isAlone ? try Recovery(directory, lease, options) : nil
        // The store is sound. Before anything of the present format is in it, earlier releases
        // refuse it.
        if isEarlier { try StoreDirectory.raiseMarker(directory) }
        try recovery?.restore()
        let environment = try Environment(
            directory, readOnly: false, flushes: false, mapByteCount: options.mapByteCount)
        do throws(CodexError) {
            try environment.holdLocks(directory)
            environment.clearDeadReaders()
            if !isAlone { directory.removeLeftovers() }
            let core = try core(directory, environment, lease, options)
            let file: DataFile
            if let recovery { file = recovery.file } else { file = try DataFile(directory) }
            let log: LogWriter =
                recovery?.log
                ?? LogWriter(core.logDirectory, lease, options)
            log.space.readers.withLock { readers in
                readers = { [weak core] in try core?.historyReaders() ?? [] }
            }
            let checkpointer = Checkpointer(
                directory, environment, core.catalog.meta, file, log, lease, options)
            guard let recovery else {
                return Opened(
                    core: core,
                    parts: WritableParts(log: log, checkpointer: checkpointer, recovery: nil))
            }
            let pin = try recovery.pin(environment, core.catalog.meta)
            if options.plantedFault == .noReaderInRedo {
                // Held in name only: its pages are free to be reused.
                pin.transaction.reset()
            }
            checkpointer.adopt(pin)
            if options.plantedFault == .noRedo {
                return Opened(
                    core: core,
                    parts: WritableParts(log: log, checkpointer: checkpointer, recovery: nil))
            }
            do throws(CodexError) {
                let fresh = try recovery.prepareLog()
                // Whoever failed is gone, and what he left is on the medium or not in the store.
                try lease.clearRefusal()
                let context = try WriteContext(core, log, checkpointer)
                let report = try recovery.redo(context, fresh: fresh, since: start)
                if report.commitCount > 0 || report.foundTornRecord {
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
        _ options: StoreOptions
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
            lease: lease, options: options)
    }

    /// Applies the additions of a schema.
    ///
    /// In a store of an earlier release, it raises the format and binds encrypted values, too.
    private static func merge(_ schema: Schema?, _ opened: Opened) throws(CodexError) {
        // A copy that is restored gets that with its new identity: its log is the old store's.
        guard !opened.core.options.isRestoring else { return }
        let own = opened.core.catalog.manifest
        var manifest = own
        guard try merge(schema, &manifest) else { return }
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
        let context = try WriteContext(opened.core, parts.log, parts.checkpointer)
        do throws(CodexError) {
            try opened.core.changeManifest(context) { manifest, _ throws(CodexError) in
                try merge(schema, &manifest)
            }
        } catch
            where [.diskFull, .storeFull].contains(error.code)
            && manifest.schema == own.schema
        {
            // A full store must be opened to make room in it. The next opening tries again.
        }
    }

    private static func merge(
        _ schema: Schema?, _ manifest: inout Manifest
    ) throws(CodexError) -> Bool {
        let isRaised = manifest.raiseFormat()
        let isBound = manifest.bindSealedFields()
        guard let schema else { return isRaised || isBound }
        return try manifest.merge(schema) || isRaised || isBound
    }

    // MARK: Earlier formats

    /// Brings a store of an earlier release to the present format, if it has no log yet.
    ///
    /// The marker is raised last: if this is cut short, it begins again. A store with a log is
    /// opened as it is, since what is changed in it must be in the log.
    private static func upgrade(
        _ directory: Directory, _ options: StoreOptions, isAlone: Bool
    ) throws(CodexError) {
        guard isAlone else {
            throw CodexError(
                .notWritable,
                "The store has an earlier format, and another process has it open. Close it there.")
        }
        guard try StoreDirectory.format(directory) < Manifest.loggedFormat else { return }
        try Recovery.requireNoStranger(directory)
        let environment = try Environment(directory, readOnly: false, flushes: true)
        let storeID: UUID
        do throws(CodexError) {
            try lengthen(directory, environment)
            storeID = try raiseFormat(environment)
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        try beginLog(directory, storeID, options)
        try StoreDirectory.raiseMarker(directory)
    }

    private static func raiseFormat(_ environment: Environment) throws(CodexError) -> UUID {
        var storeID: UUID?
        try write(environment) { transaction throws(CodexError) in
            guard let meta = try transaction.open(Catalog.metaName, create: false),
                let json = unsafe try transaction.get(meta, Manifest.key)
            else {
                throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
            }
            var manifest = try Manifest(json: unsafe Array(json))
            storeID = manifest.storeID
            let format = manifest.format
            manifest.raiseFormat()
            let catalog = try StoreCore.store(manifest, transaction)
            if format == 1 { try recutLongKeys(catalog, transaction) }
            let old = unsafe try transaction.get(meta, LogPosition.key).map { unsafe Array($0) }
            let sequence = try old.map { bytes throws(CodexError) in
                try LogPosition(bytes).sequence
            }
            try transaction.put(meta, LogPosition.key, Self.firstPosition(sequence ?? 0).bytes)
        }
        guard let storeID else { throw Wire.corrupted("the manifest") }
        return storeID
    }

    /// Runs `body` in a transaction of an environment that nobody else has open.
    static func write(
        _ environment: Environment, _ body: (Transaction) throws(CodexError) -> Void
    ) throws(CodexError) {
        let transaction = try environment.begin(readOnly: false)
        do throws(CodexError) {
            try body(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }

    /// Makes a data file that lacks pages as long as it says, if nothing but free pages is missing.
    ///
    /// The write transaction holds off other processes' commits, which lengthen the file too.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if a page in use is missing; the file is then as it
    ///   was.
    private static func lengthen(
        _ directory: Directory, _ environment: Environment
    ) throws(CodexError) {
        let file = try File(StoreDirectory.dataFile, in: directory, .write)
        defer { file.close() }
        func missing() throws(CodexError) -> (pages: Range<Int>, pageByteCount: Int) {
            let usage = try environment.usage()
            let there = try file.byteCount() / usage.pageByteCount
            return (min(there, usage.pageCount)..<usage.pageCount, usage.pageByteCount)
        }
        guard try !missing().pages.isEmpty else { return }
        let lock = try environment.begin(readOnly: false)
        defer { lock.abort() }
        let (pages, pageByteCount) = try missing()
        guard !pages.isEmpty else { return }
        // Reading a page past the file's end would be a SIGBUS; a page of zeros is an error.
        try file.setByteCount(pages.upperBound * pageByteCount)
        let free = Result { () throws(CodexError) in try environment.freePages(in: pages) }
        guard case .success(pages.count) = free else {
            try file.setByteCount(pages.lowerBound * pageByteCount)
            throw StoreDirectory.cut(directory.path)
        }
    }

    /// Brings the keys of a store of format 1 to how format 2 has them: those of 510 and 511 bytes
    /// stood as they are.
    private static func recutLongKeys(
        _ catalog: Catalog, _ transaction: Transaction
    ) throws(CodexError) {
        for table in catalog.allTables {
            for tree in [table.tree] + table.indexes.map(\.tree) {
                var entries: [(key: [UInt8], value: [UInt8])] = []
                do {
                    try transaction.withCursor(tree.database) { cursor in
                        var entry = unsafe try cursor.first()
                        while let current = unsafe entry {
                            if unsafe current.key.count >= LongKey.pieceByteCount {
                                entries.append(unsafe (Array(current.key), Array(current.value)))
                            }
                            unsafe entry = try cursor.next()
                        }
                    }
                } catch {
                    throw CodexError.wrapping(error)
                }
                // All go before any comes: an old key may be spelled as another's new one.
                for entry in entries { try transaction.delete(tree.database, entry.key) }
                for entry in entries { try transaction.put(tree, entry.key, entry.value) }
            }
        }
    }
}
