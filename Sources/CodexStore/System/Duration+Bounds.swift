internal import Dispatch

/// The one place for calculations with durations from users or from storage.
///
/// A `Duration` has 128 bits: `components` traps above 64 bits, and sums and products may overflow.
/// Nothing here traps. ``bounded`` is for durations in waits and sums; `/` and comparisons need no
/// bounds.
extension Duration {
    /// The longest duration that the store computes with: 100 years.
    static let longest = Duration.seconds(100 * 365 * 86_400)

    /// The duration, limited to the range from zero to ``longest``.
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

    /// The duration in the form of Dispatch's waits, within the bounds.
    var dispatchInterval: DispatchTimeInterval { .nanoseconds(nanoseconds) }
}
