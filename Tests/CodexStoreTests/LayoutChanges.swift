import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Stores with one index, which changes its layout, and what must be in it.
enum LayoutChanges {
    static let table = "samples"
    static let name = "byGroup"
    static let projections = [IndexProjection.all, .include(["value", "content"])]

    /// The index, in a layout.
    static func index(
        _ projection: IndexProjection, _ layout: IndexLayout, isUnique: Bool = false
    ) -> IndexDefinition {
        IndexDefinition(
            name, partitionKey: [KeyAttribute("group")], projection: projection,
            isUnique: isUnique, layout: layout)
    }

    /// The layout that an index in a layout gets.
    static func other(_ layout: IndexLayout) -> IndexLayout {
        layout == .copies ? .references : .copies
    }

    /// Options of a store that builds on demand, in steps of a few entries.
    static var options: StoreOptions {
        var options = StoreOptions()
        options.mapByteCount = 1 << 36
        options.parts.builds = BuildsOnDemand(entryCountMax: 5)
        return options
    }

    /// An empty store that builds on demand.
    static func store(_ index: IndexDefinition) throws -> TemporaryStore {
        try TemporaryStore(schema: SampleTable.schema(indexes: [index]), options: options)
    }

    // MARK: Writes

    /// Makes the same random write in each store.
    static func write(to stores: [Store], _ random: inout SplitMix) async throws {
        let key = PrimaryKey(.string("p\(random.below(40))"))
        if random.chance(25) {
            for store in stores { try await store.delete(in: table, key: key) }
            return
        }
        var item: Item = ["partition": key.partition, "value": .number(Number(random.below(9)))]
        if random.chance(90) { item["group"] = .string("g\(random.below(4))") }
        if random.chance(10) {
            // So large that it is stored in chunks.
            let bytes = (0..<20_000).map { _ in UInt8(random.below(256)) }
            item["content"] = .binary(bytes)
        }
        for store in stores { try await store.put(item, in: table) }
    }

    // MARK: What is there

    /// The status of the index.
    static func status(_ store: Store) throws -> BuildStatus {
        try #require(try store.buildStatus().first { $0.name == name })
    }

    /// Checks that reads by the index have the results of another store, and verifies the store.
    static func expectEqual(
        _ store: Store, _ oracle: Store, _ comment: @autoclosure () -> Comment
    ) throws {
        let scan = TableScan(table: table, index: name)
        #expect(
            try store.items(scanning: scan).items == oracle.items(scanning: scan).items, comment())
        let query = TableQuery(table: table, index: name, partition: ["g1"])
        #expect(try store.items(matching: query) == oracle.items(matching: query), comment())
        #expect(try store.count(query) == oracle.count(query), comment())
        let report = try store.verify()
        #expect(report.isSound, "\(comment()) \(report.differences.prefix(3))")
    }

    /// The parts of the index's trees that are there: those that answer, replace, and are emptied.
    static func parts(_ store: Store) throws -> [[String]] {
        try store.core.withReadContext { context in
            let found = try context.catalog.table(table)
            return [
                found.indexes.filter { !$0.isReplacement }.map(\.part),
                found.indexes.filter(\.isReplacement).map(\.part),
                found.retired.map { $0.part.part },
            ]
        }
    }

    /// Makes a checkpoint of all that was committed.
    static func makeCheckpoint(_ store: Store) async throws {
        try await store.requireOwnWriter().answer {
            ManifestJob({ _, _ in false }, afterCheckpoint: true, answer: $0)
        }
    }
}
