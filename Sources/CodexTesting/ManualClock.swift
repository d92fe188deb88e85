public import CodexStore
public import FoundationEssentials
internal import Synchronization

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// var options = StoreOptions()
/// options.use(clock)
/// ```
public final class ManualClock: Sendable {
    private struct State {
        var now: Date
        var elapsed = Duration.zero
    }
    private let state: Mutex<State>

    /// The longest step of the elapsed time, in seconds.
    private static let stepMax = 1e9

    /// Creates a clock that shows `start`.
    ///
    /// - Parameter start: The first instant; 2025-11-05T00:00:00Z by default.
    public init(_ start: Date = Date(timeIntervalSince1970: 1_762_300_800)) {
        state = Mutex(State(now: start))
    }

    /// The instant that the clock shows.
    public var now: Date { state.withLock { $0.now } }

    /// The time that has passed since the clock was created, regardless of the instant that it
    /// shows.
    public var elapsed: Duration { state.withLock { $0.elapsed } }

    /// Advances the clock and the elapsed time by `seconds`.
    ///
    /// Elapsed time does not go back: a negative value is a ``jump(by:)``.
    public func advance(by seconds: Double) {
        state.withLock { state in
            state.now += seconds
            if seconds > 0 { state.elapsed += .seconds(min(seconds, Self.stepMax)) }
        }
    }

    /// Moves the clock by `seconds` (back, if negative) without any time passing.
    ///
    /// It simulates a change to the system's wall clock.
    public func jump(by seconds: Double) { state.withLock { $0.now += seconds } }
}

extension StoreOptions {
    /// Takes both the instant and the elapsed time from a clock that a test moves.
    ///
    /// Setting ``StoreOptions/now`` alone is not enough for deletions by time: the store also waits
    /// until the real time has passed (``StoreOptions/clockConfirmation``).
    public mutating func use(_ clock: ManualClock) {
        now = { clock.now }
        parts.monotonic = { clock.elapsed }
    }
}
