import Codex
import CodexCore
import Foundation

/// The simulations of projects.
enum RiskSimulation: String, CaseIterable, Sendable {
    /// The one that the forecast's constants are calibrated with.
    case calibration
    /// The one that judges them.
    case judgement

    /// A project; the same seed gives the same one.
    func project(seed: UInt64) -> SimulatedProject {
        switch self {
        case .calibration: WorkStream.project(seed: seed)
        case .judgement: WorkTeam.project(seed: seed)
        }
    }
}

/// What the library's own risk model says of simulated projects, beside what became of them.
struct RiskJudgement {
    /// A project's report at one time.
    struct Case {
        let isLate: Bool
        let report: CodexFlow.RiskReport

        /// The value of the forecast, which is a factor of the report.
        var pace: Double { report.factors.first { $0.name == .pace }?.value ?? 0 }

        /// The squared error of a score as a probability.
        func squaredError(_ score: Double) -> Double {
            let error = score - (isLate ? 1 : 0)
            return error * error
        }
    }

    /// The parts of the projects' time, in percent.
    static let percents = [25, 50, 75, 100]

    /// The cases at each part of the time.
    private(set) var cases: [Int: [Case]] = [:]

    /// Judges projects; each has its own seed, from `seed` on.
    init(_ simulation: RiskSimulation, seed: UInt64, count: Int) throws {
        for number in 0..<count {
            let project = simulation.project(seed: seed &+ UInt64(number))
            for percent in Self.percents {
                let day = project.lastTarget * percent / 100
                let report = CodexFlow.WeightedRisk().report(try project.features(on: day))
                cases[percent, default: []].append(Case(isLate: project.isLate, report: report))
            }
        }
    }

    private func scores(_ percent: Int, late: Bool) -> [Double] {
        (cases[percent] ?? []).filter { $0.isLate == late }.map(\.report.riskScore)
    }

    /// The probability that a late project has the higher score; a tie counts half.
    ///
    /// This is the area under the receiver operating characteristic.
    func area(_ percent: Int) -> Double {
        let (late, punctual) = (scores(percent, late: true), scores(percent, late: false))
        var sum = 0.0
        for score in late {
            for other in punctual { sum += score > other ? 1 : score == other ? 0.5 : 0 }
        }
        return sum / Double(max(1, late.count * punctual.count))
    }

    /// The share of the late or punctual projects that have one of the levels.
    func share(
        of levels: Set<CodexFlow.RiskReport.Level>, _ percent: Int, late: Bool
    ) -> Double {
        let found = (cases[percent] ?? []).filter { $0.isLate == late }
        let hits = found.filter { levels.contains($0.report.riskLevel) }
        return Double(hits.count) / Double(max(1, found.count))
    }

    /// The cases before the target day.
    private var early: [Case] {
        Self.percents.filter { $0 < 100 }.flatMap { cases[$0] ?? [] }
    }

    /// The share of late projects among those with a level before their target day.
    func lateShare(_ level: CodexFlow.RiskReport.Level) -> Double {
        let found = early.filter { $0.report.riskLevel == level }
        return Double(found.count(where: { $0.isLate })) / Double(max(1, found.count))
    }

    /// The mean squared error of the scores before the target day, if the forecast's even ratio
    /// were multiplied with `factor`.
    func meanSquaredError(evenRatioTimes factor: Double) -> Double {
        let weight = CodexFlow.WeightedRisk().weights[.pace] ?? 0
        let errors = early.map { element in
            let pace = element.pace
            guard pace < 1 else { return element.squaredError(element.report.riskScore) }
            let odds = pace / (1 - pace) / pow(factor, 4)
            let change = weight * (odds / (1 + odds) - pace)
            return element.squaredError(element.report.riskScore + change)
        }
        return errors.reduce(0, +) / Double(max(1, errors.count))
    }

    /// The figures as lines of a table.
    func lines(_ name: RiskSimulation) -> [String] {
        func text(_ value: Double) -> String {
            String((value * 1000).rounded() / 1000)
        }
        let times = Self.percents.map { percent in
            let late = share(of: [.medium, .high], percent, late: true)
            let high = share(of: [.high], percent, late: true)
            let falseAlarms = share(of: [.medium, .high], percent, late: false)
            return "risk: \(name), \(percent) % of the time: AUC \(text(area(percent))), "
                + "late projects high or medium \(text(late)), high \(text(high)); "
                + "punctual projects high or medium \(text(falseAlarms))"
        }
        let levels = CodexFlow.RiskReport.Level.allCases.map { level in
            "risk: \(name), level \(level) before the target day: "
                + "\(text(lateShare(level))) were late"
        }
        return times + levels
    }
}
