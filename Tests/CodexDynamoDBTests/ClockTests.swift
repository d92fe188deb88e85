import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Clocks and stored times of every extreme, in the DynamoDB API.
@Suite("Clocks of DynamoDB's API")
struct ClockTests {
    private func status(
        _ service: DynamoDBService, _ operation: String, _ body: String
    ) async -> Int {
        await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8)
        ).status
    }

    @Test("A table is made and described whatever the clock shows, and whatever time is stored")
    func tables() async throws {
        let moments = [
            0, -0.5, -1e12, 1e12, 1e300, -1e300, Double.infinity, -Double.infinity, Double.nan,
        ]
        for instant in moments {
            let temporary = try TemporaryStore(schema: Schema(tables: []))
            let store = temporary.store
            let service = DynamoDBService(
                store, now: { Date(timeIntervalSince1970: instant) })
            let made = await status(
                service, "CreateTable",
                """
                {"TableName":"table","BillingMode":"PAY_PER_REQUEST",
                "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
                "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],
                "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}
                """)
            #expect(made == 200)
            for createdAt in [Int64.min, -500, -1, 0, .max] {
                try await store.write { transaction in
                    let key = PrimaryKey("table")
                    let table = "codex.dynamodb.tables"
                    var item = try #require(try transaction.item(in: table, key: key))
                    item["createdAt"] = .number(Number(createdAt))
                    try transaction.put(item, in: table)
                }
                let described = await status(service, "DescribeTable", #"{"TableName":"table"}"#)
                #expect(described == 200)
            }
        }
    }
}
