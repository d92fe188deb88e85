import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// What a risk report reads of a project that may be large.
///
/// Numbers of tasks may have gaps, and tasks that were stored without the services may have none.
@Suite("The sample of a risk report")
struct RiskSampleTests {
    /// A project with tasks that are done, apart from some: `t10001`, `t10002` and so on. Open
    /// tasks without numbers come before them: `a0`, `a1` and so on.
    private static func fixture(
        _ numbers: ClosedRange<Int>, open: ClosedRange<Int>? = nil, unnumberedCount: Int = 0,
        sequence: Int? = nil
    ) async throws -> Fixture {
        let fixture = try await Fixture()
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            if let sequence {
                try transaction.put(
                    CodexFlow.NumberSequence(
                        projectID: "p", name: CodexFlow.NumberSequence.tasks, last: sequence))
            }
            for number in numbers {
                var task = CodexFlow.Task(
                    id: try .init("t\(10_000 + number)"), projectID: "p", title: "T",
                    status: open?.contains(number) == true ? .inReview : .done, createdAt: now)
                task.number = number
                try transaction.put(task)
            }
            for number in 0..<unnumberedCount {
                try transaction.put(
                    CodexFlow.Task(
                        id: try .init("a\(number)"), projectID: "p", title: "T", status: .todo,
                        createdAt: now))
            }
        }
        return fixture
    }

    /// The features of a project after its target day, from 100 tasks at most, and the number of
    /// those tasks.
    private static func examine(
        _ fixture: Fixture
    ) async throws -> (features: CodexFlow.RiskFeatures, taskCount: Int?) {
        var project = try #require(try fixture.store.get(.project("p")))
        let now = fixture.clock.now
        let today = CalendarDay(now)
        project.targetDate = today.adding(days: -1)
        let sample = RiskSample(taskCountMax: 100, dependencyCountMax: 10)
        let (counts, taskCount) = try await sample.counts(
            of: project, in: fixture.workspace, at: now, today: today)
        return (CodexFlow.RiskFeatures(counts), taskCount)
    }

    @Test("The newest tasks are in the sample")
    func newest() async throws {
        let fixture = try await Self.fixture(1...1000, open: 999...1000, sequence: 1000)
        let (features, taskCount) = try await Self.examine(fixture)
        #expect(taskCount == 100)
        #expect(features.openTaskCount == 2)
    }

    @Test("A large project after its target day is high, if any task is open")
    func anyOpen() async throws {
        for number in [4, 500, 997] {
            let fixture = try await Self.fixture(1...1000, open: number...number, sequence: 1000)
            // A raw write that finishes tasks leaves them among the open ones of the index.
            for other in 5...25 {
                var item = try CodexFlow.Task(
                    id: try .init("t\(10_000 + other)"), projectID: "p", title: "T",
                    status: .inReview
                ).item()
                item["status"] = "done"
                try await fixture.store.put(item, in: CodexFlow.table)
            }
            let (features, taskCount) = try await Self.examine(fixture)
            #expect(taskCount == 101)
            #expect(features.openTaskCount == 1)
            #expect(CodexFlow.WeightedRisk().report(features).riskLevel == .high)
        }
        let fixture = try await Self.fixture(1...1000, sequence: 1000)
        let (features, taskCount) = try await Self.examine(fixture)
        #expect(taskCount == 100 && features.openTaskCount == 0)
    }

    @Test("Few open tasks are added to a sample without any")
    func addedTasks() async throws {
        let fixture = try await Self.fixture(1...1000, open: 3...20, sequence: 1000)
        let (features, taskCount) = try await Self.examine(fixture)
        #expect(taskCount == 110)
        #expect(features.openTaskCount == 10)
    }

    @Test("Numbers without a sequence are known")
    func noSequence() async throws {
        let fixture = try await Self.fixture(1...1000, open: 501...1000)
        let (features, taskCount) = try await Self.examine(fixture)
        #expect(taskCount == 100)
        #expect(features.openTaskCount == 50)
    }

    @Test("A small project with high numbers is read as a whole")
    func highNumbers() async throws {
        for (numbers, sequence) in [(901...1000, 1000), (901...1000, 9_999_999_999)] {
            let fixture = try await Self.fixture(numbers, open: 951...1000, sequence: sequence)
            let (features, taskCount) = try await Self.examine(fixture)
            #expect(taskCount == nil)
            #expect(features.openTaskCount == 50)
        }
    }

    @Test("Tasks without numbers that come first are read")
    func unnumbered() async throws {
        let small = try await Self.fixture(101...160, unnumberedCount: 40, sequence: 160)
        var (features, taskCount) = try await Self.examine(small)
        #expect(taskCount == nil)
        #expect(features.openTaskCount == 40)
        let large = try await Self.fixture(1...1000, unnumberedCount: 40, sequence: 1000)
        (features, taskCount) = try await Self.examine(large)
        #expect(taskCount == 100)
        #expect(features.openTaskCount == 2)
        let plain = try await Self.fixture(1...10, unnumberedCount: 200, sequence: 10)
        (features, taskCount) = try await Self.examine(plain)
        #expect(taskCount == 100)
        #expect(features.openTaskCount == 100)
    }

    @Test("A number that no rule allows does not decide on the sample")
    func invalidNumber() async throws {
        let fixture = try await Self.fixture(1...1000, open: 501...1000)
        var item = try CodexFlow.Task(
            id: "z", projectID: "p", title: "T", status: .canceled
        ).item()
        item["number"] = 99_999_999_999
        try await fixture.store.put(item, in: CodexFlow.table)
        let (features, taskCount) = try await Self.examine(fixture)
        #expect(taskCount == 100)
        #expect(features.openTaskCount == 50)
    }
}
