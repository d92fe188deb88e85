internal import CodexCore
public import FoundationEssentials
internal import CodexIndex

/// The commit or the time to which a store is restored.
public struct RestoreTarget: Sendable, Hashable {
    enum Kind: Hashable {
        case latest
        case time(UInt64)
        case sequence(UInt64)
    }
    let kind: Kind

    /// The newest state in the backup and the archive.
    public static let latest = RestoreTarget(kind: .latest)

    /// The state at a time, to the millisecond: it has every commit before the first later one.
    public static func time(_ time: Date) -> RestoreTarget {
        // A whole millisecond may be a little less in binary floating point.
        let milliseconds = (max(0, time.timeIntervalSince1970) * 1000 + 0.01).rounded(.down)
        return RestoreTarget(kind: .time(UInt64(exactly: milliseconds) ?? .max))
    }

    /// The state after a commit, which ``SequenceNumber/commit`` names.
    public static func sequence(_ sequence: UInt64) -> RestoreTarget {
        RestoreTarget(kind: .sequence(sequence))
    }
}

/// The result of a restore.
public struct RestoreReport: Sendable, Hashable {
    /// The last commit in the restored store.
    public let sequence: UInt64
    /// The time of that commit.
    public let committedAt: Date
    /// The number of commits that were applied from the archive.
    public let commitCount: Int
}

/// The range of commits and times that a backup and its archive can restore.
public struct BackupCoverage: Sendable, Hashable {
    /// The backup's own commit, the first that can be restored.
    public let firstSequence: UInt64
    /// The time of that commit.
    public let firstCommittedAt: Date
    /// The last commit that can be restored.
    public let lastSequence: UInt64
    /// The time of that commit.
    public let lastCommittedAt: Date
    /// The latest time that can be restored: until then there are no other commits.
    public let coveredThrough: Date
}

extension Store {
    /// Makes a store from a backup and, with an archive of the log, brings it to any later moment.
    ///
    /// The restored store is a new one with a new identity. Page tokens of the old store are
    /// refused, and a follower of the old store cannot follow it by mistake. Sequence numbers
    /// continue after the last restored commit. Consumers have the positions that they had then.
    /// Index builds that finished since the backup run again when the store is opened. The store
    /// comes into place as a whole, or not at all. Cancellation has no effect.
    ///
    /// The archive of the old store cannot continue with the new one. Make a backup of the new
    /// store, and begin another archive.
    ///
    /// A restored follower continues with the commits of the old store after the last restored one,
    /// and takes no others. The old store must still retain them (``follow(_:)``).
    ///
    /// The new store's files get the group and the modes that the backup's directory has
    /// (``FileAccess``).
    ///
    /// - Parameters:
    ///   - backup: The backup's directory, which is not changed.
    ///   - archive: The archive's directory; `nil` restores the backup alone.
    ///   - target: The state to restore.
    ///   - path: The new store's directory, which must not exist; its parent must.
    ///   - asFollower: Whether the new store will follow the store of the backup.
    /// - Returns: A report of the restore.
    /// - Throws: ``CodexError/Code/notCovered`` for a target out of reach of backup and archive, or
    ///   a missing segment; ``CodexError/Code/corrupted`` if a file is damaged;
    ///   ``CodexError/Code/notAStore`` for a directory that is no backup, or the archive of another
    ///   store; ``CodexError/Code/invalidArgument`` if there is something at the path;
    ///   ``CodexError/Code/diskFull``.
    @discardableResult
    public static func restore(
        _ backup: String, archive: String? = nil, to target: RestoreTarget = .latest,
        at path: String, asFollower: Bool = false
    ) async throws -> RestoreReport {
        try await onWorker { () throws(CodexError) in
            let restore = try Restore(backup, archive)
            let modes = restore.backup.modesOfCopies
            return try StagedDirectory.make(at: path, modes) { staging throws(CodexError) in
                try restore.run(to: target, in: staging, asFollower: asFollower)
            }
        }
    }

    /// Checks every byte of a backup and of its archive, and that no segment is missing.
    ///
    /// - Returns: The range that can be restored.
    /// - Throws: As ``restore(_:archive:to:at:asFollower:)``.
    @discardableResult
    public static func verifyBackup(
        _ backup: String, archive: String? = nil
    ) async throws -> BackupCoverage {
        try await onWorker { () throws(CodexError) in
            let restore = try Restore(backup, archive)
            let data = try File(StoreDirectory.dataFile, in: restore.backup, .read)
            defer { data.close() }
            try restore.requireWhole(try data.checksum())
            var end = (
                sequence: restore.position.sequence, time: restore.manifest.committedAt ?? 0
            )
            try restore.forEachSegment { _, summary throws(CodexError) in
                end.sequence = max(end.sequence, summary.last)
                end.time = summary.milliseconds ?? end.time
                return true
            }
            return BackupCoverage(
                firstSequence: restore.position.sequence,
                firstCommittedAt: Date(milliseconds: restore.manifest.committedAt ?? 0),
                lastSequence: end.sequence, lastCommittedAt: Date(milliseconds: end.time),
                coveredThrough: Date(milliseconds: restore.coveredThrough(end.time)))
        }
    }
}

