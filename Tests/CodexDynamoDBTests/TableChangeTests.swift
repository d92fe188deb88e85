import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

@testable import CodexDynamoDB

/// Changes of tables at the same moment, at the limit of trees, and that are not complete.
@Suite("Changes of tables")
struct TableChangeTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let stream =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#
    private static let named = #"{"TableName":"table"}"#

    /// Options with which nothing is built before a test asks for it.
    private static var onDemand: StoreOptions {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        return options
    }

    private static func put(_ key: String, _ service: SampleService) async throws {
        try await service.ok("PutItem", #"{"TableName":"table","Item":{"p":{"S":"\#(key)"}}}"#)
    }

    private static func update(_ change: String, _ more: String = "") -> String {
        #"{"TableName":"table","GlobalSecondaryIndexUpdates":[\#(change)]\#(more)}"#
    }

    // MARK: The same moment

    @Test("Of several CreateTables, one makes the table, with its own settings")
    func creations() async throws {
        let service = try SampleService()
        for round in 0..<10 {
            let name = "table\(round)"
            let types = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
                for units in 1...8 {
                    group.addTask {
                        let body = JSON.table(name, billing: JSON.units(units, units))
                        return (units, try await service.ask("CreateTable", body).type)
                    }
                }
                var answers: [Int: String?] = [:]
                for try await (units, type) in group { answers[units] = .some(type) }
                return answers
            }
            let made = types.filter { $0.value == nil }.map(\.key)
            #expect(made.count == 1)
            #expect(types.values.allSatisfy { $0 == nil || $0 == "ResourceInUseException" })
            let throughput = try await service.table(name)["ProvisionedThroughput"] as? Object
            #expect(throughput?["ReadCapacityUnits"] as? Int == made.first)
        }
    }

    @Test("An UpdateTable that another one lets be refused adds no index")
    func updates() async throws {
        let service = try SampleService()
        for round in 0..<10 {
            let name = "table\(round)"
            try await service.ok("CreateTable", JSON.table(name, billing: JSON.units(1, 1)))
            let index = JSON.index("by-x", ["Hx"], "," + JSON.units(1, 1))
            let creation =
                #"{"TableName":"\#(name)",\#(JSON.definitions(["Sx"])),"#
                + #""GlobalSecondaryIndexUpdates":[{"Create":\#(index)}]}"#
            async let added = service.ask("UpdateTable", creation).type
            async let billed = service.ask(
                "UpdateTable", #"{"TableName":"\#(name)",\#(JSON.onDemand)}"#
            ).type
            let (refusal, other) = (try await added, try await billed)
            #expect(other == nil)
            let indexes = try await service.table(name)["GlobalSecondaryIndexes"] as? [Object]
            #expect((indexes?.count ?? 0) == (refusal == nil ? 1 : 0))
        }
    }

    @Test("A change that was cancelled while it waited lets the next one begin")
    func cancelled() async throws {
        let service = try SampleService()
        let tasks = (0..<8).map { number in
            _Concurrency.Task {
                try await service.ask("CreateTable", JSON.table("table\(number)")).type
            }
        }
        for task in tasks { task.cancel() }
        for task in tasks { _ = try await task.value }
        try await service.ok("CreateTable", JSON.table())
    }

    @Test("A table is removed by its number, and not a newer one of its name")
    func number() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        let number = try service.store.number(of: "table")
        try await service.ok("DeleteTable", Self.named)
        try await service.ok("CreateTable", JSON.table())
        try await Self.put("a", service)
        await #expect(throws: CodexError(.unknownTable, "")) {
            _ = try await service.store.removal(of: "table", number: number)
        }
        #expect(try await service.ok("Scan", Self.named)["Count"] as? Int == 1)
        let present = try service.store.number(of: "table")
        #expect(present != number)
        _ = try await service.store.removal(of: "table", number: present)
        #expect(throws: CodexError(.unknownTable, "")) { try service.store.number(of: "table") }
    }

    // MARK: Several services

    @Test("Of several services, as of several processes, one makes a table, with its own settings")
    func creationsOfServices() async throws {
        let service = try SampleService()
        let store = service.store
        for round in 0..<20 {
            let name = "table\(round)"
            let statuses = await withTaskGroup(of: (Int, Int).self) { group in
                for units in 1...8 {
                    group.addTask {
                        // No service knows of another.
                        let body = JSON.table(name, billing: JSON.units(units, units))
                        let response = await DynamoDBService(store).response(
                            target: "DynamoDB_20120810.CreateTable", body: Array(body.utf8))
                        return (units, response.status)
                    }
                }
                var statuses: [Int: Int] = [:]
                for await (units, status) in group { statuses[units] = status }
                return statuses
            }
            let made = statuses.filter { $0.value == 200 }.map(\.key)
            #expect(made.count == 1)
            let throughput = try await service.table(name)["ProvisionedThroughput"] as? Object
            #expect(throughput?["ReadCapacityUnits"] as? Int == made.first)
        }
    }

    @Test("A table that a program makes while a service does is not the service's")
    func foreignTable() async throws {
        let service = try SampleService()
        let definition = TableDefinition("table", partitionKey: KeyAttribute("p"))
        let input = try RequestParameters(
            Array(JSON.table(billing: JSON.units(3, 3)).utf8), RequestBudget())
        let creation = try TableCreation(input, service.service)
        let record = try await service.service.storeRecord(of: creation)
        try await service.store.addTable(definition)
        await #expect(throws: ServiceError.self) {
            try await service.service.storeRecord(of: creation)
        }
        try await service.service.removeRecord(of: "table", id: "another")
        #expect(try service.service.record(of: "table").id == record.id)
        try await service.service.removeRecord(of: "table", id: record.id)
        #expect(try service.service.record(of: "table").provisioned == nil)
    }

    @Test("A change of the settings of a table is none of a newer one of its name")
    func settingsOfFormer() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        let number = try service.store.number(of: "table")
        try await service.ok("DeleteTable", Self.named)
        try await service.ok("CreateTable", JSON.table(more: Self.stream))
        let before = await service.tableText()
        let missing = TableMessages.notFound("table")
        let refusal = await #expect(throws: ServiceError.self) {
            try await service.service.change(
                "table", number: number, orThrow: missing
            ) { record, _, _ in record.isProtected = true }
        }
        #expect(refusal?.type == "ResourceNotFoundException")
        let other = await #expect(throws: ServiceError.self) {
            try await service.service.prepareRemoval("table", number: number, orThrow: missing)
        }
        #expect(other?.type == "ResourceNotFoundException")
        #expect(await service.tableText() == before)
    }

    @Test("A table that another process protects while it is deleted stays")
    func protectedMeanwhile() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table())
        let store = service.store
        // The service asks for the time after it has checked the table first.
        let deleting = DynamoDBService(
            store,
            now: {
                try? store.write { transaction in
                    let key = PrimaryKey("table")
                    let stored = try transaction.item(in: TableRecord.tableName, key: key)
                    guard var record = stored else { return }
                    record["isProtected"] = .bool(true)
                    try transaction.put(record, in: TableRecord.tableName)
                }
                return Date()
            })
        let response = await deleting.response(
            target: "DynamoDB_20120810.DeleteTable", body: Array(Self.named.utf8))
        #expect(response.status == 400)
        #expect(store.definition(of: "table") != nil)
    }

    // MARK: Interruptions

    /// Refuses all commits after some.
    private final class Commits: Sendable {
        private let rest = Mutex<Int?>(nil)

        func allow(_ count: Int?) { rest.withLock { $0 = count } }

        func next() throws {
            let isRefused = rest.withLock { rest -> Bool in
                guard let count = rest else { return false }
                rest = max(0, count - 1)
                return count == 0
            }
            if isRefused { throw CodexError(.commitFailed, "The test asked for it.") }
        }
    }

    /// The records of a stream.
    private func records(_ arn: String, _ service: SampleService) async throws -> [Object] {
        // A page may be empty: it ends after some bytes of the log, and definitions of tables are
        // there, too.
        var iterator: String? = try await service.iterator(of: arn)
        for _ in 0..<10 {
            guard let text = iterator else { break }
            let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(text)"}"#)
            let records = page["Records"] as? [Object] ?? []
            if !records.isEmpty { return records }
            iterator = page["NextShardIterator"] as? String
        }
        return []
    }

    @Test("A stream survives a DeleteTable that is interrupted anywhere", arguments: 0...3)
    func interruptedDeletion(commitCount: Int) async throws {
        let commits = Commits()
        var options = Self.onDemand
        options.parts.beforeCommit = { try commits.next() }
        let service = try SampleService(options: options)
        try await service.ok("CreateTable", JSON.table(more: Self.stream))
        let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
        try await Self.put("a", service)
        try await Self.put("b", service)
        // Two commits ask the test. The removal of the table, between them, does not.
        commits.allow(commitCount)
        let deletion = try await service.ask("DeleteTable", Self.named)
        commits.allow(nil)
        #expect((deletion.type == nil) == (commitCount >= 2), "\(deletion.message)")
        #expect(try await records(arn, service).count == 2)
        let isThere = service.store.definition(of: "table") != nil
        #expect(isThere == (commitCount < 1))
        func labels() async throws -> Int? {
            (try await service.ok("ListStreams", "{}")["Streams"] as? [Object])?.count
        }
        #expect(try await labels() == 1)
        if isThere {
            // The stream continues.
            try await Self.put("c", service)
            #expect(try await records(arn, service).count == 3)
            try await service.ok("DeleteTable", Self.named)
            #expect(try await records(arn, service).count == 3)
            #expect(try await labels() == 1)
            return
        }
        // Another table of the name has another key and another stream.
        let other = JSON.table(keys: ["Hq"], names: ["Sq"], more: Self.stream)
        try await service.ok("CreateTable", other)
        let latest = try #require(try await service.table()["LatestStreamArn"] as? String)
        #expect(latest != arn)
        #expect(try await labels() == 2)
        let keys = try await records(arn, service).map {
            ($0["dynamodb"] as? Object)?["Keys"] as? Object
        }
        #expect(keys.compactMap { ($0?["p"] as? Object)?["S"] as? String } == ["a", "b"])
    }

    @Test("A stream ends with the removal of its table, also if the process ends then")
    func streamEnd() async throws {
        let commits = Commits()
        var options = Self.onDemand
        options.parts.beforeCommit = { try commits.next() }
        let service = try SampleService(options: options)
        try await service.ok("CreateTable", JSON.table(more: Self.stream))
        let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
        let number = try service.store.number(of: "table")
        // The commit after the removal is refused.
        commits.allow(1)
        let deletion = try await service.ask("DeleteTable", Self.named)
        commits.allow(nil)
        #expect(deletion.type != nil)
        let removal = try #require(try service.store.removalCommit(ofTable: number))
        let answer = try await service.ok("DescribeStream", #"{"StreamArn":"\#(arn)"}"#)
        let shards = (answer["StreamDescription"] as? Object)?["Shards"] as? [Object]
        let range = shards?.first?["SequenceNumberRange"] as? Object
        let end = try #require(range?["EndingSequenceNumber"] as? String)
        #expect(UInt64(end.prefix(20)) == removal)
    }

    // MARK: Limits

    @Test(
        "A table with a stream can be deleted at the limit of trees", .timeLimit(.minutes(30)),
        arguments: [(0, true), (1, false), (3, false)])
    func trees(otherCount: Int, fits: Bool) async throws {
        let indexes = (0..<20).map {
            IndexDefinition("index\($0)", partitionKey: [KeyAttribute("g")])
        }
        // The service's own tables have three trees, and the new table has one.
        let count = StoreLimits.treeCountMax - 4 + otherCount
        let full = (0..<(count / 21)).map {
            TableDefinition("full\($0)", partitionKey: KeyAttribute("p"), indexes: indexes)
        }
        let small = (0..<(count % 21)).map {
            TableDefinition("small\($0)", partitionKey: KeyAttribute("p"))
        }
        let service = try SampleService(
            Schema(tables: full + small), options: StoreOptions(durability: .none))
        let answer = try await service.ask("CreateTable", JSON.table(more: Self.stream))
        #expect(answer.type == (fits ? nil : "LimitExceededException"), "\(answer.message)")
        if !fits, service.store.definition(of: TableRecord.tableName) != nil {
            let key = PrimaryKey("table")
            #expect(try service.store.item(in: TableRecord.tableName, key: key) == nil)
        }
        if fits {
            let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
            try await Self.put("a", service)
            try await service.ok("DeleteTable", Self.named)
            #expect(try await records(arn, service).count == 1)
        } else if otherCount == 3 {
            let update = try await service.ask(
                "UpdateTable", #"{"TableName":"full0",\#(Self.stream)}"#)
            #expect(update.type == "LimitExceededException", "\(update.message)")
        }
    }

    // MARK: Incomplete changes

    private func build(_ service: SampleService) throws {
        while try service.store.build() == .more {}
    }

    @Test("A time to live is not changed before the last change is complete")
    func timeToLive() async throws {
        let service = try SampleService(options: Self.onDemand)
        func body(_ isEnabled: Bool) -> String {
            #"{"TableName":"table","TimeToLiveSpecification":{"Enabled":\#(isEnabled),"#
                + #""AttributeName":"t"}}"#
        }
        try await service.ok("CreateTable", JSON.table())
        for isEnabled in [true, false] {
            try await service.ok("UpdateTimeToLive", body(isEnabled))
            try await service.refuses(
                Rule(
                    "UpdateTimeToLive", body(!isEnabled), "ValidationException",
                    "Time to live has been modified multiple times within a fixed interval"))
            try build(service)
        }
        try await service.ok("UpdateTimeToLive", body(true))
    }

    @Test("An index can be deleted while it is built, and no other one be changed")
    func indexBuild() async throws {
        let service = try SampleService(options: Self.onDemand)
        let other = JSON.index("other", ["Hy"])
        try await service.ok(
            "CreateTable",
            JSON.table(names: ["Sp", "Sy"], more: #""GlobalSecondaryIndexes":[\#(other)]"#))
        for number in 0..<5 {
            try await service.ok(
                "PutItem",
                #"{"TableName":"table","Item":{"p":{"S":"\#(number)"},"x":{"S":"b"}}}"#)
        }
        func create(_ name: String) -> String {
            Self.update(
                #"{"Create":\#(JSON.index(name, ["Hx"]))}"#, "," + JSON.definitions(["Sx"]))
        }
        func delete(_ name: String) -> String {
            Self.update(#"{"Delete":{"IndexName":"\#(name)"}}"#)
        }
        try await service.ok("UpdateTable", create("new"))
        for body in [create("next"), delete("other")] {
            try await service.refuses(Rule("UpdateTable", body, "LimitExceededException"))
        }
        try await service.refuses(Rule("DeleteTable", Self.named, "ResourceInUseException"))
        _ = try service.store.build(stepCountMax: 1)
        try await service.ok("UpdateTable", delete("new"))
        try await service.ok("UpdateTable", create("new"))
        try build(service)
        #expect(try service.store.verify().isSound)
        let page = try await service.ok("Scan", #"{"TableName":"table","IndexName":"new"}"#)
        #expect(page["Count"] as? Int == 5)
    }
}
