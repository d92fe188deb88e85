internal import CodexStore

/// Past states of a store, in which queries see indexes as they were some time ago.
///
/// Before a write, the present state is held, unless one is held that is hardly older. A read takes
/// the oldest state that is younger than the age. All writes that are as old as the age are in it.
/// No write is in it that is younger than seven eighths of the age.
///
/// At most eight states are held, each for the age at most.
final class PastStates: Sendable {
    private struct PastState {
        let instant: Duration
        let snapshot: HeldSnapshot
    }

    /// The age of the states that reads see.
    let age: Duration
    private let elapsed: @Sendable () -> Duration
    private let states = Locked<[PastState]>([])

    /// The parts of the age, at whose length a new state is held.
    private static let partCount = 8

    /// Creates an empty list.
    ///
    /// - Parameters:
    ///   - age: The age of the states that reads see.
    ///   - elapsed: The time since any fixed instant.
    init(age: Duration, elapsed: @escaping @Sendable () -> Duration) {
        (self.age, self.elapsed) = (age, elapsed)
    }

    /// Holds the present state before a write, if it is time.
    ///
    /// - Parameter hold: Holds the state. If it fails, reads see later states.
    /// - Returns: Whether a state was held, which ``removeOld()`` must remove after the age.
    func keep(_ hold: () throws -> HeldSnapshot) -> Bool {
        states.withLock { states in
            let now = elapsed()
            removeOld(&states, now)
            if let last = states.last, now - last.instant < age / Self.partCount { return false }
            guard let snapshot = try? hold() else { return false }
            states.append(PastState(instant: now, snapshot: snapshot))
            return true
        }
    }

    /// The state that a read sees; `nil` if it is the present one.
    var state: HeldSnapshot? {
        states.withLock { states in
            removeOld(&states, elapsed())
            return states.first?.snapshot
        }
    }

    /// The number of states that are held.
    var count: Int { states.withLock { $0.count } }

    /// Ends the states that are as old as the age.
    func removeOld() { states.withLock { removeOld(&$0, elapsed()) } }

    /// Ends all states: reads see the present one until the next write.
    func removeAll() { states.withLock { $0 = [] } }

    private func removeOld(_ states: inout [PastState], _ now: Duration) {
        states.removeAll { now - $0.instant >= age }
    }
}
