internal import CodexCore
internal import Dispatch
internal import Synchronization

/// Makes checkpoints in the background when they are due, and on the writer's thread when it needs
/// one.
///
/// - It *pins* the newest state under LMDB's write lock. A pin is a read transaction that keeps the
///   state's pages, with its meta page and its position in the log.
/// - Without the lock it flushes the data file and publishes the state in the file `checkpoint`.
///   Most pages were written out before, in parts (``DataWriteback``).
/// - Only then it releases the previous pin, and removes segments of the log that are past the
///   retention.
///
/// A writing process holds a pin at or before the published checkpoint. Otherwise the first page
/// that is reused after a commit would be missing from the state that a recovery restores.
final class Checkpointer: Sendable {
    struct State {
        /// The pin that is held; a checkpoint at or after it is published.
        var pin: Pin?
        /// The instant of the first commit since the last pin was taken; `nil` if there was none.
        var dirtySince: ContinuousClock.Instant?
        var changeCount = 0
        /// The pages that were replaced since the newest pin was taken, and before, back to the
        /// held pin.
        var newPageCount = 0
        var oldPageCount = 0
        /// The last transaction whose replaced pages are counted.
        var countedID = 0
        var isRequested = false
        /// Whether a transaction is writing, so that the pin must stay.
        var isWriting = false
        var isStopped = false
        var lastPin = ContinuousClock.now
        /// The instant of the last flush of the log in the background.
        var lastFlush = ContinuousClock.now
        /// The number of checkpoints that are pinned and did not end.
        var openCount = 0
        /// The number of checkpoints that ended, successfully or not.
        var endCount = 0
        /// The bytes up to the last page in use, at the last look.
        var usedByteCount = 0
        /// The minimum size of the data file in bytes; only a compaction makes the file shorter.
        var fileByteCount = 0
        /// Whether the device had no room at the last request.
        var isShort = false
        /// The bytes that were appended to the log since the newest pin was taken.
        var loggedByteCount = 0
    }

    let directory: Directory
    let environment: Environment
    private let metaDatabase: DatabaseID
    /// The data file, which a compaction replaces.
    let dataFile: Locked<DataFile>
    let pageByteCount: Int
    let log: LogWriter
    private let lease: StoreLease
    private let options: StoreOptions
    let writeback: DataWriteback
    let state: Locked<State>
    private let loop = BackgroundLoop()
    /// Signalled at each end of a checkpoint, for a thread that waits.
    let progress = DispatchSemaphore(value: 0)

    init(
        _ directory: Directory, _ environment: Environment, _ metaDatabase: DatabaseID,
        _ file: DataFile,
        _ log: LogWriter, _ lease: StoreLease, _ options: StoreOptions
    ) {
        self.directory = directory
        self.environment = environment
        self.metaDatabase = metaDatabase
        let dataFile = Locked(file)
        self.dataFile = dataFile
        writeback = DataWriteback(directory, dataFile, lease, options)
        pageByteCount = file.pageByteCount
        self.log = log
        self.lease = lease
        self.options = options
        state = Locked(State())
    }

    var file: DataFile { dataFile.withLock { $0 } }

    // MARK: Pins

    /// Takes over the pin of a published checkpoint.
    func adopt(_ pin: Pin) {
        // An idle process must release the pin after an interval, even if no commit follows.
        defer { loop.wake() }
        let old = state.withLock { state in
            defer {
                state.pin = pin
                state.lastPin = .now
                state.countedID = max(state.countedID, pin.id)
            }
            return state.pin
        }
        old?.release()
    }

    /// Keeps the pages of the published checkpoint while `transaction` writes.
    ///
    /// - Parameter transaction: A write transaction that has not written yet.
    /// - Returns: `false` if a checkpoint must be made first, without the transaction. If it
    ///   returns `true`, ``writeEnded()`` must follow.
    /// - Throws: The errors of reading the checkpoint and of pinning.
    func hasPin(_ transaction: Transaction) throws(CodexError) -> Bool {
        let isHeld = state.withLock { state in
            state.isWriting = state.pin != nil
            return state.isWriting
        }
        if isHeld { return true }
        // No process wrote since the last checkpoint: its state is still the newest.
        guard try Checkpoint(of: directory).transaction == transaction.id - 1 else { return false }
        try Checkpoint.flushDirectory(in: directory, lease)
        adopt(try Pin(environment, file, metaDatabase))
        state.withLock { $0.isWriting = true }
        return true
    }

    /// Records that the writer's transaction ended, with or without a commit.
    func writeEnded() { state.withLock { $0.isWriting = false } }

