import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Indexes that change their layout, as DynamoDB's API shows them.
@Suite("Layouts behind DynamoDB's API")
struct LayoutStatusTests {
    private static let creation = #"""
        {"TableName":"table","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
        {"AttributeName":"g","AttributeType":"S"}],
        "GlobalSecondaryIndexes":[{"IndexName":"by-g",
        "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],
        "Projection":{"ProjectionType":"ALL"}}]}
        """#
    private static let query = #"""
        {"TableName":"table","IndexName":"by-g","KeyConditionExpression":"g = :g",
        "ExpressionAttributeValues":{":g":{"S":"x"}}}
        """#

    /// The answer to a query by the index, as text.
    private func answer(_ service: SampleService) async throws -> String {
        let object = try await service.ok("Query", Self.query)
        #expect(object["Count"] as? Int == 9)
        let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        return String(decoding: data, as: UTF8.self)
    }

    @Test("An index stays ACTIVE and answers while its layout changes, and its table can go")
    func active() async throws {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        let service = try SampleService(options: options)
        try await service.ok("CreateTable", Self.creation)
        for number in 0..<9 {
            let item = #"{"p":{"S":"\#(number)"},"g":{"S":"x"},"n":{"N":"1"}}"#
            try await service.ok("PutItem", #"{"TableName":"table","Item":\#(item)}"#)
        }
        let (table, found) = (await service.tableText(), try await answer(service))
        try await service.store.changeLayout(ofIndex: "by-g", in: "table", to: .copies)
        #expect(try service.store.build(stepCountMax: 2) == .more)
        #expect(await service.tableText() == table)
        #expect(try await answer(service) == found)
        while try service.store.build() == .more {}
        #expect(try await answer(service) == found)
        try await service.store.changeLayout(ofIndex: "by-g", in: "table", to: .references)
        #expect(try service.store.build(stepCountMax: 2) == .more)
        try await service.ok("DeleteTable", #"{"TableName":"table"}"#)
        while try service.store.build() == .more {}
        #expect(try service.store.verify().isSound)
    }
}
