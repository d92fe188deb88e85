public import FoundationEssentials
internal import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualClock: Sendable {
    private let moment: Mutex<Date>

    /// Creates a clock that shows `start`.
    ///
    /// - Parameter start: 2025-11-05T00:00:00Z unless another is given.
    public init(_ start: Date = Date(timeIntervalSince1970: 1_762_300_800)) {
        moment = Mutex(start)
    }

    /// The moment that the clock shows.
    public var now: Date { moment.withLock { $0 } }

    /// Moves the clock on by `seconds` (back, if negative).
    public func advance(by seconds: Double) {
        moment.withLock { $0 += seconds }
    }
}
