internal import CodexCore
internal import Synchronization

/// The room that a commit may use on a device that is nearly full.
enum RoomUse {
    /// The commit makes the store larger, and may not use the reserve.
    case growing
    /// The commit deletes, or changes without growth.
    ///
    /// It may use the reserve, which keeps deletes, checkpoints and closing possible.
    case shrinking
    /// The commit applies the log, and may use all room.
    case redoing
}

/// Makes and removes the files of the log: segments, and the spare.
///
/// There is always a spare segment, so that a full disk does not stop deletes. If the disk is full,
/// history is removed early: first the segments that no consumer, archive or follower needs, then
/// the rest.
final class LogSpace: Sendable {
    let directory: LogDirectory
    private let lease: StoreLease
    private let options: StoreOptions
    /// Whether history that readers need may be removed.
    private let isSacrificing = Atomic(false)
    /// Returns the readers of the history; set once the store is open.
    let readers = Locked<(@Sendable () throws -> [HistoryReader])?>(nil)

    /// The size of a new log's first segment.
    ///
    /// Each segment is twice as large as the previous one, up to
    /// `StoreOptions.logSegmentByteCountMax`.
    static let firstSegmentByteCount = 256 << 10
    /// The minimum size of a spare: the record of any deleted item fits into it.
    private static let spareByteCount = 512 << 10
    /// The room that making a segment leaves to other users of the device.
    private static let marginByteCount = 1 << 20

    init(_ directory: LogDirectory, _ lease: StoreLease, _ options: StoreOptions) {
        self.directory = directory
        self.lease = lease
        self.options = options
    }

    private var folder: Directory { directory.directory }
    private var ownName: String { "next-\(FileSystem.processID)" }

    // MARK: Segments

    /// The size of the segment after one of `byteCount`; it is smaller if the device is nearly
    /// full.
    private func byteCount(after byteCount: Int) -> Int {
        let wanted = min(byteCount.addingFileSize(byteCount), options.logSegmentByteCountMax)
        guard let free = try? folder.device.freeByteCount() else { return wanted }
        let proper = max(free / 16, Self.spareByteCount)
        return Self.roundedUp(min(wanted, proper))
    }

    private static func roundedUp(_ byteCount: Int) -> Int { (byteCount + 4095) & ~4095 }

