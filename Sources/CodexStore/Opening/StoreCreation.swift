internal import CodexCore
internal import FoundationEssentials

/// Creates the content of a store's directory, before it is opened for the first time.
///
/// ``StoreDirectory/create(_:_:)`` makes the directory under a temporary name, and moves it into
/// place.
enum StoreCreation {
    /// Writes the first contents of a new store.
    static func fill(
        _ directory: Directory, _ schema: Schema, _ options: StoreOptions
    ) throws(CodexError) {
        let manifest = Manifest(schema: schema)
        try manifest.numbers.requireTreeCount()
        let environment = try Environment(directory, readOnly: false, flushes: true)
        do throws(CodexError) {
            try write(environment) { transaction throws(CodexError) in
                let catalog = try ManifestEditor.write(manifest, transaction)
                try LogPosition.put(firstPosition(0).bytes, transaction, catalog.meta)
            }
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        try StoreLease.make(directory)
        try beginLog(directory, manifest.storeID, options)
    }

    /// The position at which the log of a store begins.
    static func firstPosition(_ sequence: UInt64) -> LogPosition {
        LogPosition(
            sequence: sequence, segment: 1, offset: UInt64(LogSegmentHeader.byteCount),
            checksum: 0, changeCount: 0)
    }

    /// Makes the log and the checkpoint of a store whose data file is closed and on stable storage.
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
                pin.position.segment, after: pin.position, incarnation: 1, .growing,
                isFresh: true)
        }
    }

    /// Runs `body` in a transaction of an environment that no other process has open.
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
}
