import CodexCore
import CodexDynamoDB
import CodexDynamoDBFaults
import CodexStore
import CodexTesting
import Foundation
import Testing

/// A service with faults over a store of its own, with a time that tests move.
final class FaultFixture: Sendable {
    typealias Object = [String: Any]

    let temporary: TemporaryStore
    /// The service without faults, over the same store.
    let service: DynamoDBService
    let faulty: FaultyDynamoDBService
    private let time: Locked<Duration>
    private let waits: Locked<[Duration]>

    init(_ rules: [FaultRule], seed: UInt64 = 1) throws {
        let (time, waits) = (Locked(Duration.zero), Locked<[Duration]>([]))
        temporary = try TemporaryStore(schema: Schema(tables: []))
        service = DynamoDBService(temporary.store)
        faulty = try FaultyDynamoDBService(
            service, plan: FaultPlan(seed: seed, rules: rules),
            elapsed: { time.withLock { $0 } },
            sleep: { duration in waits.withLock { $0.append(duration) } })
        (self.time, self.waits) = (time, waits)
    }

    /// Lets milliseconds pass.
    func pass(_ milliseconds: Int) { time.withLock { $0 += .milliseconds(milliseconds) } }

    /// The times that answers waited.
    var waited: [Duration] { waits.withLock { $0 } }

    /// The answer to a request: its status, its error's type without the namespace, and its body.
    ///
    /// With `faults`, the request goes to the service with faults.
    func ask(
        _ operation: String, _ body: String, faults: Bool = true
    ) async throws -> (status: Int, error: String?, object: Object) {
        let streams = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"]
        let interface = streams.contains(operation) ? "DynamoDBStreams" : "DynamoDB"
        let target = "\(interface)_20120810.\(operation)"
        let responder: any DynamoDBResponder = faults ? faulty : service
        let answer = await responder.response(
            target: target, body: Array(body.utf8), budget: RequestBudget())
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        return (answer.status, type, object)
    }

    /// The body of an answer without an error.
    func ok(_ operation: String, _ body: String, faults: Bool = true) async throws -> Object {
        let answer = try await ask(operation, body, faults: faults)
        #expect(answer.error == nil, "\(operation) \(body): \(answer.object)")
        return answer.object
    }

    // MARK: Usual requests

    /// Makes a table with the key `p`, a global index `by-g` and a stream, without faults.
    func makeTable(_ name: String = "table", isProvisioned: Bool = false) async throws {
        let throughput = #"{"ReadCapacityUnits":1,"WriteCapacityUnits":1}"#
        let billing =
            isProvisioned
            ? #""ProvisionedThroughput":\#(throughput)"# : #""BillingMode":"PAY_PER_REQUEST""#
        let indexThroughput = isProvisioned ? #","ProvisionedThroughput":\#(throughput)"# : ""
        _ = try await ok(
            "CreateTable",
            """
            {"TableName":"\(name)",\(billing),
             "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
             "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
               {"AttributeName":"g","AttributeType":"S"}],
             "GlobalSecondaryIndexes":[{"IndexName":"by-g","Projection":{"ProjectionType":"ALL"},
               "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}]\(indexThroughput)}],
             "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}
            """, faults: false)
    }

    static func item(_ key: String) -> String { #"{"p":{"S":"\#(key)"},"g":{"S":"g"}}"# }

    static func put(_ key: String, in table: String = "table") -> String {
        #"{"TableName":"\#(table)","Item":\#(item(key))}"#
    }

    /// The keys of the table's items, sorted, without faults.
    func keys(in table: String = "table") async throws -> [String] {
        keys(try await ok("Scan", #"{"TableName":"\#(table)"}"#, faults: false))
    }

    /// The keys that the global index has, sorted.
    func indexedKeys(
        _ operation: String = "Query", in table: String = "table"
    ) async throws -> [String] {
        let condition =
            operation == "Scan"
            ? ""
            : #","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"g"}}"#
        return keys(
            try await ok(operation, #"{"TableName":"\#(table)","IndexName":"by-g"\#(condition)}"#))
    }

    /// The keys of the items in an answer, sorted.
    func keys(_ answer: Object) -> [String] {
        Self.keys(answer["Items"] as? [Object] ?? [])
    }

    /// The keys of items, sorted.
    static func keys(_ items: [Object]) -> [String] {
        items.compactMap { ($0["p"] as? Object)?["S"] as? String }.sorted()
    }
}
