#if Server
    import Synchronization

    /// The memory that all requests may use together, in bytes.
    ///
    /// Requests reserve what they hold: bodies, what is unpacked and decoded of them, and answers
    /// that are not taken yet. A quarter is kept for small requests: neither large ones nor answers
    /// that wait for their clients have it.
    package final class MemoryBudget: Sendable {
        /// What is reserved, in bytes.
        private struct Used {
            var small = 0
            /// Of large requests, and of answers.
            var large = 0
        }

        /// The bytes that may be reserved.
        package let limit: Int
        private let used = Mutex(Used())

        /// Makes a budget of `limit` bytes.
        package init(limit: Int) { self.limit = limit }

        /// The bytes that are reserved.
        ///
        /// They may exceed ``limit``: an answer counts even if there is no room.
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

        /// Reserves for a large request; so many bytes of it were reserved as a small one's.
        fileprivate func reserveLarge(_ count: Int, small: Int) -> Bool {
            used.withLock { used in
                guard count <= largeLimit - used.small - used.large else { return false }
                used.small -= small
                used.large += count + small
                return true
            }
        }

        /// Adds what is in memory already, even past the limit.
        fileprivate func addLarge(_ count: Int, small: Int) {
            used.withLock { used in
                used.small -= small
                used.large += count + small
            }
        }

        fileprivate func release(_ count: Int, isLarge: Bool) {
            used.withLock { used in
                if isLarge { used.large -= count } else { used.small -= count }
            }
        }
    }

    /// What one request has of a budget; released when it goes.
    package final class MemoryReservation: Sendable {
        private struct Held {
            var byteCount = 0
            var isLarge = false

            /// What is reserved as a small request's.
            var small: Int { isLarge ? 0 : byteCount }
        }

        private let budget: MemoryBudget
        private let held = Mutex(Held())

        /// A request is small up to here.
        package static let smallByteCountMax = 64 << 10

        /// Makes a reservation of nothing.
        package init(_ budget: MemoryBudget) { self.budget = budget }

        deinit { shrink(by: Int.max) }

        package var byteCount: Int { held.withLock { $0.byteCount } }

        /// Reserves more; `false` if the budget has no room.
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

        /// Sets what is reserved to `count`, as a large request's, even past the limit.
        ///
        /// For what is in memory already: an answer. Large requests wait for it. What was reserved
        /// past it, as for the answer of a refused request, is released.
        func recount(_ count: Int) {
            held.withLock { held in
                budget.addLarge(max(0, count - held.byteCount), small: held.small)
                budget.release(max(0, held.byteCount - count), isLarge: true)
                held.byteCount = count
                held.isLarge = true
            }
        }

        /// Releases a part.
        func shrink(by count: Int) {
            held.withLock { held in
                let count = min(count, held.byteCount)
                budget.release(count, isLarge: held.isLarge)
                held.byteCount -= count
            }
        }
    }
#endif
