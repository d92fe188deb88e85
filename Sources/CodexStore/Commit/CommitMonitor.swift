internal import CodexCore

/// Watches commits, readers and the file, and reports events to the observer.
///
/// One thread at a time uses it: the one that runs writes. Without an observer there is no monitor.
struct CommitMonitor {
    private let core: StoreCore
    private let observer: @Sendable (StoreEvent) -> Void
    private let clock = ContinuousClock()
    private var lastFileByteCount: Int
    private var lastLook: ContinuousClock.Instant
    /// The open snapshots, and the instant when each was seen first.
    private var readers: [Reader: ContinuousClock.Instant] = [:]
    private var told: Set<Reader> = []

    /// A process's snapshot of one commit.
    private struct Reader: Hashable {
        let processID: Int32
        let snapshot: Int
    }

    private static let lookInterval = Duration.seconds(1)

    init?(_ core: StoreCore) {
        guard let observer = core.options.observer else { return nil }
        self.core = core
        self.observer = observer
        lastFileByteCount = Self.fileByteCount(core)
        lastLook = clock.now
    }

    private static func fileByteCount(_ core: StoreCore) -> Int {
        guard let usage = try? core.environment.usage() else { return 0 }
        return usage.pageCount * usage.pageByteCount
    }

    var now: ContinuousClock.Instant { clock.now }

    /// Records a commit that began at `start`.
    mutating func committed(since start: ContinuousClock.Instant, changeCount: Int) {
        let now = clock.now
        let thresholds = core.options.thresholds
        if now - start >= thresholds.slowCommit {
            observer(.slowCommit(duration: now - start, changeCount: changeCount))
        }
        let byteCount = Self.fileByteCount(core)
        if byteCount - lastFileByteCount >= thresholds.growthByteCount {
            observer(.growth(byteCount: byteCount - lastFileByteCount, fileByteCount: byteCount))
            lastFileByteCount = byteCount
        }
        if now - lastLook >= min(Self.lookInterval, thresholds.longReader) { look(now) }
    }

    private mutating func look(_ now: ContinuousClock.Instant) {
        lastLook = now
        let open = Set(
            core.environment.readers().map {
                Reader(processID: $0.processID, snapshot: $0.snapshot)
            })
        readers = readers.filter { open.contains($0.key) }
        told.formIntersection(open)
        for reader in open {
            let first = readers[reader] ?? now
            readers[reader] = first
            guard now - first >= core.options.thresholds.longReader, !told.contains(reader) else {
                continue
            }
            told.insert(reader)
            observer(.longReader(processID: reader.processID, duration: now - first))
        }
    }
}
