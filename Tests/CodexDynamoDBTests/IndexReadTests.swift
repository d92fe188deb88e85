import Testing

/// Queries and scans of indexes that lack attributes, and the texts of their refusals.
///
/// Sources: sensedeep/dynamodb-onetable, issue 377, and localstack/localstack, issue 478, which
/// quote the service.
@Suite("Reads of indexes that lack attributes")
struct IndexReadTests {
    private static let invalid = "One or more parameter values were invalid: "
    private static let values = #""ExpressionAttributeValues":{":v":{"S":"a"}}"#

    /// Makes an item that has attributes which neither index has.
    private func bench() async throws -> ProtocolBench {
        let bench = try await ProtocolBench()
        try await bench.ok(
            "PutItem",
            #"{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"a"},"g":{"S":"a"},"#
                + #""x":{"S":"a"},"v":{"S":"a"},"w":{"S":"a"}}}"#)
        return bench
    }

    private func query(_ index: String, _ key: String, _ rest: String) -> String {
        #"{"TableName":"rrr","IndexName":"\#(index)","#
            + #""KeyConditionExpression":"\#(key) = :v",\#(Self.values)\#(rest)}"#
    }

    @Test("The filter of a query names what a global index has")
    func filters() async throws {
        let bench = try await bench()
        for (filter, names) in [
            ("v = :v", "[v]"), ("attribute_not_exists(w.a) OR (v = :v AND s = :v)", "[v, w]"),
        ] {
            try await bench.refuses(
                Self.invalid
                    + "Secondary index gsi1 does not project one or more filter attributes: "
                    + names, "Query", query("gsi1", "g", #","FilterExpression":"\#(filter)""#))
        }
        let object = try await bench.ok(
            "Query", query("gsi1", "g", #","FilterExpression":"p = :v AND s = :v""#))
        #expect(object["Count"] as? Int == 1)
    }

    @Test("Filters of scans and of local indexes see what is there")
    func otherFilters() async throws {
        let bench = try await bench()
        let scan =
            #"{"TableName":"rrr","IndexName":"gsi1","#
            + #""FilterExpression":"attribute_not_exists(v) AND g = :v",\#(Self.values)}"#
        let scanned = try await bench.ok("Scan", scan)
        #expect(scanned["Count"] as? Int == 1)
        let queried = try await bench.ok(
            "Query", query("lsi1", "p", #","FilterExpression":"s <> :v""#))
        #expect(queried["ScannedCount"] as? Int == 1)
    }

    @Test("A projection names what a global index has; a local one reads the table")
    func projections() async throws {
        let bench = try await bench()
        let projection = #","ProjectionExpression":"w, p, v.a""#
        try await bench.refuses(
            Self.invalid + "Global secondary index gsi1 does not project [v, w]", "Query",
            query("gsi1", "g", projection))
        try await bench.refuses(
            Self.invalid + "Global secondary index gsi1 does not project [v]", "Scan",
            #"{"TableName":"rrr","IndexName":"gsi1","ProjectionExpression":"v"}"#)
        let object = try await bench.ok("Query", query("lsi1", "p", projection))
        let items = object["Items"] as? [ProtocolBench.Object]
        #expect(items?.count == 1)
        #expect(items?.first?["w"] != nil && items?.first?["s"] == nil)
    }

    @Test("All attributes of a global index that lacks some are refused")
    func allAttributes() async throws {
        let bench = try await bench()
        try await bench.refuses(
            Self.invalid
                + "Select type ALL_ATTRIBUTES is not supported for global secondary index gsi1 "
                + "because its projection type is not ALL",
            "Query", query("gsi1", "g", #","Select":"ALL_ATTRIBUTES""#))
    }
}
