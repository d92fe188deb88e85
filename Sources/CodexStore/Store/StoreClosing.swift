internal import CodexCore
internal import Dispatch

/// Closes a store: it refuses new readers, waits for the running ones, and closes the environment.
struct StoreClosing {
    private let core: StoreCore
    private var state: Locked<StoreCore.State> { core.state }
    private var directory: Directory { core.directory }

    init(_ core: StoreCore) { self.core = core }

    /// Whether any reader is active.
    var hasReaders: Bool { state.withLock { $0.readers.activeCount > 0 } }

    /// Refuses readers from now on; returns whether this call was the first.
    func begin() -> Bool {
        let isFirst = state.withLock { state in
            defer { (state.isClosed, state.isBarred) = (true, true) }
            return !state.isClosed
        }
        if isFirst {
            OpenStores.markClosing(directory.identity)
            core.endHeldSnapshots()
            core.leaderStreams.close(StoreCore.closed)
        }
        return isFirst
    }

    /// Waits for running readers and closes the environment.
    ///
    /// It is called once, after the writer ended.
    func finish() {
        while state.withLock({ $0.readers.activeCount > 0 }) { core.lastReaderEnded.wait() }
        let idle = state.withLock { state in
            defer { state.readers.idle = [] }
            return state.readers.idle
        }
        core.contexts.withLock { $0 = [] }
        for context in idle { context.abort() }
        core.commits.close()
        for cache in state.withLock({ $0.caches }) { cache.follower?.close() }
        closeEnvironment()
        OpenStores.leave(directory.identity)
        state.withLock { $0.isFinished = true }
        core.finished.signal()
    }

    /// Closes LMDB's environment and releases the lease, with the gate held.
    ///
    /// The last process to close ends LMDB's locks, and no process may be about to use them.
    private func closeEnvironment() {
        // If the gate fails, for example without free descriptors, closing continues.
        let gate = try? StoreLease.gate(
            directory, isReadOnly: core.options.isReadOnly, within: core.options.lockTimeout)
        core.environment.close()
        if gate != nil, !core.options.isReadOnly, (try? core.lease.takeAlone()) == true,
            (try? core.lease.requireFiles()) != nil
        {
            try? DataFile.giveBackReserve(directory)
        }
        core.lease.release()
        gate?.release()
    }

    /// Waits until ``finish()`` is done; any number of callers may.
    func waitUntilFinished() {
        if state.withLock({ $0.isFinished }) { return }
        core.finished.wait()
        core.finished.signal()
    }
}
