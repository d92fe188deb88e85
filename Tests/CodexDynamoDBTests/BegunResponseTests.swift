import CodexCore
import CodexDynamoDB
import Foundation
import Testing

/// Which requests are performed at once, and that their responses are those of other requests.
@Suite("Begun requests")
struct BegunResponseTests {
    private let bench: ProtocolBench
    private static let get = #"{"TableName":"ttt","Key":{"p":{"S":"a"}}}"#

    init() async throws { bench = try await ProtocolBench() }

    private func begin(
        _ operation: String, _ body: String, _ budget: RequestBudget
    ) -> BegunResponse {
        bench.service.begin(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8), budget: budget)
    }

    private func response(_ operation: String, _ body: String) async -> DynamoDBResponse {
        await bench.service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
    }

    @Test(
        "An item of less than 16 KiB is read at once, and a larger one is left",
        arguments: [(0, true), (300, true), (16_000, true), (17_000, false), (300_000, false)])
    func sizes(byteCount: Int, isSmall: Bool) async throws {
        let text = String(repeating: "x", count: byteCount)
        try await bench.ok(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"a"},"t":{"S":"\#(text)"}}}"#)
        let expected = await response("GetItem", Self.get)
        switch begin("GetItem", Self.get, RequestBudget(executor: QueueExecutor())) {
        case .done(let response): #expect(isSmall && response == expected)
        case .pending(let rest):
            let response = await rest()
            #expect(!isSmall && response == expected)
        }
    }

    @Test("A GetItem of a large item reserves the memory of one reading of its parameters")
    func parameters() async throws {
        let text = String(repeating: "x", count: 300_000)
        try await bench.ok(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"a"},"t":{"S":"\#(text)"}}}"#)
        let (body, nameByteCount) = Self.getWithPlaceholders
        let (once, meter) = (MemoryMeter(), MemoryMeter())
        // Without an executor, nothing can be performed at once.
        let expected = await bench.service.response(
            target: "DynamoDB_20120810.GetItem", body: Array(body.utf8), budget: once.budget())
        let begun = begin("GetItem", body, meter.budget(executor: QueueExecutor()))
        guard case .pending(let rest) = begun else {
            Issue.record("It was performed")
            return
        }
        #expect(meter.byteCount >= nameByteCount)
        let response = await rest()
        #expect(response.status == 200 && response == expected)
        #expect(meter.byteCount == once.byteCount)
    }

    /// A GetItem with placeholders of the most bytes, and the bytes of the names that they mean.
    private static var getWithPlaceholders: (body: String, nameByteCount: Int) {
        let places = (10..<20).map { "#p\($0)" + String(repeating: "x", count: 251) }
        let name = String(repeating: "n", count: 1000)
        let names = places.map { #""\#($0)":"\#(name)\#($0.dropFirst())""# }
        let body =
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"#
            + #""ProjectionExpression":"t,\#(places.joined(separator: ","))","#
            + #""ExpressionAttributeNames":{\#(names.joined(separator: ","))}}"#
        return (body, places.count * name.utf8.count)
    }

    @Test("An absent item, parts of an item, and capacity are read at once")
    func forms() async throws {
        try await bench.ok(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"a"},"n":{"N":"1"},"m":{"N":"2"}}}"#)
        for more in [
            "", #","ProjectionExpression":"n""#, #","AttributesToGet":["m"]"#,
            #","ConsistentRead":true,"ReturnConsumedCapacity":"TOTAL""#,
        ] {
            for key in ["a", "b"] {
                let body = #"{"TableName":"ttt","Key":{"p":{"S":"\#(key)"}}\#(more)}"#
                let expected = await response("GetItem", body)
                guard
                    case .done(let found) = begin(
                        "GetItem", body, RequestBudget(executor: QueueExecutor()))
                else {
                    Issue.record("\(body) is left")
                    continue
                }
                #expect(found.status == 200 && found == expected, "\(body)")
            }
        }
    }

    @Test(
        "Refusals, other operations, and requests without an executor are left",
        arguments: [
            ("GetItem", #"{"TableName":"ttt","Key":{"p":{"S":"a"}}}"#, false),
            ("GetItem", "{", true), ("GetItem", "{}", true),
            ("GetItem", #"{"TableName":"none","Key":{"p":{"S":"a"}}}"#, true),
            ("GetItem", #"{"TableName":"ttt","Key":{"p":{"N":"1"}}}"#, true),
            ("Scan", #"{"TableName":"ttt"}"#, true), ("Unknown", "{}", true),
            ("DescribeTable", #"{"TableName":"ttt"}"#, true),
        ])
    func left(request: (String, String, Bool)) async throws {
        let (operation, body, hasExecutor) = request
        let expected = await response(operation, body)
        let budget = RequestBudget(executor: hasExecutor ? QueueExecutor() : nil)
        guard case .pending(let rest) = begin(operation, body, budget) else {
            Issue.record("\(operation) was performed")
            return
        }
        let response = await rest()
        #expect(response == expected, "\(operation) \(body)")
    }

    @Test("A request whose time is over is not performed")
    func late() async throws {
        let budget = RequestBudget(isOver: { true }, executor: QueueExecutor())
        guard case .pending(let rest) = begin("GetItem", Self.get, budget) else {
            Issue.record("It was performed")
            return
        }
        let text = String(decoding: await rest().body, as: UTF8.self)
        #expect(text.contains("ThrottlingException"))
    }
}