/// A backup, and the archive that continues it.
private struct Restore {
    let backup: Directory
    let manifest: BackupManifest
    let position: LogPosition
    private let archive: LogArchive?
    private let segments: [(number: UInt64, isWhole: Bool)]
    /// Held while the archive is read.
    private let lock: FileLock?

    init(_ backup: String, _ archive: String?) throws(CodexError) {
        self.backup = try BackupManifest.directory(backup)
        manifest = try BackupManifest(of: self.backup)
        position = try manifest.logPosition()
        guard let path = archive else {
            (self.archive, segments, lock) = (nil, [], nil)
            return
        }
        var archive = try LogArchive(at: path, of: manifest.storeID)
        lock = try archive.lockForReading()
        archive = try LogArchive(at: path, of: manifest.storeID)
        self.archive = archive
        // A backup may be newer than the archive.
        let first = position.segment
        segments =
            archive.head.sequence >= position.sequence
            ? try archive.numbers().filter { $0.number >= first } : []
    }

    /// Reads the segments that continue the backup, one after the other, until `body` returns
    /// `false`.
    ///
    /// - Throws: ``CodexError/Code/notCovered`` if a segment is missing, or ends before the next
    ///   begins.
    func forEachSegment(
        _ body: ([UInt8], SegmentSummary) throws(CodexError) -> Bool
    ) throws(CodexError) {
        guard let archive else { return }
        guard !segments.isEmpty else {
            if archive.head.sequence > position.sequence { throw Self.missing(position.segment) }
            return
        }
        var (next, previous) = (position.segment, SegmentSummary?.none)
        for segment in segments {
            guard segment.number == next else { throw Self.missing(next) }
            let bytes = try archive.read(segment.number, isWhole: segment.isWhole)
            let summary = try SegmentSummary(bytes, checksumOf: position.sequence)
            if let previous {
                guard summary.header.firstSequence == previous.last + 1 else {
                    throw Self.missing(next)
                }
                guard summary.header.previousChecksum == previous.checksum else {
                    throw Self.discontinuous
                }
            } else {
                guard let checksum = summary.notedChecksum else { throw Self.missing(next) }
                guard checksum == position.checksum else { throw Self.discontinuous }
            }
            guard try body(bytes, summary) else { return }
            (next, previous) = (next + 1, summary)
        }
        // Otherwise the end of the archive was removed.
        guard let previous, previous.last >= archive.head.sequence else { throw Self.missing(next) }
    }

    private static var discontinuous: CodexError {
        CodexError(
            .notCovered,
            "The archive does not go on from the backup: the store was put back to an earlier state in "
                + "between. Restore the backup without it, or use a backup of the other history.")
    }

    private static func missing(_ number: UInt64) -> CodexError {
        CodexError(
            .notCovered,
            "The archive lacks segment \(number), or a part of it, after the backup. Put it back, "
                + "restore to an earlier moment, or use a later backup.")
    }

    // MARK: Restoring

    func run(
        to target: RestoreTarget, in staging: Directory, asFollower: Bool
    ) throws(CodexError) -> RestoreReport {
        try requireStart(target)
        try copyData(to: staging)
        guard try ClosedStore.position(in: staging) == position else {
            throw BackupManifest.damaged(backup.path)
        }
        try StoreDirectory.mark(staging)
        try StoreLease.make(staging)
        var end = (sequence: position.sequence, time: manifest.committedAt ?? 0)
        var commitCount = 0
        if segments.isEmpty {
            try forEachSegment { _, _ in true }
            try requireEnd(target, end, isReached: false)
        } else {
            try staging.makeDirectory(LogDirectory.name)
            let log = try LogDirectory(store: staging, id: manifest.storeID)
            end = try placeLog(log, target)
            try ClosedStore.publishCheckpoint(in: staging, manifest.storeID)
            commitCount = try redo(in: staging)
            guard try ClosedStore.position(in: staging).sequence == end.sequence else {
                throw Self.discontinuous
            }
        }
        try ClosedStore.renew(
            staging, leader: asFollower ? manifest.storeID : nil, committedAt: end.time,
            beginsLog: segments.isEmpty)
        // The restored store gets a new lock file, with the modes of a new file.
        staging.remove(StoreDirectory.lockFile)
        try ReaderTable.allocate(staging, isReadOnly: false)
        return RestoreReport(
            sequence: end.sequence, committedAt: Date(milliseconds: end.time),
            commitCount: commitCount)
    }

