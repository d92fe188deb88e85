internal import CodexCore

/// A statement as a request gives it.
struct StatementInput: Sendable {
    let text: String
    let isConsistent: Bool
    let returnsItemOnFailure: Bool
    private let parameters: [JSONValue]

    /// The longest statement, in characters: "Statement" in the reference of ExecuteStatement.
    static let characterCountMax = 8192

    /// Reads the statement of a request, or one of its statements.
    ///
    /// - Parameters:
    ///   - input: The object with the statement.
    ///   - owner: The beginning of names in messages: the list and the statement's place in it.
    /// - Throws: `ValidationException`, `SerializationException`, `ThrottlingException`.
    init(_ input: RequestParameters, of owner: String = "") throws {
        guard let text = try input.string("Statement") else {
            throw Self.invalid("\(owner)statement", isNull: true, "not be null")
        }
        guard !text.isEmpty else {
            throw Self.invalid(
                "\(owner)statement", "have length greater than or equal to 1")
        }
        // A character has four bytes at most, so a long text is not counted.
        guard text.utf8.count <= 4 * Self.characterCountMax,
            text.unicodeScalars.count <= Self.characterCountMax
        else {
            throw Self.invalid(
                "\(owner)statement",
                "have length less than or equal to \(Self.characterCountMax)")
        }
        self.text = text
        let parameters = try input.list("Parameters")
        if let parameters, parameters.isEmpty {
            throw Self.invalid(
                "\(owner)parameters", "have length greater than or equal to 1")
        }
        self.parameters = parameters ?? []
        isConsistent = try input.bool("ConsistentRead") ?? false
        returnsItemOnFailure = try WriteParameters.returnsItemOnFailure(input)
    }

    /// The error for a parameter that breaks a constraint of the service's model.
    private static func invalid(
        _ name: String, isNull: Bool = false, _ constraint: String
    ) -> ServiceError {
        .validation(
            "1 validation error detected: Value \(isNull ? "null " : "")at '\(name)' failed to "
                + "satisfy constraint: Member must \(constraint)")
    }

    /// The statements of a list.
    ///
    /// - Parameters:
    ///   - input: The request.
    ///   - name: The name of the list.
    ///   - countMax: Most statements of the list.
    /// - Returns: The statements; there is at least one.
    /// - Throws: As ``init(_:of:)``.
    static func list(
        _ input: RequestParameters, _ name: String, countMax: Int
    ) throws -> [StatementInput] {
        let member: String = name.prefix(1).lowercased() + name.dropFirst()
        guard let nodes = try input.list(name) else { throw RequestParameters.missing(name) }
        guard !nodes.isEmpty else {
            throw invalid(member, "have length greater than or equal to 1")
        }
        guard nodes.count <= countMax else {
            throw invalid(member, "have length less than or equal to \(countMax)")
        }
        return try nodes.enumerated().map { place, node in
            try StatementInput(
                try RequestParameters(node, name), of: "\(member).\(place + 1).member.")
        }
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
