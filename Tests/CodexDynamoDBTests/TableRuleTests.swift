import Foundation
import Testing

/// What CreateTable, DeleteTable and DescribeTable refuse, in AWS's words, and what they answer.
@Suite("Rules of tables")
struct TableRuleTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let dynalite = "architect/dynalite, test/createTable.js"
    private static let table = #"{"TableName":"table"}"#

    // MARK: CreateTable

    private static let keys: [Rule] = [
        Rule(
            "CreateTable", JSON.table(names: ["Sp", "Np"]), "ValidationException",
            "Attribute Name is duplicated: p", from: "ACK, DDB-TABLE-127"),
        Rule(
            "CreateTable", JSON.table(keys: ["Hp", "Rs"]), "ValidationException",
            "Invalid KeySchema: Some index key attribute have no definition", from: dynalite),
        .invalid(
            "CreateTable", JSON.table(keys: ["Hq"]),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [q], "
                + "AttributeDefinitions: [p]", from: dynalite),
        Rule(
            "CreateTable", JSON.table(keys: ["Hp", "Rp"], names: ["Sp", "Ss"]),
            "ValidationException",
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            from: dynalite),
        Rule(
            "CreateTable", JSON.table(keys: ["Rp"]), "ValidationException",
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            from: dynalite),
        Rule(
            "CreateTable", JSON.table(keys: ["Hp", "Hs"], names: ["Sp", "Ss"]),
            "ValidationException",
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
            from: dynalite),
        .invalid(
            "CreateTable", JSON.table(names: ["Sp", "Sx"]),
            "Number of attributes in KeySchema does not exactly match number of attributes "
                + "defined in AttributeDefinitions", from: dynalite),
    ]

    private static func with(_ more: String) -> String { JSON.table(more: more) }

    private static let settings: [Rule] = [
        .invalid(
            "CreateTable", with(#""StreamSpecification":{"StreamEnabled":true}"#),
            "Table is being created with a stream enabled, UpdateViewType is required",
            from: "ACK, DDB-TABLE-382"),
        .invalid(
            "CreateTable",
            with(
                #""StreamSpecification":{"StreamEnabled":false,"StreamViewType":"NEW_IMAGE"}"#),
            "Table is being created with a stream disabled, UpdateViewType should not be "
                + "specified", from: "ACK, DDB-TABLE-382"),
        Rule(
            "CreateTable", with(#""TableClass":"CHEAP""#), "ValidationException",
            "Invalid table-class parameter provided. Please try again with a valid table-class "
                + "value: [STANDARD, STANDARD_INFREQUENT_ACCESS].",
            from: "scylladb/scylladb, test/alternator/test_tableclass.py"),
        .invalid(
            "CreateTable", with(#""SSESpecification":{"Enabled":false,"SSEType":"KMS"}"#),
            "SSEType can not be specified if Enabled is false", from: "ACK, DDB-TABLE-433"),
        .invalid(
            "CreateTable",
            with(#""SSESpecification":{"Enabled":false,"KMSMasterKeyId":"k"}"#),
            "KMSMasterKeyId can not be specified if Enabled is false",
            from: "ACK, DDB-TABLE-433"),
        .invalid(
            "CreateTable", with(#""SSESpecification":{"Enabled":true,"SSEType":"AES256"}"#),
            "SSEType AES256 is not supported", from: "ACK, DDB-TABLE-433"),
        .invalid(
            "CreateTable", with(#""SSESpecification":{"Enabled":true,"KMSMasterKeyId":"k"}"#),
            "SSEType KMS is required if KMSMasterKeyId is specified",
            from: "ACK, DDB-TABLE-433"),
        Rule("CreateTable", with(#""ResourcePolicy":"{}""#)),
        Rule("CreateTable", with(#""GlobalTableSourceArn":"arn""#)),
    ]

    @Test(
        "CreateTable refuses keys and settings as AWS, and makes no table",
        arguments: keys + settings)
    func creation(rule: Rule) async throws {
        let service = try SampleService()
        try await service.refuses(rule)
        #expect(try await service.ok("ListTables", "{}")["TableNames"] as? [String] == [])
    }

    @Test("Errors of several parameters come in AWS's order")
    func order() async throws {
        let service = try SampleService()
        // Throughput, unused definitions, projection, stream.
        let stream = #""StreamSpecification":{"StreamEnabled":true}"#
        let index = JSON.index("index", ["Hp"], projection: "{}")
        let indexes = #""GlobalSecondaryIndexes":[\#(index)]"#
        let bodies = [
            (
                JSON.table(
                    names: ["Sp", "Sx"], billing: "", more: "\(indexes),\(stream)"),
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode "
                    + "is PROVISIONED"
            ),
            (
                JSON.table(names: ["Sp", "Sx"], more: "\(indexes),\(stream)"),
                "Some AttributeDefinitions are not used. AttributeDefinitions: [p, x], keys used: "
                    + "[p]"
            ),
            (JSON.table(more: "\(indexes),\(stream)"), "Unknown ProjectionType: null"),
            (
                JSON.table(more: stream),
                "Table is being created with a stream enabled, UpdateViewType is required"
            ),
        ]
        for (body, text) in bodies {
            try await service.refuses(
                .invalid("CreateTable", body, text, from: "ACK, DDB-TABLE-127"))
        }
    }

    @Test("A table that is there is not made again; a name of the service's own is taken")
    func twice() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        for name in ["table", "codex.dynamodb.tables", "codex.dynamodb.streams"] {
            try await service.refuses(
                Rule(
                    "CreateTable", JSON.table(name), "ResourceInUseException",
                    "Table already exists: \(name)", from: Self.dynalite))
        }
    }

    @Test("Vector indexes are ignored, as other unknown members are")
    func unknownMembers() async throws {
        let service = try SampleService()
        try await service.ok(
            "CreateTable", JSON.table(more: #""VectorIndexes":[{"IndexName":"vectors"}]"#))
        try await service.ok(
            "UpdateTable",
            #"{"TableName":"table","DeletionProtectionEnabled":true,"#
                + #""VectorIndexUpdates":[{"Create":{}}]}"#)
        let table = try await service.table()
        #expect(table["DeletionProtectionEnabled"] as? Bool == true)
        #expect(table["VectorIndexes"] == nil)
    }

    // MARK: Missing tables

    @Test(
        "Operations on tables name the table that is missing",
        arguments: [
            ("DescribeTable", ""), ("DeleteTable", ""),
            ("UpdateTable", #","DeletionProtectionEnabled":true"#),
            ("DescribeTimeToLive", ""),
            (
                "UpdateTimeToLive",
                #","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"t"}"#
            ),
        ])
    func missing(operation: String, more: String) async throws {
        try await SampleService().refuses(
            Rule(
                operation, #"{"TableName":"none"\#(more)}"#, "ResourceNotFoundException",
                "Requested resource not found: Table: none not found",
                from: "architect/dynalite, test/describeTable.js"))
    }

    // MARK: Descriptions

    @Test("A new table is CREATING in the response, and ACTIVE once it is described")
    func statuses() async throws {
        let service = try SampleService()
        let index = JSON.index("index", ["Hp"])
        let made = try await service.ok(
            "CreateTable", JSON.table(more: #""GlobalSecondaryIndexes":[\#(index)]"#))
        let description = try #require(made["TableDescription"] as? Object)
        func statuses(_ table: Object) -> [String?] {
            let indexes = table["GlobalSecondaryIndexes"] as? [Object]
            return [table["TableStatus"] as? String, indexes?.first?["IndexStatus"] as? String]
        }
        #expect(statuses(description) == ["CREATING", "CREATING"])
        #expect(try await statuses(service.table()) == ["ACTIVE", "ACTIVE"])
    }

    @Test("Definitions and projected names are described in the order of their bytes")
    func sorted() async throws {
        let service = try SampleService()
        let projection = #"{"ProjectionType":"INCLUDE","NonKeyAttributes":["z","a","M"]}"#
        let index = JSON.index("index", ["Hb", "Ra"], projection: projection)
        try await service.ok(
            "CreateTable",
            JSON.table(
                keys: ["Hp", "RB"], names: ["Sp", "NB", "Sb", "Ba"],
                more: #""GlobalSecondaryIndexes":[\#(index)]"#))
        let table = try await service.table()
        let definitions = table["AttributeDefinitions"] as? [Object]
        #expect(
            definitions?.map { $0["AttributeName"] as? String } == ["B", "a", "b", "p"])
        let made = (table["GlobalSecondaryIndexes"] as? [Object])?.first
        #expect(
            (made?["Projection"] as? Object)?["NonKeyAttributes"] as? [String] == ["M", "a", "z"])
    }

    @Test("The class, the encryption and the protection of a table are described")
    func settingsDescribed() async throws {
        let service = try SampleService()
        try await service.ok(
            "CreateTable",
            JSON.table(
                more: #""TableClass":"STANDARD_INFREQUENT_ACCESS","#
                    + #""DeletionProtectionEnabled":true,"SSESpecification":{"Enabled":true}"#))
        let table = try await service.table()
        let summary = table["TableClassSummary"] as? Object
        #expect(summary?["TableClass"] as? String == "STANDARD_INFREQUENT_ACCESS")
        #expect(summary?["LastUpdateDateTime"] == nil)
        let encryption = table["SSEDescription"] as? Object
        #expect(encryption?["Status"] as? String == "ENABLED")
        #expect(encryption?["SSEType"] as? String == "KMS")
        #expect(
            encryption?["KMSMasterKeyArn"] as? String
                == "arn:aws:kms:us-east-1:000000000000:alias/aws/dynamodb")
        #expect(table["DeletionProtectionEnabled"] as? Bool == true)
        try await service.refuses(
            Rule(
                "DeleteTable", Self.table, "ValidationException",
                "Resource cannot be deleted as it is currently protected against deletion. "
                    + "Disable deletion protection first.", from: "ACK, DDB-TABLE-107"))
    }

    @Test(
        "Without Enabled, a type of encryption switches it on",
        arguments: [(#"{"SSEType":"KMS"}"#, true), ("{}", false)])
    func encryptionType(specification: String, isEncrypted: Bool) async throws {
        let service = try SampleService()
        try await service.ok(
            "CreateTable", JSON.table(more: #""SSESpecification":\#(specification)"#))
        // Source: ACK, DDB-TABLE-044.
        let table = try await service.table()
        #expect((table["SSEDescription"] != nil) == isEncrypted)
    }

    @Test("A deleted table is described by few members")
    func deletion() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        let answer = try await service.ok("DeleteTable", Self.table)
        let description = try #require(answer["TableDescription"] as? Object)
        #expect(description["TableStatus"] as? String == "DELETING")
        for name in ["CreationDateTime", "KeySchema", "AttributeDefinitions"] {
            #expect(description[name] == nil, "\(name)")
        }
        #expect(description["TableArn"] != nil && description["TableId"] != nil)
    }

    @Test("The size of a table counts large values, until they are deleted")
    func sizes() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        var random = SystemRandomNumberGenerator()
        // It is not compressed.
        let bytes = Data((0..<200_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        try await service.ok(
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"a"},"b":{"B":"\#(bytes.base64EncodedString())"}}}"#
        )
        let table = try await service.table()
        #expect(table["ItemCount"] as? Int == 1)
        let size = try #require(table["TableSizeBytes"] as? Int)
        #expect((200_000..<300_000).contains(size))
        try await service.ok("DeleteItem", #"{"TableName":"table","Key":{"p":{"S":"a"}}}"#)
        let empty = try await service.table()
        #expect(empty["ItemCount"] as? Int == 0 && empty["TableSizeBytes"] as? Int == 0)
    }

    // MARK: Lists

    @Test("Pages of tables are cut by the bytes by which they are sorted", arguments: 1...4)
    func pages(limit: Int) async throws {
        let service = try SampleService()
        let names = ["orders", "orders-eu", "orders.old", "orders_x", "Orders"]
        for name in names { try await service.ok("CreateTable", JSON.table(name)) }
        var found: [String] = []
        var start = ""
        while true {
            let page = try await service.ok("ListTables", #"{"Limit":\#(limit)\#(start)}"#)
            let part = try #require(page["TableNames"] as? [String])
            found += part
            guard let last = page["LastEvaluatedTableName"] as? String else { break }
            #expect(part.count == limit && part.last == last)
            start = #","ExclusiveStartTableName":"\#(last)""#
        }
        #expect(found == ["Orders", "orders", "orders-eu", "orders.old", "orders_x"])
        // The start need not be a table.
        let rest = try await service.ok("ListTables", #"{"ExclusiveStartTableName":"orders."}"#)
        #expect(rest["TableNames"] as? [String] == ["orders.old", "orders_x"])
    }

    @Test("Operations that are not there are named", arguments: ["CreateBackup", "ListExports"])
    func unsupported(operation: String) async throws {
        let answer = try await SampleService().ask(operation, "{}")
        #expect(answer.type == "UnknownOperationException")
        #expect(answer.message.contains("\(operation) is not supported"))
    }
}
