import Foundation
import Testing

/// UpdateContinuousBackups and DescribeContinuousBackups.
@Suite("Rules of continuous backups")
struct BackupRuleTests {
    private typealias Object = SampleService.Object

    private static func body(_ specification: String, table: String = "table") -> String {
        #"{"TableName":"\#(table)","PointInTimeRecoverySpecification":{\#(specification)}}"#
    }

    private static let on = #""PointInTimeRecoveryEnabled":true"#
    private static let off = #""PointInTimeRecoveryEnabled":false"#

    private static let rules: [Rule] = [
        Rule(
            "DescribeContinuousBackups", #"{"TableName":"none"}"#, "TableNotFoundException",
            "Table not found: none", from: "scylladb/scylladb, test/alternator/test_backup.py"),
        Rule(
            "UpdateContinuousBackups", body(on, table: "none"), "TableNotFoundException",
            "Table not found: none", from: "scylladb/scylladb, test/alternator/test_backup.py"),
        Rule(
            "UpdateContinuousBackups", body(#"\#(off),"RecoveryPeriodInDays":7"#),
            "ValidationException",
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time "
                + "recovery.", from: "ACK, DDB-TABLE-378"),
        Rule("UpdateContinuousBackups", body(#"\#(on),"RecoveryPeriodInDays":0"#)),
        Rule("UpdateContinuousBackups", body(#"\#(on),"RecoveryPeriodInDays":36"#)),
        Rule("UpdateContinuousBackups", body("")),
        Rule("UpdateContinuousBackups", #"{"TableName":"table"}"#),
    ]

    private func recovery(
        _ service: SampleService, _ operation: String = "DescribeContinuousBackups",
        _ specification: String? = nil
    ) async throws -> Object {
        let body = specification.map { Self.body($0) } ?? #"{"TableName":"table"}"#
        let answer = try await service.ok(operation, body)
        let backups = try #require(answer["ContinuousBackupsDescription"] as? Object)
        #expect(backups["ContinuousBackupsStatus"] as? String == "ENABLED")
        return try #require(backups["PointInTimeRecoveryDescription"] as? Object)
    }

    @Test("What AWS refuses is refused, and changes nothing", arguments: rules)
    func refusals(rule: Rule) async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", TableJSON.table())
        try await service.refuses(rule)
        let status = try await recovery(service)["PointInTimeRecoveryStatus"] as? String
        #expect(status == "DISABLED")
    }

    @Test("Recovery is switched on and off, and its points are described", arguments: [1, 35, nil])
    func points(days: Int?) async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", TableJSON.table())
        let more = days.map { #","RecoveryPeriodInDays":\#($0)"# } ?? ""
        let start = Double(SampleService.start)
        let made = try await recovery(service, "UpdateContinuousBackups", Self.on + more)
        for (name, second) in [("Earliest", start), ("Latest", start)] {
            #expect(made["\(name)RestorableDateTime"] as? Double == second)
        }
        #expect(made["RecoveryPeriodInDays"] as? Int == days ?? 35)
        let age = 40.0 * 86_400
        service.advance(by: age)
        let later = try await recovery(service)
        #expect(later["PointInTimeRecoveryStatus"] as? String == "ENABLED")
        #expect(
            later["EarliestRestorableDateTime"] as? Double
                == start + age - Double(days ?? 35) * 86_400)
        #expect(later["LatestRestorableDateTime"] as? Double == start + age - 300)
        let off = try await recovery(service, "UpdateContinuousBackups", Self.off)
        #expect(off["PointInTimeRecoveryStatus"] as? String == "DISABLED")
        #expect(off["EarliestRestorableDateTime"] == nil)
    }
}
