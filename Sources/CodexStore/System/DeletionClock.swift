internal import CodexCore

/// The times up to which a store deletes, in milliseconds since 1970.
struct DeletionTimes: Sendable, Equatable {
    /// Items and changes that expired up to this time may be deleted.
    let items: UInt64
    /// Idempotency tokens that expired up to this time may be deleted.
    let tokens: UInt64
    /// The latest possible real time: the time stamp for entries that are kept for a limited time.
    let stamp: UInt64
}

/// Determines the time up to which a store may delete permanently.
///
/// A wrong wall clock will be corrected. Items that only seemed expired are then visible again, but
/// a deletion cannot be undone. So this clock is never ahead of the wall clock. When the wall clock
/// jumps, this clock continues with the monotonic clock. It follows a jump once both have agreed
/// for ``StoreOptions/clockConfirmation``. Directly after opening, the times in the log bound it.
///
/// Each process that has the store open for writing has one. Only deletions by time use it, and the
/// time stamps of entries that are kept for a limited time.
final class DeletionClock: Sendable {
    private struct Lines {
        var items: ClockLine
        var tokens: ClockLine
    }
    private let options: StoreOptions
    private let lines: Locked<Lines>

    /// The longest pause, in milliseconds, between reading one clock and the other.
    private static let pauseMax = 500

    /// Starts the clock of a store that is being opened.
    ///
    /// - Parameters:
    ///   - options: The options with the clocks, the confirmation and the observer.
    ///   - times: The times in the log.
    init(_ options: StoreOptions, _ times: LogTimes) {
        let reading = Self.reading(options)
        let confirmation = options.clockConfirmationMilliseconds
        self.options = options
        lines = Locked(
            Lines(
                items: ClockLine(reading, times, confirmation: confirmation),
                tokens: ClockLine(
                    reading, times, confirmation: options.tokenConfirmationMilliseconds)))
        let newest = ClockReading(wall: times.newest, elapsed: .zero).wall
        if reading.wall < newest - ClockLine.toleranceMax { report(reading.wall - newest) }
    }

    /// The times up to which the store may delete now.
    func times() -> DeletionTimes {
        let reading = Self.reading(options)
        let (times, jump) = lines.withLock { lines -> (DeletionTimes, Int?) in
            let jump = lines.items.take(reading)
            _ = lines.tokens.take(reading)
            let times = DeletionTimes(
                items: lines.items.confirmed(at: reading),
                tokens: lines.tokens.confirmed(at: reading),
                stamp: lines.tokens.latest(at: reading))
            return (times, jump)
        }
        if let jump { report(jump) }
        return times
    }

    /// Reads both clocks, and again if the thread or the machine was stopped in between.
    private static func reading(_ options: StoreOptions) -> ClockReading {
        var reading = ClockReading(wall: 0, elapsed: options.parts.monotonic())
        for _ in 0..<3 {
            let start = reading.elapsed
            reading = ClockReading(
                wall: options.nowMilliseconds, elapsed: options.parts.monotonic())
            if reading.elapsed - start < pauseMax { break }
        }
        return reading
    }

    private func report(_ jump: Int) {
        options.observer?(.clockJumped(by: .milliseconds(jump)))
    }
}

/// A reading of the wall clock and the monotonic clock at one instant, in milliseconds.
///
/// Both are bounded, so that sums and differences do not overflow.
struct ClockReading: Sendable, Equatable {
    /// The time since 1970.
    var wall: Int
    /// The time since an arbitrary start.
    var elapsed: Int

    private static let wallMax = 1 << 48

    init(wall: UInt64, elapsed: Duration) {
        self.wall = min(Int(clamping: wall), Self.wallMax)
        self.elapsed = elapsed.nanoseconds / 1_000_000
    }

    /// The wall time at another reading, if both clocks run at the same rate.
    func wall(at other: ClockReading) -> Int { wall + (other.elapsed - elapsed) }

    func with(wall: Int) -> ClockReading {
        var copy = self
        copy.wall = wall
        return copy
    }
}

/// Follows the wall clock as long as it agrees with the monotonic clock.
struct ClockLine: Sendable {
    /// The time that both clocks must agree before a jump is followed.
    private let confirmation: Int
    /// The reading from which the confirmed time follows the monotonic clock.
    private var confirmed: ClockReading
    /// The reading from which the latest possible time follows it.
    private var latest: ClockReading
    /// The reading since which both clocks agree.
    private var agreed: ClockReading

    /// A smaller difference is no jump; the tolerance grows by 500 ppm, up to a minute.
    static let toleranceMin = 2000
    static let toleranceMax = 60_000
    private static let driftDivisor = 2000

    /// Starts at a reading, which the times in the log bound.
    init(_ reading: ClockReading, _ times: LogTimes, confirmation: Int) {
        self.confirmation = confirmation
        agreed = reading
        let known = ClockReading(wall: times.confirmed, elapsed: .zero).wall
        let newest = ClockReading(wall: times.newest, elapsed: .zero).wall
        confirmed = reading.with(wall: min(reading.wall, known))
        latest = reading.with(wall: max(reading.wall, newest))
    }

    /// Processes a new reading.
    ///
    /// - Returns: The jump of the wall clock; `nil` if there was none.
    mutating func take(_ reading: ClockReading) -> Int? {
        let difference = reading.wall - agreed.wall(at: reading)
        let drift = (reading.elapsed - agreed.elapsed) / Self.driftDivisor
        let isJump = abs(difference) > min(Self.toleranceMin + max(0, drift), Self.toleranceMax)
        if isJump { agreed = reading }
        // It must not be sooner, or many small steps would add up.
        if reading.elapsed - agreed.elapsed >= confirmation {
            (confirmed, latest, agreed) = (reading, reading, reading)
        }
        return isJump ? difference : nil
    }

    /// The time up to which the store may delete; never ahead of the wall clock.
    func confirmed(at reading: ClockReading) -> UInt64 {
        UInt64(max(0, min(reading.wall, confirmed.wall(at: reading))))
    }

    /// The latest possible real time.
    func latest(at reading: ClockReading) -> UInt64 {
        UInt64(max(0, max(reading.wall, latest.wall(at: reading))))
    }
}

extension StoreOptions {
    /// The times up to which the open store may delete; without an open store, nothing may be
    /// deleted.
    var deletionTimes: DeletionTimes {
        deletionClock?.times() ?? DeletionTimes(items: 0, tokens: 0, stamp: nowMilliseconds)
    }

    /// The time, in seconds since 1970, up to which expired items may be removed.
    var deletionSecond: Int { Int(clamping: deletionTimes.items / 1000) }

    /// The options with the clock of a store that is opened for writing.
    func withDeletionClock(of store: Directory) -> StoreOptions {
        let confirmation = UInt64(tokenConfirmationMilliseconds)
        let times = try? LogTimes(of: store, confirmation: confirmation)
        return with { $0.deletionClock = DeletionClock(self, times ?? .unknown) }
    }

    fileprivate var clockConfirmationMilliseconds: Int {
        clockConfirmation.nanoseconds / 1_000_000
    }

    /// The time that both clocks must agree for tokens: at least the lifetime of a token.
    ///
    /// So a token from before a jump has been kept for its whole lifetime when the jump is
    /// followed.
    fileprivate var tokenConfirmationMilliseconds: Int {
        let milliseconds = clockConfirmationMilliseconds
        return milliseconds == 0
            ? 0 : max(milliseconds, DynamoDBLimits.idempotencyWindowSeconds * 1000)
    }
}
