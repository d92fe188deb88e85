import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Records of tables, whose tables other programs make, change and remove.
@Suite("Records of tables")
struct TableRecordTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let stream =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#
    private static let named = #"{"TableName":"table"}"#
    private static let definition = TableDefinition("table", partitionKey: KeyAttribute("p"))
    private static let key = PrimaryKey("table")

    /// Refuses commits with changes of items, if it is told so after some.
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

    private let commits = Commits()

    private func service() throws -> SampleService {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        options.parts.beforeCommit = { [commits] in try commits.next() }
        return try SampleService(options: options)
    }

    private func put(_ key: String, _ service: SampleService) async throws {
        try await service.ok("PutItem", #"{"TableName":"table","Item":{"p":{"S":"\#(key)"}}}"#)
    }

    private func tag(_ service: SampleService) async throws {
        try await service.ok(
            "TagResource",
            #"{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/table","#
                + #""Tags":[{"Key":"k","Value":"v"}]}"#)
    }

    private func stored(_ service: SampleService) throws -> Item? {
        try service.store.item(in: TableRecord.tableName, key: Self.key)
    }

    private func units(_ service: SampleService) async throws -> Int? {
        let throughput = try await service.table()["ProvisionedThroughput"] as? Object
        return throughput?["ReadCapacityUnits"] as? Int
    }

    /// The partition keys of a stream's records.
    private func keys(_ arn: String, _ service: SampleService) async throws -> [String] {
        // A page may be empty: definitions of tables are in the log, too.
        var iterator: String? = try await service.iterator(of: arn)
        var keys: [String] = []
        for _ in 0..<10 {
            guard let text = iterator else { break }
            let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(text)"}"#)
            for record in page["Records"] as? [Object] ?? [] {
                let key = (record["dynamodb"] as? Object)?["Keys"] as? Object
                keys.append(try #require((key?["p"] as? Object)?["S"] as? String))
            }
            iterator = page["NextShardIterator"] as? String
        }
        return keys
    }

    // MARK: Numbers

    @Test("A table that a program makes has nothing of a former one of its name")
    func former() async throws {
        let service = try service()
        try await service.ok(
            "CreateTable", JSON.table(billing: JSON.units(3, 3), more: Self.stream))
        let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
        try await put("a", service)
        // The commit after the removal is refused, as if the process had been killed.
        commits.allow(1)
        let deletion = try await service.ask("DeleteTable", Self.named)
        commits.allow(nil)
        #expect(deletion.type != nil)
        #expect(try stored(service) != nil)
        try await service.store.addTable(Self.definition)
        try await put("b", service)
        for _ in 0..<2 {
            #expect(try await units(service) == 0)
            #expect(try await service.table()["LatestStreamArn"] == nil)
            let listed = try await service.ok("ListStreams", "{}")["Streams"] as? [Object]
            #expect(listed?.map { $0["StreamArn"] as? String } == [arn])
            #expect(try await keys(arn, service) == ["a"])
            // A change of the settings replaces the record.
            try await tag(service)
        }
    }

    @Test("A record of an earlier release is that of the table, and gets its number")
    func earlier() async throws {
        let service = try service()
        try await service.ok(
            "CreateTable", JSON.table(billing: JSON.units(3, 3), more: Self.stream))
        let number = try service.store.number(of: "table")
        let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
        try await put("a", service)
        for isChanged in [true, false] {
            try await service.store.write { transaction in
                let stored = try transaction.item(in: TableRecord.tableName, key: Self.key)
                var item = try #require(stored)
                item["tableNumber"] = nil
                try transaction.put(item, in: TableRecord.tableName)
            }
            #expect(try await units(service) == 3)
            guard isChanged else { break }
            try await tag(service)
            #expect(try stored(service)?["tableNumber"] == .number(Number(number)))
        }
        // Before the removal, the record gets the number.
        commits.allow(1)
        let deletion = try await service.ask("DeleteTable", Self.named)
        commits.allow(nil)
        #expect(deletion.type != nil)
        #expect(try stored(service)?["tableNumber"] == .number(Number(number)))
        try await service.store.addTable(Self.definition)
        #expect(try await units(service) == 0)
        #expect(try await keys(arn, service) == ["a"])
    }

    @Test("The end of a DeleteTable leaves the record of a newer table")
    func newer() async throws {
        let service = try service()
        try await service.store.addTable(Self.definition)
        // Tables that the service did not make have one identifier.
        try await tag(service)
        let missing = TableMessages.notFound("table")
        let (table, record) = try service.service.present("table", orThrow: missing)
        let commit = try await service.store.removal(of: "table", number: table.number)
        try await service.store.addTable(Self.definition)
        try await tag(service)
        try await service.service.forget(table.definition, table.number, record, at: commit)
        let newer = try service.service.record(of: "table")
        #expect(newer.id == record.id && newer.tags.all.count == 1)
    }

    @Test("A record whose table was not made is that of no later table")
    func pending() async throws {
        let service = try service()
        let input = try RequestParameters(
            Array(JSON.table(billing: JSON.units(3, 3)).utf8), RequestBudget())
        let creation = try TableCreation(input, service.service)
        _ = try await service.service.storeRecord(of: creation)
        for name in ["other", "table"] {
            try await service.store.addTable(
                TableDefinition(name, partitionKey: KeyAttribute("p")))
        }
        #expect(try service.service.record(of: "table").provisioned == nil)
    }

    @Test("Several services make tables at once, each with its own settings")
    func creations() async throws {
        let service = try service()
        let store = service.store
        for round in 0..<10 {
            await withTaskGroup(of: Void.self) { group in
                for units in 1...8 {
                    group.addTask {
                        let body = JSON.table(
                            "table\(round)-\(units)", billing: JSON.units(units, units))
                        let response = await DynamoDBService(store).response(
                            target: "DynamoDB_20120810.CreateTable", body: Array(body.utf8))
                        #expect(response.status == 200)
                    }
                }
            }
            for units in 1...8 {
                let table = try await service.table("table\(round)-\(units)")
                let throughput = table["ProvisionedThroughput"] as? Object
                #expect(throughput?["ReadCapacityUnits"] as? Int == units)
            }
        }
    }

    // MARK: Streams

    @Test("A stream that ends while its records are read has no later ones")
    func endedMeanwhile() async throws {
        let meanwhile = Mutex<(@Sendable () -> Void)?>(nil)
        var options = StoreOptions()
        options.parts.resumption = { number in
            let action = meanwhile.withLock { action in
                defer { action = nil }
                return action
            }
            action?()
            return number
        }
        let service = try SampleService(options: options)
        let store = service.store
        try await service.ok("CreateTable", JSON.table(more: Self.stream))
        let arn = try #require(try await service.table()["LatestStreamArn"] as? String)
        try await put("a", service)
        let iterator = try await service.iterator(of: arn)
        meanwhile.withLock { action in
            action = {
                try? store.write { transaction in
                    let item = try transaction.item(in: TableRecord.tableName, key: Self.key)
                    guard let item else { return }
                    var record = TableRecord(item, "table")
                    let end = try transaction.nextCommit
                    record.stream?.close(after: end, at: SampleService.start * 1000)
                    try transaction.put(record.item, in: TableRecord.tableName)
                }
                _ = try? store.write { try $0.put(["p": "b"], in: "table") }
            }
        }
        let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#)
        #expect((page["Records"] as? [Object])?.count == 1)
        #expect(page["NextShardIterator"] == nil)
        #expect(try store.item(in: "table", key: PrimaryKey("b")) != nil)
    }

    @Test("A new stream has no label that another process has just given")
    func label() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let store = temporary.store
        for table in [TableRecord.definition, StreamRecord.definition] {
            try await store.addTable(table)
        }
        // Each look at the clock stores a stream, until the table's own one is stored.
        let count = Mutex(0)
        let service = DynamoDBService(
            store,
            now: {
                let later = count.withLock { count in
                    count += 1
                    return count
                }
                try? store.write { transaction in
                    let own = try transaction.item(in: TableRecord.tableName, key: Self.key)
                    guard own == nil else { return }
                    let point = StreamPoint(
                        commit: 0, instant: SampleService.start * 1000 + later)
                    let stream = TableStream(view: .keysOnly, at: point)
                    let record = StreamRecord(Self.definition, stream)
                    try transaction.put(record.item, in: StreamRecord.tableName)
                }
                return Date(timeIntervalSince1970: Double(SampleService.start))
            })
        let response = await service.response(
            target: "DynamoDB_20120810.CreateTable",
            body: Array(JSON.table(more: Self.stream).utf8))
        #expect(response.status == 200)
        let own = try #require(try service.record(of: "table").stream?.label)
        let others = try temporary.store.read { try StreamRecord.former(of: "table", in: $0) }
        #expect(!others.isEmpty)
        #expect(!others.map(\.stream.label).contains(own))
    }

    // MARK: Indexes

    @Test("An index is removed first: what its record has is not seen any more")
    func removedIndex() async throws {
        let service = try service()
        func index(_ units: Int) -> String {
            JSON.index("by-x", ["Hx"], "," + JSON.units(units, units))
        }
        func update(_ change: String, _ more: String = "") -> String {
            #"{"TableName":"table","GlobalSecondaryIndexUpdates":[\#(change)]\#(more)}"#
        }
        try await service.ok(
            "CreateTable",
            JSON.table(
                names: ["Sp", "Sx"], billing: JSON.units(1, 1),
                more: #""GlobalSecondaryIndexes":[\#(index(5))]"#))
        commits.allow(0)
        try await service.ok("UpdateTable", update(#"{"Delete":{"IndexName":"by-x"}}"#))
        commits.allow(nil)
        #expect(try await service.table()["GlobalSecondaryIndexes"] == nil)
        #expect(try service.service.record(of: "table")[index: "by-x"].provisioned.read == 5)
        try await service.ok(
            "UpdateTable",
            update(#"{"Create":\#(index(2))}"#, "," + JSON.definitions(["Sx"])))
        let indexes = try await service.table()["GlobalSecondaryIndexes"] as? [Object]
        let throughput = indexes?.first?["ProvisionedThroughput"] as? Object
        #expect(throughput?["ReadCapacityUnits"] as? Int == 2)
    }

    @Test("An index that a refused request added is removed, and none of another request")
    func otherIndex() async throws {
        let service = try service()
        try await service.ok("CreateTable", JSON.table())
        let number = try service.store.number(of: "table")
        let (own, other) = (
            IndexDefinition("by-x", partitionKey: [KeyAttribute("x")]),
            IndexDefinition("by-x", partitionKey: [KeyAttribute("y")])
        )
        try await service.store.addIndex(other, to: "table")
        let missing = TableMessages.notFound("table")
        let table = try service.service.state(of: "table", orThrow: missing)
        #expect(throws: ServiceError.self) { try DynamoDBService.requireIndex(own, of: table) }
        try DynamoDBService.requireIndex(other, of: table)
        await service.service.withdraw(own, from: "table", number: number)
        #expect(service.store.definition(of: "table")?.indexes == [other])
        await service.service.withdraw(other, from: "table", number: number)
        #expect(service.store.definition(of: "table")?.indexes == [])
    }

    // MARK: Processes

    @Test("A table that another process has removed is not there, and neither is its stream")
    func removedElsewhere() async throws {
        let service = try service()
        let agent = try DrivenAgent()
        try agent.must("open s \(service.store.path) schema=no")
        for stream in [Self.stream, ""] {
            try await service.ok("CreateTable", JSON.table(more: stream))
            let arn = try await service.table()["LatestStreamArn"] as? String
            try agent.must("drop s table")
            // No request tells this process of the removal before.
            guard let arn else { break }
            try await service.refuses(
                Rule(
                    "DescribeStream", #"{"StreamArn":"\#(arn)"}"#, "ResourceNotFoundException"))
        }
        try await service.ok("CreateTable", JSON.table())
        agent.quit()
    }
}
