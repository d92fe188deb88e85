internal import CodexCore
internal import Synchronization

/// Removes expired items in the background, in batches that other writes pass between.
///
/// It looks with a reader whether anything is due, so that an idle store is not written to. Every
/// process that has the store open for writing sweeps; who comes second finds nothing left.
///
/// What fails (a full disk, say) is tried again with the next look: nobody finds the items
/// meanwhile.
final class Sweeper: Sendable {
    private let core: StoreCore
    private let writer: WriterQueue
    private let interval: Duration
    private let isStopped = Locked(false)
    private let loop = BackgroundLoop()

    /// Items that one transaction removes: some milliseconds of the writer's time.
    static let batchCount = 500

    /// Makes a sweeper; `nil` if the options want none.
    init?(_ core: StoreCore, _ writer: WriterQueue) {
        guard let interval = core.options.sweepInterval, interval > .zero else { return nil }
        self.core = core
        self.writer = writer
        self.interval = min(interval, .seconds(86_400))
    }

    func start() {
        loop.start(.after(interval)) { [self] in core.awaited { pass() } }
    }

    /// Ends it after the batch it is at.
    func stop() {
        isStopped.withLock { $0 = true }
        loop.wake()
    }

    /// Blocks until it ended, after ``stop()``.
    func waitUntilEnded() { loop.waitUntilEnded() }

    private func pass() -> BackgroundLoop.Next {
        if isStopped.withLock({ $0 }) { return .never }
        // Another process may have removed tables, too.
        try? core.closeRetiredHandles()
        // Asked also where nothing expires: so jumps of the clock are noticed.
        let instant = core.options.deletionSecond
        // A reader knows what tables there are by now, and whether the store follows another, where
        // the leader's items go first.
        let tables = try? core.withReadContext { context in
            context.catalog.manifest.isFollower
                ? [] : try ExpiredEntries(context).tableNames(by: instant)
        }
        for table in tables ?? [] { sweep(table) }
        return .after(interval)
    }

    private func sweep(_ table: String) {
        var (position, count) = ([UInt8]?.none, Self.batchCount)
        while !isStopped.withLock({ $0 }) {
            do {
                position = try sweep(table, after: position, count)
                if position == nil { return }
            } catch {
                // Fewer may fit; else the next look tries again, and other tables are not kept.
                count /= 8
                if count == 0 { return }
            }
        }
    }

    private func sweep(
        _ table: String, after start: [UInt8]?, _ count: Int
    ) throws -> [UInt8]? {
        let step: SweepStep = try writer.wait(limited: false) { answer in
            ClosureJob(
                { transaction in
                    try ExpirySweep(transaction.context).sweep(table, after: start, count)
                },
                answer: answer)
        }
        return step.end
    }
}
