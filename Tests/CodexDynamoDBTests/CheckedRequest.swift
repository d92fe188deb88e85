import CodexCore

@testable import CodexDynamoDB

/// A request that is checked by the table of requests, without a store.
enum CheckedRequest {
    /// The error for a request; `nil` if the table permits it.
    static func error(
        _ operation: String, _ body: String, _ budget: RequestBudget = RequestBudget()
    ) throws -> ServiceError? {
        let document = try JSONValue(checking: Array(body.utf8), budget)
        do {
            try RequestChecker.check(document, for: operation)
            return nil
        } catch let error as ServiceError {
            return error
        }
    }

    /// The message of the error for a request; empty if the table permits it.
    static func message(_ operation: String, _ body: String) throws -> String {
        try error(operation, body)?.message ?? ""
    }

    /// The message for one violation.
    static func violation(_ value: String, _ path: String, _ requirement: String) -> String {
        "1 validation error detected: \(value) at '\(path)' failed to satisfy constraint: "
            + "Member must \(requirement)"
    }

    /// The message for members that are missing.
    static func missing(_ paths: [String]) -> String {
        let violations = paths.map {
            "Value null at '\($0)' failed to satisfy constraint: Member must not be null"
        }
        return "\(paths.count) validation error\(paths.count == 1 ? "" : "s") detected: "
            + violations.joined(separator: "; ")
    }
}
