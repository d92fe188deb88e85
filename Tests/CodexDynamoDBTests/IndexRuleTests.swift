import Foundation
import Testing

/// What CreateTable and UpdateTable refuse in indexes, in AWS's words.
@Suite("Rules of indexes")
struct IndexRuleTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let dynalite = "architect/dynalite, test/createTable.js"
    private static let names = "ACK, DDB-TABLE-127"

    // MARK: CreateTable

    /// A CreateTable of a table with the keys `p` and `s`, with indexes by `p`, `s` and `g`.
    private static func local(_ index: String) -> String {
        JSON.table(
            keys: ["Hp", "Rs"], names: ["Sp", "Ss", "Sg"],
            more: #""LocalSecondaryIndexes":[\#(index)]"#)
    }

    private static func global(_ indexes: String, names: [String] = ["Sp", "Sg"]) -> String {
        JSON.table(names: names, more: #""GlobalSecondaryIndexes":[\#(indexes)]"#)
    }

    private static func projected(_ projection: String) -> String {
        global(JSON.index("index", ["Hg"], projection: projection))
    }

    private static let localRules: [Rule] = [
        .invalid(
            "CreateTable", local(""), "List of LocalSecondaryIndexes is empty", from: dynalite),
        .invalid(
            "CreateTable",
            JSON.table(
                names: ["Sp", "Sg"],
                more: #""LocalSecondaryIndexes":[\#(JSON.index("index", ["Hp", "Rg"]))]"#),
            "Table KeySchema does not have a range key, which is required when specifying a "
                + "LocalSecondaryIndex", from: dynalite),
        .invalid(
            "CreateTable", local(JSON.index("index", ["Hp", "Rx"])),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
                + "AttributeDefinitions: [p, s, g]", from: dynalite),
        .invalid(
            "CreateTable", local(JSON.index("index", ["Hp"])),
            "Index KeySchema does not have a range key for index: index", from: dynalite),
        .invalid(
            "CreateTable", local(JSON.index("index", ["Hg", "Rs"])),
            "Index KeySchema does not have the same leading hash key as table KeySchema for "
                + "index: index. index hash key: g, table hash key: p", from: dynalite),
        .invalid(
            "CreateTable",
            local(JSON.many(6) { JSON.index("index\($0)", ["Hp", "Rg"]) }),
            "Number of LocalSecondaryIndexes exceeds per-table limit of 5", from: dynalite),
        .invalid(
            "CreateTable",
            local(JSON.many(2) { _ in JSON.index("index", ["Hp", "Rg"]) }),
            "Duplicate index name: index", from: dynalite),
    ]

    private static let globalRules: [Rule] = [
        .invalid(
            "CreateTable", global(""), "List of GlobalSecondaryIndexes is empty", from: dynalite),
        .invalid(
            "CreateTable", global(JSON.index("index", ["Hg", "Rx"])),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
                + "AttributeDefinitions: [p, g]", from: dynalite),
        Rule(
            "CreateTable", global(JSON.index("index", ["Rg"])), "ValidationException",
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            from: "ACK, DDB-TABLE-124"),
        Rule(
            "CreateTable", global(JSON.index("index", ["Hg", "Rg"])), "ValidationException",
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            from: dynalite),
        Rule(
            "CreateTable", global(JSON.index("index", ["Hg", "Rp", "Rg"])),
            "ValidationException",
            "The KeySchema contains multiple key attributes with the same name",
            from: "ACK, DDB-TABLE-123"),
        .invalid(
            "CreateTable", global(JSON.index("index", ["Hg", "Rp", "Hp"])),
            "All HASH key attributes must precede RANGE key attributes in the KeySchema",
            from: "ACK, DDB-TABLE-123"),
        .invalid(
            "CreateTable",
            global(
                JSON.index("index", ["Ha", "Hb", "Hc", "Hd", "He"]),
                names: ["Sp", "Sa", "Sb", "Sc", "Sd", "Se"]),
            "The KeySchema exceeds the maximum allowed number of HASH key attributes",
            from: "ACK, DDB-TABLE-123"),
        .invalid(
            "CreateTable",
            global(
                JSON.index("index", ["Hp", "Ra", "Rb", "Rc", "Rd", "Re"]),
                names: ["Sp", "Sa", "Sb", "Sc", "Sd", "Se"]),
            "The KeySchema exceeds the maximum allowed number of RANGE key attributes",
            from: "ACK, DDB-TABLE-123"),
        .invalid(
            "CreateTable",
            global(JSON.index("index", ["Hg"]), names: ["Sp", "Sg", "Sx"]),
            "Some AttributeDefinitions are not used. AttributeDefinitions: [p, g, x], keys used: "
                + "[g, p]", from: names),
        .invalid(
            "CreateTable", global(JSON.many(21) { JSON.index("index\($0)", ["Hg"]) }),
            "GlobalSecondaryIndex count exceeds the per-table limit of 20", from: dynalite),
        .invalid(
            "CreateTable", global(JSON.many(2) { _ in JSON.index("index", ["Hg"]) }),
            "Duplicate index name: index", from: dynalite),
    ]

    private static let projectionRules: [Rule] = [
        .invalid(
            "CreateTable", projected("{}"), "Unknown ProjectionType: null", from: dynalite),
        .invalid(
            "CreateTable", projected(#"{"ProjectionType":"ALL","NonKeyAttributes":["x"]}"#),
            "ProjectionType is ALL, but NonKeyAttributes is specified", from: dynalite),
        .invalid(
            "CreateTable", projected(#"{"ProjectionType":"KEYS_ONLY","NonKeyAttributes":["x"]}"#),
            "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified", from: dynalite),
        .invalid(
            "CreateTable", projected(#"{"ProjectionType":"INCLUDE"}"#),
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified", from: dynalite),
        .invalid(
            "CreateTable",
            projected(#"{"ProjectionType":"INCLUDE","NonKeyAttributes":["x","y","x"]}"#),
            "Duplicate element in NonKeyAttributes: x", from: "ACK, DDB-TABLE-126"),
    ]

    @Test(
        "CreateTable refuses indexes as AWS, and makes no table",
        arguments: localRules + globalRules + projectionRules)
    func creation(rule: Rule) async throws {
        let service = try SampleService()
        try await service.refuses(rule)
        #expect(try await service.ok("ListTables", "{}")["TableNames"] as? [String] == [])
    }

    @Test("A table has up to 5 local and 20 global indexes, with up to 4 and 4 key attributes")
    func most() async throws {
        let service = try SampleService()
        let names = ["p", "s", "a", "b", "c", "d", "e", "f", "g", "h"]
        let local = JSON.many(5) { JSON.index("local\($0)", ["Hp", "Rs"]) }
        let keys = ["Ha", "Hb", "Hc", "Hd", "Re", "Rf", "Rg", "Rh"]
        let global = JSON.many(20) { number in
            JSON.index("global\(number)", number == 0 ? keys : ["Hp"])
        }
        try await service.ok(
            "CreateTable",
            JSON.table(
                keys: ["Hp", "Rs"], names: names.map { "S" + $0 },
                more: #""LocalSecondaryIndexes":[\#(local)],"#
                    + #""GlobalSecondaryIndexes":[\#(global)]"#))
        let table = try await service.table()
        #expect((table["LocalSecondaryIndexes"] as? [Object])?.count == 5)
        let described = try #require(table["GlobalSecondaryIndexes"] as? [Object])
        #expect(described.count == 20)
        let first = described.first { $0["IndexName"] as? String == "global0" }
        let schema = try #require(first?["KeySchema"] as? [Object])
        #expect(
            schema.compactMap { $0["AttributeName"] as? String } == Array(names.dropFirst(2)))
        let kinds = [String](repeating: "HASH", count: 4) + [String](repeating: "RANGE", count: 4)
        #expect(schema.compactMap { $0["KeyType"] as? String } == kinds)
    }

    @Test("All indexes of a table project 100 names", arguments: [99, 100, 101])
    func projectedNames(count: Int) async throws {
        let indexes = JSON.many(10) { number in
            // The last index has the rest.
            let size = number < 9 ? 10 : count - 90
            let names = JSON.many(size) { #""x\#($0)""# }
            return JSON.index(
                "index\(number)", ["Hg"],
                projection: #"{"ProjectionType":"INCLUDE","NonKeyAttributes":[\#(names)]}"#)
        }
        let answer = try await SampleService().ask("CreateTable", Self.global(indexes))
        #expect(answer.type == (count > 100 ? "ValidationException" : nil), "\(answer.message)")
    }

    // MARK: UpdateTable

    private static func update(
        _ updates: String, _ names: [String]? = nil, more: String = ""
    ) -> String {
        let definitions = names.map { JSON.definitions($0) + "," } ?? ""
        return #"{"TableName":"table",\#(definitions)"#
            + #""GlobalSecondaryIndexUpdates":[\#(updates)]\#(more)}"#
    }

    private static func create(_ name: String, _ keys: [String] = ["Hx"]) -> String {
        #"{"Create":\#(JSON.index(name, keys))}"#
    }

    private static func delete(_ name: String) -> String { #"{"Delete":{"IndexName":"\#(name)"}}"# }

    private static let updateRules: [Rule] = [
        .invalid(
            "UpdateTable", update("", more: #","DeletionProtectionEnabled":true"#),
            "List of GlobalSecondaryIndexUpdates is empty", from: "ACK, DDB-TABLE-359"),
        .invalid(
            "UpdateTable", update("{}"),
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                + "GlobalSecondaryIndexUpdate.Delete must not be null", from: "ACK, DDB-TABLE-160"),
        .invalid(
            "UpdateTable",
            update(#"{"Delete":{"IndexName":"by-g"},"Update":{"IndexName":"by-g"}}"#),
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
                + "object", from: "ACK, DDB-TABLE-160"),
        .invalid(
            "UpdateTable", update("\(delete("by-g")),\(create("by-g"))", ["Sx"]),
            "Only one global secondary index update per index is allowed simultaneously. Index: "
                + "by-g", from: "ACK, DDB-TABLE-160"),
        Rule(
            "UpdateTable", update("\(create("one")),\(create("two"))", ["Sx"]),
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                + "simultaneously per table", from: "ACK, DDB-TABLE-159"),
        Rule(
            "UpdateTable", update("\(create("one")),\(delete("by-g"))", ["Sx"]),
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                + "simultaneously per table", from: "ACK, DDB-TABLE-159"),
        Rule(
            "UpdateTable", update(create("by-g"), ["Sx"]), "ValidationException",
            "Attempting to create an index which already exists",
            from: "scylladb/scylladb, test/alternator/test_gsi_updatetable.py"),
        .invalid(
            "UpdateTable", update(create("new")),
            "AttributeDefinitions is not specified for index: new", from: "ACK, DDB-TABLE-162"),
        .invalid(
            "UpdateTable", update(create("new"), ["Sy"]),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
                + "AttributeDefinitions: [y]", from: names),
        .invalid(
            "UpdateTable", update(create("new", ["Hp"]), ["Np"]),
            "Attributes cannot be redefined. Please check that your attribute has the same type as "
                + "previously defined. Existing schema: Schema:[SchemaElement: key{p:S:HASH}] New "
                + "schema: Schema:[SchemaElement: key{p:N:HASH}]",
            from: "scylladb/scylladb, test/alternator/test_gsi_updatetable.py"),
        Rule(
            "UpdateTable", update(delete("none")), "ResourceNotFoundException",
            "Requested resource not found: Index none for table table",
            from: "ACK, DDB-TABLE-170"),
        Rule(
            "UpdateTable", update(delete("local")), "ValidationException",
            "Cannot delete an index that is not a GlobalSecondaryIndex: local",
            from: "ACK, DDB-TABLE-170"),
        Rule(
            "UpdateTable", update(#"{"Update":{"IndexName":"local"}}"#), "ValidationException",
            "Cannot update an index that is not a GlobalSecondaryIndex: local",
            from: "ACK, DDB-TABLE-170"),
        .invalid(
            "UpdateTable",
            update(
                create("new"), ["Sx"],
                more: #","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"#
            ),
            "You cannot create or delete index while changing stream status",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable", update(create("new"), ["Sx"], more: ",\(JSON.units(1, 1))"),
            "You cannot create or delete index while updating table IOPS",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable",
            update(create("new"), ["Sx"], more: #","WarmThroughput":{"ReadUnitsPerSecond":13000}"#),
            "Create global secondary index cannot be specified when updating WarmThroughput",
            from: "ACK, DDB-TABLE-174"),
    ]

    /// A service with a table that has a local and a global index.
    private func service() async throws -> SampleService {
        let service = try SampleService()
        try await service.ok(
            "CreateTable",
            JSON.table(
                keys: ["Hp", "Rs"], names: ["Sp", "Ss", "Sg"],
                more: #""LocalSecondaryIndexes":[\#(JSON.index("local", ["Hp", "Rg"]))],"#
                    + #""GlobalSecondaryIndexes":[\#(JSON.index("by-g", ["Hg"]))]"#))
        return service
    }

    @Test(
        "UpdateTable refuses changes of indexes as AWS, and changes nothing",
        arguments: updateRules)
    func changes(rule: Rule) async throws {
        let service = try await service()
        let before = await service.tableText()
        try await service.refuses(rule)
        #expect(await service.tableText() == before)
    }

    @Test("An index is added beside the change of another, with definitions that are not used")
    func added() async throws {
        let service = try await service()
        let answer = try await service.ok(
            "UpdateTable",
            Self.update(
                "\(Self.create("new")),{\"Update\":{\"IndexName\":\"by-g\"}}", ["Sx", "Sunused"]))
        let description = try #require(answer["TableDescription"] as? Object)
        #expect(description["TableStatus"] as? String == "UPDATING")
        func statuses(_ table: Object) -> [String: String] {
            var statuses: [String: String] = [:]
            for index in table["GlobalSecondaryIndexes"] as? [Object] ?? [] {
                guard let name = index["IndexName"] as? String else { continue }
                statuses[name] = index["IndexStatus"] as? String
            }
            return statuses
        }
        #expect(statuses(description) == ["by-g": "ACTIVE", "new": "CREATING"])
        #expect(try await statuses(service.table()) == ["by-g": "ACTIVE", "new": "ACTIVE"])
        let definitions = try await service.table()["AttributeDefinitions"] as? [Object]
        #expect(definitions?.map { $0["AttributeName"] as? String } == ["g", "p", "s", "x"])
        // A removed index is described once more.
        let removed = try await service.ok("UpdateTable", Self.update(Self.delete("new")))
        let last = try #require(removed["TableDescription"] as? Object)
        #expect(statuses(last) == ["by-g": "ACTIVE", "new": "DELETING"])
        #expect(try await statuses(service.table()) == ["by-g": "ACTIVE"])
    }

    @Test("The 21st index is not added", arguments: [19, 20])
    func count(present: Int) async throws {
        let service = try SampleService()
        let indexes = JSON.many(present) { JSON.index("index\($0)", ["Hg"]) }
        try await service.ok("CreateTable", Self.global(indexes))
        let body = Self.update(Self.create("new"), ["Sx"])
        if present == 19 {
            try await service.ok("UpdateTable", body)
            return
        }
        try await service.refuses(
            Rule(
                "UpdateTable", body, "LimitExceededException",
                "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table "
                    + "limit of 20", from: "ACK, DDB-TABLE-169"))
    }
}
