internal import CodexCore

/// Builds new indexes and counters and empties removed ones, in the background and in short steps.
///
/// Other writes run between the steps. One process at a time builds: the holder of the lock file.
/// If that process is killed, another continues at the same point. Each step stores its progress in
/// its own transaction. ``BuildWork`` has the steps, and ``BuildSchedule`` decides when they run.
///
/// - Every write maintains a new index at once. Its build adds only the entries of older items, in
///   sorted order, so that the tree is filled in order.
/// - A counter's build reads the items in key order. Writes maintain the counter for the items that
///   the build has passed.
/// - Items of earlier formats are read in key order too, and their undecided values are decided.
final class Builder: Sendable {
    let core: StoreCore
    let schedule: BuildSchedule
    private let writer: WriterQueue
    /// The numbers of the tables with values that this process's keys did not decide.
    private let undecidableTables = Locked<Set<Int>>([])
    /// The keys that a load read before its end, until its build takes them.
    let loadedKeys = Locked<LoadedKeys?>(nil)

    /// The name of the lock file, which the building process locks.
    static let lockName = "build.lock"
    /// Tables up to this size are built when the store is opened, before it is used.
    static let smallItemCount = 10_000
    /// The interval of checks whether another process's build has ended.
    private static let lockInterval = Duration.milliseconds(500)

    init(_ core: StoreCore, _ writer: WriterQueue) {
        self.core = core
        self.writer = writer
        schedule = BuildSchedule(core.options)
    }

    func start() {
        schedule.start { [self] in core.awaited { pass() } }
    }

    // MARK: Work

    /// Whether there is work, and all of it takes only a moment.
    func hasLittleToDo() -> Bool {
        let catalog = core.catalog
        let undecided = undecidedTables(catalog)
        guard catalog.hasWork || !undecided.isEmpty,
            !catalog.allTables.contains(where: \.isLoading), !hasMuchToEmpty
        else { return false }
        return (catalog.allTables.filter(\.hasWork) + undecided).allSatisfy(isSmall)
    }

    /// Waits until the parts of a table are built, as long as all the work takes only a moment.
    ///
    /// So a change of a small table waits neither for large builds nor for those that fail.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - isReported: Whether a failure of the build is thrown; otherwise the call returns.
    /// - Throws: As ``BuildSchedule/waitBriefly(for:_:)``.
    func waitBriefly(for table: String, isReported: Bool) async throws {
        schedule.wake()
        do {
            try await schedule.waitBriefly(for: table) { [self] in releaseUnlessBrief() }
        } catch {
            if isReported { throw error }
        }
    }

    /// Ends the waits of ``waitBriefly(for:isReported:)`` if the work takes longer.
    private func releaseUnlessBrief() {
        guard schedule.hasBriefWaiters, !hasLittleToDo() else { return }
        schedule.releaseBriefWaiters()
    }

    /// Whether emptying the trees of removed tables takes more than a moment.
    private var hasMuchToEmpty: Bool { !core.catalog.droppedTrees.allSatisfy { isSmall($0.tree) } }

    /// Whether a table is small enough to be built in a moment.
    func isSmall(_ table: TableHandle) -> Bool { isSmall(table.tree) }

    private func isSmall(_ tree: Tree) -> Bool {
        // No caller waits for builds on demand.
        guard !schedule.isOnDemand else { return false }
        let count = try? core.withReadContext { try $0.transaction.count(tree) }
        return count.map { $0 <= Self.smallItemCount } ?? false
    }

    /// The tables with values to decide.
    ///
    /// Tables that wait for keys are tried once in this process, if it has keys.
    func undecidedTables(_ catalog: Catalog) -> [TableHandle] {
        let hasKeys = core.options.sealer != nil
        let tried = undecidableTables.withLock { $0 }
        return catalog.allTables.filter { table in
            switch table.undecided {
            case nil: false
            case .unread: true
            case .waiting: hasKeys && !tried.contains(table.number)
            }
        }
    }

