import CodexDynamoDB
import Foundation
import Testing

/// Names are compared by their bytes, as in DynamoDB. Two spellings of a letter are two names.
@Suite("Equivalent names")
struct EquivalentNameTests {
    private typealias JSON = TableJSON

    /// One character, and a letter with a mark, which Swift's `String` takes for equal.
    private static let composed = "\u{E9}"
    private static let decomposed = "e\u{301}"
    /// Each of both names, with the other one.
    private static let pairs = [(composed, decomposed), (decomposed, composed)]

    private let service: SampleService

    init() throws { service = try SampleService() }

    /// The bytes of a response: a dictionary of strings would have one of both names.
    private func bytes(_ operation: String, _ body: String) async -> [UInt8] {
        await service.service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8)
        ).body
    }

    /// The number of places at which bytes have a text.
    private func count(_ text: String, in bytes: [UInt8]) -> Int {
        let text = Array(text.utf8)
        return bytes.indices.count(where: { bytes[$0...].starts(with: text) })
    }

    private func hasMember(_ name: String, _ bytes: [UInt8]) -> Bool {
        count(#""\#(name)":"#, in: bytes) > 0
    }

    /// Makes a table whose key has both names.
    private func makeTable() async throws {
        try await service.ok(
            "CreateTable",
            JSON.table(
                keys: ["H" + Self.composed, "R" + Self.decomposed],
                names: ["S" + Self.composed, "N" + Self.decomposed]))
    }

    /// A key of that table.
    private func key(_ number: Int) -> String {
        #"{"\#(Self.composed)":{"S":"a"},"\#(Self.decomposed)":{"N":"\#(number)"}}"#
    }

    // MARK: Items

    @Test("A projection returns the attribute that it names, and no equivalent one")
    func projection() async throws {
        try await service.ok("CreateTable", JSON.table())
        try await service.ok(
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"a"},"\#(Self.composed)":{"N":"1"},"#
                + #""\#(Self.decomposed)":{"N":"2"}}}"#)
        for (name, other) in Self.pairs {
            let more =
                ##""ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"\##(name)"}"##
            let item = await bytes(
                "GetItem", #"{"TableName":"table","Key":{"p":{"S":"a"}},\#(more)}"#)
            #expect(hasMember(name, item) && !hasMember(other, item))
            let page = await bytes("Scan", #"{"TableName":"table",\#(more)}"#)
            #expect(hasMember(name, page) && !hasMember(other, page))
            let legacy = #"{"TableName":"table","AttributesToGet":["\#(name)"]}"#
            let old = await bytes("Scan", legacy)
            #expect(hasMember(name, old) && !hasMember(other, old))
        }
    }

    @Test("An attribute with a name that is equivalent to that of the key is no key")
    func updates() async throws {
        for (number, (name, other)) in Self.pairs.enumerated() {
            let table = "table\(number)"
            try await service.ok(
                "CreateTable", JSON.table(table, keys: ["H" + name], names: ["S" + name]))
            func update(_ attribute: String) -> String {
                ##"{"TableName":"\##(table)","Key":{"\##(name)":{"S":"a"}},"##
                    + ##""UpdateExpression":"SET #n = :v","##
                    + ##""ExpressionAttributeNames":{"#n":"\##(attribute)"},"##
                    + ##""ExpressionAttributeValues":{":v":{"S":"b"}}}"##
            }
            try await service.ok("UpdateItem", update(other))
            try await service.refuses(Rule("UpdateItem", update(name)))
            func query(_ filtered: String) -> String {
                ##"{"TableName":"\##(table)","KeyConditionExpression":"#k = :k","##
                    + ##""FilterExpression":"#f = :f","##
                    + ##""ExpressionAttributeNames":{"#k":"\##(name)","#f":"\##(filtered)"},"##
                    + ##""ExpressionAttributeValues":{":k":{"S":"a"},":f":{"S":"b"}}}"##
            }
            let page = try await service.ok("Query", query(other))
            #expect(page["Count"] as? Int == 1)
            try await service.refuses(Rule("Query", query(name)))
        }
    }

    // MARK: Keys

    @Test("A key may have two attributes with equivalent names")
    func keys() async throws {
        try await makeTable()
        for number in 1...3 {
            try await service.ok("PutItem", #"{"TableName":"table","Item":\#(key(number))}"#)
        }
        let text = Array(await service.tableText().utf8)
        for name in [Self.composed, Self.decomposed] {
            // In the key, and among the definitions.
            #expect(count(#""AttributeName":"\#(name)""#, in: text) == 2)
        }
        let query =
            ##"{"TableName":"table","KeyConditionExpression":"#h = :h AND #r > :r","##
            + ##""ExpressionAttributeNames":{"##
            + ##""#h":"\##(Self.composed)","#r":"\##(Self.decomposed)"},"##
            + ##""ExpressionAttributeValues":{":h":{"S":"a"},":r":{"N":"1"}}"##
        let page = try await service.ok("Query", query + "}")
        #expect(page["Count"] as? Int == 2)
        let rest = try await service.ok("Query", query + #","ExclusiveStartKey":\#(key(2))}"#)
        #expect(rest["Count"] as? Int == 1)
    }

    @Test("A key is not named by an equivalent name in a statement")
    func statements() async throws {
        try await makeTable()
        try await service.ok("PutItem", #"{"TableName":"table","Item":\#(key(1))}"#)
        func select(_ order: String) -> String {
            #"{"Statement":"SELECT * FROM \"table\" WHERE \"\#(Self.composed)\" = 'a' "#
                + #"ORDER BY \"\#(order)\""}"#
        }
        for name in [Self.composed, Self.decomposed] {
            try await service.ok("ExecuteStatement", select(name))
        }
        let other = JSON.table("other", keys: ["H" + Self.composed], names: ["S" + Self.composed])
        try await service.ok("CreateTable", other)
        let statement = select(Self.decomposed)
            .replacingOccurrences(of: "table", with: "other")
        try await service.refuses(Rule("ExecuteStatement", statement))
    }

    // MARK: Indexes

    @Test("An index projects the attributes that it names, each once, and no equivalent ones")
    func projections() async throws {
        func table(_ name: String, _ projected: [String]) -> String {
            let names = projected.map { #""\#($0)""# }.joined(separator: ",")
            let projection = #"{"ProjectionType":"INCLUDE","NonKeyAttributes":[\#(names)]}"#
            let index = JSON.index("by-x", ["Hx"], projection: projection)
            return JSON.table(
                name, names: ["Sp", "Sx"], more: #""GlobalSecondaryIndexes":[\#(index)]"#)
        }
        let (one, two) = (Self.composed, Self.decomposed)
        try await service.ok("CreateTable", table("both", [one, two]))
        try await service.refuses(Rule("CreateTable", table("twice", [one, one])))
        try await service.ok("CreateTable", table("one", [one]))
        func query(_ table: String, _ name: String) -> String {
            ##"{"TableName":"\##(table)","IndexName":"by-x","KeyConditionExpression":"x = :x","##
                + ##""ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"\##(name)"},"##
                + ##""ExpressionAttributeValues":{":x":{"S":"a"}}}"##
        }
        for name in [one, two] { try await service.ok("Query", query("both", name)) }
        try await service.ok("Query", query("one", one))
        try await service.refuses(Rule("Query", query("one", two)))
    }

    // MARK: Requests

    @Test("A placeholder that is malformed does not take the place of an equivalent one")
    func placeholders() async throws {
        try await service.ok("CreateTable", JSON.table())
        // The sign of the unit kelvin is equivalent to the letter.
        for names in [##""#K":"a","#\##u{212A}":"b""##, ##""#\##u{212A}":"b","#K":"a""##] {
            try await service.refuses(
                Rule(
                    "GetItem",
                    ##"{"TableName":"table","Key":{"p":{"S":"a"}},"ProjectionExpression":"#K","##
                        + ##""ExpressionAttributeNames":{\##(names)}}"##))
        }
        for values in [
            #"":K":{"S":"a"},":\#u{212A}":{"S":"b"}"#, #"":\#u{212A}":{"S":"b"},":K":{"S":"a"}"#,
        ] {
            try await service.refuses(
                Rule(
                    "Scan",
                    #"{"TableName":"table","FilterExpression":"p = :K","#
                        + #""ExpressionAttributeValues":{\#(values)}}"#))
        }
    }

    @Test("A word of the protocol is not written with an equivalent character")
    func words() async throws {
        func table(_ type: String) -> String {
            let projection = #"{"ProjectionType":"\#(type)"}"#
            let index = JSON.index("by-x", ["Hx"], projection: projection)
            return JSON.table(
                names: ["Sp", "Sx"], more: #""GlobalSecondaryIndexes":[\#(index)]"#)
        }
        for sign in [#"\u212A"#, "\u{212A}"] {
            try await service.refuses(Rule("CreateTable", table(sign + "EYS_ONLY")))
        }
        try await service.ok("CreateTable", table(#"\u004BEYS_ONLY"#))
    }

    @Test("Tags with equivalent keys are two tags")
    func tags() async throws {
        try await service.ok("CreateTable", JSON.table())
        let arn = #""ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/table""#
        // The letter, and the sign of the unit ångström.
        let tags = ["\u{C5}", "\u{212B}"].map { #"{"Key":"\#($0)","Value":"v"}"# }
        try await service.ok("TagResource", #"{\#(arn),"Tags":[\#(tags[0]),\#(tags[1])]}"#)
        func count() async throws -> Int? {
            (try await service.ok("ListTagsOfResource", "{\(arn)}")["Tags"] as? [Any])?.count
        }
        #expect(try await count() == 2)
        try await service.ok("TagResource", #"{\#(arn),"Tags":[\#(tags[0])]}"#)
        #expect(try await count() == 2)
        try await service.ok("UntagResource", "{\(arn),\"TagKeys\":[\"\u{212B}\"]}")
        #expect(try await count() == 1)
    }
}
