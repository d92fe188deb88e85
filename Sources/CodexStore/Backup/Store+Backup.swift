internal import CodexCore
public import FoundationEssentials

/// The result of ``Store/backup(to:)``.
public struct BackupReport: Sendable, Hashable {
    /// The last commit in the backup.
    public let sequence: UInt64
    /// The time of that commit.
    ///
    /// It is `nil` if there is no commit. It is also `nil` if the log lost that commit while the
    /// copy was made, because many others came.
    public let committedAt: Date?
    /// The byte count of the backup's data file.
    public let byteCount: Int
}

extension Store {
    /// Makes a backup while the store is in use: a directory with a copy of one snapshot, without
    /// free space.
    ///
    /// ``restore(_:archive:to:at:asFollower:)`` makes a store from it. Writers continue meanwhile.
    /// The copy is a long reader, so writes grow the file until it ends. The backup comes into
    /// place as a whole, on stable storage, or not at all. Cancellation has no effect, and
    /// ``close()`` waits for the call. The backup gets the group and the modes of the store's
    /// directory (``FileAccess``).
    ///
    /// - Parameter path: The backup's directory, which must not exist; its parent must.
    /// - Returns: A report of the backup.
    /// - Throws: ``CodexError/Code/invalidArgument`` if there is something at the path,
    ///   ``CodexError/Code/diskFull``, ``CodexError/Code/inputOutput``, ``CodexError/Code/closed``.
    ///   ``CodexError/Code/outcomeUnknown`` and ``CodexError/Code/writesRefused`` if a flush fails
    ///   meanwhile, in this process or another. The store then refuses writes, and the next call
    ///   copies it as it is.
    /// - Complexity: It reads and writes the whole store, in the order of its keys.
    @discardableResult
    public func backup(to path: String) async throws -> BackupReport {
        let core = core
        return try await Self.onWorker { () throws(CodexError) in
            try core.whileOpen { () throws(CodexError) in try BackupCopy(core).make(to: path) }
        }
    }

    /// Runs a long and blocking operation on another thread.
    static func onWorker<R: Sendable>(
        _ body: @escaping @Sendable () throws(CodexError) -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            WorkerPool.run {
                continuation.resume(
                    with: Result { () throws(CodexError) in try body() }.mapError { $0 })
            }
        }
    }
}

/// One backup of an open store.
private struct BackupCopy {
    private let core: StoreCore
    private var logDirectory: LogDirectory { core.logDirectory }

    init(_ core: StoreCore) { self.core = core }

    func make(to path: String) throws(CodexError) -> BackupReport {
        let modes = core.directory.modesOfCopies
        return try StagedDirectory.make(at: path, modes) { staging throws(CodexError) in
            do throws(CodexError) {
                try core.environment.copy(to: staging)
            } catch  where error.code == .inputOutput && staging.device.isFull {
                throw CodexError(
                    .diskFull, "There is no room for the backup. Free some, then try again.",
                    cause: error)
            }
            let storeID = core.catalog.manifest.storeID
            let position = try ClosedStore.position(in: staging)
            // A store that refuses writes is copied as it is. The restore checks whether the
            // archive continues it.
            let wasRefused = try core.lease.isRefused()
            if !wasRefused { try core.flushLog(through: position) }
            // LMDB has written its first pages again, so the stamp follows the copy.
            let file = try DataFile(staging)
            try file.stamp(storeID)
            try file.file.flush()
            let (checksum, byteCount) = try file.file.checksum()
            file.file.close()
            let manifest = BackupManifest(
                storeID: storeID, position: position,
                committedAt: try time(of: position), dataByteCount: byteCount,
                dataChecksum: checksum)
            try staging.writeDurably(try ChecksummedJSON.bytes(manifest), to: BackupManifest.name)
            // If a flush of another process failed before, the log's flush may have missed its
            // pages. That process has had the time of the copy's checksum to mark the failure.
            if !wasRefused, try core.lease.isRefused() { throw StoreLease.refused() }
            return BackupReport(
                sequence: position.sequence,
                committedAt: manifest.committedAt.flatMap {
                    $0 == 0 ? nil : Date(milliseconds: $0)
                },
                byteCount: byteCount)
        }
    }

    /// The time of the commit at a position; 0 if there was none, `nil` if the log no longer has
    /// it.
    private func time(of position: LogPosition) throws(CodexError) -> UInt64? {
        if position.sequence == 0 { return 0 }
        // A segment that was begun after that commit has no record up to it.
        var number = position.segment
        while number > 0, let segment = try logDirectory.open(number) {
            defer { segment.file.close() }
            let bytes = try segment.file.read(
                at: 0,
                count: number == position.segment ? Int(position.offset) : segment.byteCount)
            // It may have been recycled while it was read.
            guard try logDirectory.open(number)?.header == segment.header else { return nil }
            let summary = try SegmentSummary(bytes)
            if let time = summary.milliseconds {
                return summary.last == position.sequence ? time : nil
            }
            number -= 1
        }
        return nil
    }
}
