package import CodexCore

/// Encodes the values of the attributes of an index key or a group.
///
/// Each element of the multi-valued attribute gives one key.
struct GroupKeyEncoder: Sendable {
    let parts: [KeyPart]
    let multiValued: String?
    let owner: String

    /// The encoded keys, ascending and distinct; empty if `item` lacks one of the attributes.
    func keys(of item: Item) throws(CodexError) -> [[UInt8]] {
        if multiValued == nil { return try key(of: item).map { [$0] } ?? [] }
        var keys: [[UInt8]] = [[]]
        for part in parts {
            guard let value = item[part.attribute.name] else {
                keys = []
                continue
            }
            // A value of a wrong type refuses the write even if another part is missing.
            guard let multiValued, ByteOrder.equal(multiValued, part.attribute.name),
                let elements = value.keyElements
            else {
                try part.validate(value, owner: owner)
                for position in keys.indices {
                    OrderedKey.append(value, isLast: false, to: &keys[position])
                }
                continue
            }
            guard elements.count <= StoreLimits.indexElementCountMax else {
                throw CodexError(
                    .invalidKey,
                    "The key attribute \(part.attribute.name) of \(owner) has \(elements.count) "
                        + "elements; \(StoreLimits.indexElementCountMax) are allowed.")
            }
            for element in elements { try part.validate(element, owner: owner) }
            keys = keys.flatMap { key in
                elements.map { element in
                    var key = key
                    OrderedKey.append(element, isLast: false, to: &key)
                    return key
                }
            }
        }
        guard keys.count > 1 else { return keys }
        keys.sort { $0.lexicographicallyPrecedes($1) }
        var distinct: [[UInt8]] = []
        for key in keys where key != distinct.last { distinct.append(key) }
        return distinct
    }
}

extension GroupKeyEncoder {
    /// The size that most index entries' keys do not exceed.
    private static let usualByteCount = 64

    /// The only key of an item; `nil` if it lacks one of the attributes.
    private func key(of item: Item) throws(CodexError) -> [UInt8]? {
        var key: [UInt8] = []
        key.reserveCapacity(Self.usualByteCount)
        var isWhole = true
        for part in parts {
            guard let value = item[part.attribute.name] else {
                isWhole = false
                continue
            }
            // A value of a wrong type refuses the write even if another part is missing.
            try part.validate(value, owner: owner)
            OrderedKey.append(value, isLast: false, to: &key)
        }
        return isWhole ? key : nil
    }
}

extension AttributeValue {
    /// The elements of a list or set, each for one entry of a multi-valued index; `nil` for other
    /// types.
    package var keyElements: [AttributeValue]? {
        switch self {
        case .list(let elements): elements
        case .stringSet(let set): set.members.map { .string($0) }
        case .numberSet(let set): set.members.map { .number($0) }
        case .binarySet(let set): set.members.map { .binary($0) }
        default: nil
        }
    }
}
