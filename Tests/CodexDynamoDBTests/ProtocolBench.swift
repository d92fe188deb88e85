import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// A service over a new store, with tables that most tests of the protocol need.
struct ProtocolBench {
    typealias Object = [String: Any]

    /// The answer to a request.
    struct Answer {
        /// The error's type without its namespace; `nil` for a success.
        let type: String?
        let object: Object

        var message: String { (object["message"] ?? object["Message"]) as? String ?? "" }

        var item: Object? { object["Item"] as? Object }

        /// The codes and messages of a cancelled transaction.
        var reasons: [String] {
            (object["CancellationReasons"] as? [Object] ?? []).map { reason in
                let code = reason["Code"] as? String ?? ""
                return (reason["Message"] as? String).map { "\(code): \($0)" } ?? code
            }
        }
    }

    private let temporary: TemporaryStore
    let service: DynamoDBService

    var store: Store { temporary.store }

    /// Makes the tables `ttt` with the key `p`, and `rrr` with the keys `p` and `s`.
    ///
    /// `rrr` has the global index `gsi1` by `g`, and the local index `lsi1` by `x`. Both have only
    /// keys. `ttt` has a stream.
    init() async throws {
        temporary = try TemporaryStore(schema: Schema(tables: []))
        service = DynamoDBService(temporary.store)
        _ = try await ok(
            "CreateTable",
            """
            {"TableName":"ttt","BillingMode":"PAY_PER_REQUEST",
             "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
             "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],
             "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}
            """)
        _ = try await ok(
            "CreateTable",
            """
            {"TableName":"rrr","BillingMode":"PAY_PER_REQUEST",
             "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},
               {"AttributeName":"s","KeyType":"RANGE"}],
             "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
               {"AttributeName":"s","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"},
               {"AttributeName":"x","AttributeType":"S"}],
             "GlobalSecondaryIndexes":[{"IndexName":"gsi1",
               "Projection":{"ProjectionType":"KEYS_ONLY"},
               "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}]}],
             "LocalSecondaryIndexes":[{"IndexName":"lsi1",
               "Projection":{"ProjectionType":"KEYS_ONLY"},
               "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},
                 {"AttributeName":"x","KeyType":"RANGE"}]}]}
            """)
    }

    func ask(_ operation: String, _ body: String) async throws -> Answer {
        let answer = await service.response(
            target: "DynamoDB_20120810.\(operation)", body: Array(body.utf8))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        #expect((answer.status == 200) == (type == nil))
        return Answer(type: type, object: object)
    }

    @discardableResult
    func ok(_ operation: String, _ body: String) async throws -> Object {
        let answer = try await ask(operation, body)
        #expect(answer.type == nil, "\(operation) \(body.prefix(200)): \(answer.message)")
        return answer.object
    }

    /// Expects a `ValidationException` with exactly this message.
    func refuses(_ message: String, _ operation: String, _ body: String) async throws {
        let answer = try await ask(operation, body)
        #expect(answer.type == "ValidationException", "\(operation) \(body.prefix(200))")
        #expect(answer.message == message, "\(operation) \(body.prefix(200))")
    }

    /// An object as JSON, with its members in order.
    static func text(_ object: Any) throws -> String {
        String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys),
            as: UTF8.self)
    }

    /// The number of the changes of a table.
    func changeCount(of table: String = "ttt") throws -> Int {
        try store.retainedChanges(after: .trimHorizon).filter { $0.table == table }.count
    }

    /// The items of a table, by the text of their key `p`.
    func items(_ table: String = "ttt") async throws -> [String: Object] {
        let object = try await ok("Scan", #"{"TableName":"\#(table)"}"#)
        var items: [String: Object] = [:]
        for item in object["Items"] as? [Object] ?? [] {
            let key = (item["p"] as? Object)?["S"] as? String
            items[try #require(key)] = item
        }
        return items
    }
}
