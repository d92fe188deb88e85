import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Which pages of the data file a commit writes, and why.
@Suite("Pages of a commit")
struct CommitPagesTests {
    private static let schema = SampleTable.schema(
        sort: .number,
        indexes: [
            IndexDefinition("whole", partitionKey: [KeyAttribute("group")], layout: .copies),
            IndexDefinition("references", partitionKey: [KeyAttribute("group")]),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("group")], projection: .include(["value"])),
            IndexDefinition("keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
        ],
        counters: [CounterDefinition("byGroup", group: [KeyAttribute("group")], sums: ["value"])],
        timeToLive: "expires")
    private static let far = 4_000_000_000

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    /// Stores 2,000 items, so that no tree of items or entries is a page alone.
    init() async throws {
        var options = StoreOptions(durability: .none)
        options.sweepInterval = nil
        temporary = try TemporaryStore(schema: Self.schema, options: options)
        try await temporary.store.write { transaction in
            for number in 0..<2000 {
                try transaction.put(Self.item(number), in: "samples")
            }
        }
    }

    private static func item(_ number: Int) -> Item {
        [
            "partition": "p", "sort": .number(Number(number)),
            "group": .string("g\(number % 5)"), "value": .number(Number(number)),
            "content": .string(text("a", number)), "expires": .number(Number(far)),
        ]
    }

    /// Text of the same length for each number.
    private static func text(_ letter: String, _ number: Int) -> String {
        String(repeating: letter, count: 100) + "\(10_000 + number)"
    }

    private func pages(_ number: Int, _ update: Update) throws -> CommitPages {
        let key = PrimaryKey("p", .number(Number(number)))
        return try store.pages { transaction in
            _ = try transaction.update(in: "samples", key: key, update)
        }
    }

    private func depth(_ index: String? = nil) throws -> Int {
        let tree = try store.stats().trees.first {
            $0.table == "samples" && $0.index == index && $0.counter == nil
        }
        return try #require(tree).depth
    }

    private func index(_ name: String) -> CommitPages.Cause { .index(table: "samples", name: name) }

    @Test("A new text costs the path of the item and of its copy, and touches no reference")
    func copies() throws {
        let depths = (item: try depth(), whole: try depth("whole"))
        #expect(depths.item > 1 && depths.whole > 1)
        let causes: Set<CommitPages.Cause> = [
            .item(table: "samples"), index("whole"), .roots, .freeList,
        ]
        for number in [0, 777, 1999] {
            let content = Self.text("b", number)
            let pages = try pages(
                number, Update().setting(Attribute<String>("content"), to: content))
            #expect(pages[.item(table: "samples")] == depths.item)
            #expect(pages[index("whole")] == depths.whole)
            #expect(pages[.roots] == 1)
            #expect((1...3).contains(pages[.freeList]))
            // No references, nor INCLUDE, no counter, and no entry of `$expiry`. The position in
            // the log is beside the roots.
            #expect(Set(pages.counts.keys) == causes)
        }
        #expect(try store.verify().isSound)
    }

    @Test("A copy is written if an attribute of it differs, and if the second of expiry does")
    func projection() throws {
        let (value, depth) = (Attribute<Int>("value"), try depth("some"))
        // The item has the value already.
        let same = try pages(5, Update().setting(value, to: 5))
        #expect(same[index("some")] == 0)
        let other = try pages(5, Update().setting(value, to: 6))
        #expect(other[index("some")] == depth)
        #expect(other[index("keys")] == 0 && other[index("$expiry")] == 0)
        #expect(other[.counter(table: "samples", name: "byGroup")] == 1)
        let none = try pages(5, Update().removing(value))
        #expect(none[index("some")] == depth)
        let still = try pages(
            5, Update().setting(Attribute<String>("content"), to: Self.text("c", 5)))
        #expect(still[index("some")] == 0)
        let again = try pages(5, Update().setting(value, to: 7))
        #expect(again[index("some")] == depth)
        // Each copy has the second of expiry.
        let later = try pages(
            5, Update().setting(Attribute<Int>("expires"), to: Self.far + 1))
        #expect(later[index("some")] > 0 && later[index("whole")] > 0)
        #expect(later[index("$expiry")] > 0)
        // A reference says only that there is one.
        #expect(later[index("references")] == 0 && later[index("keys")] == 0)
        for update in [
            Update().removing(Attribute<Int>("expires")),
            Update().setting(Attribute<Int>("expires"), to: Self.far),
        ] {
            let pages = try pages(5, update)
            for name in ["references", "keys"] {
                let depth = try self.depth(name)
                #expect(pages[index(name)] == depth)
            }
        }
        let some = TableQuery(
            table: "samples", index: "some", partition: ["g0"],
            filter: Attribute<Int>("value") == 7)
        #expect(try store.count(some).count == 1)
        #expect(try store.verify().isSound)
    }

    @Test("A moved entry costs its two places; a large value has its own pages")
    func others() throws {
        let moved = try pages(1000, Update().setting(Attribute<String>("group"), to: "g4"))
        for name in ["whole", "references", "some", "keys"] {
            let depth = try depth(name)
            #expect(moved[index(name)] > depth)
        }
        #expect(moved[.counter(table: "samples", name: "byGroup")] == 1)
        var random = SplitMix(seed: 1)
        let bytes = (0..<60_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let large = try pages(1001, Update().setting(Attribute<Data>("bytes"), to: Data(bytes)))
        let pageByteCount = try store.core.environment.usage().pageByteCount
        #expect(large[.system("chunks")] > bytes.count / pageByteCount)
        #expect(large[.system("shapes")] > 0)
        let small = try pages(1001, Update().removing(Attribute<Data>("bytes")))
        #expect(small[.system("chunks")] <= 1)
        #expect(try store.verify().isSound)
    }

    @Test("They are the pages of the file that differ", arguments: 0..<4)
    func bytes(kind: Int) throws {
        let file = URL(fileURLWithPath: temporary.path + "/data.mdb")
        var random = SplitMix(seed: 2)
        let bytes = Data((0..<90_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        let before = try Data(contentsOf: file)
        let pages = try store.pages { transaction in
            let key = PrimaryKey("p", .number(Number(900)))
            switch kind {
            case 0:
                _ = try transaction.update(
                    in: "samples", key: key,
                    Update().setting(Attribute<String>("content"), to: Self.text("z", 900)))
            case 1:
                _ = try transaction.update(
                    in: "samples", key: key,
                    Update().setting(Attribute<String>("group"), to: "other"))
            case 2:
                for number in 5000..<5600 {
                    try transaction.put(Self.item(number), in: "samples")
                }
            default:
                _ = try transaction.update(
                    in: "samples", key: key,
                    Update().setting(Attribute<Data>("bytes"), to: bytes))
            }
        }
        let after = try Data(contentsOf: file)
        let pageByteCount = try store.core.environment.usage().pageByteCount
        var differing = 0
        for start in stride(from: 2 * pageByteCount, to: after.count, by: pageByteCount) {
            let new = after[start..<min(start + pageByteCount, after.count)]
            let old = before.dropFirst(start).prefix(new.count)
            // What was beyond the end of the file reads as zeros.
            if new != (old.isEmpty ? Data(count: new.count) : old) { differing += 1 }
        }
        // LMDB may also write a page of the free list that the same commit freed again.
        #expect((0...1).contains(differing - pages.count), "\(differing), \(pages.counts)")
        #expect(pages.count > 5)
    }
}
