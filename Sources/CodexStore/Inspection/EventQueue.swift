internal import Dispatch

/// Delivers a store's events to the host's observer, in order, on a separate thread.
///
/// The store holds no lock while the observer runs, and does not wait for it. The observer may
/// close the store, write to it, or never return. The queue has a thread only while there are
/// events.
final class EventQueue: Sendable {
    private struct State {
        var waiting: ArraySlice<StoreEvent> = []
        /// The number of events without room since the last one that had room.
        var droppedCount = 0
        var isEnded = false
        var isDelivering = false
        /// The thread that calls the observer.
        var thread: UInt?

        /// Adds an event with the number of dropped events, in their place.
        mutating func noteDropped() {
            guard droppedCount > 0 else { return }
            waiting.append(.eventsDropped(count: droppedCount))
            droppedCount = 0
        }
    }

    private let observer: @Sendable (StoreEvent) -> Void
    private let state = Locked(State())
    /// Entered while events are being delivered.
    private let delivery = DispatchGroup()

    /// The maximum number of events that wait for a busy observer.
    static let waitingCountMax = 1024
    /// The time that closing gives an observer for the earlier events.
    private static let endTimeout = DispatchTimeInterval.seconds(1)

    init(_ observer: @escaping @Sendable (StoreEvent) -> Void) { self.observer = observer }

    /// Adds an event, or counts it as dropped if too many wait.
    func add(_ event: StoreEvent) {
        let starts = state.withLock { state -> Bool in
            guard !state.isEnded else { return false }
            guard state.waiting.count < Self.waitingCountMax else {
                state.droppedCount += 1
                return false
            }
            state.noteDropped()
            state.waiting.append(event)
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        guard starts else { return }
        delivery.enter()
        WorkerPool.run { [self] in deliver() }
    }

    private func deliver() {
        state.withLock { $0.thread = WorkerPool.currentThread }
        while let event = next() { observer(event) }
        delivery.leave()
    }

    /// The next event; `nil` ends the delivery.
    private func next() -> StoreEvent? {
        state.withLock { state in
            if state.waiting.isEmpty { state.noteDropped() }
            if let event = state.waiting.popFirst() { return event }
            (state.isDelivering, state.thread) = (false, nil)
            return nil
        }
    }

    /// Ends the delivery: the observer gets the waiting events within a second, and none after
    /// that.
    ///
    /// A call in the observer returns at once, and the remaining events are discarded.
    func end() {
        let waits = state.withLock { !$0.isEnded && $0.thread != WorkerPool.currentThread }
        if waits { _ = delivery.wait(timeout: .now() + Self.endTimeout) }
        state.withLock { state in
            state.isEnded = true
            (state.waiting, state.droppedCount) = ([], 0)
        }
    }
}
