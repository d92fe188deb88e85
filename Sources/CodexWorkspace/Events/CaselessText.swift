/// Text of a pattern that is compared without regard to case, as Event Ruler compares it.
///
/// Each character of the pattern stands for its lower and its upper case. The case of the event's
/// characters is not changed. So the pattern `ß` also matches `SS`, and the pattern `SS` does not
/// match `ß`.
///
/// Event Ruler compares the characters of the Basic Multilingual Plane alone in this way; here all
/// characters are compared so. No case of a character begins or ends with the other one, so there
/// is one way to compare.
struct CaselessText: Sendable, Hashable {
    /// The UTF-8 bytes of a character's two cases.
    private struct Letter: Sendable, Hashable {
        let lower: [UInt8]
        let upper: [UInt8]

        init(_ scalar: Unicode.Scalar) {
            lower = Array(scalar.properties.lowercaseMapping.utf8)
            upper = Array(scalar.properties.uppercaseMapping.utf8)
        }

        var byteCountMax: Int { max(lower.count, upper.count) }

        /// The number of bytes that the letter takes at the beginning.
        func byteCount(atStartOf bytes: ArraySlice<UInt8>) -> Int? {
            if bytes.starts(with: lower) { return lower.count }
            return bytes.starts(with: upper) ? upper.count : nil
        }

        /// The number of bytes that the letter takes at the end.
        func byteCount(atEndOf bytes: ArraySlice<UInt8>) -> Int? {
            if bytes.suffix(lower.count).elementsEqual(lower) { return lower.count }
            return bytes.suffix(upper.count).elementsEqual(upper) ? upper.count : nil
        }
    }

    private let letters: [Letter]
    /// The most bytes that text of the event has if it matches as a whole.
    private let byteCountMax: Int

    init(_ text: String) {
        letters = text.unicodeScalars.map { Letter($0) }
        byteCountMax = letters.reduce(0) { $0 + $1.byteCountMax }
    }

    /// Whether the pattern matches the whole text.
    ///
    /// - Complexity: O(*m*) for *m* bytes of the pattern, as that of the other comparisons.
    func equals(_ text: String) -> Bool {
        guard text.utf8.count <= byteCountMax else { return false }
        return rest(of: Array(text.utf8))?.isEmpty ?? false
    }

    /// Whether the pattern matches the beginning of the text.
    func isPrefix(of text: String) -> Bool {
        rest(of: Array(text.utf8.prefix(byteCountMax))) != nil
    }

    /// Whether the pattern matches the end of the text.
    func isSuffix(of text: String) -> Bool {
        var rest = Array(text.utf8.suffix(byteCountMax))[...]
        for letter in letters.reversed() {
            guard let count = letter.byteCount(atEndOf: rest) else { return false }
            rest = rest.dropLast(count)
        }
        return true
    }

    /// What follows the pattern in text that begins with it.
    private func rest(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var rest = bytes[...]
        for letter in letters {
            guard let count = letter.byteCount(atStartOf: rest) else { return nil }
            rest = rest.dropFirst(count)
        }
        return rest
    }
}
