internal import CodexCore
internal import FoundationEssentials

/// A store's directory that no process has open: what is done to it from outside.
enum ClosedStore {
    /// Where the log was, as the data file has it.
    static func position(in directory: Directory) throws(CodexError) -> LogPosition {
        try reading(directory) { environment, meta throws(CodexError) in
            let transaction = try environment.begin(readOnly: true)
            defer { transaction.abort() }
            return try LogPosition(transaction, meta)
        }
    }

    /// Publishes a checkpoint of the data file as it is, and stamps that with its store.
    ///
    /// - Parameters:
    ///   - directory: The store.
    ///   - storeID: Whose it is.
    ///   - prepare: What is to be on stable storage before it.
    /// - Throws: What reading and writing the files throws.
    static func publishCheckpoint(
        in directory: Directory, _ storeID: UUID,
        after prepare: (Pin, StoreLease) throws(CodexError) -> Void = { _, _ in }
    ) throws(CodexError) {
        try reading(directory) { environment, meta throws(CodexError) in
            let file = try DataFile(directory)
            defer { file.file.close() }
            let pin = try Pin(environment, file, meta)
            defer { pin.release() }
            try file.stamp(storeID)
            try file.file.flush()
            let lease = try StoreLease(directory, isReadOnly: false)
            try prepare(pin, lease)
            try Checkpoint(
                storeID: storeID, transaction: pin.id, position: pin.position, meta: pin.meta
            ).publish(in: directory, lease)
        }
    }

    /// Gives a store an identity of its own: data file, log and checkpoint; its changes are retained as if
    /// they were new.
    ///
    /// - Parameters:
    ///   - directory: The store, which is wholly applied.
    ///   - leader: The store that it is to follow, whose log it has so far; `nil` if none.
    ///   - milliseconds: When its last commit was made, since 1970; 0 if that is not known.
    ///   - beginsLog: Whether the log is to begin at its place, as there is none.
    /// - Throws: What reading and writing the files throws.
    static func renew(
        _ directory: Directory, leader: UUID?, committedAt milliseconds: UInt64, beginsLog: Bool
    ) throws(CodexError) {
        let environment = try Environment(directory, readOnly: false, flushes: true)
        var ids: (old: UUID, new: UUID)?
        do throws(CodexError) {
            try StoreCreation.write(environment) { transaction throws(CodexError) in
                let catalog = try Catalog(transaction)
                var manifest = catalog.manifest
                manifest.renewIdentity(leader: leader)
                ids = (catalog.manifest.storeID, manifest.storeID)
                _ = try ManifestEditor.write(manifest, transaction)
                var position = try LogPosition(transaction, catalog.meta)
                let leaderPosition = LeaderPosition(
                    checksum: position.checksum, milliseconds: milliseconds,
                    lastSequence: position.sequence)
                try transaction.set(
                    catalog.meta, LeaderPosition.key, leader == nil ? nil : leaderPosition.bytes)
                guard beginsLog else { return }
                position.offset = UInt64(LogSegmentHeader.byteCount)
                try transaction.put(catalog.meta, LogPosition.key, position.bytes)
            }
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        guard let ids else { throw Wire.corrupted("the manifest") }
        if beginsLog { return try StoreCreation.beginLog(directory, ids.new, StoreOptions()) }
        // Not before the last commit, whatever the clock shows: else they would be too old too soon.
        let now = max(StoreOptions().nowMilliseconds, milliseconds)
        let log = try LogDirectory(store: directory, id: ids.old)
        log.directory.remove(LogDirectory.spareName)
        for number in try log.numbers() {
            guard let segment = try log.open(number, for: .write) else { continue }
            defer { segment.file.close() }
            var header = segment.header
            (header.storeID, header.milliseconds) = (ids.new, now)
            try segment.file.write(header.bytes, at: 0)
            try segment.file.flush()
        }
        try publishCheckpoint(in: directory, ids.new)
    }

    private static func reading<R>(
        _ directory: Directory, _ body: (Environment, DatabaseID) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let environment = try Environment(directory, readOnly: true, flushes: true)
        defer { environment.close() }
        let transaction = try environment.begin(readOnly: true)
        let meta = Result { () throws(CodexError) in
            try transaction.open(Catalog.metaName, create: false)
        }
        // An abort would close the handle that was opened.
        try transaction.commit()
        guard let meta = try meta.get() else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        return try body(environment, meta)
    }
}