    /// Records that this process's keys do not decide all values of a table.
    func noteUndecidable(_ table: Int) {
        undecidableTables.withLock { tables in _ = tables.insert(table) }
    }

    // MARK: Passes

    private enum Outcome {
        case done
        /// Another process builds, and may end before the work is done.
        case busy
        case failed(CodexError)
    }

    private func pass() -> BackgroundLoop.Next {
        let requestCount = schedule.beginPass()
        let outcome = work()
        if schedule.isStopped {
            schedule.answerAll(StoreCore.closed)
            return .never
        }
        switch outcome {
        case .done: schedule.idle(nil, since: requestCount)
        case .busy: return .after(Self.lockInterval)
        case .failed(let error) where error.mayPass: return .after(schedule.delay(after: error))
        case .failed(let error):
            schedule.report(error, retryDelay: nil)
            schedule.idle(error, since: requestCount)
        }
        return .whenWoken
    }

    /// Does all the work that there is.
    private func work() -> Outcome {
        while !schedule.isStopped {
            do throws(CodexError) {
                switch try step() {
                case .done: return .done
                case .busy: return .busy
                case .more: continue
                }
            } catch  where error.code == .unknownTable {
                // Another writer removed the table meanwhile.
                continue
            } catch {
                return .failed(error)
            }
        }
        return .busy
    }

    /// Does the most urgent part of the work, if there is work and no other process builds.
    private func step() throws(CodexError) -> BuildsOnDemand.Outcome {
        schedule.aim(at: (nil, nil))
        let catalog = try core.refreshCatalog()
        guard catalog.hasWork || !undecidedTables(catalog).isEmpty else { return .done }
        releaseUnlessBrief()
        guard let lock = try FileLock(Self.lockName, in: core.directory) else { return .busy }
        try withExtendedLifetime(lock) { () throws(CodexError) in
            try BuildWork(self).step(try core.refreshCatalog())
        }
        return .more
    }

    /// Does the most urgent part of the work, on the calling thread.
    ///
    /// - Parameter stepCountMax: The number of transactions after which it ends. The change of the
    ///   manifest that ends a build may follow.
    /// - Returns: Whether there may be more to do, or another process builds.
    /// - Throws: The errors of building, at once.
    func work(stepCountMax: Int) throws(CodexError) -> BuildsOnDemand.Outcome {
        try schedule.bounded(by: stepCountMax) { () throws(CodexError) in try step() }
    }

    // MARK: Reading and writing

    /// Runs a part of a build in a transaction that does not have to be in the log.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (WriteContext) throws -> Value
    ) throws(CodexError) -> Value {
        schedule.willStep()
        return try schedule.persisting(isProgress: true) { () throws(CodexError) -> Value in
            do {
                return try writer.wait(limited: false) { answer in
                    ClosureJob(
                        isLogged: false, { transaction in try body(transaction.context) },
                        answer: answer)
                }
            } catch {
                throw CodexError.wrapping(error)
            }
        }
    }

    /// Changes the manifest, unless `body` returns `false`.
    func changeManifest(
        afterCheckpoint: Bool = false,
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) throws(CodexError) {
        schedule.willStep()
        try schedule.persisting(isProgress: true) { () throws(CodexError) -> Void in
            do {
                try writer.wait(limited: false) {
                    ManifestJob(body, afterCheckpoint: afterCheckpoint, answer: $0)
                }
            } catch {
                throw CodexError.wrapping(error)
            }
        }
    }

    /// Runs `body` with a snapshot; an error of `body` is not retried.
    func reading<R>(_ body: (ReadContext) throws -> R) throws(CodexError) -> R {
        let context = try schedule.persisting(isProgress: false) { () throws(CodexError) in
            try core.acquireReadContext()
        }
        defer { core.releaseReadContext(context) }
        do {
            return try body(context)
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// The progress that is stored under a key; empty if there is none.
    func position(_ key: [UInt8]) throws(CodexError) -> [UInt8] {
        try reading { context in
            let stored = unsafe try context.transaction.get(context.catalog.meta, key)
            return unsafe stored.map { unsafe Array($0) } ?? []
        }
    }
}
