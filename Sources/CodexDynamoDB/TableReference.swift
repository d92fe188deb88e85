internal import CodexCore

/// A table as a request names it: by its name or by its ARN.
struct TableReference: Sendable {
    /// The table's name.
    let name: String
    /// The name or ARN in the request.
    ///
    /// Responses repeat it: "ConsumedCapacity" and "BatchGetItem" in DynamoDB's API reference.
    let text: String

    /// Reads a name or an ARN.
    ///
    /// - Throws: `ValidationException` for anything else, also for the ARN of an index or a stream.
    init(_ text: String) throws {
        name = try RequestParameters.checked(Self.name(in: text))
        self.text = text
    }

    private static func name(in text: String) throws -> String {
        guard text.hasPrefix("arn:") else { return text }
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "dynamodb" else { throw invalidARN }
        let resource = parts[5].split(separator: "/", omittingEmptySubsequences: false)
        guard resource.count == 2, resource[0] == "table" else { throw invalidARN }
        return String(resource[1])
    }

    private static var invalidARN: ServiceError { .validation("Invalid table ARN") }
}

extension RequestParameters {
    /// The request's table.
    func table() throws -> TableReference {
        try TableReference(try requiredString("TableName"))
    }
}
