#if Server
    import NIOCore
    import NIOPosix

    /// The connections of an event loop that have more of a long answer to write, one after the
    /// other.
    ///
    /// An event loop runs all tasks that are ready before it looks at its connections again. So one
    /// task serves for all of them: it writes one connection's portions, and comes again a little
    /// later.
    ///
    /// Used on its event loop only.
    final class WriteTurns {
        /// Each thread sees its own value alone.
        nonisolated(unsafe) private static let all = ThreadSpecificVariable<WriteTurns>()
        /// Meanwhile the event loop looks at its connections.
        private static let pause = TimeAmount.microseconds(50)

        private let eventLoop: any EventLoop
        private var waiting = CircularBuffer<() -> Void>()

        private init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

        /// Those of the event loop that this runs on.
        static func of(_ eventLoop: any EventLoop) -> WriteTurns {
            eventLoop.preconditionInEventLoop()
            // A thread may have had another event loop.
            if let turns = all.currentValue, turns.eventLoop === eventLoop { return turns }
            let turns = WriteTurns(eventLoop)
            all.currentValue = turns
            return turns
        }

        /// Calls `body` once it is its turn.
        func enqueue(_ body: @escaping () -> Void) {
            waiting.append(body)
            if waiting.count == 1 { schedule() }
        }

        private func schedule() {
            let turns = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.scheduleTask(in: Self.pause) { turns.value.run() }
        }

        private func run() {
            // It stays the first until it has run: what it adds is not scheduled twice.
            waiting.first?()
            waiting.removeFirst()
            if !waiting.isEmpty { schedule() }
        }
    }
#endif