    /// Makes a segment that begins after `position`, and waits until it is on stable storage.
    ///
    /// - Parameters:
    ///   - number: The number of the segment.
    ///   - position: The end of the previous segment.
    ///   - incarnation: The count of recoveries.
    ///   - previous: The size of the previous segment; `nil` for the first size.
    ///   - room: The bytes that the segment must have after its header.
    ///   - use: Whether the commit may take the spare if no other file can be made.
    ///   - isFresh: Whether it must be a new file, with no records of an old segment.
    /// - Returns: The segment, open for writing.
    /// - Throws: ``CodexError/Code/diskFull``, ``CodexError/Code/outcomeUnknown`` if a flush
    ///   failed.
    func makeSegment(
        _ number: UInt64, after position: LogPosition, incarnation: UInt64, previous: Int? = nil,
        room: Int = 0, _ use: RoomUse, isFresh: Bool = false
    ) throws(CodexError) -> LogSegment {
        let least = Self.roundedUp(LogSegmentHeader.byteCount + room)
        let wanted = previous.map { byteCount(after: $0) } ?? Self.firstSegmentByteCount
        // After the next checkpoint, the previous segment becomes the spare.
        let gives = previous.map { $0 >= Self.spareByteCount } ?? false
        let file =
            isFresh
            ? try makeFile(ownName, max(wanted, least))
            : try nextFile(max(wanted, least), least, use, givesSpare: gives)
        let header = LogSegmentHeader(
            storeID: directory.storeID, number: number,
            incarnation: Incarnation.salted(incarnation, options.parts.randomBits()),
            firstSequence: position.sequence + 1, previousChecksum: position.checksum,
            byteCount: UInt64(try file.byteCount()), milliseconds: options.deletionTimes.stamp)
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try file.write(header.bytes, at: 0)
            try file.flush()
            options.reached(.segmentPrepared)
            try folder.rename(ownName, to: directory.fileName(number))
            try folder.flush()
        }
        options.reached(.segmentNamed)
        return LogSegment(file: file, header: header, byteCount: Int(header.byteCount))
    }

    /// Makes a file of zeros, or takes an old segment's file, under ``ownName``.
    ///
    /// A segment that is smaller than a spare cannot become one when it is removed. So the size of
    /// a spare is tried before a smaller size. Before a smaller size is tried, the commit fails,
    /// and is tried again after a checkpoint.
    ///
    /// Any commit may take the spare if the previous segment `gives` another one.
    private func nextFile(
        _ wanted: Int, _ least: Int, _ use: RoomUse, givesSpare gives: Bool
    ) throws(CodexError) -> File {
        let proper = max(least, min(wanted, Self.spareByteCount))
        let smallest = use == .growing ? proper : least
        let isLastTry = use == .redoing || isSacrificing.load(ordering: .relaxed)
        var size = wanted
        while true {
            if let spare = try takeSpare(size, least, use) { return spare }
            do throws(CodexError) {
                return try makeFile(ownName, size)
            } catch  where error.code == .diskFull {
                if size > proper {
                    size = proper
                } else if try shed(mayLose: false) > 0 {
                    continue
                } else if gives, let spare = try takeSpare(size, least, .shrinking) {
                    return spare
                } else if isLastTry, size > smallest {
                    size = smallest
                } else if try shed() == 0 {
                    throw error
                }
            }
        }
    }

    /// Takes the spare if it is large enough and the commit may use it.
    private func takeSpare(
        _ wanted: Int, _ least: Int, _ use: RoomUse
    ) throws(CodexError) -> File? {
        let name = LogDirectory.spareName
        guard try folder.contains(name) else { return nil }
        let size = try folder.byteCount(name)
        guard size <= LogSegment.byteCountMax else { return nil }
        switch use {
        case .shrinking, .redoing: guard size >= least else { return nil }
        case .growing:
            // The next spare must fit, too.
            guard size >= wanted, try folder.device.freeByteCount() - Self.marginByteCount >= size
            else { return nil }
        }
        // Another process may take it at the same time.
        guard (try? folder.rename(name, to: ownName)) != nil else { return nil }
        let file = try File(ownName, in: folder, .write)
        return try file.byteCount() >= least ? file : nil
    }

    /// Makes a file of zeros.
    ///
    /// All zeros are written, since flushing data into reserved room, or past the end of a file,
    /// takes longer.
    private func makeFile(_ name: String, _ byteCount: Int) throws(CodexError) -> File {
        let file = try File(name, in: folder, .create)
        do throws(CodexError) {
            // It fails at once, and not after it has used the remaining room.
            try file.reserve(byteCount)
            let zeros = [UInt8](repeating: 0, count: 1 << 20)
            for offset in stride(from: 0, to: byteCount, by: zeros.count) {
                let count = min(zeros.count, byteCount - offset)
                try file.write(count == zeros.count ? zeros : Array(zeros[..<count]), at: offset)
            }
            try file.flush()
        } catch {
            file.close()
            folder.remove(name)
            throw error
        }
        return file
    }

    // MARK: The spare

    /// Makes a spare for the next segment, so that no commit waits for its zeros.
    ///
    /// The spare is small at first. Once the current segment is half full, it gets the next
    /// segment's size.
    ///
    /// Any thread may call it; two concurrent calls waste one file.
    ///
    /// - Returns: Whether it made one.
    func makeSpare(_ position: LogPosition) throws(CodexError) -> Bool {
        guard let present = try directory.open(position.segment) else { return false }
        defer { present.file.close() }
        let isHalfFull = Int(position.offset) > present.byteCount / 2
        let wanted =
            isHalfFull
            ? max(byteCount(after: present.byteCount), Self.spareByteCount) : Self.spareByteCount
        let name = LogDirectory.spareName
        if try folder.contains(name), try folder.byteCount(name) >= wanted { return false }
        let own = "spare-\(FileSystem.processID)"
        var size = wanted
        while true {
            do throws(CodexError) {
                try makeFile(own, size).close()
                try folder.rename(own, to: name)
                return true
            } catch  where error.code == .diskFull {
                // A smaller spare is enough, and so is a spare from removed history.
                if try folder.contains(name) { return false }
                guard try shed() > 0 || size > Self.spareByteCount else { return false }
                if try folder.contains(name) { return true }
                size = Self.spareByteCount
            }
        }
    }

    // MARK: Retention

    /// Removes segments before `checkpoint` that are past the retention; one of them may become the
    /// spare.
    ///
    /// - Parameters:
    ///   - checkpoint: The published checkpoint's position in the log.
    ///   - now: The time from which their age is computed, in milliseconds since 1970.
    /// - Returns: The number of removed segments.
    /// - Throws: The errors of reading the files.
    func prune(before checkpoint: LogPosition, now: UInt64) throws(CodexError) -> Int {
        let numbers = try directory.numbers()
        var total = 0
        for number in numbers {
            total = total.addingFileSize(
                (try? folder.byteCount(directory.fileName(number))) ?? 0)
        }
        var removed = 0
        for (number, next) in zip(numbers, numbers.dropFirst()) {
            guard number < checkpoint.segment, let following = try directory.open(next) else {
                break
            }
            following.file.close()
            // All records of a segment are older than the segment after it.
            let age = Double(now) - Double(following.header.milliseconds)
            // Another process may remove it at the same time.
            guard let byteCount = try? folder.byteCount(directory.fileName(number)) else {
                continue
            }
            let retention = options.changeRetention
            guard age > retention.age.milliseconds || total > retention.byteCount else { break }
            total = max(0, total - byteCount)
            try remove(number, byteCount)
            removed += 1
        }
        return removed
    }

    /// Removes a segment; a large one becomes the spare if there is none.
    private func remove(
        _ number: UInt64, _ byteCount: Int, always: Bool = false
    ) throws(CodexError) {
        let (name, spare) = (directory.fileName(number), LogDirectory.spareName)
        let least = always ? Self.spareByteCount : options.logSegmentByteCountMax
        let isUseful = byteCount >= least
        let hasSpare = try folder.contains(spare)
        guard isUseful, !hasSpare else { return folder.remove(name) }
        guard (try? folder.rename(name, to: spare)) != nil else { return }
        // Without the flush, a power cut might restore its old name with a new header.
        try folder.flush()
    }

    private func historyReaders() -> [HistoryReader] {
        guard let readers = readers.withLock({ $0 }) else { return [] }
        // If the readers are unknown, they may need the whole history.
        return (try? readers()) ?? [HistoryReader(name: "unknown", sequence: 0)]
    }

    /// Removes all history before the segment of the published checkpoint.
    ///
    /// It also removes the spare, which may have been a segment. No other process may have the
    /// store open.
    ///
    /// - Throws: ``CodexError/Code/inputOutput`` if a file stays, and the errors of reading the
    ///   files.
    func discardHistory() throws(CodexError) -> PurgedHistory {
        let checkpoint = try Checkpoint(of: directory.store).position
        guard let first = try directory.open(checkpoint.segment) else {
            throw directory.missing(checkpoint.segment)
        }
        first.file.close()
        let last = first.header.firstSequence - 1
        let losers = historyReaders().filter { $0.sequence < last }.map(\.name)
        let old = try directory.numbers().filter { $0 < checkpoint.segment }
        for number in old { folder.remove(directory.fileName(number)) }
        folder.remove(LogDirectory.spareName)
        directory.removeLeftovers(isAlone: true)
        guard try directory.numbers().first == checkpoint.segment,
            try !folder.contains(LogDirectory.spareName)
        else { throw CodexError(.inputOutput, "Old segments of the log cannot be removed.") }
        try folder.flush()
        if !losers.isEmpty { options.observer?(.historyShed(through: last, readers: losers)) }
        _ = try makeSpare(checkpoint)
        return PurgedHistory(sequence: last, segmentCount: old.count, readers: losers)
    }

    /// Allows the removal of history that readers need, while `body` runs; calls may nest.
    ///
    /// It is for a device that is still full after a checkpoint.
    func sacrificing(_ body: () -> Void) {
        let wasSacrificing = isSacrificing.exchange(true, ordering: .relaxed)
        defer { isSacrificing.store(wasSacrificing, ordering: .relaxed) }
        body()
    }

    /// Removes history that no reader needs early, since the device is full.
    ///
    /// If there is no such history, in ``sacrificing(_:)``, it removes the oldest segment that a
    /// recovery does not need.
    ///
    /// - Parameter mayLose: Whether readers may lose history that they need, in
    ///   ``sacrificing(_:)``.
    /// - Returns: The number of removed segments.
    /// - Throws: The errors of reading the files.
    func shed(mayLose: Bool = true) throws(CodexError) -> Int {
        let checkpoint = try Checkpoint(of: directory.store).position
        let needs = historyReaders()
        let numbers = try directory.numbers()
        var removed = 0
        for (number, next) in zip(numbers, numbers.dropFirst()) {
            guard number < checkpoint.segment, let following = try directory.open(next) else {
                break
            }
            following.file.close()
            let last = following.header.firstSequence - 1
            let losers = needs.filter { $0.sequence < last }
            let isLost = mayLose && removed == 0 && isSacrificing.load(ordering: .relaxed)
            guard losers.isEmpty || isLost else { break }
            guard let byteCount = try? folder.byteCount(directory.fileName(number)) else {
                continue
            }
            // The checkpoint's name may not be on stable storage yet.
            if removed == 0 { try Checkpoint.flushDirectory(in: directory.store, lease) }
            try remove(number, byteCount, always: true)
            removed += 1
            if !losers.isEmpty {
                options.observer?(.historyShed(through: last, readers: losers.map(\.name)))
                break
            }
        }
        return removed
    }
}
