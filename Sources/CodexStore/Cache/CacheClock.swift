internal import Foundation

/// What tells a cache the time, in milliseconds since 1970.
struct CacheClock: Sendable {
    private let options: StoreOptions

    init(_ options: StoreOptions) { self.options = options }

    /// The time.
    var exact: UInt64 { options.milliseconds }

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
