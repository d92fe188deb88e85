public import CodexCore

extension CodexFlow {
    /// The likelihood that a project is late, with recommendations: the architecture document's
    /// answer of its risk analysis.
    public struct RiskReport: Sendable, Hashable {
        /// The level of a score.
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
            recommendations = self.factors.filter { $0.value >= 0.2 }.prefix(3)
                .map(\.name.recommendation)
        }

        /// The architecture document's answer as JSON: `riskScore`, `riskLevel`, `recommendations`,
        /// `factors`.
        public var json: String {
            DynamoDBJSON.plainText([
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
            ])
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
    /// The weights are a judgement, and are not learned. Overdue tasks and a delay behind the
    /// calendar weigh most, and obstacles to work come next. The weights add up to 1. Each factor's
    /// share of the score is therefore its weight times its value.
    public struct WeightedRisk: RiskModel {
        /// The weight of each feature.
        public let weights: [RiskFeatures.Name: Double]

        /// Creates the model.
        public init() {
            weights = [
                .behind: 0.3, .overdue: 0.25, .blocked: 0.1, .stalled: 0.1, .unassigned: 0.05,
                .unestimated: 0.05, .reopened: 0.05, .complex: 0.04, .urgent: 0.03,
                .scopeGrowth: 0.03,
            ]
        }

        /// Reports the risk of a project's features; equal features give equal reports.
        public func report(_ features: RiskFeatures) -> RiskReport {
            guard features.openTaskCount > 0 else { return RiskReport(riskScore: 0, factors: []) }
            let factors = RiskFeatures.Name.allCases.map { name in
                RiskReport.Factor(
                    name: name, value: features[name],
                    share: (weights[name] ?? 0) * features[name])
            }
            return RiskReport(riskScore: factors.reduce(0) { $0 + $1.share }, factors: factors)
        }
    }
}

extension CodexFlow.RiskFeatures.Name {
    /// The recommendation for the feature.
    var recommendation: String {
        switch self {
        case .overdue: "Finish overdue tasks first, or set them due days that hold."
        case .blocked: "Unblock: finish what the most tasks wait for."
        case .behind: "Cut the scope or move the target day: work is behind the calendar."
        case .stalled: "Look at tasks that nothing happened to for two weeks."
        case .reopened: "Agree on acceptance criteria before work begins: much comes back."
        case .unassigned: "Give open tasks to somebody."
        case .unestimated: "Estimate open tasks, so that what is left can be told."
        case .complex: "Split complex tasks into parts."
        case .urgent: "Agree on what is really urgent."
        case .scopeGrowth: "Keep new tasks for later: the scope grows while the time runs."
        }
    }
}

extension CodexFlow.Workspace {
    /// Reports the likelihood that a project is late.
    ///
    /// Tasks are read page by page. A change by another writer during the read may be visible in
    /// some pages only.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - model: The model that computes the report.
    /// - Returns: The report.
    /// - Throws: ``CodexError/Code/notFound``, the errors of reading, and the errors of the model.
    /// - Complexity: O(*n*) for *n* tasks of the project.
    public func riskReport(
        of project: CodexFlow.Project.ID,
        by model: some CodexFlow.RiskModel = CodexFlow.WeightedRisk()
    ) async throws -> CodexFlow.RiskReport {
        guard let found = try await get(.project(project)) else {
            throw CodexError(.notFound, "There is no such project.")
        }
        let now = settings.clock()
        let blocked = Set(try await all(.openDependencies(in: project)).map(\.taskID))
        var counts = CodexFlow.RiskFeatures.Counts(
            found, blocked: blocked, at: now,
            today: settings.calendar.day(of: now, in: found.timeZone))
        // The tasks are read in pages, so that a large project's tasks are never all in memory.
        var token: PageToken?
        repeat {
            let page = try await query(
                CodexCore.Query.outlines(in: project), limit: 200, after: token)
            for task in page.items { counts.add(task) }
            token = page.next
        } while token != nil
        let features = CodexFlow.RiskFeatures(counts)
        return try await model.report(features)
    }
}
