package import CodexCore

/// A counter's compiled definition, which maps items to groups.
package final class CounterPlan: Sendable {
    package let definition: CounterDefinition
    /// The attributes that determine an item's groups and its contribution to the sums.
    package let attributeNames: [String]
    private let encoder: GroupKeyEncoder

    init(_ definition: CounterDefinition) {
        self.definition = definition
        attributeNames = definition.group.map(\.name) + definition.sums
        encoder = GroupKeyEncoder(
            parts: definition.group.map { KeyPart(attribute: $0, isPartition: true) },
            multiValued: definition.multiValued, owner: "counter \(definition.name)")
    }

    /// The encoded groups of `item`.
    ///
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/keyTooLong``.
    package func groups(of item: Item) throws(CodexError) -> [[UInt8]] {
        try encoder.keys(of: item)
    }

    /// The encoding of a group's first values, with which every group with these values begins.
    ///
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/keyTooLong``.
    package func prefix(_ values: [AttributeValue]) throws(CodexError) -> [UInt8] {
        guard values.count <= encoder.parts.count else {
            throw CodexError(
                .invalidKey,
                "A group of \(encoder.owner) has \(encoder.parts.count) values, not \(values.count)."
            )
        }
        var key: [UInt8] = []
        for (part, value) in zip(encoder.parts, values) {
            try part.validate(value, owner: encoder.owner)
            OrderedKey.append(value, isLast: false, to: &key)
        }
        return key
    }

    /// The values of an encoded group.
    package func values(_ group: Span<UInt8>) throws(CodexError) -> [AttributeValue] {
        var position = 0
        return try TablePlan.decode(encoder.parts[...], group, &position, lastIsLast: false)
            .map(\.value)
    }
}
