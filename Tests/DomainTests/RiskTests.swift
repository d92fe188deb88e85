import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// A forest of one tree.
private func oneTree(
    _ feature: String, _ threshold: String, _ left: String, _ right: String, _ value: String
) -> String {
    """
    {"format": 1, "features": ["overdue"], "trees": [{"feature": \(feature), \
    "threshold": \(threshold), "left": \(left), "right": \(right), "value": \(value)}]}
    """
}

/// Risk: what tasks say, what the models make of it, and scikit-learn's forests.
@Suite("Risk")
struct RiskTests {
    private static func fixture(_ name: String) throws -> String {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try String(
            contentsOf: folder.appendingPathComponent("Fixtures/\(name)"), encoding: .utf8)
    }

    @Test("Features are shares of what the tasks say")
    func features() throws {
        let now = Date(timeIntervalSince1970: 1_762_300_800)
        let today = CalendarDay(now)
        var project = CodexFlow.Project(id: "p", name: "P", ownerID: "o")
        (project.startDate, project.targetDate) = (today.adding(days: -30), today.adding(days: 30))
        var tasks: [CodexFlow.Task] = []
        func add(_ body: (inout CodexFlow.Task) -> Void) throws {
            var task = CodexFlow.Task(
                id: try .init("t\(tasks.count)"), projectID: "p", title: "T", status: .todo,
                createdAt: now - 30 * 86_400)
            (task.estimate, task.assigneeID) = (1, "o")
            body(&task)
            tasks.append(task)
        }
        try add { $0.dueDate = today.adding(days: -1) }
        try add { ($0.dueDate, $0.priority) = (today, .urgent) }
        try add { ($0.status, $0.updatedAt) = (.inProgress, now - 14 * 86_400) }
        try add { ($0.status, $0.updatedAt) = (.inReview, now - 14 * 86_400 + 1) }
        try add { ($0.assigneeID, $0.estimate, $0.complexity) = (nil, nil, 7) }
        try add { ($0.complexity, $0.createdAt) = (6, now) }
        try add { ($0.status, $0.estimate, $0.reopenCount) = (.done, 2, 1) }
        try add { $0.archivedAt = now }
        try add { $0.status = .canceled }
        let features = CodexFlow.RiskFeatures(
            tasks, blocked: ["t0", "t1", "t7"], in: project, at: now, today: today)
        #expect(features.openTaskCount == 6)
        // 2 of 8 points in 30 of 61 days, after 6.1 days at twice the planned pace.
        let (prior, planned) = (6.1, 8.0 / 61)
        let pace = (2 + prior * 2 * planned) / (30 + prior)
        let odds = pow(6 / (pace * 31) / 0.7, 4)
        let expected: [CodexFlow.RiskFeatures.Name: Double] = [
            .overdue: 1 / 2, .blocked: 2 / 6, .behind: 0.5 - 2 / 8, .stalled: 1 / 2,
            .reopened: 1 / 3, .unassigned: 1 / 6, .unestimated: 1 / 6, .complex: 1 / 2,
            .urgent: 1 / 6, .scopeGrowth: 1 / 7, .pace: odds / (1 + odds), .postponed: 0,
        ]
        for name in CodexFlow.RiskFeatures.Name.allCases {
            #expect(abs(features[name] - (expected[name] ?? -1)) < 1e-12, "\(name)")
        }
        #expect(features.row.count == 12)
        let none = CodexFlow.RiskFeatures([], blocked: [], in: project, at: now, today: today)
        #expect(none.row.allSatisfy { $0 == 0 })
        let odd = CodexFlow.RiskFeatures(
            [.overdue: .nan, .blocked: 2, .behind: -1], openTaskCount: 1)
        #expect(odd[.overdue] == 0 && odd[.blocked] == 1 && odd[.behind] == 0)
        // Values that no rule allows do not trap.
        var hostile = CodexFlow.Task(id: "h", projectID: "p", title: "H", status: .todo)
        (hostile.estimate, hostile.reopenCount, hostile.complexity) = (.max, .max, .min)
        _ = CodexFlow.RiskFeatures(
            [hostile, hostile], blocked: [], in: project, at: now, today: today)
    }

