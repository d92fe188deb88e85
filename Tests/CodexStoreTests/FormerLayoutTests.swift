import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Layouts of stores that earlier releases made.
@Suite("Layouts of earlier formats")
struct FormerLayoutTests {
    private static func wholeIndexes(_ store: Store) -> [(table: String, index: String)] {
        store.schema.tables.flatMap { table in
            table.indexes.filter { $0.projection == .all }.map { index in
                (table: table.name, index: index.name)
            }
        }
    }

    /// Checks the layouts of all indexes; those that have whole items are given.
    private func expectLayouts(
        _ store: Store, ofWhole whole: IndexLayout, _ comment: Comment
    ) throws {
        let status = try store.buildStatus()
        for table in store.schema.tables {
            for index in table.indexes {
                let expected: IndexLayout =
                    switch index.projection {
                    case .all: whole
                    case .include: .copies
                    case .keysOnly: .references
                    }
                let found = try #require(
                    status.first { $0.table == table.name && $0.name == index.name })
                #expect(found.layout == expected && found.nextLayout == nil, comment)
            }
        }
    }

    @Test(
        "Copies of whole items stay until a call gives them references",
        arguments: ["format2", "format3", "format4"])
    func changed(format: String) async throws {
        let fixture = try FormatFixture(format)
        let store = try Store(at: fixture.path("store"), options: fixture.options)
        try await store.waitUntilReady()
        try expectLayouts(store, ofWhole: .copies, "\(format), opened")
        let count = Self.wholeIndexes(store).count
        #expect(count > 0)
        #expect(try await store.changeFormerLayouts() == count)
        try await store.waitUntilReady()
        try expectLayouts(store, ofWhole: .references, "\(format), changed")
        #expect(try await store.changeFormerLayouts() == 0)
        try fixture.expectContents(of: store, "\(format), changed")
        try await fixture.goOn(store, "\(format), changed")
    }

    @Test("An index that was given copies by name keeps them")
    func named() async throws {
        let fixture = try FormatFixture("format4")
        let store = try Store(at: fixture.path("store"), options: fixture.options)
        defer { store.close() }
        let indexes = Self.wholeIndexes(store)
        let kept = try #require(indexes.first)
        try await store.changeLayout(ofIndex: kept.index, in: kept.table, to: .copies)
        #expect(try await store.changeFormerLayouts() == indexes.count - 1)
        try await store.waitUntilReady()
        let status = try store.buildStatus().first {
            $0.table == kept.table && $0.name == kept.index
        }
        #expect(status?.layout == .copies && status?.nextLayout == nil)
        try fixture.expectContents(of: store, "kept")
    }

    @Test(
        "Killed in the upgrade, and then after any part of the change, a store ends both",
        arguments: ["format3", "format4"], ["store", "unclosed"])
    func interrupted(format: String, part: String) async throws {
        let fixture = try FormatFixture(format)
        let (path, copy) = (fixture.path(part), fixture.path("killed"))
        // A kill after the marker was raised, and before anything else.
        try "codex store\nformat 5\n".write(
            toFile: path + "/CODEX", atomically: true, encoding: .utf8)
        var options = fixture.options
        options.parts.builds = BuildsOnDemand(entryCountMax: 20)
        options.checkpoints.interval = .seconds(3600)
        let store = try Store(at: path, options: options)
        defer { store.close() }
        #expect(try await store.changeFormerLayouts() == Self.wholeIndexes(store).count)
        var stepCount = 0
        var outcome: BuildsOnDemand.Outcome
        repeat {
            outcome = try store.build(stepCountMax: 4)
            stepCount += 1
            // The copy is what a killed process would leave.
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            let recovered = try Store(at: copy, options: fixture.options)
            try await recovered.waitUntilReady()
            try expectLayouts(recovered, ofWhole: .references, "\(format), step \(stepCount)")
            try fixture.expectContents(of: recovered, "\(format), step \(stepCount)")
            recovered.close()
            try FileManager.default.removeItem(atPath: copy)
        } while outcome == .more && stepCount < 200
        #expect(outcome == .done && stepCount > 1)
    }
}
