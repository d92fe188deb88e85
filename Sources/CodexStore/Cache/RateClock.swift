/// A reading of the wall clock and the monotonic clock at one instant, in seconds.
struct RateReading: Sendable {
    /// The time since 1970.
    let wall: Double
    /// The time since an arbitrary start.
    let elapsed: Double

    /// The wall time at another reading, if both clocks run at the same rate.
    func wall(at other: RateReading) -> Double { wall + (other.elapsed - elapsed) }
}

/// An instant, as a limiter sees it.
struct RateInstant: Sendable {
    /// The latest time that it may be.
    let time: Double
    /// The slot of ``time``, in which a present use counts.
    let slot: Int
    /// The time that has passed with certainty.
    let passed: Double
    /// The slot of ``passed``, by which counts lapse.
    let passedSlot: Int
    /// The reading of the monotonic clock.
    let elapsed: Double
    let basis: RateBasis
}

/// The conditions under which a process's permits are valid: they must be unchanged.
struct RateBasis: Sendable, Equatable {
    /// Increases when the time is set back by more than a window.
    let era: Int
    /// The number of the table that has the windows; `nil` if there is none.
    let table: Int?
}

/// Gives a limiter the time, so that a jump of the wall clock frees nothing.
///
/// After a jump there are two times: the wall clock's, and the time that it would show without the
/// jump. A use counts at the later one, and lapses by the earlier one. The limiter follows the jump
/// once both clocks have agreed until all counts from before it have lapsed.
struct RateClock: Sendable {
    /// The time that both clocks must agree; zero trusts the wall clock at once.
    private let confirmation: Double
    private let window: Double
    /// The reading from which the time follows the monotonic clock.
    private var base: RateReading?
    /// The reading since which both clocks agree.
    private var agreed: RateReading?
    private var latest: Double?
    /// The number of times that the time was set back by more than a window.
    private(set) var era = 0

    /// A smaller difference is no jump; the tolerance grows by 500 ppm.
    private static let tolerance = 0.01
    private static let driftDivisor = 2000.0

    init(_ rule: RateRule, trustsWall: Bool = false) {
        confirmation = trustsWall ? 0 : rule.lapseSeconds
        window = rule.windowSeconds
    }

    /// The earliest and the latest time at a new reading; the first reading is trusted.
    mutating func times(at reading: RateReading) -> (passed: Double, latest: Double) {
        let line = line(at: reading)
        let now = max(reading.wall, line)
        if let latest, now < latest - window { era += 1 }
        latest = now
        return (min(reading.wall, line), now)
    }

    /// The time that the wall clock would show without the last jump.
    private mutating func line(at reading: RateReading) -> Double {
        guard let base, let agreed else { return follow(reading) }
        var agreement = max(0, reading.elapsed - agreed.elapsed)
        let difference = reading.wall - agreed.wall(at: reading)
        if abs(difference) > Self.tolerance + agreement / Self.driftDivisor {
            self.agreed = reading
            agreement = 0
        }
        return agreement >= confirmation ? follow(reading) : base.wall(at: reading)
    }

    private mutating func follow(_ reading: RateReading) -> Double {
        base = reading
        agreed = reading
        return reading.wall
    }
}
