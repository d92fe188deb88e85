import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Queries, their pages and the tokens of pages.
@Suite("Queries")
struct QueryTests {
    static let schema = SampleTable.schema(
        sort: .number,
        indexes: [
            IndexDefinition(
                "byGroup", partitionKey: [KeyAttribute("group")],
                sortKey: [KeyAttribute("sort", .number)], projection: .keysOnly)
        ])
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Self.schema) }

    private func key(_ number: Int) -> PrimaryKey {
        PrimaryKey("p", .number(Number(number)))
    }

    private func item(_ number: Int) -> Item {
        [
            "partition": "p", "sort": .number(Number(number)), "group": "group",
            "value": .number(Number(number * 10)),
        ]
    }

    private func fill(_ count: Int) async throws {
        let items = (0..<count).map(item)
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
    }

    @Test("Limits on returned and on examined items differ; the last page has no token")
    func limits() async throws {
        try await fill(20)
        var query = TableQuery(table: "samples", partition: ["p"])
        query.filter = Attribute<Int>("value") >= 100
        let examined = try store.items(matching: query, limits: PageLimits(examined: 12))
        #expect(examined.items.count == 2 && examined.examinedCount == 12 && examined.next != nil)
        let returned = try store.items(matching: query, limits: PageLimits(returned: 2))
        #expect(returned.items == [item(10), item(11)] && returned.examinedCount == 12)
        #expect(try store.items(matching: query, limits: PageLimits(returned: 10)).next == nil)
        #expect(try store.items(matching: query).items.count == 10)
        #expect(try store.count(query) == QueryCount(count: 10, examinedCount: 20))
        for limits in [PageLimits(returned: 0), PageLimits(examined: -1)] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try store.items(matching: query, limits: limits)
            }
        }
    }

    @Test("Tokens: stable while others write, refused when altered, foreign or of another store")
    func tokens() async throws {
        try await fill(20)
        let query = TableQuery(table: "samples", partition: ["p"])
        let page = try store.items(matching: query, limits: PageLimits(returned: 5))
        let token = try #require(page.next)
        // Before, at and after the place where the page ended.
        try await store.delete(in: "samples", key: key(4))
        try await store.delete(in: "samples", key: key(0))
        try await store.put(item(-5), in: "samples")
        try await store.delete(in: "samples", key: key(7))
        let rest = try store.items(matching: query, after: token)
        #expect(rest.items == ([5, 6] + Array(8..<20)).map(item))

        for index in token.description.indices {
            var text = token.description
            text.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: CodexError(.invalidPageToken, ""), "at \(index)") {
                try store.items(matching: query, after: PageToken(text))
            }
        }
        for text in ["", "x", "====", String(repeating: "A", count: 100)] {
            #expect(throws: CodexError(.invalidPageToken, "")) {
                try store.items(matching: query, after: PageToken(text))
            }
        }
        var others = [query, query, query, query]
        others[0].direction = .backward
        others[1].partition = ["q"]
        others[2].filter = .attributeExists("value")
        others[3].sort = .greater(1)
        for other in others {
            #expect(throws: CodexError(.invalidPageToken, "")) {
                try store.items(matching: other, after: token)
            }
        }
        let another = try TemporaryStore(schema: Self.schema)
        #expect(throws: CodexError(.invalidPageToken, "")) {
            try another.store.items(matching: query, after: token)
        }
    }

    @Test("Unknown names, wrong types and impossible conditions are named")
    func badQueries() throws {
        func code(_ query: TableQuery) -> CodexError.Code? {
            do {
                _ = try store.items(matching: query)
                return nil
            } catch {
                return (error as? CodexError)?.code
            }
        }
        #expect(code(TableQuery(table: "x", partition: ["p"])) == .unknownTable)
        #expect(code(TableQuery(table: "samples", index: "x", partition: ["p"])) == .unknownIndex)
        #expect(code(TableQuery(table: "samples", partition: [])) == .invalidKey)
        #expect(code(TableQuery(table: "samples", partition: ["p", "q"])) == .invalidKey)
        #expect(code(TableQuery(table: "samples", partition: [1])) == .invalidKey)
        #expect(code(TableQuery(table: "samples", partition: [""])) == .invalidKey)
        #expect(
            code(TableQuery(table: "samples", partition: ["p"], sort: .equal("x"))) == .invalidKey)
        #expect(
            code(TableQuery(table: "samples", partition: ["p"], sort: .between(2, 1)))
                == .invalidExpression)
        #expect(
            code(TableQuery(table: "samples", partition: ["p"], sort: .beginsWith(1)))
                == .invalidExpression)
        #expect(
            code(TableQuery(table: "samples", partition: ["p"], filter: .attributeExists("sort")))
                == .invalidExpression)
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.item(in: "samples", key: PrimaryKey("p"))
        }
    }

    @Test("BETWEEN includes both ends")
    func between() async throws {
        try await fill(5)
        let query = TableQuery(table: "samples", partition: ["p"], sort: .between(1, 3))
        #expect(try store.items(matching: query).items == [1, 2, 3].map(item))
    }

    @Test("Projections apply to queries; KEYS_ONLY entries have the keys")
    func projections() async throws {
        try await fill(2)
        let values = TableQuery(
            table: "samples", partition: ["p"], projection: try Projection(["value"]))
        #expect(try store.items(matching: values).items == [["value": 0], ["value": 10]])
        let keys = TableQuery(table: "samples", index: "byGroup", partition: ["group"])
        #expect(
            try store.items(matching: keys).items
                == [0, 1].map {
                    ["partition": "p", "sort": .number(Number($0)), "group": "group"]
                })
    }
}
