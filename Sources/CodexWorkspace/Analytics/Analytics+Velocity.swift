internal import CodexCore

extension CodexFlow.Analytics {
    /// The velocities of a project's days, which are asked for in ascending order.
    ///
    /// A velocity is not stored, because a correction of one day changes that of 28 days.
    struct Velocities {
        private static let dayCount = 28
        private static let dayCountMin = 7

        private let days: [(date: CalendarDay, points: Int)]
        /// The first day of the project's history.
        private let first: CalendarDay?
        /// The days of the window, by their places, and the sum of their points.
        private var start = 0
        private var end = 0
        private var sum = 0

        /// Starts before the first day.
        ///
        /// - Parameter days: The project's days from its beginning on, in order. They keep the rule
        ///   on figures.
        init(_ days: [CodexFlow.Analytics]) {
            self.days = days.map { ($0.date, $0.flow?.points ?? 0) }
            // A day that has hours only may be before the history, since work is logged afterwards.
            first = days.first { $0.flow?.isEmpty == false || $0.metrics.tasksCompleted > 0 }?.date
        }

        /// Points completed per week, to two decimals; `nil` before the history began.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if it is not a valid number.
        mutating func velocity(on date: CalendarDay) throws(CodexError) -> Number? {
            guard let first, first <= date else { return nil }
            while end < days.count, days[end].date <= date {
                sum += days[end].points
                end += 1
            }
            let oldest = date.adding(days: 1 - Self.dayCount)
            while start < end, days[start].date < oldest {
                sum -= days[start].points
                start += 1
            }
            let age = date.daysSince1970 - first.daysSince1970 + 1
            let count = max(Self.dayCountMin, min(Self.dayCount, age))
            // In hundredths; halves are rounded up.
            let hundredths = (max(0, sum) * 700 + count / 2) / count
            return try Number(
                negative: false, magnitude: UInt128(hundredths), exponent: -2)
        }
    }
}
