import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// Searches and reports that read many tasks.
@Suite("The cost of searches and reports")
struct WalkTests {
    /// A project with two chains of tasks, of which each waits for the next one.
    private func chains(_ count: Int) async throws -> Fixture {
        let fixture = try await Fixture()
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for name in ["a", "b"] {
                for number in 0..<count {
                    let id = try CodexFlow.Task.ID("\(name)\(number)")
                    try transaction.put(
                        CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo))
                    guard number > 0 else { continue }
                    try transaction.put(
                        CodexFlow.Dependency(
                            projectID: "p", taskID: try .init("\(name)\(number - 1)"),
                            blockerID: id, isOpen: true, createdAt: now))
                }
            }
        }
        try await fixture.task("new")
        try await fixture.task("other")
        return fixture
    }

    @Test("A new dependency at the end of a chain does not read the chain")
    func ends() async throws {
        let fixture = try await chains(300)
        let clock = fixture.clock
        let backend = CountedBackend(fixture.store)
        let workspace = CodexFlow.Workspace(
            backend, clock: { clock.now }, calendar: SystemCalendar())
        for (task, blocker) in [("new", "a0"), ("b299", "other")]
            as [(CodexFlow.Task.ID, CodexFlow.Task.ID)]
        {
            let counts = try await backend.measured {
                try await workspace.addDependency(of: task, on: blocker, in: "p", by: "mia")
            }
            #expect(counts.requests < 30)
        }
        let counts = try await backend.measured {
            try await workspace.changeTask("b0", in: "p", by: "mia") { $0.parentID = "new" }
        }
        #expect(counts.requests < 30)
    }

    @Test("A circle is found from both ends of a chain")
    func circles() async throws {
        let fixture = try await chains(300)
        try await fixture.expect(.dependencyCycle, "blockerId") {
            try await fixture.workspace.addDependency(of: "a299", on: "a0", in: "p", by: "mia")
        }
        try await fixture.workspace.addDependency(of: "a299", on: "b0", in: "p", by: "mia")
        try await fixture.expect(.dependencyCycle, "blockerId") {
            try await fixture.workspace.addDependency(of: "b299", on: "a0", in: "p", by: "mia")
        }
    }

    @Test("A search that reads too much is refused")
    func reach() async throws {
        let fixture = try await chains(600)
        try await fixture.expect(.dependencyReach, "blockerId") {
            try await fixture.workspace.addDependency(of: "b599", on: "a0", in: "p", by: "mia")
        }
        try await fixture.expect(.dependencyReach, "parentId") {
            try await fixture.workspace.changeTask("a0", in: "p", by: "mia") {
                $0.parentID = "b599"
            }
        }
    }

    // MARK: Risk

    /// A project with numbered tasks. The first half is done, and each second one has no assignee.
    private func numbered(_ count: Int) async throws -> Fixture {
        let fixture = try await Fixture()
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            try transaction.put(
                CodexFlow.NumberSequence(
                    projectID: "p", name: CodexFlow.NumberSequence.tasks, last: count))
            for number in 1...count {
                let id = try CodexFlow.Task.ID("t\(10_000 + number)")
                var task = CodexFlow.Task(
                    id: id, projectID: "p", title: "T",
                    status: number <= count / 2 ? .done : .todo, createdAt: now)
                task.number = number
                if number.isMultiple(of: 2) { task.assigneeID = "max" }
                try transaction.put(task)
                guard (count / 2 + 1...count / 2 + 30).contains(number) else { continue }
                try transaction.put(
                    CodexFlow.Dependency(
                        projectID: "p", taskID: id, blockerID: "x", isOpen: true, createdAt: now))
            }
        }
        return fixture
    }

    @Test("A risk report of a large project reads a bounded part, from all of its time")
    func sample() async throws {
        let fixture = try await numbered(1000)
        let (clock, backend) = (fixture.clock, CountedBackend(fixture.store))
        let workspace = CodexFlow.Workspace(
            backend, clock: { clock.now }, calendar: SystemCalendar())
        let project = try #require(try fixture.store.get(.project("p")))
        let now = clock.now
        let counts = try await backend.measured {
            let sample = RiskSample(taskCountMax: 100, dependencyCountMax: 10)
            let (found, examinedTaskCount) = try await sample.counts(
                of: project, in: workspace, at: now, today: CalendarDay(now))
            let features = CodexFlow.RiskFeatures(found)
            #expect(examinedTaskCount == 100)
            #expect(features.openTaskCount == 50)
            #expect(features[.unassigned] == 0.5)
            // Of the open tasks of which it is known, all are blocked.
            #expect(features[.blocked] == 1)
        }
        // Parts, their beginnings, dependencies, the highest number, and two pages from the first
        // task on, which show that there are more.
        #expect(counts.outside <= 100 + 50 + 10 + 1 + 4)
        #expect(counts.commits == 0)
    }

    @Test("A risk report of a small project is of all tasks")
    func whole() async throws {
        let fixture = try await numbered(100)
        let project = try #require(try fixture.store.get(.project("p")))
        let now = fixture.clock.now
        for (limit, count) in [(100, nil), (99, 99)] as [(Int, Int?)] {
            let sample = RiskSample(taskCountMax: limit, dependencyCountMax: 1000)
            let (counts, examinedTaskCount) = try await sample.counts(
                of: project, in: fixture.workspace, at: now, today: CalendarDay(now))
            let features = CodexFlow.RiskFeatures(counts)
            #expect(examinedTaskCount == count)
            #expect(features.openTaskCount == (count ?? 100) / 2)
            #expect(abs(features[.blocked] - 0.6) < 0.05)
        }
        let report = try await fixture.workspace.riskReport(of: "p")
        #expect(report.examinedTaskCount == nil && !report.json.contains("examinedTasks"))
        var part = report
        part.examinedTaskCount = 7
        #expect(part.json.contains(#""examinedTasks":7"#))
    }
}
