import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import Testing

/// DynamoDB's API over a store, with one clock, which stands still until a test moves it.
final class SampleService: Sendable {
    typealias Object = [String: Any]

    /// The response to a request.
    struct Answer {
        /// The error's type without its namespace; `nil` for a request that was done.
        let type: String?
        let message: String
        let object: Object
    }

    let temporary: TemporaryStore
    let service: DynamoDBService
    /// What answers: the service, or one that wraps it.
    private let responder: any DynamoDBResponder
    private let clock: ManualClock

    /// The second that the clock shows first.
    static let start = 1_762_300_800

    /// Makes a service.
    ///
    /// - Parameters:
    ///   - schema: The tables of its store.
    ///   - options: The options of its store.
    ///   - wrap: Makes what answers of the service and its clock; `nil` is the service.
    init(
        _ schema: Schema = Schema(tables: []), options: StoreOptions = StoreOptions(),
        wrap: ((DynamoDBService, ManualClock) throws -> any DynamoDBResponder)? = nil
    ) throws {
        let clock = ManualClock()
        self.clock = clock
        var options = options
        options.use(clock)
        // What is expired stays in the store.
        options.sweepInterval = nil
        temporary = try TemporaryStore(schema: schema, options: options)
        service = DynamoDBService(temporary.store, now: { clock.now })
        responder = try wrap?(service, clock) ?? service
    }

    var store: Store { temporary.store }

    func advance(by seconds: Double) { clock.advance(by: seconds) }

    private static let ofStreams: Set = [
        "ListStreams", "DescribeStream", "GetShardIterator", "GetRecords",
    ]

    private func response(_ operation: String, _ body: String) async -> DynamoDBResponse {
        let isOfStreams = Self.ofStreams.contains(operation)
        let prefix = isOfStreams ? "DynamoDBStreams_20120810." : "DynamoDB_20120810."
        return await responder.response(
            target: prefix + operation, body: Array(body.utf8), budget: RequestBudget())
    }

    func ask(_ operation: String, _ body: String) async throws -> Answer {
        let response = await response(operation, body)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(response.body)) as? Object)
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        #expect((response.status == 200) == (type == nil))
        return Answer(
            type: type, message: (object["message"] ?? object["Message"]) as? String ?? "",
            object: object)
    }

    /// The response to a request that must be done.
    @discardableResult
    func ok(_ operation: String, _ body: String) async throws -> Object {
        let answer = try await ask(operation, body)
        #expect(answer.type == nil, "\(operation) \(body.prefix(500)): \(answer.message)")
        return answer.object
    }

    /// An iterator from the first record of a stream.
    func iterator(of arn: String) async throws -> String {
        let stream = try await ok("DescribeStream", #"{"StreamArn":"\#(arn)"}"#)
        let shards = (stream["StreamDescription"] as? Object)?["Shards"] as? [Object]
        let shard = try #require(shards?.first?["ShardId"] as? String)
        let answer = try await ok(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"TRIM_HORIZON"}"#)
        return try #require(answer["ShardIterator"] as? String)
    }

    /// Checks that a request is refused as a rule says.
    func refuses(_ rule: Rule) async throws {
        let answer = try await ask(rule.operation, rule.body)
        #expect(answer.type == rule.type, "\(rule): \(answer.message)")
        if let message = rule.message { #expect(answer.message == message, "\(rule)") }
    }

    /// The description of a table as text, to compare it.
    func tableText(_ name: String = "table") async -> String {
        let response = await response("DescribeTable", #"{"TableName":"\#(name)"}"#)
        return String(decoding: response.body, as: UTF8.self)
    }

    /// The description of a table.
    func table(_ name: String = "table") async throws -> Object {
        let answer = try await ok("DescribeTable", #"{"TableName":"\#(name)"}"#)
        return try #require(answer["Table"] as? Object)
    }
}

/// A request, and the error that AWS has for it.
struct Rule: Sendable, CustomTestStringConvertible {
    let operation: String
    let body: String
    /// Where AWS's text is from; `nil` if it is unverified, and the type alone is checked.
    let source: String?
    let type: String
    let message: String?

    init(
        _ operation: String, _ body: String, _ type: String = "ValidationException",
        _ message: String? = nil, from source: String? = nil
    ) {
        self.operation = operation
        self.body = body
        self.type = type
        self.message = message
        self.source = source
    }

    /// An error in parameters, whose text begins as most do.
    static func invalid(
        _ operation: String, _ body: String, _ text: String, from source: String
    ) -> Rule {
        Rule(
            operation, body, "ValidationException",
            "One or more parameter values were invalid: \(text)", from: source)
    }

    var testDescription: String {
        "\(operation) \(body.prefix(200)) (\(source ?? "unverified"))"
    }
}

/// Parts of requests on tables.
enum TableJSON {
    static let onDemand = #""BillingMode":"PAY_PER_REQUEST""#

    /// A key schema: `H` and `R` before a name are its kind.
    static func schema(_ keys: [String]) -> String {
        let elements = keys.map { key in
            let kind = key.hasPrefix("H") ? "HASH" : "RANGE"
            return #"{"AttributeName":"\#(key.dropFirst())","KeyType":"\#(kind)"}"#
        }
        return #""KeySchema":[\#(elements.joined(separator: ","))]"#
    }

    /// Definitions of attributes; a letter before a name is its type.
    static func definitions(_ names: [String]) -> String {
        let elements = names.map { name in
            #"{"AttributeName":"\#(name.dropFirst())","AttributeType":"\#(name.prefix(1))"}"#
        }
        return #""AttributeDefinitions":[\#(elements.joined(separator: ","))]"#
    }

    /// The members of a request for an index, in braces.
    static func index(
        _ name: String, _ keys: [String],
        projection: String = #"{"ProjectionType":"ALL"}"#, _ more: String = ""
    ) -> String {
        #"{"IndexName":"\#(name)",\#(schema(keys)),"Projection":\#(projection)\#(more)}"#
    }

    static func units(_ read: Int, _ write: Int) -> String {
        #""ProvisionedThroughput":{"ReadCapacityUnits":\#(read),"WriteCapacityUnits":\#(write)}"#
    }

    /// The body of a CreateTable.
    static func table(
        _ name: String = "table", keys: [String] = ["Hp"], names: [String] = ["Sp"],
        billing: String = TableJSON.onDemand, more: String = ""
    ) -> String {
        let parts = [#""TableName":"\#(name)""#, billing, schema(keys), definitions(names), more]
        return "{\(parts.filter { !$0.isEmpty }.joined(separator: ","))}"
    }

    /// Many parts of a list.
    static func many(_ count: Int, _ part: (Int) -> String) -> String {
        (0..<count).map(part).joined(separator: ",")
    }
}
