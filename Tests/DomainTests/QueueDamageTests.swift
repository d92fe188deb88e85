import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Checks and repairs of whole projects beside items that cannot be read or changed.
@Suite("Checks and repairs beside damaged items")
struct QueueDamageTests {
    /// The sort keys of the items that a command passes over.
    private final class Passed: Sendable {
        private let keys = Mutex<[String]>([])

        var sorted: [String] { keys.withLock { $0.sorted() } }

        func add(_ error: CodexError) {
            keys.withLock { $0.append(error.key?.sort?.string ?? "none") }
        }
    }

    private static let damaged = [
        "DEPENDENCY#d1#x", "TASK#blocker", "TASK#blocker", "TASK#d0",
    ]

    /// Tasks with a wrong mark, before and after damaged ones: `d0` cannot be read, `d1` has such a
    /// dependency, and `d2` such a blocker.
    private func makeDamage(_ fixture: Fixture) async throws {
        let store = fixture.store
        for id in ["a", "blocker", "d0", "d1", "d2", "z"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { $0.status = .todo }
        }
        try await fixture.workspace.addDependency(of: "d2", on: "blocker", in: "p", by: "mia")
        for id in ["a", "d0", "d1", "z"] as [CodexFlow.Task.ID] {
            try await store.update(.task(id, in: "p")) { $0.isBlocked = true }
        }
        for id in ["blocker", "d0"] as [CodexFlow.Task.ID] {
            var item = try #require(try store.get(.task(id, in: "p"))).item()
            item["complexity"] = "high"
            try await store.put(item, in: CodexFlow.table)
        }
        var item = try CodexFlow.Dependency(
            projectID: "p", taskID: "d1", blockerID: "x", isOpen: false,
            createdAt: fixture.clock.now
        ).item()
        item["isOpen"] = "no"
        try await store.put(item, in: CodexFlow.table)
    }

    @Test(
        "A check passes over what cannot be read, and names each item",
        arguments: Place.allCases)
    func verification(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await makeDamage(fixture)
        let passed = Passed()
        let found = try await fixture.workspace.verifyQueue(
            of: "p", onFailure: { passed.add($0) })
        #expect(found == ["a", "z"])
        #expect(passed.sorted == Self.damaged)
        #expect(try await fixture.workspace.verifyQueue(of: "p") == found)
    }

    @Test(
        "A repair corrects the tasks beside what cannot be read, in commits of any size",
        arguments: Place.allCases, [1, 2, 100])
    func repair(place: Place, batchCount: Int) async throws {
        let fixture = try await Fixture(place)
        try await makeDamage(fixture)
        let passed = Passed()
        let count = try await fixture.workspace.repairQueue(
            of: "p", by: "adam", batchCount: batchCount, onFailure: { passed.add($0) })
        #expect(count == 2)
        #expect(passed.sorted == Self.damaged)
        #expect(try await fixture.workspace.verifyQueue(of: "p").isEmpty)
        #expect(try fixture.store.get(.task("d1", in: "p"))?.isBlocked == true)
    }

    @Test("A repair names items without room for it, and goes on", arguments: Place.allCases)
    func room(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["a", "b", "z"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { $0.status = .todo }
        }
        try await store.update(.task("z", in: "p")) { $0.isBlocked = true }
        var item = try CodexFlow.Dependency(
            projectID: "p", taskID: "a", blockerID: "b", isOpen: false,
            createdAt: fixture.clock.now
        ).item()
        item["filler"] = ""
        let count = DynamoDBLimits.itemByteCountMax - item.byteCount
        item["filler"] = .string(String(repeating: "x", count: count))
        try await store.put(item, in: CodexFlow.table)
        let passed = Passed()
        let changed = try await workspace.repairQueue(
            of: "p", by: "adam", onFailure: { passed.add($0) })
        #expect(changed == 1)
        #expect(passed.sorted == ["DEPENDENCY#a#b"])
        // A mark would stay when the blocker is finished.
        #expect(try store.get(.task("a", in: "p"))?.isBlocked == false)
        #expect(try store.get(.task("z", in: "p"))?.isBlocked == false)
        #expect(try await workspace.verifyQueue(of: "p") == ["a"])
    }

    @Test("A repair by a user who is no admin is refused, also beside damaged items")
    func refused() async throws {
        let fixture = try await Fixture()
        try await makeDamage(fixture)
        try await fixture.expect(.actorRole) {
            try await fixture.workspace.repairQueue(of: "p", by: "mia")
        }
    }

    @Test("The history of imported tasks begins beside those that cannot be read")
    func adoption() async throws {
        let fixture = try await Fixture()
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] {
            var item = try CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo).item()
            if id == "b" { item["complexity"] = "high" }
            try await fixture.store.put(item, in: CodexFlow.table)
        }
        let passed = Passed()
        let count = try await fixture.workspace.adoptHistory(
            of: "p", by: "adam", onFailure: { passed.add($0) })
        #expect(count == 2)
        #expect(passed.sorted == ["TASK#b"])
        #expect(try await fixture.workspace.adoptHistory(of: "p", by: "adam") == 0)
    }
}
