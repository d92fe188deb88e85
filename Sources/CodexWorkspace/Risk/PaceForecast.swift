internal import CodexCore

/// A forecast from the pace: the time that the remaining work needs, over the time that is left.
///
/// The pace is the completed points per day since the project's start. Early in a project, that
/// says little. So the forecast adds a prior: a tenth of the project's time, at twice the planned
/// pace. A project that has just begun is therefore no risk by itself.
///
/// The constants come from the simulation in `Tests/DomainTests/RiskSimulation/WorkStream.swift`.
/// They are judged on another simulation, `WorkTeam.swift` beside it: `make risk`.
struct PaceForecast {
    /// The length of the prior, as a share of the project's time.
    private static let priorShare = 0.1
    /// The pace of the prior, as a multiple of the planned pace.
    private static let priorPace = 2.0
    /// The ratio of needed time and time left at which the likelihood is a half.
    private static let evenRatio = 0.7
    /// The least likelihood after the first target day: with the weight of the forecast, it makes
    /// the level `medium`.
    private static let pastBaselineMin = 0.6

    /// The day on which the project starts; `nil` if it is unknown.
    let start: CalendarDay?
    /// The day on which the project should be complete.
    let target: CalendarDay?
    /// The first target day.
    let baseline: CalendarDay?
    /// The present day.
    let today: CalendarDay

    /// The likelihood that a project with open work is late, from 0 to 1.
    ///
    /// - Parameters:
    ///   - done: The completed points.
    ///   - scope: All points: more than the completed ones.
    /// - Returns: The likelihood. It is 1 after the target day. Before it, or without a target day,
    ///   it is 0.6 at least after the first target day. Otherwise it is `nil` without a target day
    ///   or a start.
    func likelihood(done: Int, scope: Int) -> Double? {
        let least = baseline.map { $0 < today ? Self.pastBaselineMin : 0 } ?? 0
        guard let target else { return least > 0 ? least : nil }
        guard today <= target else { return 1 }
        guard let start else { return least > 0 ? least : nil }
        let ratio = Self.ratio(
            done: Double(done), scope: Double(scope), from: min(start, target), to: target,
            at: today)
        let square = (ratio / Self.evenRatio) * (ratio / Self.evenRatio)
        let odds = square * square
        return max(least, odds / (1 + odds))
    }

    /// The time that the remaining work needs, over the time that is left; both days included.
    private static func ratio(
        done: Double, scope: Double, from start: CalendarDay, to target: CalendarDay,
        at today: CalendarDay
    ) -> Double {
        let dayCount = Double(target.daysSince1970 - start.daysSince1970 + 1)
        let elapsed = Double(max(0, today.daysSince1970 - start.daysSince1970))
        let prior = priorShare * dayCount
        let pace = (done + prior * priorPace * scope / dayCount) / (elapsed + prior)
        return (scope - done) / (pace * (dayCount - elapsed))
    }

    /// The part of the project's time that lies after the first target day, from 0 to 1; 1 if the
    /// target was removed.
    var postponedShare: Double {
        guard let baseline else { return 0 }
        guard let target else { return 1 }
        guard target > baseline else { return 0 }
        let first = min(start ?? baseline, baseline)
        let added = Double(target.daysSince1970 - baseline.daysSince1970)
        return added / Double(target.daysSince1970 - first.daysSince1970)
    }
}