    /// Makes a checkpoint of the current state; the caller has no open transaction.
    func checkpointNow() throws(CodexError) {
        let transaction = try environment.begin(readOnly: false)
        let pinned: PinnedState
        do throws(CodexError) {
            pinned = try pin(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        transaction.abort()
        try publish(pinned)
    }

    /// Pins the newest state.
    ///
    /// `transaction` is a write transaction that has not written yet. It keeps other processes from
    /// committing.
    func pin(_ transaction: Transaction) throws(CodexError) -> PinnedState {
        let pin = try Pin(environment, file, metaDatabase)
        let segment: LogSegment
        do throws(CodexError) {
            segment = try log.openSegment(of: pin.position)
        } catch {
            pin.release()
            throw error
        }
        state.withLock { state in
            state.openCount += 1
            state.dirtySince = nil
            state.changeCount = 0
            state.loggedByteCount = 0
            state.oldPageCount += state.newPageCount
            state.newPageCount = 0
            state.isRequested = false
            state.lastPin = .now
        }
        options.reached(.pinned)
        return PinnedState(pin: pin, segment: segment)
    }

    /// Makes a pinned state the checkpoint, durably.
    func publish(_ pinned: PinnedState) throws(CodexError) {
        let pin = pinned.pin
        let start = ContinuousClock.now
        var (isPublished, isAdopted) = (false, false)
        do throws(CodexError) {
            let lock = try FileLock(Checkpoint.lockName, in: directory, mayCreate: false)
            defer { lock.release() }
            try lock.take(
                within: options.lockTimeout, "makes a checkpoint of the store \(directory.path)")
            let current = try Checkpoint(of: directory)
            // An older checkpoint never replaces a newer one; its pin also keeps the newer one's
            // pages.
            if current.transaction < pin.id {
                try lease.requireWritable()
                try writeback.flush()
                try log.flush(through: pin.position, in: pinned.segment)
                pinned.segment.file.close()
                // If a flush of another process failed meanwhile, or a part that was written out
                // before, this flush may have missed its pages.
                try lease.requireWritable()
                options.reached(.dataFlushed)
                try Checkpoint(
                    storeID: current.storeID, transaction: pin.id, position: pin.position,
                    meta: pin.meta
                ).publish(in: directory, lease, reached: options.reached)
                isPublished = true
            } else {
                try Checkpoint.flushDirectory(in: directory, lease)
            }
            adopt(pin)
            isAdopted = true
            options.reached(.readerReleased)
            if isPublished {
                log.directory.removeLeftovers(isAlone: false)
                let now = options.deletionTimes.items
                if try log.space.prune(before: pin.position, now: now) > 0 {
                    options.reached(.segmentsPruned)
                }
                if try log.space.makeSpare(pin.position) { options.reached(.spareMade) }
            }
        } catch {
            if !isAdopted { pin.release() }
            finished(isSuccess: isAdopted)
            throw error
        }
        finished(isSuccess: true)
        if isPublished {
            options.observer?(
                .checkpoint(duration: .now - start, sequence: pin.position.sequence))
        }
    }

    private func finished(isSuccess: Bool) {
        state.withLock { state in
            if isSuccess {
                state.oldPageCount = 0
            } else if state.dirtySince == nil {
                // The commits that it would have included are due with the next checkpoint.
                state.dirtySince = .now
            }
            state.openCount -= 1
            state.endCount += 1
        }
        progress.signal()
    }

    // MARK: The writer's side

    /// Records a commit of this process.
    ///
    /// `counter` is a read transaction without a snapshot, which counts replaced pages.
    func committed(changeCount: Int, byteCount: Int, _ counter: Transaction) {
        let start = state.withLock { $0.countedID }
        let replaced = try? environment.replacedPages(after: start, counter)
        let isDue = state.withLock { state -> Bool in
            if let replaced {
                state.newPageCount += replaced.count
                state.countedID = replaced.last
            }
            state.changeCount += changeCount
            state.loggedByteCount += byteCount
            let isFirst = state.dirtySince == nil
            if isFirst { state.dirtySince = .now }
            let policy = options.checkpoints
            let dirtyByteCount = policy.dirtyByteCount(
                of: state.usedByteCount, least: options.leastDirtyByteCount)
            if !state.isRequested,
                state.newPageCount * pageByteCount >= dirtyByteCount
                    || state.changeCount >= policy.changeCount
                    || state.loggedByteCount >= policy.dirtyByteCount
            {
                state.isRequested = true
                return true
            }
            return isFirst
        }
        let isPartDue = writeback.recordCommit(
            (replaced?.count ?? 0) * pageByteCount,
            usedByteCount: state.withLock { $0.usedByteCount })
        if isDue || isPartDue { loop.wake() }
    }

    /// Waits, before a transaction, while too many pages cannot be reused.
    func waitForRoom() {
        while true {
            let endCount = state.withLock { state -> Int? in
                let pages = state.newPageCount + state.oldPageCount
                // It waits only for a checkpoint that is already pinned, since pinning needs the
                // writer.
                guard pages * pageByteCount > options.checkpoints.maximumDirtyBytes,
                    state.openCount > 0, !state.isStopped
                else { return nil }
                return state.endCount
            }
            guard let endCount else { return }
            // After a failed checkpoint the writer goes on too, and the file grows.
            while state.withLock({ $0.endCount == endCount && !$0.isStopped }) { progress.wait() }
        }
    }

    // MARK: In the background

    /// Starts the background work; it pins through the writer, which holds the write lock most of
    /// the time.
    func start(_ writer: WriterQueue) {
        loop.start { [self] in writer.awaited { pass(writer) } }
    }

    /// Stops the background work.
    func stop() {
        state.withLock { $0.isStopped = true }
        loop.wake()
        progress.signal()
    }

    /// Blocks until the background work ended, after ``stop()``.
    func waitUntilEnded() { loop.waitUntilEnded() }

    /// The next action, or the time until the next one.
    private enum NextAction {
        case checkpoint, releasePin, flushLog, writeOut, stop
        case wait(Duration?)
    }

    private func pass(_ writer: WriterQueue) -> BackgroundLoop.Next {
        while true {
            switch nextAction {
            case .stop: return .never
            case .wait(nil): return .whenWoken
            case .wait(let duration?): return .after(duration)
            case .flushLog:
                state.withLock { $0.lastFlush = .now }
                // The log reports a failure to the observer.
                try? log.flush()
            case .writeOut: writeback.writeNextPart()
            case .releasePin:
                // The state's lock is held: a compaction closes the environment once there is no
                // pin.
                state.withLock { state in
                    // A commit may have come since; then the pin stays.
                    guard state.dirtySince == nil, !state.isWriting else { return }
                    state.pin?.release()
                    state.pin = nil
                }
            case .checkpoint:
                do throws(CodexError) {
                    try publish(try writer.pin())
                } catch {
                    if error.code == .closed { return .never }
                    options.observer?(
                        .checkpointFailed(code: error.code, message: error.message))
                    // A failed checkpoint is tried again after the next interval, not at once.
                    state.withLock { state in
                        state.isRequested = false
                        state.dirtySince = .now
                    }
                }
            }
        }
    }

    private var nextAction: NextAction {
        state.withLock { state in
            if state.isStopped { return .stop }
            if state.isRequested { return .checkpoint }
            let interval = options.checkpoints.interval
            guard let since = state.dirtySince else {
                // An idle process must not keep pages from writing processes.
                guard state.pin != nil else { return .wait(nil) }
                let rest = interval - (.now - state.lastPin)
                // A writing transaction needs the pin.
                if state.isWriting { return .wait(max(rest, interval)) }
                return rest <= .zero ? .releasePin : .wait(rest)
            }
            var rest = interval - (.now - since)
            if rest <= .zero { return .checkpoint }
            if log.canFlush, case .interval(let loss) = options.durability.level {
                let flush = loss - (.now - state.lastFlush)
                if flush <= .zero { return .flushLog }
                rest = min(rest, flush)
            }
            guard let time = writeback.timeToNextPart else { return .wait(rest) }
            return time == .zero ? .writeOut : .wait(min(rest, time))
        }
    }

    // MARK: Closing

    /// Makes the last checkpoint and releases the pin.
    ///
    /// It runs on the writer's thread, after its last transaction.
    ///
    /// If the checkpoint fails, the next opening recovers from the log.
    func finish() {
        let isDirty = state.withLock { $0.dirtySince != nil || $0.isRequested }
        // If there was no checkpoint, the log is flushed, unless a flush of it failed before.
        if isDirty, (try? lease.requireWritable()) == nil || (try? checkpointNow()) == nil {
            try? log.flush()
        }
        release()
    }

    /// Releases the pin, and closes the data file and the log.
    func release() {
        defer {
            writeback.pause()
            file.file.close()
            log.close()
        }
        let pin = state.withLock { state in
            defer { state.pin = nil }
            return state.pin
        }
        pin?.release()
    }
}
