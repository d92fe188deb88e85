internal import CodexCore
internal import Synchronization

/// Removes expired items in the background, in batches with other writes between them.
///
/// It first checks with a reader whether an item is due, so that it does not write to an idle
/// store. Every process that has the store open for writing sweeps; the second one finds nothing
/// left.
///
/// After a failure (a full disk, for example), the next check tries again: reads do not find
/// expired items in the meantime.
final class Sweeper: Sendable {
    private let core: StoreCore
    private let writer: WriterQueue
    private let interval: Duration
    private let isStopped = Locked(false)
    private let loop = BackgroundLoop()

    /// The number of items that one transaction removes: some milliseconds of the writer's time.
    static let batchCount = 500

    /// Makes a sweeper; `nil` if the options have no sweep interval.
    init?(_ core: StoreCore, _ writer: WriterQueue) {
        guard let interval = core.options.sweepInterval, interval > .zero else { return nil }
        self.core = core
        self.writer = writer
        self.interval = min(interval, .seconds(86_400))
    }

    func start() {
        loop.start(.after(interval)) { [self] in core.awaited { pass() } }
    }

    /// Ends the sweeper after the current batch.
    func stop() {
        isStopped.withLock { $0 = true }
        loop.wake()
    }

    /// Blocks until the sweeper has ended, after ``stop()``.
    func waitUntilEnded() { loop.waitUntilEnded() }

    private func pass() -> BackgroundLoop.Next {
        if isStopped.withLock({ $0 }) { return .never }
        // Another process may have removed tables, too.
        try? core.closeRetiredHandles()
        // It is read even if no item expires, so that jumps of the clock are detected.
        let instant = core.options.deletionSecond
        // A reader has the present tables. It also has whether the store is a follower: there the
        // leader removes items first.
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
                // Fewer may fit. If not, the next check tries again, and other tables are not
                // blocked.
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
