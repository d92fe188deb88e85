import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// Copies of a store whose indexes change their layouts: followers, and restored stores.
@Suite("Layouts in copies of a store")
struct FollowerLayoutTests {
    private static let byV = IndexDefinition(
        "byV", partitionKey: [KeyAttribute("v", .number)], layout: .copies)
    private static let schema = Schema(tables: [
        AgentTable.definition(indexes: [byV]), RandomHistory.schema.tables[1],
    ])
    private static let query = TableQuery(table: "t", index: "byV", partition: [0])

    /// Options of stores that build on demand, one entry after the other.
    private var options: StoreOptions {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        return options
    }

    private func change(_ store: Store, to layout: IndexLayout) async throws {
        try await store.changeLayout(ofIndex: "byV", in: "t", to: layout)
    }

    private func build(_ store: Store) throws {
        while try store.build() == .more {}
    }

    /// The layout of the index, and the one that it gets.
    private func layouts(_ store: Store) throws -> [IndexLayout?] {
        let status = try #require(
            try store.buildStatus().first { $0.table == "t" && $0.name == "byV" })
        return [status.layout, status.nextLayout]
    }

    @Test("A follower changes a layout when its leader does, and by its own build")
    func followed() async throws {
        let pair = try await FollowerPair(schema: Self.schema, options: options)
        let (leader, follower) = (pair.leader, pair.follower)
        await #expect(throws: CodexError(.following, "")) {
            try await change(follower, to: .references)
        }
        await #expect(throws: CodexError(.following, "")) {
            try await follower.changeFormerLayouts()
        }
        try await change(leader, to: .references)
        try await FollowerPair.put(10, leader)
        try await pair.catchUp()
        #expect(try layouts(follower) == [.copies, .references])
        #expect(try follower.count(Self.query).count == 11)
        // The follower is at its end while the leader has not begun.
        try build(follower)
        #expect(try layouts(follower) == [.references, nil])
        #expect(try layouts(leader) == [.copies, .references])
        try await FollowerPair.put(11, leader)
        try await pair.catchUp()
        #expect(try follower.verify().isSound)
        try build(leader)
        try await pair.catchUp()
        try await FollowerPair.expectEqual(follower, leader, "at the end")
        let manifest = follower.core.catalog.manifest.tables["t"]
        #expect(manifest?.retired?.isEmpty != false && manifest?.relayouts == nil)
    }

    @Test("A change that the leader takes back ends on the follower, before or after its build")
    func cancelled() async throws {
        for isBuilt in [false, true] {
            let pair = try await FollowerPair(schema: Self.schema, options: options)
            let (leader, follower) = (pair.leader, pair.follower)
            try await change(leader, to: .references)
            try await pair.catchUp()
            if isBuilt { try build(follower) } else { _ = try follower.build(stepCountMax: 2) }
            try await change(leader, to: .copies)
            try await FollowerPair.put(10, leader)
            try await pair.catchUp()
            let expected: [IndexLayout?] = isBuilt ? [.references, .copies] : [.copies, nil]
            #expect(try layouts(follower) == expected)
            try build(leader)
            try await pair.catchUp()
            try build(follower)
            try await FollowerPair.expectEqual(follower, leader, "built: \(isBuilt)")
        }
    }

    @Test("New indexes and tables have the leader's layouts, also of former formats")
    func added() async throws {
        let pair = try await FollowerPair(schema: Self.schema, options: options)
        let (leader, follower) = (pair.leader, pair.follower)
        let byW = IndexDefinition("byW", partitionKey: [KeyAttribute("w")])
        try await leader.addIndex(byW, to: "t")
        try await leader.changeLayout(ofIndex: "byW", in: "t", to: .copies)
        // As a leader of an earlier release adds a table.
        let table = TableDefinition("u", partitionKey: KeyAttribute("p"), indexes: [byW])
        try await leader.changeManifest { manifest, _ throws(CodexError) in
            let isNew = try manifest.merge(Schema(tables: [table]))
            manifest.tables["u"]?.layouts = nil
            return isNew
        }
        try build(leader)
        try await pair.catchUp()
        try build(follower)
        try await FollowerPair.expectEqual(follower, leader, "added")
        let manifest = follower.core.catalog.manifest
        #expect(manifest.tables["u"]?.namedLayout(of: byW) == nil)
        #expect(manifest.tables["t"]?.namedLayout(of: byW) == .copies)
        // What is former on the leader is former on the follower, and changes with it.
        #expect(try await leader.changeFormerLayouts() == 1)
        try build(leader)
        try await pair.catchUp()
        try build(follower)
        try await FollowerPair.expectEqual(follower, leader, "changed")
        let layouts = try follower.buildStatus().map(\.layout)
        #expect(layouts == [.references, .copies, .copies, .references])
    }

    @Test("A follower that is promoted during a change ends it")
    func promoted() async throws {
        let pair = try await FollowerPair(schema: Self.schema, options: options)
        try await change(pair.leader, to: .references)
        try await pair.catchUp()
        #expect(try pair.follower.build(stepCountMax: 2) == .more)
        try await pair.follower.promote()
        #expect(try layouts(pair.follower) == [.copies, .references])
        try await FollowerPair.put(10, pair.follower)
        try build(pair.follower)
        #expect(try layouts(pair.follower) == [.references, nil])
        #expect(try pair.follower.count(Self.query).count == 11)
        let report = try pair.follower.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
        try await change(pair.follower, to: .copies)
        try build(pair.follower)
        #expect(try layouts(pair.follower) == [.copies, nil])
    }

    @Test("A backup of any step of a change is restored, alone and with the archive")
    func restored() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store(at: directory + "/store", schema: Self.schema, options: options)
        defer { store.close() }
        for number in 0..<8 { try await FollowerPair.put(number, store) }
        var backups: [(path: String, count: Int)] = []
        func backUp(_ count: Int) async throws {
            let path = directory + "/backup-\(backups.count)"
            try await store.backup(to: path)
            backups.append((path, count))
        }
        try await backUp(8)
        try await change(store, to: .references)
        var count = 8
        var outcome: BuildsOnDemand.Outcome
        repeat {
            outcome = try store.build(stepCountMax: 1)
            try await FollowerPair.put(count, store)
            count += 1
            try await backUp(count)
        } while outcome == .more && count < 100
        #expect(outcome == .done && backups.count > 4)
        let archive = directory + "/archive"
        try await store.archiveLog(to: archive)
        for (place, backup) in backups.enumerated() {
            for isWhole in [false, true] {
                let path = directory + "/restored-\(place)-\(isWhole)"
                try await Store.restore(
                    backup.path, archive: isWhole ? archive : nil, at: path)
                let restored = try Store(at: path, options: options)
                defer { restored.close() }
                let expected = isWhole ? count : backup.count
                #expect(try restored.count(Self.query).count == expected, "\(place) \(isWhole)")
                try build(restored)
                #expect(try restored.count(Self.query).count == expected, "\(place) \(isWhole)")
                let isChanged = place > 0 || isWhole
                let last: [IndexLayout?] = [isChanged ? .references : .copies, nil]
                #expect(try layouts(restored) == last, "\(place) \(isWhole)")
                let report = try restored.verify()
                #expect(report.isSound, "\(place) \(isWhole) \(report.differences.prefix(3))")
            }
        }
    }
}
