/// The canonical form C of text (NFC), and its lower case, by the tables of one Unicode version.
///
/// Keys in stores are made with it, so the result must be the same for all toolchains. Swift's own
/// comparison and `lowercased()` follow the version of Unicode that the toolchain has.
package enum Normalization {
    /// The text in the canonical form C, as Unicode Standard Annex 15 defines it.
    ///
    /// - Complexity: O(*n* log *n*) in the text's scalars; O(*n*) for text of few marks.
    package static func composed(_ text: String) -> String {
        isPlain(text) ? text : string(composed(codes(text)))
    }

    /// The composed text in lower case.
    ///
    /// The lower case is that of each scalar by itself (Unicode's full mappings, of no language).
    /// So Σ becomes σ at the end of a word too, and ς stays. İ becomes i and U+0307.
    ///
    /// - Complexity: As ``composed(_:)``.
    package static func folded(_ text: String) -> String { string(folded(codes(text))) }

    /// Whether the text has only scalars below U+0300, which are composed.
    static func isPlain(_ text: String) -> Bool {
        // The UTF-8 of U+0300 begins with 0xCC, and continuation bytes are below 0xC0.
        !text.utf8.contains { $0 >= 0xCC }
    }

    // MARK: Code points

    static func codes(_ text: some StringProtocol) -> [UInt32] {
        text.unicodeScalars.map { $0.value }
    }

    static func string(_ codes: some Sequence<UInt32>) -> String {
        String(String.UnicodeScalarView(codes.compactMap { Unicode.Scalar($0) }))
    }

    static func folded(_ codes: [UInt32]) -> [UInt32] {
        composed(lowered(composed(codes)))
    }

    static func composed(_ codes: [UInt32]) -> [UInt32] {
        var parts: [UInt32] = []
        parts.reserveCapacity(codes.count)
        for code in codes { decompose(code, into: &parts) }
        sortMarks(&parts)
        return composedPairs(parts)
    }

    private static func lowered(_ codes: [UInt32]) -> [UInt32] {
        let rows = LowerCaseTable.rows
        var result: [UInt32] = []
        result.reserveCapacity(codes.count)
        for code in codes {
            // The only scalar whose lower case has two.
            if code == 0x130 {
                result += [0x69, 0x307]
            } else if let row = CodePoints.row(of: code, in: rows, width: 4, isOfRanges: true),
                (code - rows[row]) % rows[row + 2] == 0
            {
                result.append(rows[row + 3] + (code - rows[row]))
            } else {
                result.append(code)
            }
        }
        return result
    }

    // MARK: Decomposition

    private static func decompose(_ code: UInt32, into parts: inout [UInt32]) {
        let (pairs, singletons) = (CanonicalPairTable.rows, CanonicalSingletonTable.rows)
        if code < 0xC0 {
            parts.append(code)
        } else if Hangul.decompose(code, into: &parts) {
            return
        } else if let row = CodePoints.row(of: code, in: pairs, width: 3, isOfRanges: false) {
            // The second part has no decomposition.
            decompose(pairs[row + 1], into: &parts)
            parts.append(pairs[row + 2])
        } else if let row = CodePoints.row(of: code, in: singletons, width: 2, isOfRanges: false) {
            decompose(singletons[row + 1], into: &parts)
        } else {
            parts.append(code)
        }
    }

    private static func combiningClass(of code: UInt32) -> UInt32 {
        let rows = CombiningClassTable.rows
        guard code >= 0x300,
            let row = CodePoints.row(of: code, in: rows, width: 3, isOfRanges: true)
        else { return 0 }
        return rows[row + 2]
    }

    /// Sorts each run of marks by combining class; marks of one class keep their order.
    private static func sortMarks(_ codes: inout [UInt32]) {
        var start = 0
        while start < codes.count {
            var end = start
            while end < codes.count, combiningClass(of: codes[end]) != 0 { end += 1 }
            if end - start > 1 {
                // Swift's sort does not promise to be stable.
                let marks = codes[start..<end].enumerated().map { mark in
                    (order: combiningClass(of: mark.element), offset: mark.offset, mark.element)
                }
                let sorted = marks.sorted { left, right in
                    (left.order, left.offset) < (right.order, right.offset)
                }
                codes.replaceSubrange(start..<end, with: sorted.map { $0.2 })
            }
            start = end + 1
        }
    }

    // MARK: Composition

    /// The composed code points by their two parts, the first in the upper half.
    private static let composites: [UInt64: UInt32] = {
        let (rows, excluded) = (CanonicalPairTable.rows, Set(CanonicalPairTable.excluded))
        var composites: [UInt64: UInt32] = [:]
        for row in stride(from: 0, to: rows.count, by: 3) where !excluded.contains(rows[row]) {
            composites[Normalization.pair(rows[row + 1], rows[row + 2])] = rows[row]
        }
        return composites
    }()

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) << 32 | UInt64(second)
    }

    /// Composes each starter with the marks and starters that nothing blocks from it.
    private static func composedPairs(_ codes: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(codes.count)
        var starter: Int?
        var lastClass: UInt32 = 0
        for code in codes {
            let order = combiningClass(of: code)
            if let starter, lastClass < order || starter + 1 == result.count,
                let whole = Hangul.composite(result[starter], code)
                    ?? composites[pair(result[starter], code)]
            {
                result[starter] = whole
                continue
            }
            if order == 0 { starter = result.count }
            lastClass = order
            result.append(code)
        }
        return result
    }
}

/// The syllables of Hangul, whose canonical forms are computed (Unicode Standard, 3.12).
private enum Hangul {
    static let syllable: UInt32 = 0xAC00
    static let leading: UInt32 = 0x1100
    static let vowel: UInt32 = 0x1161
    /// One before the first trailing consonant, since a syllable may have none.
    static let trailing: UInt32 = 0x11A7
    static let leadingCount: UInt32 = 19
    static let vowelCount: UInt32 = 21
    static let trailingCount: UInt32 = 28

    static func isSyllable(_ code: UInt32) -> Bool {
        code >= syllable && code - syllable < leadingCount * vowelCount * trailingCount
    }

    /// Appends the parts of a syllable.
    ///
    /// - Returns: Whether the code point is a syllable.
    static func decompose(_ code: UInt32, into parts: inout [UInt32]) -> Bool {
        guard isSyllable(code) else { return false }
        let index = code - syllable
        parts.append(leading + index / (vowelCount * trailingCount))
        parts.append(vowel + index / trailingCount % vowelCount)
        if index % trailingCount > 0 { parts.append(trailing + index % trailingCount) }
        return true
    }

    /// The syllable of two parts, or `nil`.
    static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= leading, first - leading < leadingCount, second >= vowel,
            second - vowel < vowelCount
        {
            return syllable + ((first - leading) * vowelCount + second - vowel) * trailingCount
        }
        guard isSyllable(first), (first - syllable) % trailingCount == 0, second > trailing,
            second - trailing < trailingCount
        else { return nil }
        return first + (second - trailing)
    }
}
