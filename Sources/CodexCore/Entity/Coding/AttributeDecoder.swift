/// Decodes `Codable` values from items; the inverse of ``AttributeEncoder``.
///
/// Attributes are decoded in place, as ``FieldReader`` does it: only those that the type reads. The
/// values in lists and maps are decoded from ``AttributeValue``s.
package enum AttributeDecoder {
    /// Decodes a value from an item.
    ///
    /// - Parameters:
    ///   - type: The value's type.
    ///   - reader: The item.
    ///   - templates: The key templates of the type's entity.
    /// - Returns: The value.
    /// - Throws: ``CodexError/Code/missingAttribute`` or ``CodexError/Code/typeMismatch`` with the
    ///   attribute's path; ``CodexError/Code/keyUnavailable`` for an encrypted attribute that is
    ///   required; ``CodexError/Code/corrupted``.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from reader: borrowing FieldReader,
        keys templates: [String: KeyTemplate]
    ) throws(CodexError) -> Value {
        let node = ItemDecodingNode(reader.source, reader.plan, templates)
        defer { node.close() }
        let value: Value
        do {
            value = try node.make(type)
        } catch {
            throw node.outcome(error)
        }
        if let damage = node.damage { throw damage }
        return value
    }
}
