internal import CodexCore

/// The times by which a store deletes, in milliseconds since 1970.
struct DeletionTimes: Sendable, Equatable {
    /// Items and changes whose time is over by this time may be deleted.
    let items: UInt64
    /// Idempotency tokens whose time is over by this time may be forgotten.
    let tokens: UInt64
    /// The latest that the time may really be: the stamp of what is kept for a time from now on.
    let stamp: UInt64
}

/// Tells by which time a store may delete for good.
///
/// A wall clock that was wrong is set right again. What it hid is then there again, but what was
/// deleted by it is not. So this clock is never ahead of the wall clock. When the wall clock jumps,
/// this one goes on with the monotonic clock. It follows a jump once both have agreed for
/// ``StoreOptions/clockConfirmation``. Right after opening, the times in the log bound it.
///
/// Each process that has the store open for writing has one. It is asked only by what deletes by
/// time, and for the stamps of what is kept for a time.
final class DeletionClock: Sendable {
    private struct Lines {
        var items: ClockLine
        var tokens: ClockLine
    }
    private let options: StoreOptions
    private let lines: Locked<Lines>

    /// The longest pause, in milliseconds, between reading one clock and the other.
    private static let pauseMax = 500

    /// Starts the clock of a store that is opened.
    ///
    /// - Parameters:
    ///   - options: What has the clocks, the confirmation and the observer.
    ///   - times: What the log says of the time before.
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

    /// The times by which may be deleted now.
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

    /// Reads both clocks; again if the thread or the machine was stopped in between.
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

/// What the wall clock and the monotonic clock show at one moment, in milliseconds.
///
/// Both are kept within bounds in which sums and differences do not overflow.
struct ClockReading: Sendable, Equatable {
    /// The time since 1970.
    var wall: Int
    /// The time that passed since some moment.
    var elapsed: Int

    private static let wallMax = 1 << 48

    init(wall: UInt64, elapsed: Duration) {
        self.wall = min(Int(clamping: wall), Self.wallMax)
        self.elapsed = elapsed.nanoseconds / 1_000_000
    }

    /// What the wall clock shows at another reading if both clocks go on alike.
    func wall(at other: ClockReading) -> Int { wall + (other.elapsed - elapsed) }

    func with(wall: Int) -> ClockReading {
        var copy = self
        copy.wall = wall
        return copy
    }
}

/// Follows the wall clock as long as it goes on like the monotonic clock.
struct ClockLine: Sendable {
    /// How long both clocks must agree before a jump is followed.
    private let confirmation: Int
    /// From here on the confirmed time goes on with the monotonic clock.
    private var confirmed: ClockReading
    /// From here on the latest possible time does.
    private var latest: ClockReading
    /// Since when both clocks agree.
    private var agreed: ClockReading

    /// The difference that is no jump, and what it grows by: 500 ppm, up to a minute.
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

    /// Takes a new reading into account.
    ///
    /// - Returns: By how much the wall clock jumped; `nil` if it did not.
    mutating func take(_ reading: ClockReading) -> Int? {
        let difference = reading.wall - agreed.wall(at: reading)
        let drift = (reading.elapsed - agreed.elapsed) / Self.driftDivisor
        let isJump = abs(difference) > min(Self.toleranceMin + max(0, drift), Self.toleranceMax)
        if isJump { agreed = reading }
        // Not sooner, or many small steps would add up.
        if reading.elapsed - agreed.elapsed >= confirmation {
            (confirmed, latest, agreed) = (reading, reading, reading)
        }
        return isJump ? difference : nil
    }

    /// The time by which may be deleted; never ahead of the wall clock.
    func confirmed(at reading: ClockReading) -> UInt64 {
        UInt64(max(0, min(reading.wall, confirmed.wall(at: reading))))
    }

    /// The latest that the time may really be.
    func latest(at reading: ClockReading) -> UInt64 {
        UInt64(max(0, max(reading.wall, latest.wall(at: reading))))
    }
}

extension StoreOptions {
    /// The times by which the open store may delete; nothing may go while there is no such store.
    var deletionTimes: DeletionTimes {
        deletionClock?.times() ?? DeletionTimes(items: 0, tokens: 0, stamp: nowMilliseconds)
    }

    /// The second, counted from 1970, by which expired items may be removed.
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

    /// How long both clocks must agree for tokens: at least as long as a token is kept.
    ///
    /// One from before a jump has then been kept for its time when the jump is followed.
    fileprivate var tokenConfirmationMilliseconds: Int {
        let milliseconds = clockConfirmationMilliseconds
        return milliseconds == 0
            ? 0 : max(milliseconds, DynamoDBLimits.idempotencyWindowSeconds * 1000)
    }
}
