import Foundation
import Testing

/// What AWS refuses in tags and in the ARNs of what has them.
@Suite("Rules of tags")
struct TagRuleTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let place = "arn:aws:dynamodb:us-east-1:000000000000:table/"

    private static func tag(_ tags: String, _ arn: String = Self.place + "table") -> String {
        #"{"ResourceArn":"\#(arn)","Tags":[\#(tags)]}"#
    }

    private static func untag(_ keys: String) -> String {
        #"{"ResourceArn":"\#(place)table","TagKeys":[\#(keys)]}"#
    }

    private static func list(_ arn: String) -> String { #"{"ResourceArn":"\#(arn)"}"# }

    private static func pair(_ key: String, _ value: String = "v") -> String {
        #"{"Key":"\#(key)","Value":"\#(value)"}"#
    }

    // MARK: ARNs

    private static let arnRules: [Rule] = [
        Rule(
            "ListTagsOfResource", "{}", "ValidationException", "Invalid TableArn",
            from: "architect/dynalite, test/listTagsOfResource.js"),
        .invalid(
            "ListTagsOfResource", list("table"), "ARNs must start with 'arn:': table",
            from: "scylladb/scylladb, test/alternator/test_tag.py"),
        Rule(
            "ListTagsOfResource", list("arn:aws:dynamodb:table"), "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input arn:aws:dynamodb:table",
            from: "architect/dynalite, test/listTagsOfResource.js"),
        Rule(
            "ListTagsOfResource", list(place + "ab"), "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input \(place)ab",
            from: "architect/dynalite, test/listTagsOfResource.js"),
        Rule(
            "ListTagsOfResource", list("arn:aws:s3:us-east-1:000000000000:table/table"),
            "AccessDeniedException", "Access is denied",
            from: "ExtendDB/extenddb, pull request 227"),
        .invalid(
            "ListTagsOfResource", list("arn:aws:dynamodb:us-east-1:000000000000:backup"),
            "Provided Arn is not a DynamoDB resource arn: "
                + "arn:aws:dynamodb:us-east-1:000000000000:backup", from: "ACK, DDB-TABLE-447"),
        .invalid(
            "TagResource", tag(pair("k"), place + "table/index/i"),
            "Invalid resource arn provided, only table or stream is accepted. Provided resource "
                + "arn: \(place)table/index/i",
            from: "scylladb/scylladb, test/alternator/test_tag.py"),
        Rule("TagResource", tag(pair("k"), place + "table/stream/label")),
        Rule(
            "ListTagsOfResource", list(place + "none"), "ResourceNotFoundException",
            "Requested resource not found: ResourceArn: \(place)none not found",
            from: "ExtendDB/extenddb, pull request 227"),
        Rule(
            "TagResource", tag(pair("k"), place + "none"), "ResourceNotFoundException",
            "Requested resource not found: ResourceArn: \(place)none not found",
            from: "ExtendDB/extenddb, pull request 227"),
    ]

    // MARK: Tags

    private static let tagRules: [Rule] = [
        Rule(
            "TagResource", tag(""), "ValidationException",
            "Atleast one Tag needs to be provided as Input.",
            from: "architect/dynalite, test/tagResource.js"),
        Rule(
            "UntagResource", untag(""), "ValidationException",
            "Atleast one Tag Key needs to be provided as Input.",
            from: "architect/dynalite, test/untagResource.js"),
        Rule(
            "TagResource", tag(pair("")), "ValidationException",
            "The Tag Key provided is invalid, Key: ", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(#"{"Value":"v"}"#), "ValidationException",
            "The Tag Key provided is invalid, Key: null", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(pair("a*b")), "ValidationException",
            "The Tag Key provided is invalid, Key: a*b", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(#"{"Key":"k"}"#), "ValidationException",
            "The Tag Value provided is invalid, Value: null", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(pair("k", "v!")), "ValidationException",
            "The Tag Value provided is invalid, Value: v!", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(pair("aws:k")), "ValidationException",
            "Tag Key cannot be prefixed with aws:, Key: aws:k", from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag("\(pair("k")),\(pair("k", "w"))"), "ValidationException",
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found k",
            from: "ACK, DDB-TABLE-442"),
        Rule(
            "TagResource", tag(JSON.many(51) { pair("k\($0)") }), "ValidationException",
            "Number of Tags exceed the current limit for the provided ResourceArn",
            from: "ACK, DDB-TABLE-442"),
        Rule(
            "UntagResource", untag(JSON.many(51) { #""k\#($0)""# }), "ValidationException",
            "Number of Tags exceed the current limit for the provided ResourceArn",
            from: "ACK, DDB-TABLE-442"),
        Rule("TagResource", tag(pair(String(repeating: "k", count: 129)))),
        Rule("TagResource", tag(pair("k", String(repeating: "v", count: 257)))),
    ]

    private func tags(_ service: SampleService) async throws -> [String: String] {
        let answer = try await service.ok("ListTagsOfResource", Self.list(Self.place + "table"))
        var tags: [String: String] = [:]
        for tag in answer["Tags"] as? [Object] ?? [] {
            guard let key = tag["Key"] as? String else { continue }
            tags[key] = tag["Value"] as? String
        }
        return tags
    }

    @Test(
        "Tags and ARNs are refused as AWS does, and nothing is tagged",
        arguments: arnRules + tagRules)
    func rules(rule: Rule) async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table(more: #""Tags":[\#(Self.pair("old"))]"#))
        try await service.refuses(rule)
        #expect(try await tags(service) == ["old": "v"])
    }

    @Test("A table has 50 tags, with the longest keys and values")
    func most() async throws {
        let service = try SampleService()
        // No tag is a list, too.
        try await service.ok("CreateTable", JSON.table(more: #""Tags":[]"#))
        let value = String(repeating: "v", count: 256)
        func key(_ number: Int) -> String {
            String(repeating: "k", count: 125) + String(100 + number)
        }
        let first = JSON.many(49) { Self.pair(key($0), value) }
        try await service.ok("TagResource", Self.tag(first))
        try await service.ok("TagResource", Self.tag(Self.pair(key(49), value)))
        #expect(try await tags(service).count == 50)
        try await service.refuses(
            Rule(
                "TagResource", Self.tag(Self.pair("more")), "ValidationException",
                "Number of Tags exceed the current limit for the provided ResourceArn",
                from: "ACK, DDB-TABLE-442"))
        // Another value is no other tag; a tag that is not there is removed, too.
        try await service.ok("TagResource", Self.tag(Self.pair(key(0), "other")))
        try await service.ok("UntagResource", Self.untag(#""\#(key(1))","none""#))
        let tags = try await tags(service)
        #expect(tags.count == 49 && tags[key(0)] == "other" && tags[key(1)] == nil)
    }
}
