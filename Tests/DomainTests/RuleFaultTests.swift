import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Rules that had faults: of tasks and their parts, of people and their work.
@Suite("Rules that had faults")
struct RuleFaultTests {
    // MARK: Parts and wholes

    /// A whole with a part, which has a part itself, and two other tasks.
    private func nested(_ place: Place) async throws -> Fixture {
        let fixture = try await Fixture(place)
        try await fixture.task("whole")
        try await fixture.task("part") { $0.parentID = "whole" }
        try await fixture.task("sub") { $0.parentID = "part" }
        try await fixture.task("other")
        try await fixture.task("third")
        return fixture
    }

    @Test(
        "A part does not wait for its whole, directly or through others", arguments: Place.allCases)
    func partOnWhole(place: Place) async throws {
        let fixture = try await nested(place)
        let workspace = fixture.workspace
        for (task, blocker) in [("part", "whole"), ("sub", "whole"), ("sub", "part")]
            as [(CodexFlow.Task.ID, CodexFlow.Task.ID)]
        {
            try await fixture.expect(.dependencyCycle, "blockerId") {
                try await workspace.addDependency(of: task, on: blocker, in: "p", by: "mia")
            }
        }
        try await workspace.addDependency(of: "other", on: "whole", in: "p", by: "mia")
        try await workspace.addDependency(of: "third", on: "other", in: "p", by: "mia")
        try await fixture.expect(.dependencyCycle, "blockerId") {
            try await workspace.addDependency(of: "sub", on: "third", in: "p", by: "mia")
        }
        // A whole may wait for its parts, and it may end.
        try await workspace.addDependency(of: "whole", on: "sub", in: "p", by: "mia")
        for id in ["sub", "part", "whole", "other"] as [CodexFlow.Task.ID] {
            for status in [CodexFlow.Task.Status.todo, .inProgress, .done] {
                try await workspace.moveTask(id, in: "p", to: status, by: "mia")
            }
        }
    }

    @Test(
        "A task that waits for another does not become its part, and neither does its whole",
        arguments: Place.allCases)
    func movedUnderBlocker(place: Place) async throws {
        let fixture = try await nested(place)
        let workspace = fixture.workspace
        try await workspace.addDependency(of: "sub", on: "third", in: "p", by: "mia")
        try await workspace.addDependency(of: "third", on: "other", in: "p", by: "mia")
        try await workspace.changeTask("part", in: "p", by: "mia") { $0.parentID = nil }
        for parent in ["third", "other"] as [CodexFlow.Task.ID] {
            for task in ["part", "sub"] as [CodexFlow.Task.ID] {
                try await fixture.expect(.dependencyCycle, "parentId") {
                    try await workspace.changeTask(task, in: "p", by: "mia") {
                        $0.parentID = parent
                    }
                }
            }
        }
        // The other way round, the whole waits for what its part waits for.
        try await workspace.changeTask("third", in: "p", by: "mia") { $0.parentID = "part" }
    }

    /// The tasks of a random project, and what waits for what by the test's own account.
    private struct Waiting {
        var blockers: [Int: Set<Int>] = [:]
        var parents: [Int: Int] = [:]

        /// Whether a task waits for itself, if a part and a blocker are waited for.
        var hasCircle: Bool {
            var awaited = blockers
            for (part, whole) in parents { awaited[whole, default: []].insert(part) }
            return awaited.keys.contains { start in
                var (seen, next) = (Set<Int>(), Array(awaited[start] ?? []))
                while let task = next.popLast() {
                    if task == start { return true }
                    if seen.insert(task).inserted { next += awaited[task] ?? [] }
                }
                return false
            }
        }
    }

    /// Runs a command that makes the tasks wait as in `new`, and expects that it is refused exactly
    /// if there is a circle then. Other rules may refuse it as well.
    private func attempt(
        _ new: Waiting, _ old: Waiting, _ command: () async throws -> Void
    ) async throws -> Waiting {
        do {
            try await command()
            #expect(!new.hasCircle, "taken: \(new)")
            return new
        } catch let error as CodexError where error.rule != nil {
            if error.rule == .dependencyCycle { #expect(new.hasCircle, "refused: \(new)") }
            return old
        }
    }

    @Test("Random parts and dependencies never have a circle", arguments: UInt64(1)...8)
    func randomCircles(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let ids = try (0..<7).map { try CodexFlow.Task.ID("t\($0)") }
        for id in ids { try await fixture.task(id) }
        var waiting = Waiting()
        for _ in 0..<60 {
            let (first, second) = (random.below(ids.count), random.below(ids.count))
            var new = waiting
            if random.chance(50) {
                new.blockers[first, default: []].insert(second)
                waiting = try await attempt(new, waiting) {
                    try await workspace.addDependency(
                        of: ids[first], on: ids[second], in: "p", by: "mia")
                }
            } else {
                let isLoose = random.chance(30)
                new.parents[first] = isLoose ? nil : second
                waiting = try await attempt(new, waiting) {
                    try await workspace.changeTask(ids[first], in: "p", by: "mia") {
                        $0.parentID = isLoose ? nil : ids[second]
                    }
                }
            }
        }
        #expect(!waiting.blockers.isEmpty)
    }

    // MARK: Canceled parts

    @Test("Canceled parts take no room; one that is reopened does")
    func canceledParts() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let max = CodexFlow.Limits.subtaskCountMax
        try await fixture.task("whole")
        for number in 1...max {
            try await fixture.task(try .init("t\(number)")) { $0.parentID = "whole" }
        }
        try await fixture.expect(.taskParts, "parentId") {
            try await fixture.task("more") { $0.parentID = "whole" }
        }
        try await workspace.moveTask("t1", in: "p", to: .canceled, by: "mia")
        try await fixture.task("more") { $0.parentID = "whole" }
        try await fixture.expect(.taskParts, "parentId") {
            try await workspace.moveTask("t1", in: "p", to: .todo, by: "mia")
        }
        try await workspace.moveTask("t2", in: "p", to: .canceled, by: "mia")
        try await workspace.moveTask("t1", in: "p", to: .todo, by: "mia")
    }