    @Test("The library's own model: shares add up to the score, more of anything is no less risk")
    func weighted() throws {
        let model = CodexFlow.WeightedRisk()
        #expect(abs(model.weights.values.reduce(0, +) - 1) < 1e-12)
        #expect(Set(model.weights.keys) == Set(CodexFlow.RiskFeatures.Name.allCases))
        let seed = UInt64.random(in: 1...1_000_000)
        print("risk: weights, seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            var values: [CodexFlow.RiskFeatures.Name: Double] = [:]
            for name in CodexFlow.RiskFeatures.Name.allCases {
                values[name] = Double.random(in: 0...1, using: &random)
            }
            let features = CodexFlow.RiskFeatures(values, openTaskCount: 1)
            let report = model.report(features)
            #expect(report == model.report(features))
            #expect((0...1).contains(report.riskScore))
            let sum = report.factors.reduce(0) { $0 + $1.share }
            #expect(abs(sum - report.riskScore) < 1e-12)
            #expect(report.factors.map(\.share) == report.factors.map(\.share).sorted(by: >))
            for name in CodexFlow.RiskFeatures.Name.allCases {
                var more = values
                more[name] = 1
                let worse = model.report(.init(more, openTaskCount: 1))
                #expect(worse.riskScore >= report.riskScore)
            }
        }
        let all = CodexFlow.RiskFeatures(
            Dictionary(uniqueKeysWithValues: CodexFlow.RiskFeatures.Name.allCases.map { ($0, 1) }),
            openTaskCount: 1)
        let worst = model.report(all)
        #expect(worst.riskLevel == .high && abs(worst.riskScore - 1) < 1e-12)
        #expect(worst.factors.map(\.name).prefix(2) == [.pace, .overdue])
        #expect(worst.recommendations.count == 3)
        // Without open tasks nothing is late.
        #expect(model.report(.init([.overdue: 1], openTaskCount: 0)).riskScore == 0)
        for (score, level) in [
            (0, CodexFlow.RiskReport.Level.low), (0.349, .low), (0.35, .medium), (0.649, .medium),
            (0.65, .high), (1, .high), (.nan, .low), (7, .high),
        ] {
            #expect(CodexFlow.RiskReport(riskScore: score, factors: []).riskLevel == level)
        }
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(worst.json.utf8)) as? [String: Any])
        #expect(object["riskLevel"] as? String == "high" && object["riskScore"] as? Double == 1)
        #expect((object["recommendations"] as? [String])?.count == 3)
        #expect((object["factors"] as? [[String: Any]])?.count == 12)
    }

    @Test("A project's report", arguments: Place.allCases)
    func report(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let today = CalendarDay(fixture.clock.now)
        try await fixture.task("a") { $0.dueDate = today.adding(days: -3) }
        try await fixture.task("b") { $0.status = .todo }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        let report = try await workspace.riskReport(of: "p")
        let values = Dictionary(
            uniqueKeysWithValues: report.factors.map { ($0.name, $0.value) })
        #expect(values[.overdue] == 1 && values[.blocked] == 0.5 && values[.unassigned] == 1)
        #expect(report.recommendations.first?.contains("overdue") == true)
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.riskReport(of: "missing")
        }
        /// What an embedding program puts there.
        struct Server: CodexFlow.RiskModel {
            struct Down: Error {}
            func report(_ features: CodexFlow.RiskFeatures) async throws -> CodexFlow.RiskReport {
                throw Down()
            }
        }
        await #expect(throws: Server.Down.self) {
            try await workspace.riskReport(of: "p", by: Server())
        }
    }

    @Test("A forest says what scikit-learn says, of rows that it was not trained on")
    func forest() throws {
        let forest = try CodexFlow.RandomForest(json: try Self.fixture("forest.json"))
        #expect(forest.treeCount == 100)
        // It was trained before there were forecasts: a forest chooses its features by name.
        let names = CodexFlow.RiskFeatures.Name.allCases.prefix(10)
        #expect(forest.features == names.map(\.rawValue))
        let file = try #require(
            try JSONSerialization.jsonObject(
                with: Data(try Self.fixture("rows.json").utf8)) as? [String: Any])
        let rows = try #require(file["rows"] as? [[String: Any]])
        #expect(rows.count == 350)
        var scores: Set<Double> = []
        for line in rows {
            let (row, score) = (
                try #require(line["row"] as? [Double]), try #require(line["score"] as? Double)
            )
            let found = try forest.predict(row)
            #expect(abs(found - score) <= 1e-9)
            scores.insert(found)
        }
        #expect(scores.count > 50)
        let model = try CodexFlow.ForestRisk(forest)
        let calm = try model.report(.init([:], openTaskCount: 3))
        let late = try model.report(
            .init([.overdue: 0.9, .behind: 0.9, .blocked: 0.5], openTaskCount: 3))
        #expect(calm.riskLevel == .low && late.riskLevel == .high)
        #expect(Set(late.factors.prefix(2).map(\.name)) == [.overdue, .behind])
        let sum = late.factors.reduce(0) { $0 + $1.share }
        #expect(abs(sum - late.riskScore) < 1e-9)
    }

    @Test(
        "Malformed forests are refused, with the field",
        arguments: [
            ("", nil), ("[]", nil), ("{", nil), ("{}", "format"), (#"{"format": 2}"#, "format"),
            (#"{"format": 1}"#, "features"), (#"{"format": 1, "features": []}"#, "features"),
            (#"{"format": 1, "features": [1]}"#, "features"),
            (#"{"format": 1, "features": ["a"]}"#, "trees"),
            (#"{"format": 1, "features": ["a"], "trees": []}"#, "trees"),
            (#"{"format": 1, "features": ["a"], "trees": [7]}"#, "trees[0].feature"),
            (oneTree("[-1]", "[0]", "[-1]", "[-1]", "[\"x\"]"), "trees[0].value"),
            (oneTree("[-1]", "[0]", "[-1]", "[-1]", "[]"), "trees[0]"),
            (oneTree("[]", "[]", "[]", "[]", "[]"), "trees[0]"),
            // A feature that is not there, nodes that are not, and ways without an end.
            (oneTree("[1,-1,-1]", "[0,0,0]", "[1,-1,-1]", "[2,-1,-1]", "[0,0,0]"), "node 0"),
            (oneTree("[0,-1,-1]", "[0,0,0]", "[1,-1,-1]", "[3,-1,-1]", "[0,0,0]"), "node 0"),
            (oneTree("[0,-1,-1]", "[0,0,0]", "[0,-1,-1]", "[2,-1,-1]", "[0,0,0]"), "node 0"),
            (oneTree("[0,-1,-1]", "[0,0,0]", "[1.5,-1,-1]", "[2,-1,-1]", "[0,0,0]"), "node 0"),
            (oneTree("[0]", "[0]", "[1]", "[1]", "[0]"), "node 0"),
            (oneTree("[-1,0,-1]", "[0,0,0]", "[-1,0,-1]", "[-1,2,-1]", "[0,0,0]"), "node 1"),
        ])
    func malformed(json: String, field: String?) {
        do {
            _ = try CodexFlow.RandomForest(json: json)
            Issue.record("it was read")
        } catch {
            let code: CodexError.Code = field == nil ? .invalidJSON : .invalidArgument
            #expect(error.code == code, "\(error)")
            if let field { #expect(error.message.contains(field), "\(error)") }
        }
    }

    @Test("Rows that do not fit are refused, and forests of other features")
    func rows() throws {
        let forest = try CodexFlow.RandomForest(
            json: oneTree("[0,-1,-1]", "[0.5,0,0]", "[1,-1,-1]", "[2,-1,-1]", "[0,0.25,1]"))
        #expect(try forest.predict([0.5]) == 0.25)
        #expect(try forest.predict([0.500001]) == 1)
        #expect(try forest.predict([.infinity]) == 1)
        for row in [[], [1, 2], [Double.nan]] {
            #expect(throws: CodexError(.invalidArgument, "")) { try forest.predict(row) }
        }
        let other = oneTree("[-1]", "[0]", "[-1]", "[-1]", "[1]").replacingOccurrences(
            of: "overdue", with: "weather")
        #expect(throws: CodexError(.invalidArgument, "")) {
            try CodexFlow.ForestRisk(try CodexFlow.RandomForest(json: other))
        }
    }
}
