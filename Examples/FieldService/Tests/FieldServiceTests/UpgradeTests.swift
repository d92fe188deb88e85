import Codex
import CodexTesting
import Foundation
import Testing

@testable import FieldService

/// Processes of the first and of the second release on one store, all of which are under load.
///
/// Nothing waits for a time: each step waits until processes said that they worked on.
@Suite("The rolling upgrade", .serialized, .timeLimit(.minutes(5)))
struct UpgradeTests {
    /// A store in which processes of the first release can begin.
    private func withService(_ body: (String) async throws -> Void) async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/service.codex"
        let store = try Store(at: path, schema: WorkOrder.schema)
        try await ServiceWorld.makeShared(in: store, processes: ["a", "b", "c", "d"])
        store.close()
        try await body(path)
    }

    /// Starts two processes of the first release, which read and write.
    private func startFirstRelease(at path: String) throws -> [WorkerProcess] {
        let processes = try ["a", "b"].map { try WorkerProcess($0, release: 1, at: path) }
        for process in processes { try process.send("write") }
        for process in processes { try process.work() }
        return processes
    }

    @Test("Readers first, then writers, then the migration: nothing fails")
    func expandAndContract() async throws {
        try await withService { path in
            var old = try startFirstRelease(at: path)
            // 1. Expand. The second release opens the store, adds its definitions, and reads.
            let new = try WorkerProcess("c", release: 2, at: path)
            try new.work()
            // The first release goes on, and its processes can still be started.
            old.append(try WorkerProcess("d", release: 1, at: path))
            try old[2].send("write")
            for process in old { try process.work() }
            // 2. The first release ends, one process after the other; the second takes over.
            var reports: [WorkerReport] = []
            for process in old {
                try new.work()
                reports.append(try process.end())
            }
            try new.send("write")
            try new.work()
            // 3. Contract. The items of the first release become those of the second.
            try new.send("migrate")
            try new.line("migrated")
            try new.work()
            reports.append(try new.end())

            for report in reports {
                #expect(report.failures == [:])
                #expect(report.succeeded == report.tried && report.orders.count >= 5)
            }
            // The new index was refused before the migration, and not silently incomplete.
            #expect(reports.map { $0.pendingCount > 0 } == [false, false, false, true])
            try check(reports, at: path)
        }
    }

    @Test("If both releases write at once, the older one is told of each later item, and no more")
    func bothAtOnce() async throws {
        try await withService { path in
            let old = try startFirstRelease(at: path)
            let new = try WorkerProcess("c", release: 2, at: path)
            try new.send("write")
            try new.work()
            for process in old { try process.work() }
            try new.send("migrate")
            try new.line("migrated")
            // The first release goes on with what it can: it creates and completes new orders.
            for process in old { try process.work() }
            var reports = try old.map { try $0.end() }
            // It wrote items after the migration.
            try new.send("migrate")
            try new.line("migrated")
            try new.work()
            reports.append(try new.end())

            let tooOld = CodexError.Code.programTooOld.description
            #expect(reports[2].failures == [:])
            for report in reports[..<2] {
                #expect(Set(report.failures.keys) == [tooOld])
                #expect(report.tried - report.succeeded == report.failures[tooOld])
                #expect(report.succeeded > report.tried / 3)
            }
            try check(reports, at: path)
        }
    }

    /// Checks that all that was acknowledged is stored, and nothing else.
    private func check(_ reports: [WorkerReport], at path: String) throws {
        let store = try Store(at: path, schema: Release2.WorkOrder.schema)
        defer { store.close() }
        let stored = try store.all(of: Release2.WorkOrder.self)
        let shared = (0..<ServiceWorld.sharedOrderCount).map(ServiceWorld.sharedOrder)
        // No order of all processes was completed twice.
        let completed = reports.flatMap(\.shared)
        #expect(Set(completed).count == completed.count && !completed.isEmpty)
        var expected: [String: WorkOrder.Status] = [:]
        for id in shared { expected[id] = .scheduled }
        for id in completed { expected[id] = .done }
        for report in reports { expected.merge(report.orders) { $1 } }
        let statuses = Dictionary(uniqueKeysWithValues: stored.map { ($0.id, $0.status) })
        #expect(statuses == expected)

        // The marks in titles are priorities now, and the new index has the urgent open orders.
        let urgent = reports.reduce(into: Set<String>()) { $0.formUnion($1.urgent) }
        #expect(Set(stored.filter { $0.priority == .urgent }.map(\.id)) == urgent)
        #expect(stored.allSatisfy { !$0.title.contains("URGENT") })
        let found = try ServiceWorld.sites.flatMap { site in
            try store.all(Release2.WorkOrder.urgent(at: site.id)).map(\.id)
        }
        #expect(found.sorted() == urgent.filter { expected[$0] != .done }.sorted())

        // Each completed order has its visit, in the same transaction.
        let done = statuses.filter { $0.value == .done }.count
        #expect(try store.count(of: Visit.self) == done)
        #expect(try store.itemsAwaitingMigration() == [:])
        #expect(try store.verify().isSound)
    }
}
