import CodexStore
import Foundation
import Testing

/// Times to live by DynamoDB's API: any attribute, and on and off.
@Suite("Rules of times to live")
struct TimeToLiveRuleTests {
    private typealias JSON = TableJSON

    private let service: SampleService

    /// A second that is over, and one that is not.
    private static let (past, future) = (SampleService.start - 10, SampleService.start + 10)

    init() throws { service = try SampleService() }

    private func body(_ isEnabled: Bool, _ attribute: String) -> String {
        #"{"TableName":"table","TimeToLiveSpecification":{"Enabled":\#(isEnabled),"#
            + #""AttributeName":"\#(attribute)"}}"#
    }

    private func set(_ isEnabled: Bool, _ attribute: String) async throws {
        let answer = try await service.ok("UpdateTimeToLive", body(isEnabled, attribute))
        let specification = answer["TimeToLiveSpecification"] as? SampleService.Object
        #expect(specification?["Enabled"] as? Bool == isEnabled)
        #expect(specification?["AttributeName"] as? String == attribute)
    }

    /// The status and the attribute.
    private func status() async throws -> [String?] {
        let answer = try await service.ok("DescribeTimeToLive", #"{"TableName":"table"}"#)
        let description = answer["TimeToLiveDescription"] as? SampleService.Object
        return [
            description?["TimeToLiveStatus"] as? String, description?["AttributeName"] as? String,
        ]
    }

    private func refuses(
        _ isEnabled: Bool, _ attribute: String, _ text: String, _ source: String
    ) async throws {
        try await service.refuses(
            Rule(
                "UpdateTimeToLive", body(isEnabled, attribute), "ValidationException", text,
                from: source))
    }

    private func count() async throws -> Int? {
        try await service.ok("Scan", #"{"TableName":"table"}"#)["Count"] as? Int
    }

    @Test("An attribute's name has at most 255 bytes", arguments: [254, 255, 256])
    func nameLength(byteCount: Int) async throws {
        try await service.ok("CreateTable", JSON.table())
        // A character of two bytes; AWS counts characters.
        let name = String(repeating: "é", count: byteCount / 2) + (byteCount % 2 == 0 ? "" : "t")
        let answer = try await service.ask("UpdateTimeToLive", body(true, name))
        #expect(answer.type == (byteCount > 255 ? "ValidationException" : nil))
        #expect((byteCount > 255) == answer.message.contains("1 to 255 bytes"))
        #expect(try await status() == (byteCount > 255 ? ["DISABLED", nil] : ["ENABLED", name]))
    }

    @Test("What is so already is refused, and so is another attribute")
    func rules() async throws {
        let dynalite = "architect/dynalite, test/updateTimeToLive.js"
        let different =
            "TimeToLive is active on a different AttributeName: current AttributeName is t"
        try await service.ok("CreateTable", JSON.table())
        #expect(try await status() == ["DISABLED", nil])
        try await refuses(false, "t", "TimeToLive is already disabled", dynalite)
        try await set(true, "t")
        #expect(try await status() == ["ENABLED", "t"])
        try await refuses(true, "t", "TimeToLive is already enabled", dynalite)
        try await refuses(true, "u", different, "ACK, DDB-TABLE-372")
        try await refuses(false, "u", different, "ACK, DDB-TABLE-372")
        #expect(try await status() == ["ENABLED", "t"])
        try await set(false, "t")
        #expect(try await status() == ["DISABLED", nil])
    }

    @Test("Items that have expired are there again once it is off, and expire by another attribute")
    func off() async throws {
        try await service.ok("CreateTable", JSON.table())
        for (key, attribute) in [("a", "t"), ("b", "u"), ("c", "none")] {
            let value = #""\#(attribute)":{"N":"\#(Self.past)"}"#
            try await service.ok(
                "PutItem", #"{"TableName":"table","Item":{"p":{"S":"\#(key)"},\#(value)}}"#)
        }
        #expect(try await count() == 3)
        try await set(true, "t")
        #expect(try await count() == 2)
        try await set(false, "t")
        #expect(try await count() == 3)
        try await set(true, "u")
        #expect(try await count() == 2)
        let item = try await service.ok(
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":"b"}}}"#)
        #expect(item["Item"] == nil)
        #expect(try service.store.verify().isSound)
    }

    @Test("The attribute may be one of the table's key", arguments: ["p", "s"])
    func key(attribute: String) async throws {
        try await service.ok(
            "CreateTable", JSON.table(keys: ["Hp", "Rs"], names: ["Np", "Ns"]))
        try await set(true, attribute)
        for (p, s) in [(Self.past, Self.future), (Self.future, Self.past)] {
            try await service.ok(
                "PutItem",
                #"{"TableName":"table","Item":{"p":{"N":"\#(p)"},"s":{"N":"\#(s)"}}}"#)
        }
        #expect(try await count() == 1)
        try await set(false, attribute)
        #expect(try await count() == 2)
        #expect(try service.store.verify().isSound)
    }
}
