import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Filters of typed queries, with items of several schema versions.
@Suite("Filters and schema versions")
struct FilteredVersionTests {
    /// The memo of the first release.
    struct V1: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "memo", table: "memos", keys: ["PK": "BOOK#{group}", "SK": "MEMO#{id}"],
            fields: [
                .required("id", .string), .required("group", .string), .optional("body", .string),
            ])
        var id: String
        var group = "g"
        var body: String?
    }

    /// The memo of the second release, which renames `body` to `text`.
    struct V2: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "memo", table: "memos", schemaVersion: 2, keys: V1.definition.keys,
            fields: [
                .required("id", .string), .required("group", .string), .optional("text", .string),
            ])
        var id: String
        var group = "g"
        var text: String?

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            guard item["body"]?.string != "refuse" else {
                throw CodexError(.typeMismatch, "This body is not upgraded.")
            }
            item["text"] = item["body"]
            item["body"] = nil
        }
    }

    private static let table = TableDefinition(
        "memos", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
        indexes: [
            IndexDefinition("whole", partitionKey: [KeyAttribute("group")]),
            IndexDefinition("keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
        ])
    private static let indexes: [String?] = [nil, "whole", "keys"]
    private static let text = Attribute<String>("text")

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: Schema(tables: [Self.table]).adding(V1.self))
    }

    /// Stores items of the first release with these bodies, and identifiers from 0; then the second
    /// release opens the store.
    private func fill(_ bodies: [String?]) async throws {
        for (number, body) in bodies.enumerated() {
            try await store.put(V1(id: "\(number)", body: body))
        }
        let schema = Schema(tables: [Self.table]).adding(V2.self)
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(schema)
        }
        try await store.waitUntilReady()
    }

    /// Items of both releases: `x` has the identifiers 0, 2, 4 and 7, and 6 has no text.
    private func fillBoth() async throws {
        try await fill(["x", "y", "x", "y", "x", "y", nil])
        try await store.put(V2(id: "7", text: "x"))
    }

    private static func query<E: Entity>(_ index: String?) -> Query<E> {
        index.map { Query<E>(partition: "g", index: $0) } ?? Query<E>(partition: "BOOK#g")
    }

    private static func found(_ index: String?, _ filter: Condition) -> Query<V2> {
        query(index).filtered(by: filter)
    }

    private static func key(_ id: Int) -> PrimaryKey { PrimaryKey("BOOK#g", .string("MEMO#\(id)")) }

    /// Whether the items with the identifiers are stored, in any form.
    private func areThere(_ ids: [Int]) throws -> Bool {
        try ids.allSatisfy { try store.item(in: "memos", key: Self.key($0)) != nil }
    }

    // MARK: Versions

    @Test("A filter by a renamed field finds items of both versions", arguments: indexes)
    func reads(index: String?) async throws {
        try await fillBoth()
        let query = Self.found(index, Self.text == "x")
        let ids = ["0", "2", "4", "7"]
        #expect(try store.all(query).map(\.id) == ids)
        #expect(try store.all(query.reversed).map(\.id) == ids.reversed())
        #expect(try store.all(query) { _ in }.map(\.id) == ids)
        #expect(try store.count(query) == 4)
        #expect(try store.all(Self.found(index, Self.text.doesNotExist)).map(\.id) == ["6"])
        #expect(try store.count(Self.found(index, Self.text.exists)) == 7)
        var seen: [String] = []
        try store.read { snapshot in
            try snapshot.forEach(query) { view in
                seen.append(try view.item()["id"]?.string ?? "")
                return true
            }
        }
        #expect(seen == ids)
        var results: [String] = []
        for try await memo in store.results(of: query, pageSize: 3) { results.append(memo.id) }
        #expect(results == ids)
    }

    @Test("Pages with a filter examine each item once", arguments: indexes, 1...5)
    func pages(index: String?, limit: Int) async throws {
        try await fillBoth()
        let query = Self.found(index, Self.text == "x")
        var (ids, examined, token): ([String], Int, PageToken?) = ([], 0, nil)
        repeat {
            let page = try store.query(query, limit: limit, after: token)
            #expect(page.items.count == limit || page.next == nil)
            ids += page.items.map(\.id)
            examined += page.examinedCount
            token = page.next
        } while token != nil
        #expect(ids == ["0", "2", "4", "7"])
        #expect(examined == 8)
    }

    @Test("Bulk calls concern the items that their filter finds", arguments: indexes, [1, 3, 100])
    func bulk(index: String?, batchCount: Int) async throws {
        try await fillBoth()
        let report = try await store.updateAll(
            Self.found(index, Self.text == "x"), batchCount: batchCount
        ) {
            $0.text = "z"
        }
        #expect(report.updatedCount == 4 && report.examinedCount == 4)
        let absent = Self.found(index, Self.text.doesNotExist)
        #expect(try await store.deleteAll(absent, batchCount: batchCount) == 1)
        #expect(try areThere([0, 1, 2, 3, 4, 5, 7]))
        let changed = Self.found(index, Self.text == "z")
        #expect(try await store.deleteAll(changed, batchCount: batchCount) == 4)
        #expect(try store.all(of: V2.self).map(\.id) == ["1", "3", "5"])
        #expect(try store.verify().isSound)
    }

    @Test("A filter of an older program does not judge items of a later version")
    func olderProgram() async throws {
        try await fillBoth()
        let query: Query<V1> = Self.query(nil).filtered(by: Attribute<String>("body") == "x")
        let reads: [() throws -> Void] = [
            { _ = try store.all(query) }, { _ = try store.count(query) },
        ]
        for read in reads {
            let error = try #require(throws: CodexError.self) { try read() }
            #expect(error.code == .programTooOld && error.key == Self.key(7))
        }
        var errors: [CodexError] = []
        let own = try store.all(query) { errors.append($0) }
        #expect(own.map(\.id) == ["0", "2", "4"])
        #expect(errors.map(\.code) == [.programTooOld] && errors.map(\.itemIndex) == [3])
        let absent: Query<V1> = Self.query(nil).filtered(
            by: Attribute<String>("body").doesNotExist)
        await #expect(throws: CodexError(.programTooOld, "")) { try await store.deleteAll(absent) }
        #expect(try areThere([7]))
    }

    @Test("Filters of untyped queries see the stored form")
    func untyped() async throws {
        try await fillBoth()
        var query = TableQuery(table: "memos", partition: ["BOOK#g"])
        query.filter = Attribute<String>("body") == "x"
        #expect(try store.count(query).count == 3)
        query.filter = Self.text == "x"
        #expect(try store.count(query).count == 1)
    }

    // MARK: Failures

    @Test("Items for which the filter fails are passed to onFailure", arguments: indexes, 1...4)
    func failures(index: String?, limit: Int) async throws {
        try await fill(["x", "refuse", "y", "x", "refuse", "x"])
        let query = Self.found(index, Self.text == "x")
        let bad: [PrimaryKey?] = [Self.key(1), Self.key(4)]
        var errors: [CodexError] = []
        let whole = try store.query(query) { errors.append($0) }
        #expect(whole.items.map(\.id) == ["0", "3", "5"] && whole.examinedCount == 6)
        #expect(errors.map(\.code) == [.typeMismatch, .typeMismatch])
        #expect(errors.map(\.key) == bad && errors.map(\.itemIndex) == [1, 3])
        #expect(errors.allSatisfy { $0.entity == "memo" })
        var (ids, keys, examined): ([String], [PrimaryKey?], Int) = ([], [], 0)
        var token: PageToken?
        repeat {
            let page = try store.query(query, limit: limit, after: token) { keys.append($0.key) }
            #expect(page.items.count == limit || page.next == nil)
            ids += page.items.map(\.id)
            examined += page.examinedCount
            token = page.next
        } while token != nil
        #expect(ids == ["0", "3", "5"] && keys == bad && examined == 6)
        let error = try #require(throws: CodexError.self) { try store.all(query) }
        #expect(error.code == .typeMismatch && error.itemIndex == 1 && error.key == Self.key(1))
        let counting = try #require(throws: CodexError.self) { try store.count(query) }
        #expect(counting.code == .typeMismatch && counting.key == Self.key(1))
    }

    @Test("Updates report items for which the filter fails; deletions stop", arguments: indexes)
    func bulkFailures(index: String?) async throws {
        try await fill(["x", "refuse", "y", "x", "refuse", "x"])
        let report = try await store.updateAll(
            Self.found(index, Self.text == "x"), batchCount: 2
        ) {
            $0.text = "z"
        }
        #expect(report.updatedCount == 3 && report.failureCount == 2 && report.examinedCount == 5)
        #expect(report.failures.map(\.key) == [Self.key(1), Self.key(4)])
        let codes = report.failures.map { ($0.error as? CodexError)?.code }
        #expect(codes == [.typeMismatch, .typeMismatch])
        let absent = Self.found(index, Self.text.doesNotExist)
        let error = try await #require(throws: CodexError.self) {
            try await store.deleteAll(absent)
        }
        #expect(error.code == .typeMismatch && error.key == Self.key(1))
        #expect(try areThere([0, 1, 2, 3, 4, 5]))
    }

    /// Makes the last byte of an item's text one that is no UTF-8.
    private func damage(_ id: Int) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("memos")
            var key: [UInt8] = []
            try table.plan.encode(Self.key(id), into: &key)
            let stored = unsafe try context.transaction.get(table.tree, key)
            var value = unsafe stored.map { unsafe Array($0) } ?? []
            let text = Array("x!".utf8)
            let place = try #require(
                value.indices.first { value[$0...].starts(with: text) })
            value[place + 1] = 0xFF
            try context.transaction.put(table.tree, key, value)
            // A transaction without a change of its own is not committed.
            try transaction.put(V2(id: "4", text: "x!"))
        }
    }

    @Test(
        "A damaged item does not hide the others from a filter",
        arguments: [nil, "keys"] as [String?])
    func damaged(index: String?) async throws {
        try await fill([])
        for id in 0..<5 { try await store.put(V2(id: "\(id)", text: "x!")) }
        try await damage(2)
        let query = Self.found(index, Self.text == "x!")
        var errors: [CodexError] = []
        let whole = try store.query(query) { errors.append($0) }
        #expect(whole.items.map(\.id) == ["0", "1", "3", "4"] && whole.examinedCount == 5)
        #expect(errors.map(\.code) == [.corrupted] && errors.map(\.itemIndex) == [2])
        #expect(errors.map(\.key) == [Self.key(2)])
        let first = try store.query(query, limit: 2) { _ in Issue.record("The item comes later.") }
        var count = 0
        let second = try store.query(query, limit: 2, after: first.next) { _ in count += 1 }
        #expect(first.items.map(\.id) == ["0", "1"] && second.items.map(\.id) == ["3", "4"])
        #expect(count == 1 && second.next == nil && first.examinedCount == 2)
        let error = try #require(throws: CodexError.self) { try store.all(query) }
        #expect(error.code == .corrupted && error.key == Self.key(2))
    }

    // MARK: Moved items

    @Test("A bulk update keeps only the new keys to which it still comes")
    func movedKeys() {
        var moved = MovedKeys()
        #expect(moved.unmoved([[1], [3]]) == [[1], [3]])
        moved.add([[2], [3], [3, 0], [5], [9]], after: [[1], [3]])
        #expect(moved.count == 3)
        #expect(moved.unmoved([[3, 0], [4], [5], [6]]) == [[4], [6]])
        moved.add([], after: [[3, 0], [4], [5], [6]])
        #expect(moved.count == 1)
        #expect(moved.unmoved([[8], [9], [10]]) == [[8], [10]])
        moved.add([[1]], after: [])
        #expect(moved.count == 1)
        moved.add([[8]], after: [[8], [9]])
        #expect(moved.count == 0)
        // A move to the end of each batch leaves nothing behind.
        for batch in UInt8(0)..<200 {
            moved.add([[batch + 1]], after: [[batch]])
            #expect(moved.count == 1)
        }
    }
}
