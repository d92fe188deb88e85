extension Number: Codable {
    /// Decodes decimal text, as ``init(parsing:)`` reads it, or an integer of up to 64 bits.
    ///
    /// A fraction that is not text is refused: a decoder may have rounded it.
    ///
    /// - Throws: `DecodingError`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let integer = try? container.decode(Int64.self) {
            self.init(integer)
            return
        }
        if let integer = try? container.decode(UInt64.self) {
            self.init(integer)
            return
        }
        let text = try container.decode(String.self)
        do throws(CodexError) {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: container.codingPath, debugDescription: error.message,
                    underlyingError: error))
        }
    }

    /// Encodes the canonical decimal text, which is the ``description``.
    ///
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
