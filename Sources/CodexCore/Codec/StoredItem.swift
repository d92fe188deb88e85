/// An item in its stored form, which outlives its transaction.
///
/// It takes the memory of the encoding, which may be a thousandth of the decoded item.
package final class StoredItem: Sendable {
    private let bytes: [UInt8]
    /// The attributes of the item's key.
    private let keys: [AttributeMap.Element]
    /// The positions of the item's parts.
    private let layout: ItemLayout
    /// The names of the stored attributes, which ``layout`` does not retain.
    private let names: Shape
    /// The bytes that decoding the item goes through, including inflated values.
    package let inflatedByteCount: Int

    /// Creates an item from its encoding.
    ///
    /// - Parameters:
    ///   - bytes: The encoding.
    ///   - key: The encoded key.
    ///   - decoder: Decodes the key.
    ///   - shapes: The shapes of the store.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/unsupportedFormat``.
    package init(
        _ bytes: [UInt8], key: [UInt8], _ decoder: any KeyAttributeDecoder,
        shapes: any ShapeSource
    ) throws(CodexError) {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        self.layout = layout
        names = layout.shape
        inflatedByteCount = try layout.requireInflatable(bytes.span) + bytes.count
        keys = try decoder.keyAttributes(key.span)
        self.bytes = bytes
    }

    /// The item's header.
    package var header: ItemHeader { layout.header }

    /// The bytes of memory that the item takes: its encoding, and the names that it carries.
    ///
    /// - Complexity: O(*n*) in the number of those names.
    package var memoryByteCount: Int { bytes.count + layout.ownNamesByteCount }

    /// The decoded item, key attributes included.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n*) in the number of values at all depths.
    package func item() throws(CodexError) -> Item { try item(DecodingBudget()) }

    private func item(_ budget: DecodingBudget) throws(CodexError) -> Item {
        var budget = budget
        try budget.takeMemory(DecodedSize.array(of: AttributeMap.Element.self, layout.count))
        let bytes = bytes
        return try layout.item(bytes.span, keyAttributes: keys, budget: budget)
    }

    /// Writes the item in DynamoDB's typed JSON, without decoding its values into memory.
    ///
    /// - Parameters:
    ///   - memory: Reserves memory for inflated values. The memory of the item itself is reserved
    ///     already.
    ///   - take: Receives the JSON, part by part.
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``, and the errors of
    ///   `take`.
    package func writeTypedJSON(
        reserving memory: DecodedMemory, _ take: (Span<UInt8>) throws -> Void
    ) throws {
        let bytes = bytes
        let missing = ItemLayout.MissingKeys(keys, names)
        var budget = DecodingBudget(reserving: memory)
        // Text that is not ASCII is copied once more.
        try budget.takeMemory(bytes.count)
        let taken = budget
        guard !missing.areStoredToo else { return try item(taken).writeTypedJSON(take) }
        try withoutActuallyEscaping(take) { take in
            var writer = StoredItemJSONWriter(taken, take)
            _ = try writer.write(bytes.span, layout, missing)
        }
    }

    /// Whether a condition holds for the item; its lists, maps and sets are not decoded.
    ///
    /// The item is checked as a whole, as decoding would check it.
    ///
    /// - Parameters:
    ///   - condition: The condition, which is valid.
    ///   - steps: The remaining steps, as for ``Condition/evaluate(_:steps:)``.
    ///   - memory: Reserves memory for the item, and for what is inflated and decoded; `nil` if
    ///     memory is not counted.
    /// - Returns: Whether the condition holds, and the item's size as DynamoDB counts it. The
    ///   first is meaningless if `steps` is below zero.
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    package func evaluate(
        _ condition: Condition, steps: inout Int, reserving memory: DecodedMemory?
    ) throws(CodexError) -> (holds: Bool, byteCount: Int) {
        let bytes = bytes
        let missing = ItemLayout.MissingKeys(keys, names)
        var budget = DecodingBudget(reservingIfCounted: memory)
        // The item, and the values at the paths, which are copied.
        try budget.takeMemory(memoryByteCount + bytes.count)
        guard !missing.areStoredToo else {
            let item = try item(budget)
            return (condition.evaluate(item, steps: &steps), item.byteCount)
        }
        let paths = ConditionPaths(condition)
        var finder = StoredPathFinder(budget, pathCount: paths.count, keepsStarts: true)
        let byteCount = try finder.find(paths.tree, in: bytes.span, layout, missing)
        let input = try ConditionInput(paths, finder.values, finder.budget)
        return (input.satisfies(condition, steps: &steps), byteCount)
    }
}
