import CodexCore
import Foundation
import Testing

@testable import CodexDynamoDB

/// Names and ARNs of tables.
@Suite("Tables of requests")
struct TableReferenceTests {
    private func message(_ make: () throws -> Void) -> String {
        do {
            try make()
            return ""
        } catch {
            return (error as? ServiceError)?.message ?? "\(error)"
        }
    }

    @Test("A table has a name and an ARN")
    func references() throws {
        #expect(try TableReference("Music").name == "Music")
        #expect(try TableReference("Music").owner == nil)
        for (arn, region, account) in [
            (
                "arn:aws:dynamodb:eu-west-1:123456789012:table/Music", "eu-west-1", "123456789012"
            ),
            (
                "arn:aws-cn:dynamodb:cn-north-1:000000000000:table/Music", "cn-north-1",
                "000000000000"
            ),
        ] {
            let table = try TableReference(arn)
            #expect(table.name == "Music" && table.text == arn)
            #expect(table.owner == TableOwner(region: region, account: account))
        }
    }

    @Test(
        "An ARN that is not that of a table is refused",
        arguments: [
            "arn:", "arn:aws:dynamodb:eu-west-1:123456789012:table/",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/ab",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/a b c",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Music/index/ByYear",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Music/stream/2026-01-01T00:00:00.000",
            "arn:aws:dynamodb:eu-west-1:123456789012:Music",
            "arn:aws:dynamodb:eu-west-1::table/Music", "arn:aws:dynamodb::123456789012:table/Music",
            "arn::dynamodb:eu-west-1:123456789012:table/Music",
            "arn:aws:s3:eu-west-1:123456789012:table/Music",
            "arn:aws:dynamodb:eu-west-1:123456789012:x:table/Music",
        ])
    func invalid(arn: String) {
        let expected = "Invalid TableArn: Invalid ResourceArn provided as input \(arn)"
        #expect(message { _ = try TableReference(arn) } == expected)
    }

    @Test(
        "The name in an ARN has 3 to 255 characters",
        arguments: [
            (2, false), (3, true), (4, true), (254, true), (255, true), (256, false),
        ])
    func lengths(count: Int, isPermitted: Bool) {
        let name = String(repeating: "a", count: count)
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/\(name)"
        let found = try? TableReference(arn)
        #expect(found?.name == (isPermitted ? name : nil))
    }

    /// Requests with a table in the place of `%`.
    private static let requests: [(operation: String, body: String)] = [
        ("GetItem", #"{"TableName":"%","Key":{"p":{"S":"a"}}}"#),
        ("PutItem", #"{"TableName":"%","Item":{"p":{"S":"a"}}}"#),
        (
            "UpdateItem",
            #"{"TableName":"%","Key":{"p":{"S":"a"}},"UpdateExpression":"REMOVE x"}"#
        ),
        ("DeleteItem", #"{"TableName":"%","Key":{"p":{"S":"a"}}}"#),
        (
            "Query",
            #"{"TableName":"%","KeyConditionExpression":"p = :p","#
                + #""ExpressionAttributeValues":{":p":{"S":"a"}}}"#
        ),
        ("Scan", #"{"TableName":"%"}"#),
        ("BatchGetItem", #"{"RequestItems":{"%":{"Keys":[{"p":{"S":"a"}}]}}}"#),
        ("BatchWriteItem", #"{"RequestItems":{"%":[{"DeleteRequest":{"Key":{"p":{"S":"a"}}}}]}}"#),
        (
            "TransactGetItems",
            #"{"TransactItems":[{"Get":{"TableName":"%","Key":{"p":{"S":"a"}}}}]}"#
        ),
        (
            "TransactWriteItems",
            #"{"TransactItems":[{"Delete":{"TableName":"%","Key":{"p":{"S":"a"}}}}]}"#
        ),
        ("DescribeTable", #"{"TableName":"%"}"#), ("DescribeTimeToLive", #"{"TableName":"%"}"#),
        ("DescribeContinuousBackups", #"{"TableName":"%"}"#),
        ("UpdateTable", #"{"TableName":"%","DeletionProtectionEnabled":false}"#),
        ("ListTagsOfResource", #"{"ResourceArn":"%"}"#),
        ("UntagResource", #"{"ResourceArn":"%","TagKeys":["k"]}"#),
        ("DeleteTable", #"{"TableName":"%"}"#),
    ]

    @Test(
        "The ARN of another account or region is refused in each operation, the account first",
        arguments: [
            ("us-east-1", "000000000000"), ("us-east-2", "000000000000"),
            ("us-east-1", "000000000001"), ("us-east-2", "000000000001"),
        ])
    func owners(region: String, account: String) async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", TableJSON.table())
        let arn = "arn:aws:dynamodb:\(region):\(account):table/table"
        for (operation, form) in Self.requests {
            let body = form.replacingOccurrences(of: "%", with: arn)
            let isOfTags = body.contains("ResourceArn")
            if account != "000000000000" {
                try await service.refuses(
                    Rule(
                        operation, body, "AccessDeniedException", "Access is denied",
                        from: "ACK, DDB-TABLE-011 and DDB-TABLE-071"))
            } else if region != "us-east-1" {
                try await service.refuses(
                    Rule(
                        operation, body, "ValidationException",
                        isOfTags
                            ? "Invalid TableArn: Invalid ResourceArn provided as input \(arn)"
                            : "1 validation error detected: Invalid AWS region in '\(arn)'",
                        from: "ACK, DDB-TABLE-011 and DDB-TABLE-442"))
            } else {
                try await service.ok(operation, body)
            }
        }
    }

    @Test("A long ARN is quoted by its beginning")
    func longARN() {
        let arn = "arn:" + String(repeating: "é", count: 100_000)
        let text = message { _ = try TableReference(arn) }
        #expect(text.utf8.count < 400 && text.hasSuffix("…"))
    }
}
