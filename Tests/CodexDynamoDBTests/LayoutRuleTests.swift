import CodexCore
import CodexStore
import Foundation
import TestSupport
import Testing

/// DynamoDB has no layouts: all that a client sees of an index is the same in both.
@Suite("Layouts are not seen")
struct LayoutRuleTests {
    private typealias Object = SampleService.Object

    private static let projections: [(name: String, projection: IndexProjection)] = [
        ("all", .all), ("some", .include(["x"])),
    ]
    private static let schema = Schema(tables: [
        TableDefinition(
            "table", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: projections.flatMap { name, projection in
                IndexLayout.allCases.map { layout in
                    IndexDefinition(
                        index(name, layout), partitionKey: [KeyAttribute("g")],
                        sortKey: [KeyAttribute("r", .number)], projection: projection,
                        layout: layout)
                }
            })
    ])

    private static func index(_ name: String, _ layout: IndexLayout) -> String {
        name + "-" + layout.rawValue
    }

    private let service: SampleService

    init() throws { service = try SampleService(Self.schema) }

    /// Adds items, of which a partition of the indexes has more than a mebibyte.
    private func fill(_ seed: UInt64) async throws {
        try await service.store.write { transaction in
            var random = SplitMix(seed: seed)
            for number in 0..<200 {
                var item: Item = [
                    "p": .string("p\(random.below(9))"), "s": .number(Number(number)),
                    "r": .number(Number(random.below(30))),
                ]
                if random.chance(90) { item["g"] = .string(random.chance(80) ? "a" : "b") }
                if random.chance(60) { item["x"] = .string("x\(random.below(9))") }
                if random.chance(50) { item["y"] = .number(Number(random.below(9))) }
                if random.chance(60) {
                    let byteCount = 1000 + random.below(50_000)
                    item["z"] = .binary((0..<byteCount).map { _ in UInt8(random.below(256)) })
                }
                try transaction.put(item, in: "table")
            }
        }
    }

    private static let query =
        #""KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"a"}}"#

    /// Members of requests: each is read page by page.
    private static let reads: [(operation: String, members: String)] = [
        ("Query", query), ("Query", query + #","ScanIndexForward":false"#),
        ("Query", query + #","Select":"COUNT""#),
        ("Query", query + #","ProjectionExpression":"x,p""#),
        ("Query", query + #","FilterExpression":"attribute_exists(x)""#),
        ("Query", query + #","FilterExpression":"attribute_not_exists(x)","Limit":9"#),
        ("Query", query + #","Limit":1"#), ("Query", query + #","Limit":7"#),
        ("Query", query + #","Limit":8"#), ("Query", query + #","Limit":64"#),
        ("Query", query + #","Limit":65"#), ("Scan", #""Limit":100"#),
        ("Scan", #""Select":"COUNT""#), ("Scan", #""Segment":0,"TotalSegments":3"#),
        ("Scan", #""Segment":2,"TotalSegments":3,"FilterExpression":"attribute_exists(x)""#),
    ]

    private static func text(_ object: Any) throws -> String {
        let bytes = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The responses of all pages, with their capacities, without the name of the index.
    private func pages(_ operation: String, _ members: String, _ index: String) async throws
        -> [String]
    {
        var pages: [String] = []
        var start: String?
        repeat {
            let key = start.map { #","ExclusiveStartKey":"# + $0 } ?? ""
            let page = try await service.ok(
                operation,
                #"{"TableName":"table","IndexName":"\#(index)","#
                    + #""ReturnConsumedCapacity":"INDEXES",\#(members)\#(key)}"#)
            pages.append(try Self.text(page).replacingOccurrences(of: index, with: "index"))
            start = try page["LastEvaluatedKey"].map { try Self.text($0) }
        } while start != nil && pages.count < 1000
        return pages
    }

    @Test("Pages, keys to continue from, counts and capacities are the same")
    func reads() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await fill(seed)
        for (name, _) in Self.projections {
            for (operation, members) in Self.reads {
                let copies = try await pages(operation, members, Self.index(name, .copies))
                let references = try await pages(
                    operation, members, Self.index(name, .references))
                #expect(references == copies, "seed \(seed), \(name), \(operation) \(members)")
                #expect(!copies.isEmpty && copies.count < 1000)
            }
        }
        let whole = try await pages("Query", Self.query, Self.index("all", .references))
        #expect(whole.count > 1, "seed \(seed): the byte limit of a page was not reached")
    }

    @Test("Statements have the same items and capacities")
    func statements() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await fill(seed)
        for (name, _) in Self.projections {
            for rest in ["g = 'a'", "g = 'a' AND x = 'x1'", "g = 'b' AND r > 10"] {
                var texts: [String] = []
                for layout in IndexLayout.allCases {
                    let index = Self.index(name, layout)
                    var page = try await service.ok(
                        "ExecuteStatement",
                        #"{"Statement":"SELECT * FROM \"table\".\"\#(index)\" WHERE \#(rest)","#
                            + #""ReturnConsumedCapacity":"INDEXES"}"#)
                    // It names the statement.
                    if page["NextToken"] != nil { page["NextToken"] = "token" }
                    texts.append(
                        try Self.text(page).replacingOccurrences(of: index, with: "index"))
                }
                #expect(texts[0] == texts[1], "seed \(seed), \(name), \(rest)")
            }
        }
    }

    /// The number of items and the bytes of each index, by name.
    private func sizes() async throws -> [String: [Int]] {
        let indexes = try await service.table()["GlobalSecondaryIndexes"] as? [Object] ?? []
        var sizes: [String: [Int]] = [:]
        for index in indexes {
            let name = try #require(index["IndexName"] as? String)
            sizes[name] = [
                try #require(index["ItemCount"] as? Int),
                try #require(index["IndexSizeBytes"] as? Int),
            ]
        }
        return sizes
    }

    @Test("ItemCount and IndexSizeBytes follow from the projection, also after a change")
    func described() async throws {
        let empty = try await sizes()
        #expect(empty.count == 4 && empty.values.allSatisfy { $0 == [0, 0] })
        let seed = UInt64.random(in: 0 ... .max)
        try await fill(seed)
        let sizes = try await sizes()
        let count = try service.store.count(TableScan(table: "table", index: "all-copies")).count
        var byteCounts: [Int] = []
        for (name, _) in Self.projections {
            let copies = try #require(sizes[Self.index(name, .copies)])
            #expect(copies == sizes[Self.index(name, .references)], "seed \(seed), \(name)")
            #expect(copies[0] == count, "seed \(seed), \(name)")
            byteCounts.append(copies[1])
        }
        // A few attributes are smaller than whole items.
        #expect(byteCounts[1] > 0 && byteCounts[0] > 10 * byteCounts[1], "seed \(seed)")
        for layout in IndexLayout.allCases {
            try await service.store.changeLayout(ofIndex: "some-copies", in: "table", to: layout)
            try await service.store.waitUntilReady()
            let changed = try await self.sizes()
            #expect(changed == sizes, "seed \(seed), \(layout)")
        }
    }
}