    /// The time up to which there are no commits after the last one, which was made at `end`.
    func coveredThrough(_ end: UInt64) -> UInt64 { max(end, archive?.head.time ?? 0) }

    /// Throws unless the checksum and the length of the data file are those of the manifest.
    func requireWhole(_ read: (checksum: UInt32, byteCount: Int)) throws(CodexError) {
        guard read == (manifest.dataChecksum, manifest.dataByteCount) else {
            throw BackupManifest.damaged(backup.path)
        }
    }

    private func copyData(to staging: Directory) throws(CodexError) {
        let source = try File(StoreDirectory.dataFile, in: backup, .read)
        defer { source.close() }
        let target = try File(StoreDirectory.dataFile, in: staging, .create)
        defer { target.close() }
        try requireWhole(try source.checksum(copyingTo: target))
        try target.flush()
    }

    /// Writes the log up to the target.
    ///
    /// - Returns: The last commit in that log, and its time.
    private func placeLog(
        _ log: LogDirectory, _ target: RestoreTarget
    ) throws(CodexError) -> (sequence: UInt64, time: UInt64) {
        var end = (sequence: position.sequence, time: manifest.committedAt ?? 0)
        var isReached = false
        try forEachSegment { bytes, summary throws(CodexError) in
            var next = summary.header.start
            var cut = bytes
            while let record = LogRecordHeader(bytes, at: Int(next.offset)),
                record.sequence <= summary.last, record.sequence == next.sequence + 1,
                !record.isEnd
            {
                if record.sequence > position.sequence {
                    isReached = target.excludes(record)
                    if isReached { break }
                    end = (record.sequence, record.milliseconds)
                }
                next.sequence = record.sequence
                next.offset += UInt64(record.recordByteCount)
            }
            // The rest may be of a killed process, or of a later commit: it is left out.
            cut.removeSubrange(min(Int(next.offset), cut.count)...)
            let room = max(LogSpace.firstSegmentByteCount - cut.count, LogRecordHeader.byteCount)
            cut += [UInt8](repeating: 0, count: room)
            try log.directory.writeDurably(cut, to: log.fileName(summary.header.number))
            // The segments after the target may be damaged or missing.
            return !isReached && target.kind != .sequence(end.sequence)
        }
        try requireEnd(target, end, isReached: isReached)
        try log.directory.flush()
        return end
    }

    private func requireStart(_ target: RestoreTarget) throws(CodexError) {
        let isBefore =
            switch target.kind {
            case .latest: false
            // Without the time of the backup's commit, no time can be compared with it.
            case .time(let time): manifest.committedAt.map { time < $0 } ?? true
            case .sequence(let sequence): sequence < position.sequence
            }
        guard !isBefore else {
            throw CodexError(
                .notCovered, "The moment is before the backup was made. Use an earlier backup.")
        }
    }

    private func requireEnd(
        _ target: RestoreTarget, _ end: (sequence: UInt64, time: UInt64), isReached: Bool
    ) throws(CodexError) {
        let isCovered =
            switch target.kind {
            case .latest: true
            // A later commit follows, or the archive has all commits up to that time.
            case .time(let time): isReached || time <= coveredThrough(end.time)
            case .sequence(let sequence): end.sequence >= sequence
            }
        guard isCovered else {
            throw CodexError(
                .notCovered,
                "Backup and archive end before that moment. Restore to the latest, or bring the "
                    + "archive up to date.")
        }
    }

    /// Opens the store, which applies its log, and closes it.
    ///
    /// - Returns: The number of commits that it applied.
    private func redo(in staging: Directory) throws(CodexError) -> Int {
        var options = StoreOptions()
        options.isRestoring = true
        options.changeRetention = ChangeRetention(age: .seconds(.max / 2), byteCount: .max)
        let opened = try StoreOpening.open(staging, schema: nil, options: options)
        opened.parts?.checkpointer.finish()
        let closing = StoreClosing(opened.core)
        if closing.begin() { closing.finish() }
        return opened.parts?.recovery?.commitCount ?? 0
    }
}

extension RestoreTarget {
    /// Whether a record is after the target.
    fileprivate func excludes(_ record: LogRecordHeader) -> Bool {
        switch kind {
        case .latest: false
        case .time(let time): record.milliseconds > time
        case .sequence(let sequence): record.sequence > sequence
        }
    }
}
