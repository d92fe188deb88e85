extension String {
    /// The text as a message quotes it: if it is long, its beginning and an ellipsis.
    ///
    /// It is cut by bytes, since a single character may have any number of them, and between two
    /// scalars.
    ///
    /// - Parameter byteCount: Most bytes of the text.
    /// - Returns: The text, or at most so many bytes of it and the ellipsis.
    /// - Complexity: O(*n*) in `byteCount`.
    package func abbreviated(byteCount: Int = 255) -> String {
        let bytes = utf8
        guard bytes.count > byteCount else { return self }
        var end = bytes.index(startIndex, offsetBy: byteCount)
        // The bytes of a scalar after its first begin with the bits 10.
        while end > startIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
