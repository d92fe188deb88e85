internal import Foundation

/// The clock of a cache, in milliseconds since 1970.
struct CacheClock: Sendable {
    private let options: StoreOptions

    init(_ options: StoreOptions) { self.options = options }

    /// The time.
    var exact: UInt64 { options.nowMilliseconds }

    /// The first time at which a value that was read at an instant is valid.
    ///
    /// A clock that shows an earlier time was set back. Then an item that had expired at the
    /// instant is there again. The coarse time may be some milliseconds behind without a set-back
    /// clock.
    static func start(of instant: UInt64) -> UInt64 { instant - min(instant, tick) }

    /// More than the longest tick of an operating system.
    private static let tick: UInt64 = 100

    /// The time just after ``coarse``; it does not call a host's clock again, since the caller may
    /// hold a lock.
    @inline(__always)
    func exact(after coarse: UInt64) -> UInt64 { options.hasSystemClock ? exact : coarse }

    /// The time of the system's last tick, some milliseconds ago, which costs less to read.
    ///
    /// With a host's clock, it is that clock's time.
    @inline(__always)
    var coarse: UInt64 {
        #if os(Linux)
            guard options.hasSystemClock else { return exact }
            var time = timespec()
            _ = unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
            return UInt64(max(0, time.tv_sec)) &* 1000 &+ UInt64(time.tv_nsec) / 1_000_000
        #else
            exact
        #endif
    }
}
