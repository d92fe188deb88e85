internal import CodexCore

/// Texts of AWS's errors that several operations share, each with its source.
///
/// The comments of all messages name their sources. Most are responses of AWS that other projects
/// recorded or expect in their tests:
///
/// - dynalite: the tests of architect/dynalite, recorded with the service.
/// - conformance: `tests` and `captures` of nubo-db/dynamodb-conformance, recorded with the
///   service in several regions.
/// - alternator: `test/alternator` of scylladb/scylladb, which also passes against the service.
/// - ACK with a number: a finding `DDB-TABLE-…` of the AWS controllers for Kubernetes, observed
///   in October 2026 (aws-controllers-k8s/dynamodb-controller, docs/api-quirks).
/// - reference: DynamoDB's API reference.
/// - local: the messages of AWS's DynamoDB Local.
///
/// An unverified text has no source, so clients can count on its type alone.
/// Docs/DynamoDB-coverage.md has the source of each text of ``RequestChecker``.
enum Messages {
    // MARK: Constraints

    /// All violations of a request; the form of each test of constraints in architect/dynalite.
    static func violations(_ violations: [String]) -> String {
        let plural = violations.count == 1 ? "" : "s"
        return "\(violations.count) validation error\(plural) detected: "
            + violations.joined(separator: "; ")
    }

    /// A violation, without the value if that is `nil`.
    static func violation(_ value: String?, _ path: String, _ requirement: String) -> String {
        let subject = value.map { "Value '\($0)'" } ?? "Value"
        return "\(subject) at '\(path)' failed to satisfy constraint: \(requirement)"
    }

    /// A missing member.
    static func null(_ path: String) -> String {
        "Value null at '\(path)' failed to satisfy constraint: Member must not be null"
    }

    /// A missing name of a table in requests about the table itself: architect/dynalite,
    /// test/createTable.js and test/describeTable.js.
    static func notPresent(_ parameter: String) -> String {
        "The parameter '\(parameter)' is required but was not present in the request"
    }

    /// An empty map of a batch: architect/dynalite, test/batchGetItem.js, test/batchWriteItem.js.
    static func required(_ parameter: String, _ operation: String) -> String {
        "The \(parameter) parameter is required for \(operation)"
    }

    // MARK: ARNs

    /// An ARN that is not that of a table: architect/dynalite, test/tagResource.js.
    ///
    /// It is not verified for the parameter `TableName`.
    static func invalidARN(_ text: String) -> String {
        "Invalid TableArn: Invalid ResourceArn provided as input \(text.abbreviated())"
    }

    /// The ARN of a table of another region: aws-controllers-k8s/dynamodb-controller,
    /// docs/api-quirks, DDB-TABLE-011, for DescribeTable.
    static func otherRegion(_ arn: String) -> String {
        "1 validation error detected: Invalid AWS region in '\(arn.abbreviated())'"
    }

    // MARK: Items

    /// architect/dynalite, test/helpers.js.
    static let conditionFailed = "The conditional request failed"

    /// A text that is not base64: architect/dynalite, test/helpers.js.
    static func invalidBase64(_ text: String) -> String {
        text.utf8.count % 4 == 0
            ? "Invalid last non-pad Base64 character dectected"
            : "Base64 encoded length is expected a multiple of 4 bytes but found: "
                + "\(text.utf8.count)"
    }

    // MARK: Tables

    /// A table that does not exist, for requests on items: architect/dynalite, test/getItem.js.
    static let tableNotFound = "Requested resource not found"

    // MARK: Transactions

    /// architect/dynalite, test/transactWriteItem.js.
    static let severalOperationsOnItem =
        "Transaction request cannot include multiple operations on one item"

    /// Not verified.
    static let differentRequest =
        "The request uses the same client token as a previous, but non-identical request."

    /// A cancelled transaction, by the codes of its actions: "TransactWriteItems" in AWS's API
    /// reference.
    static func cancelled(_ codes: [String]) -> String {
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
            + "[\(codes.joined(separator: ", "))]"
    }
}
