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

    /// The longest step that the time that passed takes, in seconds.
    private static let stepMax = 1e9

    /// Creates a clock that shows `start`.
    ///
    /// - Parameter start: 2025-11-05T00:00:00Z unless another is given.
    public init(_ start: Date = Date(timeIntervalSince1970: 1_762_300_800)) {
        state = Mutex(State(now: start))
    }

    /// The moment that the clock shows.
    public var now: Date { state.withLock { $0.now } }

    /// The time that has passed since the clock was made, whatever it showed.
    public var elapsed: Duration { state.withLock { $0.elapsed } }

    /// Lets `seconds` pass: moves the clock on, and the time that has passed with it.
    ///
    /// Time does not go back: if negative, it is a ``jump(by:)``.
    public func advance(by seconds: Double) {
        state.withLock { state in
            state.now += seconds
            if seconds > 0 { state.elapsed += .seconds(min(seconds, Self.stepMax)) }
        }
    }

    /// Sets the clock on by `seconds` (back, if negative) without any time passing, as somebody who
    /// sets a wall clock does.
    public func jump(by seconds: Double) { state.withLock { $0.now += seconds } }
}

extension StoreOptions {
    /// Takes both the time and the time that passes from a clock that a test moves.
    ///
    /// Setting ``StoreOptions/now`` alone is not enough for what deletes by time: the store waits until
    /// the real time has passed, too (``StoreOptions/clockConfirmation``).
    public mutating func use(_ clock: ManualClock) {
        now = { clock.now }
        parts.monotonic = { clock.elapsed }
    }
}
