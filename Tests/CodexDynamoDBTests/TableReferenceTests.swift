import CodexCore
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
        for arn in [
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Music",
            "arn:aws-cn:dynamodb:cn-north-1:000000000000:table/Music",
        ] {
            #expect(try TableReference(arn).name == "Music")
            #expect(try TableReference(arn: arn).name == "Music")
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
        #expect(message { _ = try TableReference(arn: arn) } == expected)
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

    @Test("Tags take the ARN of a table only")
    func resources() throws {
        func name(_ body: String) throws -> String {
            try RequestParameters(Array(body.utf8), RequestBudget()).tableName("ResourceArn")
        }
        #expect(message { _ = try name("{}") } == "Invalid TableArn")
        #expect(
            message { _ = try name(#"{"ResourceArn":"Music"}"#) }
                == "One or more parameter values were invalid: ARNs must start with 'arn:': Music")
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Music"
        #expect(try name(#"{"ResourceArn":"\#(arn)"}"#) == "Music")
    }

    @Test("A long ARN is quoted by its beginning")
    func longARN() {
        let arn = "arn:" + String(repeating: "é", count: 100_000)
        let text = message { _ = try TableReference(arn) }
        #expect(text.utf8.count < 400 && text.hasSuffix("…"))
    }
}
