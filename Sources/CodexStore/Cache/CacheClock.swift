internal import Foundation

/// What tells a cache the time, in milliseconds since 1970.
struct CacheClock: Sendable {
    private let options: StoreOptions

    init(_ options: StoreOptions) { self.options = options }

    /// The time.
    var exact: UInt64 { options.nowMilliseconds }

    /// From when on what was read at a moment is good.
    ///
    /// A clock that shows less has been set back. What the moment's expiry hid is there again then. The
    /// coarse time may be some milliseconds behind without that.
    static func start(of instant: UInt64) -> UInt64 { instant - min(instant, tick) }

    /// More than the longest tick of a system.
    private static let tick: UInt64 = 100

    /// The time, a moment after ``coarse``; a host's clock is not asked again, since a lock may be held.
    @inline(__always)
    func exact(after coarse: UInt64) -> UInt64 { options.hasSystemClock ? exact : coarse }

    /// The time of the system's last tick, some milliseconds ago, which costs less; the store's own
    /// clock where it has one.
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
