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
        guard let (name, owner) = Self.parts(ofARN: text) else {
            throw ServiceError.validation(Messages.invalidARN(text))
        }
        (self.name, self.owner) = (name, owner)
    }

    /// The name and owner in an ARN such as `arn:aws:dynamodb:eu-west-1:123456789012:table/Music`.
    private static func parts(ofARN text: String) -> (name: String, owner: TableOwner)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "dynamodb", parts[5].hasPrefix("table/"),
            !parts[1].isEmpty, !parts[3].isEmpty, !parts[4].isEmpty
        else { return nil }
        let name = parts[5].dropFirst("table/".count)
        guard (3...255).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            return nil
        }
        return (
            String(name), TableOwner(region: String(parts[3]), account: String(parts[4]))
        )
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
