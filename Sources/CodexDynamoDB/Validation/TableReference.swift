/// A table as requests name it: by its name or by its ARN.
struct TableReference: Sendable {
    /// The table's name.
    let name: String
    /// The name or ARN in the request.
    ///
    /// Responses repeat it: "ConsumedCapacity" and "BatchGetItem" in DynamoDB's API reference.
    let text: String
    /// The owner in the ARN; `nil` for a name.
    let owner: TableOwner?

    /// What each ARN begins with.
    static let prefix = "arn:"

    /// Reads a table's name or its ARN.
    ///
    /// The characters of a name were checked by ``RequestChecker``.
    ///
    /// - Throws: `ValidationException` if it begins as an ARN, and is not that of a table.
    init(_ text: String) throws {
        self.text = text
        guard text.hasPrefix(Self.prefix) else {
            (name, owner) = (text, nil)
            return
        }
        guard let arn = TableARN(text), arn.namesTable else {
            throw ServiceError.validation(Messages.invalidARN(text))
        }
        (name, owner) = (arn.table, arn.owner)
    }

    /// Whether a byte may stand in the name of a table or index.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
        }
    }
}

/// The region and account of a table.
struct TableOwner: Sendable, Hashable {
    let region: String
    let account: String
}

extension RequestParameters {
    /// The request's table.
    func table() throws -> TableReference {
        try TableReference(try requiredString("TableName"))
    }
}
