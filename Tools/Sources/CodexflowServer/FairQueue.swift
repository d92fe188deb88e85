#if Server
    import NIOCore

    /// The queue of work for threads: ready work, and work that paused after a slice.
    ///
    /// Ready work has just begun or was woken. It goes first, so that short work does not wait for
    /// the slices of long work. Each kind keeps its order. Paused work gets a turn after every
    /// eight elements of ready work.
    package struct FairQueue<Ready: Sendable, Paused: Sendable> {
        /// The element whose turn it is.
        package enum Turn: Sendable {
            case ready(Ready)
            case paused(Paused)
        }

        private var ready = CircularBuffer<Ready>()
        private var paused = CircularBuffer<Paused>()
        /// The number of ready elements since the last paused one.
        private var streak = 0

        /// The number of ready elements before a paused one gets its turn.
        package static var streakMax: Int { 8 }

        package init() {}

        package var isEmpty: Bool { ready.isEmpty && paused.isEmpty }

        package mutating func append(ready element: Ready) { ready.append(element) }

        package mutating func append(paused element: Paused) { paused.append(element) }

        /// Removes the next element; `nil` if the queue is empty.
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
