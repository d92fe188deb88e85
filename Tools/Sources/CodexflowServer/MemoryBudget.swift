#if Server
    import Synchronization

    /// The memory that all requests together may use, in bytes.
    ///
    /// Requests reserve memory for their bodies, for decompressed and decoded values, and for
    /// answers that clients have not taken yet. A quarter is reserved for small requests. Large
    /// requests and waiting answers cannot use it.
    package final class MemoryBudget: Sendable {
        /// The reserved bytes.
        private struct Used {
            var small = 0
            /// The bytes of large requests, and of answers.
            var large = 0
        }

        /// The bytes that may be reserved.
        package let limit: Int
        private let used = Mutex(Used())

        /// Creates a budget of `limit` bytes.
        package init(limit: Int) { self.limit = limit }

        /// The reserved bytes.
        ///
        /// They may exceed ``limit``, since an answer counts even if there is no room.
        package var usedByteCount: Int { used.withLock { $0.small + $0.large } }

        private var largeLimit: Int { limit / 4 * 3 }

        fileprivate func reserveSmall(_ count: Int) -> Bool {
            used.withLock { used in
                guard count <= limit - used.small - min(used.large, largeLimit) else {
                    return false
                }
                used.small += count
                return true
            }
        }

        /// Reserves bytes for a large request, and moves its `small` bytes from the small requests'
        /// share.
        fileprivate func reserveLarge(_ count: Int, small: Int) -> Bool {
            used.withLock { used in
                guard count <= largeLimit - used.small - used.large else { return false }
                used.small -= small
                used.large += count + small
                return true
            }
        }

        /// Exchanges `held` bytes, of which `small` are a small request's, for `count` bytes of an
        /// answer, even beyond the limit.
        fileprivate func exchange(_ held: Int, small: Int, for count: Int) {
            used.withLock { used in
                used.small -= small
                used.large += count - (held - small)
            }
        }

        fileprivate func release(_ count: Int, isLarge: Bool) {
            used.withLock { used in
                if isLarge { used.large -= count } else { used.small -= count }
            }
        }
    }

    /// The reservation of one request in a budget, which is released with this object.
    package final class MemoryReservation: Sendable {
        private struct Held {
            var byteCount = 0
            var isLarge = false

            /// The bytes that are reserved as a small request's.
            var small: Int { isLarge ? 0 : byteCount }
        }

        private let budget: MemoryBudget
        private let held = Mutex(Held())

        /// The size up to which a request is small.
        package static let smallByteCountMax = 64 << 10

        /// Creates an empty reservation.
        package init(_ budget: MemoryBudget) { self.budget = budget }

        deinit { shrink(by: Int.max) }

        package var byteCount: Int { held.withLock { $0.byteCount } }

        /// Reserves more bytes; `false` if the budget has no room.
        package func grow(by count: Int) -> Bool {
            held.withLock { held in
                let isLarge = held.isLarge || count > Self.smallByteCountMax - held.byteCount
                let isGranted =
                    isLarge
                    ? budget.reserveLarge(count, small: held.small) : budget.reserveSmall(count)
                guard isGranted else { return false }
                held.byteCount += count
                held.isLarge = isLarge
                return true
            }
        }

        /// Sets the reservation to `count` bytes as a large request's, even beyond the limit.
        ///
        /// It is for an answer, which is already in memory. Large requests wait for its release. A
        /// reservation beyond `count`, as for the answer of a refused request, is released.
        func recount(_ count: Int) {
            held.withLock { held in
                budget.exchange(held.byteCount, small: held.small, for: count)
                held.byteCount = count
                held.isLarge = true
            }
        }

        /// Releases a part of the reservation.
        func shrink(by count: Int) {
            held.withLock { held in
                let count = min(count, held.byteCount)
                budget.release(count, isLarge: held.isLarge)
                held.byteCount -= count
            }
        }
    }
#endif
