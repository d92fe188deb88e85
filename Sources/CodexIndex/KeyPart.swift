internal import CodexCore

/// An attribute of a key, with its limits.
struct KeyPart: Sendable {
    let attribute: KeyAttribute
    /// Whether the attribute belongs to the partition key and not to the sort key.
    let isPartition: Bool

    /// Checks that `value` is allowed in this part.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if the value is empty or of another type;
    ///   ``CodexError/Code/keyTooLong`` if it exceeds the limit.
    func validate(_ value: AttributeValue, owner: String) throws(CodexError) {
        guard value.type == attribute.type.attributeType else {
            throw CodexError(
                .invalidKey,
                "The key attribute \(attribute.name) of \(owner) has the type "
                    + "\(attribute.type.rawValue), not \(value.type.rawValue).",
                .keyType(attribute, value.type, owner: owner))
        }
        let count =
            switch value {
            case .string(let text): text.utf8.count
            case .binary(let data): data.count
            default: 1
            }
        guard count > 0 else {
            throw CodexError(
                .invalidKey, "The key attribute \(attribute.name) of \(owner) is empty.",
                .emptyKey(attribute, owner: owner))
        }
        let limit =
            isPartition
            ? DynamoDBLimits.partitionKeyByteCountMax : DynamoDBLimits.sortKeyByteCountMax
        guard count <= limit else {
            throw CodexError(
                .keyTooLong,
                "The key attribute \(attribute.name) of \(owner) has \(count) bytes; "
                    + "\(limit) are allowed.",
                .keySize(isPartition: isPartition))
        }
    }
}