    @Test("Parts in all are bounded, too")
    func allParts() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await fixture.task("whole")
        let max = CodexFlow.Limits.subtaskTotalCountMax
        let ids = try (0..<max).map { try CodexFlow.Task.ID("t\($0)") }
        for start in stride(from: 0, to: max, by: 100) {
            let batch = Array(ids[start..<start + 100])
            try await workspace.createTasks(from: batch, in: "p", by: "mia", id: { $0 }) {
                ($1.title, $1.parentID) = ("T", "whole")
            }
            try await workspace.moveTasks(batch, in: "p", to: .canceled, by: "mia")
        }
        try await fixture.expect(.taskParts, "parentId") {
            try await fixture.task("more") { $0.parentID = "whole" }
        }
    }

    // MARK: People and archived projects

    @Test(
        "Open tasks of an archived project do not bind people, and lose those who leave",
        arguments: Place.allCases)
    func archivedWork(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        for (task, user) in [("a", "mia"), ("b", "max"), ("c", "adam"), ("d", "adam")]
            as [(CodexFlow.Task.ID, CodexFlow.User.ID)]
        {
            try await fixture.task(task) { $0.assigneeID = user }
        }
        try await fixture.expect(.memberWork) {
            try await workspace.removeMember("mia", from: "p", by: "adam")
        }
        try await workspace.archiveProject("p", by: "olga")
        try await workspace.removeMember("mia", from: "p", by: "olga")
        try await workspace.changeMember("max", of: "p", to: .viewer, by: "olga")
        try await workspace.deleteUser("adam")
        try await workspace.restoreProject("p", by: "olga")
        let tasks = try store.all(.tasks(in: "p"))
        #expect(tasks.count == 4 && tasks.allSatisfy { $0.assigneeID == nil })
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.kind == .assigned && entry.actorID == "olga")
        #expect(try store.verify().isSound)
    }

    @Test("A member of two projects keeps the work of the one that is not archived")
    func otherWork() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "mia")
        try await workspace.createTask(in: "q", by: "mia", id: "x") {
            ($0.title, $0.assigneeID) = ("X", "mia")
        }
        // More than one commit removes.
        for number in 0..<30 {
            try await fixture.task(try .init("t\(number)")) { $0.assigneeID = "mia" }
        }
        try await workspace.archiveProject("p", by: "olga")
        try await workspace.removeMember("mia", from: "p", by: "olga")
        #expect(try fixture.store.all(.openTasks(assignedTo: "mia")).map(\.id) == ["x"])
    }

    // MARK: Work

    @Test(
        "A work log is corrected after its user left, by an admin alone", arguments: Place.allCases)
    func corrections(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a")
        let day = CalendarDay(fixture.clock.now)
        try await workspace.logWork(8, on: "a", in: "p", by: "max")
        try await workspace.removeMember("max", from: "p", by: "max")
        try await workspace.deleteUser("max")
        func correct(_ hours: Number, by actor: CodexFlow.User.ID) async throws {
            try await workspace.correctWork(
                hours, of: "max", on: "a", in: "p", day: day, by: actor, note: "a typing error")
        }
        try await fixture.expect(.actorRole) { try await correct(-1, by: "mia") }
        try await fixture.expect(.workHours) { try await correct(17, by: "adam") }
        try await fixture.expect(.workHours) { try await correct(-9, by: "adam") }
        let start = try store.read { try $0.sequenceNumber }
        try await correct(-2, by: "adam")
        #expect(
            try store.get(.work(of: "max", on: "a", day: day, in: "p"))?.updatedByID == "adam")
        try await correct(-6, by: "adam")
        #expect(try store.get(.work(of: "max", on: "a", day: day, in: "p")) == nil)
        await #expect(throws: CodexError(.notFound, "")) { try await correct(1, by: "adam") }
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.actorID == "adam" && entry.note == "a typing error")
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.hours) == [-2, -6])
        #expect(events.allSatisfy { $0.userID == "max" && $0.actorID == "adam" })
    }
}
