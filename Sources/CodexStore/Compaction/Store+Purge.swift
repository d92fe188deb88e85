internal import CodexCore

/// The result of ``Store/purgePlaintext(batchCount:progress:)``.
public struct PlaintextPurgeReport: Sendable {
    /// The report of the encryption that comes first.
    ///
    /// It is empty if the store has no keys, or follows another one.
    public let resealing: MigrationReport
    /// The last commit whose changes were removed from the log.
    public let trimmedSequence: UInt64
    /// The number of removed segments of the log.
    public let segmentCount: Int
    /// The readers that lost changes: names of consumers, `archived` for the archive, and
    /// `followed-…` for a follower's stream.
    public let readers: [String]
    /// The report of the compaction.
    public let compaction: CompactionReport
    /// The places that may still have earlier plain values.
    public let remnants: [PlaintextRemnant]
}

/// A place with values of a store that the store itself cannot reach.
public enum PlaintextRemnant: String, Sendable, Hashable, CaseIterable {
    /// Earlier backups.
    case backups
    /// Archives of the log, with the earlier commits.
    case archives
    /// Followers: purge each of them, once it has applied the leader's sealed values.
    case followers
    /// Exports, and other files of programs that read the store.
    case exports
    /// Free blocks of the device: an SSD keeps them, and so do snapshots of the file system.
    case devices
}

extension Store {
    /// Removes the plain values of fields that are encrypted now, from all files of the store.
    ///
    /// Encrypting a field of a store that has data (``Schema/sealing(_:of:)``, `reseal()`) leaves
    /// its old values in several places. They are the log, recycled segments, and free and
    /// half-used pages of the data file. This call
    ///
    /// 1. encrypts the remaining plain values, as `reseal()`, if the store has keys,
    /// 2. waits until removed tables and indexes are empty,
    /// 3. removes the history of changes and the spare segment, regardless of the retention,
    /// 4. compacts the data file, and overwrites the bytes of its pages outside of their entries.
    ///
    /// A compaction alone (``compact()``) keeps the history. A purge is no scrub, which verifies,
    /// and no erasure: the report names the places that it cannot reach, see ``PlaintextRemnant``.
    ///
    /// Consumers and followers that have not read all changes get
    /// ``CodexError/Code/changesTrimmed`` and start over, and the observer gets
    /// ``StoreEvent/historyShed(through:readers:)``. So let them catch up after `reseal()`, and
    /// bring the archive up to date, before you call it. Without encrypted fields it removes the
    /// remains of deleted and replaced values.
    ///
    /// As for ``compact()``, no other process may have the store open, and this one may have no
    /// snapshot of it. Otherwise the call is refused, but values that it has encrypted stay
    /// encrypted. After an interruption or an error, it may have removed only the history: call it
    /// again.
    ///
    /// - Parameters:
    ///   - batchCount: The number of items that a transaction of the encryption examines.
    ///   - progress: Called after each batch with the report of the encryption so far.
    /// - Returns: A report of the purge, and the places that it cannot reach.
    /// - Throws: ``CodexError/Code/valueNotSealed`` if a plain field could not be encrypted, or
    ///   there are dead letters in a store with encrypted fields;
    ///   ``CodexError/Code/keyUnavailable`` if the check needs keys;
    ///   ``CodexError/Code/valueTampered`` for a damaged value that a format before 4 wrote; as
    ///   `reseal()`, ``waitUntilReady()`` and ``compact()``.
    /// - Complexity: It reads and writes the contents of the store several times.
    @discardableResult
    public func purgePlaintext(
        batchCount: Int = 500, progress: (@Sendable (MigrationReport) -> Void)? = nil
    ) async throws -> PlaintextPurgeReport {
        let (writer, builder) = (try requireOwnWriter(), try requireOwnBuilder())
        let resealing = try await sealRest(batchCount, progress)
        builder.schedule.wake()
        try await builder.schedule.waitUntilIdle()
        let outcome: CompactionOutcome = try await writer.answer {
            CompactionJob(purges: true, answer: $0)
        }
        guard let history = outcome.history else { throw StoreCore.closed }
        return PlaintextPurgeReport(
            resealing: resealing, trimmedSequence: history.sequence,
            segmentCount: history.segmentCount, readers: history.readers,
            compaction: outcome.report, remnants: PlaintextRemnant.allCases)
    }

    /// Encrypts plain values, if this store can.
    private func sealRest(
        _ batchCount: Int, _ progress: (@Sendable (MigrationReport) -> Void)?
    ) async throws -> MigrationReport {
        #if Encryption
            if core.options.sealer != nil, !core.catalog.manifest.isFollower {
                return try await reseal(batchCount: batchCount, progress: progress)
            }
        #endif
        return MigrationReport()
    }
}
