/// What the wall clock and the monotonic clock show at one moment, in seconds.
struct RateReading: Sendable {
    /// The time since 1970.
    let wall: Double
    /// The time that passed since some moment.
    let elapsed: Double

    /// What the wall clock shows at another reading if both clocks go on alike.
    func wall(at other: RateReading) -> Double { wall + (other.elapsed - elapsed) }
}

/// A moment as a limiter sees it.
struct RateInstant: Sendable {
    /// The latest that the time may be.
    let time: Double
    /// The slot of that, in which what is done now counts.
    let slot: Int
    /// Up to when the time has passed for sure.
    let passed: Double
    /// The slot of that, by which what was counted lapses.
    let passedSlot: Int
    /// What the monotonic clock shows.
    let elapsed: Double
    let basis: RateBasis
}

/// What must be the same for what a process holds to be of use.
struct RateBasis: Sendable, Equatable {
    /// Goes up when the time is set back by more than a window.
    let era: Int
    /// The number of the table that the windows are in; `nil` if there is none.
    let table: Int?
}

/// Tells a limiter the time so that no jump of the wall clock frees anything.
///
/// After a jump there are two times: what the wall clock shows, and what it would show without the
/// jump. What is done counts by the later, and lapses by the earlier. The jump is followed once
/// both clocks have agreed for so long that all has lapsed that was counted before it.
struct RateClock: Sendable {
    /// How long both clocks must agree; zero trusts the wall clock at once.
    private let confirmation: Double
    private let window: Double
    /// From here on the time goes on with the monotonic clock.
    private var base: RateReading?
    /// Since when both clocks agree.
    private var agreed: RateReading?
    private var latest: Double?
    /// How often the time was set back by more than a window.
    private(set) var era = 0

    /// The difference that is no jump, and what it grows by: 500 ppm.
    private static let tolerance = 0.01
    private static let driftDivisor = 2000.0

    init(_ rule: RateRule, trustsWall: Bool = false) {
        confirmation = trustsWall ? 0 : rule.lapseSeconds
        window = rule.windowSeconds
    }

    /// The earliest and the latest that the time may be, by a new reading; the first is trusted.
    mutating func times(at reading: RateReading) -> (passed: Double, latest: Double) {
        let line = line(at: reading)
        let now = max(reading.wall, line)
        if let latest, now < latest - window { era += 1 }
        latest = now
        return (min(reading.wall, line), now)
    }

    /// What the wall clock would show without the last jump.
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
