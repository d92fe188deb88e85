internal import CodexCore

/// What ``Store/purgePlaintext(batchCount:progress:)`` did.
public struct PlaintextPurgeReport: Sendable {
    /// What was encrypted before.
    ///
    /// Nothing was looked at if the store has no keys, or follows another one.
    public let resealing: MigrationReport
    /// The last commit whose changes were removed from the log.
    public let trimmedSequence: UInt64
    /// How many segments of the log were removed.
    public let segmentCount: Int
    /// The readers that lost changes by it: names of consumers, `archived` for the archive, and
    /// `followed-…` for a follower's stream.
    public let readers: [String]
    /// What became of the data file.
    public let compaction: CompactionReport
    /// Where plain values from before may still be.
    public let remnants: [PlaintextRemnant]
}

/// A place with values of a store that the store itself cannot reach.
public enum PlaintextRemnant: String, Sendable, Hashable, CaseIterable {
    /// Backups that were made before.
    case backups
    /// Archives of the log, with the commits from before.
    case archives
    /// Followers: purge each of them, once it has applied what the leader sealed.
    case followers
    /// Exports, and what else programs wrote down that read the store.
    case exports
    /// Blocks of the device that were given back: an SSD keeps them, as do snapshots of the file
    /// system.
    case devices
}

extension Store {
    /// Removes what was stored in plain of fields that are encrypted now, from all files of the
    /// store.
    ///
    /// Encrypting a field of a store that has data (``Schema/sealing(_:of:)``, `reseal()`) leaves
    /// its old values in the log, in recycled segments, and in free and half-used pages of the data
    /// file. This call
    ///
    /// 1. encrypts what is still plain, as `reseal()`, if the store has keys,
    /// 2. waits until removed tables and indexes are empty,
    /// 3. removes the history of changes and the spare segment, whatever the retention says,
    /// 4. compacts the data file, and overwrites what its pages have besides their entries.
    ///
    /// A compaction alone (``compact()``) keeps the history. A purge is no scrub, which verifies,
    /// and no erasure: what it cannot reach is in the report, see ``PlaintextRemnant``.
    ///
    /// Consumers and followers that have not read all changes get
    /// ``CodexError/Code/changesTrimmed`` and start over, and the observer gets
    /// ``StoreEvent/historyShed(through:readers:)``. So let them catch up after `reseal()`, and
    /// bring the archive up to date, before you call it. Without encrypted fields it removes what
    /// is left of deleted and replaced values.
    ///
    /// As for ``compact()``, no other process may have the store open, and no snapshot of this one.
    /// It is refused as a whole then, but for the values that were encrypted. Cut short, or after
    /// an error, it may have removed the history only: call it again.
    ///
    /// - Parameters:
    ///   - batchCount: How many items a transaction of the encrypting looks at.
    ///   - progress: Called after each batch with what was encrypted so far.
    /// - Returns: What it did, and what it cannot reach.
    /// - Throws: ``CodexError/Code/valueNotSealed`` if a field is plain that could not be
    ///   encrypted, or there are dead letters of entities with encrypted fields;
    ///   ``CodexError/Code/keyUnavailable`` if that needs keys to tell;
    ///   ``CodexError/Code/valueTampered`` for a damaged value that a format before 4 wrote; as
    ///   `reseal()`, ``waitUntilReady()`` and ``compact()``.
    /// - Complexity: It reads and writes what the store holds some times.
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

    /// Encrypts what is plain, where that is possible here.
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
