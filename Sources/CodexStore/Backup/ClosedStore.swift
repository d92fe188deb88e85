internal import CodexCore
internal import FoundationEssentials

/// Operations on the directory of a store that no process has open.
enum ClosedStore {
    /// The position in the log that the data file has.
    static func position(in directory: Directory) throws(CodexError) -> LogPosition {
        try reading(directory) { environment, meta throws(CodexError) in
            let transaction = try environment.begin(readOnly: true)
            defer { transaction.abort() }
            return try LogPosition(transaction, meta)
        }
    }

    /// Publishes a checkpoint of the data file as it is, and writes the store's identifier into the
    /// file.
    ///
    /// - Parameters:
    ///   - directory: The store.
    ///   - storeID: The store's identifier.
    ///   - prepare: Brings to stable storage the files that the checkpoint needs.
    /// - Throws: The errors of reading and writing the files, and of `prepare`.
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

    /// Gives a store a new identity: data file, log and checkpoint; its changes are retained from
    /// now on.
    ///
    /// - Parameters:
    ///   - directory: The store, which has applied its whole log.
    ///   - leader: The store that it will follow, and whose log it has so far; `nil` if there is
    ///     none.
    ///   - milliseconds: The time of its last commit, since 1970; 0 if that is not known.
    ///   - beginsLog: Whether there is no log, so that one begins at the store's position.
    /// - Throws: The errors of reading and writing the files.
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
                try LogPosition.put(position.bytes, transaction, catalog.meta)
            }
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        guard let ids else { throw Wire.corrupted("the manifest") }
        if beginsLog { return try StoreCreation.beginLog(directory, ids.new, StoreOptions()) }
        // The time is not before the last commit, even by a late clock: else changes would expire
        // too soon.
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
        // An abort would close the handle.
        try transaction.commit()
        guard let meta = try meta.get() else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        return try body(environment, meta)
    }
}
