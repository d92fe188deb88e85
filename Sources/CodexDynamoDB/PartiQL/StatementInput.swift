internal import CodexCore

/// A statement as a request gives it.
struct StatementInput: Sendable {
    let text: String
    let isConsistent: Bool
    let returnsItemOnFailure: Bool
    private let parameters: [JSONValue]

    /// Reads the statement of a request, or one of its statements.
    ///
    /// ``RequestTable`` has the limits of its text and of the list of its parameters.
    ///
    /// - Parameter input: The object with the statement.
    /// - Throws: `ValidationException`, `SerializationException`, `ThrottlingException`.
    init(_ input: RequestParameters) throws {
        text = try input.requiredString("Statement")
        parameters = try input.list("Parameters") ?? []
        isConsistent = try input.bool("ConsistentRead") ?? false
        returnsItemOnFailure = try WriteParameters.returnsItemOnFailure(input)
    }

    /// The statements of a list.
    ///
    /// - Parameters:
    ///   - input: The request.
    ///   - name: The name of the list, whose length ``RequestTable`` limits.
    /// - Returns: The statements.
    /// - Throws: As ``init(_:)``.
    static func list(_ input: RequestParameters, _ name: String) throws -> [StatementInput] {
        guard let nodes = try input.list(name) else { throw RequestParameters.missing(name) }
        return try nodes.map { try StatementInput(try RequestParameters($0, name)) }
    }

    /// Reads the parameters.
    ///
    /// - Parameter byteCount: The sum of the parameters' sizes is added to it.
    /// - Returns: The values in their order.
    /// - Throws: As ``AttributeReader/item(_:)``.
    func values(adding byteCount: inout Int) throws -> [AttributeValue] {
        var left = DynamoDBLimits.expressionValueByteCountMax
        defer { byteCount += DynamoDBLimits.expressionValueByteCountMax - left }
        return try parameters.map {
            try AttributeReader.value($0, of: "Parameters", within: &left)
        }
    }

    /// Reads the parameters.
    ///
    /// - Returns: The values in their order.
    /// - Throws: As ``AttributeReader/item(_:)``.
    func values() throws -> [AttributeValue] {
        var byteCount = 0
        return try values(adding: &byteCount)
    }
}
