internal import CodexCore
public import FoundationEssentials

/// The result of ``Store/backup(to:pace:)``.
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
    /// place as a whole, on stable storage, or not at all. ``close()`` waits for the call. The
    /// backup gets the group and the modes of the store's directory (``FileAccess``).
    ///
    /// An opening of a store of an earlier release on a full disk leaves its format as it was. Then
    /// this call raises the format first.
    ///
    /// - Parameters:
    ///   - path: The backup's directory, which must not exist; its parent must.
    ///   - pace: How much of the machine the backup takes from writers.
    /// - Returns: A report of the backup.
    /// - Throws: ``CodexError/Code/invalidArgument`` if there is something at the path, or the pace
    ///   is invalid; ``CodexError/Code/readOnly`` if the format must be raised, and the store was
    ///   opened read-only; ``CodexError/Code/diskFull``, ``CodexError/Code/inputOutput``,
    ///   ``CodexError/Code/closed``; `CancellationError` if the task is cancelled before the copy
    ///   is checked.
    ///   ``CodexError/Code/outcomeUnknown`` and ``CodexError/Code/writesRefused`` if a flush fails
    ///   meanwhile, in this process or another. The store then refuses writes, and the next call
    ///   copies it as it is.
    /// - Complexity: It reads and writes the whole store, in the order of its keys.
    @discardableResult
    public func backup(
        to path: String, pace: BackupPace = .yielding
    ) async throws -> BackupReport {
        try pace.validate()
        try await raiseFormat()
        let core = core
        let environment = core.environment
        let pacer = BackupPacer(
            pace, clock: core.options.parts.monotonic,
            lastTransactionID: { environment.lastTransactionID })
        return try await withTaskCancellationHandler {
            do {
                return try await Self.onWorker { () throws(CodexError) in
                    try core.whileOpen { () throws(CodexError) in
                        try BackupCopy(core, pacer).make(to: path)
                    }
                }
            } catch let error as CodexError where error.code == .cancelled {
                throw CancellationError()
            }
        } onCancel: {
            pacer.cancel()
        }
    }

    /// Raises the format of the store if an opening left it as it was.
    private func raiseFormat() async throws {
        let isOfEarlierFormat = try core.withReadContext { context in
            context.catalog.manifest.isOfEarlierFormat
        }
        guard isOfEarlierFormat else { return }
        try await changeOwnManifest { manifest, _ in FormatUpgrade.bringUpToDate(&manifest) }
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
    private let pacer: BackupPacer
    private var logDirectory: LogDirectory { core.logDirectory }

    init(_ core: StoreCore, _ pacer: BackupPacer) { (self.core, self.pacer) = (core, pacer) }

    func make(to path: String) throws(CodexError) -> BackupReport {
        let modes = core.directory.modesOfCopies
        return try StagedDirectory.make(at: path, modes) { staging throws(CodexError) in
            try copy(to: staging)
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
            let (checksum, byteCount) = try file.file.checksum { range throws(CodexError) in
                file.file.dropCache(range)
                try pacer.pause(after: range.count)
            }
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

    /// Copies the newest state into the data file of a directory.
    private func copy(to staging: Directory) throws(CodexError) {
        let file = try File(StoreDirectory.dataFile, in: staging, .create)
        defer { file.close() }
        try BackupPipe.copy(to: file, pacer) { output throws(CodexError) in
            try core.environment.copy(to: output)
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
