import CodexCore
import CodexDynamoDB
import CodexDynamoDBFaults
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Global indexes as they were a bounded time ago.
@Suite("Stale indexes")
struct StaleIndexTests {
    /// The age, whose eighth part is 100 milliseconds.
    private static let age = 800

    private func fixture(tables: [String]? = nil) async throws -> FaultFixture {
        let fault = Fault.staleIndex(milliseconds: Self.age)
        let fixture = try FaultFixture([FaultRule(fault, tables: tables)])
        try await fixture.makeTable()
        return fixture
    }

    private func put(_ key: String, _ fixture: FaultFixture) async throws {
        _ = try await fixture.ok("PutItem", FaultFixture.put(key))
    }

    @Test("An index misses a write until it has the age", arguments: ["Query", "Scan"])
    func lateness(operation: String) async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        #expect(try await fixture.indexedKeys(operation) == [])
        #expect(try await fixture.keys() == ["a"])
        fixture.pass(Self.age - 1)
        #expect(try await fixture.indexedKeys(operation) == [])
        fixture.pass(1)
        #expect(try await fixture.indexedKeys(operation) == ["a"])
    }

    @Test("An index still has what was changed or deleted")
    func changes() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        try await put("b", fixture)
        fixture.pass(Self.age)
        let key = #""TableName":"table","Key":{"p":{"S":"a"}}"#
        _ = try await fixture.ok("DeleteItem", "{\(key)}")
        _ = try await fixture.ok(
            "UpdateItem",
            #"""
            {"TableName":"table","Key":{"p":{"S":"b"}},"UpdateExpression":"SET g = :h",
             "ExpressionAttributeValues":{":h":{"S":"h"}}}
            """#)
        #expect(try await fixture.indexedKeys() == ["a", "b"])
        #expect(try await fixture.keys() == ["b"])
        fixture.pass(Self.age)
        #expect(try await fixture.indexedKeys() == [])
    }

    @Test("Writes within an eighth of the age become visible together, and others one by one")
    func steps() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        fixture.pass(99)
        try await put("b", fixture)
        fixture.pass(1)
        try await put("c", fixture)
        // Now: a is 100 ms old, b is 1 ms old, c is new.
        fixture.pass(699)
        #expect(try await fixture.indexedKeys() == [])
        fixture.pass(1)
        #expect(try await fixture.indexedKeys() == ["a", "b"])
        fixture.pass(99)
        #expect(try await fixture.indexedKeys() == ["a", "b"])
        fixture.pass(1)
        #expect(try await fixture.indexedKeys() == ["a", "b", "c"])
    }

    @Test("Every way to write is late in the index")
    func writes() async throws {
        let item = FaultFixture.item("a")
        for (operation, body) in [
            ("BatchWriteItem", #"{"RequestItems":{"table":[{"PutRequest":{"Item":\#(item)}}]}}"#),
            ("TransactWriteItems", #"{"TransactItems":[{"Put":\#(FaultFixture.put("a"))}]}"#),
        ] {
            let fixture = try await fixture()
            _ = try await fixture.ok(operation, body)
            #expect(try await fixture.indexedKeys() == [])
            fixture.pass(Self.age)
            #expect(try await fixture.indexedKeys() == ["a"])
        }
    }

    @Test("Tables themselves are never stale")
    func table() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        let query = #"""
            {"TableName":"table","KeyConditionExpression":"p = :p",
             "ExpressionAttributeValues":{":p":{"S":"a"}}}
            """#
        #expect(fixture.keys(try await fixture.ok("Query", query)) == ["a"])
        #expect(fixture.keys(try await fixture.ok("Scan", #"{"TableName":"table"}"#)) == ["a"])
    }

    @Test("A rule for another table leaves the index as it is")
    func otherTable() async throws {
        let fixture = try await fixture(tables: ["other"])
        try await put("a", fixture)
        #expect(try await fixture.indexedKeys() == ["a"])
    }

    @Test("After a change of tables, indexes are present until the next write")
    func tables() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        let create = #"""
            {"TableName":"other","BillingMode":"PAY_PER_REQUEST",
             "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
             "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}
            """#
        _ = try await fixture.ok("CreateTable", create)
        #expect(try await fixture.indexedKeys() == ["a"])
        try await put("b", fixture)
        #expect(try await fixture.indexedKeys() == ["a"])
    }

    @Test("An index that the past state does not have is read in the present one")
    func newTable() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        // Another service of the same store makes it.
        try await fixture.makeTable("new")
        _ = try await fixture.ok("PutItem", FaultFixture.put("b", in: "new"))
        #expect(try await fixture.indexedKeys(in: "new") == ["b"])
        #expect(try await fixture.indexedKeys() == [])
    }

    @Test("A store closes while states are held, and its service answers with errors")
    func closing() async throws {
        let fixture = try await fixture()
        try await put("a", fixture)
        fixture.temporary.store.close()
        let answer = try await fixture.ask(
            "Scan", #"{"TableName":"table","IndexName":"by-g"}"#)
        #expect(answer.error != nil)
    }
}
