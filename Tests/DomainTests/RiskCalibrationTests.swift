import Codex
import CodexCore
import Foundation
import Testing

/// Whether the levels of risk mean something, with projects whose lateness is known.
///
/// The constants of the forecast are calibrated with one simulation (``WorkStream``) and judged
/// with another (``WorkTeam``). `make risk` judges more projects, and prints the figures. The
/// bounds have a margin, so that other seeds pass, too.
@Suite("Risk of simulated projects")
struct RiskCalibrationTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["CODEX_RISK_" + name].flatMap { UInt64($0) }
    }

    private static let count = Int(min(setting("PROJECTS") ?? 400, 100_000))

    /// The seed of the first project; the simulations have other ones.
    private static func seed(of simulation: RiskSimulation) -> UInt64 {
        (setting("SEED") ?? 1) &+ (simulation == .calibration ? 0 : 1_000_000)
    }

    private static func judge(_ simulation: RiskSimulation) throws -> RiskJudgement {
        let seed = Self.seed(of: simulation)
        print("risk: \(simulation), \(count) projects from seed \(seed)")
        let judgement = try RiskJudgement(simulation, seed: seed, count: count)
        for line in judgement.lines(simulation) { print(line) }
        return judgement
    }

    @Test("Calibration: the forecast's even ratio is nearly the best for the stream of work")
    func calibration() throws {
        let judgement = try Self.judge(.calibration)
        let present = judgement.meanSquaredError(evenRatioTimes: 1)
        for factor in [0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4] {
            let error = judgement.meanSquaredError(evenRatioTimes: factor)
            print("risk: calibration, even ratio times \(factor): squared error \(error)")
            #expect(present <= error + 0.005, "\(factor)")
        }
        #expect(judgement.lateShare(.low) < 0.2)
        #expect((0.3...0.75).contains(judgement.lateShare(.medium)))
        #expect(judgement.lateShare(.high) > 0.8)
    }

    @Test("Judgement: another simulation confirms the ranking and the levels")
    func judgement() throws {
        let judgement = try Self.judge(.judgement)
        let bounds = [25: 0.75, 50: 0.8, 75: 0.85, 100: 0.95]
        for (percent, area) in bounds {
            #expect(judgement.area(percent) >= area, "\(percent)")
            let found = judgement.share(of: [.medium, .high], percent, late: true)
            #expect(found >= 0.7, "\(percent)")
            let falseAlarms = judgement.share(of: [.high], percent, late: false)
            #expect(falseAlarms < 0.15, "\(percent)")
        }
        #expect(judgement.lateShare(.low) < 0.3)
        #expect((0.35...0.8).contains(judgement.lateShare(.medium)))
        #expect(judgement.lateShare(.high) > 0.8)
    }

    @Test(
        "Every project with open work after its target day is high",
        arguments: RiskSimulation.allCases)
    func pastTarget(simulation: RiskSimulation) throws {
        let seed = Self.seed(of: simulation)
        print("risk: \(simulation), past the target, \(Self.count) projects from seed \(seed)")
        var found = 0
        for number in 0..<Self.count {
            let project = simulation.project(seed: seed &+ UInt64(number))
            for day in [project.lastTarget + 1, project.lastTarget + 30]
            where project.hasOpenWork(on: day) {
                let report = CodexFlow.WeightedRisk().report(try project.features(on: day))
                #expect(report.riskLevel == .high, "project \(number), day \(day)")
                found += 1
            }
        }
        #expect(found > Self.count / 4)
    }

    @Test(
        "The same seed gives the same project, and other seeds others",
        arguments: RiskSimulation.allCases)
    func determinism(simulation: RiskSimulation) throws {
        func features() throws -> [CodexFlow.RiskFeatures] {
            try (UInt64(1)...20).map { try simulation.project(seed: $0).features(on: 30) }
        }
        let first = try features()
        #expect(try features() == first)
        #expect(Set(first).count > 15)
    }
}
