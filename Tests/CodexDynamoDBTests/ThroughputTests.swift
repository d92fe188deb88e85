import Foundation
import Testing

/// Billing and throughput of tables and indexes: what AWS refuses, and what is described.
@Suite("Throughput of tables")
struct ThroughputTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let create = "ACK, DDB-TABLE-128"
    private static let start = Double(SampleService.start)
    private static let limits =
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
        + "higher limits."

    private static func provisioned(_ read: Int, _ write: Int, _ more: String = "") -> String {
        JSON.table(billing: JSON.units(read, write), more: more)
    }

    /// A CreateTable with a global index that has more members.
    private static func indexed(_ more: String, billing: String = JSON.onDemand) -> String {
        let index = JSON.index("index", ["Hp"], more)
        return JSON.table(billing: billing, more: #""GlobalSecondaryIndexes":[\#(index)]"#)
    }

    // MARK: CreateTable

    private static let creationRules: [Rule] = [
        .invalid(
            "CreateTable", JSON.table(more: JSON.units(1, 1)),
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                + "PAY_PER_REQUEST", from: create),
        .invalid(
            "CreateTable", JSON.table(billing: ""),
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
                + "PROVISIONED", from: create),
        .invalid(
            "CreateTable", JSON.table(billing: #""BillingMode":"PROVISIONED""#),
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
                + "PROVISIONED", from: create),
        Rule(
            "CreateTable", provisioned(1_000_000_000_001, 1), "ValidationException",
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
            from: "architect/dynalite, test/createTable.js"),
        Rule(
            "CreateTable", provisioned(1, 40_001), "LimitExceededException",
            "The requested WriteCapacityUnits, 40001, is above the per table maximum for the "
                + "account in us-east-1. Per table maximum: 40000. " + limits,
            from: "ACK, DDB-TABLE-157"),
        Rule(
            "CreateTable", indexed(",\(JSON.units(40_001, 1))", billing: JSON.units(1, 1)),
            "LimitExceededException",
            "The requested ReadCapacityUnits for index index, 40001, is above the per index "
                + "maximum for the account in us-east-1. Per table maximum: 40000. " + limits,
            from: "ACK, DDB-TABLE-157"),
        .invalid(
            "CreateTable", provisioned(1, 1, #""OnDemandThroughput":{"MaxReadRequestUnits":5}"#),
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table "
                + "BillingMode is PROVISIONED", from: create),
        .invalid(
            "CreateTable", JSON.table(more: #""OnDemandThroughput":{"MaxWriteRequestUnits":0}"#),
            "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
                + "range", from: create),
        .invalid(
            "CreateTable", JSON.table(more: #""OnDemandThroughput":{"MaxReadRequestUnits":-1}"#),
            "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
                + "range", from: create),
        .invalid(
            "CreateTable", indexed(#","OnDemandThroughput":{"MaxReadRequestUnits":-1}"#),
            "Requested MaxReadRequestUnits for OnDemandThroughput for index : index is outside of "
                + "valid range", from: create),
        .invalid(
            "CreateTable", JSON.table(more: #""WarmThroughput":{"ReadUnitsPerSecond":11999}"#),
            "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial "
                + "throughput for OnDemand", from: create),
        .invalid(
            "CreateTable", indexed(#","WarmThroughput":{"WriteUnitsPerSecond":3999}"#),
            "Requested WriteUnitsPerSecond for WarmThroughput for index index is lower than "
                + "initial throughput for OnDemand", from: create),
        .invalid(
            "CreateTable", provisioned(5, 5, #""WarmThroughput":{"ReadUnitsPerSecond":4}"#),
            "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than "
                + "ReadCapacityUnits of ProvisionedThroughput", from: create),
        .invalid(
            "CreateTable", indexed(",\(JSON.units(1, 1))"),
            "ProvisionedThroughput should not be specified for index: index when BillingMode is "
                + "PAY_PER_REQUEST", from: create),
        .invalid(
            "CreateTable", indexed("", billing: JSON.units(1, 1)),
            "ProvisionedThroughput is not specified for index: index", from: create),
    ]

    @Test("CreateTable refuses throughput as AWS, and makes no table", arguments: creationRules)
    func creation(rule: Rule) async throws {
        let service = try SampleService()
        try await service.refuses(rule)
        #expect(try await service.ok("ListTables", "{}")["TableNames"] as? [String] == [])
    }

    @Test("The most throughput is taken, and the least warm one")
    func bounds() async throws {
        let service = try SampleService()
        let bodies = [
            JSON.table("most", billing: JSON.units(40_000, 40_000)),
            JSON.table(
                "warm",
                more: #""WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000}"#),
            JSON.table("limit", more: #""OnDemandThroughput":{"MaxReadRequestUnits":1}"#),
        ]
        for body in bodies { try await service.ok("CreateTable", body) }
        let limited = try await service.table("limit")
        #expect(number(limited, "OnDemandThroughput", "MaxReadRequestUnits") == 1)
        #expect(number(limited, "OnDemandThroughput", "MaxWriteRequestUnits") == nil)
    }

    // MARK: UpdateTable

    /// UpdateTable of the table `demand` or `units`.
    private static func update(_ table: String, _ more: String) -> String {
        #"{"TableName":"\#(table)",\#(more)}"#
    }

    private static func index(_ more: String) -> String {
        #""GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"index"\#(more)}}]"#
    }

    private static let provisionedMode = #""BillingMode":"PROVISIONED""#

    /// A text on throughput that would not change.
    private static func unchanged(_ owner: String, _ place: String) -> String {
        "The provisioned throughput for \(owner) will not change. The requested value equals the "
            + "current value. Current ReadCapacityUnits provisioned for \(place): 5. Requested "
            + "ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for \(place): 5. "
            + "Requested WriteCapacityUnits: 5. " + limits
    }

    private static let tableRules: [Rule] = [
        Rule(
            "UpdateTable", #"{"TableName":"units"}"#, "ValidationException",
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                + "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, "
                + "MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
                + "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is "
                + "required", from: "ACK, DDB-TABLE-015"),
        Rule(
            "UpdateTable", update("demand", JSON.units(5, 5)), "ValidationException",
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                + "PAY_PER_REQUEST", from: "ACK, DDB-TABLE-152"),
        .invalid(
            "UpdateTable", update("demand", "\(JSON.onDemand),\(JSON.units(5, 5))"),
            "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST",
            from: "ACK, DDB-TABLE-153"),
        .invalid(
            "UpdateTable", update("demand", provisionedMode),
            "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            from: "ACK, DDB-TABLE-152"),
        .invalid(
            "UpdateTable", update("demand", "\(provisionedMode),\(JSON.units(5, 5))"),
            "ProvisionedThroughput must be specified for index: index",
            from: "ACK, DDB-TABLE-152"),
        .invalid(
            "UpdateTable", update("demand", index(",\(JSON.units(5, 5))")),
            "The only Updates for index: index when TableThroughputMode is PAY_PER_REQUEST can be "
                + "to OnDemandThroughput, WarmThroughput", from: "ACK, DDB-TABLE-152"),
        Rule(
            "UpdateTable", update("units", JSON.units(5, 5)), "ValidationException",
            unchanged("the table", "the table"), from: "ACK, DDB-TABLE-437"),
        Rule(
            "UpdateTable", update("units", index(",\(JSON.units(5, 5))")), "ValidationException",
            unchanged("the index index", "index index"), from: "ACK, DDB-TABLE-437"),
        Rule(
            "UpdateTable", update("units", JSON.units(40_001, 1)), "LimitExceededException",
            "The requested ReadCapacityUnits, 40001, is above the per table maximum for the "
                + "account in us-east-1. Per table maximum: 40000. " + limits,
            from: "ACK, DDB-TABLE-157"),
        .invalid(
            "UpdateTable", update("units", #""OnDemandThroughput":{"MaxReadRequestUnits":1}"#),
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table "
                + "BillingMode is PROVISIONED", from: create),
        .invalid(
            "UpdateTable", update("demand", #""OnDemandThroughput":{"MaxReadRequestUnits":0}"#),
            "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
                + "range", from: create),
        .invalid(
            "UpdateTable", update("demand", #""WarmThroughput":{"ReadUnitsPerSecond":11999}"#),
            "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current "
                + "WarmThroughput, decreasing WarmThroughput is not supported",
            from: "ACK, DDB-TABLE-155"),
        .invalid(
            "UpdateTable", update("demand", index(#","WarmThroughput":{}"#)),
            "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond "
                + "specified for index: index", from: "ACK, DDB-TABLE-155"),
    ]

    private static let protection = #""DeletionProtectionEnabled":true"#
    private static let stream =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"#
    private static let warm = #""WarmThroughput":{"ReadUnitsPerSecond":13000}"#

    private static let togetherRules: [Rule] = [
        .invalid(
            "UpdateTable", update("units", #"\#(protection),"SSESpecification":{"Enabled":true}"#),
            "Server-Side Encryption modification must be the only operation in the request",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable", update("units", #"\#(protection),"TableClass":"STANDARD""#),
            "TableClass modification must be the only operation in the request",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable", update("units", "\(protection),\(JSON.units(6, 6))"),
            "DeletionProtection modification must be the only operation in the request",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable", update("units", "\(warm),\(JSON.units(6, 6))"),
            "WarmThroughput modification must be the only operation in the request",
            from: "ACK, DDB-TABLE-174"),
        .invalid(
            "UpdateTable",
            update("demand", #"\#(stream),"OnDemandThroughput":{"MaxReadRequestUnits":1}"#),
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
            from: "ACK, DDB-TABLE-155"),
        .invalid(
            "UpdateTable", update("units", "\(stream),\(JSON.units(6, 6))"),
            "You cannot modify stream status while updating table IOPS",
            from: "ACK, DDB-TABLE-382"),
        .invalid(
            "UpdateTable", update("units", #""SSESpecification":{"Enabled":false}"#),
            "Table is already encrypted by default", from: "ACK, DDB-TABLE-433"),
        Rule("UpdateTable", update("units", #""ReplicaUpdates":[]"#)),
        Rule("UpdateTable", update("units", #""MultiRegionConsistency":"STRONG""#)),
        Rule("UpdateTable", update("units", #""GlobalTableWitnessUpdates":[]"#)),
        // Vector indexes are unknown members, so nothing would change.
        Rule("UpdateTable", update("units", #""VectorIndexUpdates":[]"#)),
    ]

    /// A service with a table on demand and one with 5 units, each with an index.
    private func service() async throws -> SampleService {
        let service = try SampleService()
        let units = JSON.units(5, 5)
        let tables = [("demand", JSON.onDemand, ""), ("units", units, ",\(units)")]
        for (name, billing, more) in tables {
            let index = JSON.index("index", ["Hp"], more)
            try await service.ok(
                "CreateTable",
                JSON.table(
                    name, billing: billing, more: #""GlobalSecondaryIndexes":[\#(index)]"#))
        }
        return service
    }

    @Test(
        "UpdateTable refuses throughput and combinations as AWS, and changes nothing",
        arguments: tableRules + togetherRules)
    func changes(rule: Rule) async throws {
        let service = try await service()
        let before = await [service.tableText("demand"), service.tableText("units")]
        try await service.refuses(rule)
        #expect(await [service.tableText("demand"), service.tableText("units")] == before)
    }

    // MARK: Descriptions

    private func number(_ table: Object, _ member: String, _ name: String) -> Int? {
        (table[member] as? Object)?[name] as? Int
    }

    private func index(_ table: Object) throws -> Object {
        try #require((table["GlobalSecondaryIndexes"] as? [Object])?.first)
    }

    @Test("Tables and indexes are warm for what AWS gives them, with a status")
    func warmth() async throws {
        let service = try await service()
        for (name, read, write) in [("demand", 12_000, 4000), ("units", 5, 5)] {
            let table = try await service.table(name)
            for owner in [table, try index(table)] {
                let warm = owner["WarmThroughput"] as? Object
                #expect(warm?["ReadUnitsPerSecond"] as? Int == read)
                #expect(warm?["WriteUnitsPerSecond"] as? Int == write)
                #expect(warm?["Status"] as? String == "ACTIVE")
            }
        }
        try await service.ok("UpdateTable", Self.update("units", JSON.units(2, 9)))
        let lower = try await service.table("units")
        #expect(number(lower, "WarmThroughput", "ReadUnitsPerSecond") == 5)
        #expect(number(lower, "WarmThroughput", "WriteUnitsPerSecond") == 9)
        try await service.ok("UpdateTable", Self.update("demand", Self.warm))
        let warmer = try await service.table("demand")
        #expect(number(warmer, "WarmThroughput", "ReadUnitsPerSecond") == 13_000)
        #expect(number(warmer, "WarmThroughput", "WriteUnitsPerSecond") == 4000)
    }

    @Test("Increases and decreases are counted by the day")
    func dates() async throws {
        let service = try await service()
        try await service.ok("UpdateTable", Self.update("units", JSON.units(6, 4)))
        let mixed = try await service.table("units")
        #expect(number(mixed, "ProvisionedThroughput", "NumberOfDecreasesToday") == 1)
        let throughput = try #require(mixed["ProvisionedThroughput"] as? Object)
        #expect(throughput["LastIncreaseDateTime"] as? Double == Self.start)
        #expect(throughput["LastDecreaseDateTime"] as? Double == Self.start)
        try await service.ok("UpdateTable", Self.update("units", JSON.units(5, 4)))
        let lower = try await service.table("units")
        #expect(number(lower, "ProvisionedThroughput", "NumberOfDecreasesToday") == 2)
        service.advance(by: 86_400)
        let next = try await service.table("units")
        #expect(number(next, "ProvisionedThroughput", "NumberOfDecreasesToday") == 0)
        #expect(number(next, "ProvisionedThroughput", "ReadCapacityUnits") == 5)
    }

    /// The error for one more decrease, and the times in it.
    private static func tooMany(
        _ body: String, _ count: Int, last: String, next: String
    ) -> Rule {
        Rule(
            "UpdateTable", body, "LimitExceededException",
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
                + "given UTC day. After the first 4 decreases, each subsequent decrease in the "
                + "same UTC day can be performed at most once every 3600 seconds. Number of "
                + "decreases today: \(count). Last decrease at \(last) Coordinated Universal Time. "
                + "Next decrease can be made at \(next) Coordinated Universal Time",
            from: "ACK, DDB-TABLE-326")
    }

    @Test(
        "After four decreases on a day, the next ones are an hour apart",
        arguments: [3599.999, 3600])
    func decreases(seconds: Double) async throws {
        let service = try await service()
        func set(_ read: Int, _ write: Int) -> String {
            Self.update("units", JSON.units(read, write))
        }
        try await service.ok("UpdateTable", set(20, 20))
        // One that also increases is a decrease.
        for (read, write) in [(19, 19), (18, 18), (17, 17), (16, 30)] {
            try await service.ok("UpdateTable", set(read, write))
        }
        let day = "Wednesday, November 5, 2025 at"
        let before = await service.tableText("units")
        for body in [set(15, 30), set(15, 40), set(15, 29)] {
            try await service.refuses(
                Self.tooMany(body, 4, last: "\(day) 12:00:00 AM", next: "\(day) 1:00:00 AM"))
        }
        // Its index has a count of its own, and is not changed if the table may not be.
        let both = Self.update(
            "units", "\(JSON.units(15, 30)),\(Self.index(",\(JSON.units(4, 4))"))")
        try await service.refuses(
            Self.tooMany(both, 4, last: "\(day) 12:00:00 AM", next: "\(day) 1:00:00 AM"))
        #expect(await service.tableText("units") == before)
        for units in [4, 3, 2, 1] {
            try await service.ok(
                "UpdateTable", Self.update("units", Self.index(",\(JSON.units(units, units))")))
        }
        try await service.ok("UpdateTable", set(20, 30))
        service.advance(by: seconds)
        guard seconds >= 3600 else {
            try await service.refuses(
                Self.tooMany(
                    set(19, 30), 4, last: "\(day) 12:00:00 AM", next: "\(day) 1:00:00 AM"))
            return
        }
        try await service.ok("UpdateTable", set(19, 30))
        let table = try await service.table("units")
        #expect(number(table, "ProvisionedThroughput", "NumberOfDecreasesToday") == 5)
        let index = try index(table)
        #expect(number(index, "ProvisionedThroughput", "NumberOfDecreasesToday") == 4)
        try await service.refuses(
            Self.tooMany(set(18, 30), 5, last: "\(day) 1:00:00 AM", next: "\(day) 2:00:00 AM"))
    }

    @Test("A new day in UTC begins a new count of decreases")
    func midnight() async throws {
        let service = try await service()
        service.advance(by: 84_600)
        func set(_ units: Int) -> String { Self.update("units", JSON.units(units, 5)) }
        for units in [4, 3, 2, 1] { try await service.ok("UpdateTable", set(units)) }
        try await service.ok("UpdateTable", set(9))
        service.advance(by: 1799)
        try await service.refuses(
            Self.tooMany(
                set(8), 4, last: "Wednesday, November 5, 2025 at 11:30:00 PM",
                next: "Thursday, November 6, 2025 at 12:00:00 AM"))
        service.advance(by: 1)
        for (count, units) in [8, 7, 6, 5].enumerated() {
            try await service.ok("UpdateTable", set(units))
            let table = try await service.table("units")
            #expect(number(table, "ProvisionedThroughput", "NumberOfDecreasesToday") == count + 1)
        }
        try await service.refuses(
            Self.tooMany(
                set(4), 4, last: "Thursday, November 6, 2025 at 12:00:00 AM",
                next: "Thursday, November 6, 2025 at 1:00:00 AM"))
    }

    @Test("The billing changes both ways, and indexes with it")
    func billing() async throws {
        let service = try await service()
        let made = try await service.table("demand")
        let summary = made["BillingModeSummary"] as? Object
        #expect(summary?["BillingMode"] as? String == "PAY_PER_REQUEST")
        #expect(summary?["LastUpdateToPayPerRequestDateTime"] as? Double == Self.start)
        #expect(try await service.table("units")["BillingModeSummary"] == nil)
        // The same billing again is no change, and no error.
        try await service.ok("UpdateTable", Self.update("demand", JSON.onDemand))

        service.advance(by: 60)
        let index = Self.index(",\(JSON.units(3, 4))")
        let answer = try await service.ok(
            "UpdateTable",
            Self.update("demand", "\(Self.provisionedMode),\(JSON.units(7, 8)),\(index)"))
        let description = try #require(answer["TableDescription"] as? Object)
        #expect(description["TableStatus"] as? String == "UPDATING")
        let units = try await service.table("demand")
        #expect(units["TableStatus"] as? String == "ACTIVE")
        let now = units["BillingModeSummary"] as? Object
        #expect(now?["BillingMode"] as? String == "PROVISIONED")
        #expect(number(units, "ProvisionedThroughput", "WriteCapacityUnits") == 8)
        #expect(number(try self.index(units), "ProvisionedThroughput", "WriteCapacityUnits") == 4)
        #expect(number(units, "WarmThroughput", "ReadUnitsPerSecond") == 12_000)

        try await service.ok("UpdateTable", Self.update("units", JSON.onDemand))
        let onDemand = try await service.table("units")
        #expect(number(onDemand, "ProvisionedThroughput", "ReadCapacityUnits") == 0)
        #expect(number(try self.index(onDemand), "ProvisionedThroughput", "ReadCapacityUnits") == 0)
        let changed = (onDemand["BillingModeSummary"] as? Object)?[
            "LastUpdateToPayPerRequestDateTime"]
        #expect(changed as? Double == Self.start + 60)
    }

    @Test("Limits on demand are set, removed, and end with the billing")
    func onDemandLimits() async throws {
        let service = try await service()
        func limits(_ table: Object) -> [Int?] {
            ["Read", "Write"].map {
                number(table, "OnDemandThroughput", "Max\($0)RequestUnits")
            }
        }
        /// The limits in the response of an UpdateTable, and then in a description.
        func changed(_ members: String) async throws -> [[Int?]] {
            let answer = try await service.ok(
                "UpdateTable", Self.update("demand", #""OnDemandThroughput":{\#(members)}"#))
            let response = try #require(answer["TableDescription"] as? Object)
            let table = try await service.table("demand")
            return [limits(response), limits(table)]
        }
        let (read, write) = (#""MaxReadRequestUnits":"#, #""MaxWriteRequestUnits":"#)
        #expect(try await limits(service.table("demand")) == [nil, nil])
        #expect(try await changed(read + "10") == [[10, nil], [10, nil]])
        #expect(try await changed(write + "5") == [[10, 5], [10, 5]])
        #expect(try await changed(read + "-1") == [[-1, 5], [nil, 5]])
        #expect(try await changed(write + "-1") == [[nil, -1], [nil, nil]])
        #expect(try await service.table("demand")["OnDemandThroughput"] == nil)
        #expect(try await changed(read + "7") == [[7, nil], [7, nil]])
        let (units, index) = (JSON.units(5, 5), Self.index(",\(JSON.units(5, 5))"))
        try await service.ok(
            "UpdateTable", Self.update("demand", "\(Self.provisionedMode),\(units),\(index)"))
        #expect(try await limits(service.table("demand")) == [nil, nil])
    }

    @Test("The class of a table changes, and encryption is switched on and off")
    func classes() async throws {
        let service = try await service()
        try await service.ok(
            "UpdateTable", Self.update("units", #""TableClass":"STANDARD_INFREQUENT_ACCESS""#))
        let summary = try await service.table("units")["TableClassSummary"] as? Object
        #expect(summary?["TableClass"] as? String == "STANDARD_INFREQUENT_ACCESS")
        #expect(summary?["LastUpdateDateTime"] as? Double == Self.start)
        try await service.ok(
            "UpdateTable", Self.update("units", #""SSESpecification":{"Enabled":true}"#))
        try await service.ok(
            "UpdateTable", Self.update("units", #""SSESpecification":{"Enabled":false}"#))
        #expect(try await service.table("units")["SSEDescription"] == nil)
    }

    @Test("The present key is refused by its ARN alone")
    func presentKey() async throws {
        let service = try await service()
        let arn = "arn:aws:kms:us-east-1:000000000000:key/k"
        func body(_ key: String) -> String {
            Self.update(
                "units", #""SSESpecification":{"SSEType":"KMS","KMSMasterKeyId":"\#(key)"}"#)
        }
        for key in ["k", "k"] {
            try await service.ok("UpdateTable", body(key))
            let encryption = try await service.table("units")["SSEDescription"] as? Object
            #expect(encryption?["KMSMasterKeyArn"] as? String == arn)
        }
        try await service.refuses(
            .invalid(
                "UpdateTable", body(arn),
                "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId "
                    + "parameter if you want to change Master Key", from: "ACK, DDB-TABLE-082"))
    }
}
