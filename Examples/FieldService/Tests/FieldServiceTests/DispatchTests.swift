import Codex
import CodexTesting
import Foundation
import Testing

@testable import FieldService

@Suite("The commands")
struct DispatchTests {
    private let monday = ServiceWorld.firstDay
    private let start = Date(timeIntervalSince1970: 1_772_442_000)

    @Test("An order is created, scheduled and completed, and counted by its status")
    func life() async throws {
        let temporary = try await TemporaryStore.service()
        let dispatch = Dispatch<WorkOrder>(store: temporary.store)
        let site = ServiceWorld.sites[0]
        for id in ["o1", "o2", "o3"] { try await dispatch.create(id, at: site, title: "Pump") }
        #expect(try dispatch.counts(at: "s1") == [.open: 3])
        try await dispatch.schedule("o1", for: "t1", on: monday)
        try await dispatch.schedule("o2", for: "t1", on: monday)
        #expect(try dispatch.counts(at: "s1") == [.open: 1, .scheduled: 2])
        let done = try await dispatch.complete("o1", by: "t1", from: start, minutes: 45)
        #expect(done.status == .done && done.assignee == "t1" && done.day == monday)
        #expect(try dispatch.counts(at: "s1") == [.open: 1, .scheduled: 1, .done: 1])
        #expect(try dispatch.counts(at: "s2") == [:])
        let visits = try temporary.store.all(Visit.all(of: "o1"))
        #expect(visits == [Visit(order: "o1", by: "t1", start: start, minutes: 45)])
        #expect(try temporary.store.verify().isSound)
    }

    @Test("What the rules refuse leaves nothing behind")
    func refusals() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        let dispatch = Dispatch<WorkOrder>(store: store)
        let nowhere = Site(id: "s9", customer: "c1", address: "nowhere")
        await #expect(throws: Refusal.unknownSite) {
            try await dispatch.create("o1", at: nowhere, title: "Pump")
        }
        try await dispatch.create("o1", at: ServiceWorld.sites[0], title: "Pump")
        await #expect(throws: Refusal.unknownTechnician) {
            try await dispatch.schedule("o1", for: "t9", on: monday)
        }
        await #expect(throws: Refusal.notScheduled) {
            try await dispatch.complete("o1", by: "t1", from: start, minutes: 1)
        }
        try await dispatch.schedule("o1", for: "t1", on: monday)
        await #expect(throws: Refusal.otherAssignee) {
            try await dispatch.complete("o1", by: "t2", from: start, minutes: 1)
        }
        // The visit was inserted before the rule was broken, in the same transaction.
        #expect(try store.count(Visit.all(of: "o1")) == 0)
        try await dispatch.complete("o1", by: "t1", from: start, minutes: 1)
        await #expect(throws: Refusal.alreadyDone) {
            try await dispatch.schedule("o1", for: "t1", on: monday)
        }
        await #expect(throws: CodexError(.notFound, "")) {
            try await dispatch.schedule("o9", for: "t1", on: monday)
        }
        #expect(try store.count(of: Visit.self) == 1)
    }

    @Test("A technician has at most six orders a day, also if many schedule at once")
    func fullDays() async throws {
        let temporary = try await TemporaryStore.service()
        let dispatch = Dispatch<WorkOrder>(store: temporary.store)
        let countMax = Dispatch<WorkOrder>.ordersPerDayMax
        let ids = (0..<2 * countMax).map { "o\($0)" }
        for id in ids { try await dispatch.create(id, at: ServiceWorld.sites[0], title: "Pump") }
        let day = monday
        let outcomes = await withTaskGroup(of: Refusal?.self) { group in
            for id in ids {
                group.addTask {
                    do {
                        try await dispatch.schedule(id, for: "t1", on: day)
                        return nil
                    } catch {
                        return error as? Refusal ?? .unknownSite
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == countMax)
        #expect(outcomes.filter { $0 == .dayIsFull }.count == countMax)
        #expect(try temporary.store.count(WorkOrder.all(of: "t1", in: day...day)) == countMax)
        // The next day, and another technician, have room.
        let rest = try temporary.store.all(WorkOrder.open(at: "s1")).filter { $0.day == nil }
        try await dispatch.schedule(rest[0].id, for: "t1", on: day.adding(days: 1))
        try await dispatch.schedule(rest[1].id, for: "t2", on: day)
    }

    @Test("A commit that fails leaves the order as it was")
    func failure() async throws {
        let failures = CommitFailures()
        let temporary = try await TemporaryStore.service(failures: failures)
        let dispatch = Dispatch<WorkOrder>(store: temporary.store)
        try await dispatch.create("o1", at: ServiceWorld.sites[0], title: "Pump")
        let scheduled = try await dispatch.schedule("o1", for: "t1", on: monday)
        failures.failNextCommit()
        await #expect(throws: CodexError(.commitFailed, "")) {
            try await dispatch.complete("o1", by: "t1", from: start, minutes: 45)
        }
        #expect(try temporary.store.get(Lookup<WorkOrder>(["id": "o1"])) == scheduled)
        #expect(try temporary.store.count(Visit.all(of: "o1")) == 0)
        try await dispatch.complete("o1", by: "t1", from: start, minutes: 45)
        #expect(try temporary.store.verify().isSound)
    }

    @Test("The README's answers are those of the program")
    func readme() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let answers = try await Demonstration.answers(at: directory + "/store")
        #expect(answers.count == 8)
        let readme = try String(
            contentsOf: Program.package.appendingPathComponent("README.md"), encoding: .utf8)
        #expect(readme.contains(answers.joined(separator: "\n")))
        #expect(await FieldServiceProgram.run(["demo"]) == 2)
    }
}
