import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Releases of a program in several processes, which have one store open.
@Suite("Rolling upgrades of processes")
struct RollingProcessTests {
    typealias V1 = RollingOrder.V1
    typealias V2 = RollingOrder.V2

    /// Puts an order of the first release, and reads it back.
    ///
    /// - Returns: Whether it could be read: another process may have migrated it already.
    private func putAndRead(_ id: String, _ store: Store) async throws -> Bool {
        try await store.put(V1(id: id))
        do {
            return try store.get(RollingOrder.order(id) as Lookup<V1>)?.siteID == "s"
        } catch CodexError.Code.programTooOld {
            return false
        }
    }

    @Test("A process of the first release goes on while one of the second upgrades the store")
    func besideUpgrade() async throws {
        let temporary = try await RollingUpgradeTests.made(200)
        let store = temporary.store
        let upgrade = try Agent("rolling", temporary.path, "2", "200", "b")
        upgrade.waitUntilBegun()
        var (count, readCount) = (0, 0)
        // The version is there with the first transaction after the other process began.
        repeat {
            if try await putAndRead("a\(count)", store) { readCount += 1 }
            count += 1
        } while count < 300
        #expect(try upgrade.text().hasPrefix("200 "))
        upgrade.wait()
        print("the first release put \(count) orders, and read \(readCount) of them")
        #expect(store.schema == RollingOrder.schema(version: 2))
        #expect(try await putAndRead("last", store))
        // No process of the first release writes any more.
        let migration = try Agent("rolling", temporary.path, "2", "0", "c")
        #expect(try migration.text() == "begun\n0 complete\n")
        migration.wait()
        #expect(
            try store.count(RollingOrder.bySite() as Query<V2>) == 200 + 200 + count + 1)
        #expect(
            try store.count(RollingOrder.openBySite() as Query<V2>) == 200 + 200 + count + 1)
        #expect(try store.verify().isSound)
    }

    @Test("A process of the first release joins a store of the second, and its writes are noticed")
    func joins() async throws {
        let temporary = try TemporaryStore(schema: RollingOrder.schema(version: 2))
        let store = temporary.store
        try await store.put(V2(id: "0"))
        let older = try Agent("rolling", temporary.path, "1", "50", "a")
        #expect(try older.text() == "begun\n50 pending\n")
        older.wait()
        #expect(try store.get(RollingOrder.order("a49") as Lookup<V2>)?.region == "n")
        #expect(throws: CodexError(.migrationPending, "")) {
            try store.count(RollingOrder.bySite() as Query<V2>)
        }
        #expect(try store.count(RollingOrder.openBySite() as Query<V2>) == 51)
        #expect(try await store.migrate(V2.self).isComplete)
        #expect(try store.count(RollingOrder.bySite() as Query<V2>) == 51)
    }

    @Test("What a killed process of the first release wrote is noticed after the recovery")
    func killed() async throws {
        let temporary = try TemporaryStore(schema: RollingOrder.schema(version: 2))
        temporary.store.close()
        let older = try Agent("rolling", temporary.path, "1", "1000000", "a")
        older.waitUntilBegun()
        // It is killed once it has written something.
        var isWritten = false
        let deadline = ContinuousClock.now + Hang.limit
        while !isWritten, ContinuousClock.now < deadline {
            let reader = try Store(at: temporary.path, options: StoreOptions(isReadOnly: true))
            isWritten = try reader.count(TableScan(table: "orders")).count > 0
            reader.close()
        }
        older.kill()
        try #require(isWritten)
        let store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        defer { store.close() }
        #expect(store.recovery != nil)
        #expect(throws: CodexError(.migrationPending, "")) {
            try store.count(RollingOrder.bySite() as Query<V2>)
        }
        let count = try store.count(TableScan(table: "orders")).count
        #expect(try await store.migrate(V2.self).isComplete)
        #expect(try store.count(RollingOrder.bySite() as Query<V2>) == count)
    }
}
