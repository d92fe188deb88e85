internal import Dispatch

/// The one place that computes with durations that somebody gave or stored.
///
/// A `Duration` has 128 bits: what it has more than 64 for traps in `components`, and sums and
/// products of it may overflow. Nothing here traps. ``bounded`` is for durations that are waited for
/// or added; `/` and comparisons need no bounds.
extension Duration {
    /// The longest duration that the store computes with: 100 years.
    static let longest = Duration.seconds(100 * 365 * 86_400)

    /// The duration, brought between zero and ``longest``.
    var bounded: Duration { max(.zero, min(self, .longest)) }

    /// Twice the duration, within the bounds.
    var doubled: Duration { (bounded * 2).bounded }

    /// The duration in milliseconds, without bounds.
    var milliseconds: Double { self / Duration.milliseconds(1) }

    /// The duration in whole nanoseconds, rounded up, within the bounds.
    var nanoseconds: Int {
        let (seconds, attoseconds) = bounded.components
        return Int(seconds) * 1_000_000_000 + Int((attoseconds + 999_999_999) / 1_000_000_000)
    }

    /// The duration as Dispatch's waits take it, within the bounds.
    var dispatchInterval: DispatchTimeInterval { .nanoseconds(nanoseconds) }
}
