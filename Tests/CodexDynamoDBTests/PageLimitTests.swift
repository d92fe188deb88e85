import CodexCore
import CodexDynamoDB
import CodexStore
import Foundation
import Testing

/// Pages that are limited by bytes end before the item that does not fit.
@Suite("Pages of a mebibyte")
struct PageLimitTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    /// A way to read the items of a partition page by page.
    struct Way: Sendable, CustomTestStringConvertible {
        let operation: String
        let members: String

        init(_ operation: String, _ members: String) {
            (self.operation, self.members) = (operation, members)
        }

        var testDescription: String { "\(operation) \(members.prefix(80))" }

        static func query(_ members: String = "") -> Way {
            Way(
                "Query",
                #""KeyConditionExpression":"p = :v","#
                    + #""ExpressionAttributeValues":{":v":{"S":"v"}}"# + members)
        }

        static let all = [
            query(), query(#","ScanIndexForward":false"#), query(#","Select":"COUNT""#),
            query(#","ProjectionExpression":"p""#),
            query(#","FilterExpression":"attribute_not_exists(x)""#),
            query(#","FilterExpression":"attribute_exists(x)""#),
            Way(
                "Query",
                #""KeyConditions":{"p":{"ComparisonOperator":"EQ","#
                    + #""AttributeValueList":[{"S":"v"}]}}"#),
            Way(
                "Query",
                #""IndexName":"global","KeyConditionExpression":"g = :v","#
                    + #""ExpressionAttributeValues":{":v":{"S":"v"}}"#),
            Way("Scan", #""Limit":100"#), Way("Scan", #""Segment":0,"TotalSegments":1"#),
            Way("Scan", #""IndexName":"global""#),
            Way("ExecuteStatement", #""Statement":"SELECT * FROM \"table\" WHERE p = 'v'""#),
            Way("ExecuteStatement", #""Statement":"SELECT p FROM \"table\" WHERE t <> 'x'""#),
        ]
    }

    private let service: SampleService

    /// Makes a table with a local index of the keys, and a global one of all attributes.
    init() async throws {
        service = try SampleService()
        let local = JSON.index(
            "local", ["Hp", "Rg"], projection: #"{"ProjectionType":"KEYS_ONLY"}"#)
        try await service.ok(
            "CreateTable",
            JSON.table(
                keys: ["Hp", "Rs"], names: ["Sp", "Ns", "Sg"],
                more: #""LocalSecondaryIndexes":[\#(local)],"GlobalSecondaryIndexes":["#
                    + JSON.index("global", ["Hg", "Rs"]) + "]"))
    }

    private static func keys(_ number: Int) -> Item {
        ["p": "v", "g": "v", "s": .number(Number(number))]
    }

    /// Adds items of exactly these sizes.
    private func fill(_ sizes: [Int]) async throws {
        try await service.store.write { transaction in
            for (number, size) in sizes.enumerated() {
                var item = Self.keys(number + 1)
                item["t"] = .string(
                    String(repeating: "x", count: size - item.byteCount - 1))
                #expect(item.byteCount == size)
                try transaction.put(item, in: "table")
            }
        }
    }

    /// How many items each page has examined.
    private func pages(_ way: Way) async throws -> [Int] {
        var (counts, next): ([Int], String) = ([], "")
        repeat {
            let isStatement = way.operation == "ExecuteStatement"
            let table = isStatement ? "" : #""TableName":"table","#
            let page = try await service.ok(way.operation, "{\(table)\(way.members)\(next)}")
            counts.append(
                try isStatement
                    ? #require(page["Items"] as? [Object]).count
                    : #require(page["ScannedCount"] as? Int))
            next = ""
            if isStatement, let token = page["NextToken"] as? String {
                next = #","NextToken":"\#(token)""#
            } else if !isStatement, let key = page["LastEvaluatedKey"] {
                let text = try JSONSerialization.data(withJSONObject: key)
                next = #","ExclusiveStartKey":\#(String(decoding: text, as: UTF8.self))"#
            }
        } while !next.isEmpty && counts.count < 10
        return counts
    }

    // Source: "Paginating table query results" in DynamoDB's developer guide.
    @Test("A page has a mebibyte of items, and not a byte more", arguments: Way.all, -1...1)
    func limit(way: Way, difference: Int) async throws {
        try await fill([400_000, (1 << 20) - 800_000 + difference, 400_000])
        #expect(try await pages(way) == (difference <= 0 ? [3] : [2, 1]))
    }

    @Test("A full page ends before the next item", arguments: Way.all)
    func full(way: Way) async throws {
        // In both directions, the first three items fill a page.
        let rest = (1 << 20) - 800_000
        try await fill([rest, 400_000, 400_000, rest])
        #expect(try await pages(way) == [3, 1])
    }

    @Test("Items that are read from the table count beside their entries", arguments: -1...1)
    func fetched(difference: Int) async throws {
        let entries = (1...3).reduce(0) { $0 + Self.keys($1).byteCount }
        try await fill([400_000, (1 << 20) - 800_000 - entries + difference, 400_000])
        let whole = Way.query(#","IndexName":"local","Select":"ALL_ATTRIBUTES""#)
        #expect(try await pages(whole) == (difference <= 0 ? [3] : [2, 1]))
        #expect(try await pages(.query(#","IndexName":"local""#)) == [3])
    }

    @Test("The last key is that of the last item of the page")
    func lastKey() async throws {
        try await fill([400_000, 400_000, 400_000])
        let page = try await service.ok(
            "Query", #"{"TableName":"table",\#(Way.query().members)}"#)
        let key = page["LastEvaluatedKey"] as? [String: [String: String]]
        #expect(key == ["p": ["S": "v"], "s": ["N": "2"]])
    }

    // MARK: Streams

    /// The number of records of a stream's first page, and the bytes of the page up to the last.
    private func records(_ textCount: Int) async throws -> (count: Int, byteCount: Int) {
        let service = try SampleService()
        let specification = #"{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#
        let created = try await service.ok(
            "CreateTable", JSON.table(more: #""StreamSpecification":\#(specification)"#))
        let table = try #require(created["TableDescription"] as? Object)
        let arn = try #require(table["LatestStreamArn"] as? String)
        for (number, count) in [400_000, 400_000, textCount].enumerated() {
            let item: Item = [
                "p": .string("\(number)"), "t": .string(String(repeating: "x", count: count)),
            ]
            try await service.store.write { transaction in
                _ = try transaction.put(item, in: "table")
            }
        }
        let iterator = try await service.iterator(of: arn)
        let response = await service.service.response(
            target: "DynamoDBStreams_20120810.GetRecords",
            body: Array(#"{"ShardIterator":"\#(iterator)"}"#.utf8))
        let text = String(decoding: response.body, as: UTF8.self)
        let end = try #require(text.range(of: #"],"NextShardIterator""#)).lowerBound
        return (
            text.components(separatedBy: #""eventID""#).count - 1,
            text.utf8.distance(from: text.startIndex, to: end)
        )
    }

    // Source: GetRecords in the API reference of DynamoDB Streams.
    @Test("A page of records has a mebibyte of JSON, and not a byte more", arguments: -1...1)
    func records(difference: Int) async throws {
        let short = try await records(150_000)
        try #require(short.count == 3)
        let page = try await records(150_000 + (1 << 20) - short.byteCount + difference)
        #expect(page.count == (difference <= 0 ? 3 : 2))
    }
}
