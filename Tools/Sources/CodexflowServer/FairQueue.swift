#if Server
    import NIOCore

    /// Work that waits for a thread: what begins or was woken, and what paused after a slice.
    ///
    /// What begins goes first, so that short work does not wait for the slices of long work. Each
    /// kind goes in its order, and long work gets a turn after every eight of the others.
    package struct FairQueue<Ready: Sendable, Paused: Sendable> {
        /// What has its turn.
        package enum Turn: Sendable {
            case ready(Ready)
            case paused(Paused)
        }

        private var ready = CircularBuffer<Ready>()
        private var paused = CircularBuffer<Paused>()
        /// How many ready ones had their turn since a paused one.
        private var streak = 0

        /// So many ready ones go before a paused one.
        package static var streakMax: Int { 8 }

        package init() {}

        package var isEmpty: Bool { ready.isEmpty && paused.isEmpty }

        package mutating func append(ready element: Ready) { ready.append(element) }

        package mutating func append(paused element: Paused) { paused.append(element) }

        /// Takes what is next; `nil` if nothing waits.
        package mutating func next() -> Turn? {
            if streak < Self.streakMax || paused.isEmpty, let element = ready.popFirst() {
                streak = paused.isEmpty ? 0 : streak + 1
                return .ready(element)
            }
            streak = 0
            return paused.popFirst().map { .paused($0) }
        }
    }
#endif
