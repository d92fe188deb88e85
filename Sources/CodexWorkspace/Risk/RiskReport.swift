public import CodexCore

extension CodexFlow {
    /// The likelihood that a project is late, with recommendations: the architecture document's
    /// answer of its risk analysis.
    public struct RiskReport: Sendable, Hashable {
        /// The level of a score.
        ///
        /// The scores of ``WeightedRisk`` are calibrated by simulated projects. Of the projects of
        /// another simulation, with a level before their target day, these shares were late: 18 of
        /// 100 with `low`, 59 with `medium`, and 90 with `high`.
        public enum Level: String, Sendable, Hashable, CaseIterable {
            case low, medium, high

            /// The level of a score: low below 0.35, high from 0.65 on.
            public init(_ score: Double) {
                self = score < 0.35 ? .low : score < 0.65 ? .medium : .high
            }
        }

        /// The influence of a feature on the score.
        public struct Factor: Sendable, Hashable {
            /// The feature.
            public let name: RiskFeatures.Name
            /// Its value, from 0 to 1.
            public let value: Double
            /// The factor's part of the score; 0 if the model cannot compute it.
            public let share: Double

            /// Creates a factor.
            public init(name: RiskFeatures.Name, value: Double, share: Double) {
                self.name = name
                self.value = value
                self.share = share
            }
        }

        /// The score, from 0 to 1.
        public let riskScore: Double
        /// The factors, the largest share first.
        public let factors: [Factor]
        /// The recommendations, the most urgent first.
        public let recommendations: [String]
        /// The number of tasks that the features were estimated from, if the project has more than
        /// ``CodexFlow/Workspace/riskTaskCountMax``; `nil` if the report is of all tasks.
        public internal(set) var examinedTaskCount: Int?

        /// The level of the score.
        public var riskLevel: Level { Level(riskScore) }

        /// Creates a report; the recommendations follow from the factors.
        ///
        /// - Parameters:
        ///   - riskScore: The score, which is clamped to 0 through 1.
        ///   - factors: The factors, in any order.
        public init(riskScore: Double, factors: [Factor]) {
            self.riskScore = riskScore.isNaN ? 0 : max(0, min(1, riskScore))
            // The order does not depend on the order of the input.
            self.factors = factors.sorted {
                ($1.share, $1.value, $0.name.rawValue) < ($0.share, $0.value, $1.name.rawValue)
            }
            recommendations = self.factors.filter { $0.value >= $0.name.notableValue }.prefix(3)
                .map(\.name.recommendation)
        }

        /// The architecture document's answer as JSON: `riskScore`, `riskLevel`, `recommendations`,
        /// `factors`.
        ///
        /// A report of a part of the tasks also has `examinedTasks`.
        public var json: String {
            var map: Item = [
                "riskScore": .number((try? Number(riskScore)) ?? 0),
                "riskLevel": .string(riskLevel.rawValue),
                "recommendations": .list(recommendations.map { .string($0) }),
                "factors": .list(
                    factors.map { factor in
                        .map([
                            "name": .string(factor.name.rawValue),
                            "value": .number((try? Number(factor.value)) ?? 0),
                            "share": .number((try? Number(factor.share)) ?? 0),
                        ])
                    }),
            ]
            map["examinedTasks"] = examinedTaskCount?.attributeValue
            return DynamoDBJSON.plainText(map)
        }
    }

    /// A model that computes a report from features.
    ///
    /// It can be the library's own rules, a forest, or a model server of the embedding program.
    public protocol RiskModel: Sendable {
        /// Reports the risk of a project's features.
        func report(_ features: RiskFeatures) async throws -> RiskReport
    }

    /// The library's own model: a weighted sum of the features.
    ///
    /// The forecast from the pace weighs most: by itself, it makes a project with open work high
    /// after its target day. The other weights are a judgement, and change a level near its limit
    /// only. All weights add up to 1. Each factor's share of the score is its weight times its
    /// value.
    ///
    /// Without a forecast (``RiskFeatures/hasForecast``), the other weights are scaled, so that
    /// they add up to 1.
    public struct WeightedRisk: RiskModel {
        /// The weight of each feature.
        public let weights: [RiskFeatures.Name: Double]

        /// Creates the model.
        public init() {
            weights = [
                .pace: 0.8, .overdue: 0.09, .behind: 0.02, .blocked: 0.02, .stalled: 0.02,
                .unassigned: 0.01, .unestimated: 0.01, .postponed: 0.01, .reopened: 0.005,
                .complex: 0.005, .urgent: 0.005, .scopeGrowth: 0.005,
            ]
        }

        /// Reports the risk of a project's features; equal features give equal reports.
        public func report(_ features: RiskFeatures) -> RiskReport {
            guard features.openTaskCount > 0 else { return RiskReport(riskScore: 0, factors: []) }
            let scale = features.hasForecast ? 1 : 1 / (1 - (weights[.pace] ?? 0))
            let factors = RiskFeatures.Name.allCases.map { name in
                RiskReport.Factor(
                    name: name, value: features[name],
                    share: (weights[name] ?? 0) * scale * features[name])
            }
            return RiskReport(riskScore: factors.reduce(0) { $0 + $1.share }, factors: factors)
        }
    }
}

extension CodexFlow.RiskFeatures.Name {
    /// The value from which on the feature has a recommendation.
    ///
    /// The pace has one only if the project is more likely late than not.
    var notableValue: Double { self == .pace ? 0.5 : 0.2 }

    /// The recommendation for the feature.
    var recommendation: String {
        switch self {
        case .overdue: "Finish overdue tasks first, or set them due days that hold."
        case .blocked: "Unblock: finish what the most tasks wait for."
        case .behind: "Compare the plan with the calendar: less is done than time has passed."
        case .stalled: "Look at tasks that nothing happened to for two weeks."
        case .reopened: "Agree on acceptance criteria before work begins: much comes back."
        case .unassigned: "Give open tasks to somebody."
        case .unestimated: "Estimate open tasks, so that what is left can be told."
        case .complex: "Split complex tasks into parts."
        case .urgent: "Agree on what is really urgent."
        case .scopeGrowth: "Keep new tasks for later: the scope grows while the time runs."
        case .pace: "Cut the scope or move the target day: the pace is too low for what is left."
        case .postponed: "Find out why the target day moved before it moves again."
        }
    }
}
