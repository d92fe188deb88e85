// Text that is stored as a rule (`TextRule`): the shape has the rule, and the rest of the item and
// its key have the text.
extension ItemLayout {
    /// Appends the text of an attribute that is stored as a rule.
    ///
    /// - Parameters:
    ///   - bytes: The item's encoding.
    ///   - position: The position of the attribute, whose value begins with the tag of a rule.
    ///   - text: Gets the bytes of the text. They are not checked to be UTF-8.
    ///   - appendKey: Appends the text of a key attribute.
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of `appendKey`.
    /// - Complexity: O(*n*) for *n* bytes of the text.
    @inline(never)
    func appendText(
        _ bytes: Span<UInt8>, _ position: Int, to text: inout [UInt8],
        _ appendKey: (_ name: String, _ text: inout [UInt8]) throws(CodexError) -> Void
    ) throws(CodexError) {
        let value = try range(bytes, position)
        guard value.end == value.start + 1,
            let rule = TextRule.find(bytes[value.start], at: position, in: shape.rules)
        else { throw Wire.corrupted("a value has a rule that its shape does not have") }
        let limit = text.count + TextRule.byteCountMax
        text.reserveCapacity(text.count + 64)
        for piece in rule.pieces {
            switch piece {
            case .literal(let literal): text.append(contentsOf: literal)
            case .attribute(let source, let dropped):
                let (start, end) = try range(bytes, source)
                guard bytes[start] == ValueCodec.Tag.string.rawValue, dropped < end - start,
                    end - start <= TextRule.byteCountMax + 1
                else { throw Wire.corrupted("a rule reads what is no text, or not long enough") }
                let part = bytes.extracting((start + 1 + dropped)..<end)
                unsafe part.withUnsafeBufferPointer { unsafe text.append(contentsOf: $0) }
            case .key(let name, let dropped):
                let start = text.count
                try appendKey(name, &text)
                guard dropped <= text.count - start else {
                    throw Wire.corrupted("a rule reads a part of a key that is not long enough")
                }
                text.removeSubrange(start..<(start + dropped))
            }
            guard text.count <= limit else {
                throw Wire.corrupted("a text by rule is longer than a key can be")
            }
        }
    }

    /// Appends the text of one of the attributes of a key.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the key has no such text.
    static func appendKey(
        _ name: String, of keys: [AttributeMap.Element], to text: inout [UInt8]
    ) throws(CodexError) {
        let element = keys.first { ByteOrder.equal($0.name, name) }
        guard case .string(let key)? = element?.value else {
            throw Wire.corrupted("a rule reads text that the key does not have")
        }
        Wire.appendBytes(of: key, to: &text)
    }

    /// The encoding of a text that is stored as a rule: the value as it would be without the rule.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    func ruledValue(
        _ bytes: Span<UInt8>, _ position: Int, _ keys: [AttributeMap.Element],
        _ budget: inout DecodingBudget
    ) throws(CodexError) -> [UInt8] {
        var value: [UInt8] = [ValueCodec.Tag.string.rawValue]
        try appendText(bytes, position, to: &value) { name, text throws(CodexError) in
            try Self.appendKey(name, of: keys, to: &text)
        }
        try budget.takeMemory(value.count + DecodedSize.header)
        return value
    }

    /// The decoded text that is stored as a rule.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    @inline(never)
    func ruledText(
        _ bytes: Span<UInt8>, _ position: Int, _ keys: [AttributeMap.Element],
        _ budget: inout DecodingBudget
    ) throws(CodexError) -> AttributeValue {
        let value = try ruledValue(bytes, position, keys, &budget)
        try budget.takeMemory(DecodedSize.text(value.count - 1))
        return .string(try Wire.string(value.span, 1, value.count))
    }
}
