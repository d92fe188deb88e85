internal import CodexCore
internal import Dispatch

/// Writes the data file out in parts while commits go on, and flushes it for checkpoints.
///
/// A checkpoint's flush of all pages at once would delay the flushes of the log. So most pages are
/// written out before, part by part, and each part waits for the one before. Writing out makes
/// nothing durable: the flush follows in any case.
///
/// The system reports lost pages once to a descriptor, to a part or to a flush. So both have turns,
/// and a part that fails has the effect of a failed flush, before the next turn: the store refuses
/// writes.
final class DataWriteback: Sendable {
    private let directory: Directory
    private let dataFile: Locked<DataFile>
    private let lease: StoreLease
    private let storeParts: StoreParts
    private let plan: Locked<WritebackPlan>
    /// The end of the last part; before it, there was none.
    private let lastEnd = Locked(ContinuousClock.now - DataWriteback.pause)
    /// Has one signal for the thread whose turn it is.
    private let turn = DispatchSemaphore(value: 1)

    init(
        _ directory: Directory, _ dataFile: Locked<DataFile>, _ lease: StoreLease,
        _ options: StoreOptions
    ) {
        self.directory = directory
        self.dataFile = dataFile
        self.lease = lease
        storeParts = options.parts
        plan = Locked(
            WritebackPlan(
                stepByteCount: options.writebackByteCount,
                pageByteCount: dataFile.withLock { $0.pageByteCount }))
    }

    /// The time after a part in which other processes can take the lock of checkpoints.
    ///
    /// They poll it at least each 20 ms.
    private static let pause = Duration.milliseconds(25)

    /// The time until ``writeNextPart()`` has work; `nil` if it has none.
    var timeToNextPart: Duration? {
        guard plan.withLock({ $0.isDue }) else { return nil }
        return max(.zero, lastEnd.withLock { $0 } + Self.pause - .now)
    }

    /// Records a commit; returns whether a part became due.
    func recordCommit(_ byteCount: Int, usedByteCount: Int) -> Bool {
        plan.withLock { $0.recordCommit(byteCount, usedByteCount: usedByteCount) }
    }

    /// Waits for the last part, and starts to write out the next one, if one is due.
    ///
    /// If it fails, the store refuses writes, and the next checkpoint fails with
    /// ``CodexError/Code/writesRefused``.
    func writeNextPart() {
        turn.wait()
        defer { turn.signal() }
        do throws(CodexError) {
            // Like a flush, it holds the lock until a failure is marked.
            guard let lock = try FileLock(Checkpoint.lockName, in: directory) else {
                // The flush of that checkpoint writes out all parts.
                return plan.withLock { $0.recordFlush() }
            }
            defer {
                lock.release()
                lastEnd.withLock { $0 = .now }
            }
            lock.nameHolder()
            try writeOut()
        } catch {
            plan.withLock { $0.stop() }
        }
    }

    private func writeOut() throws(CodexError) {
        let (earlier, next) = plan.withLock { plan in (plan.lastPart, plan.next()) }
        guard let next else { return }
        let file = dataFile.withLock { $0.file }
        var isSupported = false
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try storeParts.perform(.writeOutData(next)) { () throws(CodexError) in
                isSupported = try file.writeOut(next, after: earlier)
            }
        }
        if !isSupported { plan.withLock { $0.stop() } }
    }

    /// Flushes the data file.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown``; the store then refuses writes.
    func flush() throws(CodexError) {
        turn.wait()
        defer { turn.signal() }
        plan.withLock { $0.recordFlush() }
        let file = dataFile.withLock { $0.file }
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try storeParts.perform(.flushData) { () throws(CodexError) in try file.flush() }
        }
    }

    /// Waits for the present part, and begins no other, so that the data file can be closed.
    func pause() {
        plan.withLock { $0.pause() }
        turn.wait()
        turn.signal()
    }

    /// Continues with the new data file.
    func resume() { plan.withLock { $0.resume() } }
}
