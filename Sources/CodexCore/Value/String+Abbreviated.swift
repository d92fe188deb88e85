extension String {
    /// The text for quotation in a message; long text becomes its beginning and an ellipsis.
    ///
    /// It is cut by bytes, because a single character may have any number of them. The cut is
    /// between two scalars.
    ///
    /// - Parameter byteCount: Most bytes of the text.
    /// - Returns: The text, or at most `byteCount` bytes of it and the ellipsis.
    /// - Complexity: O(*n*) in `byteCount`.
    package func abbreviated(byteCount: Int = 255) -> String {
        let bytes = utf8
        guard bytes.count > byteCount else { return self }
        var end = bytes.index(startIndex, offsetBy: byteCount)
        // Each byte of a scalar after the first begins with the bits 10.
        while end > startIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
