#if Remote
    internal import Synchronization

    /// The repetitions that all requests of a client have together.
    final class RetryBudget: Sendable {
        private let capacity: Int
        private let left: Mutex<Int>

        /// What a repetition takes.
        static let price = 5
        /// What a repetition takes after an attempt without an answer.
        static let priceWithoutAnswer = 10

        init(_ capacity: Int) {
            self.capacity = capacity
            left = Mutex(capacity)
        }

        /// Takes a part of the budget; `false` if less is left.
        func take(_ amount: Int) -> Bool {
            left.withLock { left in
                guard left >= amount else { return false }
                left -= amount
                return true
            }
        }

        /// Gives a part back.
        func give(_ amount: Int) { left.withLock { $0 = min(capacity, $0 + amount) } }
    }
#endif
