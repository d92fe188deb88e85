import CodexCore
import Foundation
import Testing

@testable import CodexRemote

/// Tables of services, made from definitions.
@Suite("Designs of tables")
struct TableDesignTests {
    private static let definition = TableDefinition(
        "orders.v1", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk", .number),
        indexes: [
            IndexDefinition(
                "byDay", partitionKey: [KeyAttribute("site"), KeyAttribute("kind")],
                sortKey: [KeyAttribute("day", .number)], projection: .include(["b", "a"])),
            IndexDefinition(
                "byMail", partitionKey: [KeyAttribute("mail")], projection: .keysOnly,
                isUnique: true),
            IndexDefinition(
                "byLabel", partitionKey: [KeyAttribute("labels")], multiValued: "labels"),
        ],
        counters: [CounterDefinition("open", group: [KeyAttribute("site")])],
        timeToLive: "endsAt")

    private static func json(_ text: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [String: Any])
    }

    /// A part of JSON as text, with the members in order.
    private static func text(_ part: Any?) throws -> String {
        let part = try #require(part)
        let data = try JSONSerialization.data(
            withJSONObject: part, options: [.sortedKeys, .fragmentsAllowed])
        return String(decoding: data, as: UTF8.self)
    }

    /// The description that a service gives of a table that was created by a request.
    private static func described(
        _ creation: String, _ change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> RemoteTableDescription {
        var table = try json(creation)
        table["TableStatus"] = "ACTIVE"
        table["ItemCount"] = 3
        change(&table)
        let data = try JSONSerialization.data(withJSONObject: ["Table": table])
        return try RemoteTableDescription(json: String(decoding: data, as: UTF8.self))
    }

    @Test("What the service lacks is named, and refused unless it is accepted")
    func omissions() throws {
        let design = RemoteTableDesign(Self.definition)
        #expect(
            design.omissions.map { "\($0.part) \($0.reason)" } == [
                "byMail uniqueness", "byLabel multiValuedIndex", "open counter",
            ])
        try design.requireComplete(accepting: [.uniqueness, .multiValuedIndex, .counter])
        #expect(throws: CodexError(.unsupportedOperation, "")) {
            try design.requireComplete(accepting: [.uniqueness, .counter])
        }
        let poor = RemoteTableDesign(Self.definition, capabilities: TableCapabilities())
        #expect(poor.table.indexes.map(\.name) == ["byMail"] && !poor.hasStream)
        #expect(poor.table.timeToLive == nil && poor.timeToLiveRequest == nil)
        let reasons = Set(poor.omissions.map(\.reason))
        #expect(reasons.isSuperset(of: [.compositeIndexKey, .stream, .timeToLive]))
    }

    @Test("A table has at most twenty indexes")
    func indexCount() {
        for (count, leftOut) in [(19, 0), (20, 0), (21, 1)] {
            let indexes = (0..<count).map { number in
                IndexDefinition("i\(number)", partitionKey: [KeyAttribute("a\(number)")])
            }
            let design = RemoteTableDesign(
                TableDefinition("t", partitionKey: KeyAttribute("pk"), indexes: indexes))
            #expect(design.omissions.filter { $0.reason == .indexCount }.count == leftOut)
        }
    }

    @Test("A table that the request created has no difference, and each change is one")
    func differences() throws {
        let design = RemoteTableDesign(Self.definition)
        let same = try Self.described(design.creation)
        #expect(design.differences(from: same, timeToLive: "endsAt").isEmpty)
        #expect(same.definition.indexes == design.table.indexes && same.itemCount == 3)
        let without = try Self.described(design.creation) {
            $0["StreamSpecification"] = nil
            let indexes = $0["GlobalSecondaryIndexes"] as? [[String: Any]] ?? []
            $0["GlobalSecondaryIndexes"] = Array(indexes.dropFirst())
        }
        let found = design.differences(from: without, timeToLive: .some(nil))
        #expect(found.map(\.kind) == [.missingIndex, .stream, .timeToLive])
        #expect(found.map(\.isOfKeys) == [true, false, false])
        let other = TableDefinition(
            "orders.v1", partitionKey: KeyAttribute("pk"),
            indexes: [
                IndexDefinition("byMail", partitionKey: [KeyAttribute("mail", .binary)]),
                IndexDefinition("extra", partitionKey: [KeyAttribute("x")]),
            ])
        let kinds = design.differences(
            from: try Self.described(RemoteTableDesign(other).creation)
        ).map(\.kind)
        #expect(
            kinds == [.tableKey, .missingIndex, .indexKey, .projection, .otherIndex])
    }

    @Test("The template of CloudFormation has the members of the request")
    func cloudFormation() throws {
        let design = RemoteTableDesign(Self.definition)
        let resources = try Self.json(design.cloudFormation)["Resources"] as? [String: Any]
        let table = try #require(resources?["Tableordersv1"] as? [String: Any])
        #expect(table["Type"] as? String == "AWS::DynamoDB::Table")
        let properties = try #require(table["Properties"] as? [String: Any])
        let request = try Self.json(design.creation)
        for name in [
            "TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes",
            "BillingMode",
        ] {
            #expect(try Self.text(properties[name]) == Self.text(request[name]), "\(name)")
        }
        #expect(
            try Self.text(properties["TimeToLiveSpecification"])
                == #"{"AttributeName":"endsAt","Enabled":true}"#)
        #expect(
            try Self.text(properties["StreamSpecification"])
                == #"{"StreamViewType":"NEW_AND_OLD_IMAGES"}"#)
    }

    @Test("The configuration of Terraform has the keys, indexes, stream and time to live")
    func terraform() throws {
        let text = RemoteTableDesign(Self.definition).terraform
        let resources = try Self.json(text)["resource"] as? [String: Any]
        let tables = resources?["aws_dynamodb_table"] as? [String: Any]
        let table = try #require(tables?["table_orders_v1"] as? [String: Any])
        #expect(table["hash_key"] as? String == "pk" && table["range_key"] as? String == "sk")
        #expect(table["stream_enabled"] as? Bool == true)
        #expect(
            try Self.text(table["ttl"]) == #"{"attribute_name":"endsAt","enabled":true}"#)
        let indexes = try #require(table["global_secondary_index"] as? [[String: Any]])
        #expect(indexes.map { $0["name"] as? String } == ["byDay", "byMail"])
        let keys = indexes[0]["key_schema"] as? [[String: String]]
        #expect(keys?.map { $0["key_type"] } == ["HASH", "HASH", "RANGE"])
        #expect(indexes[0]["non_key_attributes"] as? [String] == ["a", "b"])
        let attributes = try #require(table["attribute"] as? [[String: String]])
        #expect(
            attributes.map { $0["name"] } == ["day", "kind", "mail", "pk", "site", "sk"])
    }

    @Test("JSON that is no description is refused")
    func damaged() {
        for text in ["{}", #"{"Table":{"TableName":"t"}}"#, #"{"Table":[]}"#] {
            #expect(throws: CodexError(.invalidResponse, "")) {
                try RemoteTableDescription(json: text)
            }
        }
        #expect(throws: CodexError(.invalidJSON, "")) { try RemoteTableDescription(json: "{") }
    }
}
