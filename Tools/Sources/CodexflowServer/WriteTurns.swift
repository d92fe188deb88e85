#if Server
    import NIOCore
    import NIOPosix

    /// The connections of an event loop that have more of a long answer to write, in turns.
    ///
    /// An event loop runs all ready tasks before it polls its connections again. One task therefore
    /// serves all these connections: it writes the portions of one connection, and is scheduled
    /// again a little later.
    ///
    /// Only its event loop may use it.
    final class WriteTurns {
        /// The variable is thread-specific: each thread accesses only its own value.
        nonisolated(unsafe) private static let all = ThreadSpecificVariable<WriteTurns>()
        /// The delay in which the event loop polls its connections.
        private static let pause = TimeAmount.microseconds(50)

        private let eventLoop: any EventLoop
        private var waiting = CircularBuffer<() -> Void>()

        private init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

        /// The turns of the current event loop.
        static func of(_ eventLoop: any EventLoop) -> WriteTurns {
            eventLoop.preconditionInEventLoop()
            // The thread may have run another event loop before.
            if let turns = all.currentValue, turns.eventLoop === eventLoop { return turns }
            let turns = WriteTurns(eventLoop)
            all.currentValue = turns
            return turns
        }

        /// Calls `body` in its turn.
        func enqueue(_ body: @escaping () -> Void) {
            waiting.append(body)
            if waiting.count == 1 { schedule() }
        }

        private func schedule() {
            let turns = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.scheduleTask(in: Self.pause) { turns.value.run() }
        }

        private func run() {
            // The closure stays first while it runs, so that its own additions are not scheduled
            // twice.
            waiting.first?()
            waiting.removeFirst()
            if !waiting.isEmpty { schedule() }
        }
    }
#endif
