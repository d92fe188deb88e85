package import CodexCore
internal import Synchronization

/// A snapshot that stays open between its reads.
///
/// It ends with this object, by ``end()``, when the store is closed, and when a compaction begins.
/// One thread reads with it at a time; other threads wait.
///
/// Pages that it can see are not reused while it is open. So its user must bound the time.
package final class HeldSnapshot: Sendable {
    private struct State {
        var context: ReadContext?
        var isReading = false
        var isEnded = false
    }

    private let core: StoreCore
    private let state = Locked(State())
    /// Held during a read, since only one thread at a time may use a context.
    private let turn = Locked(0)

    fileprivate init(_ core: StoreCore) { self.core = core }

    deinit { end() }

    /// Takes the snapshot, unless it was ended already.
    fileprivate func take() throws(CodexError) {
        let context = try core.acquireReadContext(waits: false)
        context.thread.store(0, ordering: .relaxed)
        let isEnded = state.withLock { state in
            if !state.isEnded { state.context = context }
            return state.isEnded
        }
        if isEnded { core.releaseReadContext(context) }
    }

    /// Runs `body` with the snapshot; returns `nil` if the snapshot has ended.
    ///
    /// - Throws: The errors of `body`.
    package func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R? {
        try turn.withLock { _ -> R? in
            guard let context = beginRead() else { return nil }
            defer { endRead(context) }
            return try body(Snapshot(context))
        }
    }

    private func beginRead() -> ReadContext? {
        let context = state.withLock { state in
            state.isReading = state.context != nil
            return state.context
        }
        context?.thread.store(WorkerPool.currentThread, ordering: .relaxed)
        return context
    }

    private func endRead(_ context: ReadContext) {
        context.thread.store(0, ordering: .relaxed)
        let isEnded = state.withLock { state in
            state.isReading = false
            if state.isEnded { state.context = nil }
            return state.isEnded
        }
        if isEnded { core.releaseReadContext(context) }
    }

    /// Ends the snapshot; a read that is running ends it when the read is over.
    package func end() {
        // A forked process has no slot of its own.
        if InheritedDescriptors.isForked { return }
        let context = state.withLock { state -> ReadContext? in
            state.isEnded = true
            guard !state.isReading else { return nil }
            defer { state.context = nil }
            return state.context
        }
        if let context { core.releaseReadContext(context) }
    }
}

/// A held snapshot in the list of its store, which does not keep it.
struct WeakHeldSnapshot {
    weak var snapshot: HeldSnapshot?
}

extension Store {
    /// Takes a snapshot of the present state, and holds it until it is ended.
    ///
    /// - Returns: The snapshot.
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/tooManyReaders``,
    ///   ``CodexError/Code/inUse`` while ``compact()`` runs.
    package func holdSnapshot() throws(CodexError) -> HeldSnapshot {
        let held = HeldSnapshot(core)
        // It is listed first, so that a store that is closed meanwhile ends it.
        core.heldSnapshots.withLock { list in
            list.removeAll { $0.snapshot == nil }
            list.append(WeakHeldSnapshot(snapshot: held))
        }
        try held.take()
        return held
    }
}

extension StoreCore {
    /// Ends all held snapshots, since closing and compacting wait for readers.
    func endHeldSnapshots() {
        let held = heldSnapshots.withLock { list in
            defer { list = [] }
            return list.compactMap { $0.snapshot }
        }
        for snapshot in held { snapshot.end() }
    }
}
