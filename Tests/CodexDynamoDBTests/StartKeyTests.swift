import Testing

/// ExclusiveStartKey: only a key that the request could have returned continues it.
///
/// Source of the texts: the tests of architect/dynalite, query and scan, recorded with the service.
@Suite("Start keys")
struct StartKeyTests {
    private static let invalid = "The provided starting key is invalid"
    private static let mismatch =
        "The provided starting key is invalid: The provided key element does not match the schema"
    private static let outside =
        "The provided starting key is outside query boundaries based on provided conditions"
    private static let once = "The query can return at most one row and cannot be restarted"
    private static let range = "The provided starting key does not match the range key predicate"

    private func filled() async throws -> ProtocolBench {
        let bench = try await ProtocolBench()
        for number in 1...5 {
            try await bench.ok(
                "PutItem",
                #"{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"\#(number)"},"x":{"S":"\#(number)"},"g":{"S":"g"}}}"#
            )
        }
        return bench
    }

    /// A query's condition, its start key, and the error.
    private static let queries = [
        ("p = :p", #"{"p":{"S":"a"}}"#, invalid), ("p = :p", "{}", invalid),
        ("p = :p", #"{"p":{"S":"a"},"q":{"S":"1"}}"#, invalid),
        ("p = :p", #"{"p":{"S":"a"},"s":{"S":"1"},"x":{"S":"1"}}"#, invalid),
        ("p = :p", #"{"p":{"S":"a"},"s":{"N":"1"}}"#, mismatch),
        ("p = :p", #"{"p":{"B":"YQ=="},"s":{"S":"1"}}"#, mismatch),
        ("p = :p", #"{"p":{"S":"b"},"s":{"S":"1"}}"#, outside),
        ("p = :p AND s = :s", #"{"p":{"S":"b"},"s":{"S":"3"}}"#, once),
        ("p = :p AND s = :s", #"{"p":{"S":"a"},"s":{"S":"1"}}"#, range),
        ("p = :p AND s > :s", #"{"p":{"S":"a"},"s":{"S":"3"}}"#, range),
        ("p = :p AND s <= :s", #"{"p":{"S":"a"},"s":{"S":"4"}}"#, range),
        ("p = :p AND begins_with(s, :s)", #"{"p":{"S":"a"},"s":{"S":"4"}}"#, range),
        ("p = :p AND s BETWEEN :s AND :s", #"{"p":{"S":"a"},"s":{"S":"4"}}"#, range),
    ]

    private func query(_ condition: String, _ start: String, _ rest: String = "") -> String {
        let sort = condition.contains(":s") ? #",":s":{"S":"3"}"# : ""
        return
            #"{"TableName":"rrr","KeyConditionExpression":"\#(condition)","ExpressionAttributeValues":{":p":{"S":"a"}\#(sort)},"ExclusiveStartKey":\#(start)\#(rest)}"#
    }

    @Test("A query starts after keys of its partition and its range", arguments: queries)
    func query(condition: String, start: String, message: String) async throws {
        let bench = try await filled()
        try await bench.refuses(message, "Query", query(condition, start))
    }

    @Test("After a key within the range, it continues, also after one that is not stored")
    func continuing() async throws {
        let bench = try await filled()
        for (condition, start, count) in [
            ("p = :p", "3", 2), ("p = :p", "0", 5), ("p = :p", "31", 2),
            ("p = :p AND s > :s", "4", 1),
            ("p = :p AND s >= :s", "3", 2), ("p = :p AND s = :s", "3", 0),
            ("p = :p AND begins_with(s, :s)", "35", 0),
        ] {
            let object = try await bench.ok(
                "Query", query(condition, #"{"p":{"S":"a"},"s":{"S":"\#(start)"}}"#))
            #expect(object["Count"] as? Int == count, "\(condition) \(start)")
        }
    }

    @Test("The key of an index's entry has the attributes of both keys")
    func indexes() async throws {
        let bench = try await filled()
        let index = #","IndexName":"lsi1""#
        let whole = #"{"p":{"S":"a"},"s":{"S":"3"},"x":{"S":"3"}}"#
        #expect(
            try await bench.ok("Query", query("p = :p", whole, index))["Count"] as? Int == 2)
        try await bench.refuses(
            Self.invalid, "Query", query("p = :p", #"{"p":{"S":"a"},"s":{"S":"3"}}"#, index))
        try await bench.refuses(
            Self.range, "Query", query("p = :p AND x < :s", whole, index))
    }

    @Test("A scan takes any key of the schema")
    func scans() async throws {
        let bench = try await filled()
        func scan(_ start: String, _ rest: String = "") -> String {
            #"{"TableName":"rrr","ExclusiveStartKey":\#(start)\#(rest)}"#
        }
        for start in [
            "{}", #"{"p":{"S":"a"}}"#, #"{"p":{"S":"a"},"s":{"N":"1"}}"#,
            #"{"p":{"S":"a"},"s":{"S":"1"},"x":{"S":"1"}}"#,
        ] { try await bench.refuses(Self.mismatch, "Scan", scan(start)) }
        let index = #","IndexName":"gsi1""#
        try await bench.refuses(
            Self.invalid, "Scan", scan(#"{"p":{"S":"a"},"s":{"S":"1"}}"#, index))
        try await bench.refuses(
            Self.mismatch, "Scan",
            scan(#"{"p":{"S":"a"},"s":{"S":"1"},"g":{"N":"1"}}"#, index))
        let object = try await bench.ok("Scan", scan(#"{"p":{"S":"a"},"s":{"S":"4"}}"#))
        #expect(object["Count"] as? Int == 1)
    }

    @Test("Paths of a query's and a scan's expressions do not lead into keys")
    func nestedKeys() async throws {
        let bench = try await filled()
        let text =
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
        for (path, key) in [("s.a", "Key: s"), ("p[0]", "Key: p"), ("g.a", "IndexKey: g")] {
            for parameter in [
                #""ProjectionExpression":"\#(path)""#,
                #""FilterExpression":"attribute_exists(\#(path))""#,
            ] {
                try await bench.refuses(
                    text + key, "Scan", #"{"TableName":"rrr",\#(parameter)}"#)
            }
            try await bench.refuses(
                text + key, "GetItem",
                #"{"TableName":"rrr","Key":{"p":{"S":"a"},"s":{"S":"1"}},"ProjectionExpression":"\#(path)"}"#
            )
            try await bench.refuses(
                text + key, "DeleteItem",
                #"{"TableName":"rrr","Key":{"p":{"S":"a"},"s":{"S":"1"}},"ConditionExpression":"attribute_exists(\#(path))"}"#
            )
        }
        try await bench.refuses(
            "KeyConditionExpressions cannot have conditions on nested attributes", "Query",
            #"{"TableName":"rrr","KeyConditionExpression":"p.a = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}"#
        )
    }
}
