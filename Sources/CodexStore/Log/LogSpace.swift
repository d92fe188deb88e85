internal import CodexCore
internal import Synchronization

/// What a commit may take of a device that is nearly full.
enum RoomUse {
    /// It makes the store larger, and leaves the reserve alone.
    case growing
    /// It deletes, or changes what does not grow: it may take the reserve, which keeps deletes,
    /// checkpoints and closing possible.
    case shrinking
    /// It applies what is in the log: it may take all.
    case redoing
}

/// The files of the log: making segments, the spare, and which may go.
///
/// There is always a spare segment, so that a full disk does not stop deletes. Where the disk is
/// full, history goes before its time: first what no consumer, archive or follower needs, then the
/// rest.
final class LogSpace: Sendable {
    let directory: LogDirectory
    private let lease: StoreLease
    private let options: StoreOptions
    /// Whether history goes that readers need.
    private let isSacrificing = Atomic(false)
    /// What still needs the history; set once the store is open.
    let readers = Locked<(@Sendable () throws -> [HistoryReader])?>(nil)

    /// A new log begins with a segment of this size; each is twice as large as the one before, up
    /// to `StoreOptions.logSegmentByteCountMax`.
    static let firstSegmentByteCount = 256 << 10
    /// The least of a spare: it holds the record of any item that is deleted.
    private static let spareByteCount = 512 << 10
    /// What is left to others when a segment is made.
    private static let marginByteCount = 1 << 20

    init(_ directory: LogDirectory, _ lease: StoreLease, _ options: StoreOptions) {
        self.directory = directory
        self.lease = lease
        self.options = options
    }

    private var folder: Directory { directory.directory }
    private var ownName: String { "next-\(FileSystem.processID)" }

    // MARK: Segments

    /// How large the segment after one of `byteCount` is; less where the device is nearly full.
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
    ///   - number: Its number.
    ///   - position: The end of the segment before.
    ///   - incarnation: The count of recoveries.
    ///   - previous: The length of the segment before; `nil` begins small.
    ///   - room: What the segment must have behind its header.
    ///   - use: Whether the commit may take the spare where no other can be made.
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
        // Once a checkpoint comes, the segment before is the next spare.
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

    /// A file of zeros, or of an old segment's records, under ``ownName``.
    ///
    /// A segment that is smaller than a spare gives none when it goes. So the size of a spare is
    /// tried before a smaller one, and before that the commit fails, and is tried again after a
    /// checkpoint.
    ///
    /// Any commit may take the spare if the segment before `gives` another one.
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

    /// Takes the spare, if it has the size and the commit may have it.
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
        // Another process may take it, too.
        guard (try? folder.rename(name, to: ownName)) != nil else { return nil }
        let file = try File(ownName, in: folder, .write)
        return try file.byteCount() >= least ? file : nil
    }

    /// Makes a file of zeros, all of them written: flushing data into room that was only reserved,
    /// or past a file's end, takes longer.
    private func makeFile(_ name: String, _ byteCount: Int) throws(CodexError) -> File {
        let file = try File(name, in: folder, .create)
        do throws(CodexError) {
            // It fails at once, and not after it has taken what is left.
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

    /// Sees that there is a spare for the segment after the present one, so that no commit waits
    /// for its zeros: a small one, and one of the proper size once the present one is half full.
    ///
    /// By any thread; two that do it at once waste one file.
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
                // A smaller one serves as well, and one that history gives back.
                if try folder.contains(name) { return false }
                guard try shed() > 0 || size > Self.spareByteCount else { return false }
                if try folder.contains(name) { return true }
                size = Self.spareByteCount
            }
        }
    }

    // MARK: Retention

    /// Removes segments that lie before `checkpoint` and are past the retention; one of them
    /// becomes the spare.
    ///
    /// - Parameters:
    ///   - checkpoint: Where the published checkpoint is in the log.
    ///   - now: The time, in milliseconds since 1970, by which their age is judged.
    /// - Returns: How many were removed.
    /// - Throws: What looking at the files throws.
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
            // Another process may remove it, too.
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

    /// Removes a segment; a large one becomes the spare where there is none.
    private func remove(
        _ number: UInt64, _ byteCount: Int, always: Bool = false
    ) throws(CodexError) {
        let (name, spare) = (directory.fileName(number), LogDirectory.spareName)
        let least = always ? Self.spareByteCount : options.logSegmentByteCountMax
        let isUseful = byteCount >= least
        let hasSpare = try folder.contains(spare)
        guard isUseful, !hasSpare else { return folder.remove(name) }
        guard (try? folder.rename(name, to: spare)) != nil else { return }
        // Or a power cut might bring its old name back, with the header of its new place.
        try folder.flush()
    }

    private func historyReaders() -> [HistoryReader] {
        guard let readers = readers.withLock({ $0 }) else { return [] }
        // What cannot be asked may need all.
        return (try? readers()) ?? [HistoryReader(name: "unknown", sequence: 0)]
    }

    /// Removes all history before the segment of the published checkpoint, and the spare, which may
    /// have been a segment; while no other process has the store open.
    ///
    /// - Throws: ``CodexError/Code/inputOutput`` if a file stays, and what looking at the files
    ///   throws.
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

    /// Lets history go that readers need, for the duration of `body`: a checkpoint gave too little.
    func sacrificing(_ body: () -> Void) {
        isSacrificing.store(true, ordering: .relaxed)
        defer { isSacrificing.store(false, ordering: .relaxed) }
        body()
    }

    /// Removes history before its time, since the device is full: what no reader needs.
    ///
    /// If there is nothing of that, in ``sacrificing(_:)``, it is the oldest segment that is not
    /// needed for a recovery.
    ///
    /// - Parameter mayLose: Whether readers may lose what they need, in ``sacrificing(_:)``.
    /// - Returns: How many segments were removed.
    /// - Throws: What looking at the files throws.
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
